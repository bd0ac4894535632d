"""Conditions on tools. What nobody has measured or priced does not pass a condition on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal, Self

from orchestra_tools.compile import Tool
from orchestra_tools.errors import InputError
from orchestra_tools.model import Statistics

CURRENCY = "USD"  # of `max_cost`; a price in credits or TAO cannot be compared with it
Verdict = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Conditions a tool must meet; None asks for nothing."""

    max_cost: Decimal | None = None
    max_latency_ms: float | None = None
    min_reliability: float | None = None
    audience: Collection[str] | None = None
    read_only: bool | None = None
    capabilities: Collection[str] | None = None
    netuids: Collection[int] | None = None

    @classmethod
    def of(
        cls,
        *,
        max_cost: Decimal | float | None = None,
        max_latency_ms: float | None = None,
        min_reliability: float | None = None,
        audience: str | Collection[str] | None = None,
        read_only: bool | None = None,
        capabilities: Collection[str] | None = None,
        netuids: Collection[int] | None = None,
    ) -> Self:
        """Conditions as callers write them.

        Raises:
            InputError: `max_cost` is no amount.
        """
        return cls(
            max_cost=None if max_cost is None else _amount(max_cost),
            max_latency_ms=max_latency_ms,
            min_reliability=min_reliability,
            audience=None if audience is None else {audience} if isinstance(audience, str) else frozenset(audience),
            read_only=read_only,
            capabilities=capabilities,
            netuids=netuids,
        )

    def admits(self, tool: Tool) -> bool:
        """Whether a tool meets what does not change with every call: not its measured latency and reliability."""
        return self._kind(tool) == self._cost(tool) == "pass"

    def judge(self, tool: Tool, statistics: Statistics | None) -> Verdict:
        """Whether a tool meets them; "unknown" if it may, but a figure is missing."""
        verdicts = (self._kind(tool), self._cost(tool), self._latency(statistics), self._reliability(statistics))
        return "fail" if "fail" in verdicts else "unknown" if "unknown" in verdicts else "pass"

    def _kind(self, tool: Tool) -> Verdict:
        if self.audience is not None and tool.audience not in self.audience:
            return "fail"
        if self.netuids is not None and tool.slot.netuid not in self.netuids:
            return "fail"
        if self.capabilities is not None and not set(self.capabilities) & set(tool.capabilities):
            return "fail"
        return "pass" if self.read_only in (None, tool.annotations.read_only) else "fail"

    def _cost(self, tool: Tool) -> Verdict:
        price, cost = tool.operation.price, tool.operation.cost
        if self.max_cost is None or price == 0:
            return "pass"
        if price is None or (cost is not None and cost.currency != CURRENCY):
            return "unknown"
        return "pass" if price <= self.max_cost else "fail"

    def _latency(self, statistics: Statistics | None) -> Verdict:
        if self.max_latency_ms is None:
            return "pass"
        if statistics is None or statistics.latency_p50_ms is None:
            return "unknown"
        return "pass" if statistics.latency_p50_ms <= self.max_latency_ms else "fail"

    def _reliability(self, statistics: Statistics | None) -> Verdict:
        if self.min_reliability is None:
            return "pass"
        if statistics is None or statistics.reliability is None:
            return "unknown"
        return "pass" if statistics.reliability >= self.min_reliability else "fail"


def _amount(value: Decimal | float) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise InputError(f"max_cost {str(value)[:40]!r} is no amount", remedy="Give a number of USD, as in 0.05")
    return amount
