"""What `unevaluatedProperties` and `unevaluatedItems` are about, where that does not depend on the value. No I/O.

Through `allOf` and `$ref` the same members are evaluated for every value that fits. Through `anyOf`, `if` and the like
it depends on the branch that fits; nothing is concluded then.
"""

from __future__ import annotations

from typing import NamedTuple

from orchestra_tools.schema.inclusion.universe import Meaning, Universe

_DEPENDING = frozenset({"anyOf", "oneOf", "if", "dependentSchemas", "dependencies"})
_MAX_NESTED = 40


class Members(NamedTuple):
    """The members of an object that are evaluated: by name, by pattern, or all of them."""

    names: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    all: bool = False


class Places(NamedTuple):
    """The items of an array that are evaluated: the first ones, or all of them."""

    first: int = 0
    all: bool = False


def covered_members(meaning: Meaning, universe: Universe) -> Members | None:
    """The members that something else in the schema speaks of; None where that depends on the value."""
    return _members(meaning, universe, 0, own=True)


def covered_places(meaning: Meaning, universe: Universe) -> Places | None:
    """The items that something else in the schema speaks of; None where that depends on the value."""
    return _places(meaning, universe, 0, own=True)


def _members(meaning: Meaning, universe: Universe, depth: int, *, own: bool) -> Members | None:
    keywords = meaning.keywords
    if "additionalProperties" in keywords or ("unevaluatedProperties" in keywords and not own):
        return Members(all=True)
    names, patterns = frozenset(keywords.get("properties", ())), tuple(keywords.get("patternProperties", ()))
    below = _always(meaning, depth)
    if below is None:
        return None
    for number in below:
        if (found := _members(universe.meaning(number), universe, depth + 1, own=False)) is None:
            return None
        if found.all:
            return found
        names, patterns = names | found.names, (*patterns, *found.patterns)
    return Members(names, tuple(dict.fromkeys(patterns)))


def _places(meaning: Meaning, universe: Universe, depth: int, *, own: bool) -> Places | None:
    keywords = meaning.keywords
    if "items" in keywords or ("unevaluatedItems" in keywords and not own):
        return Places(all=True)
    below = _always(meaning, depth)
    if below is None or "contains" in keywords:
        return None
    first = len(keywords.get("prefixItems", ()))
    for number in below:
        if (found := _places(universe.meaning(number), universe, depth + 1, own=False)) is None:
            return None
        if found.all:
            return found
        first = max(first, found.first)
    return Places(first)


def _always(meaning: Meaning, depth: int) -> list[int] | None:
    """The schemas that hold in place whatever the value; None where others may."""
    if meaning.circular or depth > _MAX_NESTED or not _DEPENDING.isdisjoint(meaning.keywords):
        return None
    below = meaning.many("allOf") if "allOf" in meaning.keywords else []
    return [*below, meaning.one("$ref")] if "$ref" in meaning.keywords else below
