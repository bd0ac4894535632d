"""What an import brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class ImportedOperation:
    """An operation that was taken.

    Attributes:
        pointer: Where it stands in the document (JSON pointer, RFC 6901), as in `/paths/~1search/get`.
        operation_id: Its id in the entry.
        document: The operation as it stands in a ledger document.
    """

    pointer: str
    operation_id: str
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An operation, or a part of one, that could not be taken."""

    pointer: str
    reason: str


@dataclass(frozen=True)
class OpenApiImport:
    """All operations of a document, taken or not. Each stands in `imported` or in `skipped`, once.

    Attributes:
        title: What the API calls itself; "" where it does not say.
        description: What it says of itself.
        version: Of the API, as it states it.
        notes: What was left out of operations that were taken, such as a second media type.
    """

    title: str
    description: str
    version: str
    imported: tuple[ImportedOperation, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[Skipped, ...] = ()

    @cached_property
    def operations(self) -> Mapping[str, Mapping[str, Any]]:
        """The operations by id, as they stand in a ledger document."""
        return {each.operation_id: each.document for each in self.imported}
