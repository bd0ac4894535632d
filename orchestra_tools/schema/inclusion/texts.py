"""What is known of a string. No I/O."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from orchestra_tools.schema.inclusion.facts import Reasoner
from orchestra_tools.schema.inclusion.rules import Item, Option
from orchestra_tools.schema.inclusion.universe import matches
from orchestra_tools.schema.patterns import matching
from orchestra_tools.schema.scalars import strings

MAX_LENGTH = 20_000  # characters of a string that is made
_PLACED = re.compile(r"[\^$]|\\[^dDwWsS]|\(\?(?!:)")  # what may tie a pattern to a place in the text
_USUAL = ("a", "", "A", "0", "ab", "abc", "aa", "a b", "-1", "é", "😀", "\n", " ", "_", "a@b.co", "x" * 11)
_DRAWN = 25
_MAX_CANDIDATES = 600


class Texts:
    """Length, patterns and formats, and those it must not have."""

    def __init__(self) -> None:
        self._shortest = 0
        self._longest: int | None = None
        self._match: tuple[str, ...] = ()
        self._no_match: tuple[str, ...] = ()
        self._formats: tuple[str, ...] = ()
        self._no_formats: tuple[str, ...] = ()

    def copy(self) -> Texts:
        """A copy that can go another way."""
        return copy.copy(self)

    def add(self, fact: Item) -> Option | None:
        """Take a fact in."""
        match fact:
            case ("shortest", length):
                self._shortest = max(self._shortest, length)
            case ("longest", length):
                self._longest = length if self._longest is None else min(self._longest, length)
            case ("match", pattern):
                self._match = (*self._match, pattern)
            case ("no_match", pattern):
                self._no_match = (*self._no_match, pattern)
            case ("format", name):
                self._formats = (*self._formats, name)
            case ("no_format", name):
                self._no_formats = (*self._no_formats, name)
        return ()

    def implies(self, fact: Item, reasoner: Reasoner) -> bool:
        """Nothing is told to follow."""
        return False

    def closed(self, reasoner: Reasoner) -> bool:
        """Whether no string can be like this."""
        if self._longest is not None and self._shortest > self._longest:
            return True
        both = set(self._match) & set(self._no_match) or set(self._formats) & set(self._no_formats)
        return bool(both) or any(map(_matches_all, self._no_match))

    def finite(self) -> list[Any] | None:
        """The only strings it can be, if these are few."""
        return [""] if self._longest == 0 else None

    def split(self, reasoner: Reasoner) -> list[Option] | None:
        """Nothing about strings is left open."""
        return None

    def candidates(self, reasoner: Reasoner) -> Iterator[Any]:
        """Strings drawn from what it must match, of the shortest, longest and usual lengths."""
        if self._shortest > MAX_LENGTH:
            return
        yield from itertools.islice(self._drawn(), _MAX_CANDIDATES)

    def _drawn(self) -> Iterator[str]:
        random = Random(0)  # noqa: S311 - repeatable on purpose
        longest = min(MAX_LENGTH, self._shortest + 300 if self._longest is None else self._longest)
        if not self._match and not self._formats:
            for text in _USUAL:
                yield text[:longest] if len(text) >= self._shortest else text.ljust(self._shortest, "a")
            yield "a" * longest
        for pattern in self._match:
            for text in itertools.islice(matching(pattern, random, self._shortest, longest), _DRAWN):
                # A pattern without anchors goes on, and what tells two such patterns apart may stand there.
                yield from (text, text + "a", "a" + text, text + "1")
        for kind in self._formats:
            yield from _strings(random, self._shortest, longest, format=kind)
        for pattern in self._no_match:
            # Near misses of a pattern are often what tells two patterns apart.
            for text in itertools.islice(matching(pattern, random, self._shortest, longest), _DRAWN):
                yield from (text[1:], text[:-1], text.upper(), text + "!", "!" + text, "\n" + text, text * 2)
        for kind in self._no_formats:
            yield from (f"{text}!" for text in _strings(random, self._shortest, longest, format=kind))
        yield from _USUAL
        for pattern in self._match:
            yield from itertools.islice(matching(pattern, random, self._shortest, longest), 4 * _DRAWN)
        yield from _strings(random, self._shortest, longest)


def _matches_all(pattern: str) -> bool:
    """Whether a pattern can match nothing at all, anywhere: then it is found in every text."""
    return not _PLACED.search(pattern) and matches(pattern, "")


def _strings(random: Random, shortest: int, longest: int, **more: Any) -> Iterator[str]:
    yield from itertools.islice(strings([{"minLength": shortest, "maxLength": longest, **more}], "", random), _DRAWN)
