"""A validator's verification of a proposal, by calls of its own.

    review = await verify(statement, entry, evidence=calls, plan=Probe(calls=3, pause_s=600, seed=secret))
    review.decision, review.checks, review.reasons, review.evidence

It approves only what it saw itself. What cannot be seen by calling, such as a new name, needs the chain: without it the
check fails, and a person may attest it by hand (`orchestra verdict --attest`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_sync.governance.caller import Probe, Probed, Sleep, find_tool, is_answer, probe, session_for
from ledger_sync.governance.checks import change_of, check_described, check_output_change
from ledger_sync.governance.claims import (
    ChainFacts,
    check_capabilities,
    check_chain,
    check_cost,
    check_gone,
    check_host,
)
from ledger_sync.governance.evidence import MAX_CALLS, Call, Evidence, pack
from ledger_sync.governance.inputs import Wanted
from ledger_sync.governance.precautions import obstacle_to_calling
from ledger_sync.governance.redaction import redact_text
from orchestra_tools.compile.hygiene import printable
from orchestra_tools.errors import ProposalRefusedError, RejectedError
from orchestra_tools.governance.applying import Applied, apply_proposal
from orchestra_tools.model import Entry, Operation, SandboxMark
from orchestra_tools.model.proposal import Check, Decision, Proposal, ProposalStatement, Reason
from orchestra_tools.schema import Validator, expand
from orchestra_tools.schema.comparison import Verdict, compare

__all__ = ["ChainFacts", "Review", "shown_by", "verify"]
_WORDS: Mapping[str, str] = {
    "evidence": "no_preimage",
    "shown": "no_evidence",
    "fits_entry": "stale",
    "allowed": "not_called",
    "calls": "unreachable",
    "present": "false",
    "news": "false",
    "gone": "false",
    "fits": "false",
    "live": "false",
    "held_out": "overfit",
    "general": "overfit",
    "specific": "vacuous",
    "accepted": "false",
    "alive": "false",
    "cost": "unverifiable",
    "capability": "unverifiable",
    "chain": "unverifiable",
}
"""The reason that a failed check stands for."""
_MAX_DETAIL = 500  # characters


@dataclass(frozen=True, slots=True)
class Review:
    """What a validator found.

    Attributes:
        decision: Approve, where every check was passed.
        checks: What it looked at.
        reasons: Why it rejects.
        evidence: Its own calls.
    """

    decision: Decision
    checks: tuple[Check, ...]
    reasons: tuple[Reason, ...]
    evidence: Evidence


async def verify(
    statement: ProposalStatement,
    entry: Entry | None,
    *,
    evidence: Sequence[Call] | ProposalRefusedError,
    plan: Probe,
    sandbox: SandboxMark | None = None,
    older: Sequence[Any] = (),
    chain: ChainFacts | None = None,
    writes: bool = False,
    environment: Mapping[str, str] | None = None,
    sleep: Sleep = asyncio.sleep,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Review:
    """Verify a proposal.

    Args:
        statement: The proposal; its signature holds.
        entry: The entry of its slot now; None where there is none.
        evidence: What the proposer handed in, or why that does not hold.
        plan: How often to call, how far apart, and with what inputs.
        sandbox: Set where the ledger is a sandbox's.
        older: Answers that this validator knows from earlier.
        chain: What the chain says; None = nobody looked.
        writes: Also call what may change something where it is called.
        environment: Instead of the process's own.
        sleep: Waits so many seconds.
        on_progress: Called with calls answered and wanted.
    """
    proposal = statement.proposal
    checks = [_check_evidence(evidence, is_sandbox=sandbox is not None)]
    if not checks[0].passed or isinstance(evidence, ProposalRefusedError):
        return _review(checks, ())
    try:
        applied = apply_proposal(proposal, entry, slot=statement.slot)
    except ProposalRefusedError as error:
        checks.append(Check(name="fits_entry", passed=False, detail=str(error)))
        return _review(checks, ())
    if proposal.update_type in ("identity_change", "new_subnet"):
        checks.append(check_chain(proposal, applied, statement.slot, chain))
    if proposal.update_type == "endpoint_change" and entry is not None:
        checks.append(check_host(applied, entry, statement.slot, chain))
    if proposal.update_type == "capability_change" and entry is not None:
        checks.append(check_capabilities(applied, entry))
    calling = _Calling(proposal, entry, applied, plan, sandbox, writes, environment, sleep, on_progress)
    operations = calling.operations
    if not operations:
        is_seen = proposal.update_type in ("identity_change", "new_subnet")
        detail = "it has no operation that could be called" + (": the chain was asked" if is_seen else "")
        return _review([*checks, Check(name="calls", passed=is_seen, detail=detail)], ())
    if len(operations) - 1 + plan.calls > MAX_CALLS:
        detail = f"it has {len(operations)} operations to call, and evidence has {MAX_CALLS} calls at most"
        return _review([*checks, Check(name="calls", passed=False, detail=detail)], ())
    seen, calls = await calling.look(operations, [*_answers(evidence, operations[0]), *older])
    return _review([*checks, *seen], calls)


def shown_by(applied: Applied, entry: Entry | None) -> tuple[Entry | None, str | None]:
    """The entry and the operation to call, to see whether a change is true; None where no call shows it."""
    operation = _operation_of(applied, entry)
    after = applied.entry
    has_it = after is not None and operation in after.operations
    return (after if has_it else entry), operation


@dataclass(frozen=True, slots=True)
class _Calling:
    """What the calls of one verification have in common."""

    proposal: Proposal
    entry: Entry | None
    applied: Applied
    plan: Probe
    sandbox: SandboxMark | None
    writes: bool
    environment: Mapping[str, str] | None
    sleep: Sleep
    on_progress: Callable[[int, int], None]

    @property
    def operations(self) -> list[str]:
        """What to call, the one that shows the change first; the others once."""
        kind = self.proposal.update_type
        if kind == "identity_change":
            return []
        main = _operation_of(self.applied, self.entry)
        whole = self.applied.entry if kind == "new_subnet" else self.entry if self._is_ending_of_all else None
        others = [] if whole is None else [name for name in whole.operations if name != main]
        return [] if main is None else [main, *others]

    @property
    def _is_ending(self) -> bool:
        """Whether something shall be gone: what was deprecated may also be active again."""
        is_revived = self.applied.place.part == "availability" and self.proposal.new_value in (None, False, "active")
        return self.proposal.update_type in ("deprecation", "withdrawal") and not is_revived

    @property
    def _is_ending_of_all(self) -> bool:
        return self._is_ending and self.applied.place.operation is None

    @property
    def target(self) -> Entry | None:
        """The entry by which is called: the newer one, but for prices.

        A receipt has the entry's price where the answer says none. By the older entry, a newer price can only come from
        the answer.
        """
        return self.entry if self.proposal.update_type == "cost_change" else self.applied.entry

    async def look(self, operations: Sequence[str], older: Sequence[Any]) -> tuple[list[Check], list[Call]]:
        """The calls, and what they show."""
        if self._is_ending:
            return await self._look_for_end(operations)
        if self.proposal.update_type == "schema_change" and self.applied.place.part == "input_schema":
            return await self._look_at_input(operations[0])
        checks: list[Check] = []
        calls: list[Call] = []
        for number, name in enumerate(operations):
            plan = self.plan if number == 0 else Probe(1, self.plan.pause_s, f"{self.plan.seed}:{name}")
            probed = await self._probe(self.target, name, plan)
            checks += self._judge(name, probed, plan, older)
            calls += _calls_of(probed)
        return checks, calls[:MAX_CALLS]

    async def _probe(
        self, entry: Entry | None, name: str, plan: Probe, wanted: Wanted | None = None, example: Any = None
    ) -> Probed | str:
        """The calls of an operation, or why there are none."""
        operation = None if entry is None else entry.operations.get(name)
        if entry is None or operation is None:
            return f"the entry has no operation {name}"
        if self.sandbox is None:
            known = self.entry if self.proposal.update_type != "new_subnet" else None
            if obstacle := obstacle_to_calling(operation, name, known, writes=self.writes):
                return obstacle
        async with session_for(entry, self.sandbox, self.environment) as session:
            if (tool := find_tool(session, name)) is None:
                bad = session.live.catalogue.quarantined.values()
                why = next(
                    ("; ".join(each.reasons) for each in bad if each.operation_id == name), "it does not compile"
                )
                return f"{name} is in quarantine: {why}"
            return await probe(
                session,
                tool,
                plan,
                wanted=wanted,
                example=example if isinstance(example, dict) else None,
                sleep=self.sleep,
                on_progress=self.on_progress,
            )

    def _judge(self, name: str, probed: Probed | str, plan: Probe, older: Sequence[Any]) -> list[Check]:
        checks = [_check_answered(probed, plan)]
        if isinstance(probed, str) or not probed.answered:
            return checks
        live = [call.answer for call in probed.answered]
        if self.proposal.update_type == "schema_change" and self.entry is not None:
            return checks + list(check_output_change(change_of(self.applied, self.entry), live, older, seed=plan.seed))
        after = _operation(self.applied.entry, name)
        if after is not None and after.output_form is not None:
            found = check_described(expand(after.output_form), live, seed=plan.seed)
            is_new = self.proposal.update_type in ("new_subnet", "new_operation")
            checks += [each for each in found if is_new or each.name != "specific"]
        if self.proposal.update_type == "cost_change":
            checks.append(check_cost(_operation(self.entry, name), after, probed.answered))
        return checks

    async def _look_for_end(self, operations: Sequence[str]) -> tuple[list[Check], list[Call]]:
        checks: list[Check] = []
        calls: list[Call] = []
        for number, name in enumerate(operations):
            count = self.plan.calls if number == 0 else 1
            plan = Probe(count, self.plan.pause_s, f"{self.plan.seed}:{name}", attempts=count)
            probed = await self._probe(self.entry, name, plan)
            checks.append(check_gone(name, _operation(self.entry, name), probed, count))
            calls += _calls_of(probed)
            if not checks[-1].passed:
                break
        is_gone = all(each.passed for each in checks)
        detail = f"{len(calls)} calls of {len(checks)} operations found nothing there" if is_gone else checks[-1].detail
        return [Check(name="calls", passed=is_gone or bool(calls), detail=detail), *checks], calls

    async def _look_at_input(self, name: str) -> tuple[list[Check], list[Call]]:
        """Whether the subnet takes what the newer input schema allows, and refuses what only the older one does."""
        before, after = (_input_of(_operation(each, name)) for each in (self.entry, self.applied.entry))
        wider = compare(after, before, direction="input")
        probed = await self._probe(self.applied.entry, name, self.plan, _refused_by(before), wider.witness)
        checks, calls = [_check_answered(probed, self.plan)], _calls_of(probed)
        if isinstance(probed, str) or not probed.answered:
            return checks, calls
        if wider.verdict is not Verdict.COMPATIBLE:
            checks.append(_check_taken(probed, self.plan))
        narrower = self.applied.comparison
        if narrower is not None and narrower.verdict is not Verdict.COMPATIBLE:
            plan = Probe(self.plan.calls, self.plan.pause_s, f"{self.plan.seed}:former", attempts=self.plan.calls)
            former = await self._probe(self.entry, name, plan, _refused_by(after), narrower.witness)
            checks.append(_check_turned_away(former, plan))
            calls += _calls_of(former)
        return checks, calls


def _check_evidence(evidence: Sequence[Call] | ProposalRefusedError, *, is_sandbox: bool) -> Check:
    if isinstance(evidence, ProposalRefusedError):
        return Check(name="evidence", passed=False, detail=str(evidence))
    if any(call.receipt.sandbox is not is_sandbox for call in evidence):
        return Check(
            name="evidence",
            passed=False,
            detail="it has calls of a sandbox" if not is_sandbox else "it has calls outside the sandbox",
        )
    return Check(name="evidence", passed=True, detail=f"its preimage has {len(evidence)} calls that hold")


def _check_answered(probed: Probed | str, plan: Probe) -> Check:
    if isinstance(probed, str):
        return Check(name="allowed", passed=False, detail=probed)
    detail = f"{len(probed.answered)} of {plan.calls} calls of its own were answered with data"
    if probed.refused is not None and len(probed.answered) < plan.calls:
        return Check(name="allowed", passed=False, detail=f"{detail}; {probed.refused.problem}")
    if probed.failed:
        detail += f"; {len(probed.failed)} failed: {probed.failed[-1].problem}"
    return Check(name="calls", passed=len(probed.answered) >= plan.calls, detail=detail)


def _check_taken(probed: Probed, plan: Probe) -> Check:
    telling = [each for each in probed.attempts if each.is_telling]
    taken = sum(each.is_answered for each in telling)
    refused = sum(isinstance(each.error, RejectedError) for each in telling)
    detail = f"of {len(telling)} requests that the old input schema refuses, {taken} were answered, {refused} refused"
    return Check(name="accepted", passed=taken >= plan.calls and not refused, detail=detail)


def _check_turned_away(probed: Probed | str, plan: Probe) -> Check:
    """What is no longer allowed has to be refused by the subnet itself."""
    if isinstance(probed, str):
        return Check(name="accepted", passed=False, detail=probed)
    telling = [each for each in probed.attempts if each.is_telling]
    refused = sum(isinstance(each.error, RejectedError) for each in telling)
    detail = f"of {len(telling)} requests that only the old input schema takes, {refused} were refused"
    return Check(name="accepted", passed=refused == len(telling) == plan.calls, detail=detail)


def _operation_of(applied: Applied, entry: Entry | None) -> str | None:
    """The operation that shows whether the change is true; None where none does."""
    if applied.place.operation is not None:
        return applied.place.operation
    target = applied.entry if applied.entry is not None else entry
    return None if target is None else target.main_operation


def _operation(entry: Entry | None, name: str) -> Operation | None:
    return None if entry is None else entry.operations.get(name)


def _input_of(operation: Operation | None) -> dict[str, Any]:
    return {} if operation is None else expand(operation.input_form)


def _refused_by(schema: dict[str, Any]) -> Wanted:
    validator = Validator(schema)
    return lambda arguments: not validator.accepts(arguments)


def _answers(calls: Sequence[Call], operation: str) -> list[Any]:
    return [call.answer for call in calls if call.receipt.operation == operation and is_answer(call)]


def _calls_of(probed: Probed | str) -> list[Call]:
    return [] if isinstance(probed, str) else list(probed.calls)


def _review(checks: Sequence[Check], calls: Sequence[Call]) -> Review:
    """The review. What a subnet said is in some details, and everybody reads them."""
    told = tuple(
        each.model_copy(update={"detail": printable(redact_text(each.detail), limit=_MAX_DETAIL)}) for each in checks
    )
    reasons = tuple(Reason(code=_WORDS.get(each.name, each.name), text=each.detail) for each in told if not each.passed)
    return Review("reject" if reasons else "approve", told, reasons, pack(calls))
