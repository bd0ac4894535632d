"""What is known of a number. No I/O.

A float can be read as its decimal text or as its binary value; engines differ. Nothing is concluded from an order that
holds in one reading only.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from orchestra_tools.schema.inclusion.facts import Reasoner
from orchestra_tools.schema.inclusion.rules import Item, Option

Number = int | float
_MAX_LISTED = 200
_MAX_BITS = 2_000  # of a step; beyond, a `multipleOf` is not reasoned about
_EXACT = 2**53  # up to here a float is the integer it shows
_USUAL = (0, 1, -1, 2, 0.5, 1.5, -0.5, 10, 3, 100, 1e9, -1e9, 2**31, 2**63, 1e300)


class Numbers:
    """Bounds, steps, and steps it must not keep."""

    def __init__(self) -> None:
        self._least: tuple[Number, bool] | None = None
        self._most: tuple[Number, bool] | None = None
        self._step: Fraction | None = None
        self._not: tuple[Fraction, ...] = ()

    def copy(self) -> Numbers:
        """A copy that can go another way."""
        return copy.copy(self)

    def add(self, fact: Item) -> Option | None:
        """Take a fact in."""
        match fact:
            case ("least", limit, strict):
                if self._least is None or (limit, strict) > self._least:
                    self._least = (limit, strict)
            case ("most", limit, strict):
                if self._most is None or (limit, not strict) < (self._most[0], not self._most[1]):
                    self._most = (limit, strict)
            case ("multiple", step):
                found = _decimal(step)
                joined = found if self._step is None else _common(self._step, found)
                if max(joined.numerator.bit_length(), joined.denominator.bit_length()) <= _MAX_BITS:
                    self._step = joined
            case ("no_multiple", step):
                self._not = (*self._not, _decimal(step))
        return ()

    def implies(self, fact: Item, reasoner: Reasoner) -> bool:
        """Nothing is told to follow."""
        return False

    def closed(self, reasoner: Reasoner) -> bool:
        """Whether no number can be like this."""
        if self._step is not None and any((self._step / each).denominator == 1 for each in self._not):
            return True
        if self._least is None or self._most is None:
            return False
        (low, above), (high, below) = self._least, self._most
        return _surely_less(high, low) or (_surely_equal(low, high) and (above or below))

    def finite(self) -> list[Any] | None:
        """The only numbers it can be, if these are few."""
        if self._least is None or self._most is None:
            return None
        low, high = self._least[0], self._most[0]
        if _surely_equal(low, high):
            return [low]
        if self._step is None or max(abs(low), abs(high)) > _EXACT:
            return None
        first, last = math.ceil(_decimal(low) / self._step), math.floor(_decimal(high) / self._step)
        if last - first >= _MAX_LISTED:
            return None
        return [_plain(self._step * count) for count in range(first, last + 1)]

    def split(self, reasoner: Reasoner) -> list[Option] | None:
        """Nothing about numbers is left open."""
        return None

    def candidates(self, reasoner: Reasoner) -> Iterator[Any]:
        """Numbers near the bounds, on the steps and between them."""
        bounds = [limit[0] for limit in (self._least, self._most) if limit is not None]
        near = [*bounds, *_USUAL]
        if len(bounds) == 2 and max(map(abs, bounds)) < _EXACT:
            near.append(_plain((_decimal(bounds[0]) + _decimal(bounds[1])) / 2))
        yield from near
        steps = [Fraction(1), *self._not] if self._step is None else [self._step]
        for start in near:
            if abs(start) > _EXACT:
                continue
            for step in steps:
                on = math.floor(_decimal(start) / step)
                for count in (0, 1, -1, 2, -2, 3, 5, 7):
                    yield _plain(step * (on + count))
            yield from (start + 0.25, start - 0.25, start + 1e-3, start - 1e-3)
            if isinstance(start, float):
                yield from (math.nextafter(start, math.inf), math.nextafter(start, -math.inf))


def _decimal(number: Number) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _common(one: Fraction, other: Fraction) -> Fraction:
    """The least common multiple."""
    return Fraction(math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator))


def _surely_less(one: Number, other: Number) -> bool:
    return one < other and _decimal(one) < _decimal(other)


def _surely_equal(one: Number, other: Number) -> bool:
    return one == other and _decimal(one) == _decimal(other)


def _plain(number: Fraction) -> Number:
    if number.denominator == 1:
        return int(number)
    try:
        return float(number)
    except OverflowError:
        return int(number)
