"""Checking a stored ledger, and deriving its projection anew.

    report = fsck(store, published=folder, key=signer.key)
    report.clean, report.findings
    rebuild(store, key=signer.key)

Nothing that can be derived is believed: leaves and blobs are read, and all else is held against what they come to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger_sync.log.comparing import compare_folder
from ledger_sync.log.deriving import Derivation
from ledger_sync.log.findings import Finding, Findings, Progress, Report, no_progress
from ledger_sync.log.writing import ORIGIN
from orchestra_tools.errors import NoteError, TamperedError
from orchestra_tools.registry.store import Head, LedgerStore, StoreReader
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.cosignatures import CosignatureKey
from orchestra_tools.trust.notes import Note, NoteSignature, VerifierKey

_BLOBS_A_STEP = 64  # each may have some megabytes


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was derived anew.

    Attributes:
        differences: Where the store differed from what its leaves come to.
        slots: Slots in the projection.
        leaves: Leaves that it was derived from.
    """

    differences: tuple[Finding, ...]
    slots: int
    leaves: int


def fsck(
    store: LedgerStore,
    *,
    key: VerifierKey,
    published: Path | None = None,
    retired: Sequence[VerifierKey] = (),
    progress: Progress = no_progress,
) -> Report:
    """Derive everything anew, and tell what differs. Writers go on meanwhile.

    Args:
        store: The ledger.
        key: Key that signs its heads.
        published: Folder that its log is published in; None = it is not looked at.
        retired: Keys that signed older heads.
        progress: Called as it goes on.

    Raises:
        StoreError: The store cannot be read.
    """
    findings = Findings()
    keys = (key, *retired)
    if store.setting(ORIGIN) != key.name:
        findings.add("head", "origin", f"the log is called {store.setting(ORIGIN)!r}, and its key {key.name!r}")
    derivation = Derivation(store, findings, keys=keys, progress=progress)
    _derive_all(store, derivation, findings)
    blobs = _check_blobs(store, findings, progress)
    shown = None
    if published is not None:
        shown = compare_folder(store, published, keys=keys, findings=findings, progress=progress)
    return Report(findings.told, findings.omitted, derivation.size, derivation.heads, blobs, shown)


def rebuild(
    store: LedgerStore,
    *,
    key: VerifierKey,
    retired: Sequence[VerifierKey] = (),
    progress: Progress = no_progress,
) -> Rebuilt:
    """Derive the projection and the tiles from the leaves, and put them in place of those that the store has.

    Args:
        store: The ledger.
        key: Key that signs its heads.
        retired: Keys that signed older heads.
        progress: Called as it goes on.

    Raises:
        TamperedError: The leaves are not those that the heads vouch for, so nothing can be derived from them. Nothing
            was changed.
        StoreError: The store cannot be written.
    """
    findings = Findings()
    with store.write() as writer:
        derivation = Derivation(writer, findings, keys=(key, *retired), progress=progress)
        _derive_all(writer, derivation, findings)
        if findings.any_of("leaf", "chain", "head", "signature"):
            first = next(each for each in findings.told if each.part in ("leaf", "chain", "head", "signature"))
            raise TamperedError(
                f"nothing can be derived from this log: {first}",
                remedy="Restore the store from a backup",
                part=first.part,
                where=first.where,
            )
        writer.put_tiles(dict(derivation.tiles))
        writer.clear_projection()
        writer.project(list(derivation.slots.values()))
    differences = tuple(each for each in findings.told if each.part in ("projection", "tile"))
    return Rebuilt(differences, len(derivation.slots), derivation.size)


def _derive_all(reader: StoreReader, derivation: Derivation, findings: Findings) -> None:
    """Go through everything under the newest head, also what comes meanwhile."""
    while True:
        head = reader.head()
        size = 0 if head is None else head.size
        derivation.advance(size)
        projection, beyond = reader.projection(), reader.leaves(size, size + 1)
        if reader.head() == head:
            break
    if beyond:
        findings.add("leaf", size, "no head vouches for it")
    derivation.check_last_tiles()
    derivation.check_projection(projection)
    if head is None:
        return
    if derivation.root != head.root and not findings.any_of("leaf", "head"):
        findings.add("head", head.size, "its root is not that of the leaves")
    for name, line in sorted(reader.cosignatures(head.size).items()):
        _check_cosignature(head, name, line, derivation.witnesses, findings)


def _check_cosignature(
    head: Head, name: str, line: str, witnesses: Sequence[CosignatureKey], findings: Findings
) -> None:
    """Check a cosignature; whether it holds can be said of those witnesses that the log has certificates of."""
    try:
        signature = NoteSignature.parse(line)
        known = {key.key_id: key for key in witnesses if key.name == name}
        if signature.name != name or (known and signature.key_id not in known):
            findings.add("cosignature", name, f"it is of another key, {signature.name}+{signature.key_id.hex()}")
        elif known:
            known[signature.key_id].verify(Note.parse(head.note).text, signature)
    except NoteError as error:
        findings.add("cosignature", name, error.problem)


def _check_blobs(reader: StoreReader, findings: Findings, progress: Progress) -> int:
    digests = reader.blobs()
    for start in range(0, len(digests), _BLOBS_A_STEP):
        step = digests[start : start + _BLOBS_A_STEP]
        found = reader.read_blobs(step)
        for sha256 in step:
            if sha256 not in found:
                findings.add("blob", sha256, "it is missing")
            elif sha256_hex(found[sha256]) != sha256:
                findings.add("blob", sha256, "it has other bytes")
        progress("blobs", start + len(step), len(digests))
    return len(digests)
