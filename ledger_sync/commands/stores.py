"""The ledger store and the keys that operators' commands work with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ledger_sync.log import LogWriter
from orchestra_tools.client import Settings
from orchestra_tools.errors import ConfigurationError, NoteError
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.places import names_store
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.trust.notes import NoteSigner

F = TypeVar("F", bound=Callable[..., Any])
KEY_FILE = "log.key"


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
    try:
        return NoteSigner.parse(path.read_text("ascii").strip())
    except (OSError, ValueError, NoteError) as error:
        # Not chained: the message of a parser may quote the key.
        reason = error.strerror if isinstance(error, OSError) else "it is no signing key"
        raise ConfigurationError(
            f"the log's key {path} cannot be used: {reason}", remedy="Give --key, or begin a log: orchestra ledger init"
        ) from None


def make_key(path: Path, origin: str) -> NoteSigner:
    """A new key for a log, in a file that only its owner can read.

    Raises:
        ConfigurationError: The file is there already, or cannot be written.
    """
    signer = NoteSigner.generate(origin)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{signer.skey}\n")
    except OSError as error:
        raise ConfigurationError(
            f"the log's key {path} cannot be written: {error.strerror}",
            remedy="Choose another file with --key; a key that is there is never replaced",
        ) from error
    return signer


def now_ms() -> int:
    """The time, in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
