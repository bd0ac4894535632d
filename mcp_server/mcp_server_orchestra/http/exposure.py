"""Where the HTTP server listens, and under which names it may be called. Pure.

A web page can make a browser send requests to an address its owner never meant it to reach (DNS rebinding). So the
Host of each request must be one of the server's own names, and the Origin, where a browser gives one, an allowed one.
This is never switched off, whatever address is listened on.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings

from orchestra_tools.calls.addresses import split_origin
from orchestra_tools.errors import AddressRefusedError, ConfigurationError

DEFAULT_PATH = "/mcp"
MAX_PORT = 65_535
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"([a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(:\d{1,5})?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(:\d{1,5})?")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")


@dataclass(frozen=True, slots=True)
class Exposure:
    """An address to listen on, and the names it may be called by.

    Attributes:
        host: Name or address; an IPv6 address without brackets.
        port: 0 = any free one.
        public_url: What clients call it, and the audience of their tokens; None = only known on this machine.
        hosts: Further values of Host.
        origins: Further values of Origin.
    """

    host: str
    port: int
    public_url: str | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, address: str, *, public_url: str | None = None, hosts: Sequence[str] = (), origins: Sequence[str] = ()
    ) -> Self:
        """Read what the command line says.

        Raises:
            ConfigurationError: A value is none.
        """
        host, port = _read_address(address)
        return cls(
            host,
            port,
            public_url=None if public_url is None else _read_public_url(public_url),
            hosts=tuple(map(_read_host, hosts)),
            origins=tuple(map(_read_origin, origins)),
        )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    @property
    def is_wildcard(self) -> bool:
        """Whether every address of this machine is listened on."""
        literal = _literal(self.host)
        return literal is not None and literal.is_unspecified

    @property
    def path(self) -> str:
        """Path of the MCP endpoint: the one of the public URL."""
        return DEFAULT_PATH if self.public_url is None else urlsplit(self.public_url).path or "/"

    def check(self) -> None:
        """Check that there is a name to call it by.

        Raises:
            ConfigurationError: There is none.
        """
        if self.is_wildcard and not (self.public_url or self.hosts):
            raise ConfigurationError(
                f"--http {self.host} listens on every address, and names none that clients may use",
                remedy="Say what clients call it: --public-url https://tools.example/mcp, or --allow-host HOST",
            )

    def security(self) -> TransportSecuritySettings:
        """The SDK's form of the rule."""
        return TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=list(dict.fromkeys(self._allowed_hosts())),
            allowed_origins=list(dict.fromkeys(self._allowed_origins())),
        )

    def _allowed_hosts(self) -> Iterator[str]:
        # No name service answers for these, so no foreign page can pretend to be one of them.
        yield from _any_port(_LOOPBACK)
        if not self.is_wildcard:
            yield from _any_port([_bracketed(self.host)])
        if self.public_url is not None:
            yield from _netlocs(self.public_url)
        for host in self.hosts:
            yield from [host] if _has_port(host) else _any_port([host])

    def _allowed_origins(self) -> Iterator[str]:
        if self.is_loopback:
            for host in _any_port(_LOOPBACK):
                yield f"http://{host}"
                yield f"https://{host}"
        if self.public_url is not None:
            scheme = urlsplit(self.public_url).scheme
            yield from (f"{scheme}://{netloc}" for netloc in _netlocs(self.public_url))
        yield from self.origins


def is_loopback(host: str) -> bool:
    """Whether a host, without brackets, is this machine to itself."""
    literal = _literal(host)
    return host == "localhost" if literal is None else literal.is_loopback


def _read_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]").lower()
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > MAX_PORT:
        raise ConfigurationError(f"--http {text[:60]!r} is no address", remedy="Use HOST:PORT, as in 127.0.0.1:8765")
    return host, int(port)


def _read_public_url(text: str) -> str:
    try:
        host, port, scheme = split_origin(text)
    except AddressRefusedError as error:
        raise ConfigurationError(f"--public-url: {error.problem}", remedy=_PUBLIC_URL) from None
    parts = urlsplit(text)
    if "?" in text or not _PATH.fullmatch(parts.path):
        raise ConfigurationError(f"--public-url {text[:120]!r} has a query or an odd path", remedy=_PUBLIC_URL)
    if scheme != "https" and not is_loopback(host):
        raise ConfigurationError(
            f"--public-url {text[:120]!r} is not https: tokens would travel in the clear",
            remedy="Use https, by --tls-cert and --tls-key or by a proxy in front",
        )
    netloc = _bracketed(host) + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")
    return f"{scheme}://{netloc}{parts.path}"


_PUBLIC_URL = "Give the URL clients use, as in https://tools.example/mcp"


def _read_host(text: str) -> str:
    host = text.strip().lower()
    if not _HOST.fullmatch(host):
        raise ConfigurationError(f"--allow-host {text[:60]!r} is no host", remedy="Use HOST or HOST:PORT")
    return host


def _read_origin(text: str) -> str:
    origin = text.strip().lower()
    if not _ORIGIN.fullmatch(origin):
        raise ConfigurationError(
            f"--allow-origin {text[:60]!r} is no origin", remedy="Use SCHEME://HOST[:PORT], as in https://app.example"
        )
    return origin


def _netlocs(url: str) -> list[str]:
    """How a client may write host and port of a URL: the default port may be left out."""
    parts = urlsplit(url)
    default = _DEFAULT_PORTS[parts.scheme]
    return [parts.netloc, f"{parts.netloc}:{default}"] if parts.port is None else [parts.netloc]


def _any_port(hosts: Sequence[str]) -> Iterator[str]:
    for host in hosts:
        yield host
        yield f"{host}:*"


def _has_port(host: str) -> bool:
    return not host.endswith("]") and ":" in host


def _bracketed(host: str) -> str:
    literal = _literal(host)
    return f"[{literal.compressed}]" if isinstance(literal, ipaddress.IPv6Address) else host


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
