"""What a difference does to callers is said only where it is certain."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.compile import compare_values
from orchestra_tools.updates.breaking import Verdict, judge, worst

OPEN = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = OPEN | {"additionalProperties": False}


def verdict(field: str, before: Any, now: Any) -> Verdict:
    old, new = {field: before}, {field: now}
    found = compare_values(old, new)
    assert found
    return worst(judge(each, old, new) for each in found)


def with_(schema: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return schema | {"properties": schema["properties"] | {name: value for name, value in changes.items() if value}}


def without(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    return schema | {"properties": {name: each for name, each in schema["properties"].items() if name not in names}}


B = {"type": "integer"}
BOUND = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maxLength": 5}}}


@pytest.mark.parametrize(
    ("before", "now", "inward", "outward"),
    [
        (CLOSED, with_(CLOSED, b=B), "compatible", "breaking"),
        (OPEN, with_(OPEN, b=B), "undecided", "compatible"),
        (CLOSED, with_(CLOSED, b=B) | {"required": ["a", "b"]}, "breaking", "breaking"),
        (OPEN, with_(OPEN, b=B) | {"required": ["a", "b"]}, "breaking", "compatible"),
        (with_(CLOSED, b=B), CLOSED, "breaking", "undecided"),
        (with_(OPEN, b=B), OPEN, "undecided", "undecided"),
        (OPEN, without(OPEN, "a") | {"required": []}, "undecided", "breaking"),
        (OPEN, OPEN | {"required": []}, "compatible", "breaking"),
        (OPEN, with_(OPEN, a={"type": ["string", "null"]}), "compatible", "breaking"),
        (with_(OPEN, a={"type": ["string", "null"]}), OPEN, "breaking", "compatible"),
        (OPEN, with_(OPEN, a={"type": "integer"}), "undecided", "undecided"),
        (with_(OPEN, b=B), with_(OPEN, b={"type": "number"}), "undecided", "undecided"),
        (OPEN, with_(OPEN, a={"type": "string", "enum": ["x"]}), "breaking", "compatible"),
        (with_(OPEN, a={"enum": ["x"]}), with_(OPEN, a={"enum": ["x", "y"]}), "compatible", "breaking"),
        (with_(OPEN, a={"enum": ["x", "y"]}), with_(OPEN, a={"enum": ["x", "z"]}), "undecided", "undecided"),
        (with_(OPEN, a={"enum": ["x", "y"]}), with_(OPEN, a={"enum": ["y", "x"]}), "text", "text"),
        (BOUND, with_(BOUND, n={"type": "integer", "minimum": 0, "maxLength": 5}), "compatible", "breaking"),
        (BOUND, with_(BOUND, n={"type": "integer", "minimum": 2, "maxLength": 5}), "breaking", "compatible"),
        (BOUND, with_(BOUND, n={"type": "integer", "minimum": 1, "maxLength": 6}), "compatible", "breaking"),
        (BOUND, with_(BOUND, n={"type": "integer", "minimum": 1}), "compatible", "breaking"),
        (OPEN, with_(OPEN, a={"type": "string", "maxLength": 3}), "breaking", "compatible"),
        (OPEN, with_(OPEN, a={"type": "string", "maxLength": "3"}), "breaking", "compatible"),
        (BOUND, with_(BOUND, n={"type": "integer", "minimum": "2", "maxLength": 5}), "undecided", "undecided"),
        (with_(OPEN, b={"type": ["number", "null"]}), with_(OPEN, b={"type": ["integer"]}), "undecided", "undecided"),
        (OPEN, with_(OPEN, a={"type": "string", "pattern": "x"}), "undecided", "undecided"),
        (OPEN, with_(OPEN, a={"type": "string", "default": "x"}), "undecided", "undecided"),
        (OPEN, with_(OPEN, a={"type": "string", "description": "x"}), "text", "text"),
        (OPEN, OPEN | {"description": "x"}, "text", "text"),
        (OPEN, OPEN | {"anyOf": [{}]}, "undecided", "undecided"),
        ({"anyOf": [{"title": "a"}]}, {"anyOf": [{"title": "b"}]}, "text", "text"),
        ({"default": {"title": "a"}}, {"default": {"title": "b"}}, "undecided", "undecided"),
        ({"not": OPEN}, {"not": OPEN | {"required": []}}, "undecided", "undecided"),
        (OPEN | {"not": {}}, with_(OPEN | {"not": {}}, b=B), "undecided", "undecided"),
        ({"items": CLOSED}, {"items": with_(CLOSED, b=B)}, "compatible", "breaking"),
        ({"$defs": {"x": CLOSED}}, {"$defs": {"x": with_(CLOSED, b=B)}}, "compatible", "breaking"),
        ({"additionalProperties": {"minimum": 1}}, {"additionalProperties": {"minimum": 2}}, "breaking", "compatible"),
        (
            CLOSED | {"patternProperties": {"b": {"minimum": 1}}},
            CLOSED | {"patternProperties": {"b": {"minimum": 2}}},
            "undecided",
            "undecided",
        ),
    ],
)  # fmt: skip
def test_direction_decides(before: Any, now: Any, inward: str, outward: str) -> None:
    """What goes in may be widened, what comes out may be narrowed."""
    assert (verdict("input_schema", before, now).value, verdict("output_schema", before, now).value) == (
        inward,
        outward,
    )


def test_an_output_that_is_documented_now_was_anything_before() -> None:
    assert verdict("output_schema", None, OPEN) is Verdict.COMPATIBLE
    assert verdict("output_schema", OPEN, None) is Verdict.BREAKING
    assert verdict("input_schema", None, OPEN) is Verdict.UNDECIDED


def test_words_break_nobody_and_addresses_may() -> None:
    for field in ("title", "description", "notes", "docs_url", "capabilities"):
        assert verdict(field, "a", "b") is Verdict.TEXT
    assert verdict("endpoint", {"path": "/a"}, {"path": "/b"}) is Verdict.UNDECIDED
    assert verdict("auth", None, {"scheme": "api_key"}) is Verdict.UNDECIDED


def test_what_is_not_decided_is_neither_true_nor_false() -> None:
    assert [each.breaking for each in Verdict] == [False, False, True, None]
    assert worst([]) is Verdict.TEXT
    assert worst([Verdict.COMPATIBLE, Verdict.UNDECIDED, Verdict.TEXT]) is Verdict.UNDECIDED
    assert worst([Verdict.UNDECIDED, Verdict.BREAKING]) is Verdict.BREAKING


LEAVES = st.one_of(
    st.fixed_dictionaries({}, optional={"type": st.sampled_from(["string", "integer", "number", ["string", "null"]])}),
    st.fixed_dictionaries(
        {"type": st.just("integer")}, optional={"minimum": st.integers(0, 2), "maximum": st.integers(0, 2)}
    ),
    st.fixed_dictionaries({"enum": st.lists(st.sampled_from([None, 1, "x", "y"]), min_size=1, unique_by=repr)}),
    st.fixed_dictionaries({"type": st.just("string")}, optional={"maxLength": st.integers(0, 2), "title": st.text()}),
)
SCHEMAS = st.fixed_dictionaries(
    {
        "type": st.just("object"),
        "properties": st.dictionaries(st.sampled_from(["a", "b"]), LEAVES),
        "required": st.lists(st.sampled_from(["a", "b"]), unique=True),
    },
    optional={"additionalProperties": st.just(False), "not": st.just({"required": ["b"]})},
)


@st.composite
def versions(draw: st.DrawFn) -> tuple[Any, Any]:
    """A schema, and a later one that keeps some of it."""
    before, other = draw(SCHEMAS), draw(SCHEMAS)
    keys = dict.fromkeys((*before, *other))
    now = {key: each[key] for key in keys if key in (each := draw(st.sampled_from((before, before, other))))}
    names = dict.fromkeys((*before["properties"], *other["properties"]))
    choices = {name: draw(st.sampled_from((before, before, other)))["properties"] for name in names}
    properties = {name: chosen[name] for name, chosen in choices.items() if name in chosen}
    return before, {"type": "object", "required": [], **now, "properties": properties}


VALUES = [None, 0, 1, 2, 1.5, "", "x", "y", "xyz"]
INSTANCES = [
    {name: value for name, value in (("a", a), ("b", b)) if value != "absent"}
    for a in [*VALUES, "absent"]
    for b in [*VALUES, "absent"]
]


@settings(deadline=None)
@given(versions())
def test_nothing_is_called_harmless_that_is_not(versions: tuple[Any, Any]) -> None:
    """Whatever callers sent is still taken; whatever comes back is what they know."""
    before, now = versions
    if before == now:
        return
    old, new = jsonschema_rs.validator_for(before), jsonschema_rs.validator_for(now)
    harmless = (Verdict.TEXT, Verdict.COMPATIBLE)
    if verdict("input_schema", before, now) in harmless:
        assert not [each for each in INSTANCES if old.is_valid(each) and not new.is_valid(each)]
    if verdict("output_schema", before, now) in harmless:
        assert not [each for each in INSTANCES if new.is_valid(each) and not old.is_valid(each)]
