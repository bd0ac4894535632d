"""What is known of an array. No I/O.

Places up to the last one that is spoken of have their own literals; all places after it are alike. So an item that must
exist somewhere is looked for at each of those places, and at one of the places that are alike.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from orchestra_tools.schema.inclusion.facts import Problem, Reasoner, Status
from orchestra_tools.schema.inclusion.rules import Item, Option

_MAX_PLACES = 2_000  # places looked at one by one
_MAX_TWINS = 8  # places whose items are made equal
_MAX_MADE = 1_000  # items of an array that is made


class Arrays:
    """Length, what stands where, what must occur, and how often."""

    def __init__(self) -> None:
        self._shortest = 0
        self._longest: int | None = None
        self._placed: dict[int, Problem] = {}
        self._rests: tuple[tuple[int, int], ...] = ()
        self._some: tuple[tuple[int, int], ...] = ()
        self._counts: dict[int, tuple[int, int | None]] = {}
        self._unique = False
        self._repeated = False
        self._unchecked: frozenset[int] = frozenset()

    def copy(self) -> Arrays:
        """A copy that can go another way."""
        other = copy.copy(self)
        other._placed, other._counts = dict(self._placed), dict(self._counts)
        return other

    def add(self, fact: Item) -> Option | None:
        """Take a fact in."""
        match fact:
            case ("shortest", length):
                self._shortest = max(self._shortest, length)
            case ("longest", length):
                self._longest = length if self._longest is None else min(self._longest, length)
            case ("item", index, literal):
                self._placed[index] = self._placed.get(index, frozenset()) | {literal}
                self._unchecked |= {index, index + 1}
            case ("rest", index, literal):
                self._add_rest(index, literal)
            case ("some", index, literal):
                self._some = (*self._some, (index, literal))
                self._shortest = max(self._shortest, index + 1)
            case ("count", number, least, most):
                return self._count(number, least, most)
            case ("unique",):
                self._unique = True
            case ("repeated",):
                self._repeated = True
                self._shortest = max(self._shortest, 2)
        return ()

    def _count(self, number: int, least: int, most: int | None) -> Option | None:
        was_least, was_most = self._counts.get(number, (0, None))
        most = was_most if most is None else most if was_most is None else min(most, was_most)
        if least > 0 and was_least == 0:
            self._some = (*self._some, (0, number))
        least = max(least, was_least)
        self._counts[number] = (least, most)
        self._shortest = max(self._shortest, least)
        if most == 0:
            self._add_rest(0, -number)
        return None if most is not None and least > most else ()

    def _add_rest(self, start: int, literal: int) -> None:
        self._rests = (*self._rests, (start, literal))
        self._unchecked |= set(range(min(self._alike() + 1, _MAX_PLACES)))

    def implies(self, fact: Item, reasoner: Reasoner) -> bool:
        """Nothing is told to follow."""
        return False

    def closed(self, reasoner: Reasoner) -> bool:
        """Whether no array can be like this."""
        unchecked, self._unchecked = self._unchecked, frozenset()
        for index in sorted(unchecked):
            if self._longest is not None and index >= self._longest:
                break
            if reasoner.is_empty(self._literals(index)):
                self._longest = index
                break
        if self._longest is not None and self._shortest > self._longest:
            return True
        if self._repeated and self._unique:
            return True
        if any(not self._open_places(reasoner, *each) for each in self._some):
            return True
        return any(self._miscounts(reasoner, number, most) for number, (_, most) in self._counts.items())

    def _miscounts(self, reasoner: Reasoner, number: int, most: int | None) -> bool:
        """Whether more items fit a class for sure than may."""
        if most is None:
            return False
        for other, (least, _) in self._counts.items():
            if other != number and least > most and reasoner.is_empty(frozenset({other, -number})):
                return True
        if self._shortest <= most:
            return False
        alike = self._alike()
        fitting = 0
        for index in range(min(self._shortest, alike + 1, _MAX_PLACES)):
            if reasoner.is_empty(self._literals(index) | {-number}):
                fitting += self._shortest - alike if index == alike else 1
        return fitting > most

    def finite(self) -> list[Any] | None:
        """The only arrays it can be, if these are few."""
        return [[]] if self._longest == 0 else None

    def split(self, reasoner: Reasoner) -> list[Option] | None:
        """Where an item that must exist somewhere stands."""
        if not self._some:
            return None
        (start, literal), self._some = self._some[0], self._some[1:]
        return [
            (("shortest", index + 1), ("item", index, literal)) for index in self._open_places(reasoner, start, literal)
        ]

    def candidates(self, reasoner: Reasoner) -> Iterator[Any]:
        """The shortest array, and one that is a little longer."""
        for more in (0, 1, 2):
            made = self._made(reasoner, self._shortest + more)
            if made is None:
                continue
            yield made
            if self._repeated:
                yield from self._with_twins(reasoner, made)

    def _made(self, reasoner: Reasoner, length: int) -> list[Any] | None:
        if length > _MAX_MADE or (self._longest is not None and length > self._longest):
            return None
        made: list[Any] = []
        for index in range(length):
            problem = self._literals(index)
            if self._unique:
                problem |= {-reasoner.universe.make({"const": value}) for value in made}
            answer = self._counted(reasoner, problem, made)
            if answer is None:
                return None
            made.extend(answer)
        return made

    def _counted(self, reasoner: Reasoner, problem: Problem, made: list[Any]) -> list[Any] | None:
        """One more item; it fits what too few have fitted so far, and not what enough have."""
        wanted, full = set(), set()
        for number, (least, most) in self._counts.items():
            met = sum(reasoner.universe.accepts(number, value) for value in made)
            if met < least:
                wanted.add(number)
            if most is not None and met >= most:
                full.add(-number)
        for more in (wanted | full, full, frozenset[int]()):
            answer = reasoner.solve(problem | more)
            if answer.status is Status.FOUND:
                return [answer.value]
        return None

    def _with_twins(self, reasoner: Reasoner, made: list[Any]) -> Iterator[list[Any]]:
        last = min(len(made), _MAX_TWINS)
        for one in range(last):
            for other in range(one + 1, last):
                answer = reasoner.solve(self._literals(one) | self._literals(other))
                if answer.status is Status.FOUND:
                    twins = list(made)
                    twins[one] = twins[other] = answer.value
                    yield twins

    def _alike(self) -> int:
        """The first of the places that are all alike."""
        return max([index + 1 for index in self._placed] + [start for start, _ in self._rests], default=0)

    def _literals(self, index: int) -> Problem:
        placed = self._placed.get(index, frozenset[int]())
        return placed | {literal for start, literal in self._rests if index >= start}

    def _open_places(self, reasoner: Reasoner, start: int, literal: int) -> list[int]:
        """Places from `start` where an item may make a literal true."""
        places = list(dict.fromkeys([*range(start, self._alike()), max(start, self._alike())]))
        if len(places) > _MAX_PLACES:
            return places
        return [
            index
            for index in places
            if (self._longest is None or index < self._longest)
            and not reasoner.is_empty(self._literals(index) | {literal})
        ]
