"""Cosignatures (c2sp.org/tlog-cosignature): a witness says that it saw a checkpoint, when, and that it is consistent.

    signer = CosignatureSigner.generate("witness.example/w1")
    line = signer.cosign(checkpoint.text, timestamp_s)
    signer.key.verify(checkpoint.text, line)          # -> timestamp_s

Ed25519 (signature type 0x04) is what the witnesses in use speak; ML-DSA-44 (0x06) also stands against quantum
computers, and its message names the witness. Neither vouches for extension lines. No I/O; times are passed in.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestra_tools.errors import ConfigurationError, NoteError
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.keys import VerifierKey, bad_key, join_skey, read_seed, split_skey, verify_ed25519
from orchestra_tools.trust.lines import quote
from orchestra_tools.trust.merkle import is_count
from orchestra_tools.trust.notes import NoteSignature

COSIGNATURE_ED25519: Final = 0x04
COSIGNATURE_ML_DSA_44: Final = 0x06
MAX_NAME_BYTES = 255  # of a witness and of an origin, in the message of ML-DSA-44
_TIMESTAMP = struct.Struct(">Q")
_SUBTREE = b"subtree/v1\n\x00"
_ATTESTATION_DOMAIN = "subnet-ledger/v1/"


@dataclass(frozen=True, slots=True)
class CosignatureKey(VerifierKey):
    """The public key of a witness, and its name."""

    lengths: ClassVar[dict[int, int]] = {COSIGNATURE_ED25519: 32, COSIGNATURE_ML_DSA_44: 1312}

    def holds(self, text: str, blob: bytes) -> bool:
        if len(blob) <= _TIMESTAMP.size:
            return False
        (timestamp,) = _TIMESTAMP.unpack_from(blob)
        return is_count(timestamp) and self._verify(blob[_TIMESTAMP.size :], _message(self, text, timestamp))

    def verify(self, checkpoint_text: str, signature: NoteSignature) -> int:
        """When the witness saw a checkpoint, in seconds since 1970.

        Raises:
            NoteError: The signature is of another key, or wrong, or the text is no checkpoint.
        """
        if (signature.name, signature.key_id) != (self.name, self.key_id):
            raise _wrong("key", f"it is not of {quote(self.name)}")
        if not self.holds(checkpoint_text, signature.blob):
            raise _wrong("signature", f"{quote(self.name)} has not signed this checkpoint at this time")
        return timestamp_of(signature)

    def verify_attestation(self, domain: str, message: bytes, signature: bytes) -> bool:
        """Whether the witness attested to something that is no checkpoint; see `CosignatureSigner.attest`."""
        return self._verify(signature, _attestation(domain, message))

    def _verify(self, signature: bytes, message: bytes) -> bool:
        if self.algorithm == COSIGNATURE_ED25519:
            return verify_ed25519(self.public_key, signature, message)
        try:
            _ml_dsa().MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class CosignatureSigner:
    """The private key of a witness, and its name.

    It signs whatever checkpoint it is given: what a witness may sign is for `witnesses.Witness` to decide.
    """

    def __init__(self, name: str, seed: bytes, *, algorithm: int = COSIGNATURE_ED25519) -> None:
        """Take a key.

        Args:
            name: Name of the witness.
            seed: The private key, 32 bytes for either algorithm.
            algorithm: Signature type.

        Raises:
            NoteError: The name, the length or the algorithm is wrong.
            ConfigurationError: The installed `cryptography` has no ML-DSA.
        """
        self._private = _read_private(seed, algorithm)
        self.key = CosignatureKey.of(name, self._private.public_key().public_bytes_raw(), algorithm=algorithm)

    @classmethod
    def generate(cls, name: str, *, algorithm: int = COSIGNATURE_ED25519) -> Self:
        """A new key."""
        # A seed is 32 random bytes for both.
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw(), algorithm=algorithm)

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Read a signer key, as in `PRIVATE+KEY+witness.example/w1+1a2b3c4d+BA…`.

        Raises:
            NoteError: It is none; the message does not quote it.
        """
        name, key_id, algorithm, seed = split_skey(skey)
        signer = cls(name, seed, algorithm=algorithm)
        if signer.key.key_id != key_id:
            raise bad_key(f"{quote(name)} does not have the ID it names")
        return signer

    @property
    def skey(self) -> str:
        """The private key as text: a secret."""
        return join_skey(self.key, self._private.private_bytes_raw())

    def cosign(self, checkpoint_text: str, timestamp_s: int) -> NoteSignature:
        """Sign a checkpoint.

        Args:
            checkpoint_text: Text of its note.
            timestamp_s: Now, in seconds since 1970.

        Raises:
            NoteError: The text is no checkpoint, or its origin too long for ML-DSA.
        """
        if not is_count(timestamp_s):
            raise _wrong("timestamp", f"{timestamp_s!r} is no time in seconds since 1970")
        signature = self._private.sign(_message(self.key, checkpoint_text, timestamp_s))
        return NoteSignature(self.key.name, self.key.key_id, _TIMESTAMP.pack(timestamp_s) + signature)

    def attest(self, domain: str, message: bytes) -> bytes:
        """Sign something that is no checkpoint, in a domain of its own, so that it can never pass for one."""
        signature: bytes = self._private.sign(_attestation(domain, message))
        return signature

    def __repr__(self) -> str:
        return f"CosignatureSigner({str(self.key)[:80]!r})"


def timestamp_of(signature: NoteSignature) -> int:
    """The time in a cosignature, in seconds since 1970; it counts once the signature was verified."""
    (timestamp,) = _TIMESTAMP.unpack_from(signature.blob)
    return int(timestamp)


def _message(key: CosignatureKey, text: str, timestamp: int) -> bytes:
    checkpoint = Checkpoint.parse(text)
    if key.algorithm == COSIGNATURE_ED25519:
        return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
    # `cosigned_message` of the specification; start is 0 for a checkpoint.
    return b"".join(
        (
            _SUBTREE,
            _short(key.name),
            _TIMESTAMP.pack(timestamp),
            _short(checkpoint.origin),
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


def _short(name: str) -> bytes:
    """`opaque<1..2^8-1>` (RFC 8446, 3.4)."""
    data = name.encode()
    if len(data) > MAX_NAME_BYTES:
        raise _wrong("name", f"{quote(name)} has more than {MAX_NAME_BYTES} bytes, which ML-DSA-44 cannot name")
    return bytes([len(data)]) + data


def _attestation(domain: str, message: bytes) -> bytes:
    return f"{_ATTESTATION_DOMAIN}{domain}\n".encode() + message


def _read_private(seed: bytes, algorithm: int) -> Any:
    ed25519 = read_seed(seed)
    return _ml_dsa().MLDSA44PrivateKey.from_seed_bytes(seed) if algorithm == COSIGNATURE_ML_DSA_44 else ed25519


def _ml_dsa() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError as error:
        raise ConfigurationError(
            "ML-DSA-44 keys need a newer cryptography than is installed",
            remedy='Install it: pip install "cryptography>=50"',
        ) from error
    return mldsa


def _wrong(fact: str, problem: str) -> NoteError:
    return NoteError(f"the cosignature does not hold: {problem}", remedy="Do not rely on it", fact=fact)
