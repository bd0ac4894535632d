"""A log to test with: its leaves and roots, and keys that are the same in every run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.cosignatures import CosignatureSigner
from orchestra_tools.trust.merkle import HashReader, leaf_hash, prove_consistency, prove_inclusion, root_of
from orchestra_tools.trust.notes import Note, NoteSigner, sign_note

ORIGIN = "ledger.example/log"
ENTRIES = [f"entry {number}".encode() for number in range(40)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
LOG = NoteSigner(ORIGIN, bytes([1]) * 32)
OTHER_LOG = NoteSigner("other.example/log", bytes([2]) * 32)
WITNESSES = [CosignatureSigner(f"validator-{number}.example", bytes([10 + number]) * 32) for number in range(5)]
NOW_S = 1_790_000_000
NOW = datetime.fromtimestamp(NOW_S, UTC)


def read(leaves: list[bytes]) -> HashReader:
    return lambda level, index: root_of(leaves[index << level : (index + 1) << level])


def head(size: int, *, origin: str = ORIGIN, leaves: list[bytes] = LEAVES) -> Checkpoint:
    return Checkpoint(origin, size, root_of(leaves[:size]))


def growth(old: int, new: int, leaves: list[bytes] = LEAVES) -> tuple[bytes, ...]:
    return prove_consistency(old, new, read(leaves)) if old else ()


def path(index: int, size: int) -> tuple[bytes, ...]:
    return prove_inclusion(index, size, read(LEAVES))


def signed(checkpoint: Checkpoint, *, by: NoteSigner = LOG) -> Note:
    return sign_note(checkpoint.text, [by])


def cosigned(checkpoint: Checkpoint, times: Iterable[int], *, by: NoteSigner = LOG) -> Note:
    """Signed by the log, and by its first witnesses, each at its time."""
    lines = tuple(witness.cosign(checkpoint.text, time) for witness, time in zip(WITNESSES, times, strict=False))
    return Note(checkpoint.text, (*signed(checkpoint, by=by).signatures, *lines))
