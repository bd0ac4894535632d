"""The ways to satisfy a schema: `$ref` followed, `anyOf`, `oneOf`, `if` and `not` decided. No I/O.

    for parts in alternatives([schema], resolve, order): ...

Each way is a list of plain schemas that must hold together; their combining keywords have been dealt with. What cannot
be decided here (`not` with a pattern, say) is left for the check of the finished value.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

Node = Any  # a schema: an object, or a boolean
Resolve = Callable[[str], Node]
Order = Callable[[Sequence[Node]], Sequence[Node]]

TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_COMBINERS = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "not", "dependentSchemas"})
_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$defs", "definitions", "$comment", "title", "description", "default", "examples", "deprecated"}
    | {"readOnly", "writeOnly", "then", "else", "minContains", "maxContains"}
)


class Way(NamedTuple):
    """One way to satisfy a schema."""

    parts: list[dict[str, Any]]
    refs: frozenset[str]


def alternatives(parts: Sequence[Node], resolve: Resolve, order: Order) -> Iterator[Way]:
    """All ways to satisfy every schema of `parts`, contradictions left out as far as they show."""
    if len(parts) == 1 and isinstance(parts[0], dict) and not (parts[0].keys() & _COMBINERS):
        yield Way([parts[0]], frozenset())
        return
    yield from _walk(list(reversed(parts)), [], frozenset(), resolve, order)


def _walk(
    todo: list[Node], done: list[dict[str, Any]], refs: frozenset[str], resolve: Resolve, order: Order
) -> Iterator[Way]:
    todo, done = list(todo), list(done)
    while todo:
        part = todo.pop()
        if part is True:
            continue
        if not isinstance(part, dict):
            return
        done.append(part)
        if contradictory(done):
            return
        if not (part.keys() & _COMBINERS):
            continue
        if (target := part.get("$ref")) is not None and target not in refs:
            refs |= {target}
            todo.append(resolve(target))
        todo.extend(reversed(part.get("allOf", ())))
        if choices := _choices(part, done, refs, resolve, order):
            for chosen in itertools.product(*choices):
                yield from _walk(todo + [one for option in chosen for one in option], done, refs, resolve, order)
            return
    yield Way(done, refs)


def _choices(
    part: dict[str, Any], done: list[dict[str, Any]], refs: frozenset[str], resolve: Resolve, order: Order
) -> list[list[list[Node]]]:
    """For each decision of a schema, its options; an option is a list of schemas."""
    choices: list[list[list[Node]]] = []
    if "anyOf" in part:
        choices.append([[branch] for branch in order(part["anyOf"])])
    if "oneOf" in part:
        branches = order(part["oneOf"])
        apart = [[branch, *({"not": other} for other in branches if other is not branch)] for branch in branches]
        choices.append([[branch] for branch in branches] + apart)
    if "if" in part:
        choices.append([[part["if"], part.get("then", True)], [{"not": part["if"]}, part.get("else", True)]])
    if "not" in part:
        choices.append(negations(part["not"], refs, resolve))
    required = {name for each in done for name in each.get("required", ())}
    for name, schema in part.get("dependentSchemas", {}).items():
        present = [{"type": "object", "required": [name]}, schema]
        absent: list[Node] = [{"properties": {name: False}}]
        choices.append([present] if name in required else [absent, present])
    return choices


def negations(schema: Node, refs: frozenset[str], resolve: Resolve) -> list[list[Node]]:
    """Ways to break a schema: breaking one keyword is enough. An empty option leaves it to the final check."""
    if isinstance(schema, bool):
        return [] if schema else [[]]
    options: list[list[Node]] = []
    for keyword, value in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        if keyword == "$ref":
            # A negated reference to itself cannot be decided by following it.
            options.append([] if value in refs else [{"not": resolve(value)}])
        elif keyword == "type":
            options.append([{"type": _other_types(value)}])
        elif keyword in _BREAKERS:
            options.extend(_BREAKERS[keyword](value))
        else:
            options.append([])
    return options


def _other_types(stated: str | list[str]) -> list[str]:
    named = [stated] if isinstance(stated, str) else stated
    return [name for name in TYPES if name not in named and not (name == "integer" and "number" in named)]


def _each_property(properties: dict[str, Node]) -> list[list[Node]]:
    return [
        [{"type": "object", "required": [name], "properties": {name: {"not": schema}}}]
        for name, schema in properties.items()
    ]


_BREAKERS: dict[str, Callable[[Any], list[list[Node]]]] = {
    "required": lambda names: [[{"type": "object", "properties": {name: False}}] for name in names],
    "properties": _each_property,
    "anyOf": lambda branches: [[{"not": branch} for branch in branches]],
    "oneOf": lambda branches: [[{"not": branch} for branch in branches], list(branches[:2])],
    "allOf": lambda branches: [[{"not": branch}] for branch in branches],
    "not": lambda inner: [[inner]],
    "minimum": lambda limit: [[{"type": "number", "exclusiveMaximum": limit}]],
    "maximum": lambda limit: [[{"type": "number", "exclusiveMinimum": limit}]],
    "exclusiveMinimum": lambda limit: [[{"type": "number", "maximum": limit}]],
    "exclusiveMaximum": lambda limit: [[{"type": "number", "minimum": limit}]],
    "minLength": lambda limit: [[{"type": "string", "maxLength": limit - 1}]] if limit > 0 else [],
    "maxLength": lambda limit: [[{"type": "string", "minLength": limit + 1}]],
    "minItems": lambda limit: [[{"type": "array", "maxItems": limit - 1}]] if limit > 0 else [],
    "maxItems": lambda limit: [[{"type": "array", "minItems": limit + 1}]],
    "minProperties": lambda limit: [[{"type": "object", "maxProperties": limit - 1}]] if limit > 0 else [],
    "maxProperties": lambda limit: [[{"type": "object", "minProperties": limit + 1}]],
    "pattern": lambda _: [[{"type": "string"}]],
    "format": lambda _: [[{"type": "string"}]],
    "multipleOf": lambda step: [[{"type": "number"}], [{"type": "number", "multipleOf": step / 2}]],
    "items": lambda schema: [[{"type": "array", "minItems": 1, "contains": {"not": schema}}]],
    "contains": lambda schema: [[{"type": "array", "items": {"not": schema}}]],
    "additionalProperties": lambda _: [[{"type": "object", "minProperties": 1}]],
    "propertyNames": lambda schema: [[{"type": "object", "minProperties": 1, "propertyNames": {"not": schema}}]],
    "uniqueItems": lambda on: [[{"type": "array", "minItems": 2, "items": {"enum": [0]}}]] if on else [],
}


def allowed_types(parts: Sequence[dict[str, Any]]) -> list[str] | None:
    """The types all schemas allow, in the order of the first that states any; None where none does."""
    allowed: list[str] | None = None
    for part in parts:
        if (stated := part.get("type")) is None:
            continue
        named: list[str] = [stated] if isinstance(stated, str) else stated
        if allowed is None:
            allowed = list(named)
        elif named != allowed:
            # An integer is a number.
            wide = {*named, "integer"} if "number" in named else set(named)
            narrowed = [name for name in allowed if name in wide]
            if "number" in allowed and "integer" in named and "integer" not in narrowed:
                narrowed.append("integer")
            allowed = narrowed
    return allowed


def contradictory(parts: Sequence[dict[str, Any]]) -> bool:
    """Whether no value can have the types and constants that all schemas demand."""
    if len(parts) == 1:
        return False
    allowed = allowed_types(parts)
    if allowed is not None and not allowed:
        return True
    options = enumerated(parts)
    return options is not None and not options


def enumerated(parts: Sequence[dict[str, Any]]) -> list[Any] | None:
    """The values every `enum` and `const` allows; None where there is neither."""
    found: list[Any] | None = None
    for part in parts:
        for options in ([part["const"]] if "const" in part else None, part.get("enum")):
            if options is not None:
                keys = {identity(option) for option in options}
                found = list(options) if found is None else [one for one in found if identity(one) in keys]
    return found


def identity(value: Any) -> Any:
    """A hashable stand-in: equal for JSON values that JSON Schema calls equal (1 and 1.0, not 1 and true)."""
    if isinstance(value, bool) or value is None:
        return (type(value), value)
    if isinstance(value, dict):
        return frozenset((name, identity(each)) for name, each in value.items())
    if isinstance(value, list):
        return tuple(identity(each) for each in value)
    return value
