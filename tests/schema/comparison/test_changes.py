"""What changed, told in sentences; and the part of the version it raises."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestra_tools import schema
from orchestra_tools.schema import compare, resolve
from orchestra_tools.schema.differences import MAX_CHANGES

OPEN = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def with_(**changes: Any) -> dict[str, Any]:
    return OPEN | {"properties": OPEN["properties"] | changes}  # type: ignore[operator]  # both are objects


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (OPEN, with_(b={"type": "integer"}), ["/properties/b: property \"b\" was added, optional"]),
        (OPEN, with_(b={}) | {"required": ["a", "b"]}, ["/properties/b: property \"b\" was added, required"]),
        (with_(b={}), OPEN, ["/properties/b: property \"b\", which was optional, was removed"]),
        (OPEN, OPEN | {"required": []}, ["/required: property \"a\" became optional"]),
        (OPEN | {"required": []}, OPEN, ["/required: property \"a\" became required"]),
        ({"required": ["a", "b"]}, {"required": ["b", "a"]},
         ["/required: the required properties stand in another order"]),
        (OPEN, with_(a={"type": ["string", "null"]}), ["/properties/a/type: may now be null"]),
        (with_(a={"type": ["string", "null"]}), OPEN, ["/properties/a/type: is no longer null"]),
        (OPEN, with_(a={"type": "integer"}), ['/properties/a/type: the type changed from "string" to "integer"']),
        ({"enum": [1, 2, "x"]}, {"enum": [2, 3, "y"]},
         ["/enum: values allowed now: 3, \"y\"", "/enum: values no longer allowed: 1, \"x\""]),
        ({"enum": [1, 2]}, {"enum": [2, 1]}, ["/enum: the allowed values stand in another order"]),
        ({"minimum": 1}, {"minimum": 2}, ["/minimum: the minimum was raised from 1 to 2"]),
        ({"maxLength": 5}, {"maxLength": 2}, ["/maxLength: the greatest length was lowered from 5 to 2"]),
        ({"maxLength": 5}, {"minLength": 2},
         ["/maxLength: the greatest length was removed; it was 5", "/minLength: the least length was added: 2"]),
        (OPEN, OPEN | {"additionalProperties": False},
         ["/additionalProperties: additionalProperties was added: false"]),
        (OPEN | {"additionalProperties": True}, OPEN | {"additionalProperties": False},
         ["/additionalProperties: properties that are not named are refused now"]),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]},
         {"anyOf": [{"type": "string"}, {"type": "integer"}, {"const": 2.5}]},
         ['/anyOf/1/type: the type changed from "null" to "integer"',
          '/anyOf/2: an alternative was added: {"const": 2.5}']),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, {"allOf": [{"maximum": 2}]},
         ['/allOf/0: a condition was removed: {"minimum": 1}']),
        ({"oneOf": [{"minimum": 1}, {"maximum": 2}]}, {"oneOf": [{"maximum": 2}, {"minimum": 1}]},
         ["/oneOf: the alternatives stand in another order"]),
        ({"prefixItems": [{"type": "null"}, {}]}, {"prefixItems": [{"type": "string"}, {}, {"const": 1}]},
         ['/prefixItems/0/type: the type changed from "null" to "string"',
          '/prefixItems/2: a place was added: {"const": 1}']),
        ({"items": {"minimum": 1}, "type": "array"}, {"items": {"minimum": 2}, "type": "array"},
         ["/items/minimum: the minimum was raised from 1 to 2"]),
        (OPEN | {"$defs": {"x": {}}}, OPEN | {"$defs": {"y": {"minimum": 1}}},
         ['/$defs/x: the definition "x" was removed', '/$defs/y: the definition "y" was added']),
        ({"patternProperties": {"^a": {"minimum": 1}}}, {"patternProperties": {"^a": {"minimum": 0}}},
         ["/patternProperties/^a/minimum: the minimum was lowered from 1 to 0"]),
        (OPEN | {"title": "x"}, OPEN | {"title": "y"}, ['/title: title changed from "x" to "y"']),
        (True, {"not": {}}, ["/not: not was added: {}"]),
        (with_(b=True), with_(b=False), ["/properties/b: the schema true became false"]),
    ],
)  # fmt: skip
def test_each_difference_is_a_sentence(old: Any, new: Any, told: list[str]) -> None:
    changes = compare(old, new, direction="input").changes
    assert [str(each) for each in changes if "$schema" not in each.pointer] == told
    for each in changes:
        assert any(_leads(side, each.pointer) for side in (old, new)) or isinstance(old, bool)


def _leads(schema: Any, pointer: str) -> bool:
    try:
        resolve(schema, pointer.replace("%", "%25"))
    except LookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("old", "new", "inward", "outward"),
    [
        (OPEN, dict(reversed(OPEN.items())), "none", "none"),
        (OPEN, OPEN | {"description": "x"}, "patch", "patch"),
        (with_(b={"enum": [1, 2]}), with_(b={"enum": [2, 1]}), "patch", "patch"),
        (with_(b={"const": 1}), with_(b={"minimum": 1, "maximum": 1, "type": "integer"}), "patch", "patch"),
        (OPEN, OPEN | {"required": []}, "minor", "major"),
        (OPEN, with_(b={"type": "integer"}), "major", "minor"),
        (OPEN, with_(b={"type": "integer"}) | {"required": ["a", "b"]}, "major", "minor"),
        (OPEN | {"additionalProperties": False}, with_(b=True) | {"additionalProperties": False}, "minor", "major"),
        (with_(a={"type": "string", "pattern": "^(a+)+$"}), with_(a={"type": "string", "pattern": "^(a|aa)+$"}),
         "major", "major"),
        (False, OPEN, "minor", "major"),
        (True, OPEN, "major", "minor"),
        ({"query": "str"}, {"query": "any"}, "minor", "major"),
        ({"query": "str"}, {"type": "object", "properties": {"query": {"type": "string"}}}, "none", "none"),
    ],
)  # fmt: skip
def test_the_bump_follows_from_the_verdict(old: Any, new: Any, inward: str, outward: str) -> None:
    """Same values: patch. Compatible: minor. All else, undecided included: major."""
    assert (compare(old, new, "input").bump, compare(old, new, "output").bump) == (inward, outward)


def test_an_output_that_was_not_documented_was_anything() -> None:
    assert compare(None, OPEN, "output").bump == "minor"
    assert compare(OPEN, None, "output").verdict == "incompatible"
    assert compare(None, None, "output").bump == "none"


def test_the_witness_of_a_field_that_may_be_missing_is_null_or_missing() -> None:
    comparison = compare({"type": "string"}, {"type": ["string", "null"]}, "output")
    assert comparison.verdict == "incompatible"
    assert comparison.witness is None
    assert comparison.to_json()["witness"] is None
    assert "witness" not in compare(OPEN, OPEN, "output").to_json()


def test_a_comparison_says_where_and_why() -> None:
    comparison = compare(OPEN, with_(a={"type": "integer"}), "input")
    assert comparison.witness_pointer == "/a"
    assert comparison.reason == (
        "a value that fits the old schema does not fit the new one: it is not of type integer at /a"
    )
    told = json.loads(json.dumps(comparison.to_json()))
    assert told["verdict"] == "incompatible"
    assert told["changes"] == [
        {"pointer": "/properties/a/type", "sentence": 'the type changed from "string" to "integer"'}
    ]


def test_text_of_strangers_is_cut_and_shows_what_it_hides() -> None:
    name = "a\u202eb\x1b[31m\u200b" + "x" * 500
    old = {"type": "object", "properties": {name: {"const": "\u2066" * 90}}, "required": [name]}
    comparison = compare(old, {"type": "object", "properties": {name: {"const": 1}}}, "output")
    texts = [*map(str, comparison.changes), comparison.reason]
    assert len(texts) == 3
    for text in texts:
        assert text.isprintable()
        assert len(text) < 700


def test_the_list_of_changes_is_bounded() -> None:
    old = {"type": "object", "properties": {f"p{at}": {"minimum": at} for at in range(1_000)}}
    new = {"type": "object", "properties": {f"p{at}": {"minimum": at + 1} for at in range(1_000)}}
    changes = compare(old, new, "output").changes
    assert len(changes) == MAX_CHANGES + 1
    assert "not listed" in changes[-1].sentence


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ({"minimum": 3}, {"minimum": 2}, "compatible"),
        ({"items": {"type": "string"}}, {"items": {"type": "integer"}}, "incompatible"),
        ({"required": ["a"]}, {}, "undecided"),
        ({}, {"type": "object"}, "undecided"),
        ({}, {"title": "str"}, "undecided"),
        ({"title": "str"}, {"title": "int"}, "undecided"),
        ({"title": "str"}, {"title": "str"}, "compatible"),
        ({"title": "str", "price": "float"}, {"title": "str", "price": "any"}, "compatible"),
        ({"items": [{"type": "string"}], "type": "array"},
         {"items": [{"type": "string"}], "type": "array", "additionalItems": False}, "incompatible"),
        ({"type": "number", "minimum": 1, "exclusiveMinimum": True},
         {"type": "number", "exclusiveMinimum": 1}, "compatible"),
    ],
)  # fmt: skip
def test_a_form_that_can_be_read_in_two_ways_is_decided_where_both_agree(old: Any, new: Any, verdict: str) -> None:
    assert compare(old, new, "input").verdict == verdict


def test_a_direction_is_one_of_two() -> None:
    with pytest.raises(ValueError, match="direction"):
        compare(OPEN, OPEN, "sideways")  # type: ignore[arg-type]  # on purpose


def test_the_package_has_no_other_names() -> None:
    """`compare` is imported on first use; a name that does not exist still is none."""
    with pytest.raises(AttributeError, match="no attribute 'comparisons'"):
        _ = schema.comparisons  # type: ignore[attr-defined]  # on purpose
