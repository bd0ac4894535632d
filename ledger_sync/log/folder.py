"""The folder that a log is published in: each file appears whole or not at all, also after a crash or a power cut."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ledger_sync.log import faults
from ledger_sync.log.faults import Reached, pass_by
from orchestra_tools.errors import StoreError, TamperedError
from orchestra_tools.registry.lock import locked

_DRAFTS = ".drafts"  # beside the files, not among them: what a crash leaves there is served to nobody who reads the log
_LOCK = ".lock"
_MOST_DRAFTS = 512
_AT_ONCE = 8
_MODE = 0o644  # the folder is for everybody: a web server may run as another user


class PublicFolder:
    """A folder with one writer at a time and readers that never wait."""

    def __init__(self, folder: Path, *, reached: Reached = pass_by) -> None:
        """Touch nothing yet.

        Args:
            folder: Made when absent.
            reached: Told which place was reached; see `faults`.
        """
        self._folder = folder
        self._reached = reached
        self._drafts: dict[str, Path] = {}
        self._unsettled: set[Path] = set()
        self.written = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be its one writer; whatever a writer before left half-written is cleared away.

        Raises:
            StoreError: It cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with locked(self._folder / _LOCK):
                shutil.rmtree(self._folder / _DRAFTS, ignore_errors=True)
                (self._folder / _DRAFTS).mkdir()
                yield
                shutil.rmtree(self._folder / _DRAFTS, ignore_errors=True)
        except OSError as error:
            raise StoreError(
                f"the log cannot be published in {self._folder}: {error.strerror or error}",
                remedy="Check the folder and the disk, then publish again; what was published before still stands",
            ) from error

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """The bytes of a file; None where there is none. Of one that is longer, a byte more than `max_bytes`."""
        try:
            with (self._folder / path).open("rb") as file:
                return file.read(max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def keep(self, path: str, data: bytes) -> None:
        """Put a file that never changes where it belongs, unless it is there. It may appear only when all is settled.

        Raises:
            TamperedError: It is there, with other bytes.
        """
        if path in self._drafts:
            self._place_drafts()
        there = self.read(path, max_bytes=len(data))
        if there is None:
            self.replace(path, data)
        elif there != data:
            raise TamperedError(
                f"{self._folder / path} has other bytes than the log",
                remedy="Find out who wrote to the folder; then publish into an empty one",
                part="published",
                path=path,
            )

    def replace(self, path: str, data: bytes) -> None:
        """Put a file in the place of the one before. It may appear only when all is settled."""
        draft = self._folder / _DRAFTS / secrets.token_hex(8)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
            file.write(data)
        self._drafts[path] = draft
        self.written += 1
        if len(self._drafts) >= _MOST_DRAFTS:
            self._place_drafts()

    def settle(self) -> None:
        """Let all files appear that were put so far, and see that they survive a power cut."""
        self._place_drafts()
        if sys.platform != "win32":  # which has no such thing for folders
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(_sync, self._unsettled))
        self._unsettled.clear()

    def _place_drafts(self) -> None:
        # Side by side: a disk takes many such wishes almost as fast as one.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(_sync, self._drafts.values()))
        for path, draft in self._drafts.items():
            self._reached(faults.DRAFT_WRITTEN)
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
            self._reached(faults.FILE_RENAMED)
            self._unsettled.update(self._folder / parent for parent in PurePosixPath(path).parents)
        self._drafts.clear()

    def remove(self, path: str) -> None:
        """Remove a folder within it, if there is one."""
        shutil.rmtree(self._folder / path, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
