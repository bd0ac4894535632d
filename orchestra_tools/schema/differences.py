"""The differences between two schemas, told in sentences. No I/O.

Each stands for itself: what a difference does to the values of the whole schema is for `compare` to say. Names and
values come from strangers, so they are cut, and characters that do not show are written out.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_tools.schema.inclusion.vocabulary import ASSERTIONS, ONE_SCHEMA
from orchestra_tools.schema.pointer import escape

MAX_CHANGES = 200
MAX_POINTER = 200  # characters shown
_MAX_SHOWN = 60  # characters of a value
_MAX_LISTED = 5
_MAPS = {"patternProperties": "the pattern", "dependentSchemas": "the rule for", "$defs": "the definition",
         "definitions": "the definition"}  # fmt: skip
_LISTS = {"anyOf": "an alternative", "oneOf": "an alternative", "allOf": "a condition", "prefixItems": "a place"}
_BOUNDS = {
    "minimum": "the minimum", "maximum": "the maximum", "exclusiveMinimum": "the lower bound",
    "exclusiveMaximum": "the upper bound", "minLength": "the least length", "maxLength": "the greatest length",
    "minItems": "the least number of items", "maxItems": "the greatest number of items",
    "minProperties": "the least number of properties", "maxProperties": "the greatest number of properties",
    "minContains": "the least number of items that fit", "maxContains": "the greatest number of items that fit",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        pointer: JSON Pointer to it, in the newer schema where it is there, else in the older.
        sentence: What changed, safe to print.
        annotation: Whether it is about a keyword that cannot refuse a value.
    """

    pointer: str
    sentence: str
    annotation: bool = False

    def __str__(self) -> str:
        return f"{printable(self.pointer, MAX_POINTER) or '(root)'}: {self.sentence}"


def describe_changes(old: Any, new: Any) -> tuple[Change, ...]:
    """All in which two schemas differ, at most `MAX_CHANGES` and one more that says so."""
    found = list(itertools.islice(_compare("", old, new), MAX_CHANGES + 1))
    if len(found) > MAX_CHANGES:
        found[MAX_CHANGES:] = [Change("", f"there are more than {MAX_CHANGES} differences; the others are not listed")]
    return tuple(found)


def is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are written alike, the order of members aside; 1 and 1.0 are not."""
    return _written(one) == _written(other)


def _compare(at: str, old: Any, new: Any) -> Iterator[Change]:
    if is_same(old, new):
        return
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield Change(at, f"the schema {_shown(old)} became {_shown(new)}")
        return
    for keyword in dict.fromkeys((*old, *new)):
        if keyword not in old or keyword not in new or not is_same(old[keyword], new[keyword]):
            yield from _by_keyword(at, keyword, old, new)


def _by_keyword(at: str, keyword: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    here, before, now = f"{at}/{escape(keyword)}", old.get(keyword), new.get(keyword)
    if keyword == "properties":
        yield from _properties(here, old, new)
    elif keyword == "required":
        yield from _required(here, old, new)
    elif keyword == "enum" and isinstance(before, list) and isinstance(now, list):
        yield from _listed(here, before, now)
    elif keyword == "type" and before is not None and now is not None:
        yield Change(here, _retyped(before, now))
    elif keyword in _MAPS:
        yield from _named(here, _MAPS[keyword], _map(old, keyword), _map(new, keyword))
    elif keyword in _LISTS and isinstance(before, list) and isinstance(now, list):
        yield from _branches(here, keyword, before, now)
    elif keyword in ONE_SCHEMA and isinstance(before, dict) and isinstance(now, dict):
        yield from _compare(here, before, now)
    else:
        yield Change(here, _told(keyword, old, new), annotation=keyword not in ASSERTIONS)


def _properties(here: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, now = _map(old, "properties"), _map(new, "properties")
    for name in dict.fromkeys((*before, *now)):
        at = f"{here}/{escape(name)}"
        if name not in before:
            needed = "required" if name in _names(new) else "optional"
            yield Change(at, f"property {_shown(name)} was added, {needed}")
        elif name not in now:
            needed = "required" if name in _names(old) else "optional"
            yield Change(at, f"property {_shown(name)}, which was {needed}, was removed")
        else:
            yield from _compare(at, before[name], now[name])


def _required(here: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, now = _names(old), _names(new)
    known_before, known_now = _map(old, "properties"), _map(new, "properties")
    for name in now:
        if name not in before and not (name in known_now and name not in known_before):
            yield Change(here, f"property {_shown(name)} became required")
    for name in before:
        if name not in now and not (name in known_before and name not in known_now):
            yield Change(here, f"property {_shown(name)} became optional")
    if set(before) == set(now) and list(before) != list(now):
        yield Change(here, "the required properties stand in another order", annotation=True)


def _listed(here: str, before: list[Any], now: list[Any]) -> Iterator[Change]:
    had, has = {_written(each) for each in before}, {_written(each) for each in now}
    added = [each for each in now if _written(each) not in had]
    gone = [each for each in before if _written(each) not in has]
    for values, verb in ((added, "allowed now"), (gone, "no longer allowed")):
        if values:
            more = f" and {len(values) - _MAX_LISTED} more" if len(values) > _MAX_LISTED else ""
            listed = ", ".join(_shown(each) for each in values[:_MAX_LISTED])
            yield Change(here, f"{'values' if len(values) > 1 else 'value'} {verb}: {listed}{more}")
    if not added and not gone:
        yield Change(here, "the allowed values stand in another order", annotation=True)


def _retyped(before: Any, now: Any) -> str:
    had, has = ({value} if isinstance(value, str) else set(value) for value in (before, now))
    if has - had == {"null"} and not had - has:
        return "may now be null"
    if had - has == {"null"} and not has - had:
        return "is no longer null"
    return f"the type changed from {_shown(before)} to {_shown(now)}"


def _named(here: str, what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *now)):
        at = f"{here}/{escape(name)}"
        if name not in before or name not in now:
            yield Change(at, f"{what} {_shown(name)} was {'removed' if name in before else 'added'}")
        else:
            yield from _compare(at, before[name], now[name])


def _branches(here: str, keyword: str, before: list[Any], now: list[Any]) -> Iterator[Change]:
    """Branches that are alike belong together, wherever they stand; of the others, the first to the first."""
    pairs = list(enumerate(zip(before, now, strict=False)))
    left, right = list(range(len(before))), list(range(len(now)))
    if keyword != "prefixItems":
        places: dict[str, list[int]] = {}
        for index in right:
            places.setdefault(_written(now[index]), []).append(index)
        kept = [(index, where.pop(0)) for index in left if (where := places.get(_written(before[index])))]
        left = [index for index in left if index not in {one for one, _ in kept}]
        right = [index for index in right if index not in {other for _, other in kept}]
        pairs = [(to, (before[one], now[to])) for one, to in zip(left, right, strict=False)]
    for index, (old, new) in pairs:
        yield from _compare(f"{here}/{index}", old, new)
    met = min(len(left), len(right))
    for index in left[met:]:
        yield Change(f"{here}/{index}", f"{_LISTS[keyword]} was removed: {_shown(before[index])}")
    for index in right[met:]:
        yield Change(f"{here}/{index}", f"{_LISTS[keyword]} was added: {_shown(now[index])}")
    if not left and not right:
        yield Change(here, "the alternatives stand in another order", annotation=True)


def _told(keyword: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    name = _BOUNDS.get(keyword, _shown(keyword, quoted=False))
    if keyword not in old:
        return f"{name} was added: {_shown(new[keyword])}"
    if keyword not in new:
        return f"{name} was removed; it was {_shown(old[keyword])}"
    before, now = old[keyword], new[keyword]
    if keyword in _BOUNDS and isinstance(before, int | float) and isinstance(now, int | float):
        verb = "was raised" if now > before else "was lowered"
        return f"{name} {verb} from {_shown(before)} to {_shown(now)}"
    if keyword == "additionalProperties" and isinstance(now, bool):
        return (
            "properties that are not named are allowed now" if now else "properties that are not named are refused now"
        )
    return f"{name} changed from {_shown(before)} to {_shown(now)}"


def _map(schema: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
    found = schema.get(keyword)
    return found if isinstance(found, dict) else {}


def _names(schema: Mapping[str, Any]) -> dict[str, None]:
    found = schema.get("required")
    return dict.fromkeys(found) if isinstance(found, list) else {}


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _shown(value: Any, *, quoted: bool = True) -> str:
    text = value if isinstance(value, str) and not quoted else json.dumps(value, ensure_ascii=False)
    return printable(text, _MAX_SHOWN)


def printable(text: str, limit: int) -> str:
    """A text of a stranger: cut, and characters that do not show written out."""
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in cut)
