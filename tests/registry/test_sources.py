"""A ledger is loaded from where it is kept, or the error says why not."""

from __future__ import annotations

import gzip
import http.server
import json
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from orchestra_tools.errors import ConfigurationError, LedgerFormatError
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import Ledger
from orchestra_tools.registry import LedgerSource, LiveLedger, open_source, packaged_ledger, sources

DOCUMENT = {"SN22": {"name": "Desearch", "capabilities": ["web_search"], "endpoint": "Synapse.Desearch"}}
Respond = Callable[[http.server.BaseHTTPRequestHandler], None]


class Site:
    """A server that serves a ledger as it is told, and remembers the headers it was asked with."""

    def __init__(self) -> None:
        self.status = 200
        self.body = json.dumps(DOCUMENT).encode()
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append({name.lower(): value for name, value in self.headers.items()})
                etag = site.headers.get("ETag")
                fresh = etag is not None and self.headers.get("If-None-Match") == etag
                self.send_response(304 if fresh else site.status)
                for name, value in site.headers.items():
                    self.send_header(name, value)
                body = b"" if fresh else site.body
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/ledger.json"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.close()


def write(path: Path, document: Any = DOCUMENT) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_nothing_means_the_packaged_ledger() -> None:
    """All netuids, parsed once."""
    source = open_source(None)
    assert source.load() is packaged_ledger() is open_source("").load()
    assert len(source.load()) >= 129
    assert source.name == "packaged ledger"
    assert source.fingerprint() == source.fingerprint()


def test_a_ledger_is_its_own_source() -> None:
    """And a source stays what it is."""
    ledger = ledger_from_document(DOCUMENT, source="test")
    source = open_source(ledger)
    assert source.load() is ledger
    assert source.name == "ledger in memory"
    assert source.fingerprint() == source.fingerprint()
    assert open_source(source) is source


def test_a_source_of_ones_own_is_taken() -> None:
    """The port has three methods."""

    class Mine(LedgerSource):
        @property
        def name(self) -> str:
            return "mine"

        def load(self) -> Ledger:
            return ledger_from_document(DOCUMENT, source="mine")

        def fingerprint(self) -> str:
            return "1"

    live = LiveLedger(open_source(Mine()))
    assert live.catalogue.ledger.find_entry("SN22").name == "Desearch"


@pytest.mark.parametrize("make", [str, lambda path: path])
def test_a_file_is_read(make: Callable[[Path], Any], tmp_path: Path) -> None:
    """By path or text; its fingerprint changes with it."""
    path = write(tmp_path / "ledger.json")
    source = open_source(make(path))
    assert source.load().find_entry(22).name == "Desearch"
    assert source.name == str(path)
    before = source.fingerprint()
    assert source.fingerprint() == before
    write(path, DOCUMENT | {"SN1": {"name": "Other"}})
    changed = source.fingerprint()
    path.unlink()
    assert len({before, changed, source.fingerprint()}) == 3


def test_the_home_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells do it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "ledger.json")
    assert open_source("~/ledger.json").load().find_entry(22)
    with pytest.raises(ConfigurationError, match="without a home"):
        open_source("~nobody-of-that-name/ledger.json")


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absent, a folder, broken, too large."""
    with pytest.raises(ConfigurationError, match="ORCHESTRA_LEDGER"):
        open_source(tmp_path / "absent.json").load()
    with pytest.raises(ConfigurationError):
        open_source(tmp_path).load()
    path = tmp_path / "ledger.json"
    path.write_text('{"SN22": ')
    with pytest.raises(LedgerFormatError, match="not JSON"):
        open_source(path).load()
    monkeypatch.setattr(sources, "MAX_DOCUMENT_BYTES", 10)
    with pytest.raises(LedgerFormatError, match="the limit is 10"):
        open_source(write(path)).load()


def test_a_url_is_fetched_and_asked_again_with_its_etag(site: Site) -> None:
    """304 keeps the ledger, and nothing is compiled anew."""
    site.headers["ETag"] = '"one"'
    live = LiveLedger(open_source(site.url))
    before = live.catalogue
    told: list[Any] = []
    live.subscribe(lambda catalogue, diff: told.append(diff))
    assert not live.refresh()
    assert live.catalogue is before
    assert [asked.get("if-none-match") for asked in site.asked] == [None, '"one"']
    site.headers["ETag"] = '"two"'
    site.body = json.dumps(DOCUMENT | {"SN1": {"name": "Other"}}).encode()
    live.refresh()
    assert live.catalogue.ledger.find_entry("SN1").name == "Other"
    assert len(told) == 1
    assert live.source.poll_s > 1
    assert live.source.name == site.url


def test_the_key_travels_as_a_bearer(site: Site) -> None:
    """To https, or to this machine."""
    open_source(site.url, api_key=SecretStr("ledger-key")).load()
    assert site.asked[0]["authorization"] == "Bearer ledger-key"
    with pytest.raises(ConfigurationError, match="only sent over https"):
        open_source("http://ledger.example/x", api_key=SecretStr("k"))
    assert open_source("https://ledger.example/x", api_key=SecretStr("k")).name == "https://ledger.example/x"


def test_compression_is_undone_within_the_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small document cannot become a huge one."""
    site.headers["Content-Encoding"] = "gzip"
    site.body = gzip.compress(site.body)
    assert open_source(site.url).load().find_entry(22)
    site.body = gzip.compress(b" " * 1_000_000)
    monkeypatch.setattr(sources, "MAX_DOCUMENT_BYTES", 100_000)
    with pytest.raises(LedgerFormatError, match="more than 100,000 bytes"):
        open_source(site.url).load()


@pytest.mark.parametrize("status", [301, 401, 404, 500])
def test_an_answer_without_a_ledger_is_told(site: Site, status: int) -> None:
    """Redirects are not followed: the key would go along."""
    site.status = status
    site.headers["Location"] = site.url
    with pytest.raises(ConfigurationError, match=f"answered {status}"):
        open_source(site.url).load()
    assert len(site.asked) == 1


def test_a_broken_document_keeps_the_old_one(site: Site) -> None:
    """And is not remembered by its ETag."""
    site.headers["ETag"] = '"one"'
    live = LiveLedger(open_source(site.url))
    site.headers["ETag"], site.body = '"two"', b"{"
    live.refresh()
    assert live.problem is not None
    assert live.catalogue.ledger.find_entry(22)
    live.refresh()
    assert site.asked[-1]["if-none-match"] == '"one"'
    site.headers["ETag"], site.body = '"three"', json.dumps(DOCUMENT).encode()
    live.refresh()
    assert live.problem is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/l?token=canary", "http://me:canary@127.0.0.1:1/l", "http://[::1/canary"]
)
def test_a_failed_fetch_gives_no_secret_away(url: str) -> None:
    """Neither a token in the query nor a password before the host."""
    with pytest.raises(ConfigurationError) as caught:
        open_source(url).load()
    assert "canary" not in "".join(line for line in traceback.format_exception(caught.value) if "l?token" not in line)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://a/l.json", "file:///etc/passwd", "ws://a/"])
def test_other_schemes_are_refused(url: str) -> None:
    """A path is written as a path."""
    with pytest.raises(ConfigurationError, match="Use a path or an https URL"):
        open_source(url)


def test_a_ledger_from_elsewhere_cannot_be_a_sandbox(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would send calls to a port of this machine that a stranger has chosen."""
    site.body = json.dumps({"entries": DOCUMENT, "sandbox": {"url": "http://127.0.0.1:2375"}}).encode()
    assert open_source(site.url).load().sandbox is not None
    monkeypatch.setattr(sources, "is_loopback", lambda url: False)
    with pytest.raises(LedgerFormatError, match="cannot be a sandbox"):
        open_source(site.url).load()
