"""What proposals and verdicts are about, as the store of a ledger has it."""

from __future__ import annotations

from orchestra_tools.errors import Fault, ProposalRefusedError, TamperedError
from orchestra_tools.importers import parse_json
from orchestra_tools.importers.entry_bytes import entry_from_bytes
from orchestra_tools.model import Entry
from orchestra_tools.model.case import Case
from orchestra_tools.model.proposal import ProposalStatement
from orchestra_tools.registry.store import StoreReader
from orchestra_tools.registry.stored import StoredRecord


def current_entry(reader: StoreReader, slot: str) -> Entry | None:
    """The entry of a slot as it is now; None where there is none, or it is withdrawn."""
    latest = reader.projection().get(slot)
    if latest is None or latest.entry_sha256 is None:
        return None
    return entry_from_bytes(slot, read_blob(reader, latest.entry_sha256))


def former_version(reader: StoreReader, slot: str) -> str | None:
    """The version of a slot's entry when it was withdrawn, where it was."""
    latest = reader.projection().get(slot)
    return latest.version if latest is not None and latest.entry_sha256 is None else None


def entries_beside(reader: StoreReader, slot: str) -> list[Entry]:
    """The current entries of all other slots."""
    named = {
        other: latest.entry_sha256
        for other, latest in reader.projection().items()
        if other != slot and latest.entry_sha256 is not None
    }
    blobs = StoredRecord(reader).blobs(sorted(set(named.values())))
    return [entry_from_bytes(other, blobs[sha256]) for other, sha256 in named.items()]


def slots_beside(reader: StoreReader, slot: str) -> list[str]:
    """The slots of the same netuid that have an entry."""
    netuid = slot.partition("@")[0]
    return [
        other
        for other, latest in reader.projection().items()
        if other.partition("@")[0] == netuid and latest.entry_sha256 is not None
    ]


def find_case(reader: StoreReader, case_id: str) -> Case:
    """A case by its id, or by how its id begins.

    Raises:
        ProposalRefusedError: There is none, or several; `reason` is unknown.
    """
    case = reader.case(case_id)
    if case is not None:
        return case
    found = [each for each in reader.cases() if len(case_id) >= 6 and each.id.startswith(case_id)]
    if len(found) == 1:
        return found[0]
    problem = "no proposal has this id" if not found else f"{len(found)} proposals have ids that begin like this"
    raise ProposalRefusedError(
        f"the proposal {case_id[:64]!r} is not known",
        [Fault("", problem)],
        remedy="See `orchestra review`",
        reason="unknown",
    )


def read_statement(reader: StoreReader, case: Case) -> ProposalStatement:
    """The signed proposal of a case."""
    return ProposalStatement.model_validate(parse_json(read_blob(reader, case.statement_sha256), source="proposal"))


def read_blob(reader: StoreReader, sha256: str) -> bytes:
    """A document of the store.

    Raises:
        TamperedError: It is missing.
    """
    data = reader.blob(sha256)
    if data is None:
        raise TamperedError(
            f"the document {sha256} is missing", remedy="Run `orchestra ledger fsck`", part="blob", sha256=sha256
        )
    return data
