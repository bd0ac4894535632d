"""A case: one proposal on its way from commitment to a decision. And who may take part."""

from __future__ import annotations

from typing import Literal

from orchestra_tools.model.base import Value
from orchestra_tools.model.proposal import Decision, UpdateType

CaseState = Literal["open", "accepted", "rejected", "expired"]


class Participant(Value):
    """A hotkey that is registered on the ledger's own subnet."""

    hotkey: str
    """ss58 address."""
    coldkey: str
    """ss58 address of its owner: two hotkeys of one coldkey are one voice."""
    uid: int | None = None
    validator: bool = False
    """Whether its verdicts count."""


class Commitment(Value):
    """A promise to reveal a proposal, by which the order of finders is kept."""

    number: int
    """Position among all commitments of the ledger, from 0."""
    hotkey: str
    digest: str
    """SHA-256 (hex) over salt, fingerprint and hotkey; see `governance.commitments`."""
    at_ms: int


class CastVerdict(Value):
    """A verdict that was taken in."""

    hotkey: str
    decision: Decision
    statement_sha256: str
    """The signed verdict, a blob of the ledger."""
    at_ms: int
    coldkey: str = ""
    """Its owner at the time."""
    evidence_sha256: str = ""
    """The validator's own evidence."""


class Case(Value):
    """A revealed proposal and what became of it."""

    id: str
    """Digest of the proposal's statement, hex."""
    fingerprint: str
    """The same for every spelling of the same wish about the same slot."""
    slot: str
    update_type: UpdateType
    field: str
    """JSON Pointer, the same for all spellings of the field."""
    hotkey: str
    """ss58 address of the proposer."""
    coldkey: str = ""
    """Its owner at the time: one that deregisters afterwards is still no judge of its own case."""
    statement_sha256: str
    """The signed proposal, a blob of the ledger."""
    evidence_sha256: str
    commitment: int
    """Number of the commitment."""
    bump: Literal["patch", "minor", "major"]
    """What the change does to the entry's version; it decides the quorum."""
    flags: tuple[str, ...] = ()
    """What validators should look at twice; see `governance.applying`."""
    undo: str = ""
    """Fingerprint of the wish that would take this change back."""
    reverses: str | None = None
    """The case whose change it takes back."""
    opened_at_ms: int
    closes_at_ms: int
    """After it, no verdict is taken in."""
    state: CaseState = "open"
    reason: str = ""
    """Why it was rejected: a word for programs."""
    closed_at_ms: int | None = None
    log_index: int | None = None
    """Where the accepted change stands in the log."""
    verdicts: tuple[CastVerdict, ...] = ()
