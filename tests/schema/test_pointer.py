"""JSON Pointer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.schema import escape, join, resolve
from orchestra_tools.schema.pointer import split

DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT), ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%25d", 2), ("/e%5Ef", 3),
        ("/g%7Ch", 4), ("/i%5Cj", 5), ("/k%22l", 6), ("/%20", 7), ("/m~0n", 8),
    ],
)  # fmt: skip
def test_the_examples_of_the_specification_hold(pointer: str, value: Any) -> None:
    """RFC 6901, 6: as URI fragments."""
    assert resolve(DOCUMENT, pointer) == value


@pytest.mark.parametrize(
    "pointer", ["foo", "/nope", "/foo/2", "/foo/-", "/foo/01", "/foo/-1", "/foo/x", "/a~1b/c", "#/foo"]
)
def test_what_leads_nowhere_is_a_lookup_error(pointer: str) -> None:
    with pytest.raises(LookupError):
        resolve(DOCUMENT, pointer)


@settings(deadline=None)
@given(st.lists(st.text()))
def test_splitting_undoes_joining(tokens: list[str]) -> None:
    assert split(join(tokens)) == tokens
    assert join(tokens) == "".join(f"/{escape(token)}" for token in tokens)
