"""What may be spent: per call, per session, per day, and how many calls.

A call reserves its price before it is made and settles what it really cost afterwards, so that calls in flight cannot
overspend together. An operation that may cost money at a price nobody knows is refused unless it is allowed by name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from orchestra_tools.compile import Tool
from orchestra_tools.errors import BudgetExceededError, InputError, PriceUnknownError, RefusedError


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits; None = no limit. Amounts are in `currency`; a price in another currency counts as unknown."""

    per_call: Decimal | None = Decimal(1)
    per_session: Decimal | None = None
    per_day: Decimal | None = Decimal(10)
    calls: int | None = None
    currency: str = "USD"
    allow_unknown_price: frozenset[str] | bool = False
    """Subnets ("SN22") whose unknown prices are accepted, or True for all."""

    def allows_unknown_price(self, subnet: str) -> bool:
        """Whether calls of unknown price to a subnet are allowed."""
        if isinstance(self.allow_unknown_price, bool):
            return self.allow_unknown_price
        return subnet in self.allow_unknown_price


@dataclass(slots=True)
class Reservation:
    """Money set aside for one call. `spent` is what it turned out to cost."""

    spent: Decimal = Decimal(0)


class Purse:
    """Keeps to a budget over the calls of one session."""

    def __init__(self, budget: Budget, *, spent_today: Callable[[str], Decimal]) -> None:
        """Start a session.

        Args:
            budget: The limits.
            spent_today: Says what all sessions have spent today in a currency, this one included.
        """
        self.budget = budget
        self.calls = 0
        self.spent = Decimal(0)
        self._reserved = Decimal(0)
        self._spent_today = spent_today
        # Synchronous and asynchronous callers share a purse, each in a thread of its own.
        self._lock = threading.Lock()

    @contextmanager
    def reserve(self, tool: Tool, *, max_cost: Decimal | None = None) -> Iterator[Reservation]:
        """Set the price of a call aside while it is made.

        Raises:
            PriceUnknownError: It may cost money, and nobody knows how much.
            BudgetExceededError: A limit would be broken; `limit` names it.
        """
        price = self._price(tool, max_cost)
        reservation = Reservation()
        with self._lock:
            self._check(tool, price, max_cost)
            # A sandbox takes no money: its prices are held against the limits, and nothing is spent.
            price = Decimal(0) if tool.sandbox else price
            self.calls += 1
            self._reserved += price
        sent = 1
        try:
            yield reservation
        except RefusedError:
            # Nothing was sent after all.
            sent = 0
            raise
        finally:
            with self._lock:
                self.calls += sent - 1
                self._reserved -= price
                self.spent += reservation.spent

    def _price(self, tool: Tool, max_cost: Decimal | None) -> Decimal:
        price, cost = tool.operation.price, tool.operation.cost
        foreign = price is not None and price > 0 and cost is not None and cost.currency != self.budget.currency
        if price is not None and not foreign:
            return price
        if tool.sandbox or (self.budget.allows_unknown_price(tool.subnet) and max_cost is None):
            return Decimal(0)
        known = (
            f"costs {price} {cost.currency if cost else ''}, and the budget is in {self.budget.currency}"
            if foreign
            else "may cost money, and its price is not known before the call"
        )
        remedy = f"Allow it: set ORCHESTRA_ALLOW_UNKNOWN_PRICE={tool.subnet} (or 1 for all subnets)"
        if max_cost is not None:
            remedy += " and leave max_cost out"
        raise PriceUnknownError(f"{tool.name} {known}", remedy=remedy, tool=tool.name)

    def _check(self, tool: Tool, price: Decimal, max_cost: Decimal | None) -> None:
        budget = self.budget
        if max_cost is not None and (max_cost.is_nan() or max_cost < 0):
            raise InputError(f"max_cost {max_cost} is no amount", remedy="Give a number of at least 0")
        if budget.calls is not None and self.calls >= budget.calls:
            raise _over(tool, "calls", str(budget.calls), f"{self.calls} calls were made in this session")
        if max_cost is not None and price > max_cost:
            raise _over(tool, "max_cost", str(max_cost), f"it costs {price} {budget.currency}")
        if budget.per_call is not None and price > budget.per_call:
            raise _over(tool, "per_call", str(budget.per_call), f"it costs {price} {budget.currency}")
        if tool.operation.price == 0:
            return
        for limit, allowed, spent in self._spendings(tool):
            committed = spent + (Decimal(0) if tool.sandbox else self._reserved)
            # A call of unknown price reserves nothing, but needs something to be left.
            if committed + price > allowed or committed >= allowed:
                raise _over(tool, limit, str(allowed), f"{spent} {budget.currency} are spent")

    def _spendings(self, tool: Tool) -> Iterator[tuple[str, Decimal, Decimal]]:
        """(Limit, what it allows, what is spent of it) of each limit on sums."""
        budget, nothing = self.budget, Decimal(0)
        if budget.per_session is not None:
            yield "per_session", budget.per_session, nothing if tool.sandbox else self.spent
        if budget.per_day is not None:
            yield "per_day", budget.per_day, nothing if tool.sandbox else self._spent_today(budget.currency)


_SETTINGS = {
    "calls": "ORCHESTRA_MAX_CALLS",
    "max_cost": "the max_cost of the call",
    "per_call": "ORCHESTRA_MAX_COST_PER_CALL",
    "per_session": "ORCHESTRA_MAX_COST_PER_SESSION",
    "per_day": "ORCHESTRA_MAX_COST_PER_DAY",
}


def _over(tool: Tool, limit: str, allowed: str, because: str) -> BudgetExceededError:
    return BudgetExceededError(
        f"{tool.name} would pass the budget {limit} = {allowed}: {because}",
        remedy=f"Raise {_SETTINGS[limit]}, or use a cheaper tool",
        tool=tool.name,
        limit=limit,
        allowed=allowed,
    )
