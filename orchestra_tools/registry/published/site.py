"""The files of a log on a server, which may be any server of static files."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from orchestra_tools.errors import ConfigurationError
from orchestra_tools.registry.published.files import LogFiles, within
from orchestra_tools.registry.sources import is_loopback

if TYPE_CHECKING:
    import httpx

_AT_ONCE = 8  # requests in flight
_SILENCE_S = 15.0  # without a byte
_WHOLE_S = 60.0  # for a whole file, however steadily it drips


class LogSite(LogFiles):
    """A log behind a URL. Redirects are not followed: what is pinned is one place."""

    poll_s = 60.0
    far = True

    def __init__(
        self,
        url: str,
        *,
        api_key: SecretStr | None = None,
        silence_s: float = _SILENCE_S,
        whole_s: float = _WHOLE_S,
    ) -> None:
        """Fetch nothing yet.

        Args:
            url: The log's prefix. Its query goes with every request.
            api_key: Sent as a bearer token.
            silence_s: How long to wait for the next byte.
            whole_s: How long one file may take.
        """
        self._url = urlsplit(url)
        self._headers = {} if api_key is None else {"authorization": f"Bearer {api_key.get_secret_value()}"}
        self._silence_s = silence_s
        self._whole_s = whole_s
        self._opening = Lock()
        self._opened: httpx.Client | None = None
        self._looks = 0
        self.foreign = not is_loopback(url)

    @property
    def name(self) -> str:
        return f"{self._url.scheme}://{self._url.netloc.rpartition('@')[2]}{self._url.path}"

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        import httpx  # with the first fetch: hosts wait for this module

        url = urlunsplit(self._url._replace(path=f"{self._url.path.rstrip('/')}/{path}"))
        try:
            with self._client().stream("GET", url) as response:
                if response.status_code in (404, 410):
                    return None
                self._check_answer(response, path)
                data = self._read_body(response, path, max_bytes)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Not chained: the message may quote the URL, and its query may hold a token.
            raise ConfigurationError(
                f"{path} of the log {self.name} cannot be fetched ({type(error).__name__})",
                remedy="Check the URL and the network",
            ) from None
        return within(data, path, max_bytes)

    def read_all(self, paths: Iterable[str], *, max_bytes: int) -> Mapping[str, bytes | None]:
        wanted = list(paths)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda path: self.read(path, max_bytes=max_bytes), wanted)
            return dict(zip(wanted, found, strict=True))

    def fingerprint(self) -> str:
        # Only asking tells.
        self._looks += 1
        return str(self._looks)

    def _client(self) -> httpx.Client:
        import httpx

        with self._opening:
            if self._opened is None:
                # Digests and hashes do not shrink, and what was not compressed cannot swell.
                headers = {"accept-encoding": "identity", **self._headers}
                self._opened = httpx.Client(headers=headers, timeout=self._silence_s)
                weakref.finalize(self, self._opened.close)
            return self._opened

    def _check_answer(self, response: httpx.Response, path: str) -> None:
        if response.status_code != 200:
            redirect = ", which leads elsewhere and is not followed" if response.is_redirect else ""
            raise ConfigurationError(
                f"the log {self.name} answered {response.status_code} for {path}{redirect}",
                remedy="Check the URL and the API key",
                status=response.status_code,
            )
        if (encoding := response.headers.get("content-encoding", "identity")) != "identity":
            raise ConfigurationError(
                f"the log {self.name} sent {path} as {encoding[:40]!r}, which nobody asked for",
                remedy="Let the server send files as they are",
            )

    def _read_body(self, response: httpx.Response, path: str, max_bytes: int) -> bytes:
        began_s = time.monotonic()
        data = bytearray()
        for chunk in response.iter_raw():
            data += chunk
            if len(data) > max_bytes:
                break
            if time.monotonic() - began_s > self._whole_s:
                raise ConfigurationError(
                    f"the log {self.name} has not sent all of {path} within {self._whole_s:g} s",
                    remedy="Try again later, or use another copy of the log",
                )
        return bytes(data)
