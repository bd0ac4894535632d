"""What follows from a value of one kind fitting a class, or not fitting it. No I/O.

    consequences(meaning, kind)   # all of them hold, and one option of each choice
    escapes(meaning, kind)        # one of them holds: the ways not to fit; None where every value of the kind does

An option is a tuple of items; an item is a literal about the same value, or a fact about values of the kind:

    ("among", values)  ("none_of", values)  ("any", options)
    number  ("least", n, strict)  ("most", n, strict)  ("multiple", n)  ("no_multiple", n)
    string  ("shortest", n)  ("longest", n)  ("match", p)  ("no_match", p)  ("format", f)  ("no_format", f)
    array   ("shortest", n)  ("longest", n)  ("item", index, c)  ("rest", index, c)  ("some", index, c)
            ("count", c, least, most)  ("unique",)  ("repeated",)
    object  ("shortest", n)  ("longest", n)  ("has", name)  ("lacks", name)  ("member", name, c)  ("matching", p, c)
            ("other", names, patterns, c)  ("names", c)  ("some_member", literals of the name, literals of the value)
            ("when", name, items)

An empty option says nothing: the keyword is broken in a way that is not understood, and no proof comes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from orchestra_tools.schema.inclusion.coverage import covered_members, covered_places
from orchestra_tools.schema.inclusion.universe import Meaning, Universe
from orchestra_tools.schema.inclusion.vocabulary import Kind, kind_of

Item = Any
Option = tuple[Item, ...]

_LENGTHS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


@dataclass(slots=True)
class Consequences:
    """What must hold: every item, and one option of each choice."""

    items: list[Item] = field(default_factory=list)
    choices: list[list[Option]] = field(default_factory=list)


_IMPOSSIBLE = Consequences(choices=[[]])


class Rulebook:
    """The rules for the classes of a universe; each is worked out once."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._fitting: dict[tuple[int, Kind], Consequences] = {}
        self._breaking: dict[tuple[int, Kind], list[Option] | None] = {}

    def consequences(self, number: int, kind: Kind) -> Consequences:
        """What follows from a value of a kind fitting a class."""
        key = (number, kind)
        if (found := self._fitting.get(key)) is None:
            meaning = self._universe.meaning(number)
            found = Consequences() if meaning.opaque else self._consequences(meaning, kind)
            self._fitting[key] = found
        return found

    def escapes(self, number: int, kind: Kind) -> list[Option] | None:
        """The ways a value of a kind can fail to fit a class; None where it fails for sure."""
        key = (number, kind)
        if key not in self._breaking:
            meaning = self._universe.meaning(number)
            self._breaking[key] = [()] if meaning.opaque else self._escapes(meaning, kind)
        return self._breaking[key]

    def _consequences(self, meaning: Meaning, kind: Kind) -> Consequences:
        if not _allows(meaning, kind):
            return _IMPOSSIBLE
        found = Consequences()
        for keyword, value in meaning.keywords.items():
            match keyword:
                case "$ref" | "not":
                    found.items.append(meaning.one(keyword) * (-1 if keyword == "not" else 1))
                case "allOf":
                    found.items += meaning.many(keyword)
                case "anyOf":
                    found.choices.append([(branch,) for branch in meaning.many(keyword)])
                case "oneOf":
                    found.choices.append(_exactly_one(meaning.many(keyword)))
                case "if":
                    found.choices.append(_either_way(meaning))
                case "enum" | "const":
                    options = value if keyword == "enum" else [value]
                    found.items.append(("among", tuple(each for each in options if kind_of(each) == kind)))
        found.items += _FACTS.get(kind, _no_facts)(meaning, self._universe)
        return found

    def _escapes(self, meaning: Meaning, kind: Kind) -> list[Option] | None:
        if not _allows(meaning, kind):
            return None
        found: list[Option] = []
        for keyword, value in meaning.keywords.items():
            found += _broken_in_place(meaning, keyword, value, kind)
        found += _ESCAPES.get(kind, _no_facts)(meaning, self._universe)
        return sorted(found, key=lambda option: not option)  # the empty one last


def _allows(meaning: Meaning, kind: Kind) -> bool:
    if (stated := meaning.keywords.get("type")) is not None:
        names = [stated] if isinstance(stated, str) else stated
        if kind not in names and not (kind == "number" and "integer" in names):
            return False
    for keyword in ("enum", "const"):
        if keyword in meaning.keywords:
            options = meaning.keywords[keyword] if keyword == "enum" else [meaning.keywords[keyword]]
            if not any(kind_of(option) == kind for option in options):
                return False
    return True


def _exactly_one(branches: list[int]) -> list[Option]:
    return [(one, *(-other for at, other in enumerate(branches) if at != mine)) for mine, one in enumerate(branches)]


def _either_way(meaning: Meaning) -> list[Option]:
    condition = meaning.one("if")
    return [
        (sign * condition, *((meaning.one(branch),) if branch in meaning.keywords else ()))
        for sign, branch in ((1, "then"), (-1, "else"))
    ]


def _broken_in_place(meaning: Meaning, keyword: str, value: Any, kind: Kind) -> Iterator[Option]:
    match keyword:
        case "$ref" | "not":
            yield (meaning.one(keyword) * (1 if keyword == "not" else -1),)
        case "allOf":
            yield from ((-branch,) for branch in meaning.many(keyword))
        case "anyOf":
            yield tuple(-branch for branch in meaning.many(keyword))
        case "oneOf":
            branches = meaning.many(keyword)
            yield tuple(-branch for branch in branches)
            for at, one in enumerate(branches[:-1], start=1):
                yield (one, ("any", tuple((other,) for other in branches[at:])))
        case "if":
            condition = meaning.one("if")
            for sign, branch in ((1, "then"), (-1, "else")):
                if branch in meaning.keywords:
                    yield (sign * condition, -meaning.one(branch))
        case "enum" | "const":
            options = value if keyword == "enum" else [value]
            yield (("none_of", tuple(each for each in options if kind_of(each) == kind)),)


def _no_facts(meaning: Meaning, universe: Universe) -> Iterator[Any]:
    yield from ()


def _lengths(meaning: Meaning, kind: str) -> Iterator[Item]:
    shortest, longest = _LENGTHS[kind]
    if shortest in meaning.keywords:
        yield ("shortest", int(meaning.keywords[shortest]))
    if longest in meaning.keywords:
        yield ("longest", int(meaning.keywords[longest]))


def _wrong_lengths(meaning: Meaning, kind: str) -> Iterator[Option]:
    shortest, longest = _LENGTHS[kind]
    if (least := int(meaning.keywords.get(shortest, 0))) > 0:
        yield (("longest", least - 1),)
    if longest in meaning.keywords:
        yield (("shortest", int(meaning.keywords[longest]) + 1),)


def _whole_only(meaning: Meaning) -> bool:
    stated = meaning.keywords.get("type", ())
    names = [stated] if isinstance(stated, str) else stated
    return "integer" in names and "number" not in names


def _number_facts(meaning: Meaning, universe: Universe) -> Iterator[Item]:
    if _whole_only(meaning):
        yield ("multiple", 1)
    for keyword, value in meaning.keywords.items():
        match keyword:
            case "minimum" | "exclusiveMinimum":
                yield ("least", value, keyword == "exclusiveMinimum")
            case "maximum" | "exclusiveMaximum":
                yield ("most", value, keyword == "exclusiveMaximum")
            case "multipleOf":
                yield ("multiple", value)


def _number_escapes(meaning: Meaning, universe: Universe) -> Iterator[Option]:
    if _whole_only(meaning):
        yield (("no_multiple", 1),)
    for keyword, value in meaning.keywords.items():
        match keyword:
            case "minimum" | "exclusiveMinimum":
                yield (("most", value, keyword == "minimum"),)
            case "maximum" | "exclusiveMaximum":
                yield (("least", value, keyword == "maximum"),)
            case "multipleOf":
                yield (("no_multiple", value),)


def _string_facts(meaning: Meaning, universe: Universe) -> Iterator[Item]:
    yield from _lengths(meaning, "string")
    if "pattern" in meaning.keywords:
        yield ("match", meaning.keywords["pattern"])
    if "format" in meaning.keywords:
        yield ("format", meaning.keywords["format"])


def _string_escapes(meaning: Meaning, universe: Universe) -> Iterator[Option]:
    yield from _wrong_lengths(meaning, "string")
    if "pattern" in meaning.keywords:
        yield (("no_match", meaning.keywords["pattern"]),)
    if "format" in meaning.keywords:
        yield (("no_format", meaning.keywords["format"]),)


def _array_facts(meaning: Meaning, universe: Universe) -> Iterator[Item]:
    yield from _lengths(meaning, "array")
    keywords = meaning.keywords
    placed = meaning.many("prefixItems") if "prefixItems" in keywords else []
    yield from (("item", index, sub) for index, sub in enumerate(placed))
    if "items" in keywords:
        yield ("rest", len(placed), meaning.one("items"))
    if "contains" in keywords:
        least, most = int(keywords.get("minContains", 1)), keywords.get("maxContains")
        yield ("count", meaning.one("contains"), least, None if most is None else int(most))
    if "uniqueItems" in keywords:
        yield ("unique",)
    if "unevaluatedItems" in keywords and (covered := covered_places(meaning, universe)) and not covered.all:
        yield ("rest", covered.first, meaning.one("unevaluatedItems"))


def _array_escapes(meaning: Meaning, universe: Universe) -> Iterator[Option]:
    yield from _wrong_lengths(meaning, "array")
    keywords = meaning.keywords
    placed = meaning.many("prefixItems") if "prefixItems" in keywords else []
    yield from ((("shortest", index + 1), ("item", index, -sub)) for index, sub in enumerate(placed))
    if "items" in keywords:
        yield (("some", len(placed), -meaning.one("items")),)
    if "contains" in keywords:
        least, most = int(keywords.get("minContains", 1)), keywords.get("maxContains")
        if least > 0:
            yield (("count", meaning.one("contains"), 0, least - 1),)
        if most is not None:
            yield (("count", meaning.one("contains"), int(most) + 1, None),)
    if "uniqueItems" in keywords:
        yield (("repeated",),)
    if "unevaluatedItems" in keywords:
        if (covered := covered_places(meaning, universe)) is None:
            yield ()
        elif not covered.all:
            yield (("some", covered.first, -meaning.one("unevaluatedItems")),)


def _object_facts(meaning: Meaning, universe: Universe) -> Iterator[Item]:
    yield from _lengths(meaning, "object")
    keywords = meaning.keywords
    yield from (("has", name) for name in keywords.get("required", ()))
    yield from (("member", name, meaning.one("properties", name)) for name in keywords.get("properties", ()))
    yield from (("matching", each, meaning.one("patternProperties", each)) for each in _patterns(keywords))
    if "additionalProperties" in keywords:
        names = frozenset(keywords.get("properties", ()))
        yield ("other", names, _patterns(keywords), meaning.one("additionalProperties"))
    if "unevaluatedProperties" in keywords and (covered := covered_members(meaning, universe)) and not covered.all:
        yield ("other", covered.names, covered.patterns, meaning.one("unevaluatedProperties"))
    if "propertyNames" in keywords:
        yield ("names", meaning.one("propertyNames"))
    for name, needs in _dependencies(meaning):
        yield ("when", name, tuple(("has", need) if isinstance(need, str) else need for need in needs))


def _object_escapes(meaning: Meaning, universe: Universe) -> Iterator[Option]:
    yield from _wrong_lengths(meaning, "object")
    keywords = meaning.keywords
    yield from ((("lacks", name),) for name in keywords.get("required", ()))
    for name in keywords.get("properties", ()):
        yield (("has", name), ("member", name, -meaning.one("properties", name)))
    for each in _patterns(keywords):
        named = frozenset({universe.make({"pattern": each})})
        yield (("some_member", named, frozenset({-meaning.one("patternProperties", each)})),)
    if "additionalProperties" in keywords:
        yield _some_other(
            keywords.get("properties", ()), _patterns(keywords), meaning.one("additionalProperties"), universe
        )
    if "unevaluatedProperties" in keywords:
        if (covered := covered_members(meaning, universe)) is None:
            yield ()
        elif not covered.all:
            yield _some_other(covered.names, covered.patterns, meaning.one("unevaluatedProperties"), universe)
    if "propertyNames" in keywords:
        yield (("some_member", frozenset({-meaning.one("propertyNames")}), frozenset()),)
    for name, needs in _dependencies(meaning):
        for need in needs:
            yield (("has", name), ("lacks", need) if isinstance(need, str) else -need)


def _some_other(names: Iterable[str], patterns: Iterable[str], number: int, universe: Universe) -> Option:
    """A member of none of these names and patterns that does not fit."""
    conditions = {-universe.make({"pattern": each}) for each in patterns}
    if listed := sorted(names):
        conditions.add(-universe.make({"enum": listed}))
    return (("some_member", frozenset(conditions), frozenset({-number})),)


def _patterns(keywords: Any) -> tuple[str, ...]:
    return tuple(keywords.get("patternProperties", ()))


def _dependencies(meaning: Meaning) -> Iterator[tuple[str, list[str | int]]]:
    """Names, each with what must hold where it is there: further names, or classes."""
    for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
        for name, needs in meaning.keywords.get(keyword, {}).items():
            yield name, (list(needs) if isinstance(needs, list) else [meaning.one(keyword, name)])


_FACTS: dict[Kind, Any] = {
    "number": _number_facts,
    "string": _string_facts,
    "array": _array_facts,
    "object": _object_facts,
}
_ESCAPES: dict[Kind, Any] = {
    "number": _number_escapes,
    "string": _string_escapes,
    "array": _array_escapes,
    "object": _object_escapes,
}
