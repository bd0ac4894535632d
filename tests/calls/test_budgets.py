"""Nothing is spent beyond what was allowed, by one call or by many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from orchestra_tools.calls import Budget, CallResult, Executor, Identity, Journal
from orchestra_tools.errors import (
    BudgetExceededError,
    CallError,
    InputError,
    OrchestraError,
    PriceUnknownError,
    UpstreamError,
)
from tests.calls.recording import Rerouted, Server, compile_tool, json_answer, ledger_of

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC
DAY = 86_400
FREE = {"spends_money": False}


def priced(amount: str | None, currency: str = "USD", **cost: Any) -> dict[str, Any]:
    return {"spends_money": True, "cost": {"amount": amount, "currency": currency, **cost}}


class Shop:
    """An executor that calls a paid operation, as if it were out in the world."""

    def __init__(self, server: Server, make_executor: Callable[..., Executor], **options: Any) -> None:
        self.server = server
        self.executor = make_executor(transport=Rerouted(server.url), **{"clock": lambda: NOON, **options})

    async def buy(self, operation: Mapping[str, Any], *, max_cost: Decimal | None = None) -> CallResult:
        tool, _ = compile_tool(ledger_of(operation, url="https://api.example", sandbox=False))
        return await self.executor.call(tool, {}, max_cost=max_cost)


MakeShop = Callable[..., Shop]


@pytest.fixture
def make_shop(server: Server, make_executor: Callable[..., Executor]) -> MakeShop:
    return lambda budget=None, **options: Shop(server, make_executor, budget=budget or Budget(), **options)


async def refused(shop: Shop, limit: str, operation: Mapping[str, Any], **options: Any) -> BudgetExceededError:
    sent = len(shop.server.requests)
    with pytest.raises(BudgetExceededError) as caught:
        await shop.buy(operation, **options)
    assert caught.value.facts["limit"] == limit
    assert caught.value.remedy
    assert len(shop.server.requests) == sent
    return caught.value


async def test_a_call_keeps_to_its_own_limit(make_shop: MakeShop) -> None:
    """One dollar unless said otherwise; exactly the limit is allowed."""
    shop = make_shop()
    await shop.buy(priced("1"))
    await refused(shop, "per_call", priced("1.000001"))
    await make_shop(Budget(per_call=None)).buy(priced("2"))


async def test_a_caller_may_ask_for_less(make_shop: MakeShop) -> None:
    """`max_cost` of one call."""
    shop = make_shop()
    await refused(shop, "max_cost", priced("0.1"), max_cost=Decimal("0.05"))
    await shop.buy(priced("0.1"), max_cost=Decimal("0.1"))
    await shop.buy(FREE, max_cost=Decimal(0))
    for amount in ("NaN", "-1"):
        with pytest.raises(InputError, match="no amount"):
            await shop.buy(FREE, max_cost=Decimal(amount))


async def test_a_session_keeps_to_its_limit(make_shop: MakeShop) -> None:
    """What was spent is what the answers cost."""
    shop = make_shop(Budget(per_session=Decimal("0.25")))
    await shop.buy(priced("0.1"))
    await shop.buy(priced("0.1"))
    assert shop.executor.purse.spent == Decimal("0.2")
    await refused(shop, "per_session", priced("0.1"))
    await shop.buy(priced("0.05"))
    await refused(shop, "per_session", priced("0.001"))
    await shop.buy(FREE)


async def test_a_number_of_calls_is_kept(make_shop: MakeShop) -> None:
    """Free ones count too."""
    shop = make_shop(Budget(calls=2))
    await shop.buy(FREE)
    await shop.buy(FREE)
    await refused(shop, "calls", FREE)


async def test_a_day_is_kept_over_all_sessions(make_shop: MakeShop, tmp_path: Path) -> None:
    """Through the journal, by midnight UTC of an injected clock, also where another process spends."""
    path, now = tmp_path / "journal.sqlite", [NOON]
    shop = make_shop(Budget(per_day=Decimal(1)), journal=Journal(path), clock=lambda: now[0])
    other = make_shop(Budget(per_day=Decimal(1)), journal=Journal(path), clock=lambda: now[0])
    await shop.buy(priced("0.5"))
    await other.buy(priced("0.4"))
    await asyncio.sleep(0)  # the file is written when the loop comes round
    await refused(shop, "per_day", priced("0.2"))
    await refused(other, "per_day", priced("0.2"))
    await shop.buy(priced("0.1"))
    await other.buy(FREE)
    now[0] += DAY / 2 - 1
    await refused(shop, "per_day", priced("0.1"))
    now[0] += 1
    await shop.buy(priced("0.1"))


async def test_calls_at_the_same_time_cannot_overspend(make_shop: MakeShop) -> None:
    """A call reserves its price before it is made."""
    shop = make_shop(Budget(per_session=Decimal("0.3"), per_day=Decimal(10)))
    results = await asyncio.gather(*(shop.buy(priced("0.1")) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(result, CallResult) for result in results) == 3
    assert sum(isinstance(result, BudgetExceededError) for result in results) == 7
    assert shop.executor.purse.spent == Decimal("0.3")
    assert len(shop.server.requests) == 3
    day = make_shop(Budget(per_day=Decimal("0.3")))
    results = await asyncio.gather(*(day.buy(priced("0.1")) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(result, CallResult) for result in results) == 3


async def test_an_unknown_price_is_refused(make_shop: MakeShop) -> None:
    """Unless it is allowed, for a subnet or for all; the error names the setting."""
    unknown = [priced(None), {"spends_money": True}, priced("0.1", unit="token")]
    for operation in unknown:
        with pytest.raises(PriceUnknownError, match="ORCHESTRA_ALLOW_UNKNOWN_PRICE=SN22"):
            await make_shop().buy(operation)
        with pytest.raises(PriceUnknownError):
            await make_shop(Budget(allow_unknown_price=frozenset({"SN13"}))).buy(operation)
        for allowed in (True, frozenset({"SN22"})):
            await make_shop(Budget(allow_unknown_price=allowed)).buy(operation)


async def test_an_unknown_price_keeps_to_no_max_cost(make_shop: MakeShop) -> None:
    """Who says what a call may cost at most means it."""
    shop = make_shop(Budget(allow_unknown_price=True))
    with pytest.raises(PriceUnknownError, match="leave max_cost out"):
        await shop.buy(priced(None), max_cost=Decimal(1))


async def test_a_foreign_currency_is_an_unknown_price(make_shop: MakeShop) -> None:
    """Credits and TAO are not compared with dollars; a price of nothing is the same in all."""
    with pytest.raises(PriceUnknownError, match="5 credits"):
        await make_shop().buy(priced("5", "credits"))
    await make_shop().buy(priced("0", "credits"))
    shop = make_shop(Budget(allow_unknown_price=True))
    result = await shop.buy(priced("5", "credits"))
    assert (result.receipt.cost, result.receipt.currency) == (Decimal(5), "credits")
    assert shop.executor.purse.spent == 0
    assert shop.executor.journal.spent_today("USD", now_ms=int(NOON * 1000)) == 0
    assert shop.executor.journal.spent_today("credits", now_ms=int(NOON * 1000)) == 5


@pytest.mark.parametrize(
    ("header", "cost"),
    [
        ("0.0123", "0.0123"),
        ("0", "0"),
        (" 1e-3 ", "0.001"),
        ("", "0.01"),
        ("free", "0.01"),
        ("-1", "0.01"),
        ("NaN", "0.01"),
        ("inf", "0.01"),
        ("1e999999", "0.01"),
        ("1e-999999", "0"),
        ("9" * 60, "0.01"),
    ],
)
async def test_the_answer_says_what_it_cost(make_shop: MakeShop, header: str, cost: str) -> None:
    """In the declared header, where it is an amount; else the price of the ledger."""
    shop = make_shop()
    shop.server.answer(json_answer(X_Cost=header))
    result = await shop.buy(priced("0.01", header="X-Cost"))
    assert result.receipt.cost == Decimal(cost)
    assert result.observation.cost == Decimal(cost)
    assert shop.executor.purse.spent == Decimal(cost)
    assert len(f"{result.receipt.cost:f}") < 60


async def test_an_unknown_price_that_the_answer_tells_is_counted(make_shop: MakeShop) -> None:
    """And then keeps the day's limit, before the next call."""
    shop = make_shop(Budget(allow_unknown_price=True, per_day=Decimal("0.5"), per_session=Decimal("0.5")))
    shop.server.answer(json_answer(X_Cost="0.5"))
    await shop.buy(priced(None, header="X-Cost"))
    await refused(shop, "per_session", priced(None, header="X-Cost"))
    shop = make_shop(Budget(allow_unknown_price=True, per_day=Decimal(0)))
    await refused(shop, "per_day", priced(None))


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_a_failed_call_costs_what_the_answer_says(make_shop: MakeShop, status: int) -> None:
    """Nothing, unless it says so."""
    shop = make_shop()
    shop.server.answer(json_answer("{}", status))
    with pytest.raises(CallError) as caught:
        await shop.buy(priced("0.1", header="X-Cost"))
    assert caught.value.observation is not None
    assert caught.value.observation.cost is None
    shop.server.answer(json_answer("{}", status, X_Cost="0.1"))
    with pytest.raises(CallError) as caught:
        await shop.buy(priced("0.1", header="X-Cost"))
    assert shop.executor.purse.spent == Decimal("0.1")
    assert shop.executor.purse._reserved == 0


async def test_an_answer_that_drifts_costs_the_same(make_shop: MakeShop) -> None:
    """It was answered."""
    shop = make_shop()
    result = await shop.buy({**priced("0.1"), "output_schema": {"type": "array"}})
    assert result.drift
    assert shop.executor.purse.spent == Decimal("0.1")


async def test_sandbox_calls_spend_nothing(server: Server, make_executor: Callable[..., Executor]) -> None:
    """Prices are still held against the limits, as a rehearsal; sums stay at nothing."""
    executor = make_executor(budget=Budget(per_session=Decimal("0.15"), per_day=Decimal("0.15")), clock=lambda: NOON)
    tool, mark = compile_tool(ledger_of(priced("0.1"), url=server.url))
    for _ in range(3):
        result = await executor.call(tool, {}, sandbox=mark)
    assert result.receipt.cost == Decimal("0.1")
    assert executor.purse.spent == 0
    assert executor.journal.spent_today("USD", now_ms=int(NOON * 1000)) == 0
    unknown, mark = compile_tool(ledger_of(priced(None), url=server.url))
    await executor.call(unknown, {}, sandbox=mark)
    await executor.call(unknown, {}, sandbox=mark, max_cost=Decimal("0.01"))
    with pytest.raises(BudgetExceededError, match="max_cost"):
        await executor.call(tool, {}, sandbox=mark, max_cost=Decimal("0.05"))
    dear, mark = compile_tool(ledger_of(priced("0.2"), url=server.url))
    with pytest.raises(BudgetExceededError, match="per_session"):
        await executor.call(dear, {}, sandbox=mark)


async def test_a_reservation_ends_with_its_call(make_shop: MakeShop) -> None:
    """Also when that is cancelled."""
    shop = make_shop(Budget(per_session=Decimal("0.1")))
    arrived = asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    shop.server.answer(never)
    calling = asyncio.create_task(shop.buy(priced("0.1")))
    await arrived.wait()
    await refused(shop, "per_session", priced("0.1"))
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    shop.server.answer(json_answer())
    await shop.buy(priced("0.1"))


async def test_a_journal_that_cannot_be_read_stops_spending(make_shop: MakeShop) -> None:
    """Nobody knows what was spent today; free calls go on, and lose only their record."""
    journal = Journal()
    shop = make_shop(journal=journal, signer=Identity.generate())
    journal.close()
    with pytest.raises(OrchestraError, match="journal"):
        await shop.buy(priced("0.1"))
    assert shop.server.requests == []
    assert (await shop.buy(FREE)).data == {"ok": True}
    shop.server.answer(json_answer("{}", 500))
    with pytest.raises(UpstreamError):
        await shop.buy(FREE)
