"""Words of names and requests."""

import pytest

from orchestra_tools.discovery.text import STOP_WORDS, query_words, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sn22_web_search", ["sn22", "web", "search"]),
        ("getWebPage", ["get", "web", "page", "getwebpage"]),
        ("HTTPServer", ["http", "server", "httpserver"]),
        ("v2/insights.lp-bounds", ["v2", "insights", "lp", "bounds"]),
        ("YouTube", ["tube", "youtube"]),
        ("GPU", ["gpu"]),
        ("the ＡＩ search", ["ai", "search"]),
        ("", []),
        ("... !?", []),
    ],
)
def test_names_are_split_into_the_words_people_search_with(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize("text", ["SN22", "sn22", "sn 22", "subnet 22", "Subnet #22", "netuid-22"])
def test_a_subnet_is_one_word_however_it_is_written(text: str) -> None:
    assert query_words(f"search on {text}") == ["search", "sn22"]


def test_a_query_word_counts_once_and_stop_words_not_at_all() -> None:
    assert query_words("search the web, search IT") == ["search", "web"]
    assert "me" in STOP_WORDS


def test_x_is_a_word_because_it_is_the_name_of_a_platform() -> None:
    assert query_words("posts on X") == ["posts", "x"]
