"""Forms of earlier drafts that 2020-12 has another word for. No I/O.

Only what 2020-12 would refuse is rewritten, so a schema that it can read keeps its meaning: `items` as a list, with
`additionalItems`, and `exclusiveMinimum` or `exclusiveMaximum` as a boolean.
"""

from __future__ import annotations

from typing import Any

from orchestra_tools.schema.limits import DATA_KEYWORDS, MAPS_OF_SCHEMAS

_FLAGS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_MAPS = MAPS_OF_SCHEMAS | {"dependencies"}


def modernise(schema: Any) -> Any:
    """The schema in the words of 2020-12; itself where there is nothing to change."""
    return _schema(schema) if isinstance(schema, dict) else schema


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    made = {key: _below(key, value) for key, value in schema.items()}
    if isinstance(made.get("items"), list):
        made["prefixItems"] = made.pop("items")
        if "additionalItems" in made:
            made["items"] = made.pop("additionalItems")
    for flag, bound in _FLAGS.items():
        if isinstance(made.get(flag), bool) and made.pop(flag) and bound in made:
            made[flag] = made.pop(bound)
    return made


def _below(key: str, value: Any) -> Any:
    if key in DATA_KEYWORDS:
        return value
    if isinstance(value, dict):
        if key in _MAPS:
            return {name: _schema(sub) if isinstance(sub, dict) else sub for name, sub in value.items()}
        return _schema(value)
    if isinstance(value, list):
        return [_schema(sub) if isinstance(sub, dict) else sub for sub in value]
    return value
