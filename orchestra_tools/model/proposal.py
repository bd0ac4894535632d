"""A proposal: a wished change of an entry, in the seed's form, and what is signed around it.

    {"subnet": "SN13", "update_type": "schema_change", "field": "output_schema.metadata.scrape_timestamp",
     "old_value": null, "new_value": {"type": "string", "format": "iso8601"},
     "evidence_hash": "0x7a3f...", "proposed_by": "miner_uid_42"}

The proposal says what is wished. The statement around it, signed by the proposer's hotkey, says of which slot, for
which ledger, until when, and on what evidence.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from orchestra_tools.model.base import Value
from orchestra_tools.model.entry import KEY_PATTERN

COMMITMENT_STATEMENT = "commitment"
PROPOSAL_STATEMENT = "proposal"
VERDICT_STATEMENT = "verdict"
UpdateType = Literal[
    "new_subnet",
    "new_operation",
    "schema_change",
    "endpoint_change",
    "capability_change",
    "cost_change",
    "identity_change",
    "deprecation",
    "withdrawal",
]
Decision = Literal["approve", "reject"]
MAX_FIELD_LENGTH = 512  # characters


class Proposal(Value):
    """A wished change of one entry, in the seed's form."""

    subnet: str = Field(pattern=f"^{KEY_PATTERN.pattern}$")
    """`SN13`, or `SN13@1907637` for a certain slot."""
    update_type: UpdateType
    field: str = Field(max_length=MAX_FIELD_LENGTH)
    """Path into the entry, with dots or as a JSON Pointer; "" is the whole entry. See `governance.paths`."""
    old_value: Any
    """What stands there now; null where nothing does."""
    new_value: Any
    """What shall stand there; null where nothing shall."""
    evidence_hash: str = Field(pattern=r"^(0x)?[0-9a-f]{4,64}(\.\.\.|…)?$")
    """SHA-256 of the evidence, hex; it may be shortened for people, the statement has it whole."""
    proposed_by: str = Field(min_length=1, max_length=128)
    """Who wishes it, as in `miner_uid_42`; the statement has the hotkey."""


class _Statement(Value):
    """What every statement that a hotkey signs has; see `trust.statements`."""

    network: str
    ledger: str
    """Origin of the log that it is meant for."""
    hotkey: str
    """ss58 address of the signer."""
    nonce: str
    issued_at_ms: int
    expires_at_ms: int
    signature: str


class CommitmentStatement(_Statement):
    """A promise to reveal a proposal, as its proposer signed it."""

    commitment: str = Field(pattern=r"^[0-9a-f]{64}$")
    """See `governance.commitments`."""


class ProposalStatement(_Statement):
    """A proposal as its proposer signed it."""

    proposal: Proposal
    slot: str
    """The tenancy that is meant, as in `SN13@1907637`: netuids are reassigned."""
    evidence_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the evidence bundle, which is a blob of the ledger."""
    salt: str = Field(pattern=r"^[0-9a-f]{64}$")
    """What made the commitment unguessable."""


class Check(Value):
    """One thing that a validator looked at."""

    name: str
    passed: bool
    detail: str = ""


class Reason(Value):
    """Why a validator decided as it did: a word for programs, a sentence for people."""

    code: str
    text: str


class VerdictStatement(_Statement):
    """A validator's decision on a proposal, as it signed it."""

    proposal_id: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the proposal's statement."""
    decision: Decision
    reasons: tuple[Reason, ...] = ()
    checks: tuple[Check, ...] = ()
    evidence_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the validator's own evidence."""
