"""`orchestra call`: call a tool and print its answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import click

from orchestra_tools.calls import CallResult, ProgressReporter
from orchestra_tools.calls.redaction import MIN_LENGTH, Redactor
from orchestra_tools.cli.arguments import read_arguments
from orchestra_tools.cli.options import json_option, ledger_option, read_amount
from orchestra_tools.cli.output import console_on, note, on_terminal, print_json, to_json_text, visible
from orchestra_tools.cli.recording import RecordingTransport
from orchestra_tools.client import Session, open_session
from orchestra_tools.compile import Tool
from orchestra_tools.errors import CallError, ConfigurationError
from orchestra_tools.model import Receipt

_FILE = click.Path(dir_okay=False, path_type=Path)
MAX_WARNINGS = 10


@dataclass(frozen=True, slots=True)
class _Order:
    tool: str
    pairs: tuple[str, ...]
    document: str | None
    max_cost: Decimal | None
    receipt_file: Path | None
    body_file: Path | None


@click.command()
@click.argument("tool")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]... | -")
@click.option("--arguments", "document", metavar="JSON|@FILE|-", help="All arguments as one JSON object.")
@click.option("--max-cost", type=read_amount, metavar="USD", help="Refuse if the call costs more.")
@click.option("--receipt", "receipt_file", type=_FILE, metavar="FILE", help="Write the signed receipt there.")
@click.option("--body", "body_file", type=_FILE, metavar="FILE", help="Write the raw body of the answer there.")
@ledger_option
@json_option
def call(
    tool: str,
    pairs: tuple[str, ...],
    document: str | None,
    max_cost: Decimal | None,
    receipt_file: Path | None,
    body_file: Path | None,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Call a tool and print its answer as JSON.

    Arguments are given as KEY=VALUE, as one JSON object with --arguments, or on stdin with -. A value is read as JSON
    where the tool's schema wants something other than a string.
    """
    for file in (receipt_file, body_file):
        if file is not None and not file.absolute().parent.is_dir():
            raise ConfigurationError(f"there is no folder {file.absolute().parent}", remedy="Create it first")
    order = _Order(tool, pairs, document, max_cost, receipt_file, body_file)
    result = asyncio.run(_call(order, ledger, quiet=as_json))
    if as_json:
        drift = [{"pointer": fault.pointer, "problem": fault.problem} for fault in result.drift]
        print_json(
            {
                "data": result.data,
                "receipt": result.receipt.to_json(),
                "observation": result.observation.model_dump(mode="json"),
                "drift": drift,
            }
        )
        return
    print_json(result.data)
    _tell(result)


async def _call(order: _Order, ledger: str | None, *, quiet: bool) -> CallResult:
    session = open_session(ledger)
    recorder = session.executor.transport = RecordingTransport(session.executor.transport)
    try:
        tool = session.live.catalogue.find_tool(order.tool)
        arguments = read_arguments(order.pairs, order.document, tool.input_schema)
        try:
            with _progress(tool.subnet, quiet=quiet) as report:
                result = await session.toolset.call(tool.name, arguments, max_cost=order.max_cost, on_progress=report)
        except CallError as error:
            if error.receipt is not None:
                _keep(order, error.receipt, _body(session, tool, recorder))
            raise
        _keep(order, result.receipt, _body(session, tool, recorder))
        return result
    finally:
        await session.close()


def _body(session: Session, tool: Tool, recorder: RecordingTransport) -> bytes | None:
    """The raw body, unless the subnet has put the caller's key into it: cut out, it would not be the one recorded."""
    if (response := recorder.response) is None:
        return None
    held = None if tool.sandbox else session.executor.credentials.find(tool.subnet)
    key = "" if held is None else held.get_secret_value()
    if len(key) >= MIN_LENGTH and Redactor(key).clean_response(response).body != response.body:
        return None
    return response.body


def _keep(order: _Order, receipt: Receipt, body: bytes | None) -> None:
    try:
        if order.receipt_file is not None:
            order.receipt_file.write_text(to_json_text(receipt.to_json()) + "\n", "utf-8")
        if order.body_file is not None and body is not None:
            order.body_file.write_bytes(body)
        elif order.body_file is not None and receipt.response is not None:
            note("The answer repeats your key, so its body is not written.")
    except OSError as error:
        # The call is made and may be paid: its answer must still be printed.
        note(f"{error.filename} cannot be written: {error.strerror}")


@contextmanager
def _progress(subnet: str, *, quiet: bool) -> Iterator[ProgressReporter | None]:
    if quiet or not on_terminal(sys.stderr):
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), BarColumn(20), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console_on(sys.stderr), transient=True) as progress:
        task = progress.add_task(f"asking {subnet}", total=None)

        async def report(done: float, total: float | None, message: str) -> None:
            progress.update(task, completed=done, total=total, description=visible(message))

        yield report


def _tell(result: CallResult) -> None:
    receipt, observation = result.receipt, result.observation
    cost = "not known" if receipt.cost is None else f"{receipt.cost:f} {receipt.currency}"
    if receipt.cost is None and not result.tool.operation.spends_money:
        cost = "free"
    facts = [f"cost {cost}", f"latency {observation.latency_ms:,.0f} ms", f"schema {receipt.schema_verdict}"]
    facts += [f"{observation.attempts} attempts"] if observation.attempts > 1 else []
    facts += ["sandbox"] if receipt.sandbox else []
    note(f"receipt {receipt.id}")
    note(", ".join(facts))
    for fault in result.drift[:MAX_WARNINGS]:
        note(f"warning: the answer is not as the ledger says at {fault}")
    if len(result.drift) > MAX_WARNINGS:
        note(f"warning: and {len(result.drift) - MAX_WARNINGS} further differences")
