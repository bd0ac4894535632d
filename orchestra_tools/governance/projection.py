"""What the log comes to: the latest of every slot, derived from leaves and blobs, and nothing else believed.

    latest = {}
    for index, event in enumerate(events):
        check_event(event, index, latest.get(event.slot), blob)
        latest[event.slot] = event

An accepted change is applied anew to the entry before it, and has to give the very bytes that the log names. Whether
leaves follow one another by their hashes, and who signed what, is checked where the hashes and the keys are.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from orchestra_tools.errors import LedgerFormatError, OrchestraError, TamperedError
from orchestra_tools.governance.applying import Applied, apply_proposal
from orchestra_tools.governance.versions import may_follow
from orchestra_tools.importers import parse_json
from orchestra_tools.importers.entry_bytes import entry_bytes, entry_from_bytes
from orchestra_tools.model import Entry
from orchestra_tools.model.event import LOG_SLOT, LogEvent
from orchestra_tools.model.proposal import ProposalStatement
from orchestra_tools.trust import sha256_hex

Blobs = Callable[[str], bytes | None]


def check_event(event: LogEvent, index: int, before: LogEvent | None, blob: Blobs) -> None:
    """Check that an event may follow the one before it of its slot.

    Args:
        event: The event.
        index: Its position in the log.
        before: The event of this slot before it; None where it is the first.
        blob: Documents by their SHA-256.

    Raises:
        TamperedError: It may not; `part` says what is wrong: leaf, entry, blob, replay.
    """
    if event.slot == LOG_SLOT:
        return
    seq = 0 if before is None else before.seq + 1
    if event.seq != seq:
        raise _broken("leaf", index, f"it is event {event.seq} of {event.slot}, and should be {seq}")
    if event.kind == "genesis":
        _check_genesis(event, index, before, blob)
    else:
        _check_change(event, index, before, blob)


def _check_genesis(event: LogEvent, index: int, before: LogEvent | None, blob: Blobs) -> None:
    if before is not None:
        raise _broken("leaf", index, f"{event.slot} begins twice")
    entry = _entry(event, index, blob)
    if entry is None or entry.version != event.version:
        raise _broken("leaf", index, "it names no entry of its version")


def _check_change(event: LogEvent, index: int, before: LogEvent | None, blob: Blobs) -> None:
    entry = None if before is None else _entry(before, index, blob)
    former = before.version if before is not None and entry is None else None
    statement = _statement(event, index, blob)
    if statement.slot != event.slot or statement.proposal.update_type != event.kind:
        raise _broken("replay", index, "its proposal is about something else")
    if not event.verdicts or len(set(event.verdicts)) < len(event.verdicts):
        raise _broken("leaf", index, "it names no verdicts, or one twice")
    try:
        applied = apply_proposal(statement.proposal, entry, slot=event.slot, former=former)
    except OrchestraError as error:
        raise _broken("replay", index, f"its proposal does not fit the entry before it: {error.problem}") from error
    if event.version is None or not _is_version_of(event.version, applied, entry):
        raise _broken("replay", index, f"its version should be {applied.version}")
    expected = None
    if applied.entry is not None:
        # Whether a change of a schema is compatible may be better known today than it was then.
        expected = sha256_hex(entry_bytes(applied.entry.replace(version=event.version)))
    if expected != event.entry_sha256:
        raise _broken("replay", index, "its proposal makes another entry of the one before it")


def _is_version_of(version: str, applied: Applied, before: Entry | None) -> bool:
    if before is None:
        return version == applied.version
    return may_follow(version, before.version, applied.bump)


def _entry(event: LogEvent, index: int, blob: Blobs) -> Entry | None:
    if event.entry_sha256 is None:
        return None
    try:
        return entry_from_bytes(event.slot, _read(event.entry_sha256, index, blob))
    except LedgerFormatError as error:
        raise _broken("entry", index, "the entry that it names cannot be read") from error


def _statement(event: LogEvent, index: int, blob: Blobs) -> ProposalStatement:
    if event.proposal_sha256 is None:
        raise _broken("leaf", index, "it names no proposal")
    try:
        document = parse_json(_read(event.proposal_sha256, index, blob), source="proposal")
        return ProposalStatement.model_validate(document)
    except (LedgerFormatError, ValidationError) as error:
        raise _broken("blob", index, "the proposal that it names cannot be read") from error


def _read(sha256: str, index: int, blob: Blobs) -> bytes:
    data = blob(sha256)
    if data is None or sha256_hex(data) != sha256:
        raise _broken("blob", index, f"the document {sha256} is missing, or has other bytes")
    return data


def _broken(part: str, index: int, problem: str) -> TamperedError:
    return TamperedError(
        f"the leaf {index} does not hold: {problem}",
        remedy="Restore the ledger from a copy that holds",
        part=part,
        index=index,
    )
