"""What goes over the wire, free of any HTTP library. Transports take one and give the other."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80}")  # RFC 6838, 4.2, a little shorter
ProgressReporter = Callable[[float, float | None, str], Awaitable[None]]
"""Called with (done, total or None, message)."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """An HTTP request, ready to be sent.

    Attributes:
        url: Absolute, encoded, exactly as it is sent. Its query may hold a key.
        headers: Names in lower case.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def target(self) -> str:
        """Path and query, as in the request line."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @property
    def bare_url(self) -> str:
        """The URL without query and fragment: safe to log."""
        return self.url.partition("?")[0].partition("#")[0]


@dataclass(frozen=True, slots=True)
class WireResponse:
    """An HTTP response, read to its end.

    Attributes:
        headers: Names in lower case.
        body: After decompression.
        bytes_received: Size of the body on the wire.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    bytes_received: int

    @property
    def media_type(self) -> str:
        """Lower case, without parameters; "" where the response names none that is one."""
        named = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return named if _MEDIA_TYPE.fullmatch(named) else ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one exchange may take."""

    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    max_wire_bytes: int = 8 * 1024 * 1024
    max_body_bytes: int = 32 * 1024 * 1024  # after decompression
    max_redirects: int = 3  # on the same host; none to another
