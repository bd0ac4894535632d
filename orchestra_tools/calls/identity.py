"""The caller's signing key: Ed25519, made on first use, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestra_tools.errors import ConfigurationError


class Identity:
    """Signs receipts. Implements `trust.Signer`."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key: str = key.public_key().public_bytes_raw().hex()

    @classmethod
    def generate(cls) -> Identity:
        """A key that lives as long as the process."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> Identity:
        """The key in a file, which is made when absent.

        Raises:
            ConfigurationError: The file cannot be read or made, or is no Ed25519 key.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return cls._read(path) if path.exists() else cls._create(path)
        except OSError as error:
            raise ConfigurationError(
                f"the signing key {path} cannot be used: {error.strerror}",
                remedy="Set ORCHESTRA_HOME to a folder you can write to",
            ) from error

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature of a message (RFC 8032)."""
        return self._key.sign(message)

    @classmethod
    def _read(cls, path: Path) -> Identity:
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{path} is no key", remedy="Remove it; a new one is made") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigurationError(f"{path} is no Ed25519 key", remedy="Remove it; a new one is made")
        return cls(key)

    @classmethod
    def _create(cls, path: Path) -> Identity:
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        try:
            # Linking fails where another process was first: then its key is everybody's.
            os.link(draft, path)
        except FileExistsError:
            return cls._read(path)
        finally:
            draft.unlink()
        return cls(key)
