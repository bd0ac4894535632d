"""Streamable HTTP, by uvicorn: one process, or several that share a socket.

Apart from `main`, so that a stdio host does not wait for a web server to load.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import click
import uvicorn
from mcp.server import Server
from sse_starlette.sse import AppStatus
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

from mcp_server_orchestra.http.auth import Authentication, AuthOptions
from mcp_server_orchestra.http.exposure import Exposure
from mcp_server_orchestra.http.gate import Gate
from mcp_server_orchestra.http.heads import PunctualProtocol
from mcp_server_orchestra.service import Service
from orchestra_tools.errors import ConfigurationError, OrchestraError

GRACE_S = 30  # for calls in flight, once told to stop
MAX_CONNECTIONS = 500  # of one process; beyond them 503
MAX_REQUEST_BYTES = 4 * 1024 * 1024
WORKER_START_S = 60.0
STARTUP_FAILURE = 3  # uvicorn's exit code for a server that could not start
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How to serve over HTTP.

    Attributes:
        exposure: Where, and under which names.
        auth: Who may.
        certificate: (Certificate, key) for TLS; None = plain HTTP.
        workers: How many processes.
        stateless: No sessions, so that each request may reach another process.
    """

    exposure: Exposure
    auth: AuthOptions = field(default_factory=AuthOptions)
    certificate: tuple[Path, Path] | None = None
    workers: int = 1
    stateless: bool = False

    def check(self) -> None:
        """Check what can be seen before anybody is served.

        Raises:
            ConfigurationError: Options do not go together, or a file cannot be used.
        """
        exposure = self.exposure
        if not (exposure.is_loopback or self.auth):
            raise ConfigurationError(
                f"--http would serve {exposure.host[:60]} without asking anybody who they are",
                remedy="Use 127.0.0.1; or admit tokens of your own (--auth-tokens FILE) or of an OAuth issuer"
                " (--auth-issuer URL --public-url URL)",
            )
        self.auth.check()
        exposure.check()
        if self.certificate is not None:
            _check_certificate(*self.certificate)

    @property
    def in_the_clear(self) -> bool:
        """Whether tokens travel unencrypted, as far as can be seen from here."""
        https = self.exposure.public_url is not None and self.exposure.public_url.startswith("https")
        return bool(self.auth) and not (self.exposure.is_loopback or self.certificate or https)


class LedgerApp:
    """The ASGI application of one process. It opens what it serves when it starts, and closes it when it ends.

    It can be pickled, so that each of several processes has its own.
    """

    def __init__(self, service: Service, options: HttpOptions) -> None:
        self.service = service
        self.options = options
        self.failure: OrchestraError | None = None
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or live (ASGI lifespan)."""
        if scope["type"] != "lifespan":
            assert self._app is not None  # noqa: S101  # uvicorn serves nobody before the lifespan has started
            await self._app(scope, receive, send)
            return
        await receive()
        try:
            async with self.service.open() as server, self._serving(server):
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except OrchestraError as error:
            self.failure = error
            if self.options.workers > 1:
                # The process that could say it better is another one.
                click.echo(f"error: {error}", err=True)
            await send({"type": "lifespan.startup.failed", "message": ""})
            return
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _serving(self, server: Server[Any]) -> AsyncIterator[None]:
        options, security = self.options, self.options.exposure.security()
        authentication = Authentication.open(options.auth) if options.auth else None
        app = server.streamable_http_app(
            streamable_http_path=options.exposure.path,
            stateless_http=options.stateless,
            max_request_body_size=MAX_REQUEST_BYTES,
            transport_security=security,
            auth=authentication.settings if authentication else None,
            token_verifier=authentication,
        )
        # A redirect would be made from what the client says of host and scheme.
        app.router.redirect_slashes = False
        gate = Gate(
            app,
            security,
            options.exposure.path,
            is_ready=authentication.is_ready if authentication else None,
            stateless=options.stateless,
        )
        self._app = _for_browsers(gate, options.exposure.origins)
        # It would cut calls off; the gate ends the streams that are none.
        AppStatus.enable_automatic_graceful_drain = False
        async with app.router.lifespan_context(app):
            with _told_to_stop(gate.end_streams):
                yield


def serve_http(service: Service, options: HttpOptions, *, log: Callable[[], None]) -> None:
    """Serve until told to stop; port 0 = any free one, which is said on stderr.

    Args:
        service: What.
        options: How.
        log: Sets logging up; called in every process.

    Raises:
        OrchestraError: What is to be served cannot be, or the address cannot be listened on.
    """
    options.check()
    if options.auth:
        asyncio.run(Authentication.open(options.auth).load_keys())
    if options.in_the_clear:
        click.echo("warning: tokens travel in the clear; use --tls-cert and --tls-key, or a proxy with https", err=True)
    app = LedgerApp(service, options)
    sockets = _listen(options.exposure)
    config = _Config(app, options, log)
    try:
        if options.workers == 1:
            asyncio.run(_AnnouncingServer(config).serve(sockets))
        else:
            _AnnouncingSupervisor(config, sockets).run()
    except SystemExit:
        if app.failure is not None:
            raise app.failure from None
        raise
    finally:
        for listening in sockets:
            listening.close()


class _Config(uvicorn.Config):
    """Uvicorn's settings, from ours. What proxies and the environment say is not asked."""

    def __init__(self, app: LedgerApp, options: HttpOptions, log: Callable[[], None]) -> None:
        self._log = log
        certificate, key = options.certificate or (None, None)
        self.endpoint = options.exposure.path
        super().__init__(
            app,
            workers=options.workers,
            lifespan="on",
            http=PunctualProtocol,
            ws="none",
            log_config=None,
            access_log=False,  # it has whole URLs; the gate logs what was answered
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_S,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            timeout_worker_healthcheck=int(WORKER_START_S),
        )

    def configure_logging(self) -> None:
        super().configure_logging()
        self._log()

    def announce(self, sockets: list[socket.socket]) -> None:
        """Say where the server listens: with port 0 nobody else knows."""
        for listening in sockets:
            host, port = listening.getsockname()[:2]
            scheme = "https" if self.ssl_certfile else "http"
            click.echo(
                f"listening on {scheme}://{f'[{host}]' if ':' in host else host}:{port}{self.endpoint}", err=True
            )


class _AnnouncingServer(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert isinstance(self.config, _Config)  # noqa: S101  # only ever given one
        self.config.announce(sockets or [])


class _AnnouncingSupervisor(Multiprocess):
    """Starts processes, starts those anew that die, and ends all."""

    def init_processes(self) -> None:
        super().init_processes()
        waited_s = 0.0
        while waited_s < WORKER_START_S and not self.should_exit.is_set() and self.processes[0].process.is_alive():
            self.handle_signals()
            if self.processes[0].wait_until_ready(_POLL_S, self.should_exit):
                assert isinstance(self.config, _Config)  # noqa: S101  # only ever given one
                self.config.announce(self.sockets)
                return
            waited_s += _POLL_S

    def run(self) -> None:
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            sys.exit(1)


def _for_browsers(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    """Answers that pages of the allowed origins may read."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["mcp-session-id", "www-authenticate"],
    )


@contextmanager
def _told_to_stop(then: Callable[[], None]) -> Iterator[None]:
    """Call `then` when a signal to stop comes in. Uvicorn's own handlers, which have no hook, do theirs after it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(then)
        if callable(handler := previous[signal.Signals(number)]):
            handler(number, frame)

    for number in previous:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _listen(exposure: Exposure) -> list[socket.socket]:
    """Listen on every address of the host, on one port."""
    port, sockets = exposure.port, list[socket.socket]()
    try:
        found = socket.getaddrinfo(exposure.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, host in dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found):
            dual = exposure.host == "::" and socket.has_dualstack_ipv6()
            sockets.append(socket.create_server((host, port), family=family, dualstack_ipv6=dual))
            # Connections inherit it. asyncio sets it only on sockets it made: each event would wait 40 ms for an ACK.
            sockets[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            port = sockets[0].getsockname()[1]
    except OSError as error:
        if not sockets:
            raise ConfigurationError(
                f"--http cannot listen on {exposure.host[:60]} port {exposure.port}: {error.strerror}",
                remedy="Use an address of this machine and a free port; port 0 finds one",
            ) from error
    return sockets


def _check_certificate(certificate: Path, key: Path) -> None:
    def refuse_to_ask() -> str:
        raise ConfigurationError("--tls-key is encrypted", remedy="Give a key without a password, readable by you only")

    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password=refuse_to_ask)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"--tls-cert and --tls-key cannot be used: {error.strerror or error}",
            remedy="Give a certificate and its key, as PEM files",
        ) from error
