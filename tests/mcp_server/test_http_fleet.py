"""Several processes serve one address, and any request may reach any of them, from several clients in both eras."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from mcp.types import CallToolResult, TextResourceContents

from mcp_server_orchestra.http.auth import add_token
from orchestra_tools.testing import Sandbox

from .conftest import ERAS
from .http_parts import balancing, connecting, serving

pytestmark = pytest.mark.slow
TOOL = "sn22_web_search"
CLIENTS = [*ERAS, *ERAS, *ERAS]
CALLS = 4


async def work(url: str, era: str, token: str) -> tuple[int, str]:
    """What a client does in a session; gives how many tools it saw, and what it was told of a subnet."""
    async with connecting(url, era, token=token) as client:
        listed = (await client.list_tools()).tools
        found = await client.call_tool("find_tools", {"query": "search the web"})
        assert isinstance(found, CallToolResult)
        assert TOOL in json.dumps(found.structured_content)
        for number in range(CALLS):
            result = await client.call_tool(TOOL, {"query": f"tao {number}"})
            assert isinstance(result, CallToolResult)
            assert not result.is_error
            assert (result.meta or {})["orchestra/schema"] == "valid"
        resources = (await client.list_resources()).resources
        contents = (await client.read_resource(resources[0].uri)).contents[0]
        assert isinstance(contents, TextResourceContents)
        return len(listed), contents.text


def calls_in(home: Path) -> int:
    connection = sqlite3.connect(home / "journal.sqlite")
    try:
        return connection.execute("SELECT count(*) FROM call").fetchone()[0]
    finally:
        connection.close()


async def test_requests_may_go_to_another_process_each_time(tmp_path: Path, sandbox: Sandbox) -> None:
    """Three servers, one journal, six clients at once; nobody notices, and every call is on record."""
    token = add_token(tmp_path / "tokens", "fleet")
    options = ("--stateless", "--auth-tokens", str(tmp_path / "tokens"))
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(serving(*options, ORCHESTRA_LEDGER=str(sandbox.ledger_path)))
            for _ in range(3)
        ]
        balancer = await stack.enter_async_context(balancing([each.url for each in servers]))
        seen = await asyncio.gather(*(work(balancer.url, era, token) for era in CLIENTS))
    assert len(balancer.given) == 3
    assert max(balancer.given.values()) - min(balancer.given.values()) <= 1
    assert len(set(seen)) == 1
    assert calls_in(Path(os.environ["ORCHESTRA_HOME"])) == CALLS * len(CLIENTS)
    assert all("Traceback" not in each.log for each in servers)


async def test_workers_share_one_address_and_are_replaced_when_they_die(tmp_path: Path, sandbox: Sandbox) -> None:
    """`--workers`: a killed one costs nobody but those it was serving; one signal ends all."""
    token = add_token(tmp_path / "tokens", "fleet")
    options = ("--workers", "2", "--verbose", "--auth-tokens", str(tmp_path / "tokens"))
    async with serving(*options, ORCHESTRA_LEDGER=str(sandbox.ledger_path)) as served:
        first = await asyncio.gather(*(work(served.url, era, token) for era in CLIENTS[:4]))
        assert served.log.count("listening on ") == 1
        before = workers(served.log)
        os.kill(before[0], signal.SIGKILL)
        async with asyncio.timeout(120):
            while len(workers(served.log)) < 3 or served.log.count("Application startup complete") < 3:
                await asyncio.sleep(0.1)
        again = await asyncio.gather(*(work(served.url, era, token) for era in ERAS))
        assert await served.stop() == 0
    assert len({*first, *again}) == 1
    assert calls_in(Path(os.environ["ORCHESTRA_HOME"])) == CALLS * 6
    for worker in workers(served.log):
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
    assert token not in served.log
    assert "Traceback" not in served.log


def workers(log: str) -> list[int]:
    """Process ids of the workers, as uvicorn names them."""
    lines = [line for line in log.splitlines() if "Started server process" in line]
    return [int(line.partition("[")[2].partition("]")[0]) for line in lines]


async def test_a_sandbox_can_have_workers(tmp_path: Path) -> None:
    """Each has its own stand-ins."""
    token = add_token(tmp_path / "tokens", "fleet")
    async with serving("--sandbox", "--workers", "2", "--auth-tokens", str(tmp_path / "tokens")) as served:
        assert [(await work(served.url, era, token))[0] > 4 for era in ERAS] == [True, True]


async def test_without_sessions_there_is_no_stream_and_nothing_to_end(tmp_path: Path) -> None:
    """A client of the handshake era is told so: 405 (MCP 2025-11-25, transports)."""
    async with serving("--sandbox", "--stateless") as served, httpx.AsyncClient() as client:
        for method in ("GET", "DELETE"):
            answer = await client.request(method, served.url, headers={"accept": "text/event-stream"})
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_workers_that_cannot_start_end_the_server(tmp_path: Path) -> None:
    """Told once each, in words; nobody starts them over and over."""
    path = tmp_path / "ledger.json"
    path.write_text('{"SN22": {', "utf-8")
    with pytest.raises(AssertionError, match="not JSON"):
        async with serving("--workers", "2", "--ledger", str(path)):
            pass
