"""What went wrong with a database, in words: every error of a driver becomes a StoreError."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import exc

from orchestra_tools.errors import StoreError
from orchestra_tools.registry.transactions import waited_too_long

_RETRY = "Try again; if that does not help, look at the server"
_REACH = "Check the URL, and that the server runs"
_RESTORE = "Run `orchestra ledger fsck`, and restore it from a backup"
_SCHEMA = "It is no ledger, or one of another version of this program"
_SQLITE = {
    "SQLITE_BUSY": ("busy", "", ""),
    "SQLITE_LOCKED": ("busy", "", ""),
    "SQLITE_FULL": ("full", "the disk of {name} is full", "Free some space, and try again"),
    "SQLITE_NOTADB": ("no_database", "{name} is not a SQLite file", "Check the path"),
    "SQLITE_CORRUPT": ("damaged", "{name} is damaged", _RESTORE),
    "SQLITE_READONLY": ("read_only", "{name} cannot be written", "Check who may write to the file and its folder"),
    "SQLITE_PERM": ("read_only", "{name} cannot be written", "Check who may write to the file and its folder"),
    "SQLITE_CANTOPEN": ("unreachable", "{name} cannot be opened", "Check that its folder is there, and who may use it"),
    "SQLITE_IOERR": ("disk", "the disk of {name} failed", "Check the disk and the space on it, and try again"),
    "SQLITE_CONSTRAINT": (
        "taken",
        "a row of {name} is taken already, or must not change",
        "Look again at what is there",
    ),
    "SQLITE_TOOBIG": ("too_big", "a document is too big for {name}", "Make it smaller"),
}
# By the start of the SQLSTATE; see the PostgreSQL manual, appendix A.
_POSTGRESQL = {
    "55P03": ("busy", "", ""),
    "08": ("unreachable", "the connection to {name} was lost", _RETRY),
    "57P": ("unreachable", "the server of {name} ended the connection", _RETRY),
    "25P03": ("unreachable", "the server of {name} ended a transaction that was silent for too long", _RETRY),
    "53100": ("full", "the disk of {name} is full", "Free some space on the server, and try again"),
    "53": ("overloaded", "the server of {name} has no room for more", _RETRY),
    "42501": ("read_only", "{name} does not let this user do that", "Grant it the right to read and write its tables"),
    "25006": ("read_only", "{name} cannot be written", "Use the primary server, not a replica"),
    "42P01": ("schema", "a table is missing in {name}", _SCHEMA),
    "42703": ("schema", "a column is missing in {name}", _SCHEMA),
    "23": ("taken", "a row of {name} is taken already, or must not change", "Look again at what is there"),
    "XX": ("damaged", "{name} is damaged", _RESTORE),
    "58": ("disk", "the disk of {name} failed", "Look at the server"),
}


@dataclass(frozen=True, slots=True)
class Failures:
    """Puts the errors of one database into words."""

    name: str
    password: str | None
    wait_s: float

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raise a StoreError in place of a driver's error."""
        try:
            yield
        except (exc.SQLAlchemyError, sqlite3.Error) as error:
            raise self.explain(error) from error

    def explain(self, error: BaseException) -> StoreError:
        """The error for people."""
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        if isinstance(error, exc.TimeoutError):
            return self._say("busy", "all connections to {name} are in use", _RETRY)
        if isinstance(cause, sqlite3.Error):
            return self._explain_sqlite(cause)
        state = getattr(cause, "sqlstate", None)
        if state is None and isinstance(error, exc.OperationalError):
            return self._say("unreachable", f"{{name}} cannot be reached ({self._quote(cause)})", _REACH)
        fitting = [prefix for prefix in _POSTGRESQL if (state or "").startswith(prefix)]
        if not fitting:
            return self._say("failed", f"{{name}} failed ({self._quote(cause)})", _RETRY)
        return self._say(*_POSTGRESQL[max(fitting, key=len)])

    def _explain_sqlite(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorname", "")
        known = next((known for known in _SQLITE if code == known or code.startswith(f"{known}_")), None)
        if known is not None:
            return self._say(*_SQLITE[known])
        if "no such table" in str(error) or "no such column" in str(error):
            return self._say("schema", f"{{name}} is not as it should be ({self._quote(error)})", _SCHEMA)
        return self._say("failed", f"{{name}} failed ({self._quote(error)})", "Check the file")

    def _say(self, reason: str, problem: str, remedy: str) -> StoreError:
        if not problem:
            return waited_too_long(self.name, self.wait_s)
        return StoreError(problem.replace("{name}", self.name), remedy=remedy, reason=reason, store=self.name)

    def _quote(self, error: BaseException | None) -> str:
        line = str(error).strip().partition("\n")[0][:200]
        return line.replace(self.password, "***") if self.password else line
