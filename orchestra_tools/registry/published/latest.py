"""What is the latest of every slot: by the newest manifest, and by every leaf after it.

A log alone cannot say that nothing newer is in it. A manifest says it for all leaves before its own, and those after it
are read one by one. So an old manifest costs time and never truth; where to find one is the only thing that the place
is asked, and what is found there is held against the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import ValidationError

from orchestra_tools.errors import LedgerFormatError
from orchestra_tools.importers import parse_json
from orchestra_tools.model.event import LOG_SLOT, Manifest, ManifestEntry
from orchestra_tools.registry.published.files import tampered
from orchestra_tools.registry.published.view import LogView
from orchestra_tools.registry.record import Recorded
from orchestra_tools.trust.merkle import leaf_hash
from orchestra_tools.trust.tiles import TILE_WIDTH


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest event of a slot."""

    index: int
    seq: int
    leaf: str
    """Leaf hash, hex."""
    entry_sha256: str | None
    version: str


@dataclass(frozen=True, slots=True)
class Slots:
    """What the first `size` leaves come to: the latest of every slot, that of the log itself among them."""

    size: int
    latest: Mapping[str, Latest]
    manifest: Recorded | None = None
    """The newest manifest among them."""

    @classmethod
    def at_manifest(cls, recorded: Recorded, manifest: Manifest) -> Self:
        """What a manifest says."""
        listed = {slot: _latest_of(each) for slot, each in manifest.entries.items()}
        return cls(recorded.index + 1, {**listed, LOG_SLOT: _follow(None, recorded)}, recorded)

    def advance(self, events: Iterable[Recorded]) -> Slots:
        """What they come to with the next events.

        Raises:
            TamperedError: One does not follow the one before it of its slot.
        """
        size, latest, manifest = self.size, dict(self.latest), self.manifest
        for recorded in events:
            slot = recorded.event.slot
            latest[slot] = _next(latest.get(slot), recorded)
            size = recorded.index + 1
            if recorded.event.kind == "manifest":
                manifest = recorded
        return Slots(size, latest, manifest)

    @property
    def entries(self) -> Mapping[str, Latest]:
        """The latest of every slot but the log's own."""
        return {slot: latest for slot, latest in self.latest.items() if slot != LOG_SLOT}


def read_manifest(recorded: Recorded, document: bytes, origin: str) -> Manifest:
    """The manifest that a leaf names.

    Raises:
        TamperedError: It is none of this log, at this place.
    """
    try:
        manifest = Manifest.model_validate(parse_json(document, source="manifest"))
    except (ValidationError, LedgerFormatError) as error:
        raise _wrong(recorded, "cannot be read") from error
    if manifest.ledger != origin:
        raise _wrong(recorded, f"is of the log {manifest.ledger[:80]!r}")
    if (manifest.size, manifest.at_ms) != (recorded.index, recorded.event.at_ms):
        raise _wrong(recorded, "is of another size or time than its leaf")
    if LOG_SLOT in manifest.entries:
        raise _wrong(recorded, "lists the log itself")
    return manifest


def check_listed(recorded: Recorded, manifest: Manifest, view: LogView) -> None:
    """Hold what a manifest says of each slot against the leaf that it names for it.

    Raises:
        TamperedError: They differ; or a leaf or a tile is not the one that the head vouches for.
        ConfigurationError: The place cannot be read.
    """
    bundles: dict[int, dict[str, ManifestEntry]] = {}
    for slot, each in manifest.entries.items():
        if not 0 <= each.index < recorded.index:
            raise _wrong(recorded, f"names the leaf {each.index} for {slot}, which is none before it")
        bundles.setdefault(each.index // TILE_WIDTH, {})[slot] = each
    for listed in bundles.values():
        first, last = min(each.index for each in listed.values()), max(each.index for each in listed.values())
        events = view.events(first, last + 1)
        for slot, each in listed.items():
            if not _says(events[each.index - first], slot, each):
                raise _wrong(recorded, f"says of {slot} what the leaf {each.index} does not")


def check_complete(recorded: Recorded, manifest: Manifest, slots: Slots) -> None:
    """Hold a manifest against what all leaves before it come to.

    Raises:
        TamperedError: They differ.
    """
    for slot in sorted(slots.entries.keys() | manifest.entries.keys()):
        listed = manifest.entries.get(slot)
        if listed is None or _latest_of(listed) != slots.latest.get(slot):
            raise _wrong(recorded, f"says of {slot} what was not the latest")


def _says(recorded: Recorded, slot: str, listed: ManifestEntry) -> bool:
    event = recorded.event
    return (
        (event.slot, event.seq, event.entry_sha256) == (slot, listed.seq, listed.entry_sha256)
        and leaf_hash(recorded.leaf).hex() == listed.leaf
        and event.version in (None, listed.version)
    )


def _next(before: Latest | None, recorded: Recorded) -> Latest:
    """The latest of a slot after one more event, which must be the next of its chain."""
    event = recorded.event
    seq, prev = (0, None) if before is None else (before.seq + 1, before.leaf)
    if event.seq != seq or event.prev != prev:
        raise tampered(
            "leaf",
            f"the event {recorded.index} does not follow the one before it of {event.slot[:40]}",
            index=recorded.index,
        )
    return _follow(before, recorded)


def _follow(before: Latest | None, recorded: Recorded) -> Latest:
    event = recorded.event
    version = event.version or (before.version if before else "0.0.0")
    return Latest(recorded.index, event.seq, leaf_hash(recorded.leaf).hex(), event.entry_sha256, version)


def _latest_of(listed: ManifestEntry) -> Latest:
    return Latest(listed.index, listed.seq, listed.leaf, listed.entry_sha256, listed.version)


def _wrong(recorded: Recorded, problem: str) -> Exception:
    return tampered("manifest", f"the manifest of leaf {recorded.index} {problem}", index=recorded.index)
