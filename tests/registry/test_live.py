"""A ledger that changes while it is used: always one whole catalogue, and news of each change."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.compile import Catalogue, CatalogueDiff
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import Ledger
from orchestra_tools.registry import LedgerSource, LiveLedger, Watcher, open_source

PATIENCE_S = 20


def document(**names: str) -> dict[str, Any]:
    return {
        f"SN{key[2:]}": {"name": name, "capabilities": ["web_search"], "endpoint": "Synapse.X", "input_schema": {}}
        for key, name in names.items()
    }


def write(path: Path, content: Any) -> None:
    """As editors save: whole, under another name, then in place."""
    draft = path.with_suffix(".new")
    draft.write_text(content if isinstance(content, str) else json.dumps(content))
    draft.replace(path)


class News:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.diffs: list[CatalogueDiff] = []
        self.came = threading.Event()

    def __call__(self, catalogue: Catalogue, diff: CatalogueDiff) -> None:
        self.diffs.append(diff)
        self.came.set()

    def wait(self) -> CatalogueDiff:
        assert self.came.wait(PATIENCE_S)
        self.came.clear()
        return self.diffs[-1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "ledger.json"
    write(where, document(sn1="One", sn22="Desearch"))
    return where


@pytest.fixture
def live(path: Path) -> LiveLedger:
    return LiveLedger(open_source(path))


def test_a_change_is_taken_over_whole(live: LiveLedger, path: Path) -> None:
    """What changed is compiled anew, and nothing else."""
    news = News()
    live.subscribe(news)
    before = live.catalogue
    assert not live.refresh()
    write(path, document(sn1="One", sn22="Renamed", sn3="New"))
    diff = live.refresh()
    assert diff == CatalogueDiff(("sn3_web_search",), ("sn22_web_search",), ())
    assert live.catalogue.tools["sn1_web_search"] is before.tools["sn1_web_search"]
    assert before.tools["sn22_web_search"].entry_name == "Desearch"
    write(path, document(sn1="One"))
    assert live.refresh().removed == ("sn3_web_search", "sn22_web_search")
    assert len(news.diffs) == 2


@pytest.mark.parametrize(
    "half", ['{"SN22": {"name": "Des', "", "[]", '{"SN22": 1}', '{"format": "orchestra-ledger/2", "entries": {}}']
)
def test_a_half_written_document_is_not_used(
    live: LiveLedger, path: Path, half: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The old catalogue stays, the problem is told, once; the next look tries again."""
    before = live.catalogue
    path.write_text(half)
    for _ in range(3):
        assert not live.refresh()
        assert live.catalogue is before
        assert live.problem is not None
    assert caplog.text.count("is not used") == 1
    path.write_text(json.dumps(document(sn5="Five")))
    assert live.refresh().added == ("sn5_web_search",)
    assert live.problem is None


def test_a_file_that_goes_and_comes_back_is_no_change(live: LiveLedger, path: Path) -> None:
    """And leaves no problem behind."""
    before = live.catalogue
    path.rename(path.with_suffix(".away"))
    live.refresh()
    assert isinstance(live.problem, ConfigurationError)
    path.with_suffix(".away").rename(path)
    assert not live.refresh()
    assert live.problem is None
    assert live.catalogue is before


def test_a_listener_that_fails_does_not_keep_the_news_from_others(
    live: LiveLedger, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And one that has left is not told."""
    first, last, gone = News(), News(), News()

    def broken(catalogue: Catalogue, diff: CatalogueDiff) -> None:
        raise ValueError("broken")

    live.subscribe(first)
    live.subscribe(broken)
    leave = live.subscribe(gone)
    live.subscribe(last)
    leave()
    leave()
    write(path, document(sn1="Other"))
    live.refresh()
    assert (len(first.diffs), len(last.diffs), len(gone.diffs)) == (1, 1, 0)
    assert "broken" in caplog.text


def test_a_ledger_that_cannot_be_loaded_at_first_is_an_error(tmp_path: Path) -> None:
    """There is no old one to keep."""
    with pytest.raises(ConfigurationError):
        LiveLedger(open_source(tmp_path / "absent.json"))


def watching(live: LiveLedger, act: Callable[[News], None]) -> None:
    news = News()
    live.subscribe(news)
    watcher = Watcher(live, poll_s=0.01)
    watcher.start()
    try:
        act(news)
    finally:
        watcher.stop()
    assert not any(thread.name == "orchestra-ledger-watcher" for thread in threading.enumerate())


def test_a_watcher_sees_what_another_process_does(live: LiveLedger, path: Path) -> None:
    """Replaced atomically, and again."""
    script = (
        "import json,os,sys; open(sys.argv[1]+'.x','w').write(sys.argv[2]); os.replace(sys.argv[1]+'.x', sys.argv[1])"
    )

    def act(news: News) -> None:
        for name in ("Two", "Three"):
            subprocess.run([sys.executable, "-c", script, str(path), json.dumps(document(sn1=name))], check=True)
            diff = news.wait()
            assert "sn1_web_search" in diff.changed
            assert live.catalogue.ledger.find_entry(1).name == name

    watching(live, act)


def test_a_watcher_outlives_what_nobody_expected(
    live: LiveLedger, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in loading is logged, and the next look works."""
    real, failed = live.source.load, threading.Event()

    def broken() -> Any:
        failed.set()
        raise KeyError("bug")

    def act(news: News) -> None:
        monkeypatch.setattr(live.source, "load", broken)
        write(path, document(sn1="Two"))
        assert failed.wait(PATIENCE_S)
        monkeypatch.setattr(live.source, "load", real)
        assert news.wait().changed == ("sn1_web_search",)

    with caplog.at_level(logging.ERROR):
        watching(live, act)
    assert "looking for changes" in caplog.text


def test_a_watcher_may_be_stopped_before_it_starts_and_from_within(live: LiveLedger, path: Path) -> None:
    """Listeners run in its thread."""
    Watcher(live).stop()
    stopped = threading.Event()
    watcher = Watcher(live, poll_s=0.01)

    def stop(catalogue: Catalogue, diff: CatalogueDiff) -> None:
        watcher.stop()
        stopped.set()

    live.subscribe(stop)
    watcher.start()
    write(path, document(sn1="Two"))
    assert stopped.wait(PATIENCE_S)
    watcher.stop()


def test_a_ledger_in_memory_does_not_change() -> None:
    """Nothing to look for."""
    live = LiveLedger(open_source(ledger_from_document(document(sn1="One"), source="test")))
    assert not live.refresh()


class FarSource(LedgerSource):
    """A ledger that asks another machine at each look."""

    far = True
    poll_s = 60.0

    def __init__(self) -> None:
        self.looks = 0

    @property
    def name(self) -> str:
        return "far"

    def load(self) -> Ledger:
        return ledger_from_document(document(SN1=f"Look {self.looks}"), source="far")

    def fingerprint(self) -> str:
        self.looks += 1
        return str(self.looks)


def test_a_far_ledger_is_asked_no_more_often_than_it_is_watched() -> None:
    """Agents look before each step, and a step must not wait for a server each time."""
    now = [0.0]
    source = FarSource()
    live = LiveLedger(source, monotonic=lambda: now[0])
    for second in (1, 30, 59):
        now[0] = float(second)
        assert not live.may_have_changed()
    now[0] = 60.0
    assert live.may_have_changed()
    assert source.looks == 1
    live.refresh()
    assert not live.may_have_changed()
    assert live.catalogue.ledger.find_entry(1).name == "Look 2"


def test_looking_at_a_near_ledger_sees_every_change(live: LiveLedger, path: Path) -> None:
    """It costs next to nothing."""
    assert not live.may_have_changed()
    write(path, document(SN1="Other"))
    assert live.may_have_changed()
    assert live.refresh()
    assert not live.may_have_changed()
