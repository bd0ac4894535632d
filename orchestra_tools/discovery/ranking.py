"""What, beside its text, makes one tool a better answer than another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from orchestra_tools.compile import Tool
from orchestra_tools.model import Statistics

# The lower bound after one call that ended well. Beginning to measure a tool should not make it worse.
NEUTRAL_RELIABILITY = 0.2
_RELIABILITY_SLOPE = 0.25
_NOT_CALLABLE_FACTOR = 0.85
_MAIN_CAPABILITY_FACTOR = 1.15
_AUDIENCE_FACTORS: Final = {"consumer": 1.0, "compute": 0.97, "operator": 0.9}
_AUDIENCE_RANKS: Final = {audience: rank for rank, audience in enumerate(_AUDIENCE_FACTORS)}
_NO_PRICE = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tool that passed the filters.

    Attributes:
        callable: True, or why it cannot be called now; None where nobody asked.
        score: How well its text fits; 0 where there was no text.
    """

    tool: Tool
    statistics: Statistics | None
    callable: Literal[True] | str | None
    score: float = 0.0

    @property
    def reliability(self) -> float:
        """Lower bound of its reliability; neutral where it was never measured."""
        measured = None if self.statistics is None else self.statistics.reliability
        return NEUTRAL_RELIABILITY if measured is None else measured

    @property
    def blocked(self) -> bool:
        """Whether it cannot be called now."""
        return isinstance(self.callable, str)


def text_order(candidate: Candidate, query_stems: frozenset[str], capability_stems: frozenset[str]) -> float:
    """Sort key for a text search, after `capability_order`: the text decides, the rest shifts it mildly."""
    factor = 1 + _RELIABILITY_SLOPE * (candidate.reliability - NEUTRAL_RELIABILITY)
    factor *= _AUDIENCE_FACTORS.get(candidate.tool.audience, 1.0)
    if candidate.blocked:
        factor *= _NOT_CALLABLE_FACTOR
    if capability_stems and capability_stems <= query_stems:
        factor *= _MAIN_CAPABILITY_FACTOR
    return -round(candidate.score * factor, 9)


def capability_order(
    candidate: Candidate, wanted: Collection[str] = (), exact: Collection[str] = ()
) -> tuple[bool, bool, bool, bool, int, float, Decimal, str]:
    """Sort key for a search by capability.

    Args:
        candidate: What to place.
        wanted: The capabilities searched for; empty for any.
        exact: Those of them that were named in full.
    """
    tool = candidate.tool
    main = tool.capabilities[0] if tool.capabilities else ""
    price = tool.operation.price
    return (
        bool(exact) and not any(each in exact for each in tool.capabilities),
        bool(wanted) and main not in wanted,
        tool.operation_id not in wanted,
        candidate.blocked,
        _audience_rank(tool),
        -candidate.reliability,
        _NO_PRICE if price is None else price,
        tool.name,
    )


def _audience_rank(tool: Tool) -> int:
    return _AUDIENCE_RANKS.get(tool.audience, len(_AUDIENCE_RANKS))
