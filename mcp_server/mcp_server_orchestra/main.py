"""The console script `mcp-server-orchestra`, and `orchestra mcp`: the server over stdio or streamable HTTP."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcp_server_orchestra.choices import SURFACES, Surface
from mcp_server_orchestra.logs import configure_logging
from orchestra_tools.errors import ConfigurationError, OrchestraError

if TYPE_CHECKING:
    from mcp_server_orchestra.http.serving import HttpOptions
    from mcp_server_orchestra.service import Service

MAX_WORKERS = 64
_FILE = click.Path(path_type=Path)
_HTTP_OPTIONS = (
    click.option("--public-url", metavar="URL", help="What clients call the HTTP server; the audience of tokens."),
    click.option(
        "--auth-tokens", metavar="FILE", type=_FILE, help="Tokens of your own; default: ORCHESTRA_HTTP_TOKENS."
    ),
    click.option("--new-token", metavar="NAME", help="Make a token, add it to the file of tokens, print it and end."),
    click.option("--auth-issuer", metavar="URL", help="Admit the access tokens of this OAuth issuer."),
    click.option("--auth-jwks", metavar="FILE|URL", help="The issuer's keys; default: where its metadata says."),
    click.option(
        "--auth-scope",
        metavar="SCOPE",
        multiple=True,
        default=("orchestra",),
        show_default=True,
        help="A scope the issuer's tokens must have; may be repeated.",
    ),
    click.option("--allow-host", metavar="HOST[:PORT]", multiple=True, help="A further Host; may be repeated."),
    click.option("--allow-origin", metavar="ORIGIN", multiple=True, help="A web page's origin; may be repeated."),
    click.option("--tls-cert", metavar="FILE", type=_FILE, help="Serve https with this certificate (PEM)."),
    click.option("--tls-key", metavar="FILE", type=_FILE, help="The certificate's key (PEM)."),
    click.option(
        "--workers",
        type=click.IntRange(1, MAX_WORKERS),
        default=1,
        show_default=True,
        help="Processes that serve; with more than one, --stateless.",
    ),
    click.option("--stateless", is_flag=True, help="No sessions: each request may reach another server."),
)


def _http_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_HTTP_OPTIONS):
        command = option(command)
    return command


@click.command(short_help="Serve the ledger's tools over MCP (stdio or HTTP).")
@click.option("--ledger", metavar="PATH|URL", help="The ledger; default: ORCHESTRA_LEDGER, else the packaged one.")
@click.option(
    "--surface", type=click.Choice(SURFACES), default="auto", show_default=True, help="Which tools a host sees."
)
@click.option("--http", metavar="HOST:PORT", help="Serve streamable HTTP at /mcp instead of stdio.")
@_http_options
@click.option("--sandbox", is_flag=True, help="Call loopback stand-ins instead of the subnets; no keys, no cost.")
@click.option("--verbose", is_flag=True, help="Log more to stderr.")
@click.version_option(package_name="orchestra-tools", prog_name="mcp-server-orchestra")
@click.pass_context
def mcp(
    context: click.Context,
    /,
    ledger: str | None,
    surface: Surface,
    http: str | None,
    sandbox: bool,
    verbose: bool,
    new_token: str | None,
    **given: Any,
) -> None:
    """Serve the tools of a ledger to an MCP host.

    `auto` shows the four tools find_tools, describe_tool, call_tool and ledger_status, and beside them the tools that
    can be called now; `search` only the four; `operations` all tools, in pages. Whatever is shown, every tool can be
    called.

    Over HTTP, 127.0.0.1 needs no token; any other address does: tokens of your own (--auth-tokens), or those of an
    OAuth issuer (--auth-issuer, --public-url). See docs/mcp-http.md.
    """
    log = partial(configure_logging, verbose=verbose)
    log()
    with _collector_at_rest():
        # Imported here: a host waits for this process to start.
        from mcp_server_orchestra.service import Service
        from orchestra_tools.client import Settings

        given["auth_tokens"] = given["auth_tokens"] or Settings.from_environment().http_tokens
        if new_token is not None:
            click.echo(_add_token(given["auth_tokens"], new_token))
            return
        service = Service(ledger, surface, sandbox)
        if http is None:
            for name in given:
                if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                    raise ConfigurationError(f"--{name.replace('_', '-')} is for --http", remedy="Add --http HOST:PORT")
            asyncio.run(_serve_stdio(service))
            return
    from mcp_server_orchestra.http.serving import serve_http

    serve_http(service, _read_http_options(http, **given), log=log)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Make what stays for good without a look at it again and again: that takes a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _serve_stdio(service: Service) -> None:
    from mcp.server.stdio import stdio_server

    async with service.open() as server, stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _read_http_options(
    address: str,
    *,
    public_url: str | None,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    auth_tokens: Path | None,
    auth_issuer: str | None,
    auth_jwks: str | None,
    auth_scope: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    workers: int,
    stateless: bool,
) -> HttpOptions:
    from mcp_server_orchestra.http.auth import AuthOptions
    from mcp_server_orchestra.http.exposure import Exposure
    from mcp_server_orchestra.http.serving import HttpOptions

    if (tls_cert is None) != (tls_key is None):
        raise ConfigurationError("--tls-cert and --tls-key belong together", remedy="Give both, or neither")
    exposure = Exposure.read(address, public_url=public_url, hosts=allow_host, origins=allow_origin)
    return HttpOptions(
        exposure,
        AuthOptions(auth_tokens, auth_issuer, auth_jwks, auth_scope, exposure.public_url),
        certificate=(tls_cert, tls_key) if tls_cert and tls_key else None,
        workers=workers,
        stateless=stateless or workers > 1,
    )


def _add_token(path: Path | None, name: str) -> str:
    if path is None:
        raise ConfigurationError(
            "--new-token has no file to add to", remedy="Name it: --auth-tokens FILE, or ORCHESTRA_HTTP_TOKENS"
        )
    from mcp_server_orchestra.http.auth import add_token

    return add_token(path, name)


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
