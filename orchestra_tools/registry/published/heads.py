"""The newest head seen of each log, kept so that no log can go back on it; and evidence against those that did.

Several programs may share the folder. A head is replaced only by one that was held against it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from orchestra_tools.errors import ConfigurationError, ForkError, NoteError, RollbackError
from orchestra_tools.registry.lock import locked
from orchestra_tools.registry.replacing import replace_file
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.notes import Note

MOST_EVIDENCE = 16  # files for each log: whoever forks a log could do so without end


class KeptHeads:
    """The signed notes of the newest heads, one file for each log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, origin: str) -> Path:
        """The file of a log."""
        # An origin is a URL without scheme: as a name of a file it would need escapes.
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.note"

    def load(self, origin: str) -> bytes | None:
        """The note kept of a log; None where none was seen so far.

        Raises:
            ConfigurationError: It is there, and cannot be read.
        """
        path = self.path(origin)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refuse(error) from error
        try:
            known = Checkpoint.parse(Note.parse(data).text).origin == origin
        except NoteError:
            known = False
        if not known:
            raise ConfigurationError(
                f"the head kept of the log {origin} cannot be read from {path}",
                remedy="Restore the file; without it, nobody notices if the log went back on what it has shown",
            )
        return data

    def replace(self, origin: str, old: bytes | None, new: bytes) -> bool:
        """Keep a note in place of the one it was held against.

        Returns:
            False where another program has kept one meanwhile, so that nothing was changed.

        Raises:
            ConfigurationError: It cannot be written.
        """
        path = self.path(origin)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(path.with_suffix(".lock")):
                if self.load(origin) != old:
                    return False
                replace_file(path, new)
        except OSError as error:
            raise self._refuse(error) from error
        return True

    def keep_evidence(self, origin: str, conflict: ForkError | RollbackError) -> Path | None:
        """Keep both notes of a conflict; the file, or None where it cannot be written."""
        document = {"log": origin, "error": conflict.code, "kept": conflict.kept, "shown": conflict.shown}
        data = json.dumps(document, indent=1, ensure_ascii=False).encode()
        stem = self.path(origin).stem
        path = self._folder / f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}.evidence.json"
        try:
            if not path.exists():
                if len(list(self._folder.glob(f"{stem}-*.evidence.json"))) >= MOST_EVIDENCE:
                    return None
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                replace_file(path, data)
        except OSError:
            return None
        return path

    def _refuse(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"the heads kept in {self._folder} cannot be used: {error.strerror}",
            remedy="Set ORCHESTRA_HOME to a folder you can write to",
        )
