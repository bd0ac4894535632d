"""Where a ledger is kept: in this package, in a file, in a database, behind a URL, or in memory.

A source loads the ledger and can tell cheaply whether it has changed since.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from orchestra_tools.errors import ConfigurationError, Fault, LedgerFormatError
from orchestra_tools.importers import read_ledger
from orchestra_tools.importers.documents import MAX_DOCUMENT_BYTES
from orchestra_tools.model import Ledger
from orchestra_tools.registry.fingerprint import fingerprint_of
from orchestra_tools.registry.places import names_store

if TYPE_CHECKING:
    import httpx

    from orchestra_tools.registry.record import LedgerRecord
    from orchestra_tools.trust.policy import TrustPolicy

_FETCH_TIMEOUT_S = 30.0


class LedgerSource(ABC):
    """A place a ledger is loaded from."""

    poll_s: float = 0.5
    """How often to look for changes."""
    far: bool = False
    """Whether looking asks another machine."""

    @property
    def record(self) -> LedgerRecord | None:
        """The log behind it, where it has one."""
        return None

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call it, for people."""

    @abstractmethod
    def load(self) -> Ledger:
        """Load the ledger.

        Raises:
            LedgerFormatError: It is there but cannot be read.
            ConfigurationError: It is not there.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the ledger may have changed. Cheap; never raises."""


class PackagedSource(LedgerSource):
    """The ledger that comes with this package."""

    @property
    def name(self) -> str:
        return "packaged ledger"

    def load(self) -> Ledger:
        return packaged_ledger()

    def fingerprint(self) -> str:
        return ""


@cache
def packaged_ledger() -> Ledger:
    """The ledger that comes with this package: 129 subnets, as facts with their sources."""
    data = resources.files("orchestra_tools.data").joinpath("ledger.json").read_bytes()
    return read_ledger(data, source="packaged ledger")


class MemorySource(LedgerSource):
    """A ledger somebody holds already."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def name(self) -> str:
        return "ledger in memory"

    def load(self) -> Ledger:
        return self._ledger

    def fingerprint(self) -> str:
        return ""


class FileSource(LedgerSource):
    """A ledger document on disk; other processes may edit it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    def load(self) -> Ledger:
        try:
            size = self._path.stat().st_size
            if size > MAX_DOCUMENT_BYTES:
                problem = f"{size:,} bytes, the limit is {MAX_DOCUMENT_BYTES:,}"
                raise LedgerFormatError(f"{self._path} cannot be read", [Fault("", problem)], source=self.name)
            return read_ledger(self._path.read_bytes(), source=self.name)
        except OSError as error:
            raise ConfigurationError(
                f"the ledger {self._path} cannot be opened: {error.strerror}",
                remedy="Check the path in ORCHESTRA_LEDGER or --ledger; without one the packaged ledger is used",
            ) from error

    def fingerprint(self) -> str:
        return fingerprint_of(self._path)


class UrlSource(LedgerSource):
    """A ledger document served over HTTP; asked for again with its ETag."""

    poll_s = 60.0
    far = True

    def __init__(self, url: str, *, api_key: SecretStr | None = None) -> None:
        self._url = url
        self._api_key = api_key
        self._etag: str | None = None
        self._ledger: Ledger | None = None
        self._loads = 0

    @property
    def name(self) -> str:
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def load(self) -> Ledger:
        import httpx  # with the first fetch: most ledgers are files, and hosts wait for this module

        headers = {"accept": "application/json"}
        if self._api_key is not None:
            headers["authorization"] = f"Bearer {self._api_key.get_secret_value()}"
        if self._etag is not None:
            headers["if-none-match"] = self._etag
        try:
            with httpx.stream("GET", self._url, headers=headers, timeout=_FETCH_TIMEOUT_S) as response:
                if response.status_code == 304 and self._ledger is not None:
                    return self._ledger
                if response.status_code != 200:
                    raise ConfigurationError(
                        f"the ledger {self.name} answered {response.status_code}",
                        remedy="Check the URL and the API key",
                    )
                body, etag = self._read(response), response.headers.get("etag")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Not chained: the message may quote the URL, and its query may hold a token.
            raise ConfigurationError(
                f"the ledger {self.name} cannot be fetched ({type(error).__name__})",
                remedy="Check the URL and the network",
            ) from None
        ledger = read_ledger(body, source=self.name)
        refuse_foreign_sandbox(ledger, self.name, foreign=not is_loopback(self._url))
        self._ledger, self._etag = ledger, etag
        return ledger

    def _read(self, response: httpx.Response) -> bytes:
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > MAX_DOCUMENT_BYTES:
                problem = f"more than {MAX_DOCUMENT_BYTES:,} bytes"
                raise LedgerFormatError(f"{self.name} cannot be read", [Fault("", problem)], source=self.name)
            chunks.append(chunk)
        return b"".join(chunks)

    def fingerprint(self) -> str:
        # Only asking tells; a conditional request is the cheapest way to ask.
        self._loads += 1
        return str(self._loads)


def refuse_foreign_sandbox(ledger: Ledger, name: str, *, foreign: bool) -> None:
    """Refuse a sandbox's ledger that was fetched from another machine.

    It would send the user's calls to a port of this machine that somebody else has chosen.

    Raises:
        LedgerFormatError: It is one.
    """
    if foreign and ledger.sandbox is not None:
        problem = "a ledger from another machine cannot be a sandbox"
        raise LedgerFormatError(f"{name} is not used", [Fault("/sandbox", problem)], source=name)


@dataclass(frozen=True, slots=True)
class LogTrust:
    """What a published log is held against.

    Attributes:
        heads: Folder in which the newest head seen of each log is kept.
        policy: File with the keys that are pinned, in C2SP tlog-policy form, or a policy; None = none are.
        blobs: Folder in which documents that were fetched are kept; None = they are fetched each time.
    """

    heads: Path
    policy: Path | TrustPolicy | None = None
    blobs: Path | None = None


def open_source(
    where: str | os.PathLike[str] | Ledger | LedgerSource | None,
    *,
    api_key: SecretStr | None = None,
    trust: LogTrust | None = None,
) -> LedgerSource:
    """The source for a path, a URL, a ledger, or None for the packaged one; a source stays what it is.

    A stored ledger is a database, by its URL or as a path that ends with .sqlite; see `open_store`. It is only read.

    A folder, or a URL that ends with a slash, is a published log: nothing of it is used that does not hold against
    `trust`.

    Raises:
        ConfigurationError: The URL is not http(s), or would carry a key in the clear; a published log, and no keys
            are pinned.
    """
    if isinstance(where, LedgerSource):
        return where
    if isinstance(where, Ledger):
        return MemorySource(where)
    text = "" if where is None else os.fspath(where)
    if not text:
        return PackagedSource()
    if names_store(text):
        return _open_stored(text)
    if "://" not in text:
        path = _path(text)
        return _open_log(path, None, trust) if os.path.isdir(path) else FileSource(path)  # noqa: PTH112  # never raises
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        raise ConfigurationError("the URL of the ledger is none", remedy="Use a path or an https URL") from None
    if scheme not in ("http", "https"):
        raise ConfigurationError(f"a ledger cannot be opened from {scheme}://", remedy="Use a path or an https URL")
    if scheme == "http" and api_key is not None and not is_loopback(text):
        raise ConfigurationError("an API key is only sent over https", remedy="Use the https URL of the ledger")
    return _open_log(text, api_key, trust) if urlsplit(text).path.endswith("/") else UrlSource(text, api_key=api_key)


def _open_log(where: Path | str, api_key: SecretStr | None, trust: LogTrust | None) -> LedgerSource:
    # Proofs and signatures are for those who read a log: most ledgers are documents, and hosts wait for this module.
    from orchestra_tools.registry.published import open_log

    return open_log(where, api_key=api_key, trust=trust)


def _open_stored(where: str) -> LedgerSource:
    # A database takes the extra `server`, which those who read documents need not have.
    from orchestra_tools.registry.sql import SqlStore
    from orchestra_tools.registry.stored import StoreSource

    return StoreSource(SqlStore(where, read_only=True))


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"the path {text[:120]!r} names a user without a home") from error


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
