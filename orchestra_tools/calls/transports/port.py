"""The port through which requests leave. It moves bytes; it knows nothing of tools, budgets or schemas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from orchestra_tools.calls.addresses import AddressPolicy
from orchestra_tools.calls.wire import Limits, WireRequest, WireResponse

ByteCounter = Callable[[int], Awaitable[None]]
"""Called with the number of body bytes read so far."""


class Transport(ABC):
    """Sends one request and reads the response to its end.

    Cancelling `send` closes the connection: cancellation reaches the wire.
    """

    @abstractmethod
    async def send(
        self,
        request: WireRequest,
        *,
        policy: AddressPolicy,
        limits: Limits,
        secret: bool,
        on_bytes: ByteCounter | None = None,
    ) -> WireResponse:
        """Send a request.

        Args:
            request: What to send.
            policy: Which addresses may be called.
            limits: Time and sizes.
            secret: The request carries a key: it goes over https only, and never to another host.
            on_bytes: Called as the body arrives.

        Raises:
            AddressRefusedError: Nothing was sent.
            ConnectionFailedError: No connection, or it broke.
            CallTimeoutError: No complete answer in time.
            AnswerTooLargeError: The body passes a limit.
            UnreadableAnswerError: The body's compression is broken or refused.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close all connections. The transport can be used again afterwards."""
