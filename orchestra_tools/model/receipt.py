"""A receipt: what the caller recorded of one call, locked by hashes and a signature.

A receipt signed by the caller alone is `caller-attested`: it proves what the caller recorded and that nobody changed it
since. It does not prove what the subnet sent. `trust.receipts` signs and verifies.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from orchestra_tools.model.base import Value
from orchestra_tools.model.outcome import Outcome

RECEIPT_FORMAT = "orchestra-receipt/1"
SchemaVerdict = Literal["valid", "drift", "undocumented", "not_checked"]


class RequestDigest(Value):
    """What was asked, as digests. The arguments themselves are not in the receipt."""

    method: str
    url: str
    """URL without query: the query is covered by `sha256`."""
    form: Literal["jcs", "json"]
    """Canonical form of the hashed envelope: RFC 8785, or sorted JSON where a number is outside I-JSON."""
    sha256: str


class ResponseDigest(Value):
    """What came back, as digests of the raw body."""

    status: int
    media_type: str
    bytes: int
    body_sha256: str
    jcs_sha256: str | None = None
    """Digest of the RFC 8785 form; None where the body is not I-JSON."""


class Receipt(Value):
    """What the caller recorded of one call."""

    format: str = RECEIPT_FORMAT
    kind: Literal["caller-attested"] = "caller-attested"
    id: str
    tool: str
    tool_digest: str
    slot: str
    operation: str
    entry_version: str
    request: RequestDigest
    response: ResponseDigest | None
    schema_verdict: SchemaVerdict
    outcome: Outcome
    started_at_ms: int
    ended_at_ms: int
    attempts: int
    cost: Decimal | None
    currency: str | None
    sandbox: bool
    public_key: str
    """Ed25519 public key of the caller, hex."""
    signature: str = ""
    """Ed25519 over `orchestra-receipt/1`, a newline and the RFC 8785 form of all other fields; hex."""

    def to_json(self) -> dict[str, Any]:
        """The document that was signed: every field, also those that have their default."""
        return self.model_dump(mode="json", by_alias=True)
