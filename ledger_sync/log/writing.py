"""Appending to the log: leaves, blobs, tiles, the projection and one signed head, all in one transaction.

    writer = LogWriter(store, signer, clock=clock)
    writer.found(packaged_ledger(), settings={"origin": signer.key.name, "network": "finney"})
    with store.write() as transaction:
        writer.append(transaction, [Draft(kind="schema_change", slot="SN13@1907637", ...)])

A crash leaves all of an append or nothing, so no size ever has two heads. What the leaves may say is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ledger_sync.log import faults
from ledger_sync.log.faults import Reached, pass_by
from ledger_sync.log.manifests import ManifestPolicy, manifest_bytes
from ledger_sync.log.reading import leaves_backwards
from orchestra_tools.errors import ConfigurationError, InputError, LedgerFormatError, NoteError, TamperedError
from orchestra_tools.importers.documents import frame_document
from orchestra_tools.importers.entry_bytes import entry_bytes
from orchestra_tools.model import Ledger
from orchestra_tools.model.event import LOG_SLOT, EventKind, LogEvent
from orchestra_tools.registry.published.log import MAX_BLOB_BYTES
from orchestra_tools.registry.record import read_leaf
from orchestra_tools.registry.store import Head, LedgerStore, Projected, StoredLeaf, StoreReader, StoreWriter
from orchestra_tools.registry.stored import tile_reader
from orchestra_tools.trust import canonicalise, canonicalise_any, sha256_hex
from orchestra_tools.trust.bundles import MAX_ENTRY_BYTES
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.merkle import EMPTY_ROOT, leaf_hash, tree_root
from orchestra_tools.trust.notes import NoteSigner, VerifierKey, open_note, sign_note
from orchestra_tools.trust.tiles import Tile, TileHashes, grow

Blob = bytes | str
"""A document: its bytes, or the SHA-256 (hex) of one that the store has already."""
ORIGIN = "origin"
"""The setting that names the log; it is the name of the key that signs its heads."""
NETWORK = "network"
"""The setting that names the chain whose hotkeys take part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event that is not in the log yet: what its leaf will say, without its place.

    Attributes:
        kind: What happened.
        slot: `SN13@1907637`, or `log`.
        version: Version of the entry from here on; None = as it was.
        entry: The whole entry from here on; None = there is none, or it is withdrawn.
        proposal: The signed proposal.
        verdicts: The signed verdicts that made the quorum.
        evidence: The proposer's evidence.
        document: What else the event is about.
    """

    kind: EventKind
    slot: str
    version: str | None = None
    entry: Blob | None = None
    proposal: Blob | None = None
    verdicts: tuple[Blob, ...] = ()
    evidence: Blob | None = None
    document: Blob | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append came to.

    Attributes:
        indices: Where the drafts stand, in their order.
        head: The head over them. It counts once the transaction is committed.
    """

    indices: range
    head: Head


@dataclass(frozen=True, slots=True)
class _End:
    """Where the log ends: what the next event of each slot follows. The root tells whether it still does."""

    size: int
    root: bytes
    slots: Mapping[str, Projected]
    log: Projected | None


class LogWriter:
    """Appends to the log of a store, and signs its heads. Several may share a store."""

    def __init__(
        self,
        store: LedgerStore,
        signer: NoteSigner,
        *,
        clock: Callable[[], int],
        retired: Sequence[VerifierKey] = (),
        manifests: ManifestPolicy | None = None,
        reached: Reached = pass_by,
    ) -> None:
        """Look at the newest head, and write nothing.

        Args:
            store: Where the log is.
            signer: Signs the heads; its name is the log's origin.
            clock: The time, in milliseconds since the Unix epoch.
            retired: Keys that it took the place of (`trust.rotations`); the newest head may be signed by one of them.
            manifests: When a new manifest is due.
            reached: Told which place was reached; see `faults`.

        Raises:
            ConfigurationError: The log has another origin, or its newest head was signed by other keys.
            NoteError: The newest head does not hold.
        """
        self._store = store
        self._signer = signer
        self._keys = (signer.key, *retired)
        self._origin = signer.key.name
        self._clock = clock
        self._manifests = manifests or ManifestPolicy()
        self._reached = reached
        self._end: _End | None = None
        self._check_signer(store)

    def found(self, ledger: Ledger, *, settings: Mapping[str, Any]) -> Head:
        """Begin the log: a `genesis` leaf for each entry, in the order of their slots, and a manifest.

        Args:
            ledger: What stands at the beginning.
            settings: Settings of the ledger, `origin` among them.

        Raises:
            ConfigurationError: The store has a log, or the origin is not the name of the key.
            LedgerFormatError: An entry of the ledger cannot be read: the log would not vouch for all of it.
        """
        if settings.get(ORIGIN) != self._origin:
            raise ConfigurationError(
                f"the log would be called {settings.get(ORIGIN)!r}, and the key {self._origin!r}",
                remedy="Set `origin` to the name of the key",
            )
        if ledger.unreadable:
            faults_found = [fault for each in ledger.unreadable.values() for fault in each.faults]
            raise LedgerFormatError(
                f"a ledger with unreadable entries ({', '.join(sorted(ledger.unreadable)[:5])}) can begin no log",
                faults_found,
                source="ledger",
            )
        drafts = _frame_of(ledger) + [
            Draft(kind="genesis", slot=str(entry.slot), version=entry.version, entry=entry_bytes(entry))
            for entry in sorted(ledger, key=lambda entry: entry.slot.order)
        ]
        with self._store.write() as writer:
            if writer.head() is not None:
                raise ConfigurationError(
                    f"{self._store.name} has a log already", remedy="Choose another store, or append to this one"
                )
            for name, value in settings.items():
                writer.set_setting(name, value)
            head = self._extend(writer, drafts, with_manifest=True)
            self._reached(faults.COMMITTING)
        self._reached(faults.COMMITTED)
        return head

    def append(self, writer: StoreWriter, drafts: Sequence[Draft]) -> Appended:
        """Add events at the end, within a transaction that is the caller's, under one new head.

        Args:
            writer: The transaction. Commit it to let the events count, raise to drop them.
            drafts: At least one.

        Raises:
            ConfigurationError: Nobody founded the log, or it is not the signer's.
            InputError: An event is too large, or names a blob that is not there.
            TamperedError: The store's tiles do not lead to its newest head; nothing is built on them.
            StoreError: The store cannot be written.
        """
        if not drafts:
            raise ValueError("there is nothing to append")
        if writer.head() is None:
            raise ConfigurationError(f"{self._store.name} has no log yet", remedy="Begin it with its genesis")
        head = self._extend(writer, drafts)
        return Appended(range(head.size - len(drafts), head.size), head)

    def commit(self, drafts: Sequence[Draft]) -> Appended:
        """Add events in a transaction of their own; see `append`."""
        with self._store.write() as writer:
            appended = self.append(writer, drafts)
            self._reached(faults.COMMITTING)
        self._reached(faults.COMMITTED)
        return appended

    def write_manifest(self, writer: StoreWriter) -> Head:
        """Add a manifest of all leaves so far, within a transaction that is the caller's; see `append`."""
        if writer.head() is None:
            raise ConfigurationError(f"{self._store.name} has no log yet", remedy="Begin it with its genesis")
        return self._extend(writer, (), with_manifest=True)

    def renew_manifest(self) -> Head | None:
        """Add a manifest in a transaction of its own, if one is due; its head, or None."""
        if not self._manifests.is_due(self._store, now_ms=self._clock()):
            return None
        with self._store.write() as writer:
            # Another process may have been first.
            if not self._manifests.is_due(writer, now_ms=self._clock()):
                return None
            head = self.write_manifest(writer)
            self._reached(faults.COMMITTING)
        self._reached(faults.COMMITTED)
        return head

    def _extend(self, writer: StoreWriter, drafts: Sequence[Draft], *, with_manifest: bool = False) -> Head:
        end = self._find_end(writer)
        read_tile = tile_reader(writer)
        if tree_root(end.size, TileHashes(end.size, read_tile)) != end.root:
            raise TamperedError(
                f"the tiles of {end.size} leaves do not lead to the root of the newest head",
                remedy="Run `orchestra ledger fsck`, and restore the store from a backup",
                part="tile",
            )
        chain = _Chain(end, self._clock())
        for draft in drafts:
            chain.add(draft)
        if with_manifest:
            chain.add_manifest(self._origin)
        chain.keep_blobs(writer)
        self._reached(faults.BLOBS_KEPT)
        writer.append(chain.leaves)
        self._reached(faults.LEAVES_KEPT)
        grown = grow(end.size, [leaf.leaf_hash for leaf in chain.leaves], read_tile)
        writer.put_tiles(grown)
        self._reached(faults.TILES_KEPT)
        head = self._sign(end.size + len(chain.leaves), lambda tile: grown.get(tile) or read_tile(tile))
        writer.put_head(head)
        self._reached(faults.HEAD_KEPT)
        writer.project([chain.slots[slot] for slot in chain.touched])
        self._reached(faults.PROJECTED)
        self._end = _End(head.size, head.root, chain.slots, chain.log)
        return head

    def _sign(self, size: int, read_tile: Callable[[Tile], bytes]) -> Head:
        root = tree_root(size, TileHashes(size, read_tile))
        note = sign_note(Checkpoint(self._origin, size, root).text, [self._signer])
        return Head(size, root, note.encode())

    def _find_end(self, reader: StoreReader) -> _End:
        """The end that was written last, unless that was undone or another process wrote since: the root tells."""
        head = reader.head()
        size, root = (0, EMPTY_ROOT) if head is None else (head.size, head.root)
        if self._end is None or (self._end.size, self._end.root) != (size, root):
            self._check_signer(reader)
            about_log = (leaf for leaf in leaves_backwards(reader, size) if leaf.slot == LOG_SLOT)
            log = next((follow(None, leaf, read_leaf(leaf.data, leaf.index)) for leaf in about_log), None)
            self._end = _End(size, root, reader.projection(), log)
        return self._end

    def _check_signer(self, reader: StoreReader) -> None:
        head = reader.head()
        if head is None:
            return
        origin = reader.setting(ORIGIN)
        if origin != self._origin:
            raise ConfigurationError(
                f"the log is called {origin!r}, and the key {self._origin!r}",
                remedy="Use the key that signs this log",
            )
        try:
            open_note(head.note, self._keys)
        except NoteError as error:
            if error.facts.get("fact") != "unsigned":
                raise
            raise ConfigurationError(
                f"the newest head of {origin}, of {head.size} leaves, was signed by another key",
                remedy="Use the key that signs this log, or say which key it has replaced",
            ) from error


class _Chain:
    """Events on their way into the log: each follows the one before it of its slot."""

    def __init__(self, end: _End, at_ms: int) -> None:
        self._size = end.size
        self._at_ms = at_ms
        self.slots = dict(end.slots)
        self.log = end.log
        self.touched: dict[str, None] = {}
        self.leaves: list[StoredLeaf] = []
        self._blobs: dict[str, bytes] = {}
        self._named: dict[str, None] = {}

    def add(self, draft: Draft) -> None:
        """Put the next event of a slot at the end."""
        before = self.log if draft.slot == LOG_SLOT else self.slots.get(draft.slot)
        event = LogEvent(
            kind=draft.kind,
            slot=draft.slot,
            seq=0 if before is None else before.seq + 1,
            prev=None if before is None else before.leaf_hash.hex(),
            at_ms=self._at_ms,
            version=draft.version,
            entry_sha256=self._name(draft.entry),
            proposal_sha256=self._name(draft.proposal),
            verdicts=tuple(cast("str", self._name(verdict)) for verdict in draft.verdicts),
            evidence_sha256=self._name(draft.evidence),
            document_sha256=self._name(draft.document),
        )
        data = canonicalise(event.to_json())
        if len(data) > MAX_ENTRY_BYTES:
            raise InputError(
                f"an event of {draft.slot} would take {len(data):,} bytes; a leaf has at most {MAX_ENTRY_BYTES:,}",
                remedy="Name fewer verdicts",
                slot=draft.slot,
            )
        leaf = StoredLeaf(self._size + len(self.leaves), event.slot, event.seq, leaf_hash(data), data)
        self.leaves.append(leaf)
        latest = follow(before, leaf, event)
        if draft.slot == LOG_SLOT:
            self.log = latest
        else:
            self.slots[draft.slot] = latest
            self.touched[draft.slot] = None

    def add_manifest(self, origin: str) -> None:
        """Put a manifest of everything so far at the end."""
        size = self._size + len(self.leaves)
        document = manifest_bytes(self.slots, ledger=origin, size=size, at_ms=self._at_ms)
        self.add(Draft(kind="manifest", slot=LOG_SLOT, document=document))

    def _name(self, blob: Blob | None) -> str | None:
        if blob is None:
            return None
        if isinstance(blob, bytes):
            if len(blob) > MAX_BLOB_BYTES:
                raise InputError(
                    f"a document of {len(blob):,} bytes cannot be kept",
                    remedy=f"Readers take at most {MAX_BLOB_BYTES:,} bytes",
                )
            sha256 = sha256_hex(blob)
            self._blobs[sha256] = blob
            return sha256
        self._named[blob] = None
        return blob

    def keep_blobs(self, writer: StoreWriter) -> None:
        """Keep what the events name; what they name by its digest must be there."""
        writer.put_blobs(self._blobs.values())
        for sha256 in self._named.keys() - writer.read_blobs(self._named).keys():
            raise InputError(f"the store has no document {sha256[:64]}", remedy="Keep it first", sha256=sha256[:64])


def _frame_of(ledger: Ledger) -> list[Draft]:
    """What holds for all entries, as the first leaf; most ledgers have nothing of that kind."""
    if ledger.sandbox is None and not ledger.extra:
        return []
    return [Draft(kind="genesis", slot=LOG_SLOT, document=canonicalise_any(frame_document(ledger))[1])]


def follow(before: Projected | None, leaf: StoredLeaf, event: LogEvent) -> Projected:
    """The latest of a slot once a leaf came after what was its latest before."""
    version = event.version or (before.version if before else "0.0.0")
    return Projected(leaf.slot, leaf.index, leaf.seq, leaf.leaf_hash, version, event.entry_sha256)
