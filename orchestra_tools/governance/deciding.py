"""Verdicts, and what they come to.

A verdict counts for the owner (coldkey) of a validator that is registered when the votes are told, and never for the
proposer's own. So many approvals as the policy wants for the bump accept a case; once too many have rejected it for
that to happen, or the window is over, it is closed. A proposal whose `old_value` is no longer current is stale,
however many have approved it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestra_tools.errors import Fault, ProposalRefusedError
from orchestra_tools.governance.admission import OUTVOTED
from orchestra_tools.governance.applying import Applied, apply_proposal
from orchestra_tools.governance.policy import Policy
from orchestra_tools.governance.versions import greatest
from orchestra_tools.model import Entry
from orchestra_tools.model.case import Case, CastVerdict, Participant
from orchestra_tools.model.proposal import Proposal, VerdictStatement
from orchestra_tools.trust import sha256_hex

EVIDENCE, CALLS = "evidence", "calls"
_SHOWN_BY_CALLS = {"/output_schema": "live", "/input_schema": "accepted"}
"""Which check shows a change of a schema to be true, by where the schema is."""
_NOT_CALLED = frozenset({"identity_change", "capability_change", "new_subnet"})
"""Kinds of which a call may show nothing: a name, a subnet without operations."""


def required_checks(case: Case) -> tuple[str, ...]:
    """Checks that an approval has passed at least: what it did not look at, nobody can approve."""
    if case.update_type in _NOT_CALLED:
        return (EVIDENCE,)
    shown = [check for part, check in _SHOWN_BY_CALLS.items() if part in case.field]
    return (EVIDENCE, CALLS, *(shown[:1] if case.update_type == "schema_change" else ()))


@dataclass(frozen=True, slots=True)
class Tally:
    """Who has said what, by owner: each has one voice, and who contradicts itself has rejected."""

    approving: frozenset[str]
    rejecting: frozenset[str]
    voices: int
    """Owners who could speak: of registered validators, without the proposer."""
    wanted: int
    """Approvals that are wanted."""

    @property
    def is_met(self) -> bool:
        """Whether enough have approved."""
        return len(self.approving) >= self.wanted

    @property
    def is_lost(self) -> bool:
        """Whether so many have rejected that it cannot be met any more."""
        return bool(self.rejecting) and self.voices - len(self.rejecting) < self.wanted


def cast(
    case: Case,
    verdict: VerdictStatement,
    *,
    statement_sha256: str,
    evidence: bytes | None,
    participants: Mapping[str, Participant],
    now_ms: int,
) -> Case:
    """The case with one more verdict.

    Args:
        case: The case.
        verdict: The verdict as it was signed; its signature holds.
        statement_sha256: Digest of the verdict as it is kept.
        evidence: The validator's own evidence.
        participants: Who is registered now, by hotkey.
        now_ms: The time, in milliseconds since the Unix epoch.

    Raises:
        ProposalRefusedError: It is not taken in; `reason` is closed, other, unregistered, conflict, twice, checks or
            evidence.
    """
    if case.state != "open" or now_ms > case.closes_at_ms:
        raise _refuse("closed", "", f"the case is {case.state if case.state != 'open' else 'over'}", "See its outcome")
    if verdict.proposal_id != case.id:
        raise _refuse("other", "/proposal_id", "it is about another proposal", "Hand it in there")
    voice = participants.get(verdict.hotkey)
    if voice is None or not voice.validator:
        raise _refuse("unregistered", "/hotkey", f"{verdict.hotkey} is no registered validator", "Register it")
    if _is_own(voice, case, participants):
        raise _refuse("conflict", "/hotkey", "the proposal is its own, or its owner's", "Leave it to others")
    if any(each.hotkey == verdict.hotkey for each in case.verdicts):
        raise _refuse("twice", "/hotkey", "this validator has spoken", "A verdict cannot be changed")
    _check_reasons(case, verdict)
    if evidence is None or sha256_hex(evidence) != verdict.evidence_sha256:
        raise _refuse("evidence", "/evidence_sha256", "its preimage was not handed in", "Hand in the evidence")
    added = CastVerdict(
        hotkey=verdict.hotkey,
        decision=verdict.decision,
        statement_sha256=statement_sha256,
        at_ms=now_ms,
        coldkey=voice.coldkey,
        evidence_sha256=verdict.evidence_sha256,
    )
    return case.model_copy(update={"verdicts": (*case.verdicts, added)})


def _check_reasons(case: Case, verdict: VerdictStatement) -> None:
    if verdict.decision == "reject":
        if not verdict.reasons:
            raise _refuse("checks", "/reasons", "a rejection says why", "Give a reason")
        return
    required = required_checks(case)
    failed = [each.name for each in verdict.checks if not each.passed]
    passed = {each.name for each in verdict.checks if each.passed}
    if lacking := [*failed, *(name for name in required if name not in passed)]:
        what = f"the checks {', '.join(dict.fromkeys(lacking[:5]))} were not passed"
        raise _refuse("checks", "/checks", what, "Reject it, or call the subnet again")
    others = {case.evidence_sha256, *(each.evidence_sha256 for each in case.verdicts)}
    if CALLS in required and verdict.evidence_sha256 in others:
        raise _refuse("evidence", "/evidence_sha256", "it is somebody else's evidence", "Make calls of your own")


def tally(case: Case, participants: Mapping[str, Participant], policy: Policy) -> Tally:
    """What the verdicts of a case come to, by those who are registered now."""
    voices = {
        each.coldkey for each in participants.values() if each.validator and not _is_own(each, case, participants)
    }
    said: dict[str, set[str]] = {}
    former: dict[str, str] = {}
    for verdict in case.verdicts:
        voice = participants.get(verdict.hotkey)
        if voice is not None and voice.validator and voice.coldkey in voices:
            # Hotkeys that had one owner when they spoke stay one voice, whoever they were given to since.
            owner = former.setdefault(verdict.coldkey, voice.coldkey) if verdict.coldkey else voice.coldkey
            said.setdefault(owner, set()).add(verdict.decision)
    rejecting = frozenset(owner for owner, decisions in said.items() if "reject" in decisions)
    return Tally(
        approving=frozenset(said) - rejecting,
        rejecting=rejecting,
        voices=len(voices),
        wanted=policy.quorum(case.bump).of(len(voices)),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is decided.

    Attributes:
        case: The case: closed, or as it was where nothing can be decided yet.
        applied: What an accepted proposal makes of the entry.
    """

    case: Case
    applied: Applied | None = None


def decide(
    case: Case,
    proposal: Proposal,
    *,
    entry: Entry | None,
    participants: Mapping[str, Participant],
    policy: Policy,
    now_ms: int,
    former: str | None = None,
) -> Outcome:
    """What becomes of a case now.

    Args:
        case: The case, open.
        proposal: What it wishes.
        entry: The current entry of its slot.
        participants: Who is registered now, by hotkey.
        policy: The rules.
        now_ms: The time, in milliseconds since the Unix epoch.
        former: Version of the entry when it was withdrawn, where it was.
    """
    if case.state != "open":
        return Outcome(case)
    try:
        applied = apply_proposal(proposal, entry, slot=case.slot, former=former)
    except ProposalRefusedError as error:
        # What stood there when the case was opened does not any more.
        return Outcome(_closed(case, "rejected", str(error.facts.get("reason", "stale")), now_ms))
    # What changed meanwhile may have made more of it than it was when it was opened.
    bump = greatest(case.bump, applied.bump)
    votes = tally(case.model_copy(update={"bump": bump}), participants, policy)
    if votes.is_met:
        return Outcome(_closed(case.model_copy(update={"bump": applied.bump}), "accepted", "", now_ms), applied)
    if votes.is_lost:
        return Outcome(_closed(case, "rejected", OUTVOTED, now_ms))
    if now_ms > case.closes_at_ms:
        return Outcome(_closed(case, "expired", "window", now_ms))
    return Outcome(case)


def _is_own(voice: Participant, case: Case, participants: Mapping[str, Participant]) -> bool:
    proposer = participants.get(case.hotkey)
    owners = {case.coldkey, None if proposer is None else proposer.coldkey}
    return voice.hotkey == case.hotkey or voice.coldkey in owners


def _closed(case: Case, state: str, reason: str, now_ms: int) -> Case:
    return case.model_copy(update={"state": state, "reason": reason, "closed_at_ms": now_ms})


def _refuse(reason: str, pointer: str, problem: str, remedy: str) -> ProposalRefusedError:
    return ProposalRefusedError("the verdict is not taken in", [Fault(pointer, problem)], remedy=remedy, reason=reason)
