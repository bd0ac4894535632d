"""A store in memory: for tests, and for ledgers that need not outlive their program.

What was committed is one value that nobody changes; a writer works on a copy, and committing puts it in its place. So
readers wait for nobody, and a transaction costs the more the more the store holds.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from orchestra_tools.errors import StoreError
from orchestra_tools.model.case import Case, Commitment, Participant
from orchestra_tools.registry.checked import CheckedWriter, seq_taken
from orchestra_tools.registry.places import MEMORY
from orchestra_tools.registry.store import Head, LedgerStore, Projected, StoredLeaf, StoreReader, StoreWriter
from orchestra_tools.registry.transactions import DEFAULT_WAIT_S, Transaction, Turns
from orchestra_tools.trust.tiles import Tile

_HASH_BYTES = 32


@dataclass(slots=True)
class _Contents:
    """All that a store holds."""

    leaves: list[StoredLeaf] = field(default_factory=list)
    histories: dict[str, dict[int, StoredLeaf]] = field(default_factory=dict)
    """Leaves by slot and `seq`."""
    heads: dict[int, Head] = field(default_factory=dict)
    newest: Head | None = None
    tiles: dict[tuple[int, int], tuple[int, bytes]] = field(default_factory=dict)
    cosignatures: dict[int, dict[str, str]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    projection: dict[str, Projected] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    commitments: list[Commitment] = field(default_factory=list)
    nonces: set[tuple[str, str]] = field(default_factory=set)
    participants: dict[str, Participant] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    """JSON texts, which nobody can change by the values read from them."""

    def copy(self) -> _Contents:
        """The same contents, to be changed: what is inside of what is copied here is replaced, never changed."""
        return replace(
            self,
            leaves=self.leaves.copy(),
            histories=self.histories.copy(),
            heads=self.heads.copy(),
            tiles=self.tiles.copy(),
            cosignatures=self.cosignatures.copy(),
            blobs=self.blobs.copy(),
            projection=self.projection.copy(),
            cases=self.cases.copy(),
            commitments=self.commitments.copy(),
            nonces=self.nonces.copy(),
            settings=self.settings.copy(),
        )


class _MemoryReader(StoreReader):
    """All reading, of the contents at one moment."""

    @abstractmethod
    def _read(self) -> _Contents:
        """What there is to read now."""

    def head(self) -> Head | None:
        return self._read().newest

    def head_of(self, size: int) -> Head | None:
        return self._read().heads.get(size)

    def heads(self, start: int, stop: int) -> Sequence[Head]:
        heads = self._read().heads
        return [heads[size] for size in sorted(heads) if start <= size < stop]

    def leaves(self, start: int, stop: int) -> Sequence[StoredLeaf]:
        return self._read().leaves[max(start, 0) : max(stop, 0)]

    def history(self, slot: str) -> Sequence[StoredLeaf]:
        return sorted(self._read().histories.get(slot, {}).values(), key=lambda leaf: leaf.index)

    def tile(self, tile: Tile) -> bytes | None:
        width, data = self._read().tiles.get((tile.level, tile.index), (0, b""))
        return data[: tile.width * _HASH_BYTES] if 0 < tile.width <= width else None

    def blob(self, sha256: str) -> bytes | None:
        return self._read().blobs.get(sha256)

    def blobs(self) -> Sequence[str]:
        return sorted(self._read().blobs)

    def projection(self) -> Mapping[str, Projected]:
        return dict(self._read().projection)

    def case(self, case_id: str) -> Case | None:
        return self._read().cases.get(case_id)

    def cases(
        self,
        *,
        state: str | None = None,
        slot: str | None = None,
        fingerprint: str | None = None,
        hotkey: str | None = None,
    ) -> Sequence[Case]:
        wanted = (state, slot, fingerprint, hotkey)
        return [
            case
            for case in self._read().cases.values()
            if all(
                value in (None, found)
                for value, found in zip(wanted, (case.state, case.slot, case.fingerprint, case.hotkey), strict=True)
            )
        ]

    def commitment(self, digest: str) -> Commitment | None:
        return next((each for each in self._read().commitments if each.digest == digest), None)

    def commitments(self, *, hotkey: str | None = None, since_ms: int = 0) -> Sequence[Commitment]:
        return [each for each in self._read().commitments if hotkey in (None, each.hotkey) and each.at_ms >= since_ms]

    def participants(self) -> Mapping[str, Participant]:
        return dict(self._read().participants)

    def setting(self, name: str) -> Any:
        text = self._read().settings.get(name)
        return None if text is None else json.loads(text)

    def cosignatures(self, size: int) -> Mapping[str, str]:
        return dict(self._read().cosignatures.get(size, {}))


class MemoryStore(_MemoryReader, LedgerStore):
    """A store in memory. Threads may share it."""

    def __init__(self, *, wait_s: float = DEFAULT_WAIT_S) -> None:
        """Begin with nothing.

        Args:
            wait_s: How long a writer waits for its turn.
        """
        self._contents = _Contents()
        self._turns = Turns(self.name, wait_s=wait_s)
        self._closed = False

    @property
    def name(self) -> str:
        return MEMORY

    @contextmanager
    def write(self) -> Iterator[StoreWriter]:
        with self._turns.taken():
            transaction = Transaction()
            writer = _MemoryWriter(self._read().copy(), transaction)
            try:
                yield writer
                transaction.check_whole()
                self._contents = writer.draft
            finally:
                transaction.end()

    def close(self) -> None:
        self._closed = True

    def _read(self) -> _Contents:
        if self._closed:
            raise StoreError(f"{self.name} was closed", reason="closed")
        return self._contents


class _MemoryWriter(_MemoryReader, CheckedWriter):
    def __init__(self, draft: _Contents, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.draft = draft

    def _read(self) -> _Contents:
        self._transaction.check_open()
        return self.draft

    def _next_index(self) -> int:
        return len(self.draft.leaves)

    def _known_blobs(self, digests: Iterable[str]) -> Collection[str]:
        return [sha256 for sha256 in digests if sha256 in self.draft.blobs]

    def _add_blobs(self, blobs: Mapping[str, bytes]) -> None:
        self.draft.blobs |= {sha256: bytes(data) for sha256, data in blobs.items()}

    def _add_leaves(self, leaves: Sequence[StoredLeaf]) -> None:
        grown = {slot: dict(self.draft.histories.get(slot, {})) for slot in {leaf.slot for leaf in leaves}}
        for leaf in leaves:
            if leaf.seq in grown[leaf.slot]:
                raise seq_taken(leaf.slot, leaf.seq)
            grown[leaf.slot][leaf.seq] = leaf
        self.draft.histories |= grown
        self.draft.leaves.extend(leaves)

    def _set_tiles(self, tiles: Mapping[tuple[int, int], tuple[int, bytes]]) -> None:
        for place, (width, data) in tiles.items():
            if self.draft.tiles.get(place, (0, b""))[0] <= width:
                self.draft.tiles[place] = (width, data)

    def _add_head(self, head: Head) -> None:
        self.draft.heads[head.size] = head
        if self.draft.newest is None or head.size > self.draft.newest.size:
            self.draft.newest = head

    def _set_cosignatures(self, size: int, lines: Mapping[str, str]) -> None:
        self.draft.cosignatures[size] = self.draft.cosignatures.get(size, {}) | dict(lines)

    def _set_projection(self, entries: Mapping[str, Projected]) -> None:
        self.draft.projection.update(entries)

    def _drop_projection(self) -> None:
        self.draft.projection.clear()

    def _set_case(self, case: Case) -> None:
        self.draft.cases[case.id] = case

    def _add_commitment(self, hotkey: str, digest: str, at_ms: int) -> Commitment:
        commitment = Commitment(number=len(self.draft.commitments), hotkey=hotkey, digest=digest, at_ms=at_ms)
        self.draft.commitments.append(commitment)
        return commitment

    def _add_nonce(self, hotkey: str, nonce: str) -> bool:
        if (hotkey, nonce) in self.draft.nonces:
            return False
        self.draft.nonces.add((hotkey, nonce))
        return True

    def _replace_participants(self, participants: Mapping[str, Participant]) -> None:
        self.draft.participants = dict(participants)

    def _set_setting(self, name: str, text: str) -> None:
        self.draft.settings[name] = text
