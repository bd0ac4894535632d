"""What the log behind a ledger tells: which versions there were, who wished them, who approved, what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from orchestra_tools.compile import ABSENT, Difference, compare_values
from orchestra_tools.errors import InputError, LedgerFormatError
from orchestra_tools.importers import parse_json
from orchestra_tools.model.event import LOG_SLOT, LogEvent
from orchestra_tools.model.proposal import ProposalStatement, VerdictStatement
from orchestra_tools.registry.record import LedgerRecord, Recorded

S = TypeVar("S", ProposalStatement, VerdictStatement)


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """One change of the ledger, as the log has it.

    Attributes:
        index: Position in the log.
        at_ms: When it was appended, in milliseconds since the Unix epoch, by the operator's clock.
        subnet: Key of the subnet, as in "SN13".
        slot: The tenancy, as in "SN13@1907637".
        kind: `genesis`, or the proposal's `update_type`.
        version: Version of the entry from here on.
        proposal: What was wished, in the seed's form; None for the genesis.
        proposed_by: Hotkey (ss58) of who wished it.
        approved_by: Hotkeys (ss58) of the validators whose verdicts made the quorum.
        differences: What changed in the entry.
        evidence_sha256: Digest of the proposer's evidence.
        unread: Digests of documents that its place has dropped, or that this version of the program cannot read: what
            they say is not known.
    """

    index: int
    at_ms: int
    subnet: str
    slot: str
    kind: str
    version: str | None
    proposal: Mapping[str, Any] | None
    proposed_by: str | None
    approved_by: tuple[str, ...]
    differences: tuple[Difference, ...]
    evidence_sha256: str | None
    unread: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "index": self.index,
            "at_ms": self.at_ms,
            "subnet": self.subnet,
            "slot": self.slot,
            "kind": self.kind,
            "version": self.version,
            "proposal": None if self.proposal is None else dict(self.proposal),
            "proposed_by": self.proposed_by,
            "approved_by": list(self.approved_by),
            "differences": [
                {"path": each.path}
                | ({} if each.before is ABSENT else {"before": each.before})
                | ({} if each.now is ABSENT else {"now": each.now})
                for each in self.differences
            ],
            "evidence_sha256": self.evidence_sha256,
            "unread": list(self.unread),
        }


def changes_since(
    record: LedgerRecord, index: int | None = None, *, subnet: str | None = None
) -> Iterator[LedgerChange]:
    """Every change after an index, in the order of the log.

    Args:
        record: The log.
        index: Position of the last change that is known; None or -1 = from the first on.
        subnet: Key of one subnet, or of one slot; None = all.

    Raises:
        InputError: The log has no such index.
        TrustError: The log shows something that does not hold.
    """
    first, size = next_index(record, -1 if index is None else index), record.size()
    revisions = Revisions(record)
    for recorded in record.walk(first, size):
        if is_about(recorded.event, subnet):
            yield _told(recorded, revisions.before(recorded), record)
        revisions.add(recorded)


def next_index(record: LedgerRecord, since: int) -> int:
    """The index after one that was told before; -1 = none was.

    Raises:
        InputError: The log has no such index: whatever comes until it has would be skipped.
    """
    size = record.size()
    if not -1 <= since < size:
        raise InputError(
            f"the log has {size} leaves, and none at {since}",
            remedy="Give the index of the last change that was handled, or -1 to be told of all",
        )
    return since + 1


def is_about(event: LogEvent, subnet: str | None) -> bool:
    """Whether an event is about a subnet or a slot; for None, about any."""
    if event.slot == LOG_SLOT:
        return False
    return subnet is None or subnet in (event.slot, subnet_of(event.slot))


def subnet_of(slot: str) -> str:
    """The key of the subnet that a slot is a tenancy of."""
    return slot.partition("@")[0]


class Revisions:
    """The event before each event of the same slot. Events are added in the order of the log, and none is left out."""

    def __init__(self, record: LedgerRecord) -> None:
        self._record = record
        self._latest: dict[str, LogEvent] = {}
        self._knows_all = False

    def before(self, recorded: Recorded) -> LogEvent | None:
        """The one before the next event; None where that is the first of its slot."""
        event = recorded.event
        if event.seq > 0 and event.slot not in self._latest and not self._knows_all:
            # Once, and for all slots: the log is gone over from its beginning.
            earlier = {each.event.slot: each.event for each in self._record.walk(0, recorded.index)}
            self._latest = {**earlier, **self._latest}
            self._knows_all = True
        return self._latest.get(event.slot)

    def add(self, recorded: Recorded) -> None:
        """Go on to the event after it."""
        self._latest[recorded.event.slot] = recorded.event


def _told(recorded: Recorded, before: LogEvent | None, record: LedgerRecord) -> LedgerChange:
    event = recorded.event
    entries = () if event.kind == "genesis" else (before.entry_sha256 if before else None, event.entry_sha256)
    digests = [sha256 for sha256 in (*entries, event.proposal_sha256, *event.verdicts) if sha256 is not None]
    reading = _Reading(record.find_blobs(digests))
    statement = reading.statement(event.proposal_sha256, ProposalStatement)
    verdicts = [reading.statement(sha256, VerdictStatement) for sha256 in event.verdicts]
    return LedgerChange(
        index=recorded.index,
        at_ms=event.at_ms,
        subnet=subnet_of(event.slot),
        slot=event.slot,
        kind=event.kind,
        version=event.version,
        proposal=None if statement is None else statement.proposal.to_json(),
        proposed_by=None if statement is None else statement.hotkey,
        approved_by=tuple(each.hotkey for each in verdicts if each is not None),
        differences=reading.differences(*entries) if entries else (),
        evidence_sha256=event.evidence_sha256,
        unread=tuple(reading.unread),
    )


class _Reading:
    """Documents of one change, and those of them that could not be read."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self._blobs = blobs
        self.unread: dict[str, None] = {}

    def statement(self, sha256: str | None, kind: type[S]) -> S | None:
        document = self._document(sha256)
        if document is None:
            return None
        try:
            return kind.model_validate(document)
        except ValidationError:
            self.unread[str(sha256)] = None
            return None

    def differences(self, before: str | None, now: str | None) -> tuple[Difference, ...]:
        documents = [{} if sha256 is None else self._document(sha256) for sha256 in (before, now)]
        return () if None in documents else tuple(compare_values(*documents))

    def _document(self, sha256: str | None) -> Any:
        if sha256 is None:
            return None
        try:
            return parse_json(self._blobs[sha256], source="document")
        except (KeyError, LedgerFormatError):
            self.unread[sha256] = None
            return None
