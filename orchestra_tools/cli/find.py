"""`orchestra find`: tools by what they do."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal

import click

from orchestra_tools.cli.describe import milliseconds, share
from orchestra_tools.cli.options import AUDIENCES, json_option, ledger_option, read_amount
from orchestra_tools.cli.output import UNKNOWN, note, print_json, print_line, print_table
from orchestra_tools.cli.progress import progress
from orchestra_tools.client import open_session
from orchestra_tools.discovery import Card, Findings, packaged_vocabulary
from orchestra_tools.errors import EmbeddingError
from orchestra_tools.toolsets import FindFilters, LedgerToolset

_COLUMNS = ("tool", "subnet", "what", "cost", "reliability", "p50", "callable", "why")


@click.command()
@click.argument("text", required=False)
@click.option("-c", "--capability", multiple=True, metavar="TERM", help="A capability, as in web_search or web_*.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="At most so many tools.")
@click.option("--max-cost", type=read_amount, metavar="USD", help="Most one call may cost.")
@click.option("--max-latency", type=click.FloatRange(min=0), metavar="MS", help="Most that half of the calls take.")
@click.option("--min-reliability", type=click.FloatRange(0, 1), metavar="SHARE", help="Least measured reliability.")
@click.option("--callable", "callable_now", is_flag=True, help="Only tools that can be called now.")
@click.option("--audience", type=click.Choice(AUDIENCES), help="Whom the tools are for.")
@click.option("--capabilities", "vocabulary", is_flag=True, help="List the vocabulary of capabilities instead.")
@ledger_option
@json_option
def find(
    text: str | None,
    capability: tuple[str, ...],
    limit: int,
    max_cost: Decimal | None,
    max_latency: float | None,
    min_reliability: float | None,
    callable_now: bool,
    audience: str | None,
    vocabulary: bool,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Find tools by what they do.

    TEXT says in words what the tool should do. Without it, all tools of a capability are listed, best first.
    """
    if vocabulary:
        _print_vocabulary(as_json)
        return
    filters: FindFilters = {
        "capability": capability or None,
        "max_cost": max_cost,
        "max_latency_ms": max_latency,
        "min_reliability": min_reliability,
        "callable_now": callable_now,
        "audience": audience,
    }
    findings = asyncio.run(_search(ledger, text, limit, filters))
    if as_json:
        print_json(findings.to_json())
    else:
        _print_findings(findings)


async def _search(ledger: str | None, text: str | None, limit: int, filters: FindFilters) -> Findings:
    session = open_session(ledger)
    try:
        if text and session.toolset.meaning is not None:
            _embed(session.toolset)
        return session.toolset.find(text, limit=limit, **filters)
    finally:
        await session.close()


def _embed(toolset: LedgerToolset) -> None:
    """Embed what is not embedded yet: a command that ends at once has no background to do it in."""
    # Where it fails, the findings say that they are by words alone.
    with contextlib.suppress(EmbeddingError), progress("embedding tools, once") as tell:
        toolset.embed_tools(tell)


def _print_findings(findings: Findings) -> None:
    if findings.no_match:
        print_line(findings.no_match)
    if findings.cards:
        print_table(_COLUMNS, map(_row, findings.cards))
    if findings.confidence == "good" and findings.total > len(findings.cards):
        note(f"{len(findings.cards)} of {findings.total}; --limit shows more")
    if findings.note:
        note(findings.note)
    if findings.unknown and not findings.no_match:
        note(f"left out, because a figure asked for is not known: {findings.unknown}")


def _row(card: Card) -> tuple[str, ...]:
    return (
        card.name,
        card.subnet,
        card.title,
        card.cost,
        UNKNOWN if card.reliability is None else share(card.reliability),
        UNKNOWN if card.latency_p50_ms is None else milliseconds(card.latency_p50_ms),
        "yes" if card.callable is True else f"no: {card.callable}" if card.callable else UNKNOWN,
        card.why,
    )


def _print_vocabulary(as_json: bool) -> None:
    terms = packaged_vocabulary()
    if as_json:
        print_json(dict(terms))
    else:
        print_table(("capability", "meaning"), terms.items())
