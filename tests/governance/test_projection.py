"""What a log comes to: each change is applied anew, and nothing that does not follow is believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestra_tools.errors import TamperedError
from orchestra_tools.governance.projection import check_event
from orchestra_tools.importers.entry_bytes import entry_bytes
from orchestra_tools.model.event import LogEvent
from orchestra_tools.registry.record import read_leaf
from orchestra_tools.trust import sha256_hex
from tests.governance.council import SLOT, Council, seed
from tests.governance.examples import packaged


@pytest.fixture(scope="module")
def log() -> tuple[list[LogEvent], dict[str, bytes]]:
    """A slot that began, was changed, withdrawn, and begun anew; and its documents."""
    council = Council()
    council.accept(seed())
    council.now_ms += 86_400_000 * 3
    council.accept(seed(update_type="withdrawal", field="", old_value="1.1.0", new_value=None))
    again = packaged("SN13").to_json()
    council.accept(seed(update_type="new_subnet", field="", old_value=None, new_value=again), "Mallory")
    head = council.store.head()
    assert head is not None
    events = [read_leaf(leaf.data, leaf.index) for leaf in council.store.leaves(0, head.size) if leaf.slot == SLOT]
    return events, dict(council.store.read_blobs(council.store.blobs()))


def check(event: LogEvent, before: LogEvent | None, blobs: dict[str, bytes]) -> None:
    check_event(event, 7, before, blobs.get)


def part(event: LogEvent, before: LogEvent | None, blobs: dict[str, bytes]) -> str:
    with pytest.raises(TamperedError) as caught:
        check(event, before, blobs)
    assert "leaf 7" in str(caught.value)
    return str(caught.value.facts["part"])


def test_a_log_as_it_was_written_holds(log: tuple[list[LogEvent], dict[str, bytes]]) -> None:
    events, blobs = log
    assert [event.version for event in events] == ["1.0.0", "1.1.0", "2.0.0", "3.0.0"]
    for before, event in zip([None, *events], events, strict=False):
        check(event, before, blobs)


CHANGES: list[tuple[int, Callable[[LogEvent], dict[str, Any]], str]] = [
    (0, lambda event: {"seq": 1}, "leaf"),
    (0, lambda event: {"version": "1.0.1"}, "leaf"),
    (0, lambda event: {"entry_sha256": None}, "leaf"),
    (0, lambda event: {"entry_sha256": "0" * 64}, "blob"),
    (1, lambda event: {"kind": "genesis"}, "leaf"),
    (1, lambda event: {"kind": "identity_change"}, "replay"),
    (1, lambda event: {"seq": 2}, "leaf"),
    (1, lambda event: {"version": "1.0.1"}, "replay"),
    (1, lambda event: {"version": None}, "replay"),
    (1, lambda event: {"version": "7.0.0"}, "replay"),
    (1, lambda event: {"verdicts": ()}, "leaf"),
    (1, lambda event: {"verdicts": (event.verdicts[0],) * 3}, "leaf"),
    (1, lambda event: {"entry_sha256": None}, "replay"),
    (1, lambda event: {"entry_sha256": sha256_hex(entry_bytes(packaged("SN13")))}, "replay"),
    (1, lambda event: {"proposal_sha256": None}, "leaf"),
    (1, lambda event: {"proposal_sha256": "0" * 64}, "blob"),
    (1, lambda event: {"proposal_sha256": event.entry_sha256}, "blob"),
    (2, lambda event: {"entry_sha256": sha256_hex(entry_bytes(packaged("SN13")))}, "replay"),
    (3, lambda event: {"version": "2.0.0"}, "replay"),
    (3, lambda event: {"kind": "schema_change"}, "replay"),
]


@pytest.mark.parametrize(("at", "change", "wrong"), CHANGES)
def test_an_event_that_says_anything_else_does_not_hold(
    log: tuple[list[LogEvent], dict[str, bytes]], at: int, change: Callable[[LogEvent], dict[str, Any]], wrong: str
) -> None:
    events, blobs = log
    event = events[at].model_copy(update=change(events[at]))
    assert part(event, events[at - 1] if at else None, blobs) == wrong


def test_a_change_that_was_left_out_is_missed(log: tuple[list[LogEvent], dict[str, bytes]]) -> None:
    events, blobs = log
    assert part(events[2], events[0], blobs) == "leaf"
    assert part(events[2].model_copy(update={"seq": 1}), events[0], blobs) == "replay"


def test_an_entry_with_other_bytes_is_found(log: tuple[list[LogEvent], dict[str, bytes]]) -> None:
    events, blobs = log
    entry = events[0].entry_sha256
    assert entry is not None
    assert part(events[0], None, {**blobs, entry: b"{}"}) == "blob"
    assert part(events[1], events[0], {**blobs, entry: b"{}"}) == "blob"


def test_an_entry_that_cannot_be_read_is_found(log: tuple[list[LogEvent], dict[str, bytes]]) -> None:
    events, blobs = log
    data = b'{"netuid":14}'
    event = events[0].model_copy(update={"entry_sha256": sha256_hex(data)})
    assert part(event, None, {**blobs, sha256_hex(data): data}) == "entry"
