"""Schemas made to be hard end with a verdict: never with an error, and never with "compatible" by mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import compare
from orchestra_tools.schema.limits import MAX_BYTES

TEXT = {"type": "string"}


def _wide(leaf: dict[str, Any]) -> Any:
    return {"type": "object", "properties": {f"p{at}": leaf for at in range(1_000)}, "required": ["p1", "p900"]}


def _union(keyword: str, more: int) -> Any:
    def branch(at: int) -> Any:
        return {
            "type": "object",
            "properties": {"kind": {"const": f"k{at}"}, "v": {"type": "integer", "maximum": at + more}},
            "required": ["kind", "v"],
        }

    return {keyword: [branch(at) for at in range(60)]}


def _overlapping(more: int) -> Any:
    return {
        "oneOf": [
            {"type": "object", "properties": {f"p{at}": {"type": "integer", "maximum": at * row % 7 + more}}}
            for row in range(9)
            for at in range(3)
        ]
    }


def _products(more: int) -> Any:
    rows = [{"anyOf": [{"properties": {f"a{row}": {"minimum": at + more}}} for at in range(6)]} for row in range(40)]
    return {"type": "object", "allOf": rows}


def _chain(leaf: Any, length: int = 200) -> Any:
    links = {
        f"d{at}": {"type": "object", "properties": {"x": {"$ref": f"#/$defs/d{at + 1}"}}, "required": ["x"]}
        for at in range(length)
    }
    return {"$defs": links | {f"d{length}": leaf}, "$ref": "#/$defs/d0"}


def _web(more: int) -> Any:
    nodes = {
        f"n{at}": {
            "type": "object",
            "properties": {
                "l": {"$ref": f"#/$defs/n{(at + 1) % 20}"},
                "r": {"$ref": f"#/$defs/n{(at * 3 + more) % 20}"},
                "v": {"type": "integer", "minimum": more},
            },
            "additionalProperties": False,
        }
        for at in range(20)
    }
    return {"$defs": nodes, "$ref": "#/$defs/n0"}


def _steps(more: int) -> Any:
    return {"allOf": [{"multipleOf": 10**60 + 2 * at + more} for at in range(200)]}


@pytest.mark.parametrize(
    ("narrow", "wide", "verdicts"),
    [
        (_wide(TEXT), _wide({"type": ["string", "null"]}), ("compatible", "incompatible")),
        (_union("anyOf", 0), _union("anyOf", 1), ("compatible", "incompatible")),
        (_union("oneOf", 0), _union("oneOf", 1), ("compatible", "incompatible")),
        (_union("anyOf", 0), _union("oneOf", 1), ("compatible", "incompatible")),
        (_overlapping(0), _overlapping(1), ("incompatible", "incompatible")),
        (_products(1), _products(0), ("compatible", "incompatible")),
        (_web(2), _web(1), None),
        (_chain({"type": "string", "minLength": 1}), _chain(TEXT), None),
        (_chain({"type": "string", "minLength": 1}, 40), _chain(TEXT, 40), ("compatible", "incompatible")),
        ({"type": "string", "minLength": 10**9}, {"type": "string", "minLength": 10**9 - 1}, None),
        ({"type": "array", "minItems": 10**9}, {"type": "array", "minItems": 10**9 - 1}, None),
        (_steps(0), _steps(1), None),
        ({"type": "string", "pattern": "^(a+)+$"}, {"type": "string", "pattern": "^(a|aa)+$"}, None),
        ({"enum": [f"v{at}" for at in range(1_500)]}, {"enum": [f"v{at}" for at in range(1_501)]},
         ("compatible", "incompatible")),
        ({"multipleOf": 10**2_000 + 1, "type": "integer"}, {"type": "integer"}, ("compatible", "incompatible")),
        ({"maximum": 1e308}, {"maximum": 10**308}, None),
    ],
)  # fmt: skip
def test_a_hard_pair_ends(narrow: Any, wide: Any, verdicts: tuple[str, str] | None) -> None:
    there, back = compare(narrow, wide, "input"), compare(wide, narrow, "input")
    if verdicts is None:
        assert back.verdict != "compatible"
        assert there.verdict != "incompatible" or there.witness is not None
    else:
        assert (there.verdict, back.verdict) == verdicts


@pytest.mark.parametrize(
    "make",
    [
        lambda leaf: {"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}, "b": leaf}},
        lambda leaf: {"oneOf": [{"$ref": "#"}, leaf]},
        lambda leaf: {"if": {"$ref": "#"}, "then": leaf, "else": {"not": leaf}},
        lambda leaf: {"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"allOf": [{"$ref": "#/$defs/a"}, leaf]}},
                      "properties": {"x": {"$ref": "#/$defs/b"}}},
        lambda leaf: {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}, leaf]},
                                "b": {"$ref": "#/$defs/a", "minimum": 1}},
                      "$ref": "#/$defs/a"},
    ],
)  # fmt: skip
def test_a_schema_that_means_nothing_is_not_proven_to_fit_another(make: Callable[[Any], Any]) -> None:
    """A schema that comes back to itself for the same value: what it allows depends on who reads it."""
    for direction in ("input", "output"):
        comparison = compare(make(TEXT), make({"type": "integer"}), direction)  # type: ignore[arg-type]  # one of two
        assert comparison.verdict in ("undecided", "incompatible")


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"$ref": "https://example.com/x"}, "refers outside"),
        ({"$ref": "#/$defs/no"}, "leads nowhere"),
        ({"type": "string", "pattern": "("}, "regular expression"),
        ({"type": "string", "title": "x" * MAX_BYTES}, "bytes"),
        ({"type": "frog()"}, "is no type"),
        (7, "a schema is an object"),
        ({"type": "string", "minLength": -1}, "minLength"),
    ],
)
def test_a_refusal_says_which_schema_it_is_about(schema: Any, problem: str) -> None:
    for which, arguments in (("old", (schema, TEXT)), ("new", (TEXT, schema))):
        with pytest.raises(SchemaRefusedError) as refused:
            compare(*arguments, direction="input")
        assert str(refused.value).startswith(f"the {which} schema is refused")
        assert problem in str(refused.value) or problem in str(refused.value.faults)


def test_nesting_beyond_the_stack_is_refused() -> None:
    deep: Any = "str"
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(SchemaRefusedError, match="the new schema is refused"):
        compare(TEXT, {"type": "object", "properties": {"a": {"enum": deep}}}, direction="input")
    with pytest.raises(SchemaRefusedError, match="the old schema is refused"):
        compare({"a": deep}, TEXT, direction="input")
