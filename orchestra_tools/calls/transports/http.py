"""HTTP over aiohttp. What was built is sent byte for byte: a signature may cover the URL.

No proxy and no cookie of the environment is used. Redirects are followed on the same host only. Compression is undone
here, step by step, so that a small answer cannot become a huge one before anybody counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin

from orchestra_tools.calls.addresses import AddressPolicy, split_origin
from orchestra_tools.calls.transports.decoding import ACCEPT_ENCODING, BodyReader
from orchestra_tools.calls.transports.port import ByteCounter, Transport
from orchestra_tools.calls.wire import Limits, WireRequest, WireResponse
from orchestra_tools.errors import AddressRefusedError, CallTimeoutError, ConnectionFailedError
from orchestra_tools.model import Outcome

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver

_REDIRECTS = (301, 302, 303, 307, 308)
_SAME_METHOD = (307, 308)


class HttpTransport(Transport):
    """Sends requests over pooled connections; one pool for each address policy."""

    def __init__(self, *, resolver: AbstractResolver | None = None) -> None:
        """Open no connection yet.

        Args:
            resolver: Resolves names; None = the system's.
        """
        self._resolver = resolver
        # Connections belong to the loop they were made in, and are closed with it.
        self._pools: dict[asyncio.AbstractEventLoop, dict[AddressPolicy, _Pool]] = {}

    async def send(
        self,
        request: WireRequest,
        *,
        policy: AddressPolicy,
        limits: Limits,
        secret: bool,
        on_bytes: ByteCounter | None = None,
    ) -> WireResponse:
        import aiohttp

        try:
            async with asyncio.timeout(limits.timeout_s):
                followed = 0
                while True:
                    policy.check_url(request.url, secret=secret)
                    response = await self._exchange(request, policy, limits, on_bytes)
                    onward = _redirected(request, response)
                    if onward is None or followed == limits.max_redirects:
                        return response
                    request, followed = onward, followed + 1
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
                raise _timed_out(split_origin(request.url)[0], limits) from None
            sent = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            host = split_origin(request.url)[0]
            # Not chained: aiohttp's messages quote the URL, and its query may hold the key.
            raise ConnectionFailedError(
                f"the connection to {host} {'broke' if sent else 'could not be made'} ({type(error).__name__})",
                remedy="Check the network; if other subnets answer, this one is down",
                outcome=Outcome.UNREACHABLE,
                sent=sent,
            ) from None

    async def close(self) -> None:
        for pool in self._pools.pop(asyncio.get_running_loop(), {}).values():
            await pool.close()

    async def _exchange(
        self, request: WireRequest, policy: AddressPolicy, limits: Limits, on_bytes: ByteCounter | None
    ) -> WireResponse:
        import aiohttp
        import yarl

        session = await self._session(policy)
        response = await session.request(
            request.method,
            yarl.URL(request.url, encoded=True),
            headers={**request.headers, "accept-encoding": ACCEPT_ENCODING},
            data=request.body or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_timeout_s),
        )
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            reader = BodyReader(headers.get("content-encoding", ""), limits, response.status)
            async for chunk in response.content.iter_any():
                reader.feed(chunk)
                if on_bytes is not None:
                    await on_bytes(reader.size)
            return WireResponse(response.status, headers, reader.finish(), reader.received)
        finally:
            # A response that was read to its end has given its connection back; any other takes it along.
            response.close()

    async def _session(self, policy: AddressPolicy) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if (pools := self._pools.get(loop)) is None:
            for ended in [each for each in self._pools if each.is_closed()]:
                del self._pools[ended]
            pools = self._pools.setdefault(loop, {})
        if (pool := pools.get(policy)) is None:
            pool = pools[policy] = await _Pool.open(policy, self._resolver)
        return pool.session


class _Pool:
    """A session that is closed at the latest when its event loop ends.

    Whoever calls a tool from an agent framework has no place to close anything. A loop that ends, as `asyncio.run` ends
    it, closes the asynchronous generators it has seen (`loop.shutdown_asyncgens`): the session lives in one.
    """

    def __init__(self, session: aiohttp.ClientSession, life: AsyncGenerator[aiohttp.ClientSession]) -> None:
        self.session = session
        self._life = life

    @classmethod
    async def open(cls, policy: AddressPolicy, resolver: AbstractResolver | None) -> Self:
        life = _keep_open(policy, resolver)
        return cls(await anext(life), life)

    async def close(self) -> None:
        await self._life.aclose()


async def _keep_open(policy: AddressPolicy, resolver: AbstractResolver | None) -> AsyncGenerator[aiohttp.ClientSession]:
    from orchestra_tools.calls.transports.connections import open_session

    session = open_session(policy, resolver)
    try:
        while True:
            yield session
    finally:
        await session.close()


def _timed_out(host: str, limits: Limits) -> CallTimeoutError:
    return CallTimeoutError(
        f"{host} gave no complete answer within {limits.timeout_s:g} seconds",
        remedy="Try again later, or use another tool",
        outcome=Outcome.TIMEOUT,
        timeout_s=limits.timeout_s,
    )


def _redirected(request: WireRequest, response: WireResponse) -> WireRequest | None:
    """Where a redirect on the same host leads; None where there is nothing to follow."""
    location = response.headers.get("location")
    if response.status not in _REDIRECTS or not location:
        return None
    if response.status not in _SAME_METHOD and request.method not in ("GET", "HEAD"):
        return None
    try:
        url = urljoin(request.url, location).partition("#")[0]
        if split_origin(url) != split_origin(request.url):
            return None
    except (AddressRefusedError, ValueError):
        return None
    return WireRequest(request.method, url, request.headers, request.body)
