"""A published log, verified as it is read.

    log = PublishedLog(LogFolder(path), policy, KeptHeads(home / "heads"), now=clock)
    log.refresh()                    # a head that is trusted, fresh, and consistent with the one kept
    log.events(120, log.size())      # leaves that stand in the tree under that head
    log.latest()                     # the latest of every slot

Nothing of what the place says is believed: the head by the keys that are pinned, tiles and leaves by the root of the
head, blobs by their digest, the manifest by its own leaf, and that nothing is newer by reading every leaf after it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orchestra_tools.errors import (
    ConfigurationError,
    ForkError,
    NoteError,
    ProofError,
    RollbackError,
    StaleError,
)
from orchestra_tools.registry.published.files import (
    CHECKPOINT,
    MANIFEST_PROOF,
    MAX_BLOB_BYTES,
    LogFiles,
    part_of,
    tampered,
)
from orchestra_tools.registry.published.heads import KeptHeads
from orchestra_tools.registry.published.latest import Latest, Slots, check_listed, read_manifest
from orchestra_tools.registry.published.view import LogView
from orchestra_tools.registry.record import LedgerRecord, Recorded
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.merkle import leaf_hash, verify_inclusion
from orchestra_tools.trust.notes import MAX_NOTE_BYTES, Note, open_note, verify_signatures
from orchestra_tools.trust.policy import TrustedHead, TrustPolicy, compare_heads
from orchestra_tools.trust.proofs import MAX_PROOF_BYTES, TlogProof

__all__ = ["MAX_BLOB_BYTES", "Latest", "PublishedLog"]


class PublishedLog(LedgerRecord):
    """One log, as far as it can be trusted."""

    def __init__(self, files: LogFiles, policy: TrustPolicy, heads: KeptHeads, *, now: Callable[[], datetime]) -> None:
        """Read nothing yet.

        Args:
            files: Where the log is.
            policy: Whose signatures are wanted, and how fresh. Of several logs it takes the one with the URL of this
                place.
            heads: Where the newest head seen is kept.
            now: The time, with a time zone.

        Raises:
            ConfigurationError: The policy does not say which log is meant.
        """
        self.files = files
        self.now = now
        self.origin = _origin_at(files.name, policy)
        self._policy = _only(policy, self.origin)
        self._heads = heads
        self._refreshing = threading.Lock()
        self._view: LogView | None = None
        self._slots: Slots | None = None

    def refresh(self) -> None:
        """Look at the newest head; it is kept where it holds.

        Raises:
            NoteError: It is not signed as the policy wants.
            StaleError: Nobody vouched for it lately.
            RollbackError, ForkError: It contradicts the head kept, or the one in use.
            TamperedError: A tile does not belong to it.
            ConfigurationError: The log, or the head kept, cannot be read.
        """
        with self._refreshing:
            # The head kept is read first: another program may keep a newer one meanwhile, which is no rollback.
            while True:
                kept = self._heads.load(self.origin)
                view = self._look()
                self._hold_against(kept, view)
                same = kept is not None and Note.parse(kept).text == Note.parse(view.head.note).text
                if same or self._heads.replace(self.origin, kept, view.head.note):
                    break
            self._view = view

    def head(self) -> TrustedHead:
        """The head that everything is read under; see `refresh` for what it raises."""
        return self._current().head

    def size(self) -> int:
        return self._current().size

    def events(self, start: int, stop: int) -> Sequence[Recorded]:
        return self._current().events(start, stop)

    def prove(self, index: int) -> TlogProof:
        return self._current().prove(index)

    def find_blobs(self, digests: Iterable[str]) -> Mapping[str, bytes]:
        return self.files.read_blobs(digests)

    def latest(self) -> Mapping[str, Latest]:
        """The latest of every slot under the head, by slot.

        Raises:
            TamperedError: The manifest, or an event after it, contradicts the log.
            StaleError: The newest manifest is older than the policy allows.
            ConfigurationError: The log cannot be read.
        """
        view = self._current()
        slots = self._slots
        if slots is None or slots.size > view.size:
            slots = self._start(view)
        slots = slots.advance(view.walk(slots.size))
        self._check_age(slots.manifest)
        self._slots = slots
        return slots.entries

    def compare(self, note: bytes) -> TrustedHead:
        """Hold the head that somebody else was shown against the one shown here.

        Args:
            note: The signed note, of any age.

        Returns:
            Their head, which is the beginning of this log, or this very head.

        Raises:
            ForkError: The log shows each reader something else: both notes prove it.
            NoteError: The note is not signed as the policy wants.
            ConfigurationError: It is newer than what is shown here, so that nothing can be said yet.
        """
        theirs, ours = self._policy.check(note, now=self.now(), fresh=False), self._current()
        if theirs.checkpoint.size > ours.size:
            raise ConfigurationError(
                f"that head has {theirs.checkpoint.size} leaves, and {self.files.name} shows {ours.size}",
                remedy="Look again once this copy of the log has grown; if it does not, it may be frozen",
            )
        self._compare(note, ours)
        return theirs

    def _current(self) -> LogView:
        if self._view is None:
            self.refresh()
        assert self._view is not None  # noqa: S101  # refreshing sets it, or raises
        return self._view

    def _look(self) -> LogView:
        """The newest head, as far as its signatures go."""
        note = self.files.read(CHECKPOINT, max_bytes=MAX_NOTE_BYTES)
        if note is None:
            raise NoteError(f"{self.files.name} has no checkpoint", remedy="Check the place of the log", fact="missing")
        head = self._policy.check(note, now=self.now())
        known = self._view
        # A head that was only cosigned anew stands over the same hashes.
        return (
            LogView(self.files, head) if known is None or known.head.checkpoint != head.checkpoint else known.at(head)
        )

    def _hold_against(self, kept: bytes | None, view: LogView) -> None:
        for note in (kept, None if self._view is None else self._view.head.note):
            if note is not None:
                self._compare(note, view)

    def _compare(self, older: bytes, view: LogView) -> None:
        try:
            compare_heads(older, view.head.note, view.prove_growth)
        except (ForkError, RollbackError) as conflict:
            self._check_signer(older)
            path = self._heads.keep_evidence(self.origin, conflict)
            if path is None:
                raise
            raise type(conflict)(
                conflict.problem,
                remedy=f"{conflict.remedy}. They stand in {path}",
                kept=conflict.kept,
                shown=conflict.shown,
                evidence=str(path),
            ) from conflict

    def _check_signer(self, kept: bytes) -> None:
        """A head that another key signed is no evidence against this one."""
        if not verify_signatures(Note.parse(kept), [each.key for each in self._policy.log_keys]):
            raise ConfigurationError(
                f"the head kept of {self.origin} was signed by a key that the trust policy does not pin",
                remedy="Add the rotation of the key to the policy; only if the log was begun anew, remove "
                f"{self._heads.path(self.origin)}",
            )

    def _start(self, view: LogView) -> Slots:
        """What the manifest says that the place names, if it names one under this head."""
        data = self.files.read(MANIFEST_PROOF, max_bytes=MAX_PROOF_BYTES)
        index = None if data is None else self._check_manifest_proof(data, view)
        if index is None or index >= view.size:
            # It is published before the checkpoint: a reader in between sees one that is not in the tree yet.
            return Slots(0, {})
        (recorded,) = view.events(index, index + 1)
        digest = recorded.event.document_sha256
        if recorded.event.kind != "manifest" or digest is None:
            raise tampered("manifest", f"the leaf {index} is no manifest", index=index)
        manifest = read_manifest(recorded, self.blob(digest), self.origin)
        check_listed(recorded, manifest, view)
        return Slots.at_manifest(recorded, manifest)

    def _check_manifest_proof(self, data: bytes, view: LogView) -> int:
        """The index of the leaf that a proof leads from, under its own head: that may be a newer one."""
        try:
            proof = TlogProof.parse(data)
            keys = [each.key for each in self._policy.log_keys]
            note = open_note(proof.note, keys).note
            shown = Checkpoint.parse(note.text)
            if shown.origin != self.origin:
                raise tampered("manifest", f"the proof of the manifest is of the log {shown.origin[:80]!r}")
            verify_inclusion(
                leaf_hash(proof.extra), index=proof.index, size=shown.size, proof=proof.hashes, root=shown.root
            )
        except (ProofError, NoteError) as error:
            raise tampered(
                part_of(MANIFEST_PROOF), f"the proof of the manifest does not hold: {error.problem}"
            ) from error
        if shown.size <= view.size:
            self._compare(proof.note, view)
        return proof.index

    def _check_age(self, manifest: Recorded | None) -> None:
        allowed = self._policy.max_manifest_age
        if allowed is None:
            return
        remedy = "Ask its operator to write a new one, or allow a greater age in the trust policy"
        if manifest is None:
            raise StaleError(f"the log {self.origin} has no manifest", remedy=remedy, limit_s=allowed.total_seconds())
        age_s = self.now().timestamp() - manifest.event.at_ms / 1000
        if age_s > allowed.total_seconds():
            raise StaleError(
                f"the manifest of {self.origin} is {age_s / 3600:,.1f} hours old",
                remedy=remedy,
                limit_s=allowed.total_seconds(),
                age_s=round(age_s),
            )


def _origin_at(place: str, policy: TrustPolicy) -> str:
    """The log that a place is to have."""
    origins = {each.key.name for each in policy.logs}
    if len(origins) > 1:
        here = place.rstrip("/")
        origins = {each.key.name for each in policy.logs if (each.url or "").rstrip("/") == here}
    if len(origins) != 1:
        raise ConfigurationError(
            f"the trust policy does not say which log {place} has",
            remedy="Pin one log, or write the URL of each after its key",
        )
    return origins.pop()


def _only(policy: TrustPolicy, origin: str) -> TrustPolicy:
    return replace(
        policy,
        logs=tuple(each for each in policy.logs if each.key.name == origin),
        rotations=tuple(each for each in policy.rotations if each.origin == origin),
    )
