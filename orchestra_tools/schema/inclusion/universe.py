"""The schemas of several documents as one set of nodes, those that mean the same told as one. No I/O.

Nodes that say the same, and whose schemas say the same, are one class: a difference between two documents shrinks to
the classes it touches. Classes are found by refinement (Moore), so recursive schemas have them too. A class is a
positive number; as a literal, `c` says that a value fits it and `-c` that it does not.

A schema that comes back to itself without going into a part of the value is *circular*. What the engine makes of it
depends on where it starts, so two such schemas are never taken for one, and nothing is concluded from one where
"fits" turns into "does not fit" on the way round.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from orchestra_tools.schema.choices import Node, identity
from orchestra_tools.schema.engine import COMPILE_ERRORS, Parts, Rules, compile_rules
from orchestra_tools.schema.inclusion.circles import circles, leading_to
from orchestra_tools.schema.inclusion.vocabulary import (
    IN_PLACE,
    LISTS_OF_SCHEMAS,
    NAMED_SCHEMAS,
    ONE_SCHEMA,
    TURNING,
    kinds_named,
    says,
)
from orchestra_tools.schema.limits import DIALECT
from orchestra_tools.schema.pointer import escape, resolve

ANYTHING, NOTHING = 1, 2  # classes of the schemas `true` and `false`
_MAX_ROUNDS = 1_000
_UNORDERED = frozenset({"allOf", "anyOf", "oneOf"})
_BARE = frozenset({"$ref", "allOf", "anyOf", "oneOf"})
Edge = tuple[str, str | int]  # keyword, and the name or index below it


@dataclass(slots=True)
class Place:
    """One schema where it stands."""

    document: int
    pointer: str
    schema: Node
    below: dict[Edge, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a class says: the keywords that count, and the classes of the schemas below them.

    Attributes:
        keywords: Those that can refuse a value.
        below: The class of each schema below, by keyword and name.
        circular: Comes back to itself for the same value, or is opaque.
        opaque: Circular with a turn on the way, or in another dialect: nothing is known of it.
        unsure: Leads to such a circle, so what the engine says of it alone need not hold where it stands.
    """

    keywords: Mapping[str, Any]
    below: Mapping[Edge, int]
    circular: bool = False
    opaque: bool = False
    unsure: bool = False

    def one(self, keyword: str, name: str | int = "") -> int:
        """The class of a schema below."""
        return self.below[keyword, name]

    def many(self, keyword: str) -> list[int]:
        """The classes of a list of schemas."""
        return [self.below[keyword, index] for index in range(len(self.keywords[keyword]))]


class Universe:
    """The nodes of some documents, and of schemas made while reasoning about them."""

    def __init__(self, *documents: Node) -> None:
        self._roots = [_without_names(each) for each in documents]
        self._parts = [Parts(root) for root in self._roots]
        self._places: list[Place] = [Place(-1, "", True), Place(-1, "", False)]
        self._known: dict[tuple[int, int], int] = {}
        self._meanings: list[Meaning] = []
        self._examples: list[Place] = []
        self._made: dict[str, int] = {}
        self._rules: dict[int, Rules | None] = {}
        starts = [self._enter(number, "", root) for number, root in enumerate(self._roots)]
        classes = self._classify()
        self.roots = [classes[start] for start in starts]

    def meaning(self, number: int) -> Meaning:
        """What a class says."""
        return self._meanings[number - 1]

    def accepts(self, literal: int, value: Any) -> bool:
        """Whether the engine finds a literal true of a value."""
        number = abs(literal)
        place = self._examples[number - 1]
        if isinstance(place.schema, bool):
            fits = place.schema
        elif place.document < 0:
            fits = (rules := self._rules_of(number, place.schema)) is not None and rules.is_valid(value)
        else:
            fits = self._parts[place.document].accept(place.pointer, value)
        return fits is (literal > 0)

    def make(self, schema: dict[str, Any]) -> int:
        """The class of a schema without schemas in it, such as `{"pattern": p}`."""
        key = json.dumps(schema, sort_keys=True)
        if (found := self._made.get(key)) is None:
            self._examples.append(Place(-1, "", schema))
            self._meanings.append(Meaning(schema, {}))
            found = self._made[key] = len(self._meanings)
        return found

    def kinds(self, number: int) -> frozenset[str] | None:
        """The kinds a class allows at most, as far as it says so itself; None where it does not."""
        stated = self.meaning(number).keywords.get("type")
        return None if stated is None else kinds_named(stated)

    def _rules_of(self, number: int, schema: Node) -> Rules | None:
        if number not in self._rules:
            try:
                self._rules[number] = compile_rules(schema)
            except COMPILE_ERRORS:
                self._rules[number] = None
        return self._rules[number]

    def _enter(self, document: int, pointer: str, schema: Node) -> int:
        """The node of a schema, with all that hang below it."""
        todo: list[int] = []
        start = self._node(document, pointer, schema, todo)
        while todo:
            number = todo.pop()
            place = self._places[number]
            for edge, at, sub in self._subschemas(place):
                place.below[edge] = self._node(document, at, sub, todo)
        return start

    def _node(self, document: int, pointer: str, schema: Node, todo: list[int]) -> int:
        if isinstance(schema, bool):
            return 0 if schema else 1
        key = (document, id(schema))
        if (number := self._known.get(key)) is None:
            number = self._known[key] = len(self._places)
            self._places.append(Place(document, pointer, schema))
            todo.append(number)
        return number

    def _subschemas(self, place: Place) -> Iterator[tuple[Edge, str, Node]]:
        for keyword, value in place.schema.items():
            if not says(place.schema, keyword):
                continue
            at = f"{place.pointer}/{keyword}"
            if keyword == "$ref":
                yield (keyword, ""), unquote(value[1:]), resolve(self._roots[place.document], value[1:])
            elif keyword in ONE_SCHEMA:
                yield (keyword, ""), at, value
            elif keyword in LISTS_OF_SCHEMAS:
                for index, sub in enumerate(value):
                    yield (keyword, index), f"{at}/{index}", sub
            elif keyword in NAMED_SCHEMAS:
                for name, sub in value.items():
                    if not isinstance(sub, list):
                        yield (keyword, name), f"{at}/{escape(name)}", sub

    def _classify(self) -> list[int]:
        """Number the classes; the result holds the class of each node."""
        same = self._forwarded()
        below = [{edge: same[sub] for edge, sub in place.below.items()} for place in self._places]
        keywords = [self._keywords_of(number, below[number]) for number in range(len(self._places))]
        circular, turning = circles(below, IN_PLACE, TURNING)
        foreign = {number for number, place in enumerate(self._places) if _is_foreign(place.schema)}
        circular, turning = circular | foreign, turning | foreign
        unsure = leading_to(below, circular)
        classes = _refine(
            [
                (number if number in circular else -1, _shape(keywords[number], below[number]))
                for number in range(len(self._places))
            ],
            [list(each.items()) for each in below],
        )
        first: dict[int, int] = {}
        for number, group in enumerate(classes):
            first.setdefault(group, number)
        numbered = {group: at for at, group in enumerate(first, start=1)}
        for number in first.values():
            self._examples.append(self._places[number])
            self._meanings.append(
                Meaning(
                    keywords[number],
                    {edge: numbered[classes[sub]] for edge, sub in below[number].items()},
                    circular=number in circular,
                    opaque=number in turning,
                    unsure=number in unsure,
                )
            )
        return [numbered[classes[same[number]]] for number in range(len(self._places))]

    def _keywords_of(self, number: int, below: dict[Edge, int]) -> dict[str, Any]:
        """The keywords of a node that count. A choice of which one is the whole schema again decides nothing."""
        schema = self._places[number].schema
        if isinstance(schema, bool):
            return {} if schema else {"enum": []}
        keywords = {keyword: value for keyword, value in schema.items() if says(schema, keyword)}
        if below.get(("$ref", "")) == number:
            del keywords["$ref"], below["$ref", ""]
        if "anyOf" in keywords and any(below["anyOf", at] == number for at in range(len(keywords["anyOf"]))):
            _drop(keywords, below, "anyOf")
        if "allOf" in keywords:
            kept = [sub for at in range(len(keywords["allOf"])) if (sub := below["allOf", at]) != number]
            _drop(keywords, below, "allOf")
            if kept:
                keywords["allOf"] = kept
                below.update({("allOf", at): sub for at, sub in enumerate(kept)})
        return keywords

    def _forwarded(self) -> list[int]:
        """For each node the one it stands for: a lone reference, or a choice of one, is what it leads to."""
        target = [self._lone(place) for place in self._places]
        return [_last(target, number) for number in range(len(target))]

    def _lone(self, place: Place) -> int | None:
        if isinstance(place.schema, bool) or len(place.below) != 1:
            return None
        ((keyword, _),) = place.below
        said = [each for each in place.schema if says(place.schema, each)]
        return next(iter(place.below.values())) if keyword in _BARE and said == [keyword] else None


def _last(target: list[int | None], number: int) -> int:
    seen = {number}
    at = number
    while (following := target[at]) is not None:
        if following in seen:
            return number
        seen.add(following)
        at = following
    return at


def _drop(keywords: dict[str, Any], below: dict[Edge, int], keyword: str) -> None:
    for index in range(len(keywords.pop(keyword))):
        del below[keyword, index]


def _without_names(document: Node) -> Node:
    """The document without what would make the engine read it in another dialect."""
    if not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if key not in ("$id", "$schema")}


def _is_foreign(schema: Node) -> bool:
    """Whether a part names another dialect: the engine then reads it so from above, but not through a reference."""
    return isinstance(schema, dict) and schema.get("$schema", DIALECT) != DIALECT


def _shape(keywords: Mapping[str, Any], below: Mapping[Edge, int]) -> frozenset[Any]:
    """What a node says itself, as a hashable value; the schemas below are left out."""
    said: set[Any] = set()
    for keyword, value in keywords.items():
        match keyword:
            case "type":
                said.add((keyword, frozenset([value] if isinstance(value, str) else value)))
            case "enum" | "const":
                options = value if keyword == "enum" else [value]
                said.add(("enum", frozenset(identity(option) for option in options)))
            case "required":
                said.add((keyword, frozenset(value)))
            case "dependentRequired" | "dependencies":
                lists = {name: frozenset(names) for name, names in value.items() if isinstance(names, list)}
                said.add((keyword, frozenset(lists.items())))
            case _ if keyword in ONE_SCHEMA | LISTS_OF_SCHEMAS | NAMED_SCHEMAS or keyword == "$ref":
                said.add((keyword, len(below) if keyword in _UNORDERED else 0))
            case _:
                said.add((keyword, identity(value)))
    return frozenset(said)


def _refine(shapes: list[tuple[int, frozenset[Any]]], below: list[list[tuple[Edge, int]]]) -> list[int]:
    """The coarsest classes in which nodes of one class have the same shape, and below it the same classes."""
    classes = _numbered(shapes)
    count = len(set(classes))
    for _ in range(_MAX_ROUNDS):
        keys = [(classes[number], _linked(below[number], classes)) for number in range(len(classes))]
        classes = _numbered(keys)
        if (now := len(set(classes))) == count:
            return classes
        count = now
    return list(range(len(shapes)))


def _linked(edges: list[tuple[Edge, int]], classes: list[int]) -> frozenset[Any]:
    plain = [(edge, classes[sub]) for edge, sub in edges if edge[0] not in _UNORDERED]
    unordered: dict[tuple[str, int], int] = {}
    for edge, sub in edges:
        if edge[0] in _UNORDERED:
            key = (edge[0], classes[sub])
            unordered[key] = unordered.get(key, 0) + 1
    return frozenset([*plain, *unordered.items()])


def _numbered(keys: Iterable[Any]) -> list[int]:
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> Rules:
    return compile_rules({"pattern": pattern})


def matches(pattern: str, text: str) -> bool:
    """Whether the engine finds a pattern in a text."""
    return _pattern(pattern).is_valid(text)
