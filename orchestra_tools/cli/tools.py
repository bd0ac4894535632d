"""`orchestra tools`: the compiled tools, and those that are not on offer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from orchestra_tools.cli.describe import callable_cell, cost_cell, held_line, quarantined_line, tool_line
from orchestra_tools.cli.options import AUDIENCES, json_option, ledger_option
from orchestra_tools.cli.output import note, print_json, print_line, print_table
from orchestra_tools.client import Session, open_session
from orchestra_tools.compile import Tool


@dataclass(frozen=True, slots=True)
class _Filter:
    audience: str | None
    subnet: str | None
    callable_now: bool


@click.command()
@click.option("--quarantined", is_flag=True, help="What is not on offer, and why: in quarantine, or held by a pin.")
@click.option("--audience", type=click.Choice(AUDIENCES), help="Whom the tools are for.")
@click.option("--subnet", metavar="SUBNET", help="Only those of one subnet: SN22, 22 or its name.")
@click.option("--callable", "callable_now", is_flag=True, help="Only tools that can be called now.")
@ledger_option
@json_option
def tools(
    quarantined: bool, audience: str | None, subnet: str | None, callable_now: bool, ledger: str | None, as_json: bool
) -> None:
    """List the tools of a ledger.

    With --json each has its schemas, annotations and digest.
    """
    asyncio.run(_list(ledger, _Filter(audience, subnet, callable_now), quarantined, as_json))


async def _list(ledger: str | None, wanted: _Filter, quarantined: bool, as_json: bool) -> None:
    session = open_session(ledger)
    try:
        if quarantined:
            _print_quarantined(list(_quarantined(session, wanted)), as_json)
        else:
            _print_tools(session, list(_tools(session, wanted)), as_json)
    finally:
        await session.close()


def _netuid(session: Session, wanted: _Filter) -> int | None:
    return None if wanted.subnet is None else session.live.catalogue.ledger.find_entry(wanted.subnet).netuid


def _tools(session: Session, wanted: _Filter) -> Iterator[Tool]:
    netuid = _netuid(session, wanted)
    for tool in session.live.catalogue.tools.values():
        if netuid not in (None, tool.slot.netuid) or wanted.audience not in (None, tool.audience):
            continue
        if not (wanted.callable_now and session.executor.obstacle_to(tool)):
            yield tool


def _quarantined(session: Session, wanted: _Filter) -> Iterator[dict[str, Any]]:
    netuid = _netuid(session, wanted)
    for compiled in session.live.catalogue.compiled:
        if netuid in (None, compiled.entry.netuid):
            yield from map(quarantined_line, compiled.quarantined)
            yield from map(held_line, compiled.held)


def _print_tools(session: Session, found: list[Tool], as_json: bool) -> None:
    if as_json:
        print_json([tool_line(session, tool) for tool in found])
        return
    rows = [
        (
            tool.name,
            f"{tool.subnet} {tool.entry_name}".strip(),
            tool.operation.title or tool.title,
            tool.audience,
            cost_cell(tool),
            callable_cell(session.executor.obstacle_to(tool)),
        )
        for tool in found
    ]
    if rows:
        print_table(("tool", "subnet", "what", "audience", "cost", "callable"), rows)
    note(f"{len(rows)} tools")


def _print_quarantined(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found:
        rows = [(line["name"], line["slot"], "; ".join(line["reasons"])) for line in found]
        print_table(("operation", "slot", "why"), rows)
    else:
        print_line("Nothing is in quarantine.")
