"""`orchestra sandbox`: stand-ins for every operation of a ledger, on loopback, until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from orchestra_tools.cli.options import json_option, ledger_option, split_pair
from orchestra_tools.cli.output import print_json, print_line
from orchestra_tools.cli.proposal_file import read_proposal
from orchestra_tools.cli.stopping import stopped_by_signal
from orchestra_tools.client import Settings
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.governance.applying import apply_proposal
from orchestra_tools.importers import ledger_document
from orchestra_tools.model import Ledger
from orchestra_tools.sandbox import SandboxServer, sandbox_ledger


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port on 127.0.0.1; default: any free one.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write its ledger there.")
@click.option("--fault", "faults", multiple=True, metavar="TOOL=FAULT", help="Let a tool fail, as in '*=latency:300'.")
@click.option(
    "--change", "changes", multiple=True, metavar="FILE", help="A proposal: the subnet has changed like that."
)
@ledger_option
@json_option
def sandbox(
    port: int,
    out: Path | None,
    faults: tuple[str, ...],
    changes: tuple[str, ...],
    ledger: str | None,
    as_json: bool,
) -> None:
    """Run stand-ins for every operation of a ledger on loopback.

    Writes a ledger whose addresses all lead to them, and serves until Ctrl-C. Nothing leaves the machine, nothing costs
    money, no key is needed. Faults: latency:MS, server_error, rate_limit, timeout, garbage, drift, reset and more. With
    --change the stand-ins answer as if a proposal were true, and the ledger does not know it yet.
    """
    known = Settings.from_environment().open_ledger(ledger).load()
    server = SandboxServer(_changed(known, changes), port=port)
    for each in faults:
        server.faults.set(*split_pair(each, option="--fault"))
    asyncio.run(_serve(server, known, port, out, as_json=as_json))


def _changed(ledger: Ledger, proposals: tuple[str, ...]) -> Ledger:
    """The ledger as it would be if proposals were accepted."""
    for place in proposals:
        proposal, _ = read_proposal(place)
        entry = ledger.find_entry(proposal.subnet.partition("@")[0])
        after = apply_proposal(proposal, entry, slot=str(entry.slot)).entry
        others = [each for each in ledger if each is not entry]
        ledger = Ledger([*others, *([] if after is None else [after])], sandbox=ledger.sandbox, extra=ledger.extra)
    return ledger


async def _serve(server: SandboxServer, known: Ledger, port: int, out: Path | None, *, as_json: bool) -> None:
    stopping = stopped_by_signal()
    try:
        await server.start()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        problem = "it is taken" if taken else error.strerror or "it cannot be used"
        raise ConfigurationError(f"port {port}: {problem}", remedy="Choose another --port, or leave it out") from error
    try:
        with _written(sandbox_ledger(known, server.url, server.key), out) as path:
            _announce(server, path, as_json=as_json)
            await stopping.wait()
    finally:
        await server.stop()


@contextlib.contextmanager
def _written(ledger: Ledger, out: Path | None) -> Iterator[Path]:
    """The ledger as a file. Without a place of its own it goes when the sandbox goes."""
    text = json.dumps(ledger_document(ledger), ensure_ascii=False, indent=1) + "\n"
    if out is not None:
        try:
            out.write_text(text, "utf-8")
        except OSError as error:
            raise ConfigurationError(f"{out} cannot be written: {error.strerror}", remedy="Check --out") from error
        yield out.absolute()
        return
    descriptor, name = tempfile.mkstemp(prefix="orchestra-sandbox-", suffix=".json")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _announce(server: SandboxServer, path: Path, *, as_json: bool) -> None:
    if as_json:
        ready = {"url": server.url, "ledger": str(path), "operations": server.operations}
        print_json(ready, indent=None)
        return
    print_line(f"The sandbox serves {server.operations} operations at {server.url}")
    print_line(f"Its ledger is {path}")
    print_line()
    print_line(f"  ORCHESTRA_LEDGER={shlex.quote(str(path))} orchestra call sn22_web_search query=bittensor")
    print_line()
    print_line("Ctrl-C stops it.")
