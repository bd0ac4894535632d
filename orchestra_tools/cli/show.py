"""`orchestra show`: one subnet, or one tool, in full."""

from __future__ import annotations

import asyncio
import re

import click

from orchestra_tools.cli.describe import (
    callable_cell,
    cost_cell,
    describe_source,
    describe_statistics,
    entry_document,
    entry_fields,
    held_line,
    quarantined_line,
    tool_document,
    tool_fields,
)
from orchestra_tools.cli.options import json_option, ledger_option
from orchestra_tools.cli.output import print_fields, print_json, print_line, print_table, to_json_text
from orchestra_tools.client import Session, open_session
from orchestra_tools.compile import CompiledEntry, Tool
from orchestra_tools.errors import UnknownSubnetError

_TOOL_NAME = re.compile(r"sn\d{1,5}_.*")


@click.command()
@click.argument("name", metavar="SUBNET|TOOL")
@ledger_option
@json_option
def show(name: str, ledger: str | None, as_json: bool) -> None:
    """Show a subnet (SN22, 22 or its name) or a tool in full.

    Says where each fact comes from, what was measured, and what was never verified.
    """
    asyncio.run(_show(name, ledger, as_json))


async def _show(name: str, ledger: str | None, as_json: bool) -> None:
    session = open_session(ledger)
    try:
        found = _find(session, name)
        if as_json:
            print_json(
                entry_document(session, found) if isinstance(found, CompiledEntry) else tool_document(session, found)
            )
        elif isinstance(found, CompiledEntry):
            _print_entry(session, found)
        else:
            _print_tool(session, found)
    finally:
        await session.close()


def _find(session: Session, name: str) -> CompiledEntry | Tool:
    catalogue = session.live.catalogue
    if name in catalogue.tools or name in catalogue.quarantined:
        return catalogue.find_tool(name)
    try:
        return catalogue.by_netuid[catalogue.ledger.find_entry(name).netuid]
    except UnknownSubnetError:
        if _TOOL_NAME.fullmatch(name):
            return catalogue.find_tool(name)
        raise


def _print_entry(session: Session, compiled: CompiledEntry) -> None:
    print_fields(entry_fields(compiled.entry))
    print_line()
    if compiled.tools:
        rows = [
            (
                tool.name,
                tool.operation.title or tool.title,
                tool.audience,
                cost_cell(tool),
                callable_cell(session.executor.obstacle_to(tool)),
                describe_statistics(session.toolset.statistics(tool.name)),
                describe_source(tool.operation.source, tool.operation.confidence),
            )
            for tool in compiled.tools
        ]
        print_table(("tool", "what", "audience", "cost", "callable", "measured", "source"), rows)
    else:
        print_line("The ledger knows no operation of this subnet that could be called.")
    missing = (
        ("quarantined", [quarantined_line(bad) for bad in compiled.quarantined]),
        ("held", [held_line(tool) for tool in compiled.held]),
    )
    for heading, lines in missing:
        if lines:
            print_line()
            print_table((heading, "why"), [(line["name"], "; ".join(line["reasons"])) for line in lines])


def _print_tool(session: Session, tool: Tool) -> None:
    print_fields(tool_fields(session, tool))
    for side, schema in (("input schema", tool.input_schema), ("output schema", tool.output_schema)):
        print_line()
        print_line(f"{side}:")
        print_line("not documented" if schema is None else to_json_text(schema))
