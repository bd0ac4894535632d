"""Telling clients that the lists of tools and resources, or a resource they watch, changed: in both protocol eras.

From 2026-07-28 on a client asks for it with `subscriptions/listen`, and the SDK's bus serves it. Before that lists are
announced on each connection, and resources on those that subscribed. The SDK offers no public way to a connection,
only to a session that lives as long as one request: hence the one private attribute here, pinned by a test.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import mcp.types as mcp_types
from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

MAX_WATCHED = 1_000  # resources of one client
_Context = ServerRequestContext[Any, Any]


class ChangeNotices:
    """Sends news to whoever is connected and wants it."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self._streams = ListenHandler(self.bus)
        self._watched: Counter[str] = Counter()
        self._connections: weakref.WeakKeyDictionary[Connection, set[str]] = weakref.WeakKeyDictionary()

    async def remember(self, ctx: _Context, call_next: CallNext) -> HandlerResult:
        """Server middleware: notes each connection of the handshake era."""
        if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            self._connections.setdefault(_connection_of(ctx), set())
        return await call_next(ctx)

    async def listen(
        self, ctx: _Context, params: mcp_types.SubscriptionsListenRequestParams
    ) -> mcp_types.SubscriptionsListenResult:
        """Serve a stream of news, and know meanwhile which resources it is about."""
        uris = frozenset(params.notifications.resource_subscriptions or ())
        _refuse_too_many(uris)
        self._watched.update(uris)
        try:
            return await self._streams(ctx, params)
        finally:
            self._watched.subtract(uris)
            self._watched += Counter()  # drops what nobody watches any more

    def subscribe(self, ctx: _Context, uri: str) -> None:
        """Note that a connection of the handshake era watches a resource."""
        uris = self._connections.setdefault(_connection_of(ctx), set())
        _refuse_too_many(uris | {uri})
        uris.add(uri)

    def unsubscribe(self, ctx: _Context, uri: str) -> None:
        """Note that it does no longer. One that was not watched is fine."""
        self._connections.setdefault(_connection_of(ctx), set()).discard(uri)

    @property
    def watched(self) -> frozenset[str]:
        """The URIs of all resources that somebody watches."""
        return frozenset(self._watched).union(*self._connections.values())

    async def send(self, events: Sequence[ServerEvent]) -> None:
        """Tell everybody who wants to know."""
        for event in events:
            await self.bus.publish(event)
        # Each is best effort and never raises; one slow client must not hold up the others.
        await asyncio.gather(*(_tell(each, uris, events) for each, uris in list(self._connections.items())))


async def _tell(connection: Connection, uris: Collection[str], events: Sequence[ServerEvent]) -> None:
    for event in events:
        match event:
            case ToolsListChanged():
                await connection.send_tool_list_changed()
            case ResourcesListChanged():
                await connection.send_resource_list_changed()
            case ResourceUpdated(uri=uri) if uri in uris:
                await connection.send_resource_updated(uri)
            case _:
                pass


def _connection_of(ctx: _Context) -> Connection:
    return ctx.session._connection  # pyright: ignore[reportPrivateUsage]  # see the module


def _refuse_too_many(uris: Collection[str]) -> None:
    if len(uris) > MAX_WATCHED:
        raise MCPError(mcp_types.INVALID_PARAMS, f"At most {MAX_WATCHED:,} resources can be watched by one client")
