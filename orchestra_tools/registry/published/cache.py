"""Documents of a log that were fetched before: kept by their SHA-256, so that they need not be fetched, nor trusted."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from orchestra_tools.registry.published.files import LogFiles
from orchestra_tools.trust import sha256_hex

MAX_KEPT_BYTES = 64 * 1024 * 1024


class KeptBlobs(LogFiles):
    """Files of a log whose blobs are kept in a folder. Whatever goes wrong there costs a fetch, and nothing else."""

    def __init__(self, files: LogFiles, folder: Path, *, max_bytes: int = MAX_KEPT_BYTES) -> None:
        """Read nothing yet.

        Args:
            files: The log.
            folder: Where blobs are kept, of this log and of others.
            max_bytes: How much is kept; what was not used for longest goes first.
        """
        self._files = files
        self._folder = folder
        self._max_bytes = max_bytes
        self._tidying = threading.Lock()
        self.poll_s, self.far, self.foreign = files.poll_s, files.far, files.foreign

    @property
    def name(self) -> str:
        return self._files.name

    def fingerprint(self) -> str:
        return self._files.fingerprint()

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        return self.read_all([path], max_bytes=max_bytes)[path]

    def read_all(self, paths: Iterable[str], *, max_bytes: int) -> Mapping[str, bytes | None]:
        wanted = list(paths)
        kept = {path: data for path in wanted if (data := self._load(path, max_bytes)) is not None}
        fetched = self._files.read_all([path for path in wanted if path not in kept], max_bytes=max_bytes)
        if sum(self._save(path, data) for path, data in fetched.items() if data is not None):
            self._tidy()
        return {**kept, **fetched}

    def _load(self, path: str, max_bytes: int) -> bytes | None:
        if (place := self._place(path)) is None:
            return None
        try:
            with place.open("rb") as file:
                data = file.read(max_bytes + 1)
            os.utime(place)
        except OSError:
            return None
        return data if sha256_hex(data) == place.name else None

    def _save(self, path: str, data: bytes) -> bool:
        place = self._place(path)
        if place is None or sha256_hex(data) != place.name:
            return False
        draft = place.with_name(f"{place.name}.{secrets.token_hex(8)}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Not synced: bytes that a power cut spoils do not have their digest.
            draft.write_bytes(data)
            draft.replace(place)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            return False
        return True

    def _place(self, path: str) -> Path | None:
        name = PurePosixPath(path)
        return self._folder / name.name[:2] / name.name if name.parts[0] == "blob" else None

    def _tidy(self) -> None:
        with self._tidying:
            try:
                found = [(place, place.stat()) for place in self._folder.glob("??/*")]
                total = sum(seen.st_size for _, seen in found)
                for place, seen in sorted(found, key=lambda each: each[1].st_mtime_ns):
                    if total <= self._max_bytes:
                        break
                    place.unlink(missing_ok=True)
                    total -= seen.st_size
            except OSError:
                # Another process tidies as well, or nobody may.
                return
