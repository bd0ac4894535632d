"""Tools that meet conditions: listed, found, described and called; nothing else is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.client import Session, open_session
from orchestra_tools.errors import InputError, UnknownCapabilityError, UnknownSubnetError, UnknownToolError
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import SearchableToolset, SelectedToolset

QUERY = {"query": "tao"}


@pytest.fixture
async def session(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Session]:
    path = tmp_path / "ledger.json"
    path.write_bytes(sandbox.ledger_path.read_bytes())
    opened = open_session(path, environment={"ORCHESTRA_HOME": str(tmp_path)})
    yield opened
    await opened.close()


def names(session: Session, **conditions: Any) -> set[str]:
    return set(SelectedToolset(session.toolset, **conditions).tools)


async def test_without_conditions_every_tool_is_on_offer(session: Session) -> None:
    """None asks for nothing."""
    every = set(session.toolset.tools)
    assert names(session) == every
    assert names(session, capabilities=None, subnets=None, audience=None, callable_now=False) == every


async def test_each_condition_holds(session: Session) -> None:
    """By the tools' own facts."""
    tools = session.toolset.tools
    searching = {name for name, tool in tools.items() if "web_search" in tool.capabilities}
    assert names(session, capabilities="web_search") == names(session, capabilities=["web_search"]) == searching
    starred = names(session, capabilities=["web_*", "news_search"])
    assert searching < starred
    assert {tools[name].subnet for name in names(session, subnets=["SN22", 18, "Desearch"])} == {"SN22", "SN18"}
    assert names(session, subnets="SN22") == names(session, subnets=22)
    assert all(tools[name].audience == "compute" for name in names(session, audience="compute"))
    assert names(session, audience=["compute", "consumer"]) > names(session, audience="compute")
    assert all(tools[name].annotations.read_only for name in names(session, read_only=True))
    assert not any(tools[name].annotations.read_only for name in names(session, read_only=False))
    assert all(tools[name].operation.price == 0 for name in names(session, max_cost=0))
    assert all(tools[name].operation.obstacle is None for name in names(session, callable_now=True))
    assert names(session, subnets=[]) == names(session, capabilities=[]) == set()


async def test_measured_conditions_follow_the_measurements(session: Session) -> None:
    """What nobody measured does not pass; a call already chosen is not refused when a figure moves."""
    offered = SelectedToolset(session.toolset, subnets=["SN22"], min_reliability=0.1)
    assert not offered.tools
    assert not offered.find("web search").cards
    for _ in range(3):
        await session.toolset.call("sn22_web_search", QUERY)
    assert list(offered.tools) == ["sn22_web_search"]
    assert [card.name for card in offered.find("web search").cards] == ["sn22_web_search"]
    assert names(session, max_latency_ms=60_000) == {"sn22_web_search"}
    assert (await offered.call("sn22_x_search", QUERY)).data


async def test_what_is_not_on_offer_cannot_be_described_found_or_called(session: Session) -> None:
    """By any way, the fixed tools included."""
    offered = SelectedToolset(session.toolset, subnets=["SN22"], read_only=True)
    searchable = SearchableToolset(offered)
    with pytest.raises(UnknownToolError, match="not among the tools offered"):
        await offered.call("sn18_forecast_point", {})
    with pytest.raises(UnknownToolError, match="not among the tools offered"):
        await searchable.call("call_tool", {"name": "sn18_forecast_point", "arguments": {}})
    with pytest.raises(UnknownToolError, match="not among the tools offered"):
        await searchable.call("describe_tool", {"name": "sn18_forecast_point"})
    found: Any = await searchable.call("find_tools", {"query": "weather forecast", "limit": 20})
    assert all(card["name"].startswith("sn22_") for card in found["tools"])
    status: Any = await searchable.call("ledger_status", {})
    assert status["tools"] == len(offered.tools) == len(searchable.offered.tools)


async def test_conditions_that_name_nothing_are_refused(session: Session) -> None:
    """At once, with what was meant."""
    with pytest.raises(UnknownCapabilityError):
        SelectedToolset(session.toolset, capabilities=["telepathy"])
    with pytest.raises(UnknownSubnetError, match="no subnet"):
        SelectedToolset(session.toolset, subnets=["SN999"])
    with pytest.raises(InputError, match="no amount"):
        SelectedToolset(session.toolset, max_cost=float("nan"))


async def test_conditions_outlive_changes_of_the_ledger(session: Session) -> None:
    """A subnet or a term may go and come back."""
    offered = SelectedToolset(session.toolset, subnets=["SN22"], capabilities=["web_search"])
    before = read(session)
    write(session, {key: entry for key, entry in before.items() if key != "SN22"})
    assert not offered.tools
    write(session, before)
    assert "sn22_web_search" in offered.tools


async def test_a_private_term_may_leave_the_vocabulary(session: Session) -> None:
    """It was known when the conditions were given."""
    entries = read(session)
    operation = entries["SN22"]["operations"]["web_search"]
    operation["capabilities"] = ["penguin_counting"]
    write(session, entries)
    offered = SelectedToolset(session.toolset, capabilities=["penguin_counting"])
    assert list(offered.tools) == ["sn22_web_search"]
    operation["capabilities"] = ["web_search"]
    write(session, entries)
    assert not offered.tools


def read(session: Session) -> dict[str, Any]:
    """The entries in the ledger's file."""
    entries: dict[str, Any] = json.loads(Path(session.live.source.name).read_text("utf-8"))["entries"]
    return entries


def write(session: Session, entries: dict[str, Any]) -> None:
    """Replace them, and take that over."""
    path = Path(session.live.source.name)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"entries": entries}), "utf-8")
    session.live.refresh()
