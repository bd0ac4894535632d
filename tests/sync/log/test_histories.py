"""Whatever the order of appends, manifests, publications, cosignatures, rebuilds and failures, the log's laws hold."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger_sync.log import Appended, Draft, LogPublisher, LogWriter, ManifestPolicy, fsck, rebuild
from orchestra_tools.model.event import LOG_SLOT
from orchestra_tools.registry.memory import MemoryStore
from orchestra_tools.registry.record import read_leaf
from orchestra_tools.registry.store import Head, StoredLeaf
from orchestra_tools.registry.stored import tile_reader
from orchestra_tools.trust.cosignatures import CosignatureSigner
from orchestra_tools.trust.merkle import prove_consistency, root_of, verify_consistency
from orchestra_tools.trust.notes import Note
from orchestra_tools.trust.tiles import TileHashes
from tests.sync.log.ledgers import SIGNER, Changes, Clock, founded, witness
from tests.trust.independent_reader import read_log

NETUIDS = st.integers(1, 6)


class _FailureError(Exception):
    """What makes a transaction fail."""


class Histories(RuleBasedStateMachine):
    """One store with two writers, and a folder."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        self.leaves: list[StoredLeaf] = []
        self.heads: list[Head] = []
        self.published = 0

    @initialize(slots=st.integers(0, 3))
    def begin(self, slots: int) -> None:
        """The genesis, and a second writer."""
        policy = ManifestPolicy(leaves=4)
        one = founded(self.store, slots=slots, clock=self.clock, manifests=policy)
        self.writers = [one, LogWriter(self.store, SIGNER, clock=self.clock, manifests=policy)]
        self.publisher = LogPublisher(self.store, self.folder)
        self._take_note()

    @rule(who=st.integers(0, 1), netuids=st.lists(NETUIDS, min_size=1, max_size=5), fails=st.booleans())
    def append(self, who: int, netuids: list[int], fails: bool) -> None:
        """Some events, of one slot or several, in a transaction that may fail."""
        drafts = self._drafts(netuids)
        size = len(self.leaves)
        appended: Appended | None = None
        with contextlib.suppress(_FailureError), self.store.write() as transaction:
            appended = self.writers[who].append(transaction, drafts)
            if fails:
                raise _FailureError
        assert appended is not None
        assert appended.indices == range(size, size + len(drafts))
        self._take_note()
        assert len(self.leaves) == (size if fails else size + len(drafts))

    @rule(netuid=NETUIDS)
    def withdraw(self, netuid: int) -> None:
        """The entry of a slot goes; it may begin again later."""
        changes = Changes(self.store)
        if changes.has(netuid):
            self.writers[1].commit([changes.withdraw(netuid)])
            self._take_note()

    @rule(count=st.integers(1, 300))
    def append_many(self, count: int) -> None:
        """Enough to fill tiles."""
        self.writers[0].commit([witness(f"{len(self.leaves)}/{number}") for number in range(count)])
        self._take_note()

    @rule(who=st.integers(0, 1), passed_ms=st.integers(-10_000, 10_000_000))
    def renew_manifest(self, who: int, passed_ms: int) -> None:
        """Time passes, or is set back; a manifest is written if one is due."""
        self.clock.now_ms += passed_ms
        self.writers[who].renew_manifest()
        self._take_note()

    @rule()
    def publish(self) -> None:
        """Others can read all of it."""
        publication = self.publisher.publish()
        log = read_log(str(self.folder), str(SIGNER.key))
        assert publication.size_before == self.published
        assert log.leaves == [leaf.data for leaf in self.leaves]
        self.published = log.size

    @rule()
    def cosign(self) -> None:
        """A validator saw the newest head."""
        validator = CosignatureSigner("validator.example", bytes(32))
        head = self.heads[-1]
        line = str(validator.cosign(Note.parse(head.note).text, self.clock.now_ms // 1000))
        with self.store.write() as transaction:
            transaction.put_cosignatures(head.size, {validator.key.name: line})

    @rule(forget=st.booleans())
    def derive_anew(self, forget: bool) -> None:
        """Rebuilding comes to what there was."""
        before = self.store.projection()
        if forget:
            with self.store.write() as transaction:
                transaction.clear_projection()
        rebuilt = rebuild(self.store, key=SIGNER.key)
        assert len(rebuilt.differences) == (len(before) if forget else 0)
        assert self.store.projection() == before

    @precondition(lambda self: self.leaves)
    @invariant()
    def every_head_is_the_beginning_of_the_newest(self) -> None:
        """Consistency proofs lead from every head to the newest; its root is that of the leaves."""
        newest = self.heads[-1]
        assert newest.root == root_of([leaf.leaf_hash for leaf in self.leaves])
        read = TileHashes(newest.size, tile_reader(self.store))
        for head in self.heads:
            assert self.store.head_of(head.size) == head
            verify_consistency(
                old_size=head.size,
                new_size=newest.size,
                proof=prove_consistency(head.size, newest.size, read),
                old_root=head.root,
                new_root=newest.root,
            )

    @precondition(lambda self: self.leaves)
    @invariant()
    def each_slot_has_one_chain_and_one_latest(self) -> None:
        """`seq` counts, `prev` follows, and the projection has the last one."""
        last: dict[str, StoredLeaf] = {}
        for leaf in self.leaves:
            event = read_leaf(leaf.data, leaf.index)
            before = last.get(event.slot)
            assert event.seq == (0 if before is None else before.seq + 1)
            assert event.prev == (None if before is None else before.leaf_hash.hex())
            last[event.slot] = leaf
        last.pop(LOG_SLOT)
        assert {slot: each.index for slot, each in self.store.projection().items()} == {
            slot: leaf.index for slot, leaf in last.items()
        }

    def teardown(self) -> None:
        """fsck agrees."""
        if self.leaves:
            self.publisher.publish()
            report = fsck(self.store, key=SIGNER.key, published=self.folder)
            assert report.findings == ()
            assert (report.leaves, report.heads) == (len(self.leaves), len(self.heads))
        self.store.close()
        shutil.rmtree(self.folder)

    def _drafts(self, netuids: list[int]) -> list[Draft]:
        changes, size = Changes(self.store), len(self.leaves)
        return [
            changes.rename(netuid, f"name {size + at}") if changes.has(netuid) else changes.begin(netuid)
            for at, netuid in enumerate(netuids)
        ]

    def _take_note(self) -> None:
        """Remember what there is; nothing that was there has changed."""
        now = list(self.store.leaves(0, 1_000_000))
        assert now[: len(self.leaves)] == self.leaves
        self.leaves = now
        head = self.store.head()
        assert head is not None
        assert head.size == len(now)
        if not self.heads or head != self.heads[-1]:
            self.heads.append(head)


TestHistories = pytest.mark.slow(Histories.TestCase)
TestHistories.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
