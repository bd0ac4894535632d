"""What each keyword does to the values a schema allows: proven where it holds, refuted where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_tools.schema import Validator, compare

A = {"type": "string"}
N = {"type": "integer"}


def _object(**more: Any) -> dict[str, Any]:
    return {"type": "object", **more}


def _array(**more: Any) -> dict[str, Any]:
    return {"type": "array", **more}


LIST = {
    "$defs": {"n": _object(properties={"next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/n"}]}, "v": N})},
    "$ref": "#/$defs/n",
}
LIST_OF_SOME = {
    "$defs": {
        "m": {"$ref": "#/$defs/n"},
        "n": _object(
            properties={"next": {"anyOf": [{"$ref": "#/$defs/m"}, {"type": "null"}]}, "v": {**N, "minimum": 1}},
            required=["v"],
        ),
    },
    "$ref": "#/$defs/m",
}
ENDLESS = {"$defs": {"n": _object(properties={"n": {"$ref": "#/$defs/n"}}, required=["n"])}, "$ref": "#/$defs/n"}

# Each first schema is included in the second, and not the other way round.
NARROWER = [
    # numbers
    (N, {"type": "number"}),
    ({"type": "number", "multipleOf": 2}, N),
    ({**N, "multipleOf": 6}, {**N, "multipleOf": 3}),
    ({"allOf": [{**N, "multipleOf": 4}, {"multipleOf": 6}]}, {**N, "multipleOf": 2}),
    ({**N, "exclusiveMinimum": 0}, {**N, "minimum": 0}),
    ({"type": "number", "minimum": 0.1, "maximum": 0.2}, {"type": "number", "minimum": 0.1, "maximum": 0.3}),
    ({**N, "minimum": 3, "maximum": 4}, {"enum": [3, 4, 5]}),
    ({**N, "exclusiveMinimum": 2, "exclusiveMaximum": 5}, {"enum": [3.0, 4, "x"]}),
    ({"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.25}, {"enum": [0, 0.25, 0.5, 0.75, 1, 2]}),
    ({"const": 1.0}, {"enum": [1, 2]}),
    # strings
    ({**A, "minLength": 2, "maxLength": 3}, {**A, "minLength": 1}),
    ({**A, "pattern": "^a", "maxLength": 9}, {**A, "pattern": "^a"}),
    ({**A, "format": "date"}, {**A, "format": "int32"}),
    ({**A, "minLength": 1}, {**A, "pattern": "[a-z]*", "format": "int64"}),
    ({**A, "pattern": "^foo$"}, {"anyOf": [{**A, "pattern": "^foo$"}, {**A, "pattern": "^bar"}]}),
    # unions
    (A, {"type": ["string", "null"]}),
    ({"anyOf": [A, N]}, {"type": ["number", "string"]}),
    ({"type": ["string", "integer"]}, {"anyOf": [A, N, {"type": "null"}]}),
    ({"oneOf": [{"minimum": 2}, {"maximum": 3}], **N}, N),
    ({**N, "enum": [1, 2, 3]}, {"anyOf": [{"const": 1}, {"enum": [2, 3]}, A]}),
    ({"if": {"required": ["k"]}, "then": {"required": ["v"]}, **_object()}, _object()),
    ({"if": A, "then": {"maxLength": 3}, "else": {"type": "null"}}, {"anyOf": [{"type": "null"}, A]}),
    ({"not": {"type": ["string", "null"]}}, {"not": {"type": "null"}}),
    ({"allOf": [{"not": {"minimum": 5}}, N]}, {**N, "exclusiveMaximum": 6}),
    (False, A),
    ({**N, "minimum": 3, "maximum": 2}, {"const": "never"}),
    # objects
    (_object(properties={"a": A}, required=["a"]), _object(properties={"a": {"type": ["string", "null"]}})),
    (_object(properties={"a": A, "b": N}, additionalProperties=False), _object(properties={"a": A})),
    (_object(properties={"a": N}, additionalProperties=N), _object(additionalProperties={"type": "number"})),
    (_object(properties={"a": N}, additionalProperties=False), _object(additionalProperties=N)),
    (_object(properties={"a": N}, additionalProperties=False), _object(patternProperties={"^a": N})),
    (_object(patternProperties={"^a": N}, additionalProperties=False), _object(patternProperties={"^a": N})),
    (_object(patternProperties={"^a": N, "b$": A}), _object(patternProperties={"^a": N})),
    (_object(propertyNames={"enum": ["a", "b"]}, additionalProperties=N),
     _object(properties={"a": N, "b": N}, maxProperties=2)),
    (_object(propertyNames={"maxLength": 3}), _object(propertyNames={"maxLength": 4})),
    (_object(required=["a", "b"]), _object(minProperties=2)),
    (_object(properties={"a": True, "b": True}, additionalProperties=False), _object(maxProperties=2)),
    (_object(required=["a"], dependentRequired={"a": ["b"]}), _object(required=["b"])),
    (_object(dependentRequired={"a": ["b", "c"]}), _object(dependentRequired={"a": ["b"]})),
    (_object(dependencies={"a": ["b", "c"]}), _object(dependentRequired={"a": ["b"]})),
    (_object(dependentSchemas={"a": {"required": ["b"], "maxProperties": 3}}),
     _object(dependentSchemas={"a": {"required": ["b"]}})),
    (_object(dependencies={"a": {"required": ["b"], "maxProperties": 3}}), _object(dependencies={"a": ["b"]})),
    (_object(properties={"a": A}, unevaluatedProperties=False), _object(properties={"a": A, "b": N})),
    (_object(properties={"a": A}, additionalProperties=False, minProperties=1),
     _object(properties={"a": A}, unevaluatedProperties=False)),
    (_object(allOf=[{"properties": {"a": A}}, {"patternProperties": {"^x": N}}], unevaluatedProperties=False),
     _object(patternProperties={"^x": N})),
    (_object(properties={"kind": {"const": "a"}, "v": N}, required=["kind", "v"]),
     {"oneOf": [_object(properties={"kind": {"const": kind}, "v": value}, required=["kind", "v"])
                for kind, value in (("a", N), ("b", A))]}),
    # arrays
    (_array(items=N), _array(items={"type": "number"})),
    (_array(items=N, minItems=1), _array(contains=N)),
    (_array(prefixItems=[N, A], items=False, minItems=2), _array(contains=A, maxItems=2)),
    (_array(prefixItems=[N, A]), _array(prefixItems=[N])),
    (_array(items=N), _array(prefixItems=[N, N], items={"type": "number"})),
    (_array(prefixItems=[N], items=A), _array(items={"anyOf": [N, A]})),
    (_array(items=False), _array(maxItems=1)),
    (_array(prefixItems=[A, False]), _array(maxItems=1)),
    (_array(contains=N, minContains=2), _array(contains={"type": "number"})),
    (_array(contains=N, minContains=2), _array(minItems=2)),
    (_array(contains=A, maxContains=1), _array(contains=A, maxContains=2)),
    (_array(contains=A, maxContains=0, minContains=0), _array(items={"not": {**A, "minLength": 3}})),
    (_array(items=N, maxItems=2), _array(contains=N, minContains=0, maxContains=2)),
    (_array(uniqueItems=True, items=N), _array(uniqueItems=True)),
    (_array(maxItems=1), _array(uniqueItems=True)),
    (_array(prefixItems=[N], unevaluatedItems=False), _array(prefixItems=[N])),
    (_array(prefixItems=[N], items=False, minItems=1), _array(prefixItems=[N], unevaluatedItems=False)),
    # references
    (LIST_OF_SOME, LIST),
    ({"$ref": "#/$defs/a%25b", "$defs": {"a%b": {**N, "minimum": 1}}}, N),
    ({"definitions": {"x/y~z": A}, "properties": {"a": {"$ref": "#/definitions/x~1y~0z"}}, **_object()}, _object()),
    (ENDLESS, {"const": "a value without end cannot be written"}),
]  # fmt: skip

# Neither is included in the other.
APART = [
    (A, N),
    ({**A, "format": "uuid"}, {**A, "format": "date"}),
    ({**A, "pattern": "^a"}, {**A, "pattern": "b$"}),
    ({**N, "multipleOf": 2}, {**N, "multipleOf": 3}),
    ({"enum": [9007199254740993]}, {"const": 9007199254740992}),
    ({"const": True}, {"const": 1}),
    ({"const": []}, {"const": {}}),
    (_object(properties={"a": N}), _object(properties={"b": N})),
    (_object(minProperties=3, additionalProperties=N), _object(maxProperties=4, additionalProperties=A)),
    (_array(contains=N, minContains=3, maxContains=4), _array(contains=A, minContains=2)),
    (_array(uniqueItems=True), _array(maxItems=3)),
    (_array(items=N, minItems=1), _array(uniqueItems=True, minItems=2)),
    ({"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}], **N}, {**N, "multipleOf": 6}),
    (_object(dependentRequired={"a": ["b"]}), _object(dependentRequired={"b": ["a"]})),
]


@pytest.mark.parametrize(("narrow", "wide"), NARROWER)
def test_a_narrower_schema_is_proven_to_be_one(narrow: Any, wide: Any) -> None:
    assert compare(narrow, wide, "input").verdict == "compatible"
    assert compare(wide, narrow, "output").verdict == "compatible"


@pytest.mark.parametrize(("narrow", "wide"), NARROWER)
def test_a_wider_schema_is_refuted_by_a_value(narrow: Any, wide: Any) -> None:
    _refuted(wide, narrow)


@pytest.mark.parametrize(("one", "other"), APART)
def test_schemas_that_overlap_or_not_are_refuted_both_ways(one: Any, other: Any) -> None:
    _refuted(one, other)
    _refuted(other, one)


def _refuted(sub: Any, whole: Any) -> None:
    comparison = compare(sub, whole, "input")
    assert comparison.verdict == "incompatible"
    one, other = (Validator({"allOf": [side]}) if isinstance(side, bool) else Validator(side) for side in (sub, whole))
    assert one.accepts(comparison.witness)
    assert not other.accepts(comparison.witness)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"anyOf": [A, N]}, {"oneOf": [N, A]}),
        ({"allOf": [A]}, A),
        ({"enum": [1, "a"]}, {"anyOf": [{"const": "a"}, {"const": 1}]}),
        ({"not": {"not": A}}, A),
        ({**N, "minimum": 4, "maximum": 4}, {"const": 4}),
        ({"if": A, "then": {"minLength": 2}}, {"anyOf": [{"not": A}, {**A, "minLength": 2}]}),
        (_object(properties={"a": False}), _object() | {"not": {"required": ["a"]}}),
        (_array(prefixItems=[N], items=N), _array(items=N)),
        (_object(properties={"a": N}, additionalProperties=False, maxProperties=1),
         _object(properties={"a": N}, additionalProperties=False)),
        (_array(contains={}), _array(minItems=1)),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": N}, "$ref": "#/$defs/a"}, N),
        ({"type": ["integer", "number"], "minimum": 1}, {"type": "number", "minimum": 1.0}),
    ],
)  # fmt: skip
def test_two_ways_to_say_the_same_are_a_patch(one: Any, other: Any) -> None:
    for direction in ("input", "output"):
        assert compare(one, other, direction).bump == "patch"  # type: ignore[arg-type]  # one of the two


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"properties": {"a": N}}, {"properties": {"b": A}}], "unevaluatedProperties": False},
        {"contains": N, "unevaluatedItems": A},
        {"not": {"$ref": "#"}},
        {"oneOf": [{"$ref": "#"}, A]},
    ],
)
def test_what_is_not_understood_is_undecided_unless_it_is_unchanged(schema: dict[str, Any]) -> None:
    """The same part in both is the same, whatever it means."""
    one = {"type": "object", "properties": {"x": schema, "y": N}} if "#" not in str(schema) else schema
    assert compare(one, one | {"title": "x"}, "input").verdict != "incompatible"
    if one is not schema:
        wider = {"type": "object", "properties": {"x": schema, "y": {"type": "number"}}}
        assert compare(one, wider, "input").verdict == "compatible"
        assert compare(wider, one, "input").verdict == "incompatible"


def test_a_part_in_another_dialect_is_not_understood() -> None:
    """The engine reads it so, but only where it is not reached through a reference."""
    old = {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/$defs/n", "minimum": 3}
    defs = {"$defs": {"n": N}}
    one, other = ({"properties": {"a": each}, **_object(), **defs} for each in (old, {**N, "minimum": 3}))
    assert Validator(one).accepts({"a": 1})
    assert compare(one, other, "input").verdict != "compatible"
