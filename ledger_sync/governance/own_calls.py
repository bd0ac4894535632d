"""Whether a validator called for itself: its evidence holds, is enough for an approval, and is nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ledger_sync.governance.evidence import Call, unpack
from orchestra_tools.errors import Fault, ProposalRefusedError
from orchestra_tools.model.case import Case
from orchestra_tools.model.proposal import VerdictStatement

_SEEN_ELSEWHERE = frozenset({"identity_change", "new_subnet"})
"""Kinds of change that the chain may show, and no call."""


def check_own_calls(
    case: Case,
    verdict: VerdictStatement,
    blob: Callable[[str], bytes | None],
    *,
    others: Iterable[str],
    min_calls: int,
) -> None:
    """Check the calls that a verdict rests on.

    Args:
        case: The case.
        verdict: The verdict.
        blob: Documents by their SHA-256: those handed in, and those that the ledger has.
        others: Digests of the evidence of the proposer and of earlier verdicts.
        min_calls: Calls that an approval needs.

    Raises:
        ProposalRefusedError: They do not hold, are too few or somebody else's; `reason` is evidence.
    """
    calls = _read(verdict.evidence_sha256, blob, case.slot)
    if verdict.decision == "approve" and case.update_type not in _SEEN_ELSEWHERE and len(calls) < min_calls:
        raise _refuse(f"it has {len(calls)} calls, and an approval needs {min_calls}")
    own = {call.receipt.id for call in calls}
    if any(own & _ids(blob(sha256), blob, case.slot) for sha256 in others):
        raise _refuse("it has calls that somebody else handed in")


def _read(sha256: str, blob: Callable[[str], bytes | None], slot: str) -> list[Call]:
    if (bundle := blob(sha256)) is None:
        raise _refuse("its preimage was not handed in")
    return list(unpack(bundle, blob, slot=slot))


def _ids(bundle: bytes | None, blob: Callable[[str], bytes | None], slot: str) -> set[str]:
    try:
        return set() if bundle is None else {call.receipt.id for call in unpack(bundle, blob, slot=slot)}
    except ProposalRefusedError:
        return set()  # what does not hold was nobody's call


def _refuse(problem: str) -> ProposalRefusedError:
    return ProposalRefusedError(
        "the verdict is not taken in",
        [Fault("/evidence_sha256", problem)],
        remedy="Call the subnet yourself: orchestra review",
        reason="evidence",
    )
