"""What is taken in: commitments and proposals. The cheap checks come first.

A refusal has a `reason`, a word for programs:

    unregistered, slot, quota, proposer, evidence          who asks, about what, how often, with what in hand
    commitment, early, late, duplicate, rejected, cooldown whether it was first, and is not over and over the same
    field, kind, stale, nothing, invalid, version          whether it fits the entry; see `applying`
    unsafe, confusable, capability, address, vacuous       whether it is fit for a ledger; see `intake`
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from orchestra_tools.compile.hygiene import text_problems
from orchestra_tools.errors import Fault, ProposalRefusedError
from orchestra_tools.governance.applying import apply_proposal
from orchestra_tools.governance.commitments import commitment_of
from orchestra_tools.governance.fingerprints import fingerprint_between
from orchestra_tools.governance.intake import Intake, examine
from orchestra_tools.governance.policy import DAY_MS, Policy
from orchestra_tools.model import Entry
from orchestra_tools.model.case import Case, Commitment, Participant
from orchestra_tools.model.entry import KEY_PATTERN
from orchestra_tools.model.proposal import Proposal, ProposalStatement
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.statements import VerifiedStatement

OUTVOTED = "verdicts"
"""The reason of a case that validators rejected."""
COPIED = "copied"
"""The reason of a case whose wish somebody else had committed to before."""
_UID = re.compile(r"(?:miner|validator)_uid_([0-9]{1,5})")
_MAX_NAME = 128  # characters of proposed_by


@dataclass(frozen=True, slots=True)
class Docket:
    """What the rules need to know of everything handed in before.

    Attributes:
        participants: Who is registered now, by hotkey.
        commitments: Commitments of the proposer's coldkey in the last day, and the one that is revealed.
        cases: Cases of the same slot, and all of the proposer's coldkey.
        slots: Slots of the same netuid that the ledger has an entry of.
    """

    participants: Mapping[str, Participant]
    commitments: Sequence[Commitment] = ()
    cases: Sequence[Case] = ()
    slots: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """What a revealed proposal comes to.

    Attributes:
        case: The case that it opens.
        copies: Open cases of the same wish that were committed to later: they are closed, whoever revealed first.
    """

    case: Case
    copies: tuple[Case, ...] = ()


def admit_commitment(statement: VerifiedStatement, docket: Docket, policy: Policy, *, now_ms: int) -> str:
    """The digest of a commitment that may be taken in.

    Raises:
        ProposalRefusedError: Its hotkey is not registered, or has asked enough for today.
    """
    owner = _registered(statement.hotkey, docket.participants)
    recent = [each for each in docket.commitments if each.at_ms > now_ms - DAY_MS]
    mine = [each for each in recent if _owner(each.hotkey, docket.participants) == owner.coldkey]
    if len(mine) >= policy.per_owner_a_day:
        raise _refuse("quota", "", f"its coldkey has committed {len(mine)} times today", "Wait until tomorrow")
    digest: str = statement.body["commitment"]
    return digest


def admit(
    statement: ProposalStatement,
    case_id: str,
    *,
    statement_sha256: str,
    entry: Entry | None,
    evidence: bytes | None,
    docket: Docket,
    policy: Policy,
    intake: Intake,
    now_ms: int,
    former: str | None = None,
) -> Admission:
    """The case that a revealed proposal opens.

    Args:
        statement: The proposal as it was signed; its signature holds.
        case_id: Digest of what was signed.
        statement_sha256: Digest of the statement as it is kept.
        entry: The current entry of the slot; None where there is none.
        evidence: The evidence bundle.
        docket: What was handed in before.
        policy: The rules.
        intake: What a change must be, besides fitting its entry.
        now_ms: The time, in milliseconds since the Unix epoch.
        former: Version of the entry when it was withdrawn, where it was.

    Raises:
        ProposalRefusedError: It is not taken in; `reason` says why.
    """
    proposal = statement.proposal
    owner = _registered(statement.hotkey, docket.participants)
    _check_proposer(proposal, owner, docket.participants)
    _check_slot(statement, docket)
    mine = [each for each in docket.cases if owner.coldkey in _owners(each, docket.participants)]
    _check_quota(mine, policy, now_ms=now_ms)
    _check_evidence(statement, evidence, mine, docket)
    applied = apply_proposal(proposal, entry, slot=statement.slot, former=former)
    fingerprint = fingerprint_between(entry, applied.entry, slot=statement.slot)
    commitment = _commitment_for(statement, fingerprint, docket, policy, now_ms=now_ms)
    copies = _copies(case_id, fingerprint, commitment, docket)
    settled = [each for each in mine if each.closed_at_ms is not None and each.slot == statement.slot]
    _check_outvoted(fingerprint, settled, policy, now_ms=now_ms)
    _check_cooldown(proposal, applied.place.pointer, settled, policy, now_ms=now_ms)
    examine(entry, applied, intake)
    case = Case(
        id=case_id,
        fingerprint=fingerprint,
        slot=statement.slot,
        update_type=proposal.update_type,
        field=applied.place.pointer,
        hotkey=statement.hotkey,
        coldkey=owner.coldkey,
        statement_sha256=statement_sha256,
        evidence_sha256=statement.evidence_sha256,
        commitment=commitment.number,
        bump=applied.bump,
        flags=applied.flags,
        undo=fingerprint_between(applied.entry, entry, slot=statement.slot),
        reverses=_reversed(fingerprint, docket, policy, now_ms=now_ms),
        opened_at_ms=now_ms,
        closes_at_ms=now_ms + policy.verdict_window_ms,
    )
    closed = {"state": "rejected", "reason": COPIED, "closed_at_ms": now_ms}
    return Admission(case, tuple(each.model_copy(update=closed) for each in copies))


def _registered(hotkey: str, participants: Mapping[str, Participant]) -> Participant:
    if (found := participants.get(hotkey)) is None:
        raise _refuse("unregistered", "/hotkey", f"{hotkey} is not registered", "Register the hotkey on the subnet")
    return found


def _owner(hotkey: str, participants: Mapping[str, Participant]) -> str:
    """Who is behind a hotkey. One that is gone is its own owner."""
    found = participants.get(hotkey)
    return hotkey if found is None else found.coldkey


def _owners(case: Case, participants: Mapping[str, Participant]) -> set[str]:
    """Who was, and who is, behind a case: a hotkey may change its owner."""
    return {case.coldkey, _owner(case.hotkey, participants)}


def _check_proposer(proposal: Proposal, owner: Participant, participants: Mapping[str, Participant]) -> None:
    name, where = proposal.proposed_by, "/proposal/proposed_by"
    for problem in text_problems(name, limit=_MAX_NAME, quoting=False):
        raise _refuse("proposer", where, problem, "Write it as in miner_uid_42")
    if name != owner.hotkey and any(name == each.hotkey for each in participants.values()):
        raise _refuse("proposer", where, "it is the hotkey of somebody else", "Name the one that signs")
    if not (match := _UID.fullmatch(name)):
        return
    uid = int(match[1])
    held_by_other = any(each.uid == uid and each.hotkey != owner.hotkey for each in participants.values())
    if held_by_other or (owner.uid is not None and owner.uid != uid):
        raise _refuse("proposer", where, f"the uid {uid} is of another hotkey", "Name the one of the hotkey that signs")


def _check_slot(statement: ProposalStatement, docket: Docket) -> None:
    proposal, slot = statement.proposal, statement.slot
    where = "/proposal/subnet"
    key, _, block = slot.partition("@")
    if not (KEY_PATTERN.fullmatch(slot) or (block == "?" and KEY_PATTERN.fullmatch(key))) or not block:
        raise _refuse("slot", "/slot", "it is no slot", "Write it as in SN13@1907637")
    if proposal.subnet not in (key, slot):
        raise _refuse("slot", where, f"it names {proposal.subnet}, and the statement {slot}", "Sign it anew")
    newest = max(docket.slots, key=_block_of, default=None)
    if proposal.update_type == "new_subnet":
        if block == "?":
            raise _refuse("slot", "/slot", "a new subnet needs the block that it was registered at", "Look it up")
        if newest is not None and newest != slot and _block_of(newest) >= _block_of(slot):
            raise _refuse("slot", "/slot", f"{newest} was registered after it", "Propose nothing for a former tenant")
    elif newest is not None and newest != slot:
        raise _refuse("slot", "/slot", f"the netuid has been given to {newest}", "Propose a change of that")


def _block_of(slot: str) -> int:
    block = slot.partition("@")[2]
    return int(block) if block.isdecimal() else -1


def _check_quota(mine: Sequence[Case], policy: Policy, *, now_ms: int) -> None:
    is_open = sum(each.state == "open" for each in mine)
    if is_open >= policy.open_per_owner:
        raise _refuse("quota", "", f"its coldkey has {is_open} open proposals", "Wait until they are decided")
    # Verifying costs validators real calls: who wastes them gets fewer.
    weights = (
        policy.rejection_weight if (each.state, each.reason) == ("rejected", OUTVOTED) else 1
        for each in mine
        if each.opened_at_ms > now_ms - DAY_MS
    )
    if sum(weights) >= policy.per_owner_a_day:
        raise _refuse("quota", "", "its coldkey has proposed enough today", "Wait until tomorrow")


def _check_evidence(statement: ProposalStatement, evidence: bytes | None, mine: Sequence[Case], docket: Docket) -> None:
    stated = statement.proposal.evidence_hash.removeprefix("0x")
    # A shortened hash, as the seed writes it, is a note for people: the statement has the whole one.
    if len(stated) == 64 and stated != statement.evidence_sha256:
        raise _refuse("evidence", "/proposal/evidence_hash", "it is not the digest that was signed", "Sign it anew")
    if evidence is None:
        raise _refuse("evidence", "/evidence_sha256", "nobody has handed in its preimage", "Hand in the evidence")
    if sha256_hex(evidence) != statement.evidence_sha256:
        raise _refuse("evidence", "/evidence_sha256", "the evidence handed in has another digest", "Hand in the right")
    own = {each.id for each in mine}
    for each in docket.cases:
        if each.evidence_sha256 == statement.evidence_sha256 and (each.id not in own or each.slot != statement.slot):
            raise _refuse(
                "evidence",
                "/evidence_sha256",
                f"it is the evidence of the case {each.id[:16]}",
                "Make calls of your own",
            )


def _commitment_for(
    statement: ProposalStatement, fingerprint: str, docket: Docket, policy: Policy, *, now_ms: int
) -> Commitment:
    """The first commitment to the wish by its proposer that no case was opened by yet."""
    wanted = commitment_of(fingerprint, salt=statement.salt, hotkey=statement.hotkey, ledger=statement.ledger)
    used = {each.commitment for each in docket.cases if each.hotkey == statement.hotkey}
    made = [each for each in docket.commitments if each.digest == wanted and each.hotkey == statement.hotkey]
    first = min((each for each in made if each.number not in used), key=lambda each: each.number, default=None)
    if first is None:
        problem = "a case was opened by that commitment before" if made else "its hotkey has not committed to it"
        raise _refuse("commitment", "/salt", problem, "Commit first, then reveal")
    age_ms = now_ms - first.at_ms
    if age_ms < policy.reveal_after_ms:
        raise _refuse("early", "/salt", f"it was committed to only {age_ms:,} ms ago", "Wait, then reveal it")
    if age_ms > policy.reveal_within_ms:
        raise _refuse("late", "/salt", f"it was committed to {age_ms:,} ms ago", "Commit anew")
    return first


def _copies(case_id: str, fingerprint: str, commitment: Commitment, docket: Docket) -> list[Case]:
    """Open cases of the same wish, which all were committed to later; one that was earlier refuses this one."""
    if any(each.id == case_id for each in docket.cases):
        raise _refuse("duplicate", "", "this very statement was taken in before", "See its case")
    same = [each for each in docket.cases if each.state == "open" and each.fingerprint == fingerprint]
    for each in same:
        if each.commitment < commitment.number:
            raise _refuse("duplicate", "/proposal", f"the case {each.id[:16]} wishes the same", "See that case")
    return same


def _check_outvoted(fingerprint: str, settled: Sequence[Case], policy: Policy, *, now_ms: int) -> None:
    """Who asks again for what was rejected waits."""
    for each in settled:
        outvoted = (each.state, each.reason, each.fingerprint) == ("rejected", OUTVOTED, fingerprint)
        if outvoted and now_ms - _closed_at(each) < policy.cooldown_ms:
            raise _refuse("rejected", "/proposal", f"the case {each.id[:16]} wished the same, and was rejected", "Wait")


def _check_cooldown(proposal: Proposal, field: str, settled: Sequence[Case], policy: Policy, *, now_ms: int) -> None:
    """Who changes a field over and over, perhaps that of its own subnet, waits longer each time."""
    since_ms = now_ms - policy.churn_window_ms
    changes = [each for each in settled if _is_change_of(each, proposal, field) and _closed_at(each) > since_ms]
    if not changes:
        return
    longest = max(policy.churn_window_ms, policy.cooldown_ms)
    pause_ms = min(policy.cooldown_ms * 2 ** min(len(changes) - 1, 30), longest)
    left_ms = max(map(_closed_at, changes)) + pause_ms - now_ms
    if left_ms > 0:
        problem = f"its owner has changed this field lately, {len(changes)} times"
        raise _refuse("cooldown", "/proposal/field", problem, f"Wait for {left_ms:,} ms")


def _is_change_of(case: Case, proposal: Proposal, field: str) -> bool:
    # What is in a field, or what it is in, is that field too: else the object around it would be the way round.
    outer, inner = sorted((f"{case.field}/", f"{field}/"), key=len)
    same = case.field == field or (case.update_type == proposal.update_type and inner.startswith(outer))
    return case.state == "accepted" and same


def _closed_at(case: Case) -> int:
    return case.closed_at_ms or 0


def _reversed(fingerprint: str, docket: Docket, policy: Policy, *, now_ms: int) -> str | None:
    """The case whose change a wish takes back."""
    since_ms = now_ms - policy.churn_window_ms
    accepted = [each for each in docket.cases if each.state == "accepted" and _closed_at(each) > since_ms]
    return next((each.id for each in reversed(accepted) if each.undo == fingerprint), None)


def _refuse(reason: str, pointer: str, problem: str, remedy: str) -> ProposalRefusedError:
    return ProposalRefusedError("the proposal is not taken in", [Fault(pointer, problem)], remedy=remedy, reason=reason)
