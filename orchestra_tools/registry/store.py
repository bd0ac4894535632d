"""The store: where a ledger's log, blobs, projection and open cases are kept. A port; `memory` and `sql` implement it.

Reading sees what was committed and never waits for a writer. Writing is one transaction at a time, over all processes
that share the store, and all of it or nothing happens:

    with store.write() as writer:
        writer.put_blob(document)
        writer.append(...)

A store keeps, and decides nothing: what may be appended is said by `governance`, how heads are signed by the log's
writer. Blobs are never changed, leaves and heads never taken back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self

from orchestra_tools.model.case import Case, Commitment, Participant
from orchestra_tools.trust.tiles import Tile


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head that was signed: size, root (32 bytes), and the note as it was published, without cosignatures."""

    size: int
    root: bytes
    note: bytes


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """A leaf with what it is looked up by."""

    index: int
    slot: str
    seq: int
    leaf_hash: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Projected:
    """The latest of one slot, as the projection has it."""

    slot: str
    index: int
    seq: int
    leaf_hash: bytes
    version: str
    entry_sha256: str | None
    """None where it is withdrawn."""


class StoreReader(ABC):
    """What can be read. Every method raises StoreError where the store cannot be reached."""

    @abstractmethod
    def head(self) -> Head | None:
        """The largest head; None before the genesis."""

    @abstractmethod
    def head_of(self, size: int) -> Head | None:
        """The head of a certain size, if one was signed."""

    @abstractmethod
    def heads(self, start: int, stop: int) -> Sequence[Head]:
        """Heads by size, [start, stop), as far as there are any."""

    @abstractmethod
    def leaves(self, start: int, stop: int) -> Sequence[StoredLeaf]:
        """Leaves by position, [start, stop), as far as there are any."""

    @abstractmethod
    def history(self, slot: str) -> Sequence[StoredLeaf]:
        """All leaves of a slot, in order."""

    @abstractmethod
    def tile(self, tile: Tile) -> bytes | None:
        """The hashes of a tile, which may be narrower than the widest one kept for its place."""

    @abstractmethod
    def blob(self, sha256: str) -> bytes | None:
        """Bytes by their SHA-256 (hex)."""

    def read_blobs(self, digests: Iterable[str]) -> Mapping[str, bytes]:
        """Several blobs by their SHA-256 (hex), those that are there."""
        found = {sha256: self.blob(sha256) for sha256 in digests}
        return {sha256: data for sha256, data in found.items() if data is not None}

    @abstractmethod
    def blobs(self) -> Sequence[str]:
        """SHA-256 (hex) of every blob, sorted."""

    @abstractmethod
    def projection(self) -> Mapping[str, Projected]:
        """The latest of every slot, by slot."""

    @abstractmethod
    def case(self, case_id: str) -> Case | None:
        """A case by its id."""

    @abstractmethod
    def cases(
        self,
        *,
        state: str | None = None,
        slot: str | None = None,
        fingerprint: str | None = None,
        hotkey: str | None = None,
    ) -> Sequence[Case]:
        """Cases that fit all conditions given, in the order they were opened."""

    @abstractmethod
    def commitment(self, digest: str) -> Commitment | None:
        """The first commitment of a digest."""

    @abstractmethod
    def commitments(self, *, hotkey: str | None = None, since_ms: int = 0) -> Sequence[Commitment]:
        """Commitments by number, or those of one hotkey since a time."""

    @abstractmethod
    def participants(self) -> Mapping[str, Participant]:
        """Who is registered now, by hotkey."""

    @abstractmethod
    def setting(self, name: str) -> Any:
        """A setting of the ledger, a JSON value; None where it is not set."""

    @abstractmethod
    def cosignatures(self, size: int) -> Mapping[str, str]:
        """The newest cosignature line of each witness under the head of a size, by the witness's name."""


class StoreWriter(StoreReader):
    """One transaction. It reads what it wrote."""

    @abstractmethod
    def put_blob(self, data: bytes) -> str:
        """Keep bytes; their SHA-256, hex. Keeping them again does nothing."""

    def put_blobs(self, blobs: Iterable[bytes]) -> Sequence[str]:
        """Keep several, as `put_blob` does; their SHA-256, hex, in their order."""
        return [self.put_blob(data) for data in blobs]

    @abstractmethod
    def append(self, leaves: Sequence[StoredLeaf]) -> None:
        """Add leaves at the end.

        Raises:
            StoreError: A position, or a slot's `seq`, is taken already.
        """

    @abstractmethod
    def put_tiles(self, tiles: Mapping[Tile, bytes]) -> None:
        """Keep tiles; a wider one takes the place of a narrower."""

    @abstractmethod
    def put_head(self, head: Head) -> None:
        """Keep a head.

        Raises:
            StoreError: There is another head of that size.
        """

    @abstractmethod
    def put_cosignatures(self, size: int, lines: Mapping[str, str]) -> None:
        """Keep cosignature lines under the head of a size, in place of older ones of the same witness."""

    @abstractmethod
    def project(self, entries: Sequence[Projected]) -> None:
        """Set the latest of some slots."""

    @abstractmethod
    def clear_projection(self) -> None:
        """Forget the projection, to derive it anew."""

    @abstractmethod
    def put_case(self, case: Case) -> None:
        """Add a case, or set one that is there."""

    @abstractmethod
    def add_commitment(self, *, hotkey: str, digest: str, at_ms: int) -> Commitment:
        """Add a commitment at the end."""

    @abstractmethod
    def use_nonce(self, hotkey: str, nonce: str) -> bool:
        """Remember a nonce of a hotkey; False where it was used before."""

    @abstractmethod
    def set_participants(self, participants: Sequence[Participant]) -> None:
        """Set who is registered, in place of all before."""

    @abstractmethod
    def set_setting(self, name: str, value: Any) -> None:
        """Set a setting of the ledger."""


class LedgerStore(StoreReader):
    """A store, open. Close it, or use it as a context manager."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call it, for people: a URL without its password."""

    @property
    def far(self) -> bool:
        """Whether looking asks another machine."""
        return False

    def check(self) -> None:
        """Look whether it is there, and can be read by this program.

        Raises:
            ConfigurationError: It is not there.
            StoreError: It cannot be reached, is something else, or of another version of this program.
        """

    @abstractmethod
    def write(self) -> AbstractContextManager[StoreWriter]:
        """One transaction: committed durably at the end of the block, undone where the block raises.

        Raises:
            StoreError: The store cannot be reached, or another writer held it too long.
        """

    @abstractmethod
    def close(self) -> None:
        """Close it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
