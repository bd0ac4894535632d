"""The console script `mcp-server-orchestra`, and `orchestra mcp`: the server over stdio or streamable HTTP."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import AsyncExitStack
from typing import Any

import click
from mcp.server import Server
from mcp.server.stdio import stdio_server

from mcp_server_orchestra.server import build_server
from mcp_server_orchestra.surface import SURFACES, Surface
from orchestra_tools.client import Settings, open_session
from orchestra_tools.errors import ConfigurationError, OrchestraError
from orchestra_tools.registry import open_source

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_PORT = 65_535


@click.command(short_help="Serve the ledger's tools over MCP (stdio or HTTP).")
@click.option("--ledger", metavar="PATH|URL", help="The ledger; default: ORCHESTRA_LEDGER, else the packaged one.")
@click.option(
    "--surface", type=click.Choice(SURFACES), default="auto", show_default=True, help="Which tools a host sees."
)
@click.option("--http", metavar="HOST:PORT", help="Serve streamable HTTP at /mcp instead of stdio.")
@click.option("--sandbox", is_flag=True, help="Call loopback stand-ins instead of the subnets; no keys, no cost.")
@click.option("--verbose", is_flag=True, help="Log more to stderr.")
@click.version_option(package_name="orchestra-tools", prog_name="mcp-server-orchestra")
def mcp(ledger: str | None, surface: Surface, http: str | None, sandbox: bool, verbose: bool) -> None:
    """Serve the tools of a ledger to an MCP host.

    `auto` shows the four tools find_tools, describe_tool, call_tool and ledger_status, and beside them the tools that
    can be called now; `search` only the four; `operations` all tools, in pages. Whatever is shown, every tool can be
    called.
    """
    # stdout belongs to the protocol.
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    # httpx logs whole URLs, and a key may stand in a query.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    address = _read_address(http) if http else None
    asyncio.run(_serve(ledger, surface, address, sandbox=sandbox))


async def _serve(ledger: str | None, surface: Surface, address: tuple[str, int] | None, *, sandbox: bool) -> None:
    async with AsyncExitStack() as stack:
        # What only some servers need is imported by those: a host waits for this process to start.
        if sandbox:
            from orchestra_tools.sandbox import SandboxServer, SandboxSource

            settings = Settings.from_environment()
            source = open_source(ledger or settings.ledger, api_key=settings.api_key)
            stand_in = SandboxServer(source.load())
            await stand_in.start()
            stack.push_async_callback(stand_in.stop)
            session = open_session(SandboxSource(source, stand_in))
            stack.push_async_callback(session.close)
            server = build_server(surface=surface, session=session)
        else:
            server = build_server(ledger, surface=surface)
        if address is None:
            await _serve_stdio(server)
        else:
            from mcp_server_orchestra.http import serve_http

            await serve_http(server, *address)


async def _serve_stdio(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _read_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > MAX_PORT:
        raise ConfigurationError(f"--http {text[:60]!r} is no address", remedy="Use HOST:PORT, as in 127.0.0.1:8765")
    if host not in LOOPBACK:
        raise ConfigurationError(
            f"--http would serve {host[:60]} without asking anybody who they are",
            remedy="Use 127.0.0.1; put a proxy that authenticates in front of it to serve others",
        )
    return host, int(port)


def main() -> None:
    """The console script."""
    try:
        mcp.main(prog_name="mcp-server-orchestra", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OrchestraError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


if __name__ == "__main__":
    main()
