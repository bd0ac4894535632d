"""Conditions on tools. What nobody has measured or priced does not pass a condition on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from orchestra_tools.compile import Tool
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

    def judge(self, tool: Tool, statistics: Statistics | None) -> Verdict:
        """Whether a tool meets them; "unknown" if it may, but a figure is missing."""
        verdicts = (self._kind(tool), self._cost(tool), self._latency(statistics), self._reliability(statistics))
        return "fail" if "fail" in verdicts else "unknown" if "unknown" in verdicts else "pass"

    def _kind(self, tool: Tool) -> Verdict:
        if self.audience is not None and tool.audience not in self.audience:
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
