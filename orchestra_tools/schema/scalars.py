"""Proposals for strings and numbers that several schemas demand together, best first. No I/O.

Whoever asks takes the first that fits, so a proposal may be wrong, but the sequences are bounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from random import Random
from typing import Any

from orchestra_tools.schema.patterns import matching
from orchestra_tools.schema.words import clip, encoded, formatted, number_for, prose, string_for, words

MAX_STRING = 1_000_000  # characters
_TRIES = 12
_ENUMERATED = 150  # neighbouring values tried, so that small ranges can be exhausted
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

Parts = Sequence[dict[str, Any]]


def limit(parts: Parts, keyword: str, strictest: Any) -> Any:
    """The strictest value of a keyword (`max` or `min` of all), or None."""
    return strictest((part[keyword] for part in parts if keyword in part), default=None)


def strings(parts: Parts, name: str, random: Random) -> Iterator[str]:
    """Strings for a property called `name`."""
    shortest, longest = int(limit(parts, "minLength", max) or 0), limit(parts, "maxLength", min)
    if shortest > MAX_STRING or (longest is not None and longest < shortest):
        return
    longest = None if longest is None else int(longest)
    named = string_for(name, random)
    for pattern in dict.fromkeys(part["pattern"] for part in parts if "pattern" in part):
        if named is not None:
            yield named
        yield from matching(pattern, random, shortest, longest)
    for kind in dict.fromkeys(part["format"] for part in parts if "format" in part):
        for _ in range(4):
            yield from formatted(kind, random, shortest)
    if any(part.get("contentEncoding") == "base64" for part in parts):
        yield encoded(random, shortest, longest)
    if any(part.get("contentMediaType") == "application/json" for part in parts):
        yield "{}"
    if named is not None:
        yield clip(named, shortest, longest)
    yield prose(random, shortest, longest) if shortest > 40 else clip(words(random, 5), shortest, longest)
    for _ in range(_TRIES):
        yield clip(words(random, random.randint(1, 5)), shortest, longest)
    yield from _enumerate(shortest)


def _enumerate(length: int) -> Iterator[str]:
    """Distinct strings of one length, while there are some."""
    if length == 0:
        yield ""
        length = 1
    for number in range(_ENUMERATED):
        tail = ""
        for _ in range(min(length, 3)):
            number, digit = divmod(number, len(_ALPHABET))
            tail = _ALPHABET[digit] + tail
        yield tail.rjust(length, "a")


def numbers(parts: Parts, names: Sequence[str], random: Random, *, whole: bool) -> Iterator[int | float]:
    """Numbers for a property called by the first name that says anything; integers where `whole`."""
    low, high = _bound(parts, "minimum", "exclusiveMinimum", max), _bound(parts, "maximum", "exclusiveMaximum", min)
    named = next((value for name in names if (value := number_for(name, random)) is not None), None)
    if named is not None and low is not None and low == 0 and high == 1:
        named = named if 0 < named < 1 else None
    steps = [_exact(part["multipleOf"]) for part in parts if "multipleOf" in part]
    if named is not None and not steps:
        yield round(named) if whole else named
    if whole:
        steps.append(Fraction(1))
    if steps:
        yield from _stepped(low, high, math.lcm, steps, random)
    else:
        yield from _continuous(low, high, random)


def _exact(number: float) -> Fraction:
    # Through the decimal text: 0.1 means a tenth.
    return Fraction(repr(number))


def _bound(parts: Parts, inclusive: str, exclusive: str, strictest: Any) -> Fraction | None:
    """The strictest bound. Whether it is exclusive is left to the check of the proposal."""
    limits = [_exact(part[key]) for part in parts for key in (inclusive, exclusive) if key in part]
    return strictest(limits) if limits else None


def _stepped(
    low: Fraction | None, high: Fraction | None, lcm: Any, steps: list[Fraction], random: Random
) -> Iterator[int | float]:
    denominator = lcm(*(step.denominator for step in steps))
    step = Fraction(lcm(*(int(step * denominator) for step in steps)), denominator)
    first = None if low is None else math.ceil(low / step)
    last = None if high is None else math.floor(high / step)
    if first is None:
        first = 1 if last is None or last > 1 else last - 100
    if last is None:
        last = first + 99
    if first > last:
        return
    for _ in range(_TRIES):
        yield _plain(step * random.randint(max(first, -(10**9)) if last > 0 else first, min(last, first + 10**9)))
    for index in range(first, min(last, first + _ENUMERATED) + 1):
        yield _plain(step * index)
    for index in range(last, max(first, last - 4) - 1, -1):
        yield _plain(step * index)


def _continuous(low: Fraction | None, high: Fraction | None, random: Random) -> Iterator[int | float]:
    bottom = float(low) if low is not None else (min(0.0, float(high) - 100) if high is not None else 0.0)
    top = float(high) if high is not None else max(100.0, bottom + 100)
    if bottom > top:
        return
    for digits in (2, 2, 2, 2, 4, 4, 8):
        yield round(random.uniform(bottom, top), digits)
    for _ in range(_TRIES):
        yield random.uniform(bottom, top)
    yield bottom / 2 + top / 2
    yield from (bottom, top, math.nextafter(bottom, math.inf), math.nextafter(top, -math.inf))
    yield from range(math.ceil(max(bottom, -1e6)), math.floor(min(top, bottom + _ENUMERATED, 1e6)))
    # Bounds may be finer than floats: then they are met exactly or not at all.
    yield from (_plain(bound) for bound in (low, high) if bound is not None)


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)
