"""An API document becomes an entry, or a new state of one, with a report on each of its operations.

done = import_document(data, netuid=22, source="openapi.json", base=None)
done.entry                  # the entry as it is with the document
done.report.to_json()       # every operation of the document once: imported, skipped or quarantined
done.changes                # what differs from the base
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from orchestra_tools.compile import compile_entry
from orchestra_tools.compile.hygiene import printable, text_problems
from orchestra_tools.importers.openapi import OpenApiImport, Skipped, import_openapi, read_openapi_document
from orchestra_tools.model import Entry, SourceDocument
from orchestra_tools.updates.changes import ChangeSet, Origin, known_ids, take_over
from orchestra_tools.updates.documents import may_be_remembered, refuse_page
from orchestra_tools.updates.former import FormerState, texts_of_api
from orchestra_tools.updates.selection import Selection

MAX_REASON = 600  # characters
Line = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of each operation of a document; each stands in one of the first three, once.

    Attributes:
        notes: What was left out of operations that were taken, and what the document is missing.
    """

    imported: tuple[Line, ...] = ()
    skipped: tuple[Line, ...] = ()
    quarantined: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The form that `--json` prints; notes only where there are some."""
        lists = {"imported": self.imported, "skipped": self.skipped, "quarantined": self.quarantined}
        written: dict[str, Any] = {name: [dict(line) for line in lines] for name, lines in lists.items()}
        return written | ({"notes": [dict(line) for line in self.notes]} if self.notes else {})


@dataclass(frozen=True, slots=True)
class Import:
    """What came of an import.

    Attributes:
        entry: The entry as it is with the document; the base itself where nothing changed.
    """

    entry: Entry
    report: Report
    changes: ChangeSet = field(repr=False)


def import_document(
    data: bytes,
    *,
    netuid: int,
    source: str,
    url: str | None = None,
    base: Entry | None = None,
    select: Sequence[str] | None = None,
    etag: str | None = None,
    last_modified: str | None = None,
    retrieved_at: str | None = None,
) -> Import:
    """Import an API document into an entry.

    Args:
        data: The document, JSON or YAML.
        netuid: The subnet.
        source: What to call the document: the name of its file, or its URL.
        url: Where it is published.
        base: The entry as it was; None = there is none.
        select: Patterns of wanted operations, see `Selection`; None = those of the earlier import, or all.
        etag: As the server gave it.
        last_modified: Likewise.
        retrieved_at: When it was read, with its zone (RFC 3339); None = now.

    Raises:
        DocumentRefusedError: It is no document that can be imported.
        InputError: A pattern matches nothing, or nobody knows which document of the entry this is.
    """
    refuse_page(data, source=source, url=url)
    document = read_openapi_document(data, source=source)
    place = None if url is None else url.partition("?")[0]
    remembered = url if url is not None and may_be_remembered(url) else None
    former = FormerState.of(base, remembered)
    wanted = Selection(former.select if select is None else select)
    name = remembered or former.url or place or PurePath(source).name
    origin = Origin(name, former.names)
    imported = import_openapi(
        document,
        source=name,
        url=place,
        select=wanted,
        known=known_ids(former.operations, origin),
        suspicious=_is_suspicious,
    )
    if select is not None:
        wanted.check()
    changes = take_over(
        former.operations,
        imported.imported,
        origin=origin,
        version=former.version,
        skipped={each.pointer: each.reason for each in imported.skipped},
    )
    record = SourceDocument(
        url=remembered or former.url,
        etag=etag,
        last_modified=last_modified,
        sha256=sha256_of(data),
        retrieved_at=retrieved_at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        select=wanted.patterns,
    )
    texts, notes = texts_of_api(imported, base)
    if url is not None and remembered is None:
        notes += (Skipped("", "its URL is not remembered: its query seems to hold a secret"),)
    if any(_has_no_address(changes.operations[name]) for name in changes.ids.values()):
        notes += (Skipped("/servers", "says no address to call: give the URL of the document, as with --url"),)
    entry = former.with_changes(netuid, changes, record, texts)
    return Import(entry, _report(entry, imported, changes, notes), changes)


def unchanged(base: Entry) -> Import:
    """What comes of a document that is as it was."""
    version = base.version if "version" in base.to_json() else None
    report = Report(notes=({"pointer": "", "reason": "the document is as it was when it was imported"},))
    return Import(base, report, ChangeSet({}, {}, {}, (), (), (), version))


def sha256_of(data: bytes) -> str:
    """The digest that is remembered of a document: over its bytes, so that anybody can check it."""
    return hashlib.sha256(data).hexdigest()


def _report(entry: Entry, imported: OpenApiImport, changes: ChangeSet, notes: Iterable[Skipped]) -> Report:
    compiled = compile_entry(entry)
    tools = {tool.operation_id: tool.name for tool in compiled.tools}
    reasons = {bad.operation_id: "; ".join(bad.reasons) for bad in compiled.quarantined}
    taken: list[Line] = []
    quarantined: list[Line] = []
    for each in imported.imported:
        name = changes.ids[each.pointer]
        if name in tools:
            taken.append({"pointer": each.pointer, "operation": name, "tool": tools[name]})
        else:
            quarantined.append({"pointer": each.pointer, "reason": reasons[name]})
    return Report(tuple(taken), _lines(imported.skipped), tuple(quarantined), _lines((*imported.notes, *notes)))


def _lines(found: Iterable[Skipped]) -> tuple[Line, ...]:
    return tuple({"pointer": each.pointer, "reason": printable(each.reason, limit=MAX_REASON)} for each in found)


def _is_suspicious(text: str) -> bool:
    return any(text_problems(text, limit=sys.maxsize))


def _has_no_address(operation: Mapping[str, Any]) -> bool:
    endpoint = operation.get("endpoint")
    return isinstance(endpoint, Mapping) and endpoint.get("base_url") is None
