"""The server, as a host sees it: both eras, both transports, real processes."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import CallToolResult

from mcp_server_orchestra import build_server
from orchestra_tools.calls import Journal
from orchestra_tools.model import Outcome
from orchestra_tools.testing import Sandbox
from orchestra_tools.trust import verify_receipt

from .conftest import Connect, Link

pytestmark = pytest.mark.slow
TOOL = "sn22_web_search"


async def call(client: Client, tool: str, arguments: dict[str, Any], **options: Any) -> CallToolResult:
    result = await client.call_tool(tool, arguments, **options)
    assert isinstance(result, CallToolResult)
    return result


def text_of(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if block.type == "text")


async def test_a_host_finds_describes_and_calls_a_subnet(connect: Connect, link: Link) -> None:
    """The main job (issue 2, item 9)."""
    async with connect("--sandbox") as client:
        assert (client.protocol_version == "2026-07-28") == (link.era == "2026-07-28")
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.tools.list_changed is True
        assert "find_tools" in (client.instructions or "")

        listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed[:4]] == ["find_tools", "describe_tool", "call_tool", "ledger_status"]
        native = {tool.name: tool for tool in listed}
        assert TOOL in native
        meta = native[TOOL].meta or {}
        assert meta["orchestra/slot"] == "SN22@2009702"
        assert len(meta["orchestra/digest"]) == 64
        assert meta["orchestra/sandbox"] is True

        found = (await call(client, "find_tools", {"query": "search the web for news"})).structured_content
        assert TOOL in [card["name"] for card in found["tools"]]
        told = (await call(client, "describe_tool", {"name": TOOL})).structured_content
        assert told["input_schema"]["required"] == ["query"]

        direct = await call(client, TOOL, {"query": "gpu prices"})
        assert not direct.is_error
        assert direct.structured_content["data"]
        assert json.loads(text_of(direct)) == direct.structured_content
        meta = direct.meta or {}
        assert meta["orchestra/schema"] == "valid"
        assert meta["orchestra/cost"] == "0.0010 USD"
        through = await call(client, "call_tool", {"name": TOOL, "arguments": {"query": "gpu prices"}})
        assert through.structured_content == direct.structured_content
        status = (await call(client, "ledger_status", {})).structured_content
        assert status["session"]["calls"] == 2


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_server_says_who_it_is(sandbox: Sandbox, mode: Any) -> None:
    """With an icon that loads nothing, and is small: 2026-07-28 repeats it in each result."""
    async with Client(build_server(sandbox.ledger_path), mode=mode) as client:
        info = client.server_info
    assert info is not None
    assert (info.name, bool(info.title), bool(info.version)) == ("orchestra", True, True)
    (icon,) = info.icons or []
    kind, _, encoded = icon.src.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert len(icon.src) < 400
    picture = base64.b64decode(encoded, validate=True).decode()
    assert picture.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert not any(word in picture for word in ("script", "href", "url(", "style"))


async def test_bad_arguments_come_back_with_every_fault_and_the_fix(connect: Connect) -> None:
    """A model can repair its call from the text alone (issue 2, item 9)."""
    async with connect("--sandbox") as client:
        result = await call(client, "sn22_x_search", {"querry": "tao", "count": "many"})
        assert result.is_error
        told = text_of(result)
        for part in (
            "/count: is not of type null or integer",
            "did you mean 'query'?",
            "/query: is required and missing",
        ):
            assert part in told
        assert (result.meta or {})["orchestra/error"] == "invalid_arguments"
        unknown = await call(client, "call_tool", {"name": "sn22_nothing", "arguments": {}})
        assert unknown.is_error
        assert "find_tools" in text_of(unknown)
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("nothing_like_this", {})


async def test_progress_reaches_the_host_and_only_grows(connect: Connect) -> None:
    """MCP: progress MUST increase with each notification."""
    seen: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with connect("--sandbox") as client:
        result = await call(client, TOOL, {"query": "tao"}, progress_callback=on_progress)
        assert not result.is_error
    values = [progress for progress, _, _ in seen]
    assert len(values) >= 2
    assert values == sorted(set(values))
    assert seen[-1][0] == seen[-1][1]


async def test_cancelling_reaches_the_wire_and_is_recorded(connect: Connect, sandbox: Sandbox, tmp_path: Path) -> None:
    """A host that gives up does not leave a call running (issue 2, item 7)."""
    home = tmp_path / "orchestra-home"
    with sandbox.faults(TOOL, "timeout"):
        async with connect("--ledger", str(sandbox.ledger_path)) as client:
            before = sandbox.calls.get(TOOL, 0)
            waiting = asyncio.create_task(client.call_tool(TOOL, {"query": "tao"}))
            while sandbox.calls.get(TOOL, 0) == before:
                await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            async with asyncio.timeout(10):
                while not (seen := _observations(home)):
                    await asyncio.sleep(0.05)
    assert seen == [Outcome.CANCELLED]


def _observations(home: Path) -> list[Outcome]:
    journal = Journal(home / "journal.sqlite")
    try:
        return [each.outcome for each in journal.observations(TOOL, sandbox=True)]
    finally:
        journal.close()


async def test_a_change_of_the_ledger_on_disk_is_announced(connect: Connect, link: Link, ledger_file: Path) -> None:
    """Another process edits the ledger; the host hears of it in its own era's way (issue 2, item 9)."""
    heard = asyncio.Event()

    async def on_message(message: Any) -> None:
        if type(message).__name__ == "ToolListChangedNotification":
            heard.set()

    async with connect("--sandbox", "--ledger", str(ledger_file), message_handler=on_message) as client:
        before = {tool.name: tool.title for tool in (await client.list_tools()).tools}
        async with asyncio.timeout(20):
            if link.era == "2026-07-28":
                async with client.listen(tools_list_changed=True) as news:
                    rename(ledger_file)
                    async for event in news:
                        assert type(event).__name__ == "ToolsListChanged"
                        break
            else:
                rename(ledger_file)
                await heard.wait()
        after = {tool.name: tool.title for tool in (await client.list_tools(cache_mode="refresh")).tools}
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {TOOL}


def rename(ledger_file: Path) -> None:
    document = json.loads(ledger_file.read_text("utf-8"))
    document["entries"]["SN22"]["operations"]["web_search"]["title"] = "Another title"
    draft = ledger_file.with_suffix(".draft")
    draft.write_text(json.dumps(document), "utf-8")
    draft.replace(ledger_file)


async def test_drift_is_flagged_and_the_data_kept(connect: Connect, sandbox: Sandbox) -> None:
    """A client that checks structured content must not lose the answer (notes on MCP, trap 4)."""
    async with connect("--ledger", str(sandbox.ledger_path)) as client:
        with sandbox.faults(TOOL, "drift"):
            result = await call(client, TOOL, {"query": "tao"})
        assert result.is_error
        assert result.structured_content is None
        assert (result.meta or {})["orchestra/drift"]
        assert "SN22 answered, but not as the ledger says" in text_of(result)
        assert "{" in text_of(result)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("server_error", "upstream_error"),
        ("rate_limit:9", "rate_limited"),
        ("garbage", "unreadable_answer"),
        ("html", "unreadable_answer"),
        ("status:404", "rejected"),
        ("status:401", "unauthorized"),
        ("reset", "connection_failed"),
    ],
)
async def test_each_failure_is_told_with_its_kind_and_a_receipt(sandbox: Sandbox, fault: str, error: str) -> None:
    """One typed error for each class of failure, the same in every host."""
    async with Client(build_server(sandbox.ledger_path)) as client:
        with sandbox.faults(TOOL, fault):
            result = await call(client, TOOL, {"query": "tao"})
    assert result.is_error
    assert text_of(result).startswith(f"{error}: ")
    meta = result.meta or {}
    assert meta["orchestra/error"] == error
    assert len(meta["orchestra/receipt"]) == 32


async def test_the_receipt_of_a_call_verifies(connect: Connect, sandbox: Sandbox, tmp_path: Path) -> None:
    """The id in `_meta` leads to a signed receipt in the user's journal."""
    async with connect("--ledger", str(sandbox.ledger_path)) as client:
        result = await call(client, TOOL, {"query": "tao"})
    journal = Journal(tmp_path / "orchestra-home" / "journal.sqlite")
    document = journal.receipt((result.meta or {})["orchestra/receipt"])
    journal.close()
    assert document is not None
    assert verify_receipt(document).receipt.tool == TOOL
