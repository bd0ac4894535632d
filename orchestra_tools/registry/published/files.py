"""The files of a published log. They come from strangers, so every read has a limit, and is of a file and nothing else.

A port: `LogFolder` reads them from a folder, `LogSite` from a server, `KeptBlobs` keeps those that never change.
"""

from __future__ import annotations

import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestra_tools.errors import ConfigurationError, TamperedError
from orchestra_tools.registry.fingerprint import fingerprint_of
from orchestra_tools.trust import sha256_hex

CHECKPOINT = "checkpoint"
MANIFEST_PROOF = "manifest.tlog-proof"
MAX_BLOB_BYTES = 8 * 1024 * 1024
REMEDY = "Do not use this copy of the log; tell its operator, and fetch another"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = ((CHECKPOINT, "checkpoint"), (MANIFEST_PROOF, "manifest"), ("tile/entries/", "bundle"), ("tile/", "tile"))


def blob_path(sha256: str) -> str:
    """Where a blob is published."""
    return f"blob/{sha256[:2]}/{sha256}"


def tampered(part: str, problem: str, **facts: str | int) -> TamperedError:
    """The error of what is not as the log vouches for it."""
    return TamperedError(problem, remedy=REMEDY, part=part, **facts)


class LogFiles(ABC):
    """The files of one log."""

    poll_s: float = 0.5
    """How often to look for changes."""
    far: bool = False
    """Whether looking asks a server."""
    foreign: bool = False
    """Whether they are on another machine."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call the place, for people."""

    @abstractmethod
    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """The bytes of a file; None where there is none.

        Raises:
            TamperedError: It has more bytes than it may, or is no file.
            ConfigurationError: The place cannot be reached, or does not answer in time.
        """

    def read_all(self, paths: Iterable[str], *, max_bytes: int) -> Mapping[str, bytes | None]:
        """Several files."""
        return {path: self.read(path, max_bytes=max_bytes) for path in paths}

    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the log may have grown. Cheap; never raises."""

    def read_blobs(self, digests: Iterable[str]) -> Mapping[str, bytes]:
        """Documents by their SHA-256, each held against it; those that are not there are left out.

        Raises:
            TamperedError: One has other bytes, or its name is no digest.
            ConfigurationError: The place cannot be reached.
        """
        wanted = list(dict.fromkeys(digests))
        for sha256 in wanted:
            if not _SHA256.fullmatch(sha256):
                raise tampered("blob", f"a document is called {sha256[:80]!r}, which is no SHA-256")
        found = self.read_all(map(blob_path, wanted), max_bytes=MAX_BLOB_BYTES)
        blobs = {sha256: data for sha256 in wanted if (data := found[blob_path(sha256)]) is not None}
        for sha256, data in blobs.items():
            if sha256_hex(data) != sha256:
                raise tampered("blob", f"the document {sha256} has other bytes", sha256=sha256)
        return blobs


class LogFolder(LogFiles):
    """A log in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        return str(self.folder)

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        try:
            # Opening a pipe would wait for whoever writes into it.
            descriptor = os.open(self.folder / path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor has no path
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise tampered(part_of(path), f"{path} is no file", path=path)
                data = file.read(max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ConfigurationError(
                f"{self.folder / path} cannot be read: {error.strerror}", remedy="Check the folder of the log"
            ) from error
        return within(data, path, max_bytes)

    def fingerprint(self) -> str:
        return fingerprint_of(self.folder / CHECKPOINT)


def within(data: bytes, path: str, max_bytes: int) -> bytes:
    """The data, if there is no more of it than there may be.

    Raises:
        TamperedError: There is.
    """
    if len(data) > max_bytes:
        raise tampered(part_of(path), f"{path} has more than {max_bytes:,} bytes", path=path, limit=max_bytes)
    return data


def part_of(path: str) -> str:
    """What kind of file a path is of."""
    return next((kind for start, kind in _KINDS if path.startswith(start)), "blob")
