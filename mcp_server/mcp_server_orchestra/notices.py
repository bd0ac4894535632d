"""Telling clients that the list of tools changed, in both protocol eras.

From 2026-07-28 on a client asks for it with `subscriptions/listen`, and the SDK's bus serves it. Before that the notice
is sent on each connection. The SDK offers no public way to a connection, only to a session that lives as long as one
request: hence the one private attribute here, pinned by a test.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from mcp.server import ServerRequestContext
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult
from mcp.server.subscriptions import InMemorySubscriptionBus, ToolsListChanged
from mcp_types.version import MODERN_PROTOCOL_VERSIONS


class ChangeNotices:
    """Sends `tools/list_changed` to whoever is connected."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()

    async def remember(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Server middleware: notes each connection of the handshake era."""
        if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            self._connections.add(ctx.session._connection)  # pyright: ignore[reportPrivateUsage]  # see the module
        return await call_next(ctx)

    async def send(self) -> None:
        """Tell everybody."""
        await self.bus.publish(ToolsListChanged())
        # Each is best effort and never raises; one slow client must not hold up the others.
        await asyncio.gather(*(connection.send_tool_list_changed() for connection in list(self._connections)))
