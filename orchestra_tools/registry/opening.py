"""Opening a store by its URL.

open_store("memory:")
open_store("sqlite:///ledger.sqlite")       # or just the path
open_store("postgresql://user:password@host/database")
"""

from __future__ import annotations

import os

from orchestra_tools.errors import ConfigurationError
from orchestra_tools.registry.memory import MemoryStore
from orchestra_tools.registry.places import MEMORY, names_store
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.registry.transactions import DEFAULT_WAIT_S


def open_store(where: str | os.PathLike[str], *, wait_s: float = DEFAULT_WAIT_S) -> LedgerStore:
    """Open a store to read and write. It is made where there is none, and an older one is brought up to date.

    Args:
        where: `memory:`, the URL of a database, or the path of a SQLite file (.sqlite, .sqlite3, .db).
        wait_s: How long a writer waits for its turn.

    Raises:
        ConfigurationError: It names no store.
        StoreError: It cannot be reached or made, or is of a newer version of this program.
        ImportError: A database, and the extra `server` is not installed.
    """
    text = os.fspath(where)
    if text == MEMORY:
        return MemoryStore(wait_s=wait_s)
    if not names_store(text):
        raise ConfigurationError(
            f"{_shown(text)} names no store",
            remedy="Use memory:, sqlite:///ledger.sqlite, postgresql://user:password@host/database, or a path that "
            "ends with .sqlite",
        )
    # With the first database: whoever only reads a document does without.
    from orchestra_tools.registry.sql import SqlStore

    return SqlStore.open(text, wait_s=wait_s)


def _shown(text: str) -> str:
    # What stands before the last @ of a URL may be a password.
    return repr(text.rpartition("@")[2][:120])
