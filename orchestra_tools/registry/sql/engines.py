"""From a URL to a database: which one it means, how connections are made, how a writer gets its turn.

sqlite:///ledger.sqlite        relative; four slashes for an absolute path; a plain path means the same
postgresql://user:password@host/database?sslmode=require
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, exc, make_url, text

from orchestra_tools.errors import ConfigurationError
from orchestra_tools.extras import missing_extra
from orchestra_tools.registry.places import is_path

_FORMS = "Use sqlite:///ledger.sqlite or postgresql://user:password@host/database"
_SQLITE = ("sqlite", "sqlite+pysqlite")
_POSTGRESQL = ("postgresql", "postgresql+psycopg", "postgres")
_CONNECT_TIMEOUT_S = 10
_RETRY_S = 0.01
_SILENT_WRITER_MS = 60_000  # a writer that is heard no more loses its turn
_AS_IT_IS = "ro&immutable=1"
_LOCK = 0x6F72_6368_6573_7472  # "orchestr": advisory locks have numbers for names


@dataclass(frozen=True, slots=True)
class Place:
    """A database.

    Attributes:
        url: Its URL, with the password.
        path: Its file; None where a server has it.
    """

    url: URL
    path: Path | None

    @property
    def password(self) -> str | None:
        """What must never be shown."""
        return self.url.password

    @property
    def name(self) -> str:
        """The URL without password and options, for people."""
        if self.path is not None:
            return f"sqlite:///{self.path}"
        url = self.url
        return URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()


def find_place(where: str) -> Place:
    """The database that a URL or a path means.

    Raises:
        ConfigurationError: It means none.
    """
    if is_path(where):
        return _sqlite_place(where)
    try:
        url = make_url(where)
    except (exc.ArgumentError, ValueError):
        # Not chained: the message may quote the password.
        raise ConfigurationError("the URL of the store cannot be read", remedy=_FORMS) from None
    if url.drivername in _POSTGRESQL:
        if isinstance(password := url.query.get("password"), str):
            # Options are shown; what stands in the place for passwords is not.
            url = url.set(password=password).difference_update_query(["password"])
        return Place(url.set(drivername="postgresql+psycopg"), None)
    if url.drivername not in _SQLITE:
        raise ConfigurationError(f"a ledger cannot be stored in {url.drivername[:40]}", remedy=_FORMS)
    if url.host or not url.database or url.database == ":memory:" or url.query:
        raise ConfigurationError("a SQLite URL names a file, and nothing else", remedy=_FORMS)
    return _sqlite_place(url.database)


def _sqlite_place(path: str) -> Place:
    try:
        file = Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise ConfigurationError(f"the path {path[:120]!r} names a user without a home") from error
    return Place(URL.create("sqlite", database=str(file)), file)


def make_engine(place: Place, *, read_only: bool, wait_s: float) -> Engine:
    """Connections to a database, none of which is made yet. A SQLite file must be there: see `create_file`."""
    if place.path is not None:
        return _sqlite_engine(place, place.path, read_only=read_only, wait_s=wait_s)
    given = {"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "orchestra-tools"}
    try:
        return create_engine(
            place.url,
            connect_args={name: value for name, value in given.items() if name not in place.url.query},
            hide_parameters=True,
            max_overflow=15,
            pool_pre_ping=True,
            pool_timeout=wait_s,
            use_native_hstore=False,
        )
    except ImportError as error:
        raise missing_extra("orchestra_tools.registry.sql", "server", error) from error


def create_file(path: Path, *, wait_s: float) -> None:
    """Make an empty SQLite file where there is none.

    Raises:
        sqlite3.Error: It cannot be made.
    """
    _connect(path, "rwc", wait_s).close()


def set_journal(path: Path, *, wait_s: float) -> str:
    """Let readers and writers of a SQLite file not wait for each other; the journal mode it has now.

    Raises:
        sqlite3.Error: It cannot be done.
    """
    ends_s = time.monotonic() + wait_s
    while True:
        try:
            with closing(_connect(path, "rw", wait_s)) as connection:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return str(mode)
        except sqlite3.OperationalError as error:
            # Where others open the file at the same moment, SQLite gives up at once instead of waiting.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends_s:
                raise
        time.sleep(_RETRY_S)


def begin_writing(connection: Connection, *, wait_s: float) -> None:
    """Begin a transaction as the only writer, over all processes.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The turn did not come in time.
    """
    if connection.dialect.name == "sqlite":
        # With a plain BEGIN two writers would both read, and the second could not write on what it has read.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    # READ COMMITTED, the default, is meant: each statement sees what the writer before has committed. At REPEATABLE
    # READ the snapshot would be taken before the lock is granted, and would miss it.
    connection.execute(
        text(
            "SELECT set_config('lock_timeout', :lock_ms, true),"
            " set_config('idle_in_transaction_session_timeout', :idle_ms, true),"
            " CASE current_setting('synchronous_commit')"
            " WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END"
        ),
        {"lock_ms": str(int(wait_s * 1000)), "idle_ms": str(_SILENT_WRITER_MS)},
    )
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _sqlite_engine(place: Place, path: Path, *, read_only: bool, wait_s: float) -> Engine:
    engine = create_engine(
        place.url,
        creator=lambda: _connect(path, _reading_mode(path) if read_only else "rw", wait_s, read_only=read_only),
        hide_parameters=True,
        max_overflow=-1,
        poolclass=QueuePool,
    )

    @event.listens_for(engine, "connect")
    def _remember(_: Any, record: Any) -> None:
        record.info["file"] = _identity(path, read_only=read_only)

    @event.listens_for(engine, "checkout")
    def _compare(_: Any, record: Any, __: Any) -> None:
        # What is written to a file that was removed or replaced would be lost.
        if record.info["file"] != _identity(path, read_only=read_only):
            raise exc.DisconnectionError

    return engine


def _connect(path: Path, mode: str, wait_s: float, *, read_only: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=wait_s,
        isolation_level=None,  # the driver begins no transaction by itself
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _reading_mode(path: Path) -> str:
    # A reader, too, makes two small files beside a database that nobody has open, and takes them away again. Where it
    # may not, it reads the file as it is: no writer has it open, or those files were there.
    beside = path.with_name(f"{path.name}-wal")
    return "rw" if os.access(path.parent, os.W_OK) or beside.exists() else _AS_IT_IS


def _identity(path: Path, *, read_only: bool) -> tuple[object, ...] | None:
    """What changes when a connection is none to the file as it is now."""
    try:
        seen = path.stat()
    except OSError:
        return None
    if read_only and _reading_mode(path) == _AS_IT_IS:
        # SQLite looks at nothing again that it has read in this mode.
        return seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size
    return seen.st_dev, seen.st_ino
