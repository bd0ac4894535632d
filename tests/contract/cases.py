"""Input schemas that break hosts, with arguments that fit them and such that do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One input schema.

    Attributes:
        schema: Of the arguments.
        good: Arguments that fit.
        bad: Arguments that do not.
        pointers: Where each fault of `bad` is; an error must name them all.
    """

    schema: Mapping[str, Any]
    good: Mapping[str, Any]
    bad: Mapping[str, Any] | None = None
    pointers: tuple[str, ...] = ()


def _object(properties: Mapping[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required), **more}


# Names of parameters in the hosts' own code, and of what they pass beside the arguments.
COLLIDING = (
    "self", "cls", "config", "run_manager", "callbacks", "args", "kwargs", "name", "arguments", "type", "id", "input",
    "tool_input", "tool_call_id", "tool_context", "ctx", "context", "state", "runtime", "store", "function", "fn",
    "method", "data", "model_config", "schema", "copy", "json", "parent", "class", "def", "return",
)  # fmt: skip

CASES: Mapping[str, Case] = {
    "recursive": Case(
        _object({"tree": {"$ref": "#/$defs/node"}}, "tree")
        | {
            "$defs": {
                "node": _object(
                    {"label": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
                    "label",
                    additionalProperties=False,
                )
            }
        },
        {"tree": {"label": "a", "children": [{"label": "b", "children": []}, {"label": "c"}]}},
        {"tree": {"label": "a", "children": [{"label": 1}]}},
        ("/tree/children/0/label",),
    ),
    "one_of": Case(
        _object(
            {
                "by": {
                    "oneOf": [
                        _object({"kind": {"const": "name"}, "name": {"type": "string"}}, "kind", "name"),
                        _object({"kind": {"const": "uid"}, "uid": {"type": "integer"}}, "kind", "uid"),
                    ]
                }
            },
            "by",
        ),
        {"by": {"kind": "uid", "uid": 7}},
        {"by": {"kind": "uid", "uid": "seven"}},
        ("/by",),
    ),
    "root_choice": Case(
        _object({"market": {"type": "string"}, "question": {"type": "string"}})
        | {"oneOf": [{"required": ["market"]}, {"required": ["question"]}]},
        {"market": "m1"},
        {"market": "m1", "question": "q"},
    ),
    "enumeration": Case(
        _object({"order": {"enum": ["new", "old", 3, None]}, "tier": {"const": "free"}}, "order"),
        {"order": 3, "tier": "free"},
        {"order": "newest", "tier": "paid"},
        ("/order", "/tier"),
    ),
    "prefix_items": Case(
        _object(
            {
                "pair": {
                    "type": "array",
                    "prefixItems": [{"type": "string"}, {"type": "integer"}],
                    "items": False,
                    "minItems": 2,
                }
            },
            "pair",
        ),
        {"pair": ["a", 1]},
        {"pair": ["a", "b"]},
        ("/pair/1",),
    ),
    "closed": Case(
        _object({"query": {"type": "string"}}, "query", additionalProperties=False),
        {"query": "tao"},
        {"query": "tao", "bogus": 1},
        ("/bogus",),
    ),
    "formats": Case(
        _object(
            {
                "when": {"type": "string", "format": "date-time"},
                "url": {"type": "string", "format": "uri"},
                "mail": {"type": "string", "format": "email"},
                "id": {"type": "string", "format": "uuid"},
            },
            "when",
        ),
        {
            "when": "2026-02-08T22:30:00Z",
            "url": "https://example.com/a",
            "mail": "a@example.com",
            "id": "123e4567-e89b-12d3-a456-426614174000",
        },
        {"when": "yesterday", "url": "no url", "mail": "nobody", "id": "7"},
        ("/when", "/url", "/mail", "/id"),
    ),
    "defaults": Case(
        _object(
            {
                "query": {"type": "string"},
                "limit": {"type": "integer", "default": 10, "minimum": 1},
                "options": _object({"safe": {"type": "boolean", "default": True}}) | {"default": {}},
            },
            "query",
        ),
        {"query": "tao"},
        {"query": "tao", "limit": 0},
        ("/limit",),
    ),
    "nothing": Case({"type": "object"}, {}),
    "single": Case(
        _object({"filter": {"type": "object", "additionalProperties": {"type": "integer"}}}, "filter"),
        {"filter": {"a": 1}},
        {"filter": {"a": "b"}},
        ("/filter/a",),
    ),
    "colliding": Case(
        _object({name: {"type": "string"} for name in COLLIDING}, additionalProperties=False),
        {name: f"value of {name}" for name in COLLIDING},
        {name: number for number, name in enumerate(COLLIDING[:5])},
        tuple(f"/{name}" for name in COLLIDING[:5]),
    ),
    "unicode": Case(
        _object({"größe": {"type": "integer"}, "名前": {"type": "string"}, "with space": {"type": "boolean"}}, "größe"),
        {"größe": 3, "名前": "静か", "with space": True},
        {"größe": "drei"},
        ("/größe",),
    ),
    "nullable": Case(
        _object({"lang": {"type": ["string", "null"]}, "near": {"anyOf": [{"type": "number"}, {"type": "null"}]}}),
        {"lang": None, "near": None},
        {"lang": 3},
        ("/lang",),
    ),
    "hundred": Case(
        _object({f"property_{number}": {"type": "integer"} for number in range(100)}, "property_0", "property_99"),
        {f"property_{number}": number for number in range(100)},
        {"property_0": "x"},
        ("/property_0", "/property_99"),
    ),
}

_OUTPUT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "score": {"type": "number"}, "tags": {"type": "array", "items": {}}},
    "required": ["answer", "score"],
}


def document() -> dict[str, Any]:
    """A ledger with an operation for each case, and some more that fail in ways of their own."""
    operations: dict[str, Any] = {
        name: _operation(name, case.schema, {"cost": {"amount": "0"}, "spends_money": False})
        for name, case in CASES.items()
    }
    query = _object({"query": {"type": "string"}}, "query", additionalProperties=False)
    operations["list_answer"] = _operation("list_answer", query) | {
        "output_schema": {"type": "array", "items": {"type": "integer"}, "minItems": 2}
    }
    operations["text_answer"] = _operation("text_answer", query) | {"output_schema": {"type": "string"}}
    operations["undocumented"] = _operation("undocumented", query) | {"output_schema": None}
    operations["dear"] = _operation(
        "dear", query, {"cost": {"amount": "5", "currency": "USD", "unit": "request"}, "spends_money": True}
    )
    operations["plain"] = _operation("plain", query)
    return {"SN90": {"name": "Hard", "description": "Hard schemas", "capabilities": [], "operations": operations}}


def _operation(name: str, schema: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "title": name.replace("_", " "),
        "description": f"Answers questions about {name.replace('_', ' ')}.",
        "endpoint": {"kind": "http", "method": "POST", "base_url": "https://hard.example", "path": f"/{name}"},
        "input_schema": dict(schema),
        "output_schema": _OUTPUT,
        "audience": "consumer",
        "spends_money": False,
        **(more or {}),
    }
