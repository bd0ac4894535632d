"""Recorded schemas made into JSON Schema 2020-12 that stands on its own. Nothing is added that the facts do not say."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_SUBSCHEMA_MAPS = ("properties", "$defs", "patternProperties")
_SUBSCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SUBSCHEMAS = ("items", "additionalProperties", "not", "contains")


def clean_schema(schema: Schema) -> Schema:
    """A copy without dangling references, keywords that are not in JSON Schema, and titles.

    The titles are class and member names in other words, and an agent would pay for them in tokens.
    """
    if "$ref" in schema:
        shape = schema["$ref"].rpartition("/")[2]
        return {"description": f"{shape}: its shape is not documented."}
    cleaned = {_keyword(name): value for name, value in schema.items() if name != "title"}
    for name in _SUBSCHEMA_MAPS:
        if name in cleaned:
            cleaned[name] = {key: clean_schema(value) for key, value in cleaned[name].items()}
    for name in _SUBSCHEMA_LISTS:
        if name in cleaned:
            cleaned[name] = [clean_schema(value) for value in cleaned[name]]
    for name in _SUBSCHEMAS:
        if isinstance(cleaned.get(name), dict):
            cleaned[name] = clean_schema(cleaned[name])
    return cleaned


def _keyword(name: str) -> str:
    return "minimum" if name == "gte" else name


def is_binary(schema: Schema) -> bool:
    """Whether the value is a file's bytes. OpenAPI says so in a way JSON Schema does not know."""
    return schema.get("format") == "binary"


def as_base64(schema: Schema) -> Schema:
    """The JSON form of a file's bytes."""
    kept = {name: value for name, value in schema.items() if name != "format"}
    return {**kept, "contentEncoding": "base64"}
