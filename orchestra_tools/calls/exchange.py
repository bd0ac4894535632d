"""One exchange with a subnet: the facts as they come in, and the receipt and observation made of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from orchestra_tools.calls.redaction import MIN_LENGTH, Redactor
from orchestra_tools.calls.wire import WireRequest, WireResponse
from orchestra_tools.compile import Tool
from orchestra_tools.errors import Fault
from orchestra_tools.model import Observation, Outcome, Receipt, RequestDigest, ResponseDigest, SchemaVerdict
from orchestra_tools.trust import Signer, canonicalise, digest_request, sha256_hex, sign_receipt

MAX_HASHED_JSON = 64 * 1024  # bytes; larger answers have just the digest of their raw bytes
_UNREAD = object()
MAX_POINTER = 200  # characters; the names in it are the subnet's
_MAX_AMOUNT = Decimal(10) ** 9
_MIN_AMOUNT = Decimal(10) ** -18
_MAX_DIGITS = 40


@dataclass(slots=True)
class Exchange:
    """What is known of one call while it runs.

    Attributes:
        secret: The key sent along, unless it is a sandbox's; it is cut out of everything that comes back.
        keyed: A key is sent along, be it a secret or a sandbox's.
        clock: Seconds since the Unix epoch.
        monotonic: Monotonic seconds.
    """

    tool: Tool
    arguments: Mapping[str, Any]
    request: WireRequest
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    secret: str | None = field(default=None, repr=False)
    keyed: bool = False
    attempts: int = 0
    response: WireResponse | None = None  # without the key
    raw_body: bytes = field(default=b"", repr=False)
    outcome: Outcome = Outcome.INTERNAL
    verdict: SchemaVerdict = "not_checked"
    drift: tuple[Fault, ...] = ()
    cost: Decimal | None = None
    currency: str | None = None
    started: float = field(init=False)
    started_at: float = field(init=False)
    _redactor: Redactor | None = field(init=False, repr=False)
    _data: Any = field(init=False, repr=False, default=_UNREAD)

    def __post_init__(self) -> None:
        self.started, self.started_at = self.monotonic(), self.clock()
        self._redactor = Redactor(self.secret) if self.secret and len(self.secret) >= MIN_LENGTH else None

    def begin_attempt(self) -> None:
        """A new attempt is made: what came back before is not the answer."""
        self.attempts += 1
        self.raw_body, self.response = b"", None

    def take(self, response: WireResponse) -> WireResponse:
        """Keep a response, and give it back without the caller's key in it."""
        self.raw_body = response.body
        self.response = response if self._redactor is None else self._redactor.clean_response(response)
        return self.response

    def keep(self, data: Any) -> Any:
        """Keep what was read of the response, and give it back without the caller's key."""
        self._data = data
        # Only an escape or another charset can have hidden the key from the bytes, where it was cut out already.
        hidden = isinstance(data, str) or b"\\u" in self.raw_body or b"\0" in self.raw_body
        return self.clean(data) if hidden else data

    def clean(self, data: Any) -> Any:
        """Data without the caller's key."""
        return data if self._redactor is None else self._redactor.clean_data(data)

    def settle(self) -> None:
        """Work out what the call cost: what the answer says, else the price of a call that was answered."""
        stated = self.tool.operation.cost
        if stated is None:
            return
        charged = _amount(self.response, stated.header)
        if charged is None and self.outcome in (Outcome.OK, Outcome.DRIFT):
            charged = self.tool.operation.price
        if charged is not None:
            self.cost, self.currency = charged, stated.currency

    def observation(self) -> Observation:
        """The facts that feed statistics."""
        return Observation(
            # Two equal calls in one millisecond have equal receipts.
            id=uuid.uuid4().hex,
            tool=self.tool.name,
            slot=str(self.tool.slot),
            operation=self.tool.operation_id,
            entry_version=self.tool.entry_version,
            at_ms=int(self.started_at * 1000),
            latency_ms=round((self.monotonic() - self.started) * 1000, 3),
            outcome=self.outcome,
            status=self.response.status if self.response else None,
            attempts=self.attempts,
            bytes_received=self.response.bytes_received if self.response else 0,
            cost=self.cost,
            currency=self.currency,
            drift=tuple(fault.pointer[:MAX_POINTER] for fault in self.drift),
            sandbox=self.tool.sandbox,
        )

    def receipt(self, signer: Signer) -> Receipt:
        """The signed record of the exchange."""
        form, digest = digest_request(
            tool=self.tool.name,
            tool_digest=self.tool.digest,
            entry_version=self.tool.entry_version,
            arguments=self.arguments,
        )
        unsigned = Receipt(
            id="",
            tool=self.tool.name,
            tool_digest=self.tool.digest,
            slot=str(self.tool.slot),
            operation=self.tool.operation_id,
            entry_version=self.tool.entry_version,
            request=RequestDigest(method=self.request.method, url=self.request.bare_url, form=form, sha256=digest),
            response=self._digest_response(),
            schema_verdict=self.verdict,
            outcome=self.outcome,
            started_at_ms=int(self.started_at * 1000),
            ended_at_ms=max(int(self.started_at * 1000), int(self.clock() * 1000)),
            attempts=self.attempts,
            cost=self.cost,
            currency=self.currency,
            sandbox=self.tool.sandbox,
            public_key=signer.public_key,
        )
        return sign_receipt(unsigned, signer)

    def _digest_response(self) -> ResponseDigest | None:
        if (response := self.response) is None:
            return None
        canonical = None
        if self._data is not _UNREAD and response.media_type.endswith("json") and response.body == self.raw_body:
            with suppress(ValueError):
                canonical = sha256_hex(canonicalise(self._data)) if len(self.raw_body) <= MAX_HASHED_JSON else None
        return ResponseDigest(
            status=response.status,
            media_type=response.media_type,
            bytes=len(self.raw_body),
            body_sha256=sha256_hex(self.raw_body),
            jcs_sha256=canonical,
        )


def _amount(response: WireResponse | None, header: str | None) -> Decimal | None:
    if response is None or header is None or (text := response.headers.get(header.lower())) is None:
        return None
    try:
        amount = Decimal(text.strip()[:_MAX_DIGITS])
    except InvalidOperation:
        return None
    # 1e999999 is a finite Decimal, and a megabyte when it is written out.
    if not amount.is_finite() or not 0 <= amount <= _MAX_AMOUNT:
        return None
    return amount if amount == 0 or amount > _MIN_AMOUNT else Decimal(0)
