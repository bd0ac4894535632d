"""A ledger that is read where it is stored. Nothing there is made or changed.

What is read is the operator's own, and held against digests only: signatures are for those who read a copy that
somebody else keeps, see `published`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestra_tools.errors import ConfigurationError, OrchestraError, ProofError, TamperedError
from orchestra_tools.model import Ledger
from orchestra_tools.registry.current import CurrentEntries
from orchestra_tools.registry.record import LedgerRecord, Recorded, read_leaf
from orchestra_tools.registry.sources import LedgerSource
from orchestra_tools.registry.store import Head, LedgerStore, StoredLeaf, StoreReader
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.merkle import prove_inclusion
from orchestra_tools.trust.notes import Note, NoteSignature
from orchestra_tools.trust.proofs import TlogProof
from orchestra_tools.trust.tiles import Tile, TileHashes, TileReader

_FAR_POLL_S = 2.0
_REMEDY = "Run `orchestra ledger fsck`, and restore the store from a backup"


class StoreSource(LedgerSource):
    """The current entries of a stored ledger: those of its projection."""

    def __init__(self, store: LedgerStore) -> None:
        """Read nothing yet.

        Args:
            store: Where the ledger is.
        """
        self._store = store
        self.far = store.far
        if self.far:
            self.poll_s = _FAR_POLL_S
        self._record = StoredRecord(store)
        self._current = CurrentEntries(self._record)

    @property
    def record(self) -> StoredRecord:
        return self._record

    @property
    def name(self) -> str:
        return self._store.name

    def load(self) -> Ledger:
        self._store.check()
        if self._store.head() is None:
            raise ConfigurationError(f"{self.name} has no log yet", remedy="Begin it with its genesis")
        return self._current.ledger({slot: each.entry_sha256 for slot, each in self._store.projection().items()})

    def fingerprint(self) -> str:
        try:
            head = self._store.head()
        except OrchestraError as error:
            return f"unreadable: {error.facts.get('reason')}"
        return "" if head is None else f"{head.size}:{head.root.hex()}"


class StoredRecord(LedgerRecord):
    """The log of a stored ledger."""

    def __init__(self, store: StoreReader) -> None:
        self._store = store

    def size(self) -> int:
        head = self._store.head()
        return 0 if head is None else head.size

    def events(self, start: int, stop: int) -> Sequence[Recorded]:
        start, stop = max(start, 0), min(stop, self.size())
        leaves = self._store.leaves(start, stop)
        if len(leaves) != max(stop - start, 0):
            raise _tampered("leaf", f"not all leaves from {start} to {stop} are there")
        return [_recorded(leaf) for leaf in leaves]

    def find_blobs(self, digests: Iterable[str]) -> Mapping[str, bytes]:
        found = self._store.read_blobs(digests)
        for sha256, data in found.items():
            if sha256_hex(data) != sha256:
                raise _tampered("blob", f"the document {sha256} has other bytes")
        return found

    def prove(self, index: int) -> TlogProof:
        head = self._store.head()
        if head is None or not 0 <= index < head.size:
            raise ProofError(f"there is no leaf {index} under the newest head", fact="index")
        (recorded,) = self.events(index, index + 1)
        hashes = prove_inclusion(index, head.size, TileHashes(head.size, tile_reader(self._store)))
        return TlogProof(
            index=index, hashes=hashes, note=cosigned_note(self._store, head).encode(), extra=recorded.leaf
        )

    def history(self, slot: str) -> Sequence[Recorded]:
        size = self.size()
        return [_recorded(leaf) for leaf in self._store.history(slot) if leaf.index < size]


def cosigned_note(reader: StoreReader, head: Head) -> Note:
    """The note of a head, with the cosignatures that the store has."""
    note = Note.parse(head.note)
    lines = reader.cosignatures(head.size)
    return Note(note.text, (*note.signatures, *(NoteSignature.parse(lines[witness]) for witness in sorted(lines))))


def tile_reader(reader: StoreReader) -> TileReader:
    """The tiles of a store, for trees to be read from. A tile that is not there is a TamperedError."""

    def read(tile: Tile) -> bytes:
        data = reader.tile(tile)
        if data is None:
            raise _tampered("tile", f"{tile.path} is missing")
        return data

    return read


def _recorded(leaf: StoredLeaf) -> Recorded:
    return Recorded(leaf.index, read_leaf(leaf.data, leaf.index), leaf.data)


def _tampered(part: str, problem: str) -> TamperedError:
    return TamperedError(problem, remedy=_REMEDY, part=part)
