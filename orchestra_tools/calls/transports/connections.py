"""Connections of aiohttp, each checked at the moment it is made. Imported with the first request: aiohttp is large."""

from __future__ import annotations

import socket
import ssl
from functools import cache
from typing import Any

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult

from orchestra_tools.calls.addresses import AddressPolicy, refuse_address

MAX_CONNECTIONS = 100


def open_session(policy: AddressPolicy, resolver: AbstractResolver | None) -> aiohttp.ClientSession:
    """A pool of connections to addresses that a policy allows.

    Args:
        policy: Which addresses may be connected to.
        resolver: Resolves names; None = the system's.
    """

    def guarded_socket(address_info: Any) -> socket.socket:
        family, kind, protocol, _, address = address_info
        # Sees every address that is about to be connected to, literal ones included.
        if not policy.allows(address[0], address[1]):
            raise refuse_address(address[0])
        return socket.socket(family, kind, protocol)

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=GuardedResolver(policy, resolver or aiohttp.ThreadedResolver()),
            socket_factory=guarded_socket,
            ssl=_trusted_authorities(),
            limit=MAX_CONNECTIONS,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        skip_auto_headers=("Content-Type",),
    )
    # aiohttp sends a GET again by itself when a kept connection breaks; a GET may cost money, and `retries` decides.
    session._retry_connection = False
    return session


class GuardedResolver(AbstractResolver):
    """Resolves names; refuses a name with even one address that may not be called."""

    def __init__(self, policy: AddressPolicy, resolver: AbstractResolver) -> None:
        self._policy = policy
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if bad := next((each["host"] for each in found if not self._policy.allows(each["host"], port)), None):
            raise refuse_address(bad, host)
        return found

    async def close(self) -> None:
        await self._resolver.close()


@cache
def _trusted_authorities() -> ssl.SSLContext:
    # Python installations without a store of their own are common; SSL_CERT_FILE adds a company's authority.
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
