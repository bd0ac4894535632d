"""Which addresses may be called: public ones, or one sandbox on loopback.

A ledger's addresses come from strangers, so a name may lead into the caller's own network. Every address is checked at
the moment of connecting, after name resolution, so that a name cannot answer differently the second time. IPv6 ranges
that embed an IPv4 address are refused whole, as is everything outside 2000::/3.
Sources: the IANA special-purpose address registries (RFC 6890); the address classes Stripe's smokescreen denies.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from orchestra_tools.errors import AddressRefusedError

_REFUSED_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's metadata, on a public address
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
# 2001::/23 holds Teredo, 2002::/16 is 6to4: both embed IPv4 addresses.
_REFUSED_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.?", re.IGNORECASE)
_REMEDY = "Correct the entry's base_url; for local servers use a sandbox ledger"
_NUMBER = re.compile(r"0x[0-9a-f]*|\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be called.

    Attributes:
        sandbox: (host, port) of the one loopback server that is then allowed; None = public addresses.
    """

    sandbox: tuple[str, int] | None = None

    @classmethod
    def for_sandbox(cls, url: str) -> AddressPolicy:
        """Allow just the server of a sandbox URL.

        Raises:
            AddressRefusedError: It is not on loopback.
        """
        return cls(_sandbox_of(url))

    def check_url(self, url: str, *, secret: bool) -> None:
        """Check what can be seen of a URL before any name is resolved.

        Raises:
            AddressRefusedError: It may not be called, or not with a secret.
        """
        host, port, scheme = split_origin(url)
        if self.sandbox is not None:
            if (host, port) != self.sandbox:
                raise _refuse(url, "it is not the sandbox of this ledger")
            return
        if scheme != "https" and secret:
            raise _refuse(url, "a key is only sent over https")
        if (literal := _literal(host)) is not None and not is_public(literal):
            raise _refuse(url, f"{host[:80]} is a private or special address")
        last = host.rstrip(".").rpartition(".")[2]
        if last == "localhost":
            # RFC 6761, 6.3: no name under it leads to another machine.
            raise _refuse(url, "its host is this machine")
        if literal is None and _NUMBER.fullmatch(last):
            # inet_aton reads 2130706433, 0x7f.1 and 127.1 as addresses; no public name ends in a number.
            raise _refuse(url, "its host is a number in disguise")

    def allows(self, address: str, port: int) -> bool:
        """Whether a connection to a resolved address may be made."""
        if self.sandbox is not None:
            return port == self.sandbox[1] and _is_loopback(address)
        parsed = _literal(address)
        return parsed is not None and is_public(parsed)


@lru_cache(maxsize=16)  # asked with each call, and a session has one
def _sandbox_of(url: str) -> tuple[str, int]:
    host, port, _ = split_origin(url)
    if not _is_loopback(host):
        raise AddressRefusedError(
            f"a sandbox is on loopback, {host[:80]} is not", remedy="Use 127.0.0.1", url=url[:120]
        )
    return host, port


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is a public unicast one."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


def split_origin(url: str) -> tuple[str, int, str]:
    """Host, port and scheme of an http(s) URL without tricks in it.

    Raises:
        AddressRefusedError: There is userinfo, a control character, a backslash, an odd host or another scheme.
    """
    if not (url.isascii() and url.isprintable()) or "\\" in url or " " in url:
        raise _refuse(url, "it has characters that do not belong in a URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port if parts.port is not None else _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _refuse(url, "it is no URL") from None
    if parts.scheme not in _PORTS:
        raise _refuse(url, "only http and https are called")
    if "@" in parts.netloc or "#" in url:
        raise _refuse(url, "it has userinfo or a fragment")
    bracketed = "[" in parts.netloc
    named = _HOST.fullmatch(host) if not bracketed else "%" not in host and _literal(host)
    if not named or not port:
        raise _refuse(url, "its host or port is none")
    return host, port, parts.scheme


def refuse_address(address: str, host: str = "") -> AddressRefusedError:
    """The refusal of an address that a connection was about to be made to."""
    named = f"{host} leads to {address}, which" if host else address
    return AddressRefusedError(
        f"{named} is a private or special address", remedy=_REMEDY, address=address, **({"host": host} if host else {})
    )


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    literal = _literal(host)
    return literal.is_loopback if literal is not None else host.rstrip(".") == "localhost"


def _refuse(url: str, problem: str) -> AddressRefusedError:
    shown = re.sub(r"//[^/@]*@", "//…@", url.partition("?")[0])[:120]
    return AddressRefusedError(f"{shown!r} is not called: {problem}", remedy=_REMEDY, url=shown)
