"""When a new manifest is due, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ledger_sync.log.reading import leaves_backwards
from orchestra_tools.model.event import LOG_SLOT, LogEvent, Manifest, ManifestEntry
from orchestra_tools.registry.record import read_leaf
from orchestra_tools.registry.store import Projected, StoredLeaf, StoreReader
from orchestra_tools.trust import canonicalise


@dataclass(frozen=True, slots=True)
class ManifestPolicy:
    """How far the newest manifest may fall behind: a reader reads every leaf after it, and checks its age.

    Attributes:
        leaves: Leaves after it, at most.
        age: Its age, at most.
    """

    leaves: int = 256
    age: timedelta = timedelta(hours=1)

    def is_due(self, reader: StoreReader, *, now_ms: int) -> bool:
        """Whether the log, which has leaves, needs a new one."""
        head = reader.head()
        if head is None:
            return False
        found = newest_manifest(reader, head.size)
        if found is None:
            return True
        leaf, event = found
        return head.size - leaf.index > self.leaves or now_ms - event.at_ms >= self.age / timedelta(milliseconds=1)


def newest_manifest(reader: StoreReader, size: int) -> tuple[StoredLeaf, LogEvent] | None:
    """The newest manifest among the first `size` leaves."""
    for leaf in leaves_backwards(reader, size):
        # Not by its history: a manifest is seldom far from the end.
        if leaf.slot == LOG_SLOT and (event := read_leaf(leaf.data, leaf.index)).kind == "manifest":
            return leaf, event
    return None


def manifest_bytes(slots: Mapping[str, Projected], *, ledger: str, size: int, at_ms: int) -> bytes:
    """The manifest of a log's first `size` leaves, canonical.

    Args:
        slots: The latest of every slot among them.
        ledger: Origin of the log.
        size: Leaves that it covers.
        at_ms: Its time, in milliseconds since the Unix epoch.
    """
    entries = {slot: listed(latest) for slot, latest in sorted(slots.items())}
    return canonicalise(Manifest(ledger=ledger, size=size, at_ms=at_ms, entries=entries).to_json())


def listed(latest: Projected) -> ManifestEntry:
    """The latest of a slot, as a manifest has it."""
    return ManifestEntry(
        index=latest.index,
        seq=latest.seq,
        leaf=latest.leaf_hash.hex(),
        entry_sha256=latest.entry_sha256,
        version=latest.version,
    )
