"""What a newer document changes in an entry. Pure.

Operations are matched by method and path, first with those of the same document, then by their whole address. The
document decides where an operation is, how it is called and what it takes and gives. What people have written about it
stays, unless it was the document's own text before: of each such text its digest is kept (`source.as_imported`).
Operations that came from elsewhere, and that the document does not have, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from orchestra_tools.compile import Difference, compare_values
from orchestra_tools.importers.openapi import ImportedOperation
from orchestra_tools.schema.pointer import split
from orchestra_tools.trust.canonical import canonicalise_any, sha256_hex
from orchestra_tools.updates.breaking import Verdict, judge, worst

OPERATIONS_GO = "gone from the document"
_DECIDED = frozenset({"endpoint", "auth", "input_schema", "output_schema", "unavailable", "deprecated"})
# Large, and never kept against the document: their digest would be of no use.
_NOT_DIGESTED = frozenset({"endpoint", "input_schema", "source"})
_DIGEST_LENGTH = 12  # hex digits; tells two texts of one operation apart
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})")
FIRST_VERSION = "1.0.0"
Documents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Added:
    """An operation that is new."""

    operation_id: str
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Changed:
    """An operation that is not as it was."""

    operation_id: str
    before: Mapping[str, Any] = field(repr=False)
    now: Mapping[str, Any] = field(repr=False)

    @cached_property
    def differences(self) -> tuple[tuple[Difference, Verdict], ...]:
        """All in which it differs, with what each does to callers; where it came from is none of it."""
        before, now = _without_source(self.before), _without_source(self.now)
        return tuple((each, judge(each, before, now)) for each in compare_values(before, now))

    @property
    def verdict(self) -> Verdict:
        """What the change does to callers."""
        return worst(verdict for _, verdict in self.differences)


@dataclass(frozen=True, slots=True)
class Removed:
    """An operation that the document no longer brings, and why."""

    operation_id: str
    reason: str
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class ChangeSet:
    """What a newer document changes.

    Attributes:
        before: All operations of the entry before it, by id.
        operations: All operations of the entry after it, by id.
        ids: The id in the entry of each imported operation, by its pointer.
        version_before: Of the entry; None where there was no entry.
    """

    before: Documents = field(repr=False)
    operations: Documents = field(repr=False)
    ids: Mapping[str, str] = field(repr=False)
    added: tuple[Added, ...]
    changed: tuple[Changed, ...]
    removed: tuple[Removed, ...]
    version_before: str | None

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    @cached_property
    def version_after(self) -> str:
        """Of the entry: a removed operation, or one whose change may break callers, is a major change."""
        if self.version_before is None:
            return FIRST_VERSION
        if not self:
            return self.version_before
        verdict = worst(each.verdict for each in self.changed)
        if self.removed or verdict in (Verdict.BREAKING, Verdict.UNDECIDED):
            return _bump(self.version_before, 0)
        return _bump(self.version_before, 1 if self.added or verdict is Verdict.COMPATIBLE else 2)


@dataclass(frozen=True, slots=True)
class Origin:
    """The document that operations come from.

    Attributes:
        name: Its URL, or the name of its file: stands in `source.document` of each operation.
        earlier: Names under which it brought operations before.
    """

    name: str
    earlier: frozenset[str]

    def brought(self, document: Mapping[str, Any]) -> bool:
        """Whether an operation came from it."""
        return imported_from(document) in self.earlier


def imported_from(document: Any) -> str | None:
    """The document that an operation was imported from; None where it came from elsewhere."""
    source = document.get("source") if isinstance(document, Mapping) else None
    if not isinstance(source, Mapping) or "as_imported" not in source:
        return None
    name = source.get("document")
    return name if isinstance(name, str) else None


def known_ids(before: Documents, origin: Origin) -> dict[str, str]:
    """Ids of the operations that a document brought before, by method and path, as in "GET /search"."""
    known: dict[str, str] = {}
    for name, document in before.items():
        if origin.brought(document):
            *_, path, method = ["", "", *split(pointer_of(document))]
            known.setdefault(f"{method.upper()} {path}", name)
    return known


def take_over(
    before: Documents,
    imported: Iterable[ImportedOperation],
    *,
    origin: Origin,
    version: str | None,
    skipped: Mapping[str, str],
) -> ChangeSet:
    """What the operations of a document change in those of an entry.

    Args:
        before: The operations of the entry, by id.
        imported: Those of the document.
        origin: The document.
        version: Of the entry; None where there is none yet.
        skipped: Why operations of the document were not imported, by pointer.
    """
    found = tuple(imported)
    matches = _match(before, found, origin)
    brought = {name for name, document in before.items() if origin.brought(document)}
    gone = brought - set(matches.values())
    after: dict[str, Mapping[str, Any]] = {name: document for name, document in before.items() if name not in gone}
    ids: dict[str, str] = {}
    added, changed = [], []
    for each in found:
        if (known := matches.get(each.pointer)) is None:
            ids[each.pointer] = name = _free_id(each.operation_id, after)
            after[name] = _merge({}, each, origin)
            added.append(Added(name, after[name]))
            continue
        ids[each.pointer] = known
        after[known] = _merge(before[known], each, origin)
        change = Changed(known, before[known], after[known])
        if change.differences:
            changed.append(change)
    removed = tuple(
        Removed(name, skipped.get(pointer_of(document), OPERATIONS_GO), document)
        for name, document in before.items()
        if name in gone
    )
    return ChangeSet(before, after, ids, tuple(added), tuple(changed), removed, version)


def _match(before: Documents, imported: Iterable[ImportedOperation], origin: Origin) -> dict[str, str]:
    """Ids in the entry by the pointer of the imported operation; each id once."""
    by_pointer: dict[tuple[str, ...], str] = {}
    by_address: dict[tuple[str, ...], str] = {}
    for name, document in before.items():
        if origin.brought(document):
            by_pointer.setdefault(_place(pointer_of(document)), name)
        elif address := _address(document):
            by_address.setdefault(address, name)
    matches: dict[str, str] = {}
    taken: set[str] = set()
    for each in imported:
        found = by_pointer.get(_place(each.pointer)) or by_address.get(_address(each.document))
        if found is not None and found not in taken:
            matches[each.pointer] = found
            taken.add(found)
    return matches


def _merge(old: Mapping[str, Any], new: ImportedOperation, origin: Origin) -> Mapping[str, Any]:
    source = old.get("source")
    digests = source.get("as_imported") if isinstance(source, Mapping) and origin.brought(old) else None
    own = digests if isinstance(digests, Mapping) else {}
    merged: dict[str, Any] = {}
    for name in dict.fromkeys((*old, *new.document)):
        if name == "source":
            continue
        was, brought = old.get(name), new.document.get(name)
        was_own = name in own and own[name] == _digest(was)
        decides = name in _DECIDED and brought is not None
        if name in old and was not in (None, "", [], ()) and not was_own and not decides:
            merged[name] = was
        elif name in new.document:
            merged[name] = _decide(name, was, brought)
        elif name in old and not was_own:
            merged[name] = was
    merged["source"] = _source_of(old, new, origin)
    return merged


def _decide(name: str, was: Any, brought: Any) -> Any:
    """What the document says, completed with what it is silent on."""
    if not (isinstance(was, Mapping) and isinstance(brought, Mapping)):
        return brought
    if name == "endpoint" and brought.get("base_url") is None and was.get("base_url") is not None:
        return {**brought, "base_url": was["base_url"]}
    if name == "input_schema":
        return _with_descriptions(was, brought)
    return brought


def _with_descriptions(was: Mapping[str, Any], brought: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with what people wrote about arguments that the document does not describe."""
    old, new = was.get("properties"), brought.get("properties")
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return brought
    written = {
        name: {**schema, "description": old[name]["description"]}
        for name, schema in new.items()
        if isinstance(schema, Mapping)
        and "description" not in schema
        and isinstance(old.get(name), Mapping)
        and "description" in old[name]
    }
    return {**brought, "properties": {**new, **written}} if written else brought


def _source_of(old: Mapping[str, Any], new: ImportedOperation, origin: Origin) -> dict[str, Any]:
    stated, before = new.document.get("source"), old.get("source")
    source: dict[str, Any] = dict(stated) if isinstance(stated, Mapping) else {}
    source |= {
        "document": origin.name,
        "pointer": new.pointer,
        "as_imported": {name: _digest(value) for name, value in new.document.items() if name not in _NOT_DIGESTED},
    }
    if isinstance(before, Mapping) and before:
        earlier = before.get("earlier") if imported_from(old) is not None else dict(before)
        source |= {} if earlier is None else {"earlier": earlier}
    return source


def _digest(value: Any) -> str:
    return sha256_hex(canonicalise_any(value)[1])[:_DIGEST_LENGTH]


def pointer_of(document: Mapping[str, Any]) -> str:
    """Where an imported operation stands in its document; "" for one that came from elsewhere."""
    source = document.get("source")
    pointer = source.get("pointer") if isinstance(source, Mapping) else None
    return pointer if isinstance(pointer, str) else ""


def _place(pointer: str) -> tuple[str, ...]:
    """A pointer with nameless placeholders: `/items/{id}` and `/items/{item_id}` are one path."""
    return tuple(_PLACEHOLDER.sub("{}", token) for token in split(pointer))


def _address(document: Any) -> tuple[str, ...]:
    """Method, host and path of an operation; empty where there is no host."""
    endpoint = document.get("endpoint") if isinstance(document, Mapping) else None
    if not isinstance(endpoint, Mapping) or not isinstance(base := endpoint.get("base_url"), str):
        return ()
    try:
        parts = urlsplit(base + str(endpoint.get("path") or ""))
    except ValueError:
        return ()
    return (str(endpoint.get("method")), parts.netloc.lower(), _PLACEHOLDER.sub("{}", parts.path))


def _free_id(wanted: str, taken: Mapping[str, Any]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _bump(version: str, part: int) -> str:
    """The next version, with one part raised and those after it at 0; one that cannot be read starts anew."""
    if not (match := _VERSION.fullmatch(version)):
        return FIRST_VERSION
    numbers = [int(number) for number in match.groups()]
    return ".".join(str(number + 1 if at == part else number if at < part else 0) for at, number in enumerate(numbers))


def _without_source(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "source"}
