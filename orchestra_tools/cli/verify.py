"""`orchestra verify`: whether something signed holds, and what that proves. Offline, but for a log behind a URL."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from orchestra_tools.cli.arguments import read_text
from orchestra_tools.cli.options import json_option, ledger_option, trust_option
from orchestra_tools.cli.progress import progress
from orchestra_tools.cli.verify_receipt import verify_receipt_at
from orchestra_tools.client import Settings
from orchestra_tools.client.queries import SUBNET_OR_SLOT
from orchestra_tools.errors import ConfigurationError, LedgerFormatError
from orchestra_tools.importers import parse_json

_PROOF = b"c2sp.org/tlog-proof@"
_PROOF_SUFFIX = ".tlog-proof"
_MAX_FILE_BYTES = 8_000_000
_STATEMENT_FIELDS = {"hotkey", "signature", "ledger", "nonce"}


@click.command()
@click.argument("target", metavar="[RECEIPT|PROOF|STATEMENT|SUBNET|LEDGER]", required=False)
@click.option("--body", "body_file", metavar="FILE", help="Of a receipt: raw body of the answer, to hold against it.")
@click.option("--arguments", "arguments_file", metavar="FILE", help="Of a receipt: arguments of the call, likewise.")
@click.option("--key", metavar="HEX|self", help="Of a receipt: who must have signed; self = this installation.")
@click.option("--entry", "entry_file", metavar="FILE", help="Of a proof: the entry it is about, to hold against it.")
@click.option("--head", "head_file", metavar="FILE", help="Of a ledger: a checkpoint that somebody else was shown.")
@ledger_option
@trust_option
@json_option
def verify(
    target: str | None,
    body_file: str | None,
    arguments_file: str | None,
    key: str | None,
    entry_file: str | None,
    head_file: str | None,
    ledger: str | None,
    trust: str | None,
    as_json: bool,
) -> None:
    """Check something signed, and say what it proves and what not. Exits with 5 if it does not hold.

    A receipt is a file, - for stdin, the id of one in the local journal, or latest. A proof is a .tlog-proof file; a
    statement is a proposal, a verdict or a certificate that a hotkey signed. A subnet (SN13, or SN13@BLOCK) is verified
    in the ledger in use; a ledger is the folder or the URL of a published log, and without TARGET the one in use.
    Proofs and ledgers are held against the keys that --trust pins.
    """
    if target is None or SUBNET_OR_SLOT.fullmatch(target.upper()) or os.path.isdir(target) or "://" in target:  # noqa: PTH112  # never raises
        _verify_log(target, ledger, trust, head_file, as_json=as_json)
        return
    data = read_text(target, at_most=_MAX_FILE_BYTES) if os.path.isfile(target) else b""  # noqa: PTH113  # never raises
    if data.startswith(_PROOF) or target.endswith(_PROOF_SUFFIX):
        _verify_proof(data or read_text(target), entry_file, trust, as_json=as_json)
    elif (statement := _statement_in(data)) is not None:
        from orchestra_tools.cli.verify_statement import verify_signed

        verify_signed(statement, as_json=as_json)
    else:
        verify_receipt_at(
            target,
            body_file=body_file,
            arguments_file=arguments_file,
            key=key,
            ledger=ledger,
            as_json=as_json,
        )


def _statement_in(data: bytes) -> dict[str, Any] | None:
    try:
        document = parse_json(data, source="statement")
    except LedgerFormatError:
        return None
    return document if isinstance(document, dict) and document.keys() >= _STATEMENT_FIELDS else None


def _verify_proof(data: bytes, entry_file: str | None, trust: str | None, *, as_json: bool) -> None:
    # Proofs and signatures are for those who verify a log.
    from orchestra_tools.cli.verify_log import print_report, verify_proof
    from orchestra_tools.registry.published import read_policy

    pinned = Settings.from_environment().trust if trust is None else Path(trust)
    if pinned is None:
        raise ConfigurationError(
            "no keys are pinned to hold the proof against", remedy="Give --trust FILE, or set ORCHESTRA_TRUST"
        )
    entry = None if entry_file is None else read_text(entry_file, at_most=_MAX_FILE_BYTES)
    print_report(verify_proof(data, entry, read_policy(pinned), datetime.now(UTC)), as_json=as_json)


def _verify_log(
    target: str | None, ledger: str | None, trust: str | None, head_file: str | None, *, as_json: bool
) -> None:
    from orchestra_tools.cli.verify_log import print_report, verify_entry, verify_ledger
    from orchestra_tools.registry.published import LogSource

    subnet = target if target is not None and SUBNET_OR_SLOT.fullmatch(target.upper()) else None
    source = Settings.from_environment().open_ledger(ledger if target is None or subnet else target, trust=trust)
    if not isinstance(source, LogSource):
        raise ConfigurationError(
            f"{source.name} is no published log, so it has no signatures to verify",
            remedy="Give the folder of one, or its URL, which ends with a slash; what is stored is checked by "
            "`orchestra ledger fsck`",
        )
    if subnet is not None:
        print_report(verify_entry(source, subnet), as_json=as_json)
        return
    other = None if head_file is None else read_text(head_file, at_most=_MAX_FILE_BYTES)
    with progress("leaves") as tell:
        report = verify_ledger(source, on_progress=tell, other_head=other)
    print_report(report, as_json=as_json)
