"""Canonical bytes, and domain-separated digests and signatures over them."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

import rfc8785

CanonicalForm = Literal["jcs", "json"]


def canonicalise(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value.

    Raises:
        ValueError: It is not I-JSON (RFC 7493): an integer beyond 2^53, NaN, a lone surrogate.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error
    except RecursionError:
        raise ValueError("nested too deeply") from None


def canonicalise_any(value: Any) -> tuple[CanonicalForm, bytes]:
    """The RFC 8785 form, or where a number is outside I-JSON, sorted compact JSON; and which one it is."""
    try:
        return "jcs", canonicalise(value)
    except ValueError:
        return "json", json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def sha256_hex(data: bytes, *, domain: str = "") -> str:
    """SHA-256, over `domain`, a newline and the data where a domain is given."""
    return hashlib.sha256(f"{domain}\n".encode() + data if domain else data).hexdigest()
