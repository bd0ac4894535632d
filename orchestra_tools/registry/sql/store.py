"""A ledger stored in a database.

Readers have connections of their own and see the last commit. One writer at a time has a transaction, over all threads
and processes; it is durable once `write` has returned.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

from sqlalchemy import Connection, Executable, exc

from orchestra_tools.errors import ConfigurationError, StoreError
from orchestra_tools.registry.sql.engines import begin_writing, create_file, find_place, make_engine, set_journal
from orchestra_tools.registry.sql.failures import Failures
from orchestra_tools.registry.sql.reading import SqlReader, fetch
from orchestra_tools.registry.sql.revisions import check_revision, find_revision, is_current
from orchestra_tools.registry.sql.tables import REVISION
from orchestra_tools.registry.sql.writing import SqlWriter
from orchestra_tools.registry.store import LedgerStore, StoreWriter
from orchestra_tools.registry.transactions import DEFAULT_WAIT_S, Transaction, Turns


class SqlStore(SqlReader, LedgerStore):
    """A ledger in SQLite or PostgreSQL. Threads may share it."""

    def __init__(self, where: str, *, read_only: bool = False, wait_s: float = DEFAULT_WAIT_S) -> None:
        """Connect to nothing yet; see `open` and `check`.

        Args:
            where: URL, or path of a SQLite file.
            read_only: Whether it is only read: then nothing is made or brought up to date.
            wait_s: How long a writer waits for its turn.

        Raises:
            ConfigurationError: It names no database.
        """
        self._place = find_place(where)
        self._read_only = read_only
        self._wait_s = wait_s
        self._failures = Failures(self.name, self._place.password, wait_s)
        self._turns = Turns(self.name, wait_s=wait_s)
        self._closed = False
        self._engine = make_engine(self._place, read_only=read_only, wait_s=wait_s)
        # Where readers need no transaction, none is begun.
        self._readers = self._engine.execution_options(
            **({} if self._place.path is not None else {"isolation_level": "AUTOCOMMIT"})
        )
        self._end = weakref.finalize(self, self._engine.dispose)

    @classmethod
    def open(cls, where: str, *, wait_s: float = DEFAULT_WAIT_S) -> Self:
        """Open a store to write to: it is made where there is none, and an older one is brought up to date.

        Raises:
            ConfigurationError: `where` names no database.
            StoreError: It cannot be reached or made, or is of a newer version of this program.
        """
        store = cls(where, wait_s=wait_s)
        try:
            with store._failures.told():
                store._make()
        except BaseException:
            store.close()
            raise
        return store

    @property
    def name(self) -> str:
        return self._place.name

    @property
    def far(self) -> bool:
        return self._place.path is None

    def check(self) -> None:
        path = self._place.path
        if path is not None and not path.is_file():
            raise ConfigurationError(f"there is no ledger {path}", remedy="Check the path; reading makes no ledger")
        self._check_usable()
        with self._failures.told(), self._readers.connect() as connection:
            check_revision(connection, self.name)

    @contextmanager
    def write(self) -> Iterator[StoreWriter]:
        if self._read_only:
            raise StoreError(f"{self.name} was opened to be read", remedy="Use open_store", reason="read_only")
        self._check_usable()
        with self._turns.taken(), self._begun() as connection:
            transaction = Transaction()
            try:
                yield SqlWriter(connection, transaction, self._failures)
                transaction.check_whole()
            finally:
                transaction.end()
            self._commit(connection)

    def close(self) -> None:
        self._closed = True
        self._end()

    def _fetch(self, query: Executable, *numbers: int) -> Sequence[tuple[Any, ...]]:
        self._check_usable()
        with self._failures.told(), self._readers.connect() as connection:
            return fetch(connection, query, numbers, self._failures)

    def _make(self) -> None:
        path = self._place.path
        if path is not None:
            create_file(path, wait_s=self._wait_s)
        with self._readers.connect() as connection:
            current = find_revision(connection) == REVISION
        if not current:
            # Alembic takes longer to start than all else; mostly there is nothing for it to do.
            from orchestra_tools.registry.sql.migrating import migrate

            migrate(self._engine, self.name, wait_s=self._wait_s)
        if path is not None and set_journal(path, wait_s=self._wait_s) != "wal":
            raise StoreError(
                f"{self.name} lies where readers and writers would wait for each other",
                remedy="Keep it on a disk of this machine, or use PostgreSQL",
                reason="disk",
                store=self.name,
            )

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """A connection in a transaction, which is undone where nobody commits it."""
        with self._failures.told():
            connection = self._engine.connect()
        try:
            with self._failures.told():
                begin_writing(connection, wait_s=self._wait_s)
                if not is_current(connection):
                    # Another program has brought it up to date since it was opened.
                    check_revision(connection, self.name)
            yield connection
        finally:
            with suppress(exc.SQLAlchemyError):
                connection.close()

    def _commit(self, connection: Connection) -> None:
        try:
            connection.commit()
        except exc.SQLAlchemyError as error:
            if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
                raise StoreError(
                    f"the connection to {self.name} was lost while a change was committed: it may have been kept",
                    remedy="Look at what is there before you try again",
                    reason="unknown",
                    store=self.name,
                ) from error
            raise self._failures.explain(error) from error

    def _check_usable(self) -> None:
        if self._closed:
            raise StoreError(f"{self.name} was closed", reason="closed", store=self.name)
