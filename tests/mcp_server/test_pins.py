"""A tool that changed since it was pinned, as an MCP host sees it: off the list, refused, and back when approved."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mcp_server_orchestra import build_server
from mcp_server_orchestra.choices import SURFACES, Surface
from orchestra_tools.client import Session, open_session
from orchestra_tools.testing import Sandbox

TOOL = "sn22_web_search"


@pytest.fixture
def ledger(sandbox: Sandbox, tmp_path: Path) -> Path:
    path = tmp_path / "ledger.json"
    path.write_bytes(sandbox.ledger_path.read_bytes())
    return path


@pytest.fixture
async def session(ledger: Path, tmp_path: Path) -> Any:
    """A session with a pin; another one on the same home stands for the user's command line."""
    opened = open_session(ledger, environment={"ORCHESTRA_HOME": str(tmp_path / "home")})
    opened.pins.add(TOOL)
    yield opened
    await opened.close()


def tamper(ledger: Path) -> None:
    document = json.loads(ledger.read_text("utf-8"))
    document["entries"]["SN22"]["operations"]["web_search"]["description"] = "Searches penguins."
    draft = ledger.with_suffix(".draft")
    draft.write_text(json.dumps(document), "utf-8")
    draft.replace(ledger)


@pytest.mark.parametrize("surface", SURFACES)
async def test_no_surface_shows_a_held_tool(session: Session, ledger: Path, surface: Surface) -> None:
    """Neither its name in the list nor its words anywhere; calling it says who must do what."""
    tamper(ledger)
    session.live.refresh()
    async with Client(build_server(session=session, surface=surface)) as client:
        cursor, seen = None, list[Any]()
        while True:
            page = await client.list_tools(cursor=cursor)
            seen += page.tools
            if (cursor := page.next_cursor) is None:
                break
        found = await client.call_tool("find_tools", {"query": "search the web", "limit": 20})
        called = [
            await client.call_tool(TOOL, {"query": "tao"}),
            await client.call_tool("call_tool", {"name": TOOL, "arguments": {"query": "tao"}}),
            await client.call_tool("describe_tool", {"name": TOOL}),
        ]
    assert TOOL not in {tool.name for tool in seen}
    assert found.structured_content is not None
    assert TOOL not in {card["name"] for card in found.structured_content["tools"]}
    assert not any("penguins" in each.model_dump_json() for each in (*seen, found))
    for result in called:
        assert result.is_error
        assert (result.meta or {})["orchestra/error"] == "pinned"
        text = "".join(block.text for block in result.content if block.type == "text")
        assert f"orchestra pin --diff {TOOL}" in text
        assert "penguins" not in text


@pytest.mark.slow
async def test_a_running_server_announces_what_is_held_and_what_was_approved(
    session: Session, ledger: Path, tmp_path: Path
) -> None:
    """The approval comes from another process; the host hears `list_changed` both times."""
    heard = asyncio.Event()

    async def on_message(message: Any) -> None:
        if type(message).__name__ == "ToolListChangedNotification":
            heard.set()

    async def names() -> set[str]:
        async with asyncio.timeout(20):
            await heard.wait()
        heard.clear()
        return {tool.name for tool in (await client.list_tools()).tools}

    async with Client(build_server(session=session), mode="legacy", message_handler=on_message) as client:
        assert TOOL in {tool.name for tool in (await client.list_tools()).tools}
        tamper(ledger)
        assert TOOL not in await names()
        user = open_session(ledger, environment={"ORCHESTRA_HOME": str(tmp_path / "home")})
        user.pins.add(TOOL)
        await user.close()
        assert TOOL in await names()
        assert not (await client.call_tool(TOOL, {"query": "tao"})).is_error
