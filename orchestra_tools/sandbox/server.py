"""The sandbox server: a stand-in on loopback for every operation of a ledger.

    server = SandboxServer(ledger)
    await server.start()
    server.url          # http://127.0.0.1:49152
    server.ledger       # the same ledger, with every address on that server
    await server.stop()

Other processes steer it under `/_sandbox`. A request whose Host is not a loopback name is refused, so that no web page
can reach it through a name of its own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from orchestra_tools.errors import OrchestraError
from orchestra_tools.importers import ledger_document
from orchestra_tools.model import Entry, HttpEndpoint, Ledger
from orchestra_tools.sandbox.addresses import sandbox_ledger
from orchestra_tools.sandbox.answers import Answer
from orchestra_tools.sandbox.faults import Fault, Faults
from orchestra_tools.sandbox.mischief import carry_out, drip
from orchestra_tools.sandbox.replies import reply
from orchestra_tools.sandbox.requests import RequestParts, UnreadableRequestError
from orchestra_tools.sandbox.routes import Match, Routes
from orchestra_tools.sandbox.standin import Received, StandIn

HOST = "127.0.0.1"
MAX_REQUEST_BYTES = 64 * 1024 * 1024
EVENT_PAUSE_S = 0.005
CONTROL = "/_sandbox"
_CHANGES = ("drift", "new_field")

Pause = Callable[[], Awaitable[None]]


async def _short_pause() -> None:
    await asyncio.sleep(EVENT_PAUSE_S)


class SandboxServer:
    """A server with stand-ins for the operations of a ledger."""

    def __init__(self, ledger: Ledger, *, port: int = 0, key: str = "sandbox", pause: Pause = _short_pause) -> None:
        """Prepare a server; nothing listens yet.

        Args:
            ledger: Whose operations are stood in for.
            port: Where to listen; 0 = any free port.
            key: The key the stand-ins accept.
            pause: What to wait for between the events of a stream.
        """
        self.key = key
        self.faults = Faults(_names(ledger))
        self._source = ledger
        self._port = port
        self._pause = pause
        self._calls: Counter[str] = Counter()
        self._routes: Routes[StandIn] = Routes()
        self._runner: web.ServerRunner | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.url = ""
        self.ledger = ledger
        self.operations = 0

    @property
    def calls(self) -> dict[str, int]:
        """Requests so far, by tool."""
        return dict(self._calls)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        server = web.Server(
            self._handle, request_factory=self._make_request, handler_cancellation=True, access_log=None
        )
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.url = f"http://{HOST}:{runner.addresses[0][1]}"
        self.stand_in_for(self._source)

    async def stop(self) -> None:
        """Stop listening, and end what is under way."""
        if self._runner is None:
            return
        connections = [each.transport for each in self._runner.server.connections] if self._runner.server else []
        for task in self._tasks:
            task.cancel()
        await self._runner.cleanup()
        self._runner = None
        for transport in connections:
            # What is still to be sent to a slow reader would outlive the loop.
            if transport is not None:
                transport.abort()
        # Aborted transports let go of their sockets one turn later.
        await asyncio.sleep(0)

    def stand_in_for(self, ledger: Ledger) -> Ledger:
        """Serve a ledger from now on, in place of the one before.

        Returns:
            The same ledger with every address on this server.
        """
        self._source = ledger
        moved = sandbox_ledger(ledger, self.url, self.key)
        routes: Routes[StandIn] = Routes()
        current = set(map(id, moved.current.values()))
        operations = 0
        # Where two tenants of a netuid share an address, the current one is asked first.
        for entry in sorted(moved, key=lambda entry: id(entry) not in current):
            for stand_in in _stand_ins(entry, self.key):
                path = urlsplit(stand_in.endpoint.base_url or "").path.rstrip("/") + stand_in.endpoint.path
                routes.add(stand_in.endpoint.method, path, stand_in)
                operations += 1
        self.faults.allow(_names(moved))
        self.ledger, self._routes, self.operations = moved, routes, operations
        return moved

    def _make_request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_REQUEST_BYTES)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not _is_loopback(request.headers.get("Host", "")):
            return reply({"detail": "this is a sandbox on loopback; the Host is not"}, 421)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - handlers run in tasks
        self._tasks.add(task)
        try:
            path, _, query = _target(request).partition("?")
            if path == CONTROL or path.startswith(f"{CONTROL}/"):
                return await self._control(request, path.removeprefix(CONTROL), query)
            found = self._routes.find(request.method, path)
            if not isinstance(found, Match):
                status = 405 if found else 404
                return reply({"detail": "no operation of this ledger is here", "methods": sorted(found)}, status)
            return await self._serve(request, found, path, query)
        except OrchestraError as error:
            return reply({"detail": f"the sandbox cannot stand in for this operation: {error.problem}"}, 500)
        except OSError as error:
            # The client went away: there is nobody to answer.
            return reply({"detail": str(error)}, 500)
        finally:
            self._tasks.discard(task)

    async def _serve(
        self, request: web.BaseRequest, match: Match[StandIn], path: str, query: str
    ) -> web.StreamResponse:
        body = await request.read()
        pairs = parse_qsl(query, keep_blank_values=True)
        parts = RequestParts(match.values, pairs, request.headers, body, path, query)
        stand_in = match.targets[0]
        if len(match.targets) > 1:
            stand_in = next((each for each in match.targets if each.accepts(parts)), stand_in)
        self._calls[stand_in.tool] += 1
        fault = self.faults.take(stand_in.tool, stand_in.operation_id)
        if fault is not None and (response := await carry_out(request, fault, stand_in.headers)) is not None:
            return response
        received = Received(request.method, _target(request), parts)
        if refusal := stand_in.authorise(received):
            return reply({"detail": refusal.problem}, refusal.status, stand_in.headers)
        try:
            arguments, faults = stand_in.read(parts)
        except UnreadableRequestError as error:
            return reply({"detail": str(error)}, error.status, stand_in.headers)
        if faults:
            return reply({"detail": faults}, 422, stand_in.headers)
        change = fault.kind if fault is not None and fault.kind in _CHANGES else ""
        return await self._send(request, stand_in.answer(arguments, change=change), stand_in, fault)

    async def _send(
        self, request: web.BaseRequest, answer: Answer, stand_in: StandIn, fault: Fault | None
    ) -> web.StreamResponse:
        headers = stand_in.headers | {"Content-Type": answer.media_type}
        if fault is not None and fault.kind == "drip":
            body = answer.body or "".join(map(_event, answer.events or ())).encode()
            return await drip(request, body, answer.media_type, fault.number, stand_in.headers)
        if answer.events is None:
            return web.Response(body=answer.body, headers=headers)
        response = web.StreamResponse(headers=headers | {"Cache-Control": "no-cache"})
        await response.prepare(request)
        for event in answer.events:
            await response.write(_event(event).encode())
            await self._pause()
        await response.write_eof()
        return response

    async def _control(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        match request.method, path.rstrip("/"):
            case "GET", "":
                about = {"sandbox": "Orchestra Tools", "url": self.url, "operations": self.operations}
                return reply(about | {"ledger": f"{self.url}{CONTROL}/ledger.json"})
            case "GET", "/ledger.json":
                return reply(ledger_document(self.ledger))
            case "GET", "/calls":
                return reply(self.calls)
            case "GET", "/faults":
                return reply(self.faults.to_json())
            case "DELETE", "/faults":
                self.faults.clear(dict(parse_qsl(query)).get("tool"))
                return reply({"ok": True})
            case "POST", "/faults":
                return await self._set_fault(request)
        return reply({"detail": "no such thing in the sandbox"}, 404)

    async def _set_fault(self, request: web.BaseRequest) -> web.Response:
        # A form of a web page cannot have this content type.
        if request.content_type != "application/json":
            return reply({"detail": "send application/json"}, 415)
        try:
            order = json.loads(await request.read())
            tool, fault, times = order["tool"], order["fault"], order.get("times")
            if not (isinstance(tool, str) and isinstance(fault, str) and (times is None or type(times) is int)):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError):
            return reply({"detail": 'send {"tool": text, "fault": text, "times": integer or null}'}, 422)
        try:
            self.faults.set(tool, fault, times=times)
        except OrchestraError as error:
            return reply(error.to_dict() | {"detail": error.problem}, 422)
        return reply({"ok": True})


def _names(ledger: Ledger) -> list[str]:
    pairs = [(entry.netuid, name) for entry in ledger for name in entry.operations]
    return [f"sn{netuid}_{name}" for netuid, name in pairs] + [name for _, name in pairs]


def _stand_ins(entry: Entry, key: str) -> list[StandIn]:
    return [
        StandIn(f"sn{entry.netuid}_{name}", name, operation, operation.endpoint, key)
        for name, operation in entry.operations.items()
        if isinstance(operation.endpoint, HttpEndpoint)
    ]


def _event(data: str) -> str:
    return "".join(f"data: {line}\n" for line in data.split("\n")) + "\n"


def _target(request: web.BaseRequest) -> str:
    """The request target as sent, without the scheme and host of its absolute form."""
    target = request.raw_path
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    return target.partition("#")[0]


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
