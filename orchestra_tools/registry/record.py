"""The record behind a ledger: its log, to be read. A port; `stored` and `published` implement it.

A ledger that has a record can say what changed since an index, who wished it and who approved, and prove it. A ledger
that is only a document cannot.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from orchestra_tools.errors import LedgerFormatError, TamperedError
from orchestra_tools.importers import ledger_from_document, parse_json
from orchestra_tools.model import Ledger
from orchestra_tools.model.event import LOG_SLOT, LogEvent
from orchestra_tools.trust import canonicalise
from orchestra_tools.trust.proofs import TlogProof
from orchestra_tools.trust.tiles import TILE_WIDTH


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event at its place in the log.

    Attributes:
        index: Position in the log, from 0.
        event: What it says.
        leaf: The bytes that were hashed.
    """

    index: int
    event: LogEvent
    leaf: bytes


class LedgerRecord(ABC):
    """A ledger's log. What it returns was checked as far as its place allows; see each implementation."""

    @abstractmethod
    def size(self) -> int:
        """Number of leaves now.

        Raises:
            TrustError: The log shows something that does not hold.
            ConfigurationError, StoreError: It cannot be read now.
        """

    @abstractmethod
    def events(self, start: int, stop: int) -> Sequence[Recorded]:
        """Events by position, [start, stop), as far as there are any."""

    @abstractmethod
    def find_blobs(self, digests: Iterable[str]) -> Mapping[str, bytes]:
        """Documents by their SHA-256 (hex), which is checked; those that are not there are left out.

        Raises:
            TamperedError: One has other bytes.
        """

    @abstractmethod
    def prove(self, index: int) -> TlogProof:
        """The proof that a leaf stands at an index of the newest signed head.

        Raises:
            ProofError: There is no such leaf.
        """

    def refresh(self) -> None:  # noqa: B027  # most look anew each time anyway
        """Look at what is newest now, where that is not done with every look; it raises as `size` does."""

    def blob(self, sha256: str) -> bytes:
        """A document by its SHA-256 (hex).

        Raises:
            TamperedError: It is missing, or has other bytes.
        """
        return self.blobs([sha256])[sha256]

    def blobs(self, digests: Iterable[str]) -> Mapping[str, bytes]:
        """Several documents; see `blob`."""
        wanted = list(digests)
        found = self.find_blobs(wanted)
        for sha256 in wanted:
            if sha256 not in found:
                raise TamperedError(
                    f"the document {sha256} is missing",
                    remedy="Look for a copy that has it",
                    part="blob",
                    sha256=sha256,
                )
        return found

    def walk(self, start: int, stop: int) -> Iterator[Recorded]:
        """Events by position, as `events`, read a few at a time."""
        return walk(self.events, start, stop)

    def history(self, slot: str) -> Sequence[Recorded]:
        """All events of a slot, in order."""
        return [each for each in self.walk(0, self.size()) if each.event.slot == slot]


def walk(events: Callable[[int, int], Sequence[Recorded]], start: int, stop: int) -> Iterator[Recorded]:
    """Events by position, [start, stop), read a bundle at a time."""
    while start < stop:
        end = min(stop, start - start % TILE_WIDTH + TILE_WIDTH)
        yield from events(start, end)
        start = end


def blobs_of(event: LogEvent) -> tuple[str, ...]:
    """SHA-256 (hex) of every document that an event names."""
    named = (event.entry_sha256, event.proposal_sha256, *event.verdicts, event.evidence_sha256, event.document_sha256)
    return tuple(sha256 for sha256 in named if sha256 is not None)


def read_frame(record: LedgerRecord) -> Ledger:
    """What holds for all entries of a ledger, as its first leaf says: a ledger without entries.

    Raises:
        TamperedError: The leaf names a document that is none.
    """
    first = record.events(0, 1)
    sha256 = first[0].event.document_sha256 if first and first[0].event.slot == LOG_SLOT else None
    if sha256 is None or first[0].event.kind != "genesis":
        return Ledger(())
    try:
        document = parse_json(record.blob(sha256), source="frame of the ledger")
        return ledger_from_document({**document, "entries": {}}, source="frame of the ledger")
    except (LedgerFormatError, TypeError) as error:
        raise TamperedError(
            "the frame of the ledger cannot be read", remedy="Do not use this copy of the log", part="frame"
        ) from error


def read_leaf(leaf: bytes, index: int) -> LogEvent:
    """The event that a leaf says.

    Raises:
        TamperedError: It is no event, or is not spelled as one is.
    """
    try:
        document = parse_json(leaf, source=f"leaf {index}")
        event = LogEvent.model_validate(document)
        if canonicalise(document) != leaf:
            raise ValueError("not canonical")
    except (LedgerFormatError, ValidationError, ValueError) as error:
        raise TamperedError(
            f"the leaf {index} is no event of a ledger",
            remedy="Do not use this copy of the log",
            part="leaf",
            index=index,
        ) from error
    return event
