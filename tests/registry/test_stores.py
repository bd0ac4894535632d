"""One set of laws for every store: in memory, in SQLite, in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.errors import StoreError
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.store import Head, LedgerStore, StoreWriter
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.tiles import Tile
from tests.registry.store_values import (
    case,
    digest,
    everything,
    head,
    leaf,
    leaves,
    participant,
    projected,
    verdict,
    write_some_of_all,
)

WIDE = bytes(range(256)) * 32


class GaveUpError(Exception):
    """Raised by a writer that changes its mind."""


def test_a_new_store_has_nothing(any_store: LedgerStore) -> None:
    assert everything(any_store) == {
        "head": None,
        "heads": [None, None],
        "leaves": [],
        "tile": None,
        "blobs": {},
        "projection": {},
        "cases": [],
        "commitments": [],
        "participants": {},
        "setting": None,
        "cosignatures": {},
    }
    assert any_store.blob("ab" * 32) is None
    assert any_store.case("ab" * 32) is None
    assert any_store.commitment("ab" * 32) is None
    assert any_store.history("SN13@1") == []


def test_what_was_written_is_read(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        write_some_of_all(writer)
    written = case("one", verdicts=[verdict("5Validator").to_json()], from_later="kept")
    assert any_store.head() == any_store.head_of(3) == head(3)
    assert list(any_store.leaves(1, 3)) == leaves(1, 3)
    assert any_store.tile(Tile(0, 0, 3)) == bytes(96)
    assert any_store.cosignatures(3) == {"witness.example": "— witness.example AAAA"}
    assert any_store.blob(sha256_hex(b"a document")) == b"a document"
    assert any_store.projection() == {
        "SN13@1907637": projected(),
        "SN22@1": projected("SN22@1", index=2, entry=None),
    }
    assert any_store.case(written.id) == written
    assert any_store.case(written.id).to_json() == written.to_json()  # type: ignore[union-attr]  # compared above
    assert [each.model_dump() for each in any_store.commitments()] == [
        {"number": 0, "hotkey": "5Miner", "digest": "ab" * 32, "at_ms": 7}
    ]
    assert any_store.participants() == {
        "5Miner": participant("5Miner", uid=42),
        "5Validator": participant("5Validator", validator=True),
    }
    assert any_store.setting("origin") == "ledger.example"


def test_a_writer_reads_what_it_wrote_and_nobody_else_does_before_it_is_committed(any_store: LedgerStore) -> None:
    before = everything(any_store)
    with any_store.write() as writer:
        write_some_of_all(writer)
        inside = everything(writer)
        assert everything(any_store) == before
    assert everything(any_store) == inside != before


def test_a_transaction_that_raises_leaves_nothing_behind(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        write_some_of_all(writer)
    before = everything(any_store)

    def change_all_of_it() -> None:
        with any_store.write() as writer:
            writer.append(leaves(3, 5))
            writer.put_tiles({Tile(0, 0, 5): WIDE[:160]})
            writer.put_head(head(5))
            writer.put_cosignatures(3, {"witness.example": "— witness.example BBBB"})
            writer.put_blob(b"another document")
            writer.clear_projection()
            writer.put_case(case("one", state="accepted"))
            writer.add_commitment(hotkey="5Miner", digest="cd" * 32, at_ms=8)
            writer.use_nonce("5Miner", "n2")
            writer.set_participants([])
            writer.set_setting("origin", "other.example")
            raise GaveUpError

    with pytest.raises(GaveUpError):
        change_all_of_it()
    assert everything(any_store) == before
    with any_store.write() as writer:
        assert writer.use_nonce("5Miner", "n2")


def test_a_failed_step_whose_error_is_passed_over_undoes_the_whole_transaction(any_store: LedgerStore) -> None:
    def pass_over() -> None:
        with any_store.write() as writer:
            writer.append(leaves(0, 3))
            writer.put_head(head(3))
            with pytest.raises(StoreError):
                writer.put_head(head(3, note="another"))

    with pytest.raises(StoreError, match="a step of the transaction failed"):
        pass_over()
    assert any_store.head() is None
    assert any_store.leaves(0, 9) == []


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        ([leaf(2, seq=9)], "taken"),
        ([leaf(4, seq=9)], "gap"),
        ([leaf(3, seq=9), leaf(5, seq=10)], "gap"),
        ([leaf(3, seq=9), leaf(3, seq=10)], "taken"),
        ([leaf(3, seq=1)], "taken"),
        ([leaf(3, seq=9), leaf(4, seq=9)], "taken"),
        ([leaf(-1, seq=9)], "taken"),
    ],
    ids=["position", "beyond the end", "gap within", "twice", "seq", "seq twice", "negative"],
)
def test_leaves_are_added_at_the_end_and_once_for_each_seq(any_store: LedgerStore, added: Any, reason: str) -> None:
    with any_store.write() as writer:
        writer.append(leaves(0, 3))
    with pytest.raises(StoreError) as refused, any_store.write() as writer:
        writer.append(added)
    assert refused.value.facts["reason"] == reason
    assert list(any_store.leaves(0, 9)) == leaves(0, 3)


def test_leaves_are_read_by_position_as_far_as_there_are_any(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        writer.append([])
        writer.append(leaves(0, 700))
    assert [each.index for each in any_store.leaves(695, 10**30)] == list(range(695, 700))
    assert [each.index for each in any_store.leaves(-5, 2)] == [0, 1]
    for start, stop in ((5, 5), (5, 2), (700, 800), (-9, -2), (2**70, 2**71)):
        assert any_store.leaves(start, stop) == []


def test_a_history_has_the_leaves_of_one_slot_in_order(any_store: LedgerStore) -> None:
    slots = ["SN13@1", "SN22@?", "SN13@1", "log", "SN13@2", "SN13@1"]
    written = [leaf(index, slot=slot) for index, slot in enumerate(slots)]
    with any_store.write() as writer:
        writer.append(written)
    assert any_store.history("SN13@1") == [written[0], written[2], written[5]]
    assert any_store.history("sn13@1") == []


def test_the_largest_head_is_the_head(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        for size in (3, 300, 20):
            writer.put_head(head(size))
    assert any_store.head() == head(300)
    assert any_store.head_of(20) == head(20)
    assert any_store.head_of(21) is None
    assert list(any_store.heads(-5, 300)) == [head(3), head(20)]
    assert list(any_store.heads(4, 301)) == [head(20), head(300)]
    assert list(any_store.heads(20, 20)) == []


def test_heads_are_read_by_size_as_far_as_there_are_any(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        for size in (3, 5, 20):
            writer.put_head(head(size))
    assert list(any_store.heads(-2, 20)) == [head(3), head(5)]
    assert list(any_store.heads(5, 2**70)) == [head(5), head(20)]
    for start, stop in ((6, 20), (20, 3), (-5, -1), (2**70, 2**71)):
        assert list(any_store.heads(start, stop)) == []


def test_there_is_one_head_of_a_size(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        writer.put_head(head(3))
    with any_store.write() as writer:
        writer.put_head(head(3))
    with pytest.raises(StoreError, match="another head of 3 leaves"), any_store.write() as writer:
        writer.put_head(head(3, note="another"))
    assert any_store.head_of(3) == head(3)


def test_a_tile_is_as_wide_as_it_is_asked_for(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        writer.put_tiles({Tile(0, 0, 256): WIDE, Tile(0, 1, 3): WIDE[:96], Tile(1, 0, 1): WIDE[32:64]})
    assert any_store.tile(Tile(0, 0, 256)) == WIDE
    assert any_store.tile(Tile(0, 0, 2)) == WIDE[:64]
    assert any_store.tile(Tile(0, 1, 3)) == WIDE[:96]
    assert any_store.tile(Tile(0, 1, 4)) is None
    assert any_store.tile(Tile(1, 0, 1)) == WIDE[32:64]
    assert any_store.tile(Tile(1, 1, 1)) is None


def test_a_wider_tile_replaces_a_narrower_one_and_never_the_other_way_round(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        writer.put_tiles({Tile(0, 0, 4): WIDE[:128], Tile(0, 0, 2): b"n" * 64})
    with any_store.write() as writer:
        writer.put_tiles({})
        writer.put_tiles({Tile(0, 0, 3): b"n" * 96})
    assert any_store.tile(Tile(0, 0, 4)) == WIDE[:128]
    with any_store.write() as writer:
        writer.put_tiles({Tile(0, 0, 4): b"r" * 128})
    assert any_store.tile(Tile(0, 0, 4)) == b"r" * 128
    with any_store.write() as writer:
        writer.put_tiles({Tile(0, 0, 256): WIDE})
    assert any_store.tile(Tile(0, 0, 256)) == WIDE


def test_a_blob_is_kept_once_under_its_digest(any_store: LedgerStore) -> None:
    documents = [b"", b"\0\xff" * 10, b"x" * 2_000_000]
    for _ in range(2):
        with any_store.write() as writer:
            assert [writer.put_blob(each) for each in documents] == list(map(sha256_hex, documents))
    more = [b"new", *documents, b"new", b"newer"]
    for _ in range(2):
        with any_store.write() as writer:
            assert list(writer.put_blobs(more)) == list(map(sha256_hex, more))
            assert list(writer.put_blobs([])) == []
    documents += [b"new", b"newer"]
    with any_store.write() as writer:
        assert writer.put_blobs([b"twice", b"", b"twice"]) == list(map(sha256_hex, (b"twice", b"", b"twice")))
        assert writer.put_blob(b"twice") == sha256_hex(b"twice")
        assert writer.put_blobs([]) == []
    documents.append(b"twice")
    assert any_store.blobs() == sorted(map(sha256_hex, documents))
    assert [any_store.blob(sha256_hex(each)) for each in documents] == documents
    wanted = [sha256_hex(b""), "00" * 32, *(digest(str(number)).hex() for number in range(1_200))]
    assert any_store.read_blobs(wanted) == {sha256_hex(b""): b""}
    assert any_store.read_blobs([]) == {}


def test_the_projection_has_the_latest_of_each_slot(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        writer.project([projected(index=0), projected("SN22@1", index=1)])
        writer.project([projected(index=2, entry=None)])
        writer.project([])
    assert any_store.projection() == {
        "SN13@1907637": projected(index=2, entry=None),
        "SN22@1": projected("SN22@1", index=1),
    }
    with any_store.write() as writer:
        writer.clear_projection()
        writer.project([projected("SN1@5", index=3)])
    assert any_store.projection() == {"SN1@5": projected("SN1@5", index=3)}


def test_cases_are_found_by_what_is_asked_for_in_the_order_they_were_opened(any_store: LedgerStore) -> None:
    first, second, third = case("b"), case("a", hotkey="5Other"), case("c", slot="SN22@1")
    with any_store.write() as writer:
        for each in (first, second, third):
            writer.put_case(each)
    accepted = first.replace(state="accepted", log_index=7, verdicts=[verdict("5Validator").to_json()])
    with any_store.write() as writer:
        writer.put_case(accepted)
    assert any_store.cases() == [accepted, second, third]
    assert any_store.cases(state="open") == [second, third]
    assert any_store.cases(slot="SN22@1") == [third]
    assert any_store.cases(hotkey="5Miner", state="open") == [third]
    assert any_store.cases(fingerprint=second.fingerprint) == [second]
    assert any_store.cases(hotkey="5Nobody") == []
    assert any_store.case(first.id) == accepted


def test_commitments_are_numbered_and_the_first_of_a_digest_counts(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        made = [
            writer.add_commitment(hotkey=hotkey, digest=name * 32, at_ms=at_ms)
            for hotkey, name, at_ms in (("5A", "aa", 50), ("5B", "bb", 10), ("5C", "aa", 30), ("5A", "cc", 60))
        ]
    assert [each.number for each in made] == [0, 1, 2, 3]
    assert any_store.commitment("aa" * 32) == made[0]
    assert any_store.commitments() == made
    assert any_store.commitments(hotkey="5A") == [made[0], made[3]]
    assert any_store.commitments(hotkey="5A", since_ms=60) == [made[3]]
    assert any_store.commitments(since_ms=30) == [made[0], made[2], made[3]]


def test_a_nonce_is_used_once_by_each_hotkey(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        assert [writer.use_nonce("5A", "n"), writer.use_nonce("5A", "n"), writer.use_nonce("5B", "n")] == [
            True,
            False,
            True,
        ]
    with any_store.write() as writer:
        assert not writer.use_nonce("5A", "n")


def test_who_is_registered_is_said_anew_each_time(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        writer.set_participants([participant("5A"), participant("5B", uid=2, extra={"stake": 1.5})])
    with any_store.write() as writer:
        writer.set_participants([participant("5B", uid=3)])
    assert any_store.participants() == {"5B": participant("5B", uid=3)}
    with pytest.raises(StoreError, match="registered twice"), any_store.write() as writer:
        writer.set_participants([participant("5C"), participant("5C", uid=1)])
    with any_store.write() as writer:
        writer.set_participants([])
    assert any_store.participants() == {}


def test_a_setting_is_a_json_value_of_its_own(any_store: LedgerStore) -> None:
    value = {"ü": [1, 2.5, None, True, "\0 and \ud800"], "": {}}
    with any_store.write() as writer:
        writer.set_setting("policy", value)
        writer.set_setting("policy", value)
        writer.set_setting("nothing", None)
    value[""]["changed"] = 1  # type: ignore[index]  # it is the empty object
    any_store.setting("policy")["ü"].append("changed")
    assert any_store.setting("policy") == {"ü": [1, 2.5, None, True, "\0 and \ud800"], "": {}}
    assert any_store.setting("nothing") is None
    for wrong in (float("nan"), object(), {1, 2}):
        with pytest.raises(StoreError, match="no JSON value"), any_store.write() as writer:
            writer.set_setting("policy", wrong)


def test_the_newest_cosignature_of_each_witness_is_kept(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        writer.put_head(head(3))
        writer.put_cosignatures(3, {"a": "— a 1", "b": "— b 1"})
        writer.put_cosignatures(3, {"b": "— b 2", "c": "— c 2"})
        writer.put_cosignatures(3, {})
    assert any_store.cosignatures(3) == {"a": "— a 1", "b": "— b 2", "c": "— c 2"}
    assert any_store.cosignatures(4) == {}
    with pytest.raises(StoreError, match="no head of 4 leaves"), any_store.write() as writer:
        writer.put_cosignatures(4, {"a": "— a 1"})


UNKEEPABLE: dict[str, Callable[[StoreWriter], object]] = {
    "a NUL in a slot": lambda writer: writer.append([leaf(0, slot="SN1\0")]),
    "half a character": lambda writer: writer.add_commitment(hotkey="\ud800", digest="ab", at_ms=1),
    "a time beyond 63 bits": lambda writer: writer.add_commitment(hotkey="5A", digest="ab", at_ms=2**63),
    "a time before all": lambda writer: writer.add_commitment(hotkey="5A", digest="ab", at_ms=-1),
    "a seq beyond 63 bits": lambda writer: writer.append([leaf(0, seq=2**63)]),
    "a size beyond 63 bits": lambda writer: writer.put_head(head(2**63)),
    "a tile beyond 63 bits": lambda writer: writer.put_tiles({Tile(0, 2**63, 1): b"x" * 32}),
    "a NUL in a nonce": lambda writer: writer.use_nonce("5A", "\0"),
    "a NUL in a setting": lambda writer: writer.set_setting("\0", 1),
    "a NUL in a hotkey": lambda writer: writer.set_participants([participant("5\0")]),
    "a NUL in a version": lambda writer: writer.project([projected("SN1@\0")]),
    "a NUL in a case": lambda writer: writer.put_case(case("a", slot="\0")),
}


@pytest.mark.parametrize("change", UNKEEPABLE.values(), ids=UNKEEPABLE.keys())
def test_what_not_every_store_can_keep_none_keeps(any_store: LedgerStore, change: Any) -> None:
    with pytest.raises(StoreError) as refused, any_store.write() as writer:
        change(writer)
    assert refused.value.facts["reason"] == "unkeepable"


def test_asking_for_what_cannot_be_kept_finds_nothing(any_store: LedgerStore) -> None:
    for reader in (any_store.write(), any_store):
        with reader as open_reader:
            for text in ("\0", "\ud800", "x" * 100_000):
                assert open_reader.blob(text) is None
                assert open_reader.case(text) is None
                assert open_reader.commitment(text) is None
                assert open_reader.setting(text) is None
                assert open_reader.history(text) == []
                assert open_reader.cases(slot=text) == []
                assert open_reader.commitments(hotkey=text) == []
            for number in (-1, 2**63, 2**200):
                assert open_reader.head_of(number) is None
                assert open_reader.cosignatures(number) == {}
                assert open_reader.tile(Tile(0, number, 1)) is None
                assert open_reader.tile(Tile(number, 0, 1)) is None
                assert open_reader.commitments(since_ms=max(number, 0)) == []
            assert open_reader.head() is None


def test_a_transaction_within_a_transaction_of_the_same_thread_is_refused(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        writer.put_blob(b"kept")
        with pytest.raises(StoreError, match="in the middle of a transaction"), any_store.write():
            pass
    assert any_store.blobs() == [sha256_hex(b"kept")]


def test_a_writer_is_of_no_use_once_its_transaction_has_ended(any_store: LedgerStore) -> None:
    with any_store.write() as writer:
        pass
    for use in (lambda: writer.put_blob(b"late"), writer.head, writer.blobs, lambda: writer.append(leaves(0, 1))):
        with pytest.raises(StoreError, match="the transaction has ended"):
            use()
    assert any_store.blobs() == []


def test_a_closed_store_says_so(any_store: LedgerStore) -> None:
    any_store.check()
    any_store.close()
    any_store.close()
    with pytest.raises(StoreError, match="was closed"):
        any_store.head()
    with pytest.raises(StoreError, match="was closed"), any_store.write():
        pass


def test_writers_of_many_threads_take_turns_and_readers_do_not_wait(any_store: LedgerStore) -> None:
    """Each appends what follows what it sees; nothing is lost, and no reader sees a leaf without its head."""
    done = threading.Event()
    torn: list[object] = []

    def write(name: str) -> None:
        for number in range(10):
            with any_store.write() as writer:
                size = len(writer.leaves(0, 10_000))
                writer.append([leaf(size, slot=name, seq=number)])
                writer.put_head(head(size + 1))

    def read() -> None:
        while not done.is_set():
            newest = any_store.head()
            if newest is not None and len(any_store.leaves(0, newest.size)) != newest.size:
                torn.append(newest)

    writers = [threading.Thread(target=write, args=(f"SN{number}@1",)) for number in range(4)]
    reader = threading.Thread(target=read)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert not torn
    assert any_store.head() == head(40)
    for number in range(4):
        assert [each.seq for each in any_store.history(f"SN{number}@1")] == list(range(10))


def test_a_writer_whose_turn_does_not_come_is_told_so(store_url: str) -> None:
    with open_store(store_url, wait_s=0.05) as store:
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with store.write() as writer:
                writer.put_blob(b"held")
                held.set()
                done.wait()

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait()
        try:
            late = pytest.raises(StoreError, match=r"another writer held .* for more than 0\.05 s")
            with late as refused, store.write():
                pass
            assert refused.value.facts["reason"] == "busy"
            assert store.blobs() == []
        finally:
            done.set()
            holder.join()
        assert store.blobs() == [sha256_hex(b"held")]


def test_programs_that_make_a_store_at_the_same_moment_all_open_it(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def make(path: Path) -> Head | None:
        together.wait()
        with open_store(path) as store:
            return store.head()

    for number in range(10):
        with ThreadPoolExecutor(4) as programs:
            assert list(programs.map(make, [tmp_path / f"{number}.sqlite"] * 4)) == [None] * 4
