"""A search for a value that fits one schema and not another, for where the prover has no answer. No I/O.

Values that the schemas state, and values generated from the first one; then each of these with one part replaced, taken
away or added. All of it is bounded, and the same for the same schemas.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random
from typing import Any

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema.building import Extent
from orchestra_tools.schema.generate import Generator
from orchestra_tools.schema.limits import iter_subschemas
from orchestra_tools.schema.validator import Validator

MAX_TRIED = 2_000  # values
_MAX_SUBSCHEMAS = 400
_MAX_STATED = 120
_MAX_PLACES = 60  # parts of a value that are changed
_PLANS: tuple[tuple[str, Extent], ...] = (
    ("1", "all"), ("2", "required"), ("3", "documented"), ("4", "all"), ("5", "smallest"), ("6", "all"),
)  # fmt: skip
_USUAL: tuple[Any, ...] = (None, True, 0, 1, -1, 1.5, "", "a", [], [None], ["a", "a"], {}, {"x": None})
_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems")
_MAX_HALVED = 2**53
_MAX_LENGTH = 1_000  # characters or items
Path = tuple[str | int, ...]


def search(sub: dict[str, Any], whole: dict[str, Any]) -> list[Any]:
    """A value that fits `sub` and not `whole`, in a list; an empty list where none was found."""
    fits, other = Validator(sub), Validator(whole)
    stated = list(itertools.islice(_stated(sub, whole), _MAX_STATED))
    for value in itertools.islice(_values(sub, whole, stated), MAX_TRIED):
        if fits.accepts(value) and not other.accepts(value):
            return [value]
    return []


def _values(sub: dict[str, Any], whole: dict[str, Any], stated: list[Any]) -> Iterator[Any]:
    yield from stated
    made = list(_generated(sub, whole))
    yield from made
    random = Random(0)  # noqa: S311 - repeatable on purpose
    names = list(dict.fromkeys(name for _, node in _nodes(sub, whole) for name in _names_in(node)))
    changes = [_changed(value, stated, names, random) for value in made]
    # In turns, so that one large value does not take all the tries.
    for round_ in itertools.zip_longest(*changes):
        yield from (value[0] for value in round_ if value is not None)


def _nodes(*schemas: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for schema in schemas:
        yield from itertools.islice(iter_subschemas(schema), _MAX_SUBSCHEMAS)


def _names_in(node: dict[str, Any]) -> Iterator[str]:
    for keyword in ("properties", "required", "dependentRequired", "dependentSchemas"):
        if isinstance(named := node.get(keyword), dict | list):
            yield from (name for name in named if isinstance(name, str))


def _stated(*schemas: dict[str, Any]) -> Iterator[Any]:
    """Values that stand in the schemas, and values at their limits."""
    yield from _USUAL
    for _, node in _nodes(*schemas):
        for keyword in ("const", "default", "example"):
            if keyword in node:
                yield node[keyword]
        for keyword in ("enum", "examples"):
            if isinstance(values := node.get(keyword), list):
                yield from values
        for keyword in _LIMITS:
            if isinstance(limit := node.get(keyword), int | float):
                yield from (limit, limit + 1, limit - 1, limit / 2 if abs(limit) < _MAX_HALVED else 0)
        for keyword in _LENGTHS:
            if isinstance(length := node.get(keyword), int | float) and 0 <= length < _MAX_LENGTH:
                for exact in (int(length), int(length) + 1, max(0, int(length) - 1)):
                    yield from ("a" * exact, [0] * exact, list(range(exact)))


def _generated(*schemas: dict[str, Any]) -> Iterator[Any]:
    for schema in schemas:
        try:
            generator = Generator(schema)
            for seed, extent in _PLANS:
                yield generator.generate(seed, extent=extent)
        except SchemaRefusedError:
            return  # what is as hard as that takes long to give up


def _changed(value: Any, stated: list[Any], names: list[str], random: Random) -> Iterator[tuple[Any]]:
    """The value with one part changed, in a tuple each, since a value may be None."""
    places = list(itertools.islice(_places(value, ()), _MAX_PLACES))
    while places:
        path = random.choice(places)
        part = _at(value, path)
        match part:
            case dict() if part and random.random() < 0.4:
                gone = random.choice(list(part))
                new: Any = {name: each for name, each in part.items() if name != gone}
            case dict() if random.random() < 0.7:
                new = {**part, random.choice([*names, "x"]): random.choice(stated)}
            case list() if part and random.random() < 0.6:
                new = random.choice(([*part, random.choice(part)], part[:-1], part[1:]))
            case list() if random.random() < 0.7:
                new = [*part, random.choice(stated)]
            case _:
                new = random.choice(stated)
        yield (_with(value, path, new),)


def _places(value: Any, path: Path) -> Iterator[Path]:
    level = [(path, value)]
    while level:
        yield from (place for place, _ in level)
        level = [
            ((*place, key), below)
            for place, part in level
            if isinstance(part, dict | list)
            for key, below in (part.items() if isinstance(part, dict) else enumerate(part))
        ]


def _at(value: Any, path: Path) -> Any:
    for token in path:
        value = value[token]
    return value


def _with(value: Any, path: Path, new: Any) -> Any:
    """A copy with one part replaced; all other parts are shared."""
    if not path:
        return new
    token, *rest = path
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    copied[token] = _with(value[token], tuple(rest), new)
    return copied
