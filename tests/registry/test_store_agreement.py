"""Whatever is done to them, a store in memory and one in a database say the same."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from orchestra_tools.errors import StoreError
from orchestra_tools.registry.memory import MemoryStore
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.store import LedgerStore, Projected, StoredLeaf, StoreReader, StoreWriter
from orchestra_tools.trust.tiles import Tile
from tests.postgres import PostgresServer
from tests.registry.store_values import case, digest, head, participant

Step = Callable[[StoreWriter], Any]
SLOTS = ["SN1@1", "SN2@?", "log", "SN1@\0", "SN1@\ud800", ""]
NAMES = ["a", "b", "ü", "\0", "\ud800"]
numbers = st.integers(-1, 6) | st.sampled_from([2**63 - 1, 2**63])
slots = st.sampled_from(SLOTS)
names = st.sampled_from(NAMES)
small = st.binary(max_size=8)


class GaveUpError(Exception):
    """Raised by a writer that changes its mind."""


def append(next_index: int, added: Sequence[tuple[str, int]]) -> Step:
    leaves = [StoredLeaf(next_index + at, slot, seq, b"h", b"d") for at, (slot, seq) in enumerate(added)]
    return lambda writer: writer.append(leaves)


def put_tile(level: int, index: int, width: int, byte: int) -> Step:
    return lambda writer: writer.put_tiles({Tile(level, index, width): bytes([byte]) * 32 * width})


def put_head(size: int, note: str) -> Step:
    return lambda writer: writer.put_head(head(size, note=note))


def put_case(name: str, state: str, slot: str, hotkey: str) -> Step:
    return lambda writer: writer.put_case(case(name, state=state, slot=slot, hotkey=hotkey))


def project(slot: str, index: int, entry: str | None) -> Step:
    return lambda writer: writer.project([Projected(slot, index, index, b"h", "1.0.0", entry)])


steps = st.one_of(
    st.builds(append, st.integers(0, 6), st.lists(st.tuples(slots, numbers), max_size=3)),
    st.builds(put_tile, st.integers(0, 1), st.integers(0, 1), st.integers(1, 3), st.integers(0, 1)),
    st.builds(put_head, numbers, st.sampled_from(["", "x"])),
    st.builds(put_case, st.sampled_from("abc"), st.sampled_from(["open", "accepted"]), slots, names),
    st.builds(project, slots, numbers, st.sampled_from([None, "ab" * 32])),
    small.map(lambda data: lambda writer: writer.put_blob(data)),
    st.tuples(numbers, st.dictionaries(names, names, max_size=2)).map(
        lambda given: lambda writer: writer.put_cosignatures(*given)
    ),
    st.just(lambda writer: writer.clear_projection()),
    st.tuples(names, names, numbers).map(
        lambda given: lambda writer: writer.add_commitment(hotkey=given[0], digest=given[1], at_ms=given[2])
    ),
    st.tuples(names, names).map(lambda given: lambda writer: writer.use_nonce(*given)),
    st.lists(names, max_size=3).map(
        lambda given: lambda writer: writer.set_participants(list(map(participant, given)))
    ),
    st.tuples(names, st.none() | names | st.lists(st.integers(), max_size=2)).map(
        lambda given: lambda writer: writer.set_setting(*given)
    ),
)


def everything(reader: StoreReader) -> list[Any]:
    """All that a reader can be asked within the values of this test."""
    sizes: list[int] = [*range(-1, 8), 2**63 - 1, 2**63]
    return [
        reader.head(),
        [reader.head_of(size) for size in sizes],
        [list(reader.heads(start, stop)) for start, stop in ((0, 9), (2, 4), (-1, 1), (3, 3))],
        [dict(reader.cosignatures(size)) for size in sizes],
        [list(reader.leaves(start, stop)) for start, stop in ((0, 2**64), (2, 4), (-1, 1), (3, 3))],
        [list(reader.history(slot)) for slot in SLOTS],
        [reader.tile(Tile(level, index, width)) for level in (0, 1) for index in (0, 1) for width in (1, 2, 3, 4)],
        reader.blobs(),
        dict(reader.read_blobs(reader.blobs())),
        dict(reader.projection()),
        [reader.case(digest(name).hex()) for name in "abc"],
        [list(reader.cases(state=state, slot=slot)) for state in (None, "open") for slot in (None, *SLOTS)],
        [list(reader.cases(hotkey=name)) for name in NAMES],
        [reader.commitment(name) for name in NAMES],
        [list(reader.commitments(hotkey=name, since_ms=since)) for name in (None, *NAMES) for since in (0, 3, 2**63)],
        dict(reader.participants()),
        [reader.setting(name) for name in NAMES],
    ]


def outcome(step: Step, writer: StoreWriter) -> Any:
    """What a step gives, or for what reason it is refused."""
    try:
        return step(writer)
    except StoreError as error:
        return f"refused: {error.facts['reason']}"


class Agreement(RuleBasedStateMachine):
    """Transactions on both stores: some committed, some given up, some with a step that fails."""

    def open_other(self) -> LedgerStore:
        """The store in a database."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.memory: LedgerStore = MemoryStore()
        self.other = self.open_other()

    @rule(given=st.lists(steps, max_size=5), give_up=st.booleans(), pass_over=st.booleans())
    def transact(self, given: list[Step], give_up: bool, pass_over: bool) -> None:
        before = everything(self.memory)
        told = [self._transact(store, given, give_up=give_up, pass_over=pass_over) for store in self._stores()]
        assert told[0] == told[1]
        if told[0][-1] != "committed":
            assert everything(self.memory) == before

    def _transact(self, store: LedgerStore, given: list[Step], *, give_up: bool, pass_over: bool) -> list[Any]:
        told: list[Any] = []
        try:
            with store.write() as writer:
                for step in given:
                    told.append(outcome(step, writer))
                    if str(told[-1]).startswith("refused"):
                        # Whether a refused step had done a part of it is not said: all of it will be undone.
                        if pass_over:
                            break
                        raise GaveUpError
                else:
                    told.append(everything(writer))
                if give_up:
                    raise GaveUpError
            told.append("committed")
        except (GaveUpError, StoreError) as error:
            told.append(type(error).__name__)
        return told

    def _stores(self) -> tuple[LedgerStore, LedgerStore]:
        return self.memory, self.other

    @invariant()
    def they_say_the_same(self) -> None:
        if hasattr(self, "other"):
            assert everything(self.memory) == everything(self.other)

    def teardown(self) -> None:
        if hasattr(self, "other"):
            self.other.close()


def agree(open_other: Callable[[], LedgerStore], *, examples: int) -> None:
    machine = type("Machine", (Agreement,), {"open_other": lambda _: open_other()})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


@pytest.mark.slow
def test_sqlite_agrees_with_the_store_in_memory(empty_sqlite: Path, tmp_path: Path) -> None:
    with contextlib.ExitStack() as opened:

        def open_other() -> LedgerStore:
            folder = opened.enter_context(tempfile.TemporaryDirectory(dir=tmp_path))
            return open_store(shutil.copyfile(empty_sqlite, Path(folder) / "ledger.sqlite"))

        agree(open_other, examples=40)


@pytest.mark.slow
def test_postgresql_agrees_with_the_store_in_memory(postgres_server: PostgresServer) -> None:
    agree(lambda: open_store(postgres_server.create_ledger()), examples=15)
