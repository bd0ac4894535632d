"""The seed's worked example, without commands: SN13 gains a field, a miner notices, three validators call and approve.

Everything is real: a sandbox over HTTP, hotkeys, the stores, the log.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from bittensor_core import Keypair

from ledger_sync.governance.caller import Probe, find_tool, probe, session_for
from ledger_sync.governance.desk import Desk
from ledger_sync.governance.drafting import draft_proposals
from ledger_sync.governance.evidence import Evidence, pack, unpack
from ledger_sync.governance.reading import current_entry, find_case, read_blob, read_statement
from ledger_sync.governance.verification import Review, verify
from ledger_sync.log import LogWriter, fsck
from orchestra_tools.errors import ProposalRefusedError, TamperedError
from orchestra_tools.governance.applying import apply_proposal
from orchestra_tools.governance.commitments import commitment_of
from orchestra_tools.governance.fingerprints import fingerprint_of
from orchestra_tools.governance.policy import Policy
from orchestra_tools.model import Ledger
from orchestra_tools.model.case import Case, Participant
from orchestra_tools.model.proposal import Proposal
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.registry.memory import MemoryStore
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.sandbox import sandbox_ledger
from orchestra_tools.testing import Sandbox
from orchestra_tools.trust.notes import NoteSigner
from orchestra_tools.trust.statements import sign_statement
from tests.governance.examples import SEED_PROPOSAL
from tests.sync.governance.stage import blobs_of

ORIGIN = "ledger.example/subnets"
NAMES = ("Miner", "Alice", "Bob", "Charlie")
KEYS = {name: Keypair.create_from_uri(f"//{name}") for name in NAMES}
LOG_KEY = NoteSigner(ORIGIN, bytes(range(32)))
OLD = packaged_ledger().find_entry("SN13")
SLOT = str(OLD.slot)
HOUR_MS = 3_600_000


def now_ms() -> int:
    return time.time_ns() // 10**6


@pytest.fixture(scope="session")
def changed_subnet() -> Iterator[Sandbox]:
    """SN13 as it answers now, and a ledger that does not know it yet."""
    evolved = apply_proposal(Proposal.model_validate(SEED_PROPOSAL), OLD, slot=SLOT).entry
    assert evolved is not None
    with Sandbox(Ledger([OLD]), serving=Ledger([evolved])) as sandbox:
        yield sandbox


class Round:
    """One ledger, and the people around it."""

    def __init__(self, store: LedgerStore, sandbox: Sandbox) -> None:
        ledger = sandbox_ledger(Ledger([OLD]), sandbox.url)
        self.store = store
        self.mark = ledger.sandbox
        self.entry = ledger.find_entry("SN13")
        self.log = LogWriter(store, LOG_KEY, clock=now_ms)
        rules = {"origin": ORIGIN, "network": "finney", "policy": Policy().to_json(), "log_key": str(LOG_KEY.key)}
        self.log.found(ledger, settings=rules)
        uids = {"Miner": 42}
        people = [
            Participant(
                hotkey=key.ss58_address,
                coldkey=f"owner of {name}",
                uid=uids.get(name, number),
                validator=name != "Miner",
            )
            for number, (name, key) in enumerate(KEYS.items())
        ]
        with store.write() as writer:
            writer.set_participants(people)
        self.desk = Desk(store, clock=now_ms)

    def sign(self, kind: str, payload: Mapping[str, Any], who: str) -> dict[str, Any]:
        at = now_ms()
        return sign_statement(
            kind,
            payload,
            signer=KEYS[who],
            network="finney",
            ledger=ORIGIN,
            nonce=secrets.token_hex(16),
            issued_at_ms=at,
            expires_at_ms=at + HOUR_MS,
        )

    async def gather(self, seed: str = "miner") -> Evidence:
        async with session_for(self.entry, self.mark) as session:
            tool = find_tool(session, "query_data")
            assert tool is not None
            return pack((await probe(session, tool, Probe(3, 0.0, seed))).calls)

    async def propose(self, proposal: Mapping[str, Any], evidence: Evidence, *, blobs: Any = None) -> Case:
        salt = secrets.token_hex(32)
        fingerprint = fingerprint_of(Proposal.model_validate(proposal), self.entry, slot=SLOT)
        digest = commitment_of(fingerprint, salt=salt, hotkey=KEYS["Miner"].ss58_address, ledger=ORIGIN)
        self.desk.commit(self.sign("commitment", {"commitment": digest}, "Miner"))
        payload = {"proposal": proposal, "slot": SLOT, "evidence_sha256": evidence.sha256, "salt": salt}
        return self.desk.reveal(self.sign("proposal", payload, "Miner"), evidence.blobs if blobs is None else blobs)

    async def review(self, case: Case, seed: str) -> Review:
        evidence: Any
        try:
            evidence = unpack(read_blob(self.store, case.evidence_sha256), self.store.blob, slot=case.slot)
        except ProposalRefusedError as error:
            evidence = error
        statement = read_statement(self.store, case)
        entry = current_entry(self.store, case.slot)
        return await verify(statement, entry, evidence=evidence, plan=Probe(3, 0.0, seed), sandbox=self.mark)

    def cast(self, case: Case, review: Review, who: str, *, blobs: Any = None) -> Case:
        verdict = {
            "proposal_id": case.id,
            "decision": review.decision,
            "reasons": [each.to_json() for each in review.reasons],
            "checks": [each.to_json() for each in review.checks],
            "evidence_sha256": review.evidence.sha256,
        }
        return self.desk.cast(self.sign("verdict", verdict, who), review.evidence.blobs if blobs is None else blobs)


async def test_a_field_that_a_miner_noticed_becomes_a_version(any_store: LedgerStore, changed_subnet: Sandbox) -> None:
    """Issue: "the worked example runs end to end on SQLite and on PostgreSQL"."""
    round_ = Round(any_store, changed_subnet)
    case = await round_.propose(SEED_PROPOSAL, await round_.gather())
    assert (case.state, case.bump) == ("open", "minor")
    for who in ("Alice", "Bob", "Charlie"):
        assert round_.desk.settle(round_.log) == []
        review = await round_.review(case, f"seed of {who}")
        assert review.decision == "approve", review.reasons
        case = round_.cast(case, review, who)
    (settled,) = round_.desk.settle(round_.log)
    assert settled.case.state == "accepted"
    assert any("metadata" in change for change in settled.changes)
    entry = current_entry(any_store, SLOT)
    assert entry is not None
    assert entry.version == "1.1.0"
    fields = entry.operations["query_data"].output_form["properties"]["metadata"]["properties"]
    assert fields["scrape_timestamp"] == {"type": "string", "format": "date-time"}
    (last,) = any_store.leaves(settled.case.log_index or 0, (settled.case.log_index or 0) + 1)
    assert last.slot == SLOT
    report = fsck(any_store, key=LOG_KEY.key)
    assert report.findings == ()
    assert round_.desk.settle(round_.log) == []


@pytest.fixture
def round_(changed_subnet: Sandbox) -> Iterator[Round]:
    """A ledger in memory."""
    with MemoryStore() as store:
        yield Round(store, changed_subnet)


async def test_what_the_answers_lack_is_rejected_and_nothing_is_appended(round_: Round) -> None:
    wish = {**SEED_PROPOSAL, "field": "output_schema.metadata.invented"}
    case = await round_.propose(wish, await round_.gather())
    size = len(round_.store.leaves(0, 10))
    for who in ("Alice", "Bob", "Charlie"):
        review = await round_.review(case, who)
        assert "false" in {reason.code for reason in review.reasons}
        case = round_.cast(case, review, who)
    (settled,) = round_.desk.settle(round_.log)
    assert (settled.case.state, settled.case.reason) == ("rejected", "verdicts")
    assert len(round_.store.leaves(0, 10)) == size


async def test_the_flywheel_drafts_what_validators_approve(round_: Round) -> None:
    """The seed: "do responses match Ledger entries? If not, submit Ledger update"."""
    evidence = await round_.gather()
    answers = [call.answer for call in unpack(evidence.bundle, blobs_of(evidence.blobs), slot=SLOT)]
    drafts = draft_proposals(
        round_.entry, "query_data", answers, evidence_hash=f"0x{evidence.sha256}", proposed_by="miner_uid_42"
    )
    assert drafts.left_out == {}
    assert len({draft.field for draft in drafts.proposals}) == len(drafts.proposals) > 1
    draft = next(each for each in drafts.proposals if each.field == "output_schema.metadata")
    case = await round_.propose(draft.model_dump(mode="json"), evidence)
    assert (await round_.review(case, "Alice")).decision == "approve"


@pytest.mark.parametrize("fault", ["drift", "new_field", "garbage", "html", "empty", "server_error", "rate_limit:60"])
async def test_no_fault_of_the_subnet_approves_what_it_does_not_answer(
    round_: Round, changed_subnet: Sandbox, fault: str
) -> None:
    wish = {**SEED_PROPOSAL, "field": "output_schema.metadata.invented"}
    case = await round_.propose(wish, await round_.gather())
    with changed_subnet.faults("sn13_query_data", fault):
        statement, entry = read_statement(round_.store, case), current_entry(round_.store, case.slot)
        evidence = unpack(read_blob(round_.store, case.evidence_sha256), round_.store.blob, slot=case.slot)
        review = await verify(
            statement, entry, evidence=evidence, plan=Probe(3, 0.0, "x"), sandbox=round_.mark, sleep=_at_once
        )
    assert review.decision == "reject"


async def test_a_subnet_that_is_slow_is_waited_for(round_: Round, changed_subnet: Sandbox) -> None:
    case = await round_.propose(SEED_PROPOSAL, await round_.gather())
    with changed_subnet.faults("sn13_query_data", "latency:30"):
        assert (await round_.review(case, "Alice")).decision == "approve"


async def test_the_miners_noticing_is_tested_with_a_field_nobody_planned(
    round_: Round, changed_subnet: Sandbox
) -> None:
    with changed_subnet.faults("sn13_query_data", "new_field"):
        evidence = await round_.gather()
    answers = [call.answer for call in unpack(evidence.bundle, blobs_of(evidence.blobs), slot=SLOT)]
    drafts = draft_proposals(round_.entry, "query_data", answers, evidence_hash="0x7a3f", proposed_by="miner_uid_42")
    fields = {each.field for each in drafts.proposals}
    assert "output_schema.metadata" in fields
    assert any("sandbox_new_field" in field for field in fields)


# The desk


async def test_evidence_whose_samples_were_not_handed_in_does_not_hold(round_: Round) -> None:
    """notes, 6: an evidence hash with no preimage."""
    evidence = await round_.gather()
    case = await round_.propose(SEED_PROPOSAL, evidence, blobs=[evidence.bundle])
    review = await round_.review(case, "Alice")
    assert {reason.code for reason in review.reasons} == {"no_preimage"}


async def test_a_proposal_without_its_evidence_is_not_taken_in(round_: Round) -> None:
    evidence = await round_.gather()
    with pytest.raises(ProposalRefusedError) as refused:
        await round_.propose(SEED_PROPOSAL, evidence, blobs=[])
    assert refused.value.facts["reason"] == "evidence"
    assert round_.store.cases() == []


async def test_a_verdict_needs_its_evidence_and_counts_once(round_: Round) -> None:
    case = await round_.propose(SEED_PROPOSAL, await round_.gather())
    review = await round_.review(case, "Alice")
    with pytest.raises(ProposalRefusedError, match="preimage"):
        round_.cast(case, review, "Alice", blobs=[])
    round_.cast(case, review, "Alice")
    for again in ("Alice", "Miner"):
        with pytest.raises(ProposalRefusedError):
            round_.cast(case, review, again)


async def test_an_approval_rests_on_calls_of_ones_own(round_: Round) -> None:
    """notes, 6: "copying is useless". Neither no calls, nor the proposer's, nor those of another validator."""
    proposed = await round_.gather()
    case = await round_.propose(SEED_PROPOSAL, proposed)
    review = await round_.review(case, "Alice")
    for evidence, problem in ((pack(()), "an approval needs 3"), (proposed, "somebody else")):
        with pytest.raises(ProposalRefusedError, match=problem):
            round_.cast(case, replace(review, evidence=evidence), "Alice")
    unheld = replace(review, evidence=Evidence(b"{}", ()))
    with pytest.raises(ProposalRefusedError, match="does not hold"):
        round_.cast(case, unheld, "Alice")
    case = round_.cast(case, review, "Alice")
    with pytest.raises(ProposalRefusedError, match="somebody else"):
        round_.cast(case, review, "Bob")
    assert len(round_.cast(case, await round_.review(case, "Bob"), "Bob").verdicts) == 2


async def test_evidence_of_a_proposer_that_does_not_hold_keeps_nobody_from_rejecting(round_: Round) -> None:
    evidence = await round_.gather()
    case = await round_.propose(SEED_PROPOSAL, evidence, blobs=[evidence.bundle])
    assert len(round_.cast(case, await round_.review(case, "Alice"), "Alice").verdicts) == 1


async def test_a_statement_is_taken_in_once(round_: Round) -> None:
    document = round_.sign("commitment", {"commitment": "0" * 64}, "Miner")
    round_.desk.commit(document)
    with pytest.raises(ProposalRefusedError) as refused:
        round_.desk.commit(document)
    assert refused.value.facts["reason"] == "replay"


async def test_too_many_documents_are_not_taken_in(round_: Round) -> None:
    evidence = await round_.gather()
    for blobs in ([bytes([number]) for number in range(100)], [b"x" * (17 * 1024 * 1024)]):
        with pytest.raises(ProposalRefusedError, match="more than"):
            await round_.propose(SEED_PROPOSAL, evidence, blobs=[evidence.bundle, *blobs])


async def test_a_case_is_found_by_how_its_id_begins(round_: Round) -> None:
    case = await round_.propose(SEED_PROPOSAL, await round_.gather())
    assert find_case(round_.store, case.id[:8]) == case
    for unknown in (case.id[:3], "f" * 64):
        with pytest.raises(ProposalRefusedError):
            find_case(round_.store, unknown)
    with pytest.raises(TamperedError):
        read_blob(round_.store, "0" * 64)


async def _at_once(seconds: float) -> None:
    """Time that passes at once."""
