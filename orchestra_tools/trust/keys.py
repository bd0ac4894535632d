"""Keys of signed notes (c2sp.org/signed-note): their names, their IDs, and the one spelling each has. No I/O.

    example.com/log+1a2b3c4d+AQ…                     a verifier key: name, ID, base64 of algorithm and public key
    PRIVATE+KEY+example.com/log+1a2b3c4d+AQ…         a signer key, with the private key: a secret

Other key forms, and keys that anybody can sign for, are refused. No error quotes what was read: it may be a secret.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from orchestra_tools.errors import NoteError
from orchestra_tools.trust.lines import decode_base64, encode_base64, has_control, quote

ED25519 = 0x01
KEY_ID_BYTES = 4
_SEED_BYTES = 32
_PRIVATE = "PRIVATE+KEY+"
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_PRIME = 2**255 - 19
_ORDER_8_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_WEAK_Y = {0, 1, _PRIME - 1, _ORDER_8_Y, _PRIME - _ORDER_8_Y, _PRIME, _PRIME + 1}
"""Of the points of edwards25519 (RFC 7748, 4.1) whose order divides 8; the last two are encodings not reduced."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key that signs notes with Ed25519, and its name."""

    name: str
    key_id: bytes
    algorithm: int
    """Signature type of the specification; `ED25519`, for this class."""
    public_key: bytes

    lengths: ClassVar[dict[int, int]] = {ED25519: 32}
    """Bytes of a public key, by the algorithms this class verifies."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        length = self.lengths.get(self.algorithm)
        if length is None:
            raise bad_key(
                f"that of {quote(self.name)} has the signature type {self.algorithm:#04x}, which has no use here"
            )
        if len(self.public_key) != length:
            raise bad_key(f"that of {quote(self.name)} has {len(self.public_key)} bytes and must have {length}")
        if length == _SEED_BYTES and is_weak_key(self.public_key):
            raise bad_key(f"that of {quote(self.name)} is a point of small order: anybody can sign for it")
        if self.key_id != key_id_of(self.name, self.algorithm, self.public_key):
            raise bad_key(f"that of {quote(self.name)} does not have the ID {self.key_id.hex()}")

    @classmethod
    def of(cls, name: str, public_key: bytes, *, algorithm: int = ED25519) -> Self:
        """A key by its name and bytes.

        Raises:
            NoteError: There is no such key.
        """
        _check_name(name)
        return cls(name, key_id_of(name, algorithm, public_key), algorithm, public_key)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key, as in `example.com/log+1a2b3c4d+AQ…`.

        Raises:
            NoteError: It is none, or of an algorithm that has no use here.
        """
        name, key_id, algorithm, public_key = _split_key(text)
        return cls(name, key_id, algorithm, public_key)

    def __str__(self) -> str:
        """The verifier key as text."""
        return _join_key(self.name, self.key_id, bytes([self.algorithm]) + self.public_key)

    def holds(self, text: str, blob: bytes) -> bool:
        """Whether `blob` is a signature of this key over a text."""
        return verify_ed25519(self.public_key, blob, text.encode())


def key_id_of(name: str, algorithm: int, public_key: bytes) -> bytes:
    """The ID that goes with a key."""
    return hashlib.sha256(f"{name}\n".encode() + bytes([algorithm]) + public_key).digest()[:KEY_ID_BYTES]


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature holds (RFC 8032)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_weak_key(public_key: bytes) -> bool:
    """Whether an Ed25519 key is a point of small order, so that one signature holds for many messages."""
    return int.from_bytes(public_key, "little") & (2**255 - 1) in _WEAK_Y


def read_seed(seed: bytes) -> Ed25519PrivateKey:
    """An Ed25519 private key by its 32 bytes.

    Raises:
        NoteError: They are not 32.
    """
    if len(seed) != _SEED_BYTES:
        raise bad_key(f"a private key of {len(seed)} bytes is none: it has {_SEED_BYTES}")
    return Ed25519PrivateKey.from_private_bytes(seed)


def split_skey(skey: str) -> tuple[str, bytes, int, bytes]:
    """Name, key ID, algorithm and seed of a signer key.

    Raises:
        NoteError: It is none; the message does not quote it.
    """
    if not skey.startswith(_PRIVATE):
        raise bad_key(f"it is no private key: those begin with {_PRIVATE}")
    try:
        return _split_key(skey.removeprefix(_PRIVATE))
    except NoteError:
        # Not chained: the cause may quote the secret.
        raise bad_key("the private key is not spelled as PRIVATE+KEY+name+ID+base64") from None


def join_skey(key: VerifierKey, seed: bytes) -> str:
    """A signer key as text: a secret."""
    return _PRIVATE + _join_key(key.name, key.key_id, bytes([key.algorithm]) + seed)


def _split_key(text: str) -> tuple[str, bytes, int, bytes]:
    if text.startswith(_PRIVATE):
        raise bad_key("it is a private key, and a public one belongs here")
    # Base64 may hold a plus, a name may not.
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise bad_key("it is not spelled as name+ID+base64")
    name, spelled_id, encoded = parts
    try:
        data = decode_base64(encoded)
    except ValueError as error:
        raise bad_key(f"its last part is {error}") from None
    if not _KEY_ID.fullmatch(spelled_id) or not data:
        raise bad_key("it is not spelled as name+ID+base64, with an ID of 8 hexadecimal digits in lower case")
    key_id = bytes.fromhex(spelled_id)
    _check_name(name)
    return name, key_id, data[0], data[1:]


def _join_key(name: str, key_id: bytes, data: bytes) -> str:
    return f"{name}+{key_id.hex()}+{encode_base64(data)}"


def is_key_name(name: str) -> bool:
    """Whether something may be the name of a key."""
    if not name or "+" in name or any(map(str.isspace, name)) or has_control(name):
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def bad_key(problem: str) -> NoteError:
    """The error of a key that cannot be used."""
    return NoteError(
        f"the key cannot be used: {problem}", remedy="Copy the key again from where it was published", fact="key"
    )


def _check_name(name: str) -> None:
    if not is_key_name(name):
        raise bad_key(f"{quote(name)} is no name: it is not empty, and has neither space nor plus")
