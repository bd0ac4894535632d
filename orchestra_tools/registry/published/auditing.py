"""Going over a whole published log: every leaf, every document, every manifest, and whether each change follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from orchestra_tools.governance.projection import check_event
from orchestra_tools.model.event import LogEvent
from orchestra_tools.registry.published.files import tampered
from orchestra_tools.registry.published.latest import Slots, check_complete, read_manifest
from orchestra_tools.registry.published.log import PublishedLog
from orchestra_tools.registry.record import Recorded, blobs_of
from orchestra_tools.trust.tiles import TILE_WIDTH


@dataclass(frozen=True, slots=True)
class Audit:
    """What was gone over.

    Attributes:
        leaves: Leaves.
        changes: Accepted changes that were made again, and made the entry that stands there.
        documents: Documents that were held against their digests.
        missing: Digests of documents that are not there: their place may have dropped them, and cannot have changed
            them. Changes that need them were not made again.
    """

    leaves: int
    changes: int
    documents: int
    missing: tuple[str, ...]


def audit(log: PublishedLog, *, on_progress: Callable[[int, int], None]) -> Audit:
    """Go over a log from its first leaf to its head, and hold everything against everything.

    Args:
        log: The log.
        on_progress: Told how many leaves were read, and of how many.

    Raises:
        TrustError: Something does not hold.
        ConfigurationError: The log cannot be read.
    """
    size = log.size()
    auditor = _Auditor(log)
    for start in range(0, size, TILE_WIDTH):
        auditor.read(log.events(start, min(start + TILE_WIDTH, size)))
        on_progress(min(start + TILE_WIDTH, size), size)
    return Audit(size, auditor.changes, auditor.documents, tuple(sorted(auditor.missing)))


class _Auditor:
    def __init__(self, log: PublishedLog) -> None:
        self._log = log
        self._slots = Slots(0, {})
        self._before: dict[str, LogEvent] = {}
        self._blobs: Mapping[str, bytes] = {}
        self.changes = 0
        self.documents = 0
        self.missing: set[str] = set()

    def read(self, events: Iterable[Recorded]) -> None:
        """The next leaves, with all that they name."""
        read = list(events)
        named = {sha256 for each in read for sha256 in blobs_of(each.event)}
        # To make a change again takes the entry before it as well.
        before = [self._before[each.event.slot] for each in read if each.event.slot in self._before]
        self._blobs = self._log.find_blobs(sorted(named | {each.entry_sha256 for each in before if each.entry_sha256}))
        self.documents += len(named & self._blobs.keys())
        self.missing |= named - self._blobs.keys()
        for recorded in read:
            self._check(recorded)

    def _check(self, recorded: Recorded) -> None:
        event, before = recorded.event, self._before.get(recorded.event.slot)
        if event.kind == "manifest":
            self._check_manifest(recorded)
        elif event.kind == "genesis" and self._slots.manifest is not None:
            # It ends with the first manifest; nobody has approved what comes as a genesis after it.
            raise tampered("leaf", f"the leaf {recorded.index} is a genesis after the genesis", index=recorded.index)
        self._slots = self._slots.advance([recorded])
        needed = {event.entry_sha256, event.proposal_sha256, before.entry_sha256 if before else None} - {None}
        if needed <= self._blobs.keys():
            check_event(event, recorded.index, before, self._blobs.get)
            self.changes += event.proposal_sha256 is not None
        self._before[event.slot] = event

    def _check_manifest(self, recorded: Recorded) -> None:
        digest = recorded.event.document_sha256
        if digest is None:
            raise tampered("manifest", f"the leaf {recorded.index} names no manifest", index=recorded.index)
        if digest in self._blobs:
            manifest = read_manifest(recorded, self._blobs[digest], self._log.origin)
            check_complete(recorded, manifest, self._slots)
