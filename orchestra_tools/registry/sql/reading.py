"""Reading a stored ledger: the same statements for whoever sees the last commit, and for a writer in its transaction.

Each method is one statement, so what it returns was so at one moment.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection, Executable, Select, exc, select

from orchestra_tools.errors import StoreError
from orchestra_tools.model.base import Value
from orchestra_tools.model.case import Case, Commitment, Participant
from orchestra_tools.registry.checked import MAX_NUMBER
from orchestra_tools.registry.sql import tables
from orchestra_tools.registry.sql.failures import Failures
from orchestra_tools.registry.store import Head, Projected, StoredLeaf, StoreReader
from orchestra_tools.trust.tiles import Tile

_HASH_BYTES = 32
_BLOBS_AT_ONCE = 500  # SQLite takes 32,766 parameters at most
V = TypeVar("V", bound=Value)

_HEADS = select(tables.heads.c.size, tables.heads.c.root, tables.heads.c.note)
_LEAVES = select(
    tables.leaves.c.leaf_index,
    tables.leaves.c.slot,
    tables.leaves.c.seq,
    tables.leaves.c.leaf_hash,
    tables.leaves.c.data,
)
_COMMITMENTS = select(
    tables.commitments.c.number, tables.commitments.c.hotkey, tables.commitments.c.digest, tables.commitments.c.at_ms
).order_by(tables.commitments.c.number)


class SqlReader(StoreReader):
    """All reading, on top of one method that runs a query."""

    @abstractmethod
    def _fetch(self, query: Executable, *numbers: int) -> Sequence[tuple[Any, ...]]:
        """The rows of a query; none where a number in it is more than a database can keep, or a text is."""

    def head(self) -> Head | None:
        rows = self._fetch(_HEADS.order_by(tables.heads.c.size.desc()).limit(1))
        return Head(*rows[0]) if rows else None

    def head_of(self, size: int) -> Head | None:
        rows = self._fetch(_HEADS.where(tables.heads.c.size == size), size)
        return Head(*rows[0]) if rows else None

    def heads(self, start: int, stop: int) -> Sequence[Head]:
        size = tables.heads.c.size
        start, stop = max(start, 0), min(stop, MAX_NUMBER)
        if start >= stop:
            return []
        query = _HEADS.where(size >= start, size < stop).order_by(size)
        return [Head(*row) for row in self._fetch(query)]

    def leaves(self, start: int, stop: int) -> Sequence[StoredLeaf]:
        index = tables.leaves.c.leaf_index
        start, stop = max(start, 0), min(stop, MAX_NUMBER)
        if start >= stop:
            return []
        query = _LEAVES.where(index >= start, index < stop).order_by(index)
        return [StoredLeaf(*row) for row in self._fetch(query)]

    def history(self, slot: str) -> Sequence[StoredLeaf]:
        query = _LEAVES.where(tables.leaves.c.slot == slot).order_by(tables.leaves.c.leaf_index)
        return [StoredLeaf(*row) for row in self._fetch(query)]

    def tile(self, tile: Tile) -> bytes | None:
        kept = tables.tiles.c
        query = select(kept.data).where(
            kept.level == tile.level, kept.tile_index == tile.index, kept.width >= tile.width
        )
        rows = self._fetch(query, *tile)
        return rows[0][0][: tile.width * _HASH_BYTES] if rows else None

    def blob(self, sha256: str) -> bytes | None:
        return self.read_blobs([sha256]).get(sha256)

    def read_blobs(self, digests: Iterable[str]) -> Mapping[str, bytes]:
        return dict(self._fetch_blobs(select(tables.blobs.c.sha256, tables.blobs.c.data), digests))

    def blobs(self) -> Sequence[str]:
        # Sorted here: a database may sort texts as its language does.
        return sorted(sha256 for (sha256,) in self._fetch(select(tables.blobs.c.sha256)))

    def _fetch_blobs(self, query: Select[*tuple[Any, ...]], digests: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """The rows of a query on blobs, of those with some digests."""
        wanted = list(digests)
        for at in range(0, len(wanted), _BLOBS_AT_ONCE):
            yield from self._fetch(query.where(tables.blobs.c.sha256.in_(wanted[at : at + _BLOBS_AT_ONCE])))

    def projection(self) -> Mapping[str, Projected]:
        kept = tables.projection.c
        query = select(kept.slot, kept.leaf_index, kept.seq, kept.leaf_hash, kept.version, kept.entry_sha256)
        return {row[0]: Projected(*row) for row in self._fetch(query)}

    def case(self, case_id: str) -> Case | None:
        rows = self._fetch(select(tables.cases.c.document).where(tables.cases.c.id == case_id))
        return _read(Case, rows[0][0]) if rows else None

    def cases(
        self,
        *,
        state: str | None = None,
        slot: str | None = None,
        fingerprint: str | None = None,
        hotkey: str | None = None,
    ) -> Sequence[Case]:
        wanted = {"state": state, "slot": slot, "fingerprint": fingerprint, "hotkey": hotkey}
        conditions = [tables.cases.c[name] == value for name, value in wanted.items() if value is not None]
        query = select(tables.cases.c.document).where(*conditions).order_by(tables.cases.c.number)
        return [_read(Case, document) for (document,) in self._fetch(query)]

    def commitment(self, digest: str) -> Commitment | None:
        rows = self._fetch(_COMMITMENTS.where(tables.commitments.c.digest == digest).limit(1))
        return _commitment(rows[0]) if rows else None

    def commitments(self, *, hotkey: str | None = None, since_ms: int = 0) -> Sequence[Commitment]:
        query = _COMMITMENTS.where(tables.commitments.c.at_ms >= since_ms)
        if hotkey is not None:
            query = query.where(tables.commitments.c.hotkey == hotkey)
        return [_commitment(row) for row in self._fetch(query, since_ms)]

    def participants(self) -> Mapping[str, Participant]:
        kept = tables.participants.c
        query = select(kept.hotkey, kept.document)
        return {hotkey: _read(Participant, document) for hotkey, document in self._fetch(query)}

    def setting(self, name: str) -> Any:
        rows = self._fetch(select(tables.settings.c.value).where(tables.settings.c.name == name))
        return json.loads(rows[0][0]) if rows else None

    def cosignatures(self, size: int) -> Mapping[str, str]:
        kept = tables.cosignatures.c
        query = select(kept.witness, kept.line).where(kept.size == size)
        return {row[0]: row[1] for row in self._fetch(query, size)}


def fetch(
    connection: Connection, query: Executable, numbers: Sequence[int], failures: Failures
) -> Sequence[tuple[Any, ...]]:
    """The rows of a query; none where a number in it is more than a database can keep, or a text is.

    The server must not be asked then: an error of its own would undo the transaction. Texts a driver refuses by itself.
    """
    if any(abs(number) > MAX_NUMBER for number in numbers):
        return []
    with failures.told():
        try:
            return [tuple(row) for row in connection.execute(query)]
        except (UnicodeEncodeError, exc.DataError):
            return []


def _commitment(row: tuple[Any, ...]) -> Commitment:
    number, hotkey, digest, at_ms = row
    return Commitment(number=number, hotkey=hotkey, digest=digest, at_ms=at_ms)


def _read(kind: type[V], document: str) -> V:
    try:
        return kind.model_validate_json(document)
    except ValidationError as error:
        raise StoreError(
            f"a {kind.__name__.lower()} of the store cannot be read",
            remedy="Restore the store from a backup",
            reason="damaged",
        ) from error
