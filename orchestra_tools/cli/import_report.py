"""What `orchestra import` prints: the report on a document, and what it changes in an entry."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestra_tools.cli.differences import lines_of
from orchestra_tools.cli.output import note, print_json, print_line, print_table
from orchestra_tools.compile.hygiene import printable
from orchestra_tools.compile.names import assign_names
from orchestra_tools.updates.breaking import Verdict
from orchestra_tools.updates.changes import Changed, pointer_of
from orchestra_tools.updates.importing import Import, Line

_VERDICTS = {
    Verdict.TEXT: "words only",
    Verdict.COMPATIBLE: "callers are not affected",
    Verdict.BREAKING: "breaks callers",
    Verdict.UNDECIDED: "may break callers",
}


def print_report(done: Import, *, as_json: bool) -> None:
    """What became of each operation of the document."""
    report = done.report
    if as_json:
        print_json(report.to_json())
        return
    if report.imported:
        rows = [(line["tool"], line["operation"], line["pointer"]) for line in report.imported]
        print_table(("tool", "operation", "in the document"), rows)
    for heading, lines in (
        ("not imported", report.skipped),
        ("in quarantine", report.quarantined),
        ("note", report.notes),
    ):
        if lines:
            print_line()
            print_table((heading, "why"), _rows(lines))


def print_outcome(done: Import, out: Path | None, *, changed: bool) -> None:
    """Where the entry is now, and what can be done with it."""
    report, entry = done.report, done.entry
    if report.imported or report.skipped or report.quarantined:
        taken, left, bad = len(report.imported), len(report.skipped), len(report.quarantined)
        note(f"{entry.key} {entry.version}: {taken} imported, {left} skipped, {bad} in quarantine")
    if out is None:
        note("Nothing was written. Put it into a ledger with --out LEDGER.json")
    elif not changed:
        note(f"Nothing has changed in {out}.")
    else:
        note(f"Written to {out}. Use it: orchestra tools --ledger {shlex.quote(str(out))}")


def print_changes(done: Import, *, as_json: bool) -> None:
    """What the document changes in the entry."""
    changes, netuid = done.changes, done.entry.netuid
    before, now = assign_names(netuid, changes.before), assign_names(netuid, done.entry.stated)
    versions = {"from": changes.version_before, "to": changes.version_after}
    if as_json:
        print_json(
            {
                "added": [_line(now, each.operation_id, each.document) for each in changes.added],
                "changed": [_line(now, each.operation_id, each.now) | _differences(each) for each in changes.changed],
                "removed": [
                    _line(before, each.operation_id, each.document) | {"reason": each.reason}
                    for each in changes.removed
                ],
                "version": versions,
            }
        )
        return
    for each in changes.added:
        print_line(f"+ {now[each.operation_id]}: {_address(each.document)}")
    for gone in changes.removed:
        print_line(f"- {before[gone.operation_id]}: {_address(gone.document)} ({printable(gone.reason)})")
    for change in changes.changed:
        print_line(f"~ {now[change.operation_id]}: {_address(change.now)}, {_VERDICTS[change.verdict]}")
        _tell(change)
    if changes:
        print_line(f"version {versions['from'] or '(none)'} -> {versions['to']}")
    else:
        print_line(f"The document changes nothing in {done.entry.key}.")


def _rows(lines: Iterable[Line]) -> list[tuple[str, str]]:
    """One row for each reason: a thousand operations may have the same."""
    places: dict[str, list[str]] = {}
    for line in lines:
        places.setdefault(line["reason"], []).append(line["pointer"] or "(the document)")
    return [(f"{first} and {len(more)} more" if more else first, why) for why, (first, *more) in places.items()]


def _tell(change: Changed) -> None:
    for difference, verdict in change.differences:
        for number, line in enumerate(lines_of(difference)):
            print_line(f"    {line}" if number else f"    {line}: {_VERDICTS[verdict]}")


def _line(names: Mapping[str, str], operation_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "operation": operation_id,
        "tool": names[operation_id],
        "address": _address(document),
        "pointer": pointer_of(document),
    }


def _differences(change: Changed) -> dict[str, Any]:
    return {
        "breaking": change.verdict.breaking,
        "differences": [
            difference.to_json() | {"breaking": verdict.breaking} for difference, verdict in change.differences
        ],
    }


def _address(document: Mapping[str, Any]) -> str:
    endpoint = document.get("endpoint")
    if not isinstance(endpoint, Mapping):
        return printable(str(endpoint))
    return printable(f"{endpoint.get('method', '')} {endpoint.get('base_url') or ''}{endpoint.get('path', '')}".strip())
