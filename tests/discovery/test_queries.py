"""How good the search is on requests as people word them, answerable and not.

The requests were written from the list of operations, before the search was tried on them. Whatever was set by
measurement was set on those marked "tune"; the figures that count are those of the others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.compile import Tool
from orchestra_tools.discovery import Finder, Index, document_of

QUERIES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("queries.json").read_text("utf-8"))["queries"]
TUNE = [query for query in QUERIES if query["split"] == "tune"]
HELD_OUT = [query for query in QUERIES if query["split"] == "held out"]


def found(finder: Finder, queries: Sequence[Mapping[str, Any]], *, top: int) -> float:
    """The share of answerable requests with a right tool among the first."""
    answerable = [query for query in queries if query["relevant"]]
    cards = [{card.name for card in finder.find(query["text"], limit=top).cards} for query in answerable]
    return sum(
        bool(names.intersection(query["relevant"])) for names, query in zip(cards, answerable, strict=True)
    ) / len(answerable)


def said(finder: Finder, queries: Sequence[Mapping[str, Any]]) -> dict[tuple[str, bool], float]:
    """How often each confidence was said: of the requests that have an answer (True), and of those that have none."""
    counts = Counter((finder.find(query["text"]).confidence, bool(query["relevant"])) for query in queries)
    totals = Counter(bool(query["relevant"]) for query in queries)
    return {(word, has): counts[word, has] / totals[has] for word in ("good", "weak", "none") for has in (True, False)}


def test_the_set_is_large_enough_to_mean_something(packaged_tools: Mapping[str, Tool]) -> None:
    assert len(QUERIES) >= 150
    for half in (TUNE, HELD_OUT):
        assert 0.2 <= sum(not query["relevant"] for query in half) / len(half) <= 0.3
    assert len({query["text"] for query in QUERIES}) == len(QUERIES) == len(TUNE) + len(HELD_OUT)
    assert {name for query in QUERIES for name in query["relevant"]} <= set(packaged_tools)


def test_by_words_most_requests_find_a_fitting_tool_among_five(packaged: Finder) -> None:
    assert found(packaged, TUNE, top=5) >= 0.88
    assert found(packaged, HELD_OUT, top=5) >= 0.65


@pytest.mark.parametrize("queries", [TUNE, HELD_OUT], ids=["tune", "held out"])
def test_by_words_good_means_good_and_nothing_is_seldom_said_in_vain(
    packaged: Finder, queries: Sequence[Mapping[str, Any]]
) -> None:
    shares = said(packaged, queries)
    assert shares["good", False] <= 0.15
    assert shares["none", True] <= 0.05
    assert shares["good", True] >= 0.5


@pytest.mark.slow  # real weights
def test_by_meaning_more_is_found_and_more_is_sure(packaged: Finder, packaged_tools: Mapping[str, Tool]) -> None:
    from orchestra_tools.discovery.semantic import MeaningIndex, open_embedder

    documents = [document_of(tool) for tool in packaged_tools.values()]
    meaning = MeaningIndex(open_embedder("minilm"))
    meaning.update(documents)
    meaning.embed_pending()
    finder = Finder(Index(documents), packaged_tools, meaning=meaning)
    assert found(finder, HELD_OUT, top=5) >= max(0.8, found(packaged, HELD_OUT, top=5) + 0.1)
    by_words, shares = said(packaged, HELD_OUT), said(finder, HELD_OUT)
    assert shares["good", True] >= by_words["good", True] + 0.1
    assert shares["none", False] >= by_words["none", False] + 0.1
    assert shares["good", False] <= 0.2
    assert shares["none", True] <= 0.1
