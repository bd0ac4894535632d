"""A real HTTP server that answers as a test tells it and remembers what it was asked, and tools that call it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web

from orchestra_tools.calls import CallResult, Executor, Limits
from orchestra_tools.calls.addresses import AddressPolicy
from orchestra_tools.calls.transports import HttpTransport, Transport
from orchestra_tools.calls.transports.port import ByteCounter
from orchestra_tools.calls.wire import WireRequest, WireResponse
from orchestra_tools.compile import Tool, compile_ledger
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import SandboxMark

SANDBOX_KEY = "sandbox-key"
Answer = web.StreamResponse | Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Recorded:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Server:
    """Answers as it is told: each answer once and in order, the last one for ever."""

    url: str = ""
    requests: list[Recorded] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, *answers: Answer) -> None:
        self.answers[:] = answers

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append(Recorded(request.method, request.raw_path, request.headers.copy(), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            return await answer(request)
        return fresh(answer)


@asynccontextmanager
async def recording_server() -> AsyncIterator[Server]:
    """A server on loopback that remembers what it was asked."""
    state = Server(answers=[json_answer()])
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", state.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        state.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield state
    finally:
        await runner.cleanup()


def fresh(answer: web.StreamResponse) -> web.Response:
    """A response can be sent once; this one is the same again."""
    assert isinstance(answer, web.Response)
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


def json_answer(text: str = '{"ok":true}', status: int = 200, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, body=text.encode(), headers={"Content-Type": "application/json", **named})


def gzipped(data: bytes, *, wbits: int = 31) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return compressor.compress(data) + compressor.flush()


def ledger_of(
    operation: Mapping[str, Any] | None = None, *, url: str, sandbox: bool = True, **endpoint: Any
) -> dict[str, Any]:
    """A ledger of one subnet with one operation, `sn22_ask`; harmless where nothing else is said."""
    body: dict[str, Any] = {
        "title": "Ask",
        "description": "Asks the recording server.",
        "capabilities": ["web_search"],
        "input_schema": {"type": "object", "properties": {}},
        "endpoint": {"kind": "http", "method": "GET", "base_url": url, "path": "/ask", **endpoint},
        "read_only": True,
        "idempotent": True,
        "spends_money": False,
        **(operation or {}),
    }
    document: dict[str, Any] = {
        "entries": {"SN22": {"name": "Recorder", "version": "1.0.0", "operations": {"ask": body}}}
    }
    if sandbox:
        document["sandbox"] = {"url": url, "key": SANDBOX_KEY}
    return document


def compile_tool(document: Mapping[str, Any]) -> tuple[Tool, SandboxMark | None]:
    catalogue = compile_ledger(ledger_from_document(document, source="test"))
    assert not catalogue.quarantined, catalogue.quarantined
    return catalogue.tools["sn22_ask"], catalogue.ledger.sandbox


def arguments_in(**places: str | Mapping[str, Any]) -> dict[str, Any]:
    """Parts of an operation whose arguments travel in the places named; any type of value goes."""
    located = {name: {"in": place} if isinstance(place, str) else dict(place) for name, place in places.items()}
    return {"input_schema": {"type": "object", "properties": {name: {} for name in places}}, "arguments": located}


class Bench:
    """One executor before one recording server."""

    def __init__(self, server: Server, executor: Executor) -> None:
        self.server = server
        self.executor = executor

    def tool(self, operation: Mapping[str, Any] | None = None, **endpoint: Any) -> tuple[Tool, SandboxMark | None]:
        return compile_tool(ledger_of(operation, url=self.server.url, **endpoint))

    async def call(
        self,
        arguments: Mapping[str, Any] | None = None,
        operation: Mapping[str, Any] | None = None,
        /,
        *,
        max_cost: Decimal | None = None,
        on_progress: Any = None,
        **endpoint: Any,
    ) -> CallResult:
        tool, mark = self.tool(operation, **endpoint)
        return await self.executor.call(tool, arguments or {}, sandbox=mark, max_cost=max_cost, on_progress=on_progress)

    async def send(
        self,
        arguments: Mapping[str, Any],
        *,
        places: Mapping[str, Any],
        operation: Mapping[str, Any] | None = None,
        **endpoint: Any,
    ) -> Recorded:
        """Call with arguments in places; gives the request that arrived."""
        parts = arguments_in(**places)
        located = parts.pop("arguments")
        await self.call(arguments, {**parts, **(operation or {})}, arguments=located, **endpoint)
        return self.server.requests[-1]


class Rerouted(Transport):
    """Carries what is meant for any public host to a loopback server, so that real keys travel in tests."""

    def __init__(self, url: str) -> None:
        self.inner = HttpTransport()
        self._url = url

    async def send(
        self,
        request: WireRequest,
        *,
        policy: AddressPolicy,
        limits: Limits,
        secret: bool,
        on_bytes: ByteCounter | None = None,
    ) -> WireResponse:
        policy.check_url(request.url, secret=secret)
        rerouted = WireRequest(request.method, f"{self._url}{request.target}", request.headers, request.body)
        return await self.inner.send(
            rerouted, policy=AddressPolicy.for_sandbox(self._url), limits=limits, secret=False, on_bytes=on_bytes
        )

    async def close(self) -> None:
        await self.inner.close()
