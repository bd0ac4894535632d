"""A log event: what one leaf of the log says. And the manifest, which says what is the latest.

A leaf is the RFC 8785 form of an event. It is small: entries, proposals, verdicts and evidence are blobs, named by
their SHA-256. `seq` and `prev` chain the events of one slot, so a duplicate or a skipped revision shows.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from orchestra_tools.model.base import Value
from orchestra_tools.model.proposal import UpdateType

EVENT_VERSION: Literal[1] = 1
MANIFEST_FORMAT: Literal["orchestra-manifest/1"] = "orchestra-manifest/1"
LOG_SLOT = "log"
"""The slot of events that are about the log itself."""
EventKind = UpdateType | Literal["genesis", "manifest", "witness"]
_Digest = Field(pattern=r"^[0-9a-f]{64}$")
_OptionalDigest = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class LogEvent(Value):
    """What one leaf says."""

    v: Literal[1] = EVENT_VERSION
    kind: EventKind
    slot: str
    """`SN13@1907637`, or `log`."""
    seq: int = Field(ge=0)
    """Position among the events of this slot."""
    prev: str | None = _OptionalDigest
    """Leaf hash (RFC 6962, hex) of the event of this slot before this one."""
    at_ms: int = Field(ge=0)
    version: str | None = None
    """Version of the entry from here on."""
    entry_sha256: str | None = _OptionalDigest
    """The whole entry from here on: a blob; None where it is withdrawn."""
    proposal_sha256: str | None = _OptionalDigest
    """The signed proposal: a blob."""
    verdicts: tuple[str, ...] = ()
    """The signed verdicts that made the quorum: blobs."""
    evidence_sha256: str | None = _OptionalDigest
    """The proposer's evidence: a blob."""
    document_sha256: str | None = _OptionalDigest
    """What else the event is about, a manifest or a certificate: a blob."""

    def to_json(self) -> dict[str, Any]:
        """The document of the leaf: every field that says something."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"v": EVENT_VERSION}


class ManifestEntry(Value):
    """The latest of one slot."""

    index: int
    """Position of its latest event in the log."""
    seq: int
    leaf: str = _Digest
    """Leaf hash of that event, hex."""
    entry_sha256: str | None
    version: str


class Manifest(Value):
    """The latest event of every slot, at one size of the log: what a log alone cannot prove."""

    format: Literal["orchestra-manifest/1"] = MANIFEST_FORMAT
    ledger: str
    """Origin of the log."""
    size: int
    """Leaves that it covers: all before its own."""
    at_ms: int
    entries: dict[str, ManifestEntry]
    """By slot, sorted."""

    def to_json(self) -> dict[str, Any]:
        """Every field, also those that have their default."""
        return self.model_dump(mode="json", by_alias=True)
