"""The index: what it finds, what it does not, and that it keeps up."""

from __future__ import annotations

import threading

import pytest

from orchestra_tools.discovery import Document, Index
from orchestra_tools.errors import ConfigurationError


def keys(index: Index, query: str) -> list[str]:
    return [hit.key for hit in index.search(query)]


def test_a_prefix_that_all_names_share_does_not_match_everything() -> None:
    """pydantic-ai #4994, first case."""
    names = ["create_issue", "list_pull_requests", "merge_branch", "add_label", "fork_repository"]
    index = Index(Document(f"github_{name}", f"github_{name}") for name in names)
    assert keys(index, "github merge") == ["github_merge_branch"]


def test_a_word_does_not_match_inside_another() -> None:
    """pydantic-ai #4994, second case: "me" is no comment."""
    index = Index([Document("comment", "add_comment"), Document("remember", "remember")])
    assert keys(index, "me") == []
    assert keys(index, "men") == []


def test_forms_of_a_word_are_one_word() -> None:
    index = Index([Document("a", "forecast_price"), Document("b", "other"), Document("c", "third")])
    assert keys(index, "forecasting prices") == ["a"]


def test_a_name_says_more_than_a_description_and_that_more_than_a_parameter() -> None:
    filler = [Document(f"filler{n}", f"filler{n}") for n in range(10)]
    found = [
        Document("parameter", "one", parameters="weather"),
        Document("description", "two", description="weather"),
        Document("name", "weather"),
    ]
    assert keys(Index([*found, *filler]), "weather") == ["name", "description", "parameter"]


def test_a_query_that_names_a_subnet_finds_its_tools() -> None:
    index = Index(
        Document(f"sn{n}_search", "search", subnet=f"SN{n} {name}")
        for n, name in [(1, "Apex"), (22, "Desearch"), (3, "τ")]
    )
    for query in ("SN22", "subnet 22", "Desearch", "sn22_search"):
        assert keys(index, query)[0] == "sn22_search"


@pytest.mark.parametrize("query", ['"', "' OR 1=1 --", "NEAR(a b)", "name:x", "a* AND", "^x", "{", "()", "\x00", "😀"])
def test_query_syntax_is_only_text(query: str) -> None:
    index = Index([Document("a", "alpha"), Document("b", "beta")])
    assert keys(index, f"{query} alpha") == ["a"]


def test_an_empty_index_and_an_empty_query_find_nothing() -> None:
    assert keys(Index(), "search") == []
    assert keys(Index([Document("a", "alpha")]), "the of ?") == []


def test_an_update_replaces_adds_and_removes() -> None:
    index = Index([Document("a", "alpha"), Document("b", "beta"), Document("c", "gamma")])
    index.update([Document("a", "omega"), Document("d", "delta")], removed=["b", "unknown"])
    assert keys(index, "alpha beta") == []
    assert sorted(keys(index, "omega delta gamma")) == ["a", "c", "d"]
    assert len(index) == 3
    assert "b" not in index


def test_an_updated_index_answers_like_a_new_one() -> None:
    documents = [Document(f"k{n}", f"name {n % 7}", description=f"word{n % 5} text") for n in range(60)]
    updated = Index(documents[:40])
    updated.update(documents[30:], removed=["k3"])
    fresh = Index(document for document in documents if document.key != "k3")
    for query in ("word1", "name 3 word4", "text 5"):
        assert {hit.key: hit.score for hit in updated.search(query)} == pytest.approx(
            {hit.key: hit.score for hit in fresh.search(query)}
        )


def test_a_failed_update_changes_nothing() -> None:
    index = Index([Document("a", "alpha")])
    broken = Document("b", "beta", description=None)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises((TypeError, AttributeError)):
        index.update([Document("a", "changed"), broken])
    assert keys(index, "alpha") == ["a"]


def test_passed_over_keys_do_not_use_up_the_limit() -> None:
    index = Index(Document(f"k{n}", "search" if n < 5 else "other") for n in range(20))
    hits = index.search("search", limit=2, accept=lambda key: key in ("k3", "k4"))
    assert [hit.key for hit in hits] == ["k3", "k4"]


def test_the_cache_of_stems_may_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra_tools.discovery.index._MAX_CACHED", 3)
    index = Index([Document("a", "running"), Document("b", "beta"), Document("c", "gamma")])
    for number in range(5):
        assert index.stems(["running", "runs", f"word{number}", "walks"])["running"] == "run"
        assert keys(index, "runs") == ["a"]


def test_threads_share_an_index() -> None:
    index = Index(Document(f"k{n}", f"name{n}") for n in range(50))
    problems: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(20):
                index.update([Document(f"t{number}", f"thread{number} turn{turn}")])
                assert keys(index, f"thread{number}") == [f"t{number}"]
        except Exception as error:  # noqa: BLE001  # reported by the main thread
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(index) == 54


def test_a_python_without_full_text_search_is_told_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra_tools.discovery.index._SCHEMA", "CREATE VIRTUAL TABLE t USING fts99(x)")
    with pytest.raises(ConfigurationError, match="FTS5"):
        Index()
