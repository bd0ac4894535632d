"""Files with signing keys: readable by their owner only, never replaced, and never quoted in an error."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from orchestra_tools.errors import ConfigurationError, NoteError

K = TypeVar("K")


def read_key(path: Path, parse: Callable[[str], K], *, what: str, remedy: str) -> K:
    """The key in a file.

    Args:
        path: The file.
        parse: Reads its text.
        what: What to call it, as in "the log's key".
        remedy: What to do where it cannot be used.

    Raises:
        ConfigurationError: It cannot be read, or is no such key.
    """
    try:
        return parse(path.read_text("ascii").strip())
    except (OSError, ValueError, NoteError) as error:
        # Not chained: the message of a parser may quote the key.
        reason = error.strerror if isinstance(error, OSError) else "it is no signing key"
        raise ConfigurationError(f"{what} {path} cannot be used: {reason}", remedy=remedy) from None


def write_key(path: Path, text: str, *, what: str) -> None:
    """Keep a new key.

    Raises:
        ConfigurationError: The file is there already, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise ConfigurationError(
            f"{what} {path} cannot be written: {error.strerror}",
            remedy="Choose another file with --key; a key that is there is never replaced",
        ) from error
