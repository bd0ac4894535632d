"""What an agent is offered: the ground every host adapter stands on."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.client import AsyncLedgerClient, LedgerClient, Offer, spends_money, unapproved
from orchestra_tools.errors import ConfigurationError, UnknownToolError
from orchestra_tools.exports import define
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import Reply

QUERY = {"query": "tao"}


@pytest.fixture
def ledger(sandbox: Sandbox, tmp_path: Path) -> Iterator[LedgerClient]:
    """A client of a ledger file that a test may change."""
    path = tmp_path / "ledger.json"
    path.write_bytes(sandbox.ledger_path.read_bytes())
    with LedgerClient(path, environment={"ORCHESTRA_HOME": str(tmp_path / "home")}) as client:
        yield client


def test_it_opens_whatever_a_client_opens(ledger: LedgerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client, a session, a path, a value, or what the environment says."""
    place = ledger.session.live.source.name
    assert Offer(ledger).session is Offer(ledger.session).session is ledger.session
    # mypy narrows the union; each of them is a ledger to an offer.
    for each in (place, Path(place), packaged_ledger()):
        with Offer(each) as offer:
            assert len(offer.tools) == 278
    monkeypatch.setenv("ORCHESTRA_LEDGER", place)
    with Offer() as offer:
        assert offer.session.live.source.name == place


async def test_an_async_client_is_taken_too(ledger: LedgerClient, tmp_path: Path) -> None:
    """Its session stays open."""
    place = ledger.session.live.source.name
    async with AsyncLedgerClient(place, environment={"ORCHESTRA_HOME": str(tmp_path / "other")}) as client:
        with Offer(client) as offer:
            assert not (await offer.answer("sn22_web_search", QUERY)).failed
        assert (await client.call("sn22_web_search", QUERY)).data


def test_an_answer_has_data_receipt_and_figures(ledger: LedgerClient) -> None:
    """Every key of the artifact is always there."""
    offer = Offer(ledger)
    reply = offer.answer_blocking("sn22_web_search", QUERY)
    artifact = reply.artifact()
    assert not reply.failed
    assert (reply.code, reply.correctable) == (None, False)
    assert json.loads(reply.text) == reply.data == artifact["data"]
    assert str(reply) == reply.text
    assert artifact["receipt"]["id"] == reply.facts()["receipt"]
    assert artifact["statistics"]["calls"] == 1
    assert (artifact["outcome"], artifact["schema"], artifact["drift"]) == ("ok", "valid", [])
    assert json.loads(json.dumps(artifact)) == artifact
    refused = offer.answer_blocking("sn22_web_search", {}).artifact()
    assert refused.keys() == artifact.keys()
    assert refused["receipt"] is None
    assert refused["error"]["faults"][0]["pointer"] == "/query"
    assert refused["statistics"]["calls"] == 1


def test_a_failure_keeps_what_was_recorded(ledger: LedgerClient, sandbox: Sandbox) -> None:
    """The receipt, the outcome, the figures; and drift keeps the data."""
    offer = Offer(ledger)
    with sandbox.faults("sn22_web_search", "server_error"):
        reply = offer.answer_blocking("sn22_web_search", QUERY)
    artifact = reply.artifact()
    assert (reply.failed, reply.code, reply.correctable, reply.data) == (True, "upstream_error", False, None)
    assert artifact["receipt"]["outcome"] == artifact["outcome"] == "server_error"
    assert artifact["latency_ms"] is not None
    with sandbox.faults("sn22_web_search", "drift"):
        drifted = offer.answer_blocking("sn22_web_search", QUERY)
    assert (drifted.failed, drifted.code) == (True, "drift")
    assert drifted.data
    told = drifted.artifact()
    assert told["error"]["faults"]
    assert told["error"]["message"] in drifted.text
    assert drifted.facts()["error"] == "drift"


@pytest.mark.parametrize("arguments", [[1], "query", 7, None])
def test_whatever_a_model_gives_as_arguments_is_answered(ledger: LedgerClient, arguments: Any) -> None:
    """Never with a traceback."""
    offer = Offer(ledger)
    for tool in ("sn22_web_search", "find_tools", "call_tool"):
        reply = offer.answer_blocking(tool, arguments)
        assert (reply.code, reply.correctable) == ("invalid_arguments", True)


@pytest.mark.parametrize("name", ["\ud800", "x" * 100_000, "", "sn22_web_search\0"])
def test_whatever_a_model_calls_is_answered(ledger: LedgerClient, name: str) -> None:
    """Names it made up too; and nothing is kept of them."""
    offer = Offer(ledger)
    assert offer.answer_blocking(name, {}).code == "unknown_tool"
    for fixed in ("describe_tool", "call_tool"):
        reply = offer.answer_blocking(
            fixed, {"name": name, "arguments": {}} if fixed == "call_tool" else {"name": name}
        )
        assert reply.failed
        assert reply.statistics is None


def test_the_fixed_tools_find_describe_and_call(ledger: LedgerClient) -> None:
    """The same three words in every host."""
    offer = Offer(ledger, subnets=["SN22"])
    assert [each.name for each in offer.search_definitions()] == ["find_tools", "describe_tool", "call_tool"]
    found = offer.answer_blocking("find_tools", {"query": "web search"})
    name = found.data["tools"][0]["name"]
    assert offer.answer_blocking("describe_tool", {"name": name}).data["input_schema"]
    called = offer.answer_blocking("call_tool", {"name": name, "arguments": QUERY})
    assert called.tool == "call_tool"
    assert called.artifact()["tool"] == name
    assert called.artifact()["receipt"]["tool"] == name
    elsewhere = offer.answer_blocking("call_tool", {"name": "sn18_forecast_point", "arguments": {}})
    assert elsewhere.code == "unknown_tool"
    assert not found.facts()


def test_what_models_are_shown_is_the_definition(ledger: LedgerClient) -> None:
    """And a program finds the rest in the facts."""
    offer = Offer(ledger, subnets=["SN22", "SN6"])
    assert offer.definitions() == [define(tool) for tool in offer.tools.values()]
    facts = offer.facts("sn22_web_search")
    assert facts["output_schema"]["type"] == "object"
    assert (facts["subnet"], facts["read_only"], facts["spends_money"]) == ("SN22", True, False)
    assert "digest" in facts
    with pytest.raises(UnknownToolError):
        offer.facts("sn18_forecast_point")


def test_only_real_calls_that_are_not_free_spend_money(ledger: LedgerClient) -> None:
    """A sandbox takes none."""
    with Offer(packaged_ledger()) as offer:
        assert spends_money(offer.tools["sn22_web_search"])
        assert not spends_money(next(tool for tool in offer.tools.values() if tool.operation.price == 0))
    assert not spends_money(Offer(ledger).tools["sn22_web_search"])


def test_the_tool_that_a_call_would_run_is_known_before_it(ledger: LedgerClient) -> None:
    """For approvals: by its own name or through `call_tool`, whatever a model gives as arguments."""
    offer = Offer(ledger, subnets="SN22")
    tool = offer.tools["sn22_web_search"]
    assert offer.find_called(tool.name, {}) is tool
    assert offer.find_called(tool.name, "no object") is tool
    assert offer.find_called("call_tool", {"name": tool.name, "arguments": {}}) is tool
    others = next(name for name in Offer(ledger).tools if name not in offer.tools)
    for arguments in ({"name": others}, {"name": "sn22_nothing"}, {"name": 7}, {}, [tool.name], "no object", None):
        assert offer.find_called("call_tool", arguments) is None
    assert offer.find_called("find_tools", {"name": tool.name}) is None


def test_what_nobody_agreed_to_is_a_reply_too() -> None:
    """Hosts with approvals of their own tell their model the same."""
    waiting, refused = unapproved("sn22_web_search", asked=True), unapproved("sn22_web_search", asked=False)
    assert (waiting.failed, waiting.code, waiting.correctable) == (True, "not_approved", False)
    assert waiting.text == "not_approved: sn22_web_search was not called: its user is asked whether it may be. Wait"
    assert "said no" in refused.text
    assert refused.artifact()["receipt"] is None


def test_searching_gives_the_tools_on_offer(ledger: LedgerClient) -> None:
    """Best first, and none where nothing fits."""
    offer = Offer(ledger, audience="consumer")
    tools = offer.search("search the web", limit=3)
    assert len(tools) == 3
    assert all(tool.audience == "consumer" for tool in tools)
    assert not Offer(ledger, subnets=["SN18"]).search("zebra accountancy")


def test_a_refresh_says_what_differs(ledger: LedgerClient) -> None:
    """Of the tools on offer, since the refresh before."""
    offer = Offer(ledger, subnets=["SN22"])
    assert not offer.refresh()
    path = Path(ledger.session.live.source.name)
    document = json.loads(path.read_text("utf-8"))
    operations = document["entries"]["SN22"]["operations"]
    operations["web_search"]["description"] = "Searches the whole web."
    operations["second_search"] = operations["web_search"]
    del operations["x_search"]
    del document["entries"]["SN18"]
    path.write_text(json.dumps(document), "utf-8")
    diff = offer.refresh()
    assert (diff.added, diff.removed) == (("sn22_second_search",), ("sn22_x_search",))
    assert "sn22_web_search" in diff.changed
    assert not offer.refresh()


async def test_following_takes_over_what_changed(ledger: LedgerClient) -> None:
    """As agents do before each step, in a loop or without one."""
    offer = Offer(ledger, subnets=["SN22"])
    rename(ledger, "web_search", "second_search")
    await offer.follow()
    assert "sn22_second_search" in offer.tools
    await offer.follow()
    rename(ledger, "second_search", "third_search")
    offer.follow_blocking()
    assert "sn22_third_search" in offer.tools
    offer.follow_blocking()


def rename(ledger: LedgerClient, before: str, after: str) -> None:
    """Rename an operation of SN22 in the ledger's file."""
    path = Path(ledger.session.live.source.name)
    document = json.loads(path.read_text("utf-8"))
    operations = document["entries"]["SN22"]["operations"]
    operations[after] = operations.pop(before)
    path.write_text(json.dumps(document), "utf-8")


async def test_a_blocking_answer_works_inside_a_running_loop(ledger: LedgerClient) -> None:
    """Notebooks have one; and both ways share one budget."""
    offer = Offer(ledger)
    assert not offer.answer_blocking("sn22_web_search", QUERY).failed
    assert not (await offer.answer("sn22_web_search", QUERY)).failed
    assert ledger.session.executor.purse.calls == 2


def test_answers_in_one_loop_after_another(ledger: LedgerClient) -> None:
    """`asyncio.run` makes a new one each time, and nobody has to close anything."""
    offer = Offer(ledger)
    for _ in range(2):
        assert not asyncio.run(offer.answer("sn22_web_search", QUERY)).failed
    gc.collect()


def test_whoever_wants_is_told_of_each_reply(ledger: LedgerClient, caplog: pytest.LogCaptureFixture) -> None:
    """And one that raises keeps no answer from the model."""
    told: list[Reply] = []
    offer = Offer(ledger, on_reply=told.append)
    replies = [offer.answer_blocking("sn22_web_search", arguments) for arguments in (QUERY, {})]
    assert told == replies

    def fail(reply: Reply) -> None:
        raise RuntimeError("no disk")

    assert not Offer(ledger, on_reply=fail).answer_blocking("sn22_web_search", QUERY).failed
    assert "on_reply failed" in caplog.text


def test_closing_leaves_what_others_opened(ledger: LedgerClient, sandbox: Sandbox, tmp_path: Path) -> None:
    """And closes what was opened here."""
    offer = Offer(ledger)
    offer.answer_blocking("sn22_web_search", QUERY)
    offer.close()
    offer.close()
    with pytest.raises(ConfigurationError, match="closed"):
        offer.answer_blocking("sn22_web_search", QUERY)
    assert ledger.call("sn22_web_search", QUERY).data
    with pytest.raises(ConfigurationError, match="offer is closed"):
        asyncio.run(offer.answer("sn22_web_search", QUERY))
    own = Offer(sandbox.ledger_path)
    journal = own.session.executor.journal
    own.close()
    with pytest.raises(ConfigurationError):
        journal.statistics("x")


def test_an_offer_and_its_client_may_be_collected_together(sandbox: Sandbox, tmp_path: Path) -> None:
    """In a cycle too: the connections are closed all the same. asyncio would complain of those that are not."""

    def use() -> None:
        client = LedgerClient(sandbox.ledger_path, environment={"ORCHESTRA_HOME": str(tmp_path)})
        offer = Offer(client)
        cycle: list[Any] = [client, offer]
        cycle.append(cycle)
        assert not offer.answer_blocking("sn22_web_search", QUERY).failed

    use()
    gc.collect()


def test_copies_share_everything_and_nobody_keeps_it_alive(ledger: LedgerClient) -> None:
    """Hosts copy their tools; connections and budget are one."""
    offer = Offer(ledger)
    assert copy.deepcopy({"offer": offer})["offer"] is offer
    gone = weakref.ref(offer)
    offer.answer_blocking("sn22_web_search", QUERY)
    del offer
    gc.collect()
    assert gone() is None
