"""Schemas without references, for hosts that cannot follow them. Pure.

inliner = Inliner(schema)
{name: inliner.inline(sub) for name, sub in schema["properties"].items()}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_tools.schema import resolve
from orchestra_tools.schema.limits import DATA_KEYWORDS, MAPS_OF_SCHEMAS

MAX_NODES = 2_000  # of an inlined schema: references that lead to references grow without end
MAX_FOLLOWED = 8  # references in one another
_LEFT_OUT = frozenset({"$ref", "$defs", "definitions"})
_NOTES = frozenset({"title", "description", "default", "examples", "deprecated"})


class Inliner:
    """Puts what references lead to in their place. Where that would have no end, anything may stand."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = MAX_NODES

    def inline(self, schema: Any, followed: tuple[str, ...] = ()) -> Any:
        """A schema without references. Whatever fits the given one fits it."""
        self._left -= 1
        if not isinstance(schema, dict):
            return schema
        inlined = {key: self._member(key, value, followed) for key, value in schema.items() if key not in _LEFT_OUT}
        if (reference := schema.get("$ref")) is None:
            return inlined
        target: Any = {}
        if reference not in followed and len(followed) < MAX_FOLLOWED and self._left > 0:
            target = self.inline(self._resolve(reference), (*followed, reference))
        if isinstance(target, dict) and inlined.keys() <= _NOTES:
            return target | inlined
        return inlined | {"allOf": [*inlined.get("allOf", []), target]}

    def _member(self, key: str, value: Any, followed: tuple[str, ...]) -> Any:
        if key in DATA_KEYWORDS:
            return value
        if key in MAPS_OF_SCHEMAS:
            return {name: self.inline(each, followed) for name, each in value.items()}
        if isinstance(value, list):
            return [self.inline(each, followed) for each in value]
        return self.inline(value, followed)

    def _resolve(self, reference: str) -> Any:
        try:
            return resolve(self._root, reference[1:])
        except LookupError:  # it led to one of the choices at the root, which models are not shown
            return {}
