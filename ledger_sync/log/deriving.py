"""Deriving everything anew from leaves and blobs: chains, tree, tiles, roots, manifests, the projection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from pydantic import ValidationError

from ledger_sync.log.findings import Findings, Part, Progress
from ledger_sync.log.manifests import listed
from ledger_sync.log.replaying import Replay
from ledger_sync.log.tree import GrowingTree
from ledger_sync.log.writing import NETWORK, ORIGIN, follow
from orchestra_tools.errors import LedgerFormatError, NoteError, StatementError, TamperedError
from orchestra_tools.importers import parse_json
from orchestra_tools.model.event import LOG_SLOT, LogEvent, Manifest
from orchestra_tools.registry.record import blobs_of, read_leaf
from orchestra_tools.registry.store import Head, Projected, StoredLeaf, StoreReader
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.cosignatures import CosignatureKey
from orchestra_tools.trust.merkle import leaf_hash
from orchestra_tools.trust.notes import VerifierKey, open_note
from orchestra_tools.trust.tiles import TILE_WIDTH, Tile

_REPLAYED: Mapping[str, Part] = {"leaf": "leaf", "blob": "blob", "entry": "entry"}


class Derivation:
    """Goes through the leaves of a store once, in order, and holds what it keeps against what they come to."""

    def __init__(
        self, reader: StoreReader, findings: Findings, *, keys: Sequence[VerifierKey], progress: Progress
    ) -> None:
        """Look at nothing yet.

        Args:
            reader: The store.
            findings: Where to tell what is wrong.
            keys: Those that sign the log, and those that signed it before.
            progress: Called after each few leaves.
        """
        self._reader = reader
        self._findings = findings
        self._keys = keys
        self._progress = progress
        self._tree = GrowingTree()
        self._origin = reader.setting(ORIGIN)
        self._replay = Replay(network=str(reader.setting(NETWORK)), ledger=str(self._origin), blob=reader.blob)
        self._blobs: AbstractSet[str] = frozenset(reader.blobs())
        self.slots: dict[str, Projected] = {}
        self.heads = 0
        self.tiles: list[tuple[Tile, bytes]] = []
        """Tiles that the store has not, or has otherwise."""
        self._log: Projected | None = None

    @property
    def size(self) -> int:
        """Leaves that were gone through."""
        return self._tree.size

    @property
    def root(self) -> bytes:
        """Root over them."""
        return self._tree.root

    @property
    def witnesses(self) -> Sequence[CosignatureKey]:
        """Witness keys that the log has certificates of."""
        return self._replay.witnesses

    def advance(self, size: int) -> None:
        """Go on until `size` leaves were gone through, or there are no more."""
        if size > self.size:
            self._blobs = frozenset(self._reader.blobs())
        while self.size < size:
            stop = min(size, self.size + TILE_WIDTH)
            leaves = self._reader.leaves(self.size, stop)
            heads = {head.size: head for head in self._reader.heads(self.size + 1, stop + 1)}
            if not leaves:
                self._findings.add("leaf", self.size, f"it is missing; there should be {size}")
                return
            for leaf in leaves:
                self._check_leaf(leaf)
                if (head := heads.get(self.size)) is not None:
                    self._check_head(head)
            self._progress("leaves", self.size, size)

    def check_last_tiles(self) -> None:
        """Hold the tiles at the end, which are not full, against the store's."""
        for tile, data in self._tree.partial_tiles():
            self._check_tile(tile, data)

    def check_projection(self, projection: Mapping[str, Projected]) -> None:
        """Hold a projection against the one that the leaves come to."""
        for slot in sorted(self.slots.keys() | projection.keys()):
            expected, found = self.slots.get(slot), projection.get(slot)
            if expected is None:
                self._findings.add("projection", slot, "the log has no such slot")
            elif found is None:
                self._findings.add("projection", slot, f"it is missing; its latest event is leaf {expected.index}")
            elif found != expected:
                fields = [name for name in Projected.__slots__ if getattr(found, name) != getattr(expected, name)]
                self._findings.add("projection", slot, f"it differs from the log in {', '.join(fields)}")

    def _check_leaf(self, leaf: StoredLeaf) -> None:
        index, hashed = self.size, leaf_hash(leaf.data)
        if leaf.index != index:
            self._findings.add("leaf", index, f"leaf {leaf.index} stands in its place")
        if leaf.leaf_hash != hashed:
            self._findings.add("leaf", index, "it is kept with a hash that is not its own")
        try:
            event = read_leaf(leaf.data, index)
        except TamperedError as error:
            self._findings.add("leaf", index, error.problem)
        else:
            if (leaf.slot, leaf.seq) != (event.slot, event.seq):
                self._findings.add("leaf", index, f"it is kept as event {leaf.seq} of {leaf.slot}")
            self._check_event(StoredLeaf(index, event.slot, event.seq, hashed, leaf.data), event)
        for tile, data in self._tree.push(hashed):
            self._check_tile(tile, data)

    def _check_event(self, leaf: StoredLeaf, event: LogEvent) -> None:
        before = self._log if event.slot == LOG_SLOT else self.slots.get(event.slot)
        seq, prev = (0, None) if before is None else (before.seq + 1, before.leaf_hash.hex())
        if event.seq != seq:
            self._findings.add("chain", leaf.index, f"it is event {event.seq} of {event.slot}, and should be {seq}")
        elif event.prev != prev:
            self._findings.add("chain", leaf.index, f"it does not follow the event before it of {event.slot}")
        missing = [sha256 for sha256 in blobs_of(event) if sha256 not in self._blobs]
        for sha256 in missing:
            self._findings.add("blob", sha256, f"it is missing; leaf {leaf.index} names it")
        self._check_replay(leaf.index, event, complete=not missing)
        if event.kind == "manifest":
            self._check_manifest(leaf.index, event)
        latest = follow(before, leaf, event)
        if event.slot == LOG_SLOT:
            self._log = latest
        else:
            self.slots[event.slot] = latest

    def _check_replay(self, index: int, event: LogEvent, *, complete: bool) -> None:
        try:
            self._replay.check(event, index)
        except StatementError as error:
            self._findings.add("statement", index, error.problem)
        except TamperedError as error:
            part = _REPLAYED.get(error.facts["part"], "replay")
            if complete or part != "blob":
                self._findings.add(part, index, error.problem)

    def _check_manifest(self, index: int, event: LogEvent) -> None:
        data = None if event.document_sha256 is None else self._reader.blob(event.document_sha256)
        if data is None:
            self._findings.add("manifest", index, "it is missing")
            return
        try:
            manifest = Manifest.model_validate(parse_json(data, source="manifest"))
        except (LedgerFormatError, ValidationError):
            self._findings.add("manifest", index, "it cannot be read")
            return
        expected = (self._origin, index, event.at_ms)
        if (manifest.ledger, manifest.size, manifest.at_ms) != expected:
            self._findings.add("manifest", index, "it is of another log, size or time")
        for slot in sorted(self.slots.keys() | manifest.entries.keys()):
            latest = self.slots.get(slot)
            if latest is None or manifest.entries.get(slot) != listed(latest):
                self._findings.add("manifest", index, f"what it says of {slot} was not the latest")

    def _check_tile(self, tile: Tile, data: bytes) -> None:
        found = self._reader.tile(tile)
        if found != data:
            self._findings.add("tile", tile.path, "it is missing" if found is None else "it has other hashes")
            self.tiles.append((tile, data))

    def _check_head(self, head: Head) -> None:
        self.heads += 1
        if head.root != self.root:
            self._findings.add("head", head.size, "its root is not that of the leaves")
        try:
            opened = open_note(head.note, self._keys)
            if Checkpoint.parse(opened.note.text) != Checkpoint(self._origin, head.size, head.root):
                self._findings.add("head", head.size, "its note says something else")
        except NoteError as error:
            self._findings.add("signature", head.size, error.problem)
