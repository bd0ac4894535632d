"""Receipts: making, signing, verifying. Pure: keys and times are passed in.

What a receipt proves: that the holder of the key recorded this exchange, and that nobody changed the record since. What
it does not prove: that the subnet sent that answer. Nobody but the caller has signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from orchestra_tools.errors import ReceiptError
from orchestra_tools.model import Receipt, faults_of
from orchestra_tools.model.receipt import RECEIPT_FORMAT
from orchestra_tools.trust.canonical import CanonicalForm, canonicalise, canonicalise_any, sha256_hex

REQUEST_DOMAIN = "orchestra/request/v1"
_KEY = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")


class Signer(Protocol):
    """Holds a private key and signs with it."""

    @property
    def public_key(self) -> str:
        """Ed25519 public key, hex."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature of a message (RFC 8032)."""
        ...


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """What a verified receipt proves, and what it does not."""

    receipt: Receipt
    proven: tuple[str, ...]
    not_proven: tuple[str, ...]


def digest_request(
    *, tool: str, tool_digest: str, entry_version: str, arguments: Mapping[str, Any]
) -> tuple[CanonicalForm, str]:
    """Digest of what was asked: the canonical form it is over, and SHA-256 (hex) in the domain `REQUEST_DOMAIN`."""
    envelope = {"tool": tool, "tool_digest": tool_digest, "entry_version": entry_version, "arguments": dict(arguments)}
    form, data = canonicalise_any(envelope)
    return form, sha256_hex(data, domain=REQUEST_DOMAIN)


def sign_receipt(receipt: Receipt, signer: Signer) -> Receipt:
    """The receipt with its id and signature filled in."""
    body = _signed_body(receipt) | {"public_key": signer.public_key, "id": ""}
    body["id"] = sha256_hex(_signed_bytes(body))[:32]
    signature = signer.sign(_signed_bytes(body)).hex()
    return receipt.model_copy(update={"public_key": signer.public_key, "id": body["id"], "signature": signature})


def verify_receipt(
    document: Mapping[str, Any],
    *,
    trusted_keys: frozenset[str] | None = None,
    body: bytes | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> ReceiptReport:
    """Check a receipt offline.

    Args:
        document: The receipt's JSON.
        trusted_keys: Public keys (hex) whose holder is known; None leaves the signer's identity unproven.
        body: Raw body of the answer, to be held against its digest.
        arguments: Arguments of the call, after defaults, to be held against the request digest.

    Raises:
        ReceiptError: Something does not hold; `fact` says what.
    """
    try:
        receipt = Receipt.model_validate(dict(document))
    except ValidationError as error:
        raise _broken("format", "; ".join(map(str, faults_of(error)))[:500]) from error
    if receipt.format != RECEIPT_FORMAT:
        raise _broken("format", f"this version reads {RECEIPT_FORMAT}")
    _check_spelling(receipt, document)
    _check_signature(receipt)
    if receipt.id != sha256_hex(_signed_bytes(_signed_body(receipt) | {"id": ""}))[:32]:
        raise _broken("id", "the id is not the digest of the receipt")
    if receipt.ended_at_ms < receipt.started_at_ms:
        raise _broken("times", "it ended before it started")
    if trusted_keys is not None and receipt.public_key not in trusted_keys:
        raise _broken("signer", f"signed by {receipt.public_key[:16]}…, which is not a trusted key")
    return ReceiptReport(receipt, *_weigh(receipt, trusted_keys, body, arguments))


def _check_spelling(receipt: Receipt, document: Mapping[str, Any]) -> None:
    """Check that the document says just what was read from it: reading fills in and converts, a signature does not."""
    try:
        exact = canonicalise(dict(document)) == canonicalise(receipt.to_json())
    except ValueError as error:
        raise _broken("format", f"not canonical JSON: {str(error)[:120]}") from error
    if not exact:
        raise _broken("format", "a field is missing, or not spelled as it was signed")


def _check_signature(receipt: Receipt) -> None:
    if not (_KEY.fullmatch(receipt.public_key) and _SIGNATURE.fullmatch(receipt.signature)):
        raise _broken("signature", "the key or the signature is not hex of the right length")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(receipt.public_key))
        key.verify(bytes.fromhex(receipt.signature), _signed_bytes(_signed_body(receipt)))
    except InvalidSignature:
        raise _broken("signature", "it was not signed by its key, or it was changed since") from None


def _weigh(
    receipt: Receipt,
    trusted_keys: frozenset[str] | None,
    body: bytes | None,
    arguments: Mapping[str, Any] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    proven = [f"the holder of key {receipt.public_key[:16]}… signed this record, and nobody changed it since"]
    missing = [
        "that the subnet sent this answer: only the caller signed (caller-attested)",
        "when it happened: the caller's clock",
    ]
    if trusted_keys is None:
        missing.append("who holds the key: give the trusted key to check it")
    else:
        proven.append("the key is one you trust")
    if receipt.sandbox:
        missing.append("anything about the real subnet: the call went to a sandbox")
    if receipt.response is None:
        if body is not None:
            raise _broken("body", "the call got no answer, so this is not its body")
        missing.append("any answer: the call got none")
    elif body is None:
        missing.append("what the answer was: give its body to hold it against the digest")
    elif sha256_hex(body) != receipt.response.body_sha256:
        raise _broken("body", "the body is not the one recorded")
    else:
        proven.append("the body given is the one recorded")
    if arguments is None:
        missing.append("what was asked: give the arguments to hold them against the digest")
    else:
        _, digest = digest_request(
            tool=receipt.tool,
            tool_digest=receipt.tool_digest,
            entry_version=receipt.entry_version,
            arguments=arguments,
        )
        if digest != receipt.request.sha256:
            raise _broken("arguments", "the arguments are not the ones recorded")
        proven.append("the arguments given are the ones recorded")
    return tuple(proven), tuple(missing)


def _signed_body(receipt: Receipt) -> dict[str, Any]:
    return receipt.model_dump(mode="json", by_alias=True, exclude={"signature"})


def _signed_bytes(body: Mapping[str, Any]) -> bytes:
    return f"{RECEIPT_FORMAT}\n".encode() + canonicalise(body)


def _broken(fact: str, problem: str) -> ReceiptError:
    return ReceiptError(f"the receipt does not hold: {problem}", remedy="Do not rely on it", fact=fact)
