"""An entry: what the ledger says of one slot.

A slot is one tenancy of a netuid. Netuids are reassigned, so an entry is pinned to the block the tenant registered at.

    entry = Entry.from_document("SN22", {"name": "Desearch", "capabilities": ["web_search"], ...})
    entry.key, entry.slot, entry.operations["web_search"]

The seed writes an entry flat, with one input and one output schema: that is an entry with one operation. Both forms are
written back exactly as they were read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, PrivateAttr, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from orchestra_tools.errors import Fault
from orchestra_tools.model.base import Timestamp, Value
from orchestra_tools.model.operation import Operation

MAX_NETUID = 65_535  # NetUid is a u16 in subtensor
KEY_PATTERN = re.compile(r"SN(0|[1-9]\d{0,4})(?:@(0|[1-9]\d{0,18}))?")
_FLAT_FIELDS = ("input_schema", "output_schema", "endpoint")


class Slot(NamedTuple):
    """One tenancy of a netuid. The block is None where nobody has looked it up."""

    netuid: int
    registered_at_block: int | None

    def __str__(self) -> str:
        block = "?" if self.registered_at_block is None else self.registered_at_block
        return f"SN{self.netuid}@{block}"

    @property
    def order(self) -> tuple[int, int]:
        """Sorts slots by netuid, then by age."""
        return self.netuid, self.registered_at_block or 0


class Links(Value):
    """Where a subnet presents itself."""

    github: str | None = None
    website: str | None = None
    docs: str | None = None
    openapi: tuple[str, ...] = ()


class SourceDocument(Value):
    """An API document that operations of an entry were imported from, as it was then."""

    url: str | None = None
    """Where it is asked for again; None where it came from a file."""
    etag: str | None = None
    last_modified: str | None = None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of its bytes."""
    retrieved_at: Timestamp
    select: tuple[str, ...] = ()
    """The operations that were wanted of it; empty = all. See docs/importing.md."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A part of a document that cannot be read. It is kept as it stands, so that nothing is lost."""

    document: Any
    faults: tuple[Fault, ...]


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """What Pydantic found, without the values it found it in."""
    return tuple(
        Fault(_pointer(found["loc"]), found["msg"])
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )


def _pointer(path: tuple[str | int, ...]) -> str:
    # Pydantic puts the kind it took a union for into the path, where the document has nothing.
    inside = [part for before, part in zip((None, *path), path, strict=False) if before not in ("endpoint", "auth")]
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in inside)


def _read_operation(document: Any, read: ValidatorFunctionWrapHandler) -> Operation | Unreadable:
    try:
        operation: Operation = read(document)
    except ValidationError as error:
        # One bad operation must not take its neighbours down.
        return Unreadable(document, faults_of(error))
    return operation


_Declared = Annotated[Operation, WrapValidator(_read_operation)]


class Entry(Value):
    """What the ledger says of one slot."""

    netuid: int = Field(ge=0, le=MAX_NETUID)
    registered_at_block: int | None = Field(default=None, ge=0)
    name: str = ""
    description: str = ""
    capabilities: tuple[str, ...] = ()
    status: str = "active"
    links: Links | None = None
    documents: tuple[SourceDocument, ...] = ()
    """The API documents it was imported from, for a later update."""
    version: str = "0.0.0"
    last_verified: Timestamp | None = None
    reliability: float | None = Field(default=None, ge=0, le=1)
    avg_latency_ms: float | None = Field(default=None, ge=0)
    cost_per_query: float | None = Field(default=None, ge=0)
    declared: dict[str, _Declared] = Field(default_factory=dict, alias="operations")
    """The operations as written; empty in the flat form. Read `operations` and `unreadable`."""
    _document: Mapping[str, Any] | None = PrivateAttr(default=None)
    _document_key: str | None = PrivateAttr(default=None)

    @classmethod
    def from_document(cls, key: str, document: Mapping[str, Any]) -> Self:
        """Read an entry that stands under `key` ("SN22") in a ledger document.

        Raises:
            ValueError: The key is not `SN` and a netuid, or contradicts the document.
            pydantic.ValidationError: A field does not fit.
        """
        if not (match := KEY_PATTERN.fullmatch(key)):
            raise ValueError(f"{key[:40]!r} is not a subnet key: SN and a number, as in SN22")
        netuid = int(match[1])
        if document.get("netuid", netuid) != netuid:
            raise ValueError(f"the entry says another netuid than its key {key}")
        stated = {} if match[2] is None else {"registered_at_block": int(match[2])}
        entry = cls.model_validate({**stated, **document, "netuid": netuid})
        if stated and entry.registered_at_block != stated["registered_at_block"]:
            raise ValueError(f"the entry says another registration block than its key {key}")
        entry._document = document
        entry._document_key = key
        return entry

    def to_json(self) -> dict[str, Any]:
        """The document as it was read, unknown fields, order and spelling included."""
        return super().to_json() if self._document is None else dict(self._document)

    def replace(self, **changes: Any) -> Self:
        """The entry with some fields of its document changed."""
        return self.from_document(self.document_key, {**self.to_json(), **changes})

    @property
    def document_key(self) -> str:
        """The key it stood under in its document."""
        return self._document_key or self.key

    @property
    def key(self) -> str:
        """`SN` and the netuid."""
        return f"SN{self.netuid}"

    @property
    def slot(self) -> Slot:
        """The tenancy this entry speaks of."""
        return Slot(self.netuid, self.registered_at_block)

    @property
    def verified(self) -> bool:
        """Whether anybody has verified it; if not, its reliability and latency are claims nobody measured."""
        return self.last_verified is not None

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All readable operations by id. A flat entry has one, named after its first capability."""
        return {name: each for name, each in self.stated.items() if isinstance(each, Operation)}

    @property
    def main_operation(self) -> str | None:
        """The operation named after the first capability that has one, else the first."""
        named = [term for term in self.capabilities if term in self.operations]
        return next(iter([*named, *self.operations]), None)

    @property
    def unreadable(self) -> Mapping[str, Unreadable]:
        """The operations that cannot be read, with the reasons."""
        return {name: each for name, each in self.stated.items() if isinstance(each, Unreadable)}

    @cached_property
    def stated(self) -> Mapping[str, Operation | Unreadable]:
        """All operations, readable or not, by id and in the order of the document."""
        extra = self.model_extra or {}
        if self.declared or not any(name in extra for name in _FLAT_FIELDS):
            return self.declared
        flat: dict[str, Any] = {name: extra[name] for name in (*_FLAT_FIELDS, "auth", "cost") if name in extra}
        flat.setdefault("endpoint", {"kind": "http", "method": "POST"})
        if self.cost_per_query is not None:
            # The seed prices everything in TAO.
            flat.setdefault("cost", {"amount": str(self.cost_per_query), "currency": "TAO"})
        name = self.capabilities[0] if self.capabilities else "query"
        flat |= {
            "title": name.replace("_", " ").capitalize(),
            "description": self.description,
            "capabilities": self.capabilities,
        }
        try:
            return {name: Operation.model_validate(flat)}
        except ValidationError as error:
            return {name: Unreadable(flat, faults_of(error))}
