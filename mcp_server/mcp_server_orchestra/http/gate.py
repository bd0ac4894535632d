"""What every HTTP request passes before anything else looks at it. An ASGI application around another.

Host and Origin are checked first, also where a token would be missing. A token in the URL is refused: it ends in the
logs of every proxy. Requests that come in too slowly are given up. Streams without end are known, so that a server that
is told to stop can end them and let calls finish.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import anyio
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH_PATH = "/healthz"
BODY_TIMEOUT_S = 30.0  # for the whole body of a request
RETRY_AFTER_S = 30
_LOG = logging.getLogger(__name__)


class _TooSlowError(Exception):
    """The body of a request did not come in time."""


@dataclass(slots=True)
class Gate:
    """Admits requests to an application.

    Attributes:
        app: What is behind the gate.
        security: Which Host and Origin are admitted.
        path: Of the MCP endpoint.
        is_ready: Whether tokens can be verified now.
        stateless: Whether there are no sessions, and so no stream for one.
    """

    app: ASGIApp
    security: TransportSecuritySettings
    path: str
    is_ready: Callable[[], Awaitable[bool]] | None = None
    stateless: bool = False
    body_timeout_s: float = BODY_TIMEOUT_S
    _streams: set[anyio.CancelScope] = field(default_factory=set)
    _ending: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request here, or let it through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        if (answer := await self._answer(request)) is not None:
            _LOG.info("%s %.80r %d", request.method, scope["path"], answer.status_code)
            await answer(scope, receive, send)
            return
        exchange = _Exchange(send)
        await self._let_through(request, receive, exchange)
        user = scope.get("user")
        name = getattr(user, "display_name", "") or "-"
        _LOG.info("%s %.80r %s %.64r", request.method, scope["path"], exchange.status, name)

    def end_streams(self) -> None:
        """End the streams that would never end by themselves."""
        self._ending = True
        for stream in list(self._streams):
            stream.cancel()

    async def _answer(self, request: Request) -> Response | None:
        # Not `request.url`: it is put together with the Host, which is whatever the client says.
        path, query = request.scope["path"], request.scope["query_string"]
        if path == HEALTH_PATH and request.method in ("GET", "HEAD"):
            return PlainTextResponse("ok\n")
        refusal = await TransportSecurityMiddleware(self.security).validate_request(request)
        if refusal is not None:
            return refusal
        if len(request.headers.getlist("authorization")) > 1:
            return _refuse(400, "invalid_request", "More than one Authorization header")
        if any(name == b"access_token" for name, _ in parse_qsl(query, keep_blank_values=True)):
            return _refuse(400, "invalid_request", "A token belongs in the Authorization header, not in the URL")
        if path != self.path:
            return None
        if self._ending and _is_endless(request):
            return _close(503, "Service Unavailable")
        if self.stateless and request.method in ("GET", "DELETE"):
            # There is no session to send notices to, or to end; MCP lets a server say so.
            return PlainTextResponse("Method Not Allowed", status_code=405, headers={"allow": "POST"})
        if self.is_ready is not None and not await self.is_ready():
            unready = _refuse(503, "temporarily_unavailable", "The issuer of tokens does not answer")
            unready.headers["retry-after"] = str(RETRY_AFTER_S)
            return unready
        return None

    async def _let_through(self, request: Request, receive: Receive, exchange: _Exchange) -> None:
        timed = _in_time(receive, self.body_timeout_s, exchange)
        with anyio.CancelScope() as stream:
            if _is_endless(request):
                self._streams.add(stream)
            try:
                await self.app(request.scope, timed, exchange.send)
            except _TooSlowError:
                pass
            finally:
                self._streams.discard(stream)
        if exchange.status is not None:
            if stream.cancelled_caught and not exchange.ended:
                await exchange.send({"type": "http.response.body", "body": b"", "more_body": False})
        elif exchange.too_slow or stream.cancelled_caught:
            answer = _close(408, "Request Timeout") if exchange.too_slow else _close(503, "Service Unavailable")
            await answer(request.scope, receive, exchange.send_anyway)


class _Exchange:
    """What has been answered to one request."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None
        self.ended = False
        self.too_slow = False

    async def send(self, message: Message) -> None:
        if self.too_slow and self.status is None:
            # Whatever the application makes of a broken request: the answer is ours.
            return
        await self.send_anyway(message)

    async def send_anyway(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.ended = not message.get("more_body", False)
        await self._send(message)


def _in_time(receive: Receive, timeout_s: float, exchange: _Exchange) -> Receive:
    deadline = asyncio.get_running_loop().time() + timeout_s
    complete = False

    async def timed() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            exchange.too_slow = True
            raise _TooSlowError from None
        complete = not message.get("more_body", False)
        return message

    return timed


def _is_endless(request: Request) -> bool:
    return request.method == "GET" or request.headers.get("mcp-method") == "subscriptions/listen"


def _close(status: int, text: str) -> Response:
    return PlainTextResponse(text, status, {"connection": "close"})


def _refuse(status: int, error: str, description: str) -> Response:
    """A refusal in the form the SDK gives them (RFC 6750, 3.1)."""
    headers = {"www-authenticate": f'Bearer error="{error}", error_description="{description}"'} if status < 500 else {}
    body = json.dumps({"error": error, "error_description": description})
    return Response(body, status_code=status, headers=headers, media_type="application/json")
