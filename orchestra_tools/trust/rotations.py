"""Log keys, and how one takes the place of another: a note that both of them sign. No I/O.

    subnet-ledger/v1/key-rotation
    ledger.example/log
    4711
    ledger.example/log+9c0d1e2f+AQ…

From the size that it names, the new key signs the log; up to it, the old one. Whoever gets hold of a key that was
replaced can thus not sign later heads, and heads of before still verify. No checkpoint can pass for such a note.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from orchestra_tools.errors import NoteError
from orchestra_tools.trust.lines import parse_decimal, quote
from orchestra_tools.trust.merkle import is_count
from orchestra_tools.trust.notes import Note, NoteSigner, VerifierKey, sign_note, verify_signatures

HEADER = "subnet-ledger/v1/key-rotation"


@dataclass(frozen=True, slots=True)
class Rotation:
    """One key of a log takes the place of another. It is not verified."""

    note: Note
    origin: str
    from_size: int
    key: VerifierKey
    """The new key."""

    @classmethod
    def parse(cls, data: bytes | str | Note) -> Self:
        """Read the note.

        Raises:
            NoteError: It is none of this kind; `fact` is format, or what is wrong with the note or the key.
        """
        note = data if isinstance(data, Note) else Note.parse(data)
        header, *lines = note.text[:-1].split("\n")
        if header != HEADER or len(lines) != 3:
            raise _wrong("format", f"it has {HEADER}, origin, size and new key, each in a line of its own")
        origin, size, vkey = lines
        try:
            from_size = parse_decimal(size)
        except ValueError as error:
            raise _wrong("format", f"its size is {error}") from error
        return cls(note, origin, from_size, VerifierKey.parse(vkey))


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key that signs a log, and the sizes for which it does.

    Attributes:
        key: Its name is the origin of the log.
        url: Where the log is, for those who have to reach it.
        from_size: Leaves of the smallest head it may sign.
        until_size: Leaves of the largest; None = there is no largest.
    """

    key: VerifierKey
    url: str | None = None
    from_size: int = 0
    until_size: int | None = None

    def may_sign(self, size: int) -> bool:
        """Whether a head of this size is its to sign."""
        return self.from_size <= size and (self.until_size is None or size <= self.until_size)


def sign_rotation(old: NoteSigner, new: NoteSigner, *, from_size: int) -> Note:
    """Replace a key.

    Args:
        old: The key in use.
        new: The key to use; its name is the same.
        from_size: Leaves of the first head that the new key signs; not less than the log has now.

    Raises:
        NoteError: The names differ, or the size is none.
    """
    if old.key.name != new.key.name or old.key == new.key:
        raise _wrong("key", f"{quote(new.key.name)} cannot replace {quote(old.key.name)}")
    if not is_count(from_size):
        raise _wrong("format", f"{from_size!r} is no number of leaves")
    return sign_note(f"{HEADER}\n{old.key.name}\n{from_size}\n{new.key}\n", [old, new])


def rotate(keys: Iterable[LogKey], rotation: Rotation) -> tuple[LogKey, ...]:
    """The keys after a rotation.

    Raises:
        NoteError: No key in use has signed it, or the new one has not; `fact` says which.
    """
    known = tuple(keys)
    if rotation.key.name != rotation.origin:
        raise _wrong("origin", f"the new key is of {quote(rotation.key.name)}, not of {quote(rotation.origin)}")
    if any(each.key.public_key == rotation.key.public_key for each in known):
        raise _wrong("key", "the new key is one that is known already")
    in_use = [each for each in known if each.key.name == rotation.origin and each.until_size is None]
    verified = {key for key, _ in verify_signatures(rotation.note, [*(each.key for each in in_use), rotation.key])}
    if rotation.key not in verified:
        raise _wrong("possession", "the new key has not signed it")
    replaced = [each for each in in_use if each.key in verified]
    if not replaced:
        raise _wrong("unsigned", f"no key of {quote(rotation.origin)} that is in use has signed it")
    if any(each.from_size > rotation.from_size for each in replaced):
        raise _wrong("size", f"the key it replaces came into use only after {rotation.from_size} leaves")
    kept = (replace(each, until_size=rotation.from_size) if each in replaced else each for each in known)
    return (*kept, LogKey(rotation.key, url=replaced[0].url, from_size=rotation.from_size))


def _wrong(fact: str, problem: str) -> NoteError:
    return NoteError(f"the key rotation does not hold: {problem}", remedy="Do not rely on it", fact=fact)
