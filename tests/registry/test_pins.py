"""The file of pins: whole, private, shared by several writers, and never silently taken for none."""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.compile import Catalogue, CatalogueDiff, pin_tool
from orchestra_tools.errors import ConfigurationError, PinnedError
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import Ledger, Pin
from orchestra_tools.registry import LedgerSource, LiveLedger, PinFile, Watcher, open_source

AT = "2026-11-24T06:00:00Z"
PATIENCE_S = 20


def make_pin(tool: str, *, sandbox: bool = False, digest: str = "0" * 64, **more: Any) -> Pin:
    return Pin(tool=tool, sandbox=sandbox, digest=digest, definition={"title": "ü\ud800"}, pinned_at=AT, **more)


@pytest.fixture
def file(tmp_path: Path) -> PinFile:
    return PinFile(tmp_path / "home" / "pins.json")


def test_without_a_file_nothing_is_pinned_and_none_is_made(file: PinFile) -> None:
    assert file.load() == ()
    assert file.fingerprint() == "absent"
    assert not file.path.parent.exists()


def test_pins_are_read_as_they_were_written(file: PinFile) -> None:
    """Sorted, with the fields of a later version; a newer pin of a tool takes the place of the older one."""
    file.put([make_pin("sn2_b"), make_pin("sn1_a", sandbox=True), make_pin("sn1_a", colour="green")])
    assert [(pin.tool, pin.sandbox) for pin in file.load()] == [("sn1_a", False), ("sn1_a", True), ("sn2_b", False)]
    assert file.load()[2] == make_pin("sn2_b")
    assert file.load()[0].to_json()["colour"] == "green"
    before = file.fingerprint()
    file.put([make_pin("sn2_b", digest="1" * 64)])
    assert [pin.digest[0] for pin in file.load()] == ["0", "0", "1"]
    assert file.fingerprint() != before


def test_a_pin_is_removed_for_its_kind_of_ledger(file: PinFile) -> None:
    file.put([make_pin("sn1_a"), make_pin("sn1_a", sandbox=True)])
    file.drop(["sn1_a", "sn1_never_pinned"], sandbox=False)
    assert [pin.sandbox for pin in file.load()] == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="the platform has no such modes")
def test_the_file_is_its_owners_and_nothing_is_left_beside_it(file: PinFile) -> None:
    file.put([make_pin("sn1_a")])
    file.put([make_pin("sn1_b")])
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(each.name for each in file.path.parent.iterdir()) == ["pins.json", "pins.lock"]


GOOD = make_pin("sn1_a").to_json()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no JSON"),
        (b'{"format": "orchestra-pins/1", "pi', "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "not of the format orchestra-pins/1"),
        (b'{"format": "orchestra-pins/2", "pins": []}', "not of the format orchestra-pins/1"),
        (b'{"format": "orchestra-pins/1"}', "no list of pins"),
        (b'{"format": "orchestra-pins/1", "pins": [1]}', "a pin in it is none"),
        *[
            (json.dumps({"format": "orchestra-pins/1", "pins": [GOOD | wrong]}).encode(), f"a pin in it is none: /{at}")
            for at, wrong in {
                "digest": {"digest": "0" * 63},
                "tool": {"tool": ""},
                "definition": {"definition": []},
                "pinned_at": {"pinned_at": "yesterday"},
                "sandbox": {"sandbox": None},
            }.items()
        ],
        (json.dumps({"format": "orchestra-pins/1", "pins": [GOOD, GOOD]}).encode(), "pinned twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(file: PinFile, content: bytes, told: str) -> None:
    """Never "no pins"; and nothing is written over it."""
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    for use in (file.load, lambda: file.put([make_pin("sn1_a")]), lambda: file.drop(["sn1_a"], sandbox=False)):
        with pytest.raises(ConfigurationError, match=told) as error:
            use()
        assert str(file.path) in str(error.value)
        assert error.value.remedy
    assert file.path.read_bytes() == content


def test_a_folder_in_its_place_is_an_error(file: PinFile) -> None:
    file.path.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        file.load()


def test_a_home_that_is_a_file_is_an_error_and_no_absent_file(file: PinFile) -> None:
    file.path.parent.write_text("")
    assert file.fingerprint() == "unreadable"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        file.load()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        file.put([])


def _write_many(path: Path, writer: int) -> None:
    for number in range(10):
        PinFile(path).put([make_pin(f"sn{writer}_{number}")])


def test_several_processes_and_threads_lose_no_pin(file: PinFile) -> None:
    """Each reads what is there, adds its own, and writes the whole."""
    context = multiprocessing.get_context("spawn")
    workers: list[Any] = [context.Process(target=_write_many, args=(file.path, number)) for number in range(2)]
    workers += [threading.Thread(target=_write_many, args=(file.path, number)) for number in range(2, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE_S)
    assert {pin.tool for pin in file.load()} == {f"sn{writer}_{number}" for writer in range(5) for number in range(10)}


def test_readers_never_see_half_a_file(file: PinFile) -> None:
    """It is replaced whole, whoever writes."""
    writer = threading.Thread(target=_write_many, args=(file.path, 1))
    writer.start()
    seen = 0
    while writer.is_alive():
        now = len(file.load())
        assert now >= seen
        seen = now
    writer.join()
    assert len(file.load()) == 10


def document(**descriptions: str) -> dict[str, Any]:
    return {
        f"SN{key[2:]}": {
            "name": key,
            "description": text,
            "capabilities": ["search"],
            "endpoint": "Synapse.X",
            "input_schema": {},
        }
        for key, text in descriptions.items()
    }


def save(path: Path, **descriptions: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(document(**descriptions)))
    draft.replace(path)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.json"
    save(path, sn1="One", sn2="Two")
    return path


@pytest.fixture
def live(ledger: Path, file: PinFile) -> LiveLedger:
    """A ledger whose first tool is pinned."""
    file.put([pin_tool(LiveLedger(open_source(ledger)).catalogue.tools["sn1_search"], at=AT)])
    return LiveLedger(open_source(ledger), pins=file)


def test_a_changed_tool_is_removed_and_an_approved_one_added(live: LiveLedger, ledger: Path, file: PinFile) -> None:
    """Listeners hear of both, as of any other change."""
    news: list[CatalogueDiff] = []
    live.subscribe(lambda catalogue, diff: news.append(diff))
    assert list(live.catalogue.tools) == ["sn1_search", "sn2_search"]
    save(ledger, sn1="One, changed", sn2="Two, changed")
    assert live.refresh() == CatalogueDiff((), ("sn2_search",), ("sn1_search",))
    with pytest.raises(PinnedError):
        live.catalogue.find_tool("sn1_search")
    assert not live.refresh()
    file.put([pin_tool(live.catalogue.held["sn1_search"], at=AT)])
    assert live.refresh_pins() == CatalogueDiff(("sn1_search",), (), ())
    assert not live.refresh_pins()
    assert len(news) == 2


def test_a_pin_made_meanwhile_counts_for_the_change_that_comes_with_it(
    live: LiveLedger, ledger: Path, file: PinFile
) -> None:
    """Pins are read before the ledger is taken over."""
    file.put([pin_tool(live.catalogue.tools["sn2_search"], at=AT)])
    save(ledger, sn1="One", sn2="Two, changed")
    assert live.refresh().removed == ("sn2_search",)


def test_pins_that_cannot_be_read_leave_all_as_it_is(
    live: LiveLedger, ledger: Path, file: PinFile, caplog: pytest.LogCaptureFixture
) -> None:
    """The old pins stay, no changed ledger comes past them, and the problem is told, once, until it is mended."""
    before, whole = live.catalogue, file.path.read_bytes()
    file.path.write_bytes(whole[:-20])
    save(ledger, sn1="One, changed", sn2="Two, changed")
    for look in (live.refresh, live.refresh_pins, live.refresh):
        assert not look()
        assert live.catalogue is before
        assert isinstance(live.problem, ConfigurationError)
        assert "pins.json" in str(live.problem)
    assert caplog.text.count("is not used") == 1
    file.path.write_bytes(whole)
    assert live.refresh().removed == ("sn1_search",)
    assert live.problem is None


def test_without_readable_pins_nothing_starts(live: LiveLedger, ledger: Path, file: PinFile) -> None:
    file.path.write_text("nonsense")
    with pytest.raises(ConfigurationError, match="Mend the file"):
        LiveLedger(open_source(ledger), pins=file)


def test_a_removed_file_is_no_pins(live: LiveLedger, ledger: Path, file: PinFile) -> None:
    """It is the user's to remove."""
    save(ledger, sn1="One, changed", sn2="Two")
    live.refresh()
    file.path.unlink()
    assert live.refresh_pins().added == ("sn1_search",)


class FarSource(LedgerSource):
    """A ledger that is asked for rarely, and is out of reach after the first time."""

    poll_s = 3600.0

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.asked = 0

    @property
    def name(self) -> str:
        return "far"

    def load(self) -> Ledger:
        self.asked += 1
        if self.asked > 1:
            raise ConfigurationError("out of reach")
        return self._ledger

    def fingerprint(self) -> str:
        return str(self.asked)


def watching(live: LiveLedger, act: Callable[[Callable[[], CatalogueDiff]], None], *, poll_s: float | None) -> None:
    came, diffs = threading.Event(), []

    def hear(catalogue: Catalogue, diff: CatalogueDiff) -> None:
        diffs.append(diff)
        came.set()

    def wait() -> CatalogueDiff:
        assert came.wait(PATIENCE_S)
        came.clear()
        return diffs[-1]

    live.subscribe(hear)
    watcher = Watcher(live, poll_s=poll_s)
    watcher.start()
    try:
        act(wait)
    finally:
        watcher.stop()


def test_a_watcher_notices_an_approval_of_a_ledger_that_is_far_away(file: PinFile) -> None:
    """Nobody waits a minute for a tool that was just approved, nor asks a server twice a second."""
    source = FarSource(ledger_from_document(document(sn1="One, changed"), source="test"))
    old = LiveLedger(open_source(ledger_from_document(document(sn1="One"), source="test")))
    file.put([pin_tool(old.catalogue.tools["sn1_search"], at=AT)])
    live = LiveLedger(source, pins=file)
    assert list(live.catalogue.held) == ["sn1_search"]

    def act(wait: Callable[[], CatalogueDiff]) -> None:
        file.put([pin_tool(live.catalogue.held["sn1_search"], at=AT)])
        assert wait().added == ("sn1_search",)

    watching(live, act, poll_s=None)
    assert source.asked == 1
    live.refresh()
    assert str(live.problem) == "out of reach"
    file.drop(["sn1_search"], sandbox=False)
    live.refresh_pins()
    assert str(live.problem) == "out of reach"
    assert live.catalogue.pins == ()


def test_a_watcher_looks_for_both(live: LiveLedger, ledger: Path, file: PinFile) -> None:
    def act(wait: Callable[[], CatalogueDiff]) -> None:
        save(ledger, sn1="One, changed", sn2="Two")
        assert wait().removed == ("sn1_search",)
        file.path.unlink()
        assert wait().added == ("sn1_search",)

    watching(live, act, poll_s=0.01)
