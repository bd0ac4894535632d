"""Vectors on disk, by the text they stand for and the model that made them: nothing is embedded twice.

It is a cache. A file that is damaged or of another version is made anew, one that cannot be used is done without;
several processes may share it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from orchestra_tools.discovery.semantic.embedder import Vectors

MAX_ROWS = 100_000  # about 80 MB of MiniLM's; the oldest go first
_VERSION = 1
_BUSY_S = 5.0
_CHUNK = 500  # values in one statement: older SQLite takes 999
_STORED = "<f2"  # half precision: what it rounds off moves no rank
_SCHEMA = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS vector (model TEXT NOT NULL, text BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (model, text));
PRAGMA user_version = {_VERSION};
"""
_LOG = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class VectorStore:
    """Vectors by model and text. Threads may share it."""

    def __init__(self, path: Path | None = None) -> None:
        """Open it.

        Args:
            path: The SQLite file, made when absent; None keeps the vectors in memory.
        """
        self._path = path
        self._lock = threading.Lock()
        self._database = self._open()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def load(self, model: str, texts: Iterable[str]) -> dict[str, Vectors]:
        """The vectors of those texts that have one."""
        wanted = {_digest(text): text for text in texts}
        digests = list(wanted)

        def select(database: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
            found: list[tuple[bytes, bytes]] = []
            for start in range(0, len(digests), _CHUNK):
                part = digests[start : start + _CHUNK]
                marks = ", ".join("?" * len(part))
                found += database.execute(
                    f"SELECT text, value FROM vector WHERE model = ? AND text IN ({marks})",  # noqa: S608  # only marks
                    (model, *part),
                )
            return found

        rows: list[tuple[bytes, bytes]] = self._try(select, [])
        vectors = {wanted[digest]: vector for digest, value in rows if (vector := _read(value)) is not None}
        # Vectors of one model have one length; should they not, none can be trusted.
        return vectors if len({len(vector) for vector in vectors.values()}) < 2 else {}

    def save(self, model: str, vectors: Mapping[str, Vectors]) -> None:
        """Keep the vectors of some texts."""
        rows = [(model, _digest(text), vector.astype(_STORED).tobytes()) for text, vector in vectors.items()]

        def insert(database: sqlite3.Connection) -> None:
            with database:
                database.execute("BEGIN IMMEDIATE")
                database.executemany("INSERT OR REPLACE INTO vector (model, text, value) VALUES (?, ?, ?)", rows)
                database.execute("DELETE FROM vector WHERE rowid <= (SELECT max(rowid) FROM vector) - ?", (MAX_ROWS,))

        self._try(insert, None)

    def forget(self, model: str) -> None:
        """Drop all vectors of a model."""
        self._try(lambda database: database.execute("DELETE FROM vector WHERE model = ?", (model,)).close(), None)

    def _try(self, use: Callable[[sqlite3.Connection], _Answer], otherwise: _Answer) -> _Answer:
        """Use the file; should it be damaged, once more after it was made anew. Whatever goes wrong costs time only."""
        with self._lock:
            for _ in range(2):
                try:
                    return use(self._database)
                except sqlite3.OperationalError as error:  # locked, full, read only
                    _LOG.warning("the vectors in %s are not used: %s", self._path, error)
                    return otherwise
                except sqlite3.Error:
                    with contextlib.suppress(sqlite3.Error):
                        self._database.close()
                    self._database = self._open(anew=True)
        return otherwise

    def _open(self, *, anew: bool = False) -> sqlite3.Connection:
        if self._path is not None:
            for fresh in (anew, True):
                try:
                    return self._open_file(self._path, anew=fresh)
                except (sqlite3.Error, OSError) as error:
                    problem = error
            _LOG.warning("vectors are not kept, because %s cannot be used: %s", self._path, problem)
        return _prepare(sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None))

    def _open_file(self, path: Path, *, anew: bool) -> sqlite3.Connection:
        if anew:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _prepare(sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=_BUSY_S))


def _prepare(database: sqlite3.Connection) -> sqlite3.Connection:
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"written by another version (schema {version})")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _read(value: bytes) -> Vectors | None:
    if not isinstance(value, bytes) or not value or len(value) % 2:
        return None
    vector = np.frombuffer(value, _STORED).astype(np.float32)
    # Halved precision has shortened it a little; anything else is no vector of ours.
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if 0.9 < length < 1.1 else None
