"""A profile: what was seen at each place of many JSON values, in bounded memory.

A profile is a function of the samples alone: adding them in another order, or merging profiles of parts of them, gives
the same one. Three limits bound it, and each is a function of the samples too:

- An object with more than `max_keys` keys, and keys that look like data (`names.is_data`), are not kept by name: all
  those values share one place.
- Places that a schema could not describe within its own depth limit are not entered.
- There are at most `max_places` places. Where there would be more, the deepest levels are given up, whole: the number
  of places on a level only grows with the samples, so the level where it ends does not depend on their order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from orchestra_tools.schema.inference.names import MAX_NAME, is_data
from orchestra_tools.schema.inference.texts import Texts
from orchestra_tools.schema.limits import MAX_DEPTH as MAX_SCHEMA_DEPTH

MAX_KEYS = 256  # of one object that is kept key by key
MAX_PLACES = 16_384  # about 1 kB each
MIN_DATA_KEYS = 5  # distinct keys from which they are many
_STEPS = {"object": 2, "array": 1}  # levels of a schema between a place and the ones below it
_Part = tuple["Place", Any, int]  # a place, a value seen there, and how deep in the schema it is described


class Place:
    """What was seen at one place.

    Attributes:
        types: How many values of each JSON type were seen; `number` is what was written with a fraction or exponent.
        responses: In how many responses.
        named: Places of the properties kept by name.
        others: The place that the values of all other keys share.
        data_keys: Distinct keys that are data, at most `MIN_DATA_KEYS`.
        wide: Objects that had more than `max_keys` keys, some of them names.
        items: The place that the items of all lists share.
        clipped: Whether there was more below than may be entered.
    """

    __slots__ = ("_marks", "clipped", "data_keys", "items", "named", "others", "responses", "texts", "types", "wide")

    def __init__(self) -> None:
        self.types: dict[str, int] = {}
        self.responses: dict[str, int] = {}
        self.texts: Texts | None = None
        self.named: dict[str, Place] = {}
        self.others: Place | None = None
        self.data_keys: frozenset[str] = frozenset()
        self.wide = 0
        self.items: Place | None = None
        self.clipped = False
        self._marks: dict[str, int] = {}

    @property
    def count(self) -> int:
        """Values seen here."""
        return sum(self.types.values())

    def count_type(self, kind: str, response: int) -> None:
        """Count a value, and its response once."""
        self.types[kind] = self.types.get(kind, 0) + 1
        if self._marks.get(kind) != response:
            self._marks[kind] = response
            self.responses[kind] = self.responses.get(kind, 0) + 1

    def add_data_keys(self, keys: Iterable[str]) -> None:
        """Remember keys that are data, the first few in order."""
        if kept := self.data_keys.union(map(_short, keys)):
            self.data_keys = frozenset(heapq.nsmallest(MIN_DATA_KEYS, kept))

    def below(self) -> Iterator[Place]:
        """The places one level deeper."""
        yield from self.named.values()
        if self.others is not None:
            yield self.others
        if self.items is not None:
            yield self.items

    def clip(self) -> None:
        """Give up what is below."""
        if next(self.below(), None) is not None:
            self.named, self.others, self.items = {}, None, None
            self.data_keys, self.wide, self.clipped = frozenset(), 0, True

    def absorb(self, other: Place) -> None:
        """Add what was seen at another place, in other responses."""
        for kind, count in other.types.items():
            self.types[kind] = self.types.get(kind, 0) + count
            self.responses[kind] = self.responses.get(kind, 0) + other.responses[kind]
        if other.texts is not None:
            self.texts = self.texts or Texts()
            self.texts.absorb(other.texts)
        for key, place in other.named.items():
            self.named.setdefault(key, Place()).absorb(place)
        if other.others is not None:
            self.others = self.others or Place()
            self.others.absorb(other.others)
        if other.items is not None:
            self.items = self.items or Place()
            self.items.absorb(other.items)
        self.add_data_keys(other.data_keys)
        self.wide += other.wide
        self.clipped = self.clipped or other.clipped


class Profile:
    """What was seen in all samples so far."""

    def __init__(self, *, max_keys: int = MAX_KEYS, max_places: int = MAX_PLACES) -> None:
        """Begin with no sample.

        Args:
            max_keys: Keys of one object that is kept key by key.
            max_places: Places in all.
        """
        self.max_keys = max_keys
        self.max_places = max_places
        self.samples = 0
        self.root = Place()
        self.levels = MAX_SCHEMA_DEPTH
        """Levels of places below the root that are kept; fewer where there were too many places."""
        self._sizes = [1] + [0] * (MAX_SCHEMA_DEPTH + 1)

    def add(self, value: Any) -> None:
        """Take a sample in: a JSON value of bounded depth, see `judge_value`."""
        self.samples += 1
        # Level by level, so that a sample with too many places is given up before they are made.
        parts: list[_Part] = [(self.root, value, 1)]
        level = 0
        while parts:
            below: list[_Part] = []
            for place, part, depth in parts:
                places = self._sizes[level + 1]
                self._see(place, part, depth, level, below)
                if self._sizes[level + 1] > places and sum(self._sizes[: level + 2]) > self.max_places:
                    self._keep(level)
                    below = []
            parts, level = below, level + 1
        self._bound()

    def merged(self, other: Profile) -> Profile:
        """The profile of the samples of both, within the limits of both."""
        made = Profile(max_keys=min(self.max_keys, other.max_keys), max_places=min(self.max_places, other.max_places))
        made.samples = self.samples + other.samples
        for each in (self, other):
            made.root.absorb(each.root)
        made._keep(min(self.levels, other.levels))
        made._bound()
        return made

    def at(self, steps: Iterable[str | int]) -> Place | None:
        """The place that the value at the end of these steps was counted in, or None."""
        place: Place | None = self.root
        for step in steps:
            if place is None:
                return None
            place = place.items if isinstance(step, int) else place.named.get(step, place.others)
        return place

    def _see(self, place: Place, value: Any, depth: int, level: int, below: list[_Part]) -> None:
        """Count a value, and put its parts on the list."""
        place.count_type(kind := type_of(value), self.samples)
        if kind == "string":
            place.texts = place.texts or Texts()
            place.texts.see(value, self.samples)
        elif kind in _STEPS and value:
            inner = depth + _STEPS[kind]
            if level >= self.levels or inner >= MAX_SCHEMA_DEPTH:
                place.clipped = True
            elif kind == "array":
                if place.items is None:
                    place.items = self._new(level)
                below.extend((place.items, item, inner) for item in value)
            else:
                below.extend((each, part, inner) for each, part in self._members(place, value, level))

    def _members(self, place: Place, value: dict[str, Any], level: int) -> Iterator[tuple[Place, Any]]:
        data_keys = {key for key in value if is_data(key)}
        is_wide = len(value) > self.max_keys and len(data_keys) < len(value)
        place.wide += is_wide
        place.add_data_keys(data_keys)
        for key, part in value.items():
            if is_wide or key in data_keys:
                inner = place.others or self._new(level)
                place.others = inner
            else:
                inner = place.named.get(key) or self._new(level)
                place.named[key] = inner
            yield inner, part

    def _new(self, level: int) -> Place:
        """A place below one of this level."""
        self._sizes[level + 1] += 1
        return Place()

    def _bound(self) -> None:
        """Give up the deepest levels while there are too many places."""
        total = 0
        for level, size in enumerate(self._sizes):
            total += size
            if total > self.max_places:
                self._keep(level - 1)
                return

    def _keep(self, levels: int) -> None:
        """Give up what is deeper, and count the rest."""
        self.levels = levels
        self._sizes = [0] * (MAX_SCHEMA_DEPTH + 2)
        places = [self.root]
        for level in range(levels):
            self._sizes[level] = len(places)
            places = [inner for place in places for inner in place.below()]
        self._sizes[levels] = len(places)
        for place in places:
            place.clip()


def type_of(value: Any) -> str:
    """The JSON type of a value, with `integer` for what was written without fraction and exponent."""
    return _TYPES.get(type(value)) or next(name for kind, name in _TYPES.items() if isinstance(value, kind))


def merge_places(places: list[Place]) -> Place:
    """One place for all the values seen at several."""
    made = Place()
    for place in places:
        made.absorb(place)
    return made


def _short(key: str) -> str:
    return key if len(key) <= MAX_NAME else f"#{sha256(key.encode()).hexdigest()}"


_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
