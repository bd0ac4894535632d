"""The local record of calls: observations and receipts in one SQLite file, and what they amount to.

Several processes may share the file. Arguments, answers and keys are never in it.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestra_tools.calls.window import Seen, Window
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.model import Observation, Outcome, Receipt, Statistics

_LOG = logging.getLogger(__name__)
WINDOW = 500  # latest observations of a tool that its statistics are over
_SCHEMA_VERSION = 1
_DAY_MS = 86_400_000
_BURST_S = 0.05  # calls that follow one another faster are written together
_BUSY_PAUSE_S = 0.01
_BUSY_S = 10  # how long to wait for another process that writes
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS call (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    receipt_id TEXT NOT NULL,
    tool TEXT NOT NULL,
    sandbox INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    latency_ms REAL NOT NULL,
    at_ms INTEGER NOT NULL,
    cost TEXT,
    currency TEXT,
    observation TEXT NOT NULL,
    receipt TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS call_of_receipt ON call (receipt_id);
CREATE INDEX IF NOT EXISTS call_of_tool ON call (tool, sandbox);
CREATE INDEX IF NOT EXISTS call_with_cost ON call (currency, at_ms) WHERE cost IS NOT NULL AND NOT sandbox;
PRAGMA user_version = 1;
COMMIT;
"""
# One row, one statement, few indexes: each page that a call touches is written again.
_INSERT = """
INSERT OR IGNORE INTO call
(id, receipt_id, tool, sandbox, outcome, latency_ms, at_ms, cost, currency, observation, receipt)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# One look into the index for each tool, not for each call.
_TOOLS_CALLED = """
WITH RECURSIVE called (tool) AS (
    SELECT min(tool) FROM call
    UNION ALL
    SELECT (SELECT min(call.tool) FROM call WHERE call.tool > called.tool) FROM called WHERE tool IS NOT NULL
)
SELECT tool FROM called WHERE tool IS NOT NULL
"""


class Journal:
    """Observations and receipts of this user's calls."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the journal.

        Args:
            path: The SQLite file, made when absent; None keeps the journal in memory.

        Raises:
            ConfigurationError: The file cannot be used.
        """
        self._lock = threading.RLock()
        self._where = "in memory" if path is None else str(path)
        self._windows: dict[tuple[str, bool], Window] = {}
        self._statistics: dict[tuple[str, bool], Statistics | None] = {}
        self._called: set[str] | None = None
        self._spent: dict[tuple[int, str], Decimal] = {}
        self._unwritten: list[tuple[Observation, Receipt]] = []
        self._awaiting: asyncio.AbstractEventLoop | None = None
        self._wrote_at = 0.0
        self._seen_version = -1
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = sqlite3.connect(
                ":memory:" if path is None else path, check_same_thread=False, isolation_level=None, timeout=_BUSY_S
            )
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._unusable(error) from error
        # A program may end before its event loop came round.
        atexit.register(_write_at_exit, weakref.ref(self))

    def record(self, observation: Observation, receipt: Receipt) -> None:
        """Keep the facts of one call. Recording the same call again changes nothing.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        with self._using() as connection:
            if connection.execute(_INSERT, _row(observation, receipt)).rowcount:
                self._take_in(observation)

    def record_soon(self, observation: Observation, receipt: Receipt) -> None:
        """Keep the facts of a call that was just made, without making its caller wait for the disk.

        Statistics and spendings know it at once; the file does when the event loop comes round, within a burst of free
        calls a moment later, and whenever something is read. Where that fails it is logged: an answer that may have
        been paid for is worth more than its record.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            self._take_in(observation)
            self._unwritten.append((observation, receipt))
            if observation.cost or loop.time() - self._wrote_at >= _BURST_S:
                # Other processes hold their budgets against what was paid.
                loop.call_soon(self._write_waiting)
            elif self._awaiting is not loop:
                self._awaiting = loop
                loop.call_later(_BURST_S, self._write_waiting)

    def statistics(self, tool: str, *, sandbox: bool = False) -> Statistics | None:
        """What the latest calls of a tool amount to; None where there were none."""
        known = (tool, sandbox)
        with self._using(writing=False) as connection:
            self._notice_others(connection)
            if known not in self._statistics:
                if known not in self._windows:
                    self._windows[known] = self._load_window(tool, sandbox)
                self._statistics[known] = self._windows[known].statistics(sandbox=sandbox)
            return self._statistics[known]

    def tools_called(self) -> Collection[str]:
        """Names of all tools that were ever called: no other has statistics."""
        with self._using(writing=False) as connection:
            self._notice_others(connection)
            if self._called is None:
                self._write_logged()
                self._called = {tool for (tool,) in connection.execute(_TOOLS_CALLED)}
            return self._called

    def observations(self, tool: str, *, sandbox: bool = False) -> list[Observation]:
        """The latest observations of a tool, newest first."""
        with self._using() as connection:
            rows = connection.execute(
                "SELECT observation FROM call WHERE tool = ? AND sandbox = ? ORDER BY sequence DESC LIMIT ?",
                (tool, sandbox, WINDOW),
            ).fetchall()
        return [Observation.model_validate_json(body) for (body,) in rows]

    def receipt(self, receipt_id: str) -> Mapping[str, Any] | None:
        """The JSON of a receipt by its id, or None."""
        return self._read_receipt("SELECT receipt FROM call WHERE receipt_id = ?", receipt_id)

    def latest_receipt(self) -> Mapping[str, Any] | None:
        """The JSON of the receipt written last, or None."""
        return self._read_receipt("SELECT receipt FROM call ORDER BY sequence DESC LIMIT 1")

    def latest_receipt_of(self, tools: Iterable[str], *, sandbox: bool = False) -> Mapping[str, Any] | None:
        """The JSON of the receipt written last for one of some tools, or None."""
        # The index finds the last row of each tool at once; a search for all of them would walk through every call.
        query = (
            "SELECT receipt FROM call WHERE sequence = (SELECT max(latest) FROM ("
            "SELECT (SELECT max(sequence) FROM call WHERE tool = value AND sandbox = ?) AS latest FROM json_each(?)))"
        )
        return self._read_receipt(query, sandbox, json.dumps(list(tools)))

    def spent_since(self, at_ms: int, currency: str) -> Decimal:
        """What real calls have cost since a time, in one currency. Sandbox calls cost nothing."""
        with self._using() as connection:
            rows = connection.execute(
                "SELECT cost FROM call WHERE cost IS NOT NULL AND currency = ? AND at_ms >= ? AND NOT sandbox",
                (currency, at_ms),
            ).fetchall()
        return sum((Decimal(cost) for (cost,) in rows), Decimal(0))

    def spent_today(self, currency: str, *, now_ms: int) -> Decimal:
        """What real calls have cost since midnight UTC."""
        day = now_ms - now_ms % _DAY_MS
        with self._using(writing=False) as connection:
            self._notice_others(connection)
            if (day, currency) not in self._spent:
                self._spent = {(day, currency): self.spent_since(day, currency)}
            return self._spent[day, currency]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._write_logged()
            self._connection.close()

    def _prepare(self) -> None:
        connection = self._connection
        self._write_ahead()
        # Losing the last calls' statistics to a power cut is bearable; a sync for each call is not.
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"written by a newer version (schema {version})")
        if version < _SCHEMA_VERSION:
            connection.executescript(_SCHEMA)

    def _write_ahead(self) -> None:
        # Where several programs make the file at once, SQLite gives up on this switch without waiting for its turn.
        deadline = time.monotonic() + _BUSY_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(_BUSY_PAUSE_S)

    def _take_in(self, observation: Observation) -> None:
        known = (observation.tool, observation.sandbox)
        if (window := self._windows.get(known)) is not None:
            window.add(Seen(observation.outcome, observation.latency_ms, observation.at_ms))
        self._statistics.pop(known, None)
        if self._called is not None:
            self._called.add(observation.tool)
        for day, currency in self._spent:
            if observation.cost is not None and not observation.sandbox and observation.at_ms >= day:
                self._spent[day, currency] += observation.cost if observation.currency == currency else 0

    def _notice_others(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._seen_version:
            # Another process has written.
            self._windows.clear()
            self._statistics.clear()
            self._called = None
            self._spent.clear()
            self._seen_version = version

    def _load_window(self, tool: str, sandbox: bool) -> Window:
        window = Window(WINDOW)
        with self._using() as connection:
            rows = connection.execute(
                "SELECT outcome, latency_ms, at_ms FROM call WHERE tool = ? AND sandbox = ?"
                " ORDER BY sequence DESC LIMIT ?",
                (tool, sandbox, WINDOW),
            ).fetchall()
        for outcome, latency_ms, at_ms in reversed(rows):
            window.add(Seen(Outcome(outcome), latency_ms, at_ms))
        return window

    def _read_receipt(self, query: str, *values: str | bool) -> Mapping[str, Any] | None:
        with self._using() as connection:
            row = connection.execute(query, values).fetchone()
        return None if row is None else json.loads(row[0])

    def _write(self) -> None:
        """Write what waits; what cannot be written is given up."""
        waiting, self._unwritten = [_row(*call) for call in self._unwritten], []
        if len(waiting) == 1:
            self._connection.execute(_INSERT, waiting[0])
        elif waiting:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(_INSERT, waiting)
            finally:
                self._connection.execute("COMMIT")

    def _write_waiting(self) -> None:
        self._awaiting = None
        self._write_logged()
        self._wrote_at = asyncio.get_running_loop().time()

    def _write_logged(self) -> None:
        try:
            with self._lock:
                self._write()
        except sqlite3.Error as error:
            _LOG.warning("calls were not recorded: %s", self._unusable(error))

    @contextmanager
    def _using(self, *, writing: bool = True) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if writing:
                self._write_logged()
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"the journal {self._where} cannot be used: {error}",
            remedy="Remove or repair the file, or set ORCHESTRA_HOME to another folder",
        )


def _write_at_exit(journal: weakref.ref[Journal]) -> None:
    if (open_journal := journal()) is not None:
        open_journal._write_logged()


def _row(observation: Observation, receipt: Receipt) -> tuple[Any, ...]:
    return (
        observation.id,
        receipt.id,
        observation.tool,
        observation.sandbox,
        observation.outcome.value,
        observation.latency_ms,
        observation.at_ms,
        None if observation.cost is None else str(observation.cost),
        observation.currency,
        observation.model_dump_json(exclude_none=True),
        receipt.model_dump_json(by_alias=True),
    )
