"""Many clients at once: each is served, each hears its news, and none is told of another's calls."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.types import TextResourceContents
from pydantic import AnyHttpUrl

from mcp_server_orchestra import build_server
from mcp_server_orchestra.callers import LastReceipts
from orchestra_tools.client import open_session
from orchestra_tools.testing import Sandbox

from .conftest import ERAS, http_server

pytestmark = pytest.mark.slow
TOOL = "sn22_web_search"
URI = "ledger://SN22"
CLIENTS = 8
KINDS = ("tools", "resources", "updated")
_EVENTS = {
    "ToolsListChanged": "tools",
    "ToolListChangedNotification": "tools",
    "ResourcesListChanged": "resources",
    "ResourceListChangedNotification": "resources",
    "ResourceUpdated": "updated",
    "ResourceUpdatedNotification": "updated",
}


class Listener:
    """What one client has heard so far."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self._more = asyncio.Event()

    async def take(self, message: Any) -> None:
        if (kind := _EVENTS.get(type(message).__name__)) is not None:
            self.heard[kind] += 1
            self._more.set()

    async def wait_for(self, *kinds: str) -> None:
        async with asyncio.timeout(60):
            while not all(self.heard[kind] for kind in kinds):
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def watching(url: str, era: str) -> AsyncIterator[tuple[Client, Listener]]:
    """A client that has asked for all news, in its own era's way."""
    listener = Listener()
    # From 2026-07-28 on the stream is the only place for news; the handler is told of its frames as well.
    handler = listener.take if era == "handshake" else None
    async with Client(url, mode=ERAS[era], message_handler=handler) as client, AsyncExitStack() as stack:
        if era == "handshake":
            await client.subscribe_resource(URI)
        else:
            news = await stack.enter_async_context(
                client.listen(tools_list_changed=True, resources_list_changed=True, resource_subscriptions=[URI])
            )

            async def pump() -> None:
                async for event in news:
                    await listener.take(event)

            task = asyncio.create_task(pump())
            stack.callback(task.cancel)
        yield client, listener


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text("utf-8"))
    edit(document["entries"]["SN22"])
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document), "utf-8")
    draft.replace(path)


@pytest.fixture
def ledger(sandbox: Sandbox, tmp_path: Path) -> Path:
    path = tmp_path / "ledger.json"
    path.write_bytes(sandbox.ledger_path.read_bytes())
    return path


async def text_of(client: Client, uri: str) -> str:
    (contents,) = (await client.read_resource(uri, cache_mode="bypass")).contents
    assert isinstance(contents, TextResourceContents)
    return contents.text


@pytest.mark.filterwarnings("ignore:resources/:mcp.MCPDeprecationWarning")
async def test_eight_clients_list_call_and_read_while_the_ledger_changes(ledger: Path) -> None:
    """Both eras at one server: every answer whole, the same for all, and each hears of the change (issue 4, part 3)."""
    command = [sys.executable, "-m", "mcp_server_orchestra.main", "--ledger", str(ledger), "--surface", "operations"]
    changed = asyncio.Event()

    async def work(client: Client, listener: Listener) -> tuple[list[str], str]:
        while True:
            assert not (await client.call_tool(TOOL, {"query": "tao"})).is_error
            assert json.loads(await text_of(client, URI))["subnet"] == "SN22"
            await everything(client)
            if changed.is_set():
                break
        await listener.wait_for(*KINDS)
        return [tool.title or "" for tool in await everything(client)], await text_of(
            client, URI + "/schemas/web_search"
        )

    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(http_server(command, dict(os.environ)))
        eras = [era for _ in range(CLIENTS // len(ERAS)) for era in ERAS]
        clients = [await stack.enter_async_context(watching(url, era)) for era in eras]
        working = [asyncio.create_task(work(*each)) for each in clients]
        await asyncio.sleep(0)
        change(ledger, lambda entry: entry["operations"]["web_search"].update(title="Another title"))
        await clients[0][1].wait_for("tools")
        changed.set()
        seen = await asyncio.gather(*working)
        status = await clients[0][0].call_tool("ledger_status", {})
    assert all(each == seen[0] for each in seen)
    assert "Desearch: Another title (sandbox)" in seen[0][0]
    assert json.loads(seen[0][1])["title"] == "Desearch: Another title (sandbox)"
    assert (status.structured_content or {})["session"]["calls"] >= CLIENTS


async def everything(client: Client) -> list[Any]:
    """All tools; from the beginning again where the list changes meanwhile."""
    while True:
        try:
            tools = await pages_of(client)
        except MCPError as error:
            if "the list has changed since" not in str(error):
                raise
            continue
        assert len({tool.name for tool in tools}) == len(tools) == 282
        return tools


async def pages_of(client: Client) -> list[Any]:
    tools: list[Any] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        tools += page.tools
        if (cursor := page.next_cursor) is None:
            return tools


@pytest.mark.filterwarnings("ignore:resources/:mcp.MCPDeprecationWarning")
@pytest.mark.parametrize("era", ERAS)
async def test_a_change_that_touches_no_tool_is_announced_for_what_it_is(ledger: Path, era: str) -> None:
    """A new name is another list and another entry; a new figure only another entry."""
    session = open_session(ledger)
    async with watching_in_memory(session, era) as (client, listener):
        change(ledger, lambda entry: entry.update(reliability=0.5))
        await listener.wait_for("updated")
        assert listener.heard == {"updated": 1}
        change(ledger, lambda entry: entry.update(description="Says something else."))
        await listener.wait_for("updated", "resources")
        assert "Says something else." in await text_of(client, URI)
        assert "tools" not in listener.heard
    await session.close()


@asynccontextmanager
async def watching_in_memory(session: Any, era: str) -> AsyncIterator[tuple[Client, Listener]]:
    async with watching(build_server(session=session), era) as pair:  # type: ignore[arg-type]  # a client takes both
        yield pair


async def test_one_client_that_leaves_takes_nothing_from_another(ledger: Path) -> None:
    """Several clients on one server object."""
    server = build_server(ledger)
    async with Client(server) as staying:
        async with Client(server, mode="legacy") as leaving:
            assert not (await leaving.call_tool(TOOL, {"query": "tao"})).is_error
        assert not (await staying.call_tool(TOOL, {"query": "tao"})).is_error
        assert json.loads(await text_of(staying, URI))["last_receipt"]["tool"] == TOOL


class Everybody:
    """Takes any token: its text is who has it."""

    async def verify_token(self, token: str) -> AccessToken | None:
        return AccessToken(token=token, client_id=token, scopes=[])


@asynccontextmanager
async def authenticated_server(ledger: Path) -> AsyncIterator[str]:
    """Our server behind the SDK's own check of bearer tokens."""
    auth = AuthSettings(
        issuer_url=AnyHttpUrl("https://issuer.example"),
        resource_server_url=AnyHttpUrl("http://127.0.0.1/mcp"),
        validate_token_resource=False,
    )
    app = build_server(ledger).streamable_http_app(auth=auth, token_verifier=Everybody())
    serving = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="on"))
    task = asyncio.create_task(serving.serve())
    while not serving.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{serving.servers[0].sockets[0].getsockname()[1]}/mcp"
    finally:
        serving.should_exit = True
        await task


@pytest.mark.parametrize("mode", ERAS.values())
async def test_callers_who_are_known_see_their_own_receipts_only(ledger: Path, mode: Any) -> None:
    """And what they are given is for no cache that others share."""
    async with authenticated_server(ledger) as url, AsyncExitStack() as stack:

        async def client_of(name: str) -> Client:
            http = await stack.enter_async_context(httpx2.AsyncClient(headers={"authorization": f"Bearer {name}"}))
            return await stack.enter_async_context(Client(streamable_http_client(url, http_client=http), mode=mode))

        alice, bob = await client_of("alice"), await client_of("bob")
        called = await alice.call_tool("sn22_x_post_by_id", {"id": "1234567890"})
        own = json.loads(await text_of(alice, URI))["last_receipt"]
        other = await text_of(bob, URI)
        listed = await bob.list_resources()
    assert own["id"] == (called.meta or {})["orchestra/receipt"]
    assert json.loads(other)["last_receipt"] is None
    assert "1234567890" not in other
    assert listed.cache_scope == "private"


def test_of_too_many_receipts_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs for a year does not grow."""
    from orchestra_tools.model import Receipt

    monkeypatch.setattr("mcp_server_orchestra.callers.MAX_REMEMBERED", 2)
    receipts = LastReceipts()
    for number in range(3):
        receipts.keep((f"caller {number}", None, None), Receipt.model_construct(slot="SN22@1", id=str(number)))
    assert receipts.of(("caller 0", None, None), "SN22@1") is None
    assert receipts.of(("caller 2", None, None), "SN22@2") is None
    assert [len(receipts._receipts)] == [2]
