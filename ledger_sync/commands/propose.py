"""`orchestra propose`: hand in a wished change of the ledger, with evidence."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import click

from ledger_sync.commands.signing import load_signer, signed
from ledger_sync.commands.stores import now_ms, open_ledger_store, store_option
from ledger_sync.governance.caller import Probe, find_tool, probe, session_for
from ledger_sync.governance.desk import Desk
from ledger_sync.governance.evidence import Evidence, pack
from ledger_sync.governance.reading import current_entry
from ledger_sync.governance.verification import shown_by
from orchestra_tools.cli.options import json_option
from orchestra_tools.cli.output import note, print_json, print_line
from orchestra_tools.cli.progress import progress
from orchestra_tools.cli.proposal_file import read_proposal
from orchestra_tools.errors import ConfigurationError, Fault, ProposalRefusedError
from orchestra_tools.governance.applying import Applied, apply_proposal
from orchestra_tools.governance.commitments import commitment_of
from orchestra_tools.governance.fingerprints import fingerprint_of
from orchestra_tools.model import Entry, SandboxMark
from orchestra_tools.model.proposal import COMMITMENT_STATEMENT, PROPOSAL_STATEMENT
from orchestra_tools.registry.store import LedgerStore


@click.command()
@click.argument("proposal_file", metavar="FILE")
@click.option("--calls", type=click.IntRange(1, 20), default=3, show_default=True, help="Calls to make as evidence.")
@click.option("--dry-run", is_flag=True, help="Say what it would change, and hand in nothing.")
@store_option
@json_option
def propose(proposal_file: str, calls: int, dry_run: bool, ledger: str | None, as_json: bool) -> None:
    """Propose a change of the ledger.

    FILE (or -) is a proposal in JSON: subnet, update_type, field, old_value, new_value, evidence_hash, proposed_by. The
    operation is called a few times as evidence, the proposal is signed by the hotkey of ORCHESTRA_WALLET, committed to,
    and revealed.
    """
    proposal, document = read_proposal(proposal_file)
    with open_ledger_store(ledger) as store:
        desk = Desk(store, clock=now_ms)
        slot = find_slot(store, proposal.subnet)
        entry = current_entry(store, slot)
        applied = apply_proposal(proposal, entry, slot=slot)
        if dry_run:
            _print_change(applied, slot, as_json=as_json)
            return
        signer = load_signer()
        with progress(f"calling {proposal.subnet}") as tell:
            evidence = asyncio.run(_gather(applied, entry, desk.sandbox, calls, tell))
        salt = secrets.token_hex(32)
        fingerprint = fingerprint_of(proposal, entry, slot=slot)
        commitment = commitment_of(fingerprint, salt=salt, hotkey=signer.ss58_address, ledger=desk.origin)
        desk.commit(signed(COMMITMENT_STATEMENT, {"commitment": commitment}, desk, signer))
        statement = {"proposal": document, "slot": slot, "evidence_sha256": evidence.sha256, "salt": salt}
        case = desk.reveal(signed(PROPOSAL_STATEMENT, statement, desk, signer), evidence.blobs)
    if as_json:
        print_json(case.to_json())
        return
    print_line(f"proposed as {case.id}")
    note(f"{case.bump} change of {slot}; evidence {evidence.sha256}, {len(evidence.samples)} samples")
    note(f"validators verify it with: orchestra review {case.id[:12]}")


def find_slot(store: LedgerStore, subnet: str) -> str:
    """The slot that a proposal means: the one it names, else the newest of its netuid.

    Raises:
        ProposalRefusedError: The ledger does not know it, and it names no block; `reason` is slot.
    """
    if "@" in subnet:
        return subnet
    slots = [slot for slot in store.projection() if slot.partition("@")[0] == subnet]
    if not slots:
        raise ProposalRefusedError(
            f"the ledger has no entry of {subnet}",
            [Fault("/subnet", "a new subnet needs the block it was registered at")],
            remedy=f"Write {subnet}@BLOCK",
            reason="slot",
        )
    return max(slots, key=lambda slot: int(slot.partition("@")[2]) if slot.partition("@")[2].isdecimal() else -1)


async def _gather(
    applied: Applied, entry: Entry | None, sandbox: SandboxMark | None, calls: int, tell: Any
) -> Evidence:
    target, operation = shown_by(applied, entry)
    if target is None or operation is None:
        return pack(())
    async with session_for(target, sandbox) as session:
        if (tool := find_tool(session, operation)) is None:
            return pack(())
        probed = await probe(session, tool, Probe(calls, 0.0, secrets.token_hex(8)), on_progress=tell)
    if probed.refused is not None and not probed.answered:
        raise ConfigurationError(
            f"no evidence could be gathered: {probed.refused.problem}", remedy=probed.refused.remedy
        )
    return pack(probed.calls)


def _print_change(applied: Applied, slot: str, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "slot": slot,
                "version": applied.version,
                "bump": applied.bump,
                "changes": list(applied.changes),
                "entry": None if applied.entry is None else applied.entry.to_json(),
            }
        )
        return
    print_line(f"{slot} would become {applied.version} ({applied.bump})")
    for each in applied.changes:
        print_line(f"  {each}")
