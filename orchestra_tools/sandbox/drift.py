"""Answers that break the schema they are promised by. No I/O."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema.generate import Generator
from orchestra_tools.schema.limits import iter_subschemas
from orchestra_tools.schema.parts import REMOVED, changed, iter_steps, part_at

NEW_FIELD = "sandbox_new_field"
_MAX_CHECKS = 3_000
_ODD: tuple[Any, ...] = (
    "sandbox-drift",
    -987_654_321.5,
    True,
    None,
    [],
    {},
    ["sandbox-drift"],
    {"drift": "sandbox"},
    "",
    0,
)


def break_value(value: Any, generator: Generator | None) -> Any:
    """A value like this one that the schema refuses.

    A field of another type is tried first, then a missing one, then other roots. Where the schema takes everything, the
    value comes back inside a list.
    """
    if generator is None:
        return [value]
    accepts = generator.validator.accepts
    for broken in itertools.islice(_broken(value, generator), _MAX_CHECKS):
        if not accepts(broken):
            return broken
    return [value]


def with_new_field(value: Any) -> Any:
    """The value with one more field, in the root or in the first object of a list."""
    if isinstance(value, dict):
        return {**value, NEW_FIELD: "something new"}
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return [with_new_field(value[0]), *value[1:]]
    return {NEW_FIELD: "something new"} if value in ([], None) else value


def _broken(value: Any, generator: Generator) -> Iterator[Any]:
    yield from _retyped(value)
    yield from _shortened(value)
    yield from (odd for odd in _ODD)
    try:
        # The fullest and the barest value have other fields to break.
        for other in (generator.generate("drift"), generator.generate("drift", extent="required")):
            yield from _retyped(other)
            yield from _shortened(other)
    except SchemaRefusedError:
        return
    yield from _from_schema(generator.validator.schema)


def _retyped(value: Any) -> Iterator[Any]:
    for steps in iter_steps(value, limit=_MAX_CHECKS):
        before = part_at(value, steps)
        for odd in _ODD[:8]:
            if type(odd) is not type(before):
                yield changed(value, steps, odd)


def _shortened(value: Any) -> Iterator[Any]:
    for steps in iter_steps(value, limit=_MAX_CHECKS):
        if isinstance(steps[-1], str):
            yield changed(value, steps, REMOVED)
    if isinstance(value, dict):
        yield {**value, NEW_FIELD: "sandbox-drift"}
        yield {**value, **{f"{NEW_FIELD}_{number}": number for number in range(60)}}
    if isinstance(value, list):
        yield value * 60 if value else [None] * 60


def _from_schema(schema: dict[str, Any]) -> Iterator[Any]:
    """Values aimed at what the keywords of a schema rule out."""
    names: dict[str, None] = {}
    for _, node in iter_subschemas(schema):
        names |= dict.fromkeys([*node.get("properties", {}), *node.get("required", ())])
        for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if keyword in node:
                yield from (node[keyword] - 1, node[keyword] + 1, node[keyword] + 0.5, node[keyword])
        for keyword in ("minLength", "maxLength"):
            if keyword in node:
                yield from ("x" * max(0, node[keyword] - 1), "x" * min(node[keyword] + 1, 100_000))
        if "const" in node or "enum" in node:
            yield from ([option] for option in [node.get("const"), *node.get("enum", ())])
            yield from node.get("enum", [node.get("const")])
    yield from (0.5, 1, -1, [1, 1], [[]], [{}], {"": 1}, list(range(100)), {str(number): 1 for number in range(100)})
    for odd in _ODD:
        yield from ({name: odd} for name in names)
        yield dict.fromkeys(names, odd)
