"""`orchestra history`: the versions of a subnet's entry, who wished them, who approved, and what changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from orchestra_tools.cli.differences import lines_of
from orchestra_tools.cli.moments import moment
from orchestra_tools.cli.options import json_option, ledger_option, trust_option
from orchestra_tools.cli.output import note, print_json, print_line
from orchestra_tools.client.queries import SUBNET_OR_SLOT
from orchestra_tools.client.record import LedgerChange, changes_since
from orchestra_tools.client.settings import Settings, require_record
from orchestra_tools.errors import ConfigurationError, UnknownSubnetError
from orchestra_tools.model import Ledger
from orchestra_tools.registry.record import LedgerRecord

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


@click.command()
@click.argument("subnet", required=False)
@click.option(
    "--since", type=click.IntRange(min=0), metavar="INDEX", help="Only what came after this index of the log."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@click.option("--proofs", metavar="FOLDER", help="Write a .tlog-proof for each version into a folder.")
@ledger_option
@trust_option
@json_option
def history(
    subnet: str | None,
    since: int | None,
    limit: int | None,
    proofs: str | None,
    ledger: str | None,
    trust: str | None,
    as_json: bool,
) -> None:
    """Show the versions of a subnet (SN13, its name, or SN13@BLOCK for a former tenant), or of all.

    Each stands in the ledger's signed log: with its index, who wished it, which validators approved, and what changed.
    """
    source = Settings.from_environment().open_ledger(ledger, trust=trust)
    record = require_record(source)
    loaded = source.load()
    wanted = None if subnet is None else _slot_or_key(loaded, subnet)
    changes = list(changes_since(record, since, subnet=wanted))
    if not changes and since is None:
        raise UnknownSubnetError(f"the log has nothing of {wanted or 'any subnet'}", remedy="See `orchestra find`")
    shown = changes if limit is None else changes[-limit:]
    written = _write_proofs(record, shown, Path(proofs)) if proofs else {}
    if as_json:
        print_json([each.to_json() | ({"proof": written[each.index]} if written else {}) for each in shown])
        return
    for each in shown:
        for line in _lines(each):
            print_line(line)
    if written:
        note(f"{len(written)} proofs stand in {proofs}; check one with `orchestra verify FILE`")


def _slot_or_key(ledger: Ledger, subnet: str) -> str:
    """The slot of the tenant that there is, or the one that is named; of a subnet without one, its key."""
    if "@" not in subnet:
        try:
            return str(ledger.find_entry(subnet).slot)
        except UnknownSubnetError:
            if not SUBNET_OR_SLOT.fullmatch(subnet.upper()):
                raise
    return subnet.upper()


def _lines(change: LedgerChange) -> Iterator[str]:
    at = moment(change.at_ms / 1000)
    yield f"{change.slot}  {change.version or '-'}  {change.kind}  index {change.index}  {at}"
    if change.proposal is not None:
        yield f"  wished by {change.proposal['proposed_by']} ({change.proposed_by})"
        yield f"  evidence {change.evidence_sha256}"
    if change.approved_by:
        yield f"  approved by {', '.join(change.approved_by)}"
    for difference in change.differences:
        for line in lines_of(difference):
            yield f"  {line}"
    if change.unread:
        yield f"  cannot be read: {', '.join(change.unread)}"


def _write_proofs(record: LedgerRecord, changes: list[LedgerChange], folder: Path) -> dict[int, str]:
    written: dict[int, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for change in changes:
            proof = record.prove(change.index).encode()
            # A slot is whatever the log says that it is.
            path = folder / f"{_UNSAFE.sub('-', change.slot)[:40]}-{change.index}.tlog-proof"
            path.write_bytes(proof)
            written[change.index] = str(path)
    except OSError as error:
        raise ConfigurationError(f"the proofs cannot be written: {error.strerror}", remedy="Check --proofs") from error
    return written
