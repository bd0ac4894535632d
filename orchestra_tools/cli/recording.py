"""Keeps the raw body of the last answer, so that a receipt can be held against it later."""

from __future__ import annotations

from orchestra_tools.calls.addresses import AddressPolicy
from orchestra_tools.calls.transports.port import ByteCounter, Transport
from orchestra_tools.calls.wire import Limits, WireRequest, WireResponse


class RecordingTransport(Transport):
    """Sends through another transport and keeps what came back."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.response: WireResponse | None = None

    async def send(
        self,
        request: WireRequest,
        *,
        policy: AddressPolicy,
        limits: Limits,
        secret: bool,
        on_bytes: ByteCounter | None = None,
    ) -> WireResponse:
        self.response = None
        self.response = await self._inner.send(request, policy=policy, limits=limits, secret=secret, on_bytes=on_bytes)
        return self.response

    async def close(self) -> None:
        await self._inner.close()
