"""How much was seen, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

RULE_OF_THREE = 3.0  # -ln 0.05: what never happened in n trials happens, with 95 % confidence, in at most 3/n of them
_Z = 1.6449  # one-sided 95 % of the normal distribution


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of one place.

    Attributes:
        present: How many of the objects around it had it; for items and the root, how many values there were.
        of: How many objects there were.
        responses: In how many responses those objects were.
        types: How many values of each JSON type; `null` among them.
        absent_at_most: Upper bound (95 %) of the share of objects without it: 3/n by the rule of three where none was
            without it, else Wilson's.
    """

    present: int
    of: int
    responses: int
    types: Mapping[str, int]

    @property
    def nulls(self) -> int:
        """How many values were null."""
        return self.types.get("null", 0)

    @property
    def absent_at_most(self) -> float:
        """See above."""
        return upper_bound(self.of - self.present, self.of)


def upper_bound(events: int, trials: int) -> float:
    """The share that is exceeded with no more than 5 % probability, given what was seen."""
    if trials <= 0:
        return 1.0
    if events == 0:
        return min(1.0, RULE_OF_THREE / trials)
    share, weight = events / trials, _Z * _Z / trials
    spread = _Z * sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return min(1.0, (share + weight / 2 + spread) / (1 + weight))
