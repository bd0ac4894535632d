"""Signed notes (c2sp.org/signed-note): text, and lines with signatures over it. No I/O.

    note = sign_note("ledger.example/log\\n3\\n…\\n", [signer])
    opened = open_note(note.encode(), [VerifierKey.parse("ledger.example/log+1a2b3c4d+AQ…")])
    opened.note.text

The text counts for nothing until a key that is pinned has signed it. Signatures of unknown keys are ignored, also where
they share their name or their key ID with a known one; a wrong signature of a known key spoils the whole note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestra_tools.errors import NoteError
from orchestra_tools.trust.keys import (
    ED25519,
    KEY_ID_BYTES,
    VerifierKey,
    bad_key,
    is_key_name,
    join_skey,
    read_seed,
    split_skey,
)
from orchestra_tools.trust.lines import decode_base64, encode_base64, quote

__all__ = [
    "Note",
    "NoteSignature",
    "NoteSigner",
    "OpenedNote",
    "TextSigner",
    "VerifierKey",
    "open_note",
    "sign_note",
    "verify_signatures",
]

MAX_NOTE_BYTES = 1_000_000  # as Go's note.Open
MAX_SIGNATURES = 100  # as Go's note.Open; the specification asks for at least 16
_DASH = "— "  # em dash, space
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who signed, and what came of it. It is not verified."""

    name: str
    key_id: bytes
    blob: bytes
    """The signature, in the form of its algorithm."""

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise _malformed("signature_line", f"{quote(self.name)} is no name of a key")
        if len(self.key_id) != KEY_ID_BYTES or not self.blob:
            raise _malformed("signature_line", "a signature has a key ID of 4 bytes and at least one more")

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line, without its newline.

        Raises:
            NoteError: It is no signature line.
        """
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise _malformed("signature_line", f"{quote(line)} is no signature: em dash, name, base64, with one space")
        try:
            data = decode_base64(encoded)
        except ValueError as error:
            raise _malformed("signature_line", f"the signature of {quote(name)} is {error}") from error
        return cls(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])

    def __str__(self) -> str:
        """The line, without its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.blob)}"


class TextSigner(Protocol):
    """Signs the text of a note. It holds the key, or knows who does."""

    def sign(self, text: str) -> NoteSignature:
        """Signature over a text that ends with a newline."""
        ...


class NoteSigner:
    """An Ed25519 private key that signs notes, and its name."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take a key.

        Args:
            name: Name of the key.
            seed: The private key, 32 bytes.

        Raises:
            NoteError: The name or the length is wrong.
        """
        self._private = read_seed(seed)
        self.key = VerifierKey.of(name, self._private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Read a signer key, as in `PRIVATE+KEY+example.com/log+1a2b3c4d+AQ…`.

        Raises:
            NoteError: It is none; the message does not quote it.
        """
        name, key_id, algorithm, seed = split_skey(skey)
        if algorithm != ED25519:
            raise bad_key(f"{quote(name)} is no private key for Ed25519 notes")
        signer = cls(name, seed)
        if signer.key.key_id != key_id:
            raise bad_key(f"{quote(name)} does not have the ID it names")
        return signer

    @property
    def skey(self) -> str:
        """The private key as text: a secret."""
        return join_skey(self.key, self._private.private_bytes_raw())

    def sign(self, text: str) -> NoteSignature:
        """Signature over a text.

        Raises:
            NoteError: It cannot be the text of a note.
        """
        _check_text(text)
        return NoteSignature(self.key.name, self.key.key_id, self._private.sign(text.encode()))

    def __repr__(self) -> str:
        return f"NoteSigner({str(self.key)!r})"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures that stand under it. They are not verified."""

    text: str
    """It ends with a newline."""
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        _check_text(self.text)
        if not self.signatures:
            raise _malformed("signatures", "no signature stands under the text")
        if len(self.signatures) > MAX_SIGNATURES:
            raise _malformed(
                "signature_count", f"it has {len(self.signatures)} signatures, and may have {MAX_SIGNATURES}"
            )

    @classmethod
    def parse(cls, data: bytes | str) -> Self:
        """Read a note.

        Raises:
            NoteError: It is none; `fact` says why: size, encoding, control, newline, signatures, signature_count,
                signature_line, text.
        """
        message = _decode(data)
        _check_characters(message)
        text, blank, lines = message.rpartition("\n\n")
        if not blank or not lines:
            raise _malformed("signatures", "no signatures stand after a blank line under the text")
        if not lines.endswith("\n"):
            raise _malformed("newline", "its last line does not end with a newline")
        if lines.count("\n") > MAX_SIGNATURES:
            raise _malformed(
                "signature_count", f"it has {lines.count(chr(10))} signatures, and may have {MAX_SIGNATURES}"
            )
        return cls(text + "\n", tuple(NoteSignature.parse(line) for line in lines[:-1].split("\n")))

    def __str__(self) -> str:
        return f"{self.text}\n" + "".join(f"{each}\n" for each in self.signatures)

    def encode(self) -> bytes:
        """Its bytes."""
        return str(self).encode()


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note that a known key signed.

    Attributes:
        note: The note.
        verified: The known keys that signed it, in the order of their lines.
    """

    note: Note
    verified: tuple[VerifierKey, ...]


_Key = TypeVar("_Key", bound=VerifierKey)


def sign_note(text: str, signers: Sequence[TextSigner]) -> Note:
    """Sign a text.

    Args:
        text: It ends with a newline.
        signers: Who signs, in this order.

    Raises:
        NoteError: It cannot be the text of a note, or nobody signs it.
    """
    return Note(text, tuple(signer.sign(text) for signer in signers))


def open_note(data: bytes | str | Note, keys: Iterable[VerifierKey]) -> OpenedNote:
    """Read a note and verify it.

    Args:
        data: The note.
        keys: The keys that are known.

    Raises:
        NoteError: It is malformed, no known key signed it (`fact` unsigned), or the signature of a known key is
            wrong (`fact` signature).
    """
    note = data if isinstance(data, Note) else Note.parse(data)
    known = tuple(keys)
    verified = tuple(dict.fromkeys(key for key, _ in verify_signatures(note, known)))
    if not verified:
        raise NoteError(
            "the note does not hold: none of the known keys has signed it",
            remedy="Check which keys are pinned, and where the note comes from",
            fact="unsigned",
            known=[f"{key.name}+{key.key_id.hex()}" for key in known],
            signed_by=[f"{each.name}+{each.key_id.hex()}" for each in note.signatures],
        )
    return OpenedNote(note, verified)


def verify_signatures(note: Note, keys: Iterable[_Key]) -> tuple[tuple[_Key, NoteSignature], ...]:
    """The signatures of known keys, every one of which holds; others are left out.

    Raises:
        NoteError: One of a known key does not hold.
    """
    known = {(key.name, key.key_id): key for key in keys}
    verified: dict[tuple[_Key, NoteSignature], None] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None or (key, signature) in verified:
            continue
        if not key.holds(note.text, signature.blob):
            raise NoteError(
                f"the note does not hold: the signature of {quote(key.name)} is wrong",
                remedy="Do not rely on it: the text or the signature was changed",
                fact="signature",
                key=f"{key.name}+{key.key_id.hex()}",
            )
        verified[key, signature] = None
    return tuple(verified)


def _decode(data: bytes | str) -> str:
    # A character has at least a byte: what is too long already is not encoded first.
    encoded = data if isinstance(data, bytes) else data[: MAX_NOTE_BYTES + 1].encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_NOTE_BYTES:
        raise _malformed("size", f"it has more than {MAX_NOTE_BYTES:,} bytes")
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("encoding", f"it is not UTF-8 at byte {error.start}") from error


def _check_characters(text: str) -> None:
    if (control := _CONTROL.search(text)) is not None:
        line = text.count("\n", 0, control.start()) + 1
        raise _malformed("control", f"line {line} has the control character {control[0]!r} in it")


def _check_text(text: str) -> None:
    _check_characters(text)
    if not text.endswith("\n"):
        raise _malformed("text", "its text does not end with a newline")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise _malformed("encoding", f"its text has no UTF-8 form at character {error.start}") from error
    if size > MAX_NOTE_BYTES:
        raise _malformed("size", f"its text has more than {MAX_NOTE_BYTES:,} bytes")


def _malformed(fact: str, problem: str) -> NoteError:
    return NoteError(f"the note does not hold: {problem}", remedy="Do not rely on it", fact=fact)
