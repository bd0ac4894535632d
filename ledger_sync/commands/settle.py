"""`orchestra ledger settle` and `participants`: what the operator does with proposals and verdicts."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import ValidationError

from ledger_sync.commands.stores import key_option, now_ms, open_ledger_store, open_writer, store_option
from ledger_sync.governance.desk import Desk
from ledger_sync.log import LogPublisher
from orchestra_tools.cli.arguments import read_text
from orchestra_tools.cli.options import json_option
from orchestra_tools.cli.output import print_json, print_line, print_table
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.importers import parse_json
from orchestra_tools.model import faults_of
from orchestra_tools.model.case import Participant


@click.command()
@click.option(
    "--publish", "folder", type=click.Path(file_okay=False, path_type=Path), help="Publish the log afterwards."
)
@store_option
@key_option
@json_option
def settle(folder: Path | None, ledger: str | None, key_file: str | None, as_json: bool) -> None:
    """Count the verdicts: append what is accepted to the log, close what is rejected or out of time."""
    with open_ledger_store(ledger) as store:
        log = open_writer(store, key_file)
        settled = Desk(store, clock=now_ms).settle(log)
        log.renew_manifest()
        if folder is not None:
            LogPublisher(store, folder).publish()
    if as_json:
        print_json([{"case": each.case.to_json(), "changes": list(each.changes)} for each in settled])
        return
    if not settled:
        print_line("nothing can be decided yet")
    for each in settled:
        where = "" if each.case.log_index is None else f" at {each.case.log_index}"
        why = f" ({each.case.reason})" if each.case.reason else ""
        print_line(f"{each.case.id[:12]} {each.case.state}{where}{why}: {each.case.slot} {each.case.update_type}")
        for change in each.changes:
            print_line(f"  {change}")


@click.command()
@click.argument("file", metavar="[FILE]", required=False)
@store_option
@json_option
def participants(file: str | None, ledger: str | None, as_json: bool) -> None:
    """List who takes part, or set them from FILE (or -): a JSON list of hotkey, coldkey, uid and validator."""
    with open_ledger_store(ledger) as store:
        if file is not None:
            named = read_participants(file)
            with store.write() as writer:
                writer.set_participants(named)
        known = list(store.participants().values())
    if as_json:
        print_json([each.to_json() for each in known])
    else:
        rows = [
            (each.hotkey, "-" if each.uid is None else str(each.uid), "yes" if each.validator else "no", each.coldkey)
            for each in known
        ]
        print_table(("hotkey", "uid", "validator", "coldkey"), rows)


def read_participants(file: str) -> list[Participant]:
    """The participants in a file.

    Raises:
        ConfigurationError: It has no list of them, or one stands twice.
    """
    document = parse_json(read_text(file), source=file)
    if not isinstance(document, list):
        raise ConfigurationError(f"{file} is no list of participants", remedy='Give [{"hotkey": …, "coldkey": …}, …]')
    try:
        named = [Participant.model_validate(each) for each in document]
    except ValidationError as error:
        faults = "; ".join(map(str, faults_of(error)))[:300]
        raise ConfigurationError(f"a participant in {file} cannot be read: {faults}", remedy="Mend it") from error
    if len({each.hotkey for each in named}) < len(named):
        raise ConfigurationError(f"a hotkey stands twice in {file}", remedy="Leave one out")
    return named
