"""`orchestra ledger`: begin a ledger, look at it, publish it, check it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from ledger_sync.commands.settle import participants, settle
from ledger_sync.commands.stores import (
    key_option,
    key_path,
    load_key,
    make_key,
    now_ms,
    open_ledger_store,
    open_writer,
    store_option,
)
from ledger_sync.commands.witness import admit, certify, cosign, witness
from ledger_sync.governance.desk import Desk
from ledger_sync.log import LogPublisher, LogWriter, fsck, rebuild
from orchestra_tools.cli.moments import moment
from orchestra_tools.cli.options import json_option
from orchestra_tools.cli.output import note, print_fields, print_json, print_line, print_table
from orchestra_tools.cli.progress import progress
from orchestra_tools.client import Settings
from orchestra_tools.errors import ConfigurationError, LedgerFormatError, TamperedError
from orchestra_tools.governance.policy import Policy
from orchestra_tools.importers import ledger_document, parse_json
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.registry.stored import StoredRecord, StoreSource
from orchestra_tools.trust.cosignatures import CosignatureKey
from orchestra_tools.trust.notes import VerifierKey
from orchestra_tools.trust.policy import TrustPolicy

NETWORK = "network"
LOG_KEY = "log_key"
POLICY = "policy"


@click.group("ledger")
def ledger_group() -> None:
    """Run a ledger of your own: its log, its proposals, its publication."""


for _command in (settle, participants, witness, certify, admit, cosign):
    ledger_group.add_command(_command)


@ledger_group.command()
@click.option("--origin", required=True, metavar="NAME", help="Name of the log, as in ledger.example.com/subnets.")
@click.option("--network", default="finney", show_default=True, help="The chain that its hotkeys are registered on.")
@click.option("--from", "genesis", metavar="PATH|URL", help="The ledger it begins with; default: the packaged one.")
@click.option("--policy", "policy_file", metavar="FILE", help="Rules for proposals and verdicts, JSON.")
@store_option
@key_option
@json_option
def init(
    origin: str,
    network: str,
    genesis: str | None,
    policy_file: str | None,
    ledger: str | None,
    key_file: str | None,
    as_json: bool,
) -> None:
    """Begin a ledger: a store, a key that signs its log, and the entries it starts from.

    Prints the trust policy, which readers pin.
    """
    settings = Settings.from_environment()
    begun_from = settings.open_ledger(genesis or "").load()
    policy = read_rules(Path(policy_file)) if policy_file else Policy()
    path = key_path(key_file)
    with open_ledger_store(ledger, create=True) as store:
        if store.head() is not None:
            raise ConfigurationError(f"{store.name} has a log already", remedy="Choose another --ledger")
        signer = load_key(path) if path.exists() else make_key(path, origin)
        head = LogWriter(store, signer, clock=now_ms).found(
            begun_from,
            settings={
                "origin": origin,
                NETWORK: network,
                LOG_KEY: str(signer.key),
                POLICY: policy.to_json(),
            },
        )
        trust = TrustPolicy.of([signer.key]).format()
        if as_json:
            print_json({"store": store.name, "origin": origin, "size": head.size, "key": str(path), "trust": trust})
            return
        note(f"{store.name} begins with {len(begun_from)} entries; its log has {head.size} leaves")
        note(f"the key that signs it is {path}: keep it secret, and keep a copy")
        note("readers pin this trust policy:")
        print_line(trust)


@ledger_group.command()
@store_option
@json_option
def status(ledger: str | None, as_json: bool) -> None:
    """Show the newest head, who takes part, and what is open."""
    with open_ledger_store(ledger) as store:
        facts = _status(store)
    if as_json:
        print_json(facts)
    else:
        print_fields({name.replace("_", " "): str(value) for name, value in facts.items()})


@ledger_group.command()
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="A further witness to demand.")
@click.option("--quorum", type=click.IntRange(min=1), metavar="K", help="How many of them; default: a majority.")
@store_option
def trust(witnesses: tuple[str, ...], quorum: int | None, ledger: str | None) -> None:
    """Print the trust policy of the ledger (C2SP tlog-policy), for readers to pin.

    It demands the witnesses that validators have certified.
    """
    with open_ledger_store(ledger) as store:
        log_key = VerifierKey.parse(store.setting(LOG_KEY))
        keys = [each.key for each in Desk(store, clock=now_ms).witnesses()]
    keys += [CosignatureKey.parse(each) for each in witnesses]
    wanted = quorum or len(keys) // 2 + 1
    policy = TrustPolicy.of([log_key], witnesses=keys, quorum=wanted) if keys else TrustPolicy.of([log_key])
    print_line(policy.format())


@ledger_group.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@store_option
@json_option
def publish(folder: Path, ledger: str | None, as_json: bool) -> None:
    """Publish the log as files (C2SP tlog-tiles) in FOLDER, for any server of static files."""
    with open_ledger_store(ledger) as store:
        done = LogPublisher(store, folder).publish()
    if as_json:
        print_json({"folder": str(folder), "size": done.head.size, "before": done.size_before, "files": done.files})
    else:
        print_line(f"{folder} shows {done.head.size:,} leaves; {done.files:,} files were written")


@ledger_group.command()
@store_option
@key_option
@json_option
def manifest(ledger: str | None, key_file: str | None, as_json: bool) -> None:
    """Write a manifest of the latest of every slot, if one is due: readers refuse one that is too old."""
    with open_ledger_store(ledger) as store:
        head = open_writer(store, key_file).renew_manifest()
        size = head.size if head is not None else None
    if as_json:
        print_json({"size": size})
    else:
        print_line("no manifest is due" if size is None else f"the log has {size:,} leaves now")


@ledger_group.command("rebuild")
@store_option
@key_option
@json_option
def rebuild_command(ledger: str | None, key_file: str | None, as_json: bool) -> None:
    """Derive the entries anew from log and blobs, and replace what the store has."""
    with open_ledger_store(ledger) as store, progress("leaves") as tell:
        done = rebuild(store, key=_log_key(store, key_file), progress=_staged(tell))
    if as_json:
        differences = [{"part": each.part, "where": each.where, "problem": each.problem} for each in done.differences]
        print_json({"leaves": done.leaves, "slots": done.slots, "differences": differences})
        return
    for each in done.differences:
        print_line(f"mended: {each}")
    print_line(f"{done.slots:,} entries were derived from {done.leaves:,} leaves")


@ledger_group.command("fsck")
@click.option("--published", metavar="FOLDER", type=click.Path(path_type=Path), help="Check what is published, too.")
@store_option
@key_option
@json_option
def fsck_command(published: Path | None, ledger: str | None, key_file: str | None, as_json: bool) -> None:
    """Derive everything anew from log and blobs, and compare. Exits with 5 where anything differs."""
    with open_ledger_store(ledger) as store, progress("leaves") as tell:
        report = fsck(store, key=_log_key(store, key_file), published=published, progress=_staged(tell))
    if as_json:
        print_json(report.to_json())
    else:
        if report.findings:
            rows = [(each.part, each.where, each.problem) for each in report.findings]
            print_table(("part", "where", "problem"), rows)
        print_line(f"{report.leaves:,} leaves, {report.heads:,} heads, {report.blobs:,} documents were looked at")
    if not report.clean:
        first = report.findings[0]
        raise TamperedError(
            f"the ledger is not as its log says: {first}", remedy="Run `orchestra ledger rebuild`", part=first.part
        )
    if not as_json:
        print_line("everything is as the log says")


@ledger_group.command()
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Where to; default: stdout."
)
@store_option
def export(out: Path | None, ledger: str | None) -> None:
    """Write the current entries as a ledger document."""
    with open_ledger_store(ledger) as store:
        document = ledger_document(StoreSource(store).load())
    if out is None:
        print_json(document)
        return
    try:
        out.write_text(_pretty(document), "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}", remedy="Check --out") from error
    note(f"{len(document['entries'])} entries stand in {out}")


def read_rules(path: Path) -> Policy:
    """The rules for proposals and verdicts in a file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        return Policy.model_validate(parse_json(path.read_bytes(), source=str(path)))
    except (OSError, ValidationError, LedgerFormatError) as error:
        raise ConfigurationError(
            f"the rules {path} cannot be read: {str(error)[:300]}", remedy="See docs/governance.md"
        ) from error


def _status(store: LedgerStore) -> dict[str, Any]:
    head = store.head()
    participants = store.participants().values()
    (newest,) = StoredRecord(store).events(head.size - 1, head.size) if head else (None,)
    return {
        "store": store.name,
        "origin": store.setting("origin"),
        NETWORK: store.setting(NETWORK),
        "size": head.size if head else 0,
        "root": head.root.hex() if head else None,
        "written": None if newest is None else moment(newest.event.at_ms / 1000),
        "entries": sum(each.entry_sha256 is not None for each in store.projection().values()),
        "open_proposals": len(store.cases(state="open")),
        "participants": len(participants),
        "validators": sum(each.validator for each in participants),
        "cosigned_by": sorted(store.cosignatures(head.size)) if head else [],
    }


def _log_key(store: LedgerStore, key_file: str | None) -> VerifierKey:
    """The public key of the log: that of the key file where one is given, else the one it was begun with."""
    return load_key(Path(key_file)).key if key_file else VerifierKey.parse(store.setting(LOG_KEY))


def _staged(tell: Callable[[int, int], None]) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: tell(done, total)


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
