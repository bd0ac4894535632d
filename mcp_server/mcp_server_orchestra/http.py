"""Streamable HTTP, by uvicorn. Apart from `main`, so that a stdio host does not wait for a web server to load."""

from __future__ import annotations

import socket
from typing import Any

import click
import uvicorn
from mcp.server import Server


async def serve_http(server: Server[Any], host: str, port: int) -> None:
    """Serve at `/mcp` until told to stop; port 0 = any free one, which is said on stderr."""
    app = server.streamable_http_app(host=host)
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", lifespan="on", timeout_graceful_shutdown=3)
    await _AnnouncingServer(config).serve()


class _AnnouncingServer(uvicorn.Server):
    """Says where it listens once it does: with port 0 nobody else knows."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in self.servers:
            for bound in listening.sockets:
                host, port = bound.getsockname()[:2]
                click.echo(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}/mcp", err=True)
