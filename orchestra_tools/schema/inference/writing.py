"""A profile is written as a schema, with the evidence for each place and notes on what is left open.

Whatever was counted is valid under the schema. Objects stay open, so that a new field breaks nobody. What happens to be
so in a few samples is not claimed: numbers, strings and lists get no bounds, lists no positions, constants no `const`.

**Required.** A property that all of n objects had, n at least `required_after`, in at least a tenth as many responses.

**Formats.** All strings kept it, none was empty, at least `format_after` were seen, three of them distinct.

**Vocabularies.** Two to eight words written as programs write constants (`up_to_date`, `ERROR`), nothing else, in at
least `enum_after` responses, each word in thirty or more.

**Maps.** `additionalProperties` takes the place of `properties` where the keys are data, and all values are of one type
(null aside). Keys are data by their looks (five or more distinct ones, and no key that looks like a name), or by their
number: an object with more than `max_keys`, or as many in several; or `MIN_MAP_KEYS` and more in several, most of which
one object does not have. Where the looks do not tell, objects as values must also have most of their fields in common.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from orchestra_tools.schema.inference.evidence import Evidence
from orchestra_tools.schema.inference.profile import MIN_DATA_KEYS, Place, merge_places
from orchestra_tools.schema.inference.texts import FORMATS, MAX_WORDS, Texts
from orchestra_tools.schema.pointer import join

MIN_MAP_KEYS = 48  # distinct keys that look like names
_MOST = 0.5
RESPONSES_SHARE = 10  # one response per so many objects: the items of one response resemble each other
_MIN_DISTINCT = 3  # strings that keep a format; one that never changes is weak evidence
_MIN_WORD_RESPONSES = 30  # for each word of a vocabulary
_WORD = re.compile(r"[a-z][a-z_]*|[A-Z][A-Z_]*")  # as programs write constants; names, dates and versions are not
_MAX_EXAMPLES = 5

Tokens = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From how much evidence on something is claimed.

    Attributes:
        required_after: Objects that must have been seen, all with the property, before it is required.
        format_after: Strings that must have kept a format.
        enum_after: Responses that must have held nothing but a few words; None = never.
    """

    required_after: int = 300
    format_after: int = 30
    enum_after: int | None = 300


@dataclass(slots=True)
class Writer:
    """Writes one schema.

    Attributes:
        max_keys: Keys from which an object has too many to be written one by one.
        max_levels: Levels of places that are written.
        evidence: For each place that was written, by its JSON pointer in the schema.
    """

    thresholds: Thresholds
    max_keys: int
    max_levels: int
    evidence: dict[str, Evidence] = field(default_factory=dict)
    _remarks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def write(self, root: Place) -> dict[str, Any]:
        """The schema of everything seen at the root."""
        self.evidence[""] = Evidence(root.count, root.count, sum(root.responses.values()), dict(root.types))
        return self._schema(root, (), 0, sum(root.responses.values()))

    def notes(self) -> list[str]:
        """What was left open and why, one sentence a reason."""
        return [_tell(remark, pointers) for remark, pointers in sorted(self._remarks.items())]

    def _schema(self, place: Place, at: Tokens, level: int, ceiling: int) -> dict[str, Any]:
        """The schema of a place whose values were in at most `ceiling` responses."""
        kinds = _kinds(place)
        if not kinds - {"null"}:
            # Null alone says nothing of what else may come.
            if kinds:
                self._remark("only null was seen, so any value is taken", at)
            return {}
        schema: dict[str, Any] = {"type": min(kinds) if len(kinds) == 1 else sorted(kinds)}
        if place.texts is not None:
            schema |= self._strings(place.texts, kinds, min(ceiling, place.responses["string"]))
        if place.clipped or (level >= self.max_levels and next(place.below(), None) is not None):
            self._remark("what is inside is not described: too deep, or too many places", at)
        elif level < self.max_levels:
            if place.items is not None:
                inner = min(ceiling, place.responses["array"])
                schema["items"] = self._items(place.items, (*at, "items"), level + 1, inner)
            if "object" in kinds:
                schema |= self._object(place, at, level + 1, min(ceiling, place.responses["object"]))
        return schema

    def _items(self, place: Place, at: Tokens, level: int, ceiling: int) -> dict[str, Any]:
        responses = min(ceiling, sum(place.responses.values()))
        self.evidence[join(at)] = Evidence(place.count, place.count, responses, dict(place.types))
        return self._schema(place, at, level, ceiling)

    def _strings(self, texts: Texts, kinds: set[str], responses: int) -> dict[str, Any]:
        if kinds <= {"string", "null"} and (words := self._vocabulary(texts, responses)):
            return {"enum": [*words, None] if "null" in kinds else words}
        varied = texts.words is None or len(texts.words) >= _MIN_DISTINCT
        if not texts.empty and varied and texts.count >= self.thresholds.format_after:
            return next(({"format": name} for name in FORMATS if name in texts.formats), {})
        return {}

    def _vocabulary(self, texts: Texts, responses: int) -> list[str]:
        after, words = self.thresholds.enum_after, texts.words
        if after is None or not words or responses < after or not 2 <= len(words) <= MAX_WORDS:
            return []
        if all(_WORD.fullmatch(word) and seen >= _MIN_WORD_RESPONSES for word, seen in words.items()):
            return sorted(words)
        return []

    def _object(self, place: Place, at: Tokens, level: int, ceiling: int) -> dict[str, Any]:
        if values := self._values_of_map(place, at):
            inner = (*at, "additionalProperties")
            return {"additionalProperties": self._items(values, inner, level, ceiling)}
        if place.wide or len(place.named) > self.max_keys:
            return {}
        seen = place.types["object"]
        properties: dict[str, Any] = {}
        for name, inner_place in sorted(place.named.items()):
            inner = (*at, "properties", name)
            evidence = Evidence(inner_place.count, seen, ceiling, dict(inner_place.types))
            self.evidence[join(inner)] = evidence
            properties[name] = self._schema(inner_place, inner, level, ceiling)
        always = [name for name, inner_place in sorted(place.named.items()) if inner_place.count == seen]
        written: dict[str, Any] = {"properties": properties} if properties else {}
        if always and self._is_enough(seen, ceiling):
            written["required"] = always
        elif always:
            self._remark(f"no property is required: {_too_few(self.thresholds.required_after)}", at)
        return written

    def _is_enough(self, objects: int, responses: int) -> bool:
        after = self.thresholds.required_after
        return objects >= after and responses * RESPONSES_SHARE >= after

    def _values_of_map(self, place: Place, at: Tokens) -> Place | None:
        """The merged values of an object that is a map, or None."""
        by_looks = not (place.named or place.wide) and len(place.data_keys) >= MIN_DATA_KEYS
        is_crowd = bool(place.wide) or len(place.named) > self.max_keys
        if not (by_looks or is_crowd or _is_sparse(place)):
            if place.others is not None:
                self._remark("some keys look like data, too few or beside names; their values are not described", at)
            return None
        values = merge_places([*place.named.values(), *([place.others] if place.others is not None else [])])
        _forget_words(values)
        if len(_kinds(values) - {"null"}) == 1 and (by_looks or _fields_agree(values)):
            self._remark("its keys are data, so it is described as a map", at)
            return values
        if by_looks or is_crowd:
            self._remark("its keys are many and its values of several shapes, so they are not described", at)
        return None

    def _remark(self, remark: str, at: Tokens) -> None:
        self._remarks[remark].append(join(at)[:200] or "the root")


def _kinds(place: Place) -> set[str]:
    """The types of a place, as a schema names them: a number may be an integer as well."""
    return place.types.keys() - {"integer"} if "number" in place.types else set(place.types)


def _is_sparse(place: Place) -> bool:
    """Whether an object has many keys, most of which are absent most of the time."""
    if len(place.named) < MIN_MAP_KEYS or place.others is not None:
        return False
    present = sum(inner.count for inner in place.named.values())
    return present <= _MOST * len(place.named) * place.types["object"]


def _fields_agree(values: Place) -> bool:
    """Whether objects that are values of a map have most of their fields in common."""
    if not values.named:
        return True
    present = sum(inner.count for inner in values.named.values())
    return present >= _MOST * len(values.named) * values.types["object"]


def _forget_words(place: Place) -> None:
    """No vocabulary is read from merged places: one response may be counted in each of them."""
    places = [place]
    while places:
        each = places.pop()
        if each.texts is not None:
            each.texts.words = None
        places.extend(each.below())


def _too_few(after: int) -> str:
    return (
        f"what is present in all of n objects is absent from at most 3/n (95 %), and fewer than {after:,} objects were"
        f" seen, or in fewer than {max(1, after // RESPONSES_SHARE):,} responses"
    )


def _tell(remark: str, pointers: list[str]) -> str:
    more = len(pointers) - _MAX_EXAMPLES
    return f"{', '.join(pointers[:_MAX_EXAMPLES])}{f' and {more:,} more' if more > 0 else ''}: {remark}"
