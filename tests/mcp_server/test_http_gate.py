"""What a request passes before the SDK sees it, where a real server would take too long to show it."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from uvicorn.server import ServerState

from mcp_server_orchestra.http.exposure import Exposure
from mcp_server_orchestra.http.gate import Gate
from mcp_server_orchestra.http.heads import PunctualProtocol

Message = MutableMapping[str, Any]
FIRST = {"type": "http.request", "body": b"{", "more_body": True}
LAST = {"type": "http.request", "body": b"}", "more_body": False}


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


async def _stream(request: Request) -> StreamingResponse:
    async def endless() -> Any:
        yield "first"
        await asyncio.Event().wait()

    return StreamingResponse(endless())


def gate(**options: Any) -> Gate:
    app = Starlette(routes=[Route("/mcp", _echo, methods=["POST"]), Route("/mcp", _stream, methods=["GET"])])
    return Gate(app, Exposure.read("127.0.0.1:1").security(), "/mcp", **options)


async def answered(gate: Gate, *messages: Message, method: str = "POST", sent: list[Message] | None = None) -> Any:
    """What a gate sends for a request whose body comes in these messages, and then nothing for ever."""
    sent = [] if sent is None else sent
    incoming = list(messages)

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/mcp",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "scheme": "http",
    }
    await gate(scope, receive, send)
    return sent


async def test_a_body_in_time_passes() -> None:
    """In as many pieces as it likes."""
    start, body = await answered(gate(), FIRST, LAST)
    assert (start["status"], body["body"]) == (200, b"{}")


async def test_a_body_that_stops_half_way_is_given_up() -> None:
    """408, whatever the application makes of it: once, and the connection is not kept."""
    sent = await answered(gate(body_timeout_s=0.05), FIRST)
    assert [message.get("status") for message in sent] == [408, None]
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_streams_end_when_the_server_is_told_to_stop() -> None:
    """Each with a proper end; none is opened any more, and calls are answered."""
    streams, sent = gate(), list[Message]()
    opened = asyncio.create_task(answered(streams, LAST, method="GET", sent=sent))
    async with asyncio.timeout(30):
        while len(sent) < 2:
            await asyncio.sleep(0.01)
        streams.end_streams()
        await opened
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert [each.get("status") for each in await answered(streams, LAST, method="GET")] == [503, None]
    assert [each.get("status") for each in await answered(streams, LAST)] == [200, None]


async def test_nobody_is_refused_for_an_issuer_that_is_away() -> None:
    """503 and when to come back: a client that hears 401 throws its token away."""

    async def no() -> bool:
        return False

    sent = await answered(gate(is_ready=no), LAST)
    assert sent[0]["status"] == 503
    headers = dict(sent[0]["headers"])
    assert headers[b"retry-after"] == b"30"
    assert b"www-authenticate" not in headers


class _Hasty(PunctualProtocol):
    head_timeout_s = 0.05


@pytest.mark.parametrize("beginning", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
async def test_a_connection_that_says_nothing_is_closed(beginning: bytes) -> None:
    """And one that begins and never ends its headers; after a whole request it is waited for again."""
    config = uvicorn.Config(gate(), lifespan="off", log_config=None, ws="none")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Hasty(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")
        writer.write(beginning)
        assert await reader.read() == b""
        writer.close()
        silent, other = await asyncio.open_connection(*server.sockets[0].getsockname())
        other.write(beginning)
        assert await silent.read() == b""
        other.close()
