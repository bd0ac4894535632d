"""The closed vocabulary of capabilities."""

import pytest

from orchestra_tools.discovery import Vocabulary, packaged_vocabulary
from orchestra_tools.errors import UnknownCapabilityError


def test_every_packaged_term_has_one_sentence() -> None:
    assert len(packaged_vocabulary()) > 10
    for term, sentence in packaged_vocabulary().items():
        assert term == term.lower()
        assert sentence.endswith(".")


def test_a_known_term_passes() -> None:
    assert packaged_vocabulary().check("web_search") == "web_search"


@pytest.mark.parametrize("term", ["websearch", "web-search", "Web Search", "search"])
def test_an_unknown_term_is_answered_with_the_nearest(term: str) -> None:
    with pytest.raises(UnknownCapabilityError, match="web_search") as caught:
        packaged_vocabulary().check(term)
    assert caught.value.facts["capability"] == term


def test_a_term_like_no_other_is_answered_with_all() -> None:
    vocabulary = Vocabulary({"web_search": "Finds.", "chat": "Talks."})
    with pytest.raises(UnknownCapabilityError, match="chat, web_search"):
        vocabulary.check("qqqqqqqq")


def test_a_star_selects_all_terms_that_begin_so() -> None:
    vocabulary = Vocabulary({"web_search": "Finds.", "web_crawl": "Reads.", "chat": "Talks."})
    assert vocabulary.select("web_*") == ("web_search", "web_crawl")
    assert vocabulary.select("chat") == ("chat",)
    with pytest.raises(UnknownCapabilityError):
        vocabulary.select("news_*")


def test_a_private_term_does_not_hide_the_sentence_of_a_known_one() -> None:
    extended = Vocabulary({"chat": "Talks."}).extended(["chat", "dowsing"])
    assert dict(extended) == {"chat": "Talks.", "dowsing": ""}
