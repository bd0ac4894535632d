"""What users write. Checked by mypy in `test_typing`, never run."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

from orchestra import AsyncLedgerClient, LedgerClient
from orchestra_tools.calls import Budget, CallResult, Executor
from orchestra_tools.client import Change, Offer, Session, Settings, Subscription, open_session
from orchestra_tools.compile import CatalogueDiff, Tool
from orchestra_tools.discovery import Findings
from orchestra_tools.errors import CallError, InvalidArgumentsError, OrchestraError
from orchestra_tools.exports import Definition, to_anthropic_tools, to_gemini_declarations, to_openai_tools
from orchestra_tools.model import Entry, Ledger, Observation, Receipt, Statistics
from orchestra_tools.registry import LedgerSource, open_source
from orchestra_tools.toolsets import FilteredToolset, Reply, Toolset


def on_change(change: Change) -> None:
    assert_type(change.subnet, str)
    assert_type(change.entry, Entry | None)
    assert_type(change.changed, tuple[str, ...])


async def on_change_soon(change: Change) -> None: ...


async def on_progress(done: float, total: float | None, message: str) -> None: ...


def synchronous(source: LedgerSource, value: Ledger) -> None:
    with LedgerClient() as ledger:
        assert_type(ledger.find(capability="web_search"), list[Entry])
        assert_type(
            ledger.find("free text", limit=5, max_cost=0.1, callable_now=True, audience="consumer"), list[Entry]
        )
        assert_type(ledger.search("free text", min_reliability=0.9, max_latency_ms=500, read_only=True), Findings)
        assert_type(ledger.get("SN22"), Entry)
        assert_type(ledger.get(22), Entry)
        assert_type(ledger.get_schema("SN22"), dict[str, Any])
        assert_type(ledger.tools(), list[Tool])
        assert_type(ledger.statistics("sn22_web_search"), Statistics | None)
        result = ledger.call("sn22_web_search", {"query": "tao"}, max_cost=0.1, on_progress=on_progress)
        assert_type(result, CallResult)
        assert_type(result.receipt, Receipt)
        assert_type(result.observation, Observation)
        ledger.call("sn22_web_search", max_cost=Decimal("0.1"))
        assert_type(ledger.on_change("SN22", callback=on_change), Subscription)
        assert_type(ledger.session, Session)
    LedgerClient("https://ledger.example/ledger.json", api_key="key")
    LedgerClient(Path("ledger.json"), environment={"ORCHESTRA_HOME": "home"})
    LedgerClient(source)
    LedgerClient(value)
    LedgerClient(open_source(None))
    ledger.find(capabilty="web_search")  # type: ignore[call-arg]
    ledger.find(max_cost="cheap")  # type: ignore[arg-type]
    ledger.on_change("SN22", on_change_soon)  # type: ignore[arg-type]
    ledger.call("sn22_web_search", ["tao"])  # type: ignore[arg-type]


async def asynchronous() -> None:
    async with AsyncLedgerClient() as ledger:
        assert_type(await ledger.find(capability=["web_search", "news_*"]), list[Entry])
        assert_type(await ledger.call("sn22_web_search", {"query": "tao"}), CallResult)
        assert_type(await ledger.on_change(None, on_change), Subscription)
        assert_type(await ledger.on_change(None, on_change_soon), Subscription)
        (await ledger.on_change(22, on_change_soon)).close()
    print(ledger.call("sn22_web_search").data)  # type: ignore[attr-defined]


def failures(ledger: LedgerClient) -> None:
    try:
        ledger.call("sn22_web_search", {})
    except InvalidArgumentsError as error:
        assert_type([fault.pointer for fault in error.faults], list[str])
    except CallError as error:
        assert_type(error.receipt, Receipt | None)
        assert_type(error.status, int | None)
    except OrchestraError as error:
        assert_type(error.to_dict(), dict[str, Any])


def sessions() -> None:
    session = open_session(environment={})
    assert_type(session.executor, Executor)
    assert_type(session.settings, Settings)
    toolset: Toolset = FilteredToolset(session.toolset, lambda tool: tool.annotations.read_only)
    assert_type(list(toolset.tools.values()), list[Tool])
    Budget(per_call=Decimal(1), allow_unknown_price=frozenset({"SN22"}))


def offers(ledger: LedgerClient, replies: list[Reply]) -> None:
    offer = Offer(ledger, on_reply=replies.append, subnets=["SN22", 18], max_cost=0.1, callable_now=True)
    assert_type(offer.definitions(), list[Definition])
    assert_type(offer.refresh(), CatalogueDiff)
    reply = offer.answer_blocking("sn22_web_search", {"query": "tao"})
    assert_type(reply.text, str)
    assert_type(reply.artifact(), dict[str, Any])
    assert_type(reply.receipt, Receipt | None)
    assert_type(to_openai_tools(offer.definitions(), strict="auto", api="responses"), list[dict[str, Any]])
    assert_type(to_anthropic_tools(ledger.tools()), list[dict[str, Any]])
    assert_type(to_gemini_declarations(ledger.tools()), list[dict[str, Any]])
    Offer(subnet="SN22")  # type: ignore[call-arg]
    Offer(read_only="yes")  # type: ignore[arg-type]
