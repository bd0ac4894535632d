"""Whom to trust (c2sp.org/tlog-policy): which keys sign a log, which witnesses, how many of them, and how lately.

    log ledger.example/log+1a2b3c4d+AQ…
    witness alice validator-a.example+5e6f7a8b+BA…
    witness bob validator-b.example+9c0d1e2f+BA…
    group validators 2 alice bob
    quorum validators
    #orchestra max-age 900

What the specification does not have stands in comments of ours, which other readers pass over: `max-age` and
`max-manifest-age` in seconds or `none`, and `rotation` with a signed note that replaces a log key, in base64. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from orchestra_tools.errors import ForkError, NoteError, ProofError, RollbackError, StaleError
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.cosignatures import CosignatureKey, timestamp_of
from orchestra_tools.trust.lines import quote
from orchestra_tools.trust.merkle import verify_consistency
from orchestra_tools.trust.notes import Note, VerifierKey, verify_signatures
from orchestra_tools.trust.policy_lines import read_policy_lines, write_policy_lines
from orchestra_tools.trust.quorums import NONE, Quorum, refuse
from orchestra_tools.trust.rotations import LogKey, Rotation, rotate

MAX_AGE = timedelta(minutes=15)
MAX_MANIFEST_AGE = timedelta(days=1)  # they are written every epoch, of about 72 minutes
MAX_SKEW = timedelta(minutes=2)
ProveConsistency = Callable[[int, int], Sequence[bytes]]
"""(old size, new size) -> consistency proof."""
_REMEDY = "Do not use this copy of the log; keep both notes, and show them to its operator and to its other readers"


@dataclass(frozen=True, slots=True)
class TrustedHead:
    """A head of a log that the policy trusts.

    Attributes:
        checkpoint: What it says.
        note: The signed note, byte for byte.
        log_key: The pinned key that signed it.
        witnesses: Who cosigned it, by the names of the policy, and when, in seconds since 1970; newest first.
        vouched_at: By when enough of them had seen nothing newer, in seconds since 1970; None without a quorum.
    """

    checkpoint: Checkpoint
    note: bytes
    log_key: VerifierKey
    witnesses: tuple[tuple[str, int], ...]
    vouched_at: int | None


@dataclass(frozen=True)
class TrustPolicy:
    """Whom to trust.

    Attributes:
        logs: The keys that are pinned; several for one origin are several keys of one log.
        quorum: Who has to cosign.
        max_age: How old the cosignatures of a quorum may be; None = any age. Without a quorum there is no age.
        max_manifest_age: How old the manifest of a log may be; None = any age.
        max_skew: How far a clock of a witness may be ahead. A cosignature from further ahead does not count: one
            witness with a wrong clock shall not shut out all readers.
        rotations: Notes that replaced log keys, in order.

    Raises:
        ConfigurationError: It contradicts itself.
        NoteError: A rotation does not hold.
    """

    logs: tuple[LogKey, ...]
    quorum: Quorum = Quorum()  # noqa: RUF009  # it is frozen
    max_age: timedelta | None = MAX_AGE
    max_manifest_age: timedelta | None = MAX_MANIFEST_AGE
    max_skew: timedelta = MAX_SKEW
    rotations: tuple[Rotation, ...] = ()

    def __post_init__(self) -> None:
        if len({each.key.public_key for each in self.logs}) < len(self.logs):
            raise refuse("two logs have one key")
        _ = self.log_keys

    @classmethod
    def of(
        cls,
        logs: Iterable[VerifierKey],
        witnesses: Iterable[CosignatureKey] = (),
        *,
        quorum: int = 0,
        max_age: timedelta | None = MAX_AGE,
        max_manifest_age: timedelta | None = MAX_MANIFEST_AGE,
    ) -> Self:
        """The policy that asks for `quorum` of some witnesses."""
        return cls(
            tuple(map(LogKey, logs)), Quorum.of(witnesses, quorum), max_age=max_age, max_manifest_age=max_manifest_age
        )

    @classmethod
    def parse(cls, data: bytes | str, *, max_age: timedelta | None = MAX_AGE) -> Self:
        """Read a policy.

        Args:
            data: The text.
            max_age: What holds where the text does not say.

        Raises:
            ConfigurationError: It cannot be used; `line` says where.
        """
        lines = read_policy_lines(data)
        try:
            return cls(
                tuple(lines.logs),
                lines.build_quorum(),
                max_age=lines.ages.get("max-age", max_age),
                max_manifest_age=lines.ages.get("max-manifest-age", MAX_MANIFEST_AGE),
                rotations=tuple(lines.rotations),
            )
        except NoteError as error:
            raise refuse(error.problem) from error

    def format(self) -> str:
        """Its text; `max_skew` has no place in it."""
        ages = {"max-age": self.max_age, "max-manifest-age": self.max_manifest_age}
        return write_policy_lines(self.logs, self.quorum, self.rotations, ages)

    def with_rotation(self, data: bytes | str | Note) -> TrustPolicy:
        """The policy after a log key was replaced; the same one where it knows of it already.

        Raises:
            NoteError: The note does not hold.
        """
        rotation = Rotation.parse(data)
        same = any(each.note.text == rotation.note.text for each in self.rotations)
        return self if same else replace(self, rotations=(*self.rotations, rotation))

    @cached_property
    def log_keys(self) -> tuple[LogKey, ...]:
        """The pinned keys and those that took their places, with the sizes for which they sign."""
        keys = self.logs
        for rotation in self.rotations:
            keys = rotate(keys, rotation)
        return keys

    def check(self, data: bytes | str, *, now: datetime, fresh: bool = True) -> TrustedHead:
        """Whether a checkpoint is to be trusted.

        Args:
            data: The signed note.
            now: The time, with a time zone.
            fresh: Whether to refuse what is older than `max_age`.

        Raises:
            NoteError: The note is malformed, of a log that is not known (`fact` origin), not signed by a key of it
                (unsigned), signed wrongly (signature) or by a key for other sizes (retired), or not cosigned by
                enough witnesses (quorum).
            StaleError: Enough witnesses cosigned it, but too few of them lately.
        """
        now_s = _seconds(now)
        note = Note.parse(data)
        checkpoint = Checkpoint.parse(note.text)
        log_key = self._check_log(note, checkpoint)
        witnesses, ahead = self._cosigned(note, now_s)
        vouched_at = self._vouched_at(witnesses)
        if vouched_at is None and self.quorum.name != NONE:
            raise self._too_few(witnesses, ahead)
        if fresh and vouched_at is not None and self.max_age is not None:
            _check_age(checkpoint.origin, now_s - vouched_at, self.max_age)
        verbatim = data if isinstance(data, bytes) else data.encode()
        return TrustedHead(checkpoint, verbatim, log_key, tuple(witnesses.items()), vouched_at)

    def _check_log(self, note: Note, checkpoint: Checkpoint) -> VerifierKey:
        keys = [each for each in self.log_keys if each.key.name == checkpoint.origin]
        if not keys:
            raise _untrusted(
                "origin",
                f"no key is pinned for the log {quote(checkpoint.origin)}",
                pinned=sorted({each.key.name for each in self.log_keys}),
            )
        signed = {key for key, _ in verify_signatures(note, [each.key for each in keys])}
        signers = [each for each in keys if each.key in signed]
        if not signers:
            raise _untrusted("unsigned", f"no key pinned for {quote(checkpoint.origin)} has signed it")
        for each in signers:
            if each.may_sign(checkpoint.size):
                return each.key
        raise _untrusted(
            "retired", f"the key that signed it signs no head of {checkpoint.size} leaves: it was replaced"
        )

    def _cosigned(self, note: Note, now_s: float) -> tuple[dict[str, int], list[str]]:
        """When each witness cosigned last, newest first; and who is ahead of the time."""
        names = {witness.key: witness.name for witness in self.quorum.witnesses}
        latest_s = now_s + self.max_skew.total_seconds()
        seen: dict[str, int] = {}
        ahead = []
        for key, signature in verify_signatures(note, self.quorum.keys):
            name, timestamp = names[key], timestamp_of(signature)
            if timestamp > latest_s:
                ahead.append(name)
            else:
                seen[name] = max(timestamp, seen.get(name, 0))
        return dict(sorted(seen.items(), key=lambda each: (-each[1], each[0]))), ahead

    def _vouched_at(self, witnesses: Mapping[str, int]) -> int | None:
        """The time of the cosignature with which, counted from the newest, a quorum is met."""
        counted = []
        for name, timestamp in witnesses.items():
            counted.append(name)
            if self.quorum.name != NONE and self.quorum.is_met_by(counted):
                return timestamp
        return None

    def _too_few(self, witnesses: Mapping[str, int], ahead: Sequence[str]) -> NoteError:
        late = f"; ahead of the time: {', '.join(map(quote, ahead))}" if ahead else ""
        return _untrusted(
            "quorum",
            f"it needs cosignatures of {self.quorum.describe()}, and has those of "
            f"{', '.join(map(quote, witnesses)) or 'nobody'}{late}",
            cosigned_by=list(witnesses),
            ahead=list(ahead),
        )


def compare_heads(kept: bytes | str | Note | None, shown: bytes | str | Note, prove: ProveConsistency) -> None:
    """Check that a head does not contradict the one that was kept; both were checked against the policy.

    Args:
        kept: The signed note kept; None where none was.
        shown: The signed note shown now.
        prove: Gives the consistency proof between two sizes. It has to come from hashes known to belong to the head
            shown: a proof that fails is held against the log.

    Raises:
        RollbackError: The head shown is smaller.
        ForkError: It has another root at the same size, or does not grow out of the one kept.
        NoteError: The notes are of different logs, or no checkpoints.
    """
    if kept is None:
        return
    old_note, new_note = _as_note(kept), _as_note(shown)
    old, new = Checkpoint.parse(old_note.text), Checkpoint.parse(new_note.text)
    notes = {"kept": str(old_note), "shown": str(new_note)}
    if old.origin != new.origin:
        raise _untrusted("origin", f"it is of {quote(new.origin)}, and the head kept is of {quote(old.origin)}")
    if new.size < old.size:
        raise RollbackError(
            f"the log {quote(new.origin)} shows {new.size} leaves, and has shown {old.size} before",
            remedy=_REMEDY,
            **notes,
        )
    if new.size == old.size or old.size == 0:
        if new.size == old.size and new.root != old.root:
            raise ForkError(
                f"the log {quote(new.origin)} has signed two heads of {new.size} leaves", remedy=_REMEDY, **notes
            )
        return
    try:
        verify_consistency(
            old_size=old.size,
            new_size=new.size,
            proof=prove(old.size, new.size),
            old_root=old.root,
            new_root=new.root,
        )
    except ProofError as error:
        raise ForkError(
            f"the log {quote(new.origin)} of {new.size} leaves does not grow out of the one of {old.size} it has shown "
            "before",
            remedy=_REMEDY,
            **notes,
        ) from error


def _as_note(data: bytes | str | Note) -> Note:
    return data if isinstance(data, Note) else Note.parse(data)


def _seconds(now: datetime) -> float:
    if now.tzinfo is None:
        raise ValueError("the time needs a time zone")
    return now.timestamp()


def _check_age(origin: str, age_s: float, max_age: timedelta) -> None:
    if age_s > max_age.total_seconds():
        raise StaleError(
            f"enough witnesses vouched for the head of {quote(origin)} only {age_s:,.0f} seconds ago",
            remedy="Fetch a newer one; if there is none, the log or your way to it may be frozen",
            age_s=round(age_s),
            limit_s=round(max_age.total_seconds()),
        )


def _untrusted(fact: str, problem: str, **facts: object) -> NoteError:
    return NoteError(
        f"the head cannot be trusted: {problem}", remedy="Do not rely on it; check the trust policy", fact=fact, **facts
    )
