"""Checkpoints (c2sp.org/tlog-checkpoint): the text of a signed note that says how large a log is, and its root. No I/O.

ledger.example/log
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from orchestra_tools.errors import NoteError
from orchestra_tools.trust.lines import decode_base64, encode_base64, has_control, parse_decimal, quote
from orchestra_tools.trust.merkle import EMPTY_ROOT, HASH_BYTES, is_count


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head of a log: whose, how many leaves, and the root over them. By itself it is not signed."""

    origin: str
    """Identity of the log."""
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines, which nobody but the log vouches for."""

    def __post_init__(self) -> None:
        if not self.origin or has_control(self.origin):
            raise _malformed("origin", "its origin is empty, or more than a line")
        if not is_count(self.size):
            raise _malformed("size", f"{quote(str(self.size))} is no number of leaves")
        if len(self.root) != HASH_BYTES:
            raise _malformed("root", f"its root has {len(self.root)} bytes and must have {HASH_BYTES}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise _malformed("root", "it has the root of some leaves, and no leaves")
        if any(not line or has_control(line) for line in self.extensions):
            raise _malformed("extension", "an extension is empty, or more than a line")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note.

        Raises:
            NoteError: It is no checkpoint; `fact` says why: lines, origin, size, root, extension.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop():
            raise _malformed("lines", "it has an origin, a size and a root, each in a line of its own")
        origin, size, root, *extensions = lines
        return cls(origin, _parse_size(size), _parse_root(root), tuple(extensions))

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def _parse_size(line: str) -> int:
    try:
        return parse_decimal(line)
    except ValueError as error:
        raise _malformed("size", f"its size, {quote(line)}, is {error}") from error


def _parse_root(line: str) -> bytes:
    try:
        return decode_base64(line)
    except ValueError as error:
        raise _malformed("root", f"its root, {quote(line)}, is {error}") from error


def _malformed(fact: str, problem: str) -> NoteError:
    return NoteError(f"the checkpoint does not hold: {problem}", remedy="Do not rely on it", fact=fact)
