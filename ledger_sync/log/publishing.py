"""Publishing the log as files, in the layout of C2SP tlog-tiles, for any server of static files.

    checkpoint                       the newest head, with its cosignatures: written last
    tile/<level>/<index>[.p/<width>] hashes
    tile/entries/<index>[.p/<width>] leaves
    blob/<first 2 digits>/<sha256>   what leaves name: entries, proposals, verdicts, evidence, manifests
    manifest.tlog-proof              proof of the newest manifest

Whoever has seen the checkpoint finds everything under it. All files but the checkpoint and the proof never change; a
partial tile goes once the full one is there. A crash costs nothing: publishing again ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger_sync.log import faults
from ledger_sync.log.faults import Reached, pass_by
from ledger_sync.log.folder import PublicFolder
from ledger_sync.log.manifests import newest_manifest
from orchestra_tools.errors import ConfigurationError, ForkError, LedgerFormatError, RollbackError, TamperedError
from orchestra_tools.importers import parse_json
from orchestra_tools.model.event import LogEvent
from orchestra_tools.registry.published.files import CHECKPOINT, MANIFEST_PROOF, blob_path
from orchestra_tools.registry.record import blobs_of, read_leaf
from orchestra_tools.registry.store import Head, LedgerStore, StoreReader
from orchestra_tools.registry.stored import cosigned_note, tile_reader
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.bundles import encode_bundle
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.merkle import leaf_hash, prove_inclusion
from orchestra_tools.trust.notes import MAX_NOTE_BYTES, Note
from orchestra_tools.trust.proofs import TlogProof
from orchestra_tools.trust.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, TileHashes, authenticate_leaves

_EVENTS_A_STEP = 16  # each may name some documents of some megabytes


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published.

    Attributes:
        head: The head that is out now.
        size_before: Leaves that were out before.
        files: Files that were written.
    """

    head: Head
    size_before: int
    files: int


class LogPublisher:
    """Publishes the log of a store in a folder. Several may share both."""

    def __init__(self, store: LedgerStore, folder: Path, *, reached: Reached = pass_by) -> None:
        """Read and write nothing yet.

        Args:
            store: Where the log is.
            folder: Made when absent.
            reached: Told which place was reached; see `faults`.
        """
        self._store = store
        self._folder = folder
        self._reached = reached

    def publish(self) -> Publication:
        """Bring the folder up to the newest head. What is there already is not written again.

        Raises:
            ConfigurationError: The store has no log, or the folder has another one.
            RollbackError: The folder shows more leaves than the store has.
            ForkError: The folder shows a head that the store has not signed.
            TamperedError: The store or the folder has bytes that the log does not vouch for. No checkpoint was written.
            StoreError: The store cannot be read, or the folder not written.
        """
        files = PublicFolder(self._folder, reached=self._reached)
        with files.held():
            self._reached(faults.PUBLISHING)
            head = self._store.head()
            if head is None:
                raise ConfigurationError(
                    f"{self._store.name} has no log yet", remedy="Begin it with its genesis, then publish"
                )
            before = self._find_published(files, head)
            self._publish_leaves(files, before, head.size)
            self._publish_heads(files, head)
            _prune(files, before, head.size)
            self._reached(faults.PUBLISHED)
        return Publication(head, before, files.written)

    def _find_published(self, files: PublicFolder, head: Head) -> int:
        """Leaves under the checkpoint that is out, which must be a head of this store."""
        data = files.read(CHECKPOINT, max_bytes=MAX_NOTE_BYTES)
        if data is None:
            return 0
        text = Note.parse(data).text
        shown, ours = Checkpoint.parse(text), Checkpoint.parse(Note.parse(head.note).text)
        stored = self._store.head_of(shown.size)
        if stored is not None and Note.parse(stored.note).text == text:
            return stored.size
        if shown.origin != ours.origin:
            raise ConfigurationError(
                f"{self._folder} has the log {shown.origin[:80]!r}, not {ours.origin!r}", remedy="Choose another folder"
            )
        if shown.size > ours.size:
            raise RollbackError(
                f"{self._folder} shows {shown.size} leaves and {self._store.name} has {ours.size}",
                remedy="Readers have seen them: restore the store from a newer backup",
                kept=data.decode(),
                shown=head.note.decode(),
            )
        raise ForkError(
            f"{self._folder} shows a head of {shown.size} leaves that {self._store.name} has not signed",
            remedy="Find out who wrote to the folder or the store; do not sign further heads until then",
            kept=data.decode(),
            shown=(stored or head).note.decode(),
        )

    def _publish_leaves(self, files: PublicFolder, before: int, size: int) -> None:
        for bundle, leaves in self._read_bundles(before, size):
            start = bundle.index * TILE_WIDTH
            events = [read_leaf(leaf, index) for index, leaf in enumerate(leaves, start) if index >= before]
            for at in range(0, len(events), _EVENTS_A_STEP):
                for sha256, data in named_blobs(self._store, events[at : at + _EVENTS_A_STEP]).items():
                    files.keep(blob_path(sha256), data)
            files.keep(bundle.path, encode_bundle(leaves))
        files.settle()
        self._reached(faults.LEAVES_PUBLISHED)
        read_tile = tile_reader(self._store)
        for tile in _tiles_between(before, size):
            files.keep(tile.path, read_tile(tile))
        files.settle()
        self._reached(faults.TILES_PUBLISHED)

    def _read_bundles(self, before: int, size: int) -> Iterator[tuple[Bundle, list[bytes]]]:
        """The bundles with leaves that are not out yet, held against the newest head."""
        head = self._store.head_of(size)
        hashes = TileHashes(size, tile_reader(self._store))
        for start in range(before // TILE_WIDTH * TILE_WIDTH, size if before < size else 0, TILE_WIDTH):
            stop = min(start + TILE_WIDTH, size)
            leaves = [leaf.data for leaf in self._store.leaves(start, stop)]
            if head is None or len(leaves) != stop - start:
                raise TamperedError(
                    f"the store has not all of its {size} leaves",
                    remedy="Run `orchestra ledger fsck`, and restore the store from a backup",
                    part="leaf",
                )
            authenticate_leaves(
                [leaf_hash(leaf) for leaf in leaves], start=start, size=size, root=head.root, read=hashes
            )
            yield Bundle(start // TILE_WIDTH, stop - start), leaves

    def _publish_heads(self, files: PublicFolder, head: Head) -> None:
        """The proof of the newest manifest, then the checkpoint, once all that they vouch for is on the disk."""
        note = cosigned_note(self._store, head)
        found = newest_manifest(self._store, head.size)
        if found is not None:
            leaf, _ = found
            hashes = prove_inclusion(leaf.index, head.size, TileHashes(head.size, tile_reader(self._store)))
            proof = TlogProof(index=leaf.index, hashes=hashes, note=note.encode(), extra=leaf.data)
            self._replace(files, MANIFEST_PROOF, proof.encode())
        files.settle()
        self._reached(faults.MANIFEST_PUBLISHED)
        self._replace(files, CHECKPOINT, note.encode())
        files.settle()
        self._reached(faults.CHECKPOINT_PUBLISHED)

    def _replace(self, files: PublicFolder, path: str, data: bytes) -> None:
        if files.read(path, max_bytes=len(data)) != data:
            files.replace(path, data)


def named_blobs(reader: StoreReader, events: Sequence[LogEvent]) -> Mapping[str, bytes]:
    """The documents that events name, and the evidence that their verdicts name in turn, by their SHA-256.

    Raises:
        TamperedError: One that an event names is missing, or one has other bytes.
    """
    named = dict.fromkeys(sha256 for event in events for sha256 in blobs_of(event))
    found = dict(reader.read_blobs(named))
    for sha256 in named:
        if sha256 not in found:
            raise _spoilt(sha256, "is missing")
    evidence = {_evidence_of(found[verdict]) for event in events for verdict in event.verdicts}
    # A validator need not hand its evidence in.
    found |= reader.read_blobs(sha256 for sha256 in evidence if sha256 is not None)
    for sha256, data in found.items():
        if sha256_hex(data) != sha256:
            raise _spoilt(sha256, "has other bytes")
    return found


def _spoilt(sha256: str, problem: str) -> TamperedError:
    return TamperedError(
        f"the document {sha256} {problem}", remedy="Restore the store from a backup", part="blob", sha256=sha256
    )


def _evidence_of(verdict: bytes) -> str | None:
    try:
        document = parse_json(verdict, source="verdict")
    except LedgerFormatError:
        return None
    evidence = document.get("evidence_sha256") if isinstance(document, dict) else None
    return evidence if isinstance(evidence, str) else None


def _tiles_between(before: int, size: int) -> Iterator[Tile]:
    """The tiles of a tree of `size` leaves that one of `before` leaves has not, and the last ones of that."""
    level, first, hashes = 0, before, size
    while hashes:
        for index in range(first // TILE_WIDTH, -(-hashes // TILE_WIDTH)):
            yield Tile(level, index, min(TILE_WIDTH, hashes - index * TILE_WIDTH))
        level, first, hashes = level + 1, first >> TILE_HEIGHT, hashes >> TILE_HEIGHT


def _prune(files: PublicFolder, before: int, size: int) -> None:
    """Remove partial tiles whose full one is out now, or was left by a crash when it came out."""
    level, first, hashes = 0, before, size
    while hashes:
        for index in range(max(first // TILE_WIDTH - 1, 0), hashes // TILE_WIDTH):
            files.remove(f"{Tile(level, index, TILE_WIDTH).path}.p")
            if level == 0:
                files.remove(f"{Bundle(index, TILE_WIDTH).path}.p")
        level, first, hashes = level + 1, first >> TILE_HEIGHT, hashes >> TILE_HEIGHT
