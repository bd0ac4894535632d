"""Schemas as the clients of a server take them. Pure.

A client parses and compiles what a server lists, with a validator of its own, and one schema it cannot take costs the
whole list: a pattern that is none in JavaScript, `nullable` without a type, a schema that is just `true`. So what is
listed is in the words that all of them read alike. What is left out is only ever a constraint: whatever fits the full
schema, against which every call and every answer is checked, fits the listed one.

    acceptable_output({"type": "object", "properties": {"id": {"type": "string", "pattern": "\\\\A[a-z]+\\\\z"}}})
    # {"type": "object", "properties": {"id": {"type": "string"}}}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcp.shared.inbound import find_invalid_x_mcp_header

from orchestra_tools.schema import resolve
from orchestra_tools.schema.limits import MAPS_OF_SCHEMAS, iter_subschemas

_LISTS_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset(
    {"items", "additionalProperties", "propertyNames", "not", "if", "then", "else", "contains", "contentSchema"}
)
_MAY_BE_BOOLEAN = frozenset({"additionalProperties", "unevaluatedProperties", "unevaluatedItems"})
# What draft-07 and 2020-12 mean alike, and validators in Python and JavaScript do.
_READ_ALIKE = frozenset(
    {
        "type", "enum", "const", "required", "$ref", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "contentEncoding",
        "contentMediaType",
    }
)  # fmt: skip
_KEPT = (
    _READ_ALIKE
    | _LISTS_OF_SCHEMAS
    | {
        "properties",
        "$defs",
        "definitions",
        "items",
        "additionalProperties",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
    }
)
_FORMATS_READ_ALIKE = frozenset({"date", "date-time", "uuid"})
# Constraints that some validators read in another way, or not at all. A pattern may also be one that takes a
# backtracking engine for ever, and who wrote the schema writes the answer. Of `prefixItems`, what they say stays.
_READ_OTHERWISE = frozenset(
    {
        "pattern", "patternProperties", "multipleOf", "contains", "minContains", "maxContains", "prefixItems",
        "unevaluatedProperties", "unevaluatedItems", "dependentRequired", "dependentSchemas", "dependencies",
    }
)  # fmt: skip
# In JavaScript every object seems to have these.
_INHERITED = frozenset(
    {
        "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString",
        "valueOf", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__",
    }
)  # fmt: skip
_X_MCP_HEADER = "x-mcp-header"


def acceptable_input(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An input schema as it is listed. It says all that it said before, in other words where some refuse the first."""
    # Clients drop a tool with one such annotation that is wrong; the SDK's server then checks none of them.
    headers = find_invalid_x_mcp_header(schema) is None
    listed = _rewrite(schema, lambda node: _say_in_other_words(node, headers=headers))
    properties = listed.get("properties", {})
    if "constructor" in properties:
        # A client of the TypeScript SDK v1 takes an object with a member of that name for none.
        others = {name: each for name, each in properties.items() if name != "constructor"}
        patterns = {"^constructor$": properties["constructor"], **listed.get("patternProperties", {})}
        listed |= {"properties": others, "patternProperties": patterns}
    return listed


def acceptable_output(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An output schema as it is listed, without what clients' validators would hold against an answer that fits."""
    loosened = False

    def loosen(node: dict[str, Any]) -> dict[str, Any]:
        nonlocal loosened
        loosened = loosened or _is_read_otherwise(node)
        return _read_alike(node)

    listed = _rewrite(schema, loosen)
    if loosened:
        # Under `not`, and among branches of which just one may fit, less of a constraint is more of one.
        listed = _rewrite(listed, _without_opposites)
    return listed if _leads_somewhere(listed) else {"type": "object"}


def _rewrite(node: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """A schema with every schema in it changed, the innermost last."""
    if not isinstance(node, Mapping):
        return {} if node else {"not": {}}
    return {key: _rewrite_member(key, value, change) for key, value in change(dict(node)).items()}


def _rewrite_member(key: str, value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if key in MAPS_OF_SCHEMAS:
        return {name: _rewrite(each, change) for name, each in value.items()}
    if key in _LISTS_OF_SCHEMAS:
        return [_rewrite(each, change) for each in value]
    if key in _MAY_BE_BOOLEAN and isinstance(value, bool):
        return value
    return _rewrite(value, change) if key in _SCHEMAS or key in _MAY_BE_BOOLEAN else value


def _say_in_other_words(node: dict[str, Any], *, headers: bool) -> dict[str, Any]:
    if not headers:
        node.pop(_X_MCP_HEADER, None)
    return _close_tuple(node) if node.get("items") is False else node


def _close_tuple(node: dict[str, Any]) -> dict[str, Any]:
    """No items beyond the first few: as a length."""
    length = min(node.get("maxItems", len(node.get("prefixItems", ()))), len(node.get("prefixItems", ())))
    return {key: value for key, value in node.items() if key != "items"} | {"maxItems": length}


def _is_read_otherwise(node: dict[str, Any]) -> bool:
    """Whether some validators take more than is meant, once what is not read alike is left out."""
    return (
        not _READ_OTHERWISE.isdisjoint(node)
        or node.get("format", "date") not in _FORMATS_READ_ALIKE
        or node.get("enum") == []
        or not _INHERITED.isdisjoint(node.get("properties", ()))
    )


def _read_alike(node: dict[str, Any]) -> dict[str, Any]:
    if node.get("items") is False:
        node = _close_tuple(node)
    kept = {key: value for key, value in node.items() if key in _KEPT}
    if node.get("format") in _FORMATS_READ_ALIKE:
        kept["format"] = node["format"]
    if "prefixItems" in kept:
        # Before 2020-12 `items` spoke of all of them.
        kept.pop("items", None)
    if kept.get("enum") == []:
        del kept["enum"]
    inherited = _INHERITED.intersection(kept.get("properties", ()))
    if inherited:
        kept["properties"] = {name: each for name, each in kept["properties"].items() if name not in inherited}
    if inherited or "patternProperties" in node:
        kept.pop("additionalProperties", None)
    return kept


def _without_opposites(node: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in node.items() if key not in ("not", "if", "then", "else", "oneOf")}
    if "oneOf" in node:
        kept["allOf"] = [*kept.get("allOf", ()), {"anyOf": node["oneOf"]}]
    return kept


def _leads_somewhere(schema: dict[str, Any]) -> bool:
    """Whether every reference still has its target: it may have stood under a word that is left out."""
    for _, node in iter_subschemas(schema):
        if "$ref" in node:
            try:
                resolve(schema, node["$ref"][1:])
            except LookupError:
                return False
    return True
