"""What an entry was before an import, and what it is after it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from orchestra_tools.compile.hygiene import text_problems
from orchestra_tools.errors import InputError
from orchestra_tools.importers.openapi import OpenApiImport, Skipped
from orchestra_tools.model import Entry, SourceDocument, Unreadable
from orchestra_tools.updates.changes import ChangeSet, imported_from

MAX_NAME = 48  # characters; a tool's title has 120 with the operation's before it
MAX_ABOUT = 300  # characters of an entry's description
# What was found out about an entry says nothing of one that is made anew.
_FOUND_OUT = frozenset({"version", "documents", "last_verified", "reliability", "avg_latency_ms", "cost_per_query"})
_FLAT_FIELDS = frozenset({"input_schema", "output_schema", "endpoint", "auth", "cost"})


@dataclass(frozen=True, slots=True)
class FormerState:
    """An entry as it was, seen from a document that is imported into it.

    Attributes:
        base: The entry; None where there was none.
        document: The document as it was imported before; None where it is new to the entry.
        operations: As written, by id; that of a flat entry in the form of the others.
    """

    base: Entry | None
    document: SourceDocument | None
    operations: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, base: Entry | None, url: str | None) -> Self:
        """The state for a document that comes from a URL, or from a file (None).

        Raises:
            InputError: A file may be a newer version of any of several documents.
        """
        if base is None:
            return cls(None, None, {})
        return cls(base, _earlier_document(base, url), _operations_of(base))

    @property
    def url(self) -> str | None:
        """Where the document is published, as remembered."""
        return None if self.document is None else self.document.url

    @property
    def select(self) -> tuple[str, ...]:
        """The operations that were wanted of it."""
        return () if self.document is None else self.document.select

    @property
    def version(self) -> str | None:
        """Of the entry; None where it states none."""
        return None if self.base is None or "version" not in self.base.to_json() else self.base.version

    @property
    def names(self) -> frozenset[str]:
        """What operations that came from the document say of where they came from."""
        if self.base is None or self.document is None:
            return frozenset()
        others = {each.url for each in self.base.documents if each is not self.document}
        brought = {imported_from(document) for document in self.operations.values()}
        return frozenset(name for name in brought - others if name is not None)

    def with_changes(self, netuid: int, changes: ChangeSet, record: SourceDocument, texts: Mapping[str, str]) -> Entry:
        """The entry after an import; the base itself where that changes nothing."""
        written: dict[str, Any] = {"netuid": netuid} if self.base is None else self.base.to_json()
        document = written | {name: text for name, text in texts.items() if text and not written.get(name)}
        if self._is_flat:
            document = {name: value for name, value in document.items() if name not in _FLAT_FIELDS}
        if changes or self.base is None:
            document["version"] = changes.version_after
        document.pop("operations", None)
        document["documents"] = self._documents(record)
        document["operations"] = dict(changes.operations)
        if self.base is None:
            return Entry.from_document(f"SN{netuid}", document)
        return self.base if document == written else Entry.from_document(self.base.document_key, document)

    @property
    def _is_flat(self) -> bool:
        return self.base is not None and not self.base.declared and bool(self.base.stated)

    def _documents(self, record: SourceDocument) -> list[dict[str, Any]]:
        known = [] if self.base is None else list(self.base.documents)
        if self.document is None:
            return [each.to_json() for each in (*known, record)]
        seen = (self.document.url, self.document.sha256, self.document.select)
        if seen == (record.url, record.sha256, record.select):
            return [each.to_json() for each in known]
        now = {**self.document.to_json(), **record.to_json()}
        return [now if each is self.document else each.to_json() for each in known]


def fresh_base(entry: Entry) -> Entry:
    """What an entry says of its slot, without operations and without what was found out about them."""
    gone = _FOUND_OUT | _FLAT_FIELDS | {"operations", "capabilities"}
    kept = {name: value for name, value in entry.to_json().items() if name not in gone}
    return Entry.from_document(entry.document_key, kept)


def addresses_of(entry: Entry) -> list[str]:
    """Where the documents of an entry are published: as remembered from imports, else as its links say."""
    remembered = [each.url for each in entry.documents if each.url]
    return remembered or list(entry.links.openapi if entry.links else ())


def texts_of_api(imported: OpenApiImport, base: Entry | None) -> tuple[dict[str, str], tuple[Skipped, ...]]:
    """Name and description that an API gives itself, fit for tools; and notes on what is not fit.

    Names people know the subnet by go before: nothing is taken where the base has a text.
    """
    texts: dict[str, str] = {}
    notes: tuple[Skipped, ...] = ()
    for name, text, limit in (("name", imported.title, MAX_NAME), ("description", imported.description, MAX_ABOUT)):
        if base is not None and getattr(base, name):
            continue
        fit = _shorten(text, limit)
        if problem := next(text_problems(fit, limit=limit), None):
            pointer = "/info/title" if name == "name" else "/info/description"
            notes += (Skipped(pointer, f"is not used as {name} of the entry: it {problem}"),)
            fit = ""
        texts[name] = fit
    return texts, notes


def _operations_of(base: Entry) -> dict[str, Any]:
    if base.declared:
        return dict(base.to_json()["operations"])
    return {
        name: each.document if isinstance(each, Unreadable) else each.to_json() for name, each in base.stated.items()
    }


def _earlier_document(base: Entry, url: str | None) -> SourceDocument | None:
    known = base.documents
    if (same := next((each for each in known if each.url == url), None)) is not None:
        return same
    if url is not None:
        # What came from a file before has an address now.
        return known[0] if len(known) == 1 and known[0].url is None else None
    if len(known) > 1:
        urls = [each.url for each in known if each.url]
        raise InputError(
            "the entry has operations of several documents, and the file may be any of them",
            remedy=f"Say which it is with --url: {', '.join(urls)}",
            urls=urls,
        )
    return known[0] if known else None


def _shorten(text: str, limit: int) -> str:
    """The first paragraph on one line, cut between words."""
    line = " ".join(text.strip().partition("\n\n")[0].split())
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    return f"{head[: head.rindex(' ')] if ' ' in head else head}…"
