"""The fields of a schema, and what stands there in an answer. No I/O.

fields_of(schema)[("results", ITEMS, "title")]     # {"type": "string"}
list(values_at(answer, ("results", ITEMS, "title")))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestra_tools.governance.paths import ITEMS
from orchestra_tools.schema import resolve
from orchestra_tools.schema.limits import MAX_DEPTH

Way = tuple[Any, ...]
"""Names of properties, and `ITEMS`."""
MAX_FIELDS = 5_000
_BRANCHES = ("anyOf", "oneOf", "allOf")


def fields_of(schema: Any) -> Mapping[Way, Mapping[str, Any]]:
    """Every field of a schema, the root included, with its own schema; a recursive one is followed once.

    Where alternatives have the same field, it is any of theirs. What is said of a field refers to definitions of the
    whole schema, which it has with it.
    """
    found: dict[Way, list[Any]] = {}
    for way, node in _walk(schema, schema, (), frozenset()):
        said = found.setdefault(way, [])
        if node not in said:
            said.append(node)
        if len(found) >= MAX_FIELDS:
            break
    definitions = {"$defs": schema["$defs"]} if isinstance(schema, dict) and "$defs" in schema else {}
    return {way: _whole(said) | definitions for way, said in found.items()}


def outline_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema says of a value itself, and not of its fields and items."""
    outline = dict(schema)
    if isinstance(properties := schema.get("properties"), dict):
        outline["properties"] = dict.fromkeys(properties, True)
    if "items" in schema:
        outline["items"] = True
    return outline


def values_at(answer: Any, way: Sequence[Any]) -> Iterator[Any]:
    """Every value of a field in an answer."""
    if not way:
        yield answer
        return
    step, rest = way[0], way[1:]
    if step is ITEMS:
        for each in answer if isinstance(answer, list) else ():
            yield from values_at(each, rest)
    elif isinstance(answer, dict) and step in answer:
        yield from values_at(answer[step], rest)


def holders_of(answer: Any, way: Sequence[Any]) -> Iterator[Any]:
    """Every value that a field is a part of, or could be: an object for a name, a list for items."""
    wanted = list if way[-1] is ITEMS else dict
    return (value for value in values_at(answer, way[:-1]) if isinstance(value, wanted))


def spell(way: Sequence[Any]) -> str:
    """A way as people write it."""
    text = ""
    for step in way:
        text += "[]" if step is ITEMS else f".{step}"
    return text.removeprefix(".")


def _walk(root: Any, node: Any, way: Way, followed: frozenset[str]) -> Iterator[tuple[Way, Any]]:
    if not isinstance(node, dict) or len(way) > MAX_DEPTH:
        yield way, node
        return
    if isinstance(reference := node.get("$ref"), str) and reference not in followed:
        try:
            target = resolve(root, reference.removeprefix("#"))
        except LookupError:
            target = {}
        beside = {name: each for name, each in node.items() if name != "$ref"}
        if isinstance(target, dict):
            yield from _walk(root, {**target, **beside}, way, followed | {reference})
            return
    yield way, node
    properties = node.get("properties")
    for name, each in (properties if isinstance(properties, dict) else {}).items():
        yield from _walk(root, each, (*way, name), followed)
    if "items" in node:
        yield from _walk(root, node["items"], (*way, ITEMS), followed)
    for keyword in _BRANCHES:
        for branch in node.get(keyword, ()):
            yield from ((inner, each) for inner, each in _walk(root, branch, way, followed) if inner != way)


def _whole(said: list[Any]) -> dict[str, Any]:
    schemas = [each if isinstance(each, dict) else {} if each else {"not": {}} for each in said]
    return dict(schemas[0]) if len(schemas) == 1 else {"anyOf": schemas}
