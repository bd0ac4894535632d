"""Schemas that clients in JavaScript refuse, or hold against answers that fit, where they are listed as written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contract import cases

_TEXT: dict[str, Any] = {"type": "string"}


def _object(_required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(_required)}


# JSON Schema 2020-12 has no such words, or reads them otherwise; a document from somewhere else may have them.
_FOREIGN_WORDS: dict[str, dict[str, Any]] = {
    "nullable_reference": _object(a={"$ref": "#/$defs/x", "nullable": True}) | {"$defs": {"x": _TEXT}},
    "nullable_alone": _object(a={"nullable": True}),
    "nullable_denied": _object(a={"type": ["string", "null"], "nullable": False}),
    "draft_04_id": _object(a={"id": "thing", "type": "string"}),
    "dialect_draft_04": {"$schema": "http://json-schema.org/draft-04/schema#", **_object(a=_TEXT)},
    "dialect_draft_07": {"$schema": "http://json-schema.org/draft-07/schema#", **_object(a=_TEXT)},
    "dialect_2020_12": {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(a=_TEXT)},
    "one_id_first": {"$id": "https://hard.example/one", **_object(("a",), a=_TEXT)},
    "one_id_again": {"$id": "https://hard.example/one", **_object(("b",), b={"type": "integer"})},
    "discriminator": _object(
        ("p",),
        p={
            "discriminator": {"propertyName": "k"},
            "oneOf": [_object(("k",), k={"const": "a"}), _object(("k",), k={"const": "b"})],
        },
    ),
    "ajv_words": _object(a={"type": "string", "$async": True, "discriminator": "y", "formatMinimum": 5}),
    "ajv_async": {"$async": True, **_object(a=_TEXT)},
    "draft_07_dependencies": _object(("a",), a=_TEXT, b=_TEXT) | {"dependencies": {"a": ["b"]}},
    "additional_items": _object(a={"type": "array", "items": _TEXT, "additionalItems": False}),
}
_BOOLEANS: dict[str, dict[str, Any]] = {
    "true_property": _object(("a",), a=True, b=_TEXT),
    "false_property": _object(a=False, b=_TEXT),
    "true_definition": _object(a={"$ref": "#/$defs/x"}) | {"$defs": {"x": True}},
    "not_true": _object(a={"not": True}),
    "content_schema": _object(a={"type": "string", "contentMediaType": "application/json", "contentSchema": True}),
}
_READ_OTHERWISE: dict[str, dict[str, Any]] = {
    "closed_tuple": _object(
        ("p",), p={"type": "array", "prefixItems": [_TEXT, {"type": "integer"}], "items": False, "minItems": 2}
    ),
    "open_tuple": _object(
        ("p",), p={"type": "array", "prefixItems": [_TEXT], "items": {"type": "integer"}, "minItems": 2}
    ),
    "tuples_apart": _object(
        ("p",),
        p={
            "oneOf": [
                {"type": "array", "prefixItems": [_TEXT], "minItems": 1},
                {"type": "array", "prefixItems": [{"type": "integer"}], "minItems": 1},
            ]
        },
    ),
    "contains_none": _object(
        ("p",), p={"type": "array", "items": {"type": "integer"}, "contains": {"const": 1}, "minContains": 0}
    ),
    "hundredths": _object(("p",), p={"type": "number", "multipleOf": 0.01, "minimum": 0.01, "maximum": 90}),
    "small_integer": _object(("p",), p={"type": "integer", "format": "int32", "minimum": 3_000_000_000}),
    "bytes_in_words": _object(("p",), p={"type": "string", "format": "byte", "enum": ["not base64!"]}),
    "address_without_dot": _object(("p",), p={"type": "string", "format": "email", "enum": ["root@localhost"]}),
    "made_up_format": _object(p={"type": "string", "format": "made-up"}),
    "no_choice": _object(p={"enum": []}),
    "inherited_names": _object(("b",), toString={"type": "integer"}, valueOf=_TEXT, hasOwnProperty=_TEXT, b=_TEXT)
    | {"additionalProperties": False},
    "unevaluated": {"type": "object", "allOf": [_object(a=_TEXT)], "unevaluatedProperties": False},
    "dependent": _object(a=_TEXT, b=_TEXT) | {"dependentRequired": {"a": ["b"]}},
}
_PATTERNS: dict[str, dict[str, Any]] = {
    "named_group": _object(a={"type": "string", "pattern": "^(?P<y>[0-9]{4})$"}),
    "flag": _object(a={"type": "string", "pattern": "(?i)abc"}),
    "anchors": _object(("a",), a={"type": "string", "pattern": "\\Aabc\\z", "enum": ["abc"]}),
    "escaped_dash": _object(("a",), a={"type": "string", "pattern": "^\\d{3}\\-\\d$"}),
    "pattern_of_names": {"type": "object", "patternProperties": {"^x\\-": _TEXT}, "additionalProperties": False},
    "no_pattern": _object(("a",), a={"not": {"type": "string", "pattern": "\\Ax\\z"}}),
    "one_of_patterns": _object(
        ("a",), a={"oneOf": [{"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^b"}]}
    ),
    "backtracking": _object(("a",), a={"type": "string", "pattern": "^(a+)+$"}),
}
_REFERENCES: dict[str, dict[str, Any]] = {
    "odd_definitions": _object(("a", "c"), a={"$ref": "#/$defs/Foo%5BBar%5D"}, c={"$ref": "#/$defs/a~1b"})
    | {"$defs": {"Foo[Bar]": _TEXT, "a/b": {"type": "integer"}}},
    "outside_definitions": _object(("a",), a={"$ref": "#/components/schemas/X"}, b={"$ref": "#/properties/a"})
    | {"components": {"schemas": {"X": _TEXT}}},
    "old_definitions": _object(a={"$ref": "#/definitions/x"}) | {"definitions": {"x": _TEXT}},
    "recursive_root": _object(("v",), v=_TEXT, n={"$ref": "#"}),
    "root_reference": {"type": "object", "$ref": "#/$defs/x", "$defs": {"x": _object(("a",), a=_TEXT)}},
}
SCHEMAS: Mapping[str, dict[str, Any]] = _FOREIGN_WORDS | _BOOLEANS | _READ_OTHERWISE | _PATTERNS | _REFERENCES
# Such as cannot be arguments, or whose root is no object.
ANSWERS: Mapping[str, Any] = {
    "recursive_list": {"type": "array", "items": {"anyOf": [_TEXT, {"$ref": "#"}]}},
    "root_union": {"anyOf": [_object(a=_TEXT), {"type": "array", "items": _TEXT}]},
    "reference_for_root": {"$ref": "#/$defs/x", "$defs": {"x": _object(("a",), a=_TEXT)}},
    "object_or_null": {"type": ["object", "null"], "properties": {"a": _TEXT}},
    "anything": True,
    "unicode": _object(("größe", "静か"), größe={"type": "integer"}, 静か=_TEXT),
}
# Such as clients look at before a call.
ARGUMENTS: Mapping[str, dict[str, Any]] = {
    "bad_header": _object(
        a={"type": "string", "x-mcp-header": "bad header"}, b={"type": "object", "x-mcp-header": "B"}
    ),
    "deep_header": _object(a={"type": "array", "items": {"type": "string", "x-mcp-header": "X"}}),
    "good_header": _object(a={"type": "string", "x-mcp-header": "A"}),
    "constructor": _object(("constructor",), constructor=_TEXT, b=_TEXT) | {"additionalProperties": False},
}


def document() -> dict[str, Any]:
    """A ledger with an operation for each schema as answer and as arguments, and with all of `tests.contract.cases`."""
    operations = {
        f"answer_{name}": _operation(f"answer_{name}", {"type": "object"}, schema)
        for name, schema in (SCHEMAS | ANSWERS).items()
    }
    operations |= {
        f"take_{name}": _operation(f"take_{name}", schema, {"type": "object"})
        for name, schema in (SCHEMAS | ARGUMENTS).items()
    }
    hard = {"name": "Harder", "description": "Harder schemas", "capabilities": [], "operations": operations}
    ledger = cases.document() | {"SN91": hard}
    del ledger["SN90"]["operations"]["dear"]  # costs more than a call may
    return ledger


def _operation(name: str, arguments: dict[str, Any], answer: Any) -> dict[str, Any]:
    return {
        "title": "Hard",
        "description": "Takes and gives what its schemas say.",
        "endpoint": {"kind": "http", "method": "POST", "base_url": "https://hard.example", "path": f"/{name}"},
        "input_schema": arguments,
        "output_schema": answer,
        "spends_money": False,
    }
