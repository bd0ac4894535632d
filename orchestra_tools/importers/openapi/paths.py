"""Every operation a document lists, and everything in it that is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from orchestra_tools.importers.openapi.identifiers import Listed
from orchestra_tools.importers.openapi.imported import Skipped
from orchestra_tools.importers.openapi.references import MAX_SHOWN, Document, Unusable, text_of
from orchestra_tools.schema import escape

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_FURTHER_METHODS = {"3.2": ("query",)}
_FIELDS = frozenset(("$ref", "summary", "description", "servers", "parameters", "additionalOperations"))
_MAX_NOTES = 1_000  # callbacks, webhooks and strange fields that are told


@dataclass(frozen=True)
class Found:
    """An operation in its place.

    Attributes:
        operation: As the document has it, of any type.
        item: The path item it stands in, references followed.
        item_pointer: Where that stands.
    """

    listed: Listed
    operation: Any
    item: dict[str, Any]
    item_pointer: str


@dataclass
class Listing:
    """What `paths` and `webhooks` hold."""

    operations: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[Skipped] = field(default_factory=list)

    def note(self, pointer: str, reason: str) -> None:
        """Tell something that is no operation."""
        if len(self.notes) < _MAX_NOTES:
            self.notes.append(Skipped(pointer, reason))


def list_operations(document: Document, paths: dict[str, Any]) -> Listing:
    """The operations under `paths`, each once, and notes of what the API calls itself."""
    listing = Listing()
    for path, item in paths.items():
        if not isinstance(path, str) or path.startswith("x-"):
            continue
        pointer = f"/paths/{escape(path)}"
        try:
            value, where = document.follow(item, pointer)
            merged = _with_siblings(item, value, where)
        except Unusable as unusable:
            listing.skipped.append(Skipped(pointer, unusable.reason))
            continue
        for name, stated in _operations(document, merged, listing, pointer):
            place = f"{pointer}/{name}"
            _note_callbacks(stated, place, listing)
            listed = Listed(place, name.rpartition("/")[2].upper(), path, _tags(stated), _operation_id(stated))
            listing.operations.append(Found(listed, stated, merged, where))
    _note_webhooks(document, listing)
    return listing


def _with_siblings(item: Any, value: Any, pointer: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unusable(pointer, f"a path item is an object, this is {type(value).__name__}")
    if isinstance(item, dict) and "$ref" in item:
        return {**value, **{name: each for name, each in item.items() if name != "$ref"}}
    return value


def _operations(document: Document, item: dict[str, Any], listing: Listing, pointer: str) -> Iterator[tuple[str, Any]]:
    """(Pointer within the path item, operation) of each."""
    methods = METHODS + _FURTHER_METHODS.get(document.version, ())
    for name, stated in item.items():
        if name in methods:
            yield name, stated
        elif name == "additionalOperations" and document.version == "3.2" and isinstance(stated, dict):
            yield from ((f"{name}/{escape(str(method))}", each) for method, each in stated.items())
        elif isinstance(name, str) and name not in _FIELDS and not name.startswith("x-"):
            listing.note(f"{pointer}/{escape(name)}", "no field of a path item; methods are written in lower case")


def _tags(stated: Any) -> tuple[str, ...]:
    tags = stated.get("tags") if isinstance(stated, dict) else None
    return tuple(each for each in tags if isinstance(each, str)) if isinstance(tags, list) else ()


def _operation_id(stated: Any) -> str:
    return text_of(stated.get("operationId")) if isinstance(stated, dict) else ""


def _note_callbacks(stated: Any, pointer: str, listing: Listing) -> None:
    callbacks = stated.get("callbacks") if isinstance(stated, dict) else None
    if isinstance(callbacks, dict):
        for name in callbacks:
            listing.note(f"{pointer}/callbacks/{escape(str(name))}", "a callback: the API calls it, nobody else can")


def _note_webhooks(document: Document, listing: Listing) -> None:
    webhooks = document.root.get("webhooks")
    if isinstance(webhooks, dict):
        for name in webhooks:
            shown = escape(str(name))[:MAX_SHOWN]
            listing.note(f"/webhooks/{shown}", "a webhook: the API calls it, nobody else can")
