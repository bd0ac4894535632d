"""What smolagents knows of a tool's arguments: the properties of their schema, each complete in itself.

smolagents has one attribute for two things: it checks arguments against `inputs`, and shows models a copy of it. Its
check stops at the first fault, and refuses an integer where a number or null is expected; so nothing in `inputs` says
no, and what the copy is made of is the schema. The ledger checks the arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from orchestra_tools.exports.inline import Inliner

_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
_ALL_TYPES = ["string", "number", "boolean", "array", "object", "null"]


class Inputs(dict[str, dict[str, Any]]):
    """The `inputs` of a tool. smolagents' check lets everything pass; `get_tool_json_schema` shows the copy."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Read the input schema of a tool."""
        inliner = Inliner(schema)
        optional = schema.get("properties", {}).keys() - schema.get("required", [])
        self._shown = {
            # smolagents knows by it which arguments are not required.
            name: _typed(inliner.inline(each)) | ({"nullable": True} if name in optional else {})
            for name, each in schema.get("properties", {}).items()
        }
        super().__init__({name: each | _unchecked(each) for name, each in self._shown.items()})

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, Any]:
        return _unchecked({})

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, dict[str, Any]]:
        return deepcopy(self._shown, memo)


def _unchecked(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "any", "nullable": True, "description": schema.get("description", "")}


def _typed(schema: Any) -> dict[str, Any]:
    """The same schema as smolagents shows it unchanged: it wants a type, and makes one of what `anyOf` says."""
    if not isinstance(schema, dict):
        schema = {} if schema else {"not": {}}
    shown = {key: value for key, value in schema.items() if key != "anyOf"}
    if "type" not in schema:
        types = _types(schema) or _ALL_TYPES
        shown = ({"items": {}} if "array" in types else {}) | shown | {"type": types[0] if len(types) == 1 else types}
    if "anyOf" in schema and schema["anyOf"] != [{"type": each} for each in _types({"anyOf": schema["anyOf"]})]:
        shown["allOf"] = [*shown.get("allOf", []), {"anyOf": schema["anyOf"]}]
    return shown


def _types(schema: Any) -> list[str]:
    """The types of whatever fits, as far as it shows; none where it does not."""
    if not isinstance(schema, dict):
        return []
    if "type" in schema:
        return [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
    if "const" in schema or "enum" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return list(dict.fromkeys(_TYPES.get(type(value), "null") for value in values))
    branches = [_types(branch) for branch in schema.get("anyOf") or schema.get("oneOf") or []]
    return list(dict.fromkeys(each for branch in branches for each in branch)) if all(branches) else []
