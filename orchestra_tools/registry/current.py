"""The ledger that the latest of every slot comes to."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra_tools.errors import LedgerFormatError
from orchestra_tools.importers import parse_json
from orchestra_tools.importers.entry_bytes import entry_from_bytes
from orchestra_tools.model import Entry, Ledger, Unreadable
from orchestra_tools.registry.record import LedgerRecord, read_frame


class CurrentEntries:
    """Entries by the digests that the log names; what did not change is not read again."""

    def __init__(self, record: LedgerRecord) -> None:
        self._record = record
        self._read: Mapping[tuple[str, str], Entry | Unreadable] = {}
        self._ledger: Ledger | None = None

    def ledger(self, digests: Mapping[str, str | None]) -> Ledger:
        """The ledger; the same one as long as nothing changed, so that nothing is compiled anew.

        Args:
            digests: SHA-256 of the entry of each slot; None where it is withdrawn.

        Raises:
            TamperedError: A document is missing, has other bytes, or the frame of the ledger cannot be read.
            ConfigurationError, StoreError: The place cannot be read.
        """
        wanted = {(slot, sha256) for slot, sha256 in digests.items() if sha256 is not None}
        if self._ledger is None or wanted != self._read.keys():
            known = self._read
            blobs = self._record.blobs(sorted({sha256 for _, sha256 in wanted - known.keys()}))
            read = {key: known[key] if key in known else _read_entry(key[0], blobs[key[1]]) for key in wanted}
            frame = read_frame(self._record) if self._ledger is None else self._ledger
            self._ledger = Ledger(
                sorted((each for each in read.values() if isinstance(each, Entry)), key=lambda each: each.slot.order),
                sandbox=frame.sandbox,
                unreadable={slot: each for (slot, _), each in sorted(read.items()) if isinstance(each, Unreadable)},
                extra=frame.extra,
            )
            self._read = read
        return self._ledger


def _read_entry(slot: str, data: bytes) -> Entry | Unreadable:
    """An entry; set aside with the reason where this version of the program cannot read it."""
    try:
        return entry_from_bytes(slot, data)
    except LedgerFormatError as error:
        return Unreadable(_parsed(data), error.faults)


def _parsed(data: bytes) -> object:
    try:
        return parse_json(data, source="entry")
    except LedgerFormatError:
        return None
