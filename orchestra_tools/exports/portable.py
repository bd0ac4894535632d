"""Schemas as hosts take them. Pure. Calls are always validated against the full ones.

Model APIs refuse choices (`anyOf`, `oneOf`, …) at the root of an input schema, and one such tool breaks the whole
request; a listing of full output schemas costs a host more than it is worth. What is left out is only ever a
constraint: whatever fits the full schema fits the portable one.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from orchestra_tools.schema.limits import iter_subschemas

_ROOT_CHOICES = ("anyOf", "oneOf", "allOf", "not", "if", "then", "else", "enum", "const")
_ROOT_REFERENCE = re.compile(r'"\$ref": "#(?!/(?:\$defs|definitions)/)')
_KEPT_IN_SUMMARY = ("type", "title", "description", "format")


def portable_input(schema: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """An input schema without choices at its root, and in words what that leaves out ("" for nothing)."""
    kept = {key: value for key, value in schema.items() if key not in _ROOT_CHOICES}
    if len(kept) == len(schema):
        return dict(schema), ""
    for keyword, words in (("oneOf", "exactly one"), ("anyOf", "at least one")):
        branches = schema.get(keyword, [])
        if branches and all(isinstance(each, dict) and set(each) == {"required"} for each in branches):
            options = "; ".join(" and ".join(each["required"]) for each in branches)
            return kept, f"Give {words} of: {options}."
    return kept, "Further rules apply to combinations of arguments; an error says which."


def object_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A portable input schema as a request carries it, and the caller's own: SDKs change in place what they get.

    Says the same in the words model APIs insist on: the root is an object with properties, and an array has items.
    """
    kept = {key: copy.deepcopy(value) for key, value in schema.items() if key not in ("$schema", "$id")}
    for _, node in iter_subschemas(kept):
        if node.get("type") == "array":
            node.setdefault("items", {})
    return {"type": "object", "properties": {}} | kept | {"type": "object"}


def portable_output(schema: Mapping[str, Any] | None, *, max_bytes: int | None = None) -> dict[str, Any] | None:
    """An output schema with an object at its root, as MCP wants it; anything else stands under `result`.

    Args:
        schema: Full schema; None = not documented.
        max_bytes: A larger one is summarised: the properties at its root, without what is inside them.
    """
    if schema is None:
        return None
    whole = dict(schema)
    if wraps_result(schema):
        definitions: dict[str, Any] = {key: whole.pop(key) for key in ("$defs", "definitions") if key in whole}
        if max_bytes is not None and len(json.dumps(whole)) > max_bytes:
            whole, definitions = _summarise_value(whole), {}
        if _refers_to_root(schema):
            whole, definitions = {}, {}
        return {"type": "object", "properties": {"result": whole}, "required": ["result"], **definitions}
    if max_bytes is None or len(json.dumps(whole)) <= max_bytes:
        return whole
    return _summarise_object(whole)


def wraps_result(schema: Mapping[str, Any] | None) -> bool:
    """Whether the answer stands under `result` because it need not be an object."""
    return schema is not None and schema.get("type") != "object"


def _refers_to_root(schema: Any) -> bool:
    """Whether a reference counts on the schema standing at the root."""
    return _ROOT_REFERENCE.search(json.dumps(schema)) is not None


def _summarise_object(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {key: _summarise_value(sub) for key, sub in schema.get("properties", {}).items()}
    summary: dict[str, Any] = {"type": "object", "properties": properties}
    if required := schema.get("required"):
        summary["required"] = required
    return summary


def _summarise_value(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, dict):
        return {}
    return {key: schema[key] for key in _KEPT_IN_SUMMARY if key in schema}
