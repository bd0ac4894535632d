"""Writing to a stored ledger: one transaction, whose connection has the writers' lock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Executable, Table, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from orchestra_tools.model.base import Value
from orchestra_tools.model.case import Case, Commitment, Participant
from orchestra_tools.registry.checked import CheckedWriter
from orchestra_tools.registry.sql import tables
from orchestra_tools.registry.sql.failures import Failures
from orchestra_tools.registry.sql.reading import SqlReader, fetch
from orchestra_tools.registry.store import Head, Projected, StoredLeaf
from orchestra_tools.registry.transactions import Transaction

_Rows = Sequence[Mapping[str, Any]]


class SqlWriter(SqlReader, CheckedWriter):
    """A writer. Whoever made it commits or undoes what it did."""

    def __init__(self, connection: Connection, transaction: Transaction, failures: Failures) -> None:
        super().__init__(transaction)
        self._connection = connection
        self._failures = failures

    def _fetch(self, query: Executable, *numbers: int) -> Sequence[tuple[Any, ...]]:
        self._transaction.check_open()
        return fetch(self._connection, query, numbers, self._failures)

    def _run(self, statement: Executable, rows: _Rows | None = None) -> int:
        """How many rows it changed."""
        with self._failures.told():
            return self._connection.execute(statement, rows).rowcount

    def _next_index(self) -> int:
        return self._following(tables.leaves.c.leaf_index)

    def _known_blobs(self, digests: Iterable[str]) -> Collection[str]:
        return [sha256 for (sha256,) in self._fetch_blobs(select(tables.blobs.c.sha256), digests)]

    def _add_blobs(self, blobs: Mapping[str, bytes]) -> None:
        self._run(insert(tables.blobs), [{"sha256": sha256, "data": data} for sha256, data in blobs.items()])

    def _add_leaves(self, leaves: Sequence[StoredLeaf]) -> None:
        rows = [
            {
                "leaf_index": leaf.index,
                "slot": leaf.slot,
                "seq": leaf.seq,
                "leaf_hash": leaf.leaf_hash,
                "data": leaf.data,
            }
            for leaf in leaves
        ]
        self._run(insert(tables.leaves), rows)

    def _set_tiles(self, tiles: Mapping[tuple[int, int], tuple[int, bytes]]) -> None:
        rows = [
            {"level": level, "tile_index": index, "width": width, "data": data}
            for (level, index), (width, data) in tiles.items()
        ]
        self._upsert(tables.tiles, rows, unless_smaller=tables.tiles.c.width)

    def _add_head(self, head: Head) -> None:
        self._run(insert(tables.heads), [{"size": head.size, "root": head.root, "note": head.note}])

    def _set_cosignatures(self, size: int, lines: Mapping[str, str]) -> None:
        rows = [{"size": size, "witness": witness, "line": line} for witness, line in lines.items()]
        self._upsert(tables.cosignatures, rows)

    def _set_projection(self, entries: Mapping[str, Projected]) -> None:
        rows = [
            {
                "slot": each.slot,
                "leaf_index": each.index,
                "seq": each.seq,
                "leaf_hash": each.leaf_hash,
                "version": each.version,
                "entry_sha256": each.entry_sha256,
            }
            for each in entries.values()
        ]
        self._upsert(tables.projection, rows)

    def _drop_projection(self) -> None:
        self._run(delete(tables.projection))

    def _set_case(self, case: Case) -> None:
        row = {
            "id": case.id,
            "state": case.state,
            "slot": case.slot,
            "fingerprint": case.fingerprint,
            "hotkey": case.hotkey,
            "document": _document(case),
        }
        if not self._run(update(tables.cases).where(tables.cases.c.id == case.id).values(row)):
            self._run(insert(tables.cases), [{**row, "number": self._following(tables.cases.c.number)}])

    def _add_commitment(self, hotkey: str, digest: str, at_ms: int) -> Commitment:
        number = self._following(tables.commitments.c.number)
        row = {"number": number, "hotkey": hotkey, "digest": digest, "at_ms": at_ms}
        self._run(insert(tables.commitments), [row])
        return Commitment(number=number, hotkey=hotkey, digest=digest, at_ms=at_ms)

    def _add_nonce(self, hotkey: str, nonce: str) -> bool:
        used = tables.nonces.c
        if self._fetch(select(used.nonce).where(used.hotkey == hotkey, used.nonce == nonce)):
            return False
        self._run(insert(tables.nonces), [{"hotkey": hotkey, "nonce": nonce}])
        return True

    def _replace_participants(self, participants: Mapping[str, Participant]) -> None:
        self._run(delete(tables.participants))
        if participants:
            rows = [{"hotkey": hotkey, "document": _document(each)} for hotkey, each in participants.items()]
            self._run(insert(tables.participants), rows)

    def _set_setting(self, name: str, text: str) -> None:
        self._upsert(tables.settings, [{"name": name, "value": text}])

    def _following(self, number: ColumnElement[int]) -> int:
        """The next number of a column that counts: nobody else writes meanwhile."""
        ((last,),) = self._fetch(select(func.max(number)))
        return 0 if last is None else last + 1

    def _upsert(self, table: Table, rows: _Rows, *, unless_smaller: Column[int] | None = None) -> None:
        """Insert rows, in place of those of the same key."""
        make = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = make(table)
        new = statement.excluded
        condition = None if unless_smaller is None else new[unless_smaller.name] >= unless_smaller
        keys = [column.name for column in table.primary_key]
        replaced = {column.name: new[column.name] for column in table.columns if column.name not in keys}
        self._run(statement.on_conflict_do_update(index_elements=keys, set_=replaced, where=condition), rows)


def _document(value: Value) -> str:
    return value.model_dump_json(by_alias=True, exclude_unset=True)
