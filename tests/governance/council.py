"""A ledger with a real desk, and people with hotkeys who hand in what they have signed."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from bittensor_core import Keypair
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger_sync.governance.desk import Desk
from ledger_sync.governance.evidence import Call, pack
from ledger_sync.governance.reading import current_entry
from ledger_sync.log import LogWriter
from orchestra_tools.errors import OrchestraError, ProposalRefusedError, StatementError
from orchestra_tools.governance.commitments import commitment_of
from orchestra_tools.governance.fingerprints import fingerprint_of
from orchestra_tools.governance.policy import Policy
from orchestra_tools.model import Entry, Ledger, Receipt
from orchestra_tools.model.case import Case, Participant
from orchestra_tools.model.proposal import COMMITMENT_STATEMENT, PROPOSAL_STATEMENT, VERDICT_STATEMENT, Proposal
from orchestra_tools.registry.memory import MemoryStore
from orchestra_tools.trust import sha256_hex, sign_receipt
from orchestra_tools.trust.notes import NoteSigner
from orchestra_tools.trust.statements import sign_statement
from tests.governance.examples import SEED_PROPOSAL, packaged

ORIGIN = "ledger.example/log"
NETWORK = "finney"
NOW_MS = 1_795_000_000_000
MINUTE_MS = 60_000
SLOT = "SN13@1907637"
CHECKS = tuple({"name": name, "passed": True} for name in ("evidence", "calls", "live", "accepted"))
POLICY = Policy()


@cache
def key_of(name: str) -> Keypair:
    """The hotkey of somebody."""
    return Keypair.create_from_uri(f"//{name}")


class Council:
    """A ledger, its desk, and who is registered: miners of one hotkey each, and validators."""

    def __init__(self, entries: Sequence[Entry] | None = None, *, validators: int = 4, policy: Policy = POLICY) -> None:
        self.now_ms = NOW_MS
        self.store = MemoryStore()
        self.signer = NoteSigner(ORIGIN, bytes(range(32)))
        self.log = LogWriter(self.store, self.signer, clock=lambda: self.now_ms)
        settings = {"origin": ORIGIN, "network": NETWORK, "policy": policy.to_json()}
        self.log.found(Ledger([packaged("SN13")] if entries is None else entries), settings=settings)
        self.desk = Desk(self.store, clock=lambda: self.now_ms)
        self._number = itertools.count(1)
        self._people: dict[str, Participant] = {}
        self.register("Miner", uid=42)
        self.register("Mallory", uid=43)
        for number in range(1, validators + 1):
            self.register(f"Validator{number}", validator=True)

    def register(self, name: str, *, owner: str = "", uid: int | None = None, validator: bool = False) -> None:
        """Register a hotkey, by default one of an owner of its own."""
        hotkey = key_of(name).ss58_address
        coldkey = key_of(f"{owner or name}Cold").ss58_address
        self._people[name] = Participant(hotkey=hotkey, coldkey=coldkey, uid=uid, validator=validator)
        self._write_people()

    def deregister(self, name: str) -> None:
        """Take a hotkey off."""
        del self._people[name]
        self._write_people()

    def _write_people(self) -> None:
        with self.store.write() as writer:
            writer.set_participants(list(self._people.values()))

    def entry(self, slot: str = SLOT) -> Entry | None:
        """The entry of a slot now."""
        return current_entry(self.store, slot)

    def sign(self, kind: str, payload: dict[str, Any], name: str, **changes: Any) -> dict[str, Any]:
        """A statement of somebody, with a nonce of its own."""
        envelope: dict[str, Any] = {
            "network": NETWORK,
            "ledger": ORIGIN,
            "nonce": f"{next(self._number):032x}",
            "issued_at_ms": self.now_ms,
            "expires_at_ms": self.now_ms + 60 * MINUTE_MS,
        }
        return sign_statement(kind, payload, signer=key_of(name), **{**envelope, **changes})

    def salt(self) -> str:
        """Something that nobody can guess; here, a number."""
        return f"{next(self._number):064x}"

    def commitment(self, proposal: Proposal, name: str, *, salt: str, slot: str = SLOT) -> dict[str, Any]:
        """A signed commitment to a proposal."""
        fingerprint = fingerprint_of(proposal, self.entry(slot), slot=slot)
        digest = commitment_of(fingerprint, salt=salt, hotkey=key_of(name).ss58_address, ledger=ORIGIN)
        return self.sign(COMMITMENT_STATEMENT, {"commitment": digest}, name)

    def commit(self, proposal: Proposal, name: str = "Miner", *, slot: str = SLOT) -> str:
        """Commit to a proposal; the salt."""
        salt = self.salt()
        self.desk.commit(self.commitment(proposal, name, salt=salt, slot=slot))
        return salt

    def statement(
        self, proposal: Proposal, name: str, *, salt: str, slot: str = SLOT, evidence: bytes | None = None
    ) -> tuple[dict[str, Any], list[bytes]]:
        """A signed proposal, and its evidence."""
        data = evidence_of(name, next(self._number)) if evidence is None else evidence
        payload = {"proposal": proposal.to_json(), "slot": slot, "evidence_sha256": sha256_hex(data), "salt": salt}
        return self.sign(PROPOSAL_STATEMENT, payload, name), [data]

    def reveal(self, proposal: Proposal, name: str = "Miner", *, salt: str, slot: str = SLOT) -> Case:
        """Reveal a proposal that was committed to."""
        return self.desk.reveal(*self.statement(proposal, name, salt=salt, slot=slot))

    def propose(self, proposal: Proposal, name: str = "Miner", *, slot: str = SLOT) -> Case:
        """Commit to a proposal, and reveal it."""
        return self.reveal(proposal, name, salt=self.commit(proposal, name, slot=slot), slot=slot)

    def verdict(
        self, case: Case, name: str, decision: str = "approve", *, evidence: bytes | None = None, **changes: Any
    ) -> tuple[dict[str, Any], list[bytes]]:
        """A signed verdict, and its evidence."""
        data = evidence_of(name, next(self._number), slot=case.slot) if evidence is None else evidence
        payload: dict[str, Any] = {
            "proposal_id": case.id,
            "decision": decision,
            "evidence_sha256": sha256_hex(data),
            "checks": list(CHECKS) if decision == "approve" else [],
            "reasons": [] if decision == "approve" else [{"code": "false", "text": "no answer has it"}],
        }
        return self.sign(VERDICT_STATEMENT, payload | changes, name), [data]

    def cast(self, case: Case, *names: str, decision: str = "approve") -> Case:
        """Hand in the verdicts of some validators; the case with them."""
        for name in names:
            case = self.desk.cast(*self.verdict(case, name, decision))
        return case

    def settle(self) -> dict[str, Case]:
        """Decide what can be decided: closed cases by their id."""
        return {settled.case.id: settled.case for settled in self.desk.settle(self.log)}

    def accept(self, proposal: Proposal, name: str = "Miner", *, slot: str = SLOT) -> Case:
        """Take a proposal all the way into the log."""
        case = self.propose(proposal, name, slot=slot)
        self.cast(case, *(f"Validator{number}" for number in (1, 2, 3)))
        closed = self.settle()[case.id]
        assert closed.state == "accepted", closed.reason
        return closed

    def state_of(self, case: Case) -> tuple[str, str]:
        """What became of a case, and why."""
        found = self.store.case(case.id)
        assert found is not None
        return found.state, found.reason


class _Caller:
    """Signs receipts, as the journal of everybody who calls does."""

    def __init__(self, name: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.public_key = self._key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature of a message."""
        return self._key.sign(message)


@cache
def evidence_of(name: str, number: int, slot: str = SLOT) -> bytes:
    """The bundle of somebody's own calls, that nobody answered: what they show is for validators to look at."""
    return pack(Call(sign_receipt(_receipt(slot, 10 * number + call), _Caller(name))) for call in range(3)).bundle


def _receipt(slot: str, at_ms: int) -> Receipt:
    request = {"method": "GET", "url": "https://api.example.com/ask", "form": "jcs", "sha256": "0" * 64}
    document = {
        **dict.fromkeys(("response", "cost", "currency")),
        **dict.fromkeys(("id", "public_key", "signature"), ""),
        "tool": "ask",
        "tool_digest": "0" * 64,
        "slot": slot,
        "operation": "ask",
        "entry_version": "1.0.0",
        "request": request,
        "schema_verdict": "not_checked",
        "outcome": "unreachable",
        "attempts": 1,
        "started_at_ms": at_ms,
        "ended_at_ms": at_ms,
        "sandbox": False,
    }
    return Receipt.model_validate(document)


def seed(**changes: Any) -> Proposal:
    """The seed's proposal, with changes."""
    return Proposal.model_validate({**SEED_PROPOSAL, "proposed_by": "somebody", **changes})


def refused(error: pytest.ExceptionInfo[OrchestraError]) -> str:
    """The word that a refusal has for programs."""
    assert isinstance(error.value, ProposalRefusedError | StatementError)
    assert error.value.remedy
    return str(error.value.facts["reason" if isinstance(error.value, ProposalRefusedError) else "fact"])
