"""How good the search is on requests as people word them, answerable and not.

The set was written from the list of operations, before the search was tried on it; thresholds were set on one half.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.discovery import Finder

QUERIES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("queries.json").read_text("utf-8"))["queries"]
ANSWERABLE = [query for query in QUERIES if query["accept"]]
UNANSWERABLE = [query for query in QUERIES if not query["accept"]]


def is_found(finder: Finder, query: dict[str, Any], *, top: int) -> bool:
    names = [card.name for card in finder.find(query["text"], limit=top).cards]
    return any(fnmatchcase(name, pattern) for name in names for pattern in query["accept"])


def test_the_set_is_large_enough_to_mean_something() -> None:
    assert len(ANSWERABLE) >= 40
    assert len(UNANSWERABLE) >= 10
    assert len({query["text"] for query in QUERIES}) == len(QUERIES)


@pytest.mark.parametrize("half", [0, 1])
def test_nine_of_ten_requests_find_a_fitting_tool_among_three(packaged: Finder, half: int) -> None:
    queries = ANSWERABLE[half::2]
    missed = [query["text"] for query in queries if not is_found(packaged, query, top=3)]
    assert len(missed) <= 0.1 * len(queries), missed


@pytest.mark.parametrize("half", [0, 1])
def test_four_of_five_requests_that_fit_nothing_are_said_to_fit_nothing(packaged: Finder, half: int) -> None:
    queries = UNANSWERABLE[half::2]
    taken_in = [query["text"] for query in queries if packaged.find(query["text"]).confidence == "good"]
    assert len(taken_in) <= 0.2 * len(queries), taken_in


@pytest.mark.parametrize("half", [0, 1])
def test_doubt_is_the_exception_where_there_is_an_answer(packaged: Finder, half: int) -> None:
    """Else "weak" for everything would pass the test above."""
    queries = ANSWERABLE[half::2]
    doubted = [query["text"] for query in queries if packaged.find(query["text"]).confidence != "good"]
    assert len(doubted) <= 0.2 * len(queries), doubted


def test_every_accepted_pattern_names_a_tool(packaged_tools: dict[str, Any]) -> None:
    patterns = {pattern for query in ANSWERABLE for pattern in query["accept"]}
    assert [each for each in patterns if not any(fnmatchcase(name, each) for name in packaged_tools)] == []
