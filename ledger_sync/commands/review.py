"""`orchestra review` and `orchestra verdict`: a validator verifies a proposal by its own calls, and signs."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from ledger_sync.commands.signing import load_signer, signed
from ledger_sync.commands.stores import now_ms, open_ledger_store, store_option
from ledger_sync.governance.caller import Probe
from ledger_sync.governance.desk import Desk
from ledger_sync.governance.evidence import Call, Evidence, unpack
from ledger_sync.governance.reading import current_entry, find_case, read_blob, read_statement
from ledger_sync.governance.verification import Review, verify
from orchestra_tools.cli.options import json_option
from orchestra_tools.cli.output import print_json, print_line, print_table
from orchestra_tools.cli.progress import progress
from orchestra_tools.client import Settings
from orchestra_tools.errors import ConfigurationError, ProposalRefusedError
from orchestra_tools.model.case import Case
from orchestra_tools.model.proposal import VERDICT_STATEMENT, Check, Reason
from orchestra_tools.registry.replacing import replace_file
from orchestra_tools.registry.store import LedgerStore

ATTESTABLE = frozenset({"capability", "chain", "cost"})
"""Checks that a person may vouch for by hand."""


@click.command()
@click.argument("case_id", metavar="[ID]", required=False)
@click.option("--calls", type=click.IntRange(1, 50), help="Calls to make; default: as many as the ledger's rules want.")
@click.option("--pause", type=click.FloatRange(0, 86_400), default=0.0, metavar="S", help="Seconds between two calls.")
@click.option("--state", type=click.Choice(["open", "accepted", "rejected", "expired"]), help="Without ID: only those.")
@store_option
@json_option
def review(
    case_id: str | None, calls: int | None, pause: float, state: str | None, ledger: str | None, as_json: bool
) -> None:
    """Verify a proposal by calls of your own, or list the proposals.

    The calls use your own keys and budget, with inputs that nobody else knows. What was found is kept for
    `orchestra verdict`, which signs it. Exits with 0 whatever was found.
    """
    with open_ledger_store(ledger) as store:
        if case_id is None:
            _print_cases(store.cases(state=state), as_json=as_json)
            return
        desk = Desk(store, clock=now_ms)
        case = find_case(store, case_id)
        plan = Probe(calls or desk.policy.min_calls, pause, secrets.token_hex(16))
        found = _verify(desk, store, case, plan)
    _keep(case, found)
    if as_json:
        print_json(_told(case, found))
    else:
        _print_review(case, found)


@click.command()
@click.argument("case_id", metavar="ID")
@click.option("--reject", "reason", metavar="REASON", help="Reject it, whatever the review found, and say why.")
@click.option(
    "--attest", multiple=True, metavar="CHECK", help="A failed check that you vouch for: capability, chain or cost."
)
@store_option
@json_option
def verdict(case_id: str, reason: str | None, attest: tuple[str, ...], ledger: str | None, as_json: bool) -> None:
    """Sign what your last review of a proposal found, and hand it in.

    Signed by the hotkey of ORCHESTRA_WALLET. Nobody can approve what they have not reviewed.
    """
    with open_ledger_store(ledger) as store:
        desk = Desk(store, clock=now_ms)
        case = find_case(store, case_id)
        found = _attested(_kept(case), attest)
        decision = "reject" if reason else found.decision
        reasons = [{"code": "by_hand", "text": reason}] if reason else [each.to_json() for each in found.reasons]
        statement = {
            "proposal_id": case.id,
            "decision": decision,
            "reasons": reasons,
            "checks": [each.to_json() for each in found.checks],
            "evidence_sha256": found.evidence.sha256,
        }
        case = desk.cast(signed(VERDICT_STATEMENT, statement, desk, load_signer()), found.evidence.blobs)
    if as_json:
        print_json(case.to_json())
    else:
        print_line(f"{decision}: {case.id[:12]} has {len(case.verdicts)} verdicts now")


def _verify(desk: Desk, store: LedgerStore, case: Case, plan: Probe) -> Review:
    statement = read_statement(store, case)
    evidence: list[Call] | ProposalRefusedError
    try:
        evidence = list(unpack(read_blob(store, case.evidence_sha256), store.blob, slot=case.slot))
    except ProposalRefusedError as error:
        evidence = error
    with progress(f"calling {case.slot}") as tell:
        return asyncio.run(
            verify(
                statement,
                current_entry(store, case.slot),
                evidence=evidence,
                plan=plan,
                sandbox=desk.sandbox,
                on_progress=tell,
            )
        )


def _attested(found: Review, attest: tuple[str, ...]) -> Review:
    """The review with some failed checks vouched for."""
    if strange := [name for name in attest if name not in ATTESTABLE]:
        raise ConfigurationError(
            f"{strange[0][:40]!r} cannot be attested by hand", remedy=f"Only {', '.join(sorted(ATTESTABLE))} can"
        )
    checks = tuple(
        each.model_copy(update={"passed": True, "detail": f"attested by hand; {each.detail}"})
        if each.name in attest
        else each
        for each in found.checks
    )
    failed = {each.name for each in checks if not each.passed}
    reasons = found.reasons if failed else ()
    return Review("reject" if failed else "approve", checks, reasons, found.evidence)


def _path(case: Case) -> Path:
    return Settings.from_environment().home / "reviews" / f"{case.id}.json"


def _keep(case: Case, found: Review) -> None:
    path = _path(case)
    document = {
        "decision": found.decision,
        "checks": [each.to_json() for each in found.checks],
        "reasons": [each.to_json() for each in found.reasons],
        "bundle": found.evidence.bundle.decode(),
        "samples": [each.decode() for each in found.evidence.samples],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, json.dumps(document).encode())
    except OSError as error:
        raise ConfigurationError(
            f"the review cannot be kept in {path}: {error.strerror}", remedy="Set ORCHESTRA_HOME"
        ) from error


def _kept(case: Case) -> Review:
    path = _path(case)
    try:
        document = json.loads(path.read_bytes())
        return Review(
            document["decision"],
            tuple(Check.model_validate(each) for each in document["checks"]),
            tuple(Reason.model_validate(each) for each in document["reasons"]),
            Evidence(document["bundle"].encode(), tuple(each.encode() for each in document["samples"])),
        )
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise ConfigurationError(
            f"you have not reviewed {case.id[:12]}", remedy=f"Run `orchestra review {case.id[:12]}` first"
        ) from error


def _told(case: Case, found: Review) -> dict[str, Any]:
    return {
        "id": case.id,
        "decision": found.decision,
        "checks": [each.to_json() for each in found.checks],
        "reasons": [each.to_json() for each in found.reasons],
        "evidence_sha256": found.evidence.sha256,
    }


def _print_review(case: Case, found: Review) -> None:
    print_line(f"{case.id[:12]}  {case.update_type} of {case.slot} at {case.field or '(entry)'}")
    rows = [(each.name, "passed" if each.passed else "FAILED", each.detail) for each in found.checks]
    print_table(("check", "result", "what was seen"), rows)
    print_line(f"the review says: {found.decision}. Sign it with `orchestra verdict {case.id[:12]}`")


def _print_cases(cases: Any, *, as_json: bool) -> None:
    if as_json:
        print_json([each.to_json() for each in cases])
        return
    if not cases:
        print_line("no proposals")
        return
    rows = [
        (
            each.id[:12],
            each.state + (f" ({each.reason})" if each.reason else ""),
            each.slot,
            each.update_type,
            each.bump,
            str(len(each.verdicts)),
            each.field or "(entry)",
        )
        for each in cases
    ]
    print_table(("id", "state", "slot", "change", "bump", "verdicts", "field"), rows)
