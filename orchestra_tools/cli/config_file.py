"""Other programs' configuration files: read, changed without loss, never half written."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from orchestra_tools.cli.json_edit import JsonShapeError
from orchestra_tools.errors import ConfigurationError

_MARK: Final = "\ufeff"  # byte order mark, as Windows editors write it
_PRIVATE: Final = 0o600
_WRITABLE: Final = 0o222
MAX_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file as it was read.

    Attributes:
        path: The file itself, where the user's path is a link.
        data: Its bytes; None where it is absent.
        text: Its text, without byte order mark.
    """

    path: Path
    data: bytes | None
    text: str

    @classmethod
    def read(cls, path: Path) -> ConfigFile:
        """Read a file; an absent one counts as empty.

        Raises:
            ConfigurationError: It cannot be read, is no file, is far too large, or is not UTF-8.
        """
        target = Path(os.path.realpath(path))
        try:
            _check_kind(path, target.stat())
            data = target.read_bytes()
        except FileNotFoundError:
            return cls(target, None, "")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}", remedy="Check the file") from error
        try:
            return cls(target, data, data.decode("utf-8").removeprefix(_MARK))
        except UnicodeDecodeError as error:
            before = data[: error.start]
            line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
            raise _broken(path, "it is not UTF-8", line, column) from error

    def edited(self, edit: Callable[[str], str]) -> str:
        """Its text after an edit.

        Raises:
            ConfigurationError: It is not JSON, or not of the shape a host wants. It stays as it was.
        """
        try:
            return edit(self.text)
        except json.JSONDecodeError as error:
            raise _broken(self.path, f"it is not JSON: {error.msg}", error.lineno, error.colno) from error
        except JsonShapeError as error:
            before = self.text[: error.position]
            line, column = before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1
            raise _broken(self.path, str(error), line, column) from error

    def write(self, text: str, *, now: datetime | None) -> Path | None:
        """Replace the file in one step, after a backup; returns the backup, or None where there is none.

        Args:
            text: What it shall hold.
            now: Stands in the name of the backup; None = make none.

        Raises:
            ConfigurationError: It cannot or may not be written, or somebody changed it meanwhile.
        """
        if self.data is not None and not (self.path.stat().st_mode & _WRITABLE and os.access(self.path, os.W_OK)):
            # Replacing it would get round that.
            raise ConfigurationError(f"{self.path} is read-only", remedy="Make it writable, if it may be changed")
        mark = _MARK if self.data is not None and self.data.startswith(_MARK.encode()) else ""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            backup = None if self.data is None or now is None else self._back_up(self.data, now)
            draft = self._write_beside((mark + text).encode("utf-8"))
            try:
                if _bytes_of(self.path) != self.data:
                    raise ConfigurationError(f"{self.path} was changed meanwhile", remedy="Run the command again")
                draft.replace(self.path)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} cannot be written: {error.strerror}", remedy="Check the rights on the file and its folder"
            ) from error
        return backup

    def _back_up(self, data: bytes, now: datetime) -> Path:
        stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        for number in range(100):
            backup = self.path.with_name(f"{self.path.name}.orchestra-backup-{stamp}{f'-{number}' if number else ''}")
            with contextlib.suppress(FileExistsError):
                _write_new(backup, data, _PRIVATE)
                _keep_owner(self.path, backup)
                shutil.copymode(self.path, backup)
                return backup
        raise ConfigurationError(f"{self.path} has too many backups of one second", remedy="Wait a second")

    def _write_beside(self, data: bytes) -> Path:
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        _write_new(draft, data, 0o666 if self.data is None else _PRIVATE)
        if self.data is not None:
            _keep_owner(self.path, draft)
            shutil.copymode(self.path, draft)
        return draft


def _write_new(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _check_kind(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"{path} is no file", remedy="Check what is there")
    if found.st_size > MAX_BYTES:
        raise ConfigurationError(
            f"{path} has {found.st_size:,} bytes, more than {MAX_BYTES:,}", remedy="Check what is in it"
        )


def _keep_owner(model: Path, made: Path) -> None:
    """Give a file to whom another belongs: what root made, its user could not read."""
    found = model.stat()
    if hasattr(os, "chown") and os.geteuid() == 0:
        os.chown(made, found.st_uid, found.st_gid)


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _broken(path: Path, problem: str, line: int, column: int) -> ConfigurationError:
    return ConfigurationError(
        f"{path}, line {line}, column {column}: {problem}",
        remedy="Nothing was changed. Mend the file (comments and trailing commas are not JSON), then run this again",
        file=str(path),
        line=line,
        column=column,
    )
