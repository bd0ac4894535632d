"""The ledger store and the keys that operators' commands work with."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ledger_sync.commands.keys import read_key, write_key
from ledger_sync.log import LogWriter
from orchestra_tools.client import Settings
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.places import names_store
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.trust.notes import NoteSigner

F = TypeVar("F", bound=Callable[..., Any])
KEY_FILE = "log.key"
LOG_KEY = "the log's key"


def store_option(command: F) -> F:
    """Add `--ledger`, for commands that need a store."""
    return click.option(
        "--ledger",
        metavar="URL",
        help="The ledger's store, as in sqlite:///ledger.sqlite or postgresql://host/name; default: ORCHESTRA_LEDGER "
        "where it is one, else ledger.sqlite in ORCHESTRA_HOME.",
    )(command)


def key_option(command: F) -> F:
    """Add `--key`."""
    return click.option(
        "--key", "key_file", metavar="FILE", help=f"The key that signs the log; default: {KEY_FILE} in ORCHESTRA_HOME."
    )(command)


def store_url(ledger: str | None, settings: Settings) -> str:
    """The URL of the store that is meant.

    Raises:
        ConfigurationError: `--ledger` names something else.
    """
    if ledger is not None and not names_store(ledger):
        raise ConfigurationError(
            f"--ledger {ledger[:80]!r} is no ledger store", remedy="Give a URL, as in sqlite:///ledger.sqlite"
        )
    if ledger is None and settings.ledger is not None and names_store(settings.ledger):
        return settings.ledger
    return ledger or f"sqlite:///{settings.home / 'ledger.sqlite'}"


def open_ledger_store(ledger: str | None, *, create: bool = False) -> LedgerStore:
    """The store that is meant.

    Raises:
        ConfigurationError: There is none.
        StoreError: It cannot be used.
    """
    settings = Settings.from_environment()
    where = store_url(ledger, settings)
    if not create:
        # Reading finds out, and makes nothing.
        settings.open_ledger(where).load()
    store = open_store(where)
    if not create and store.head() is None:
        name = store.name
        store.close()
        raise ConfigurationError(f"{name} has no log yet", remedy="Begin it: orchestra ledger init")
    return store


def open_writer(store: LedgerStore, key_file: str | None) -> LogWriter:
    """The writer of a store's log.

    Raises:
        ConfigurationError: The key cannot be read, or is not the log's.
    """
    return LogWriter(store, load_key(key_path(key_file)), clock=now_ms)


def key_path(key_file: str | None) -> Path:
    """Where the log's key is."""
    return Settings.from_environment().home / KEY_FILE if key_file is None else Path(key_file)


def load_key(path: Path) -> NoteSigner:
    """The log's key.

    Raises:
        ConfigurationError: It cannot be read.
    """
    return read_key(path, NoteSigner.parse, what=LOG_KEY, remedy="Give --key, or begin a log: orchestra ledger init")


def make_key(path: Path, origin: str) -> NoteSigner:
    """A new key for a log, in a file that only its owner can read.

    Raises:
        ConfigurationError: The file is there already, or cannot be written.
    """
    signer = NoteSigner.generate(origin)
    write_key(path, signer.skey, what=LOG_KEY)
    return signer


def now_ms() -> int:
    """The time, in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
