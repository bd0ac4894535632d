"""What each keyword of a schema takes, in OpenAPI 3.0 and in JSON Schema 2020-12.

Keywords that are not here say nothing about validity (`xml`, `externalDocs`, extensions) and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from orchestra_tools.importers.openapi.references import MAX_SHOWN
from orchestra_tools.schema.shorthand import JSON_TYPES

ONE_SCHEMA = frozenset(
    (
        *("not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames"),
        *("unevaluatedItems", "unevaluatedProperties"),
    )
)
SEVERAL_SCHEMAS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
NAMED_SCHEMAS = frozenset(("properties", "patternProperties", "dependentSchemas"))
REFUSED = ("$dynamicRef", "$recursiveRef")


class BadKeyword(ValueError):  # noqa: N818  # never leaves the schema reader
    """A keyword has a value that it cannot have."""


def _number(value: Any) -> Any:
    finite = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not finite:
        raise BadKeyword("is a number")
    return value


def _positive(value: Any) -> Any:
    if _number(value) <= 0:
        raise BadKeyword("is a number above 0")
    return value


def _count(value: Any) -> int:
    if _number(value) < 0 or value != int(value):
        raise BadKeyword("is a whole number, 0 or more")
    return int(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadKeyword("is true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadKeyword("is text")
    return value


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadKeyword("is a list of names")
    return list(dict.fromkeys(value))


def _types(value: Any) -> str | list[str]:
    stated = value if isinstance(value, list) else [value]
    unknown = [each for each in stated if not isinstance(each, str) or each not in JSON_TYPES]
    if unknown or not stated:
        raise BadKeyword(f"is one of {', '.join(sorted(JSON_TYPES))}, not {_shown(unknown)}")
    kept = list(dict.fromkeys(stated))
    return kept if len(kept) > 1 else kept[0]


def _shown(unknown: list[Any]) -> str:
    first = unknown[0] if unknown else None
    return repr(first[:MAX_SHOWN]) if isinstance(first, str) else type(first).__name__


def _named_lists(value: Any) -> dict[str, list[str]]:
    if not isinstance(value, dict):
        raise BadKeyword("is an object of lists of names")
    return {str(name): _names(each) for name, each in value.items()}


PLAIN: dict[str, Callable[[Any], Any]] = {
    "type": _types,
    "multipleOf": _positive,
    "maximum": _number,
    "minimum": _number,
    "exclusiveMaximum": _number,
    "exclusiveMinimum": _number,
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains"), _count),
    **dict.fromkeys(("maxProperties", "minProperties"), _count),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), _flag),
    **dict.fromkeys(("pattern", "format", "contentEncoding", "contentMediaType"), _text),
    "required": _names,
    "dependentRequired": _named_lists,
}
