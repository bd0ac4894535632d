"""Which keywords of a schema say something about values, and where they hold schemas. No I/O."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import jsonschema_rs

Kind = Literal["null", "boolean", "number", "string", "array", "object"]
KINDS: tuple[Kind, ...] = ("null", "boolean", "number", "string", "array", "object")

ONE_SCHEMA = frozenset(
    {"not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames"}
    | {"unevaluatedItems", "unevaluatedProperties"}
)
LISTS_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
# Whose schemas speak of the same value, not of a part of it.
IN_PLACE = frozenset(
    {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"}
)
# Where a wider schema below can make a narrower one above.
TURNING = frozenset({"not", "if", "oneOf"})
PLAIN = frozenset(
    {"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "minContains"}
    | {"maxContains", "required", "minProperties", "maxProperties", "dependentRequired"}
)
ASSERTIONS = frozenset({"$ref"} | ONE_SCHEMA | LISTS_OF_SCHEMAS | NAMED_SCHEMAS | PLAIN)
ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated"}
    | {"readOnly", "writeOnly", "contentMediaType", "contentEncoding", "contentSchema", "additionalItems"}
)
_COMPANIONS = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}


def says(schema: dict[str, Any], keyword: str) -> bool:
    """Whether a keyword of a schema can refuse a value; annotations and what the engine does not know cannot."""
    if keyword not in ASSERTIONS or _COMPANIONS.get(keyword, keyword) not in schema:
        return False
    value = schema[keyword]
    if keyword == "format":
        return is_asserted(value)
    return not (keyword == "uniqueItems" and value is False)


@lru_cache(maxsize=512)
def is_asserted(name: str) -> bool:
    """Whether the engine checks a format, and does not take it for a remark."""
    try:
        jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True, ignore_unknown_formats=False)
    except jsonschema_rs.ValidationError:
        return False
    return True


def kind_of(value: Any) -> Kind:
    """The kind of a JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def kinds_named(stated: str | list[str]) -> frozenset[str]:
    """The kinds that a `type` allows; an integer is a number of its own sort."""
    names = [stated] if isinstance(stated, str) else stated
    return frozenset("number" if name == "integer" else name for name in names)
