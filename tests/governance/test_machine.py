"""Any order of commitments, reveals, verdicts, registrations and decisions: what must hold of the ledger all the way.

What is held against the rules here is counted anew, from what was handed in, and shares no code with them: who has
approved, how many are wanted, what follows what in the log.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger_sync.log import fsck
from orchestra_tools.errors import ProposalRefusedError, StatementError
from orchestra_tools.governance.policy import Policy, Quorum
from orchestra_tools.governance.projection import check_event
from orchestra_tools.model import Entry
from orchestra_tools.model.case import Case
from orchestra_tools.model.event import LOG_SLOT, LogEvent
from orchestra_tools.model.proposal import Proposal
from orchestra_tools.registry.record import read_leaf
from orchestra_tools.registry.store import StoredLeaf
from orchestra_tools.trust.merkle import leaf_hash
from tests.governance.council import MINUTE_MS, Council, key_of
from tests.governance.examples import entry_with

SLOTS = ("SN7@70", "SN8@80")
MINERS = ("Miner", "Mallory", "Split1", "Split2")
VALIDATORS = ("V1", "V2", "V3", "V4", "V5")
OWNERS = ("One", "Two", "Three", "Miner")
TYPES = ("string", "integer", "boolean")
POLICY = Policy(
    patch=Quorum(least=1),
    minor=Quorum(least=2, share=0.4),
    major=Quorum(least=2, share=0.67),
    verdict_window_ms=120 * MINUTE_MS,
    reveal_within_ms=60 * MINUTE_MS,
    open_per_owner=3,
    per_owner_a_day=30,
    cooldown_ms=10 * MINUTE_MS,
    churn_window_ms=100 * MINUTE_MS,
)


@dataclass(frozen=True)
class Sealed:
    """A proposal that was committed to."""

    proposal: Proposal
    who: str
    slot: str
    salt: str


class Governance(RuleBasedStateMachine):
    """People at a desk."""

    @initialize()
    def begin(self) -> None:
        self.council = Council([entry_of(slot) for slot in SLOTS], validators=0, policy=POLICY)
        for name in ("Split1", "Split2"):
            self.council.register(name, owner="Split")
        self.people: dict[str, tuple[str, bool]] = {
            "Miner": ("MinerCold", False),
            "Mallory": ("MalloryCold", False),
            "Split1": ("SplitCold", False),
            "Split2": ("SplitCold", False),
        }
        self.sealed: list[Sealed] = []
        self.revealed: dict[str, Case] = {}
        self.proposer: dict[str, set[str]] = {}
        self.said: dict[str, dict[str, tuple[str, str]]] = {}
        self.accepted: list[str] = []
        self.leaves: list[StoredLeaf] = []
        self.latest: dict[str, LogEvent] = {}
        self.hashes: dict[str, str] = {}
        self.versions: set[tuple[str, str]] = set()
        for number, owner in ((1, "One"), (2, "Two"), (3, "Three")):
            self._register(f"V{number}", owner, validator=True)

    def _register(self, name: str, owner: str, *, validator: bool) -> None:
        self.council.register(name, owner=owner, validator=validator)
        self.people[name] = (f"{owner}Cold", validator)

    @rule(name=st.sampled_from(VALIDATORS), owner=st.sampled_from(OWNERS), validator=st.booleans())
    def register(self, name: str, owner: str, validator: bool) -> None:
        self._register(name, owner, validator=validator or len(self.people) < 6)

    @rule(name=st.sampled_from((*VALIDATORS, *MINERS)), seldom=st.integers(0, 3))
    def deregister(self, name: str, seldom: int) -> None:
        if name in self.people and seldom == 0:
            self.council.deregister(name)
            del self.people[name]

    @rule(minutes=st.sampled_from([1, 11, 45, 130]))
    def advance(self, minutes: int) -> None:
        self.council.now_ms += minutes * MINUTE_MS

    @rule(who=st.sampled_from((*MINERS, "V1")), slot=st.sampled_from(SLOTS), at_once=st.integers(0, 3), data=st.data())
    def commit(self, who: str, slot: str, at_once: int, data: st.DataObject) -> None:
        wished = data.draw(wishes(self.council.entry(slot), slot))
        if who not in self.people:
            with pytest.raises(ProposalRefusedError, match="not registered"):
                self.council.commit(wished, who, slot=slot)
            return
        try:
            salt = self.council.commit(wished, who, slot=slot)
        except ProposalRefusedError:
            return  # its quota is used up
        self.sealed.append(Sealed(wished, who, slot, salt))
        if at_once:
            self._reveal(self.sealed[-1])

    @precondition(lambda self: self.sealed)
    @rule(data=st.data())
    def reveal(self, data: st.DataObject) -> None:
        self._reveal(data.draw(st.sampled_from(self.sealed[-8:])))

    def _reveal(self, sealed: Sealed) -> None:
        before = {case.id: case for case in self.council.store.cases(state="open")}
        try:
            case = self.council.reveal(sealed.proposal, sealed.who, salt=sealed.salt, slot=sealed.slot)
        except ProposalRefusedError:
            assert {case.id: case for case in self.council.store.cases(state="open")} == before
            return
        assert sealed.who in self.people
        self.revealed[case.id] = case
        self.proposer[case.id] = {self.people[sealed.who][0]}
        self.said[case.id] = {}
        own = [each for each in self.council.store.cases(state="open") if self._owns(sealed.who, each)]
        assert len(own) <= POLICY.open_per_owner

    def _owns(self, who: str, case: Case) -> bool:
        return self.people[who][0] in self.proposer[case.id]

    @precondition(lambda self: self.revealed)
    @rule(data=st.data(), names=st.sets(st.sampled_from(VALIDATORS), min_size=2), agrees=st.integers(0, 4))
    def cast(self, data: st.DataObject, names: set[str], agrees: int) -> None:
        case = self.revealed[data.draw(st.sampled_from(list(self.revealed)[-4:]))]
        for name in sorted(names):
            decision = "approve" if agrees else "reject"
            try:
                self.council.cast(case, name, decision=decision)
            except ProposalRefusedError:
                continue
            assert name not in self.said[case.id], "a validator has spoken twice"
            owner, validator = self.people[name]
            assert validator
            assert owner not in self.proposer[case.id] | self._owner_now(case)
            self.said[case.id][name] = (owner, decision)
        if data.draw(st.booleans()):
            self.settle()

    @precondition(lambda self: self.revealed)
    @rule(data=st.data(), name=st.sampled_from(VALIDATORS))
    def replay_or_forge(self, data: st.DataObject, name: str) -> None:
        """Nothing that was signed once, or by somebody else, is taken."""
        case = self.revealed[data.draw(st.sampled_from(sorted(self.revealed)))]
        document, blobs = self.council.verdict(case, name)
        forged = {**document, "hotkey": key_of("V1" if name != "V1" else "V2").ss58_address}
        with pytest.raises(StatementError):
            self.council.desk.cast(forged, blobs)

    @rule()
    def settle(self) -> None:
        open_before = {case.id for case in self.council.store.cases(state="open")}
        for case_id, case in self.council.settle().items():
            assert case_id in open_before, "a case was decided twice"
            if case.state == "accepted":
                self.accepted.append(case_id)
                self._check_quorum(case)

    def _owner_now(self, case: Case) -> set[str]:
        names = {key_of(name).ss58_address: name for name in self.people}
        name = names.get(case.hotkey)
        return set() if name is None else {self.people[name][0]}

    def _check_quorum(self, case: Case) -> None:
        """Count the voices anew: owners of validators registered now, but for whoever proposed it."""
        own = self.proposer[case.id] | self._owner_now(case)
        voices = {owner for owner, validator in self.people.values() if validator} - own
        for_it, against = set(), set()
        for name, (_, decision) in self.said[case.id].items():
            owner, validator = self.people.get(name, ("", False))
            if validator and owner in voices:
                (for_it if decision == "approve" else against).add(owner)
        quorum = {"patch": POLICY.patch, "minor": POLICY.minor, "major": POLICY.major}[case.bump]
        wanted = max(quorum.least, math.ceil(quorum.share * len(voices) - 1e-9))
        assert len(for_it - against) >= wanted, f"{for_it} - {against} of {voices}, and {wanted} are wanted"

    @invariant()
    def the_log_only_grows_and_every_event_follows_the_one_before_it(self) -> None:
        head = self.council.store.head()
        assert head is not None
        leaves = list(self.council.store.leaves(0, head.size))
        assert leaves[: len(self.leaves)] == self.leaves
        for index in range(len(self.leaves), len(leaves)):
            self._check_leaf(index, leaves[index].data)
        self.leaves = leaves

    def _check_leaf(self, index: int, data: bytes) -> None:
        event = read_leaf(data, index)
        before = self.latest.get(event.slot)
        assert event.seq == (0 if before is None else before.seq + 1)
        assert event.prev == (None if before is None else self.hashes[event.slot])
        check_event(event, index, before, self.council.store.blob)
        self.latest[event.slot] = event
        self.hashes[event.slot] = leaf_hash(data).hex()
        if event.slot != LOG_SLOT:
            assert event.version is not None
            if before is not None and before.version is not None and event.entry_sha256 is not None:
                assert _parts(event.version) > _parts(before.version), "a version goes up"
            if event.entry_sha256 is not None:
                assert (event.slot, event.version) not in self.versions, "a version is used once"
                self.versions.add((event.slot, event.version))

    @invariant()
    def what_is_shown_is_what_the_log_comes_to(self) -> None:
        latest = {event.slot: event for event in self._events()}
        shown = {slot: (at.seq, at.version, at.entry_sha256) for slot, at in self.council.store.projection().items()}
        assert shown == {
            slot: (event.seq, event.version, event.entry_sha256) for slot, event in latest.items() if slot != LOG_SLOT
        }

    @invariant()
    def every_change_is_one_accepted_case_and_no_two_open_cases_wish_the_same(self) -> None:
        cases = self.council.store.cases()
        changes = [event for event in self._events() if event.kind not in ("genesis", "manifest")]
        assert [event.proposal_sha256 for event in changes] == [self._statement(case_id) for case_id in self.accepted]
        assert sorted(self.accepted) == sorted(case.id for case in cases if case.state == "accepted")
        wishes_open = [(case.slot, case.fingerprint) for case in cases if case.state == "open"]
        assert len(wishes_open) == len(set(wishes_open))

    def _events(self) -> list[LogEvent]:
        head = self.council.store.head()
        assert head is not None
        return [read_leaf(leaf.data, leaf.index) for leaf in self.council.store.leaves(0, head.size)]

    def _statement(self, case_id: str) -> str:
        return self.revealed[case_id].statement_sha256

    def teardown(self) -> None:
        if hasattr(self, "council"):
            assert fsck(self.council.store, key=self.council.signer.key).findings == ()


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def entry_of(slot: str) -> Entry:
    """What a slot begins with."""
    key, _, block = slot.partition("@")
    place = {"netuid": int(key[2:]), "registered_at_block": int(block), "name": f"Subnet {key}"}
    return Entry.from_document(key, entry_with().to_json() | place)


@st.composite
def wishes(draw: st.DrawFn, entry: Entry | None, slot: str) -> Proposal:
    """Something that fits the entry as it is now."""
    if entry is None:
        return _wish(slot, "new_subnet", "", None, entry_of(slot).to_json())
    kind = draw(st.sampled_from(["field", "field", "field", "name", "deprecation", "withdrawal", "price"]))
    operation = entry.to_json()["operations"]["find"]
    if kind == "field":
        name = draw(st.sampled_from(["results", "first", "second"]))
        old = operation["output_schema"]["properties"].get(name)
        new = draw(st.sampled_from([{"type": each} for each in TYPES if {"type": each} != old]))
        return _wish(slot, "schema_change", f"output_schema.{name}", old, new)
    if kind == "name":
        names = [f"Subnet {slot[2]} {letter}" for letter in "AB"]
        name = draw(st.sampled_from([each for each in names if each != entry.name]))
        return _wish(slot, "identity_change", "name", entry.name, name)
    if kind == "price":
        amount = draw(st.sampled_from([each for each in ("0.001", "0.5") if each != operation["cost"]["amount"]]))
        return _wish(slot, "cost_change", "operations.find.cost.amount", operation["cost"]["amount"], amount)
    if kind == "deprecation" and entry.status == "active":
        return _wish(slot, "deprecation", "", "active", "deprecated")
    return _wish(slot, "withdrawal", "", entry.version, None)


def _wish(slot: str, kind: str, field: str, old: Any, new: Any) -> Proposal:
    return Proposal.model_validate(
        {
            "subnet": slot,
            "update_type": kind,
            "field": field,
            "old_value": old,
            "new_value": new,
            "evidence_hash": "0x7a3f...",
            "proposed_by": "somebody",
        }
    )


def _run(examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis has no types for it
        Governance,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_nothing_gets_past_the_rules_whatever_is_done_in_whatever_order() -> None:
    _run(examples=25, steps=40)


@pytest.mark.slow
def test_nothing_gets_past_the_rules_in_long_runs() -> None:
    _run(examples=200, steps=80)
