"""What a process serves: the MCP server of a ledger, or of stand-ins for its subnets. Apart from any transport."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcp.server import Server

from mcp_server_orchestra.choices import Surface
from mcp_server_orchestra.server import build_server
from orchestra_tools.client import Settings, open_session


@dataclass(frozen=True, slots=True)
class Service:
    """What to serve.

    Attributes:
        ledger: Path or URL; None = what the settings say.
        surface: Which tools a host sees.
        sandbox: Call loopback stand-ins instead of the subnets.
    """

    ledger: str | None = None
    surface: Surface = "auto"
    sandbox: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Server[Any]]:
        """The server, and with it what it needs for as long as it runs.

        Raises:
            ConfigurationError: A setting or a file cannot be used.
            LedgerFormatError: The ledger cannot be read.
        """
        if not self.sandbox:
            yield _settled(build_server(self.ledger, surface=self.surface))
            return
        # Imported by those who need it: a host waits for this process to start.
        from orchestra_tools.sandbox import SandboxServer, SandboxSource

        async with AsyncExitStack() as stack:
            settings = Settings.from_environment()
            source = settings.open_ledger(self.ledger or None)
            stand_in = SandboxServer(source.load())
            await stand_in.start()
            stack.push_async_callback(stand_in.stop)
            session = open_session(SandboxSource(source, stand_in))
            stack.push_async_callback(session.close)
            yield _settled(build_server(surface=self.surface, session=session))


def _settled(server: Server[Any]) -> Server[Any]:
    """The server, once what was made for it is where the garbage collector looks no more: it stays until the end."""
    gc.freeze()
    gc.enable()
    return server
