"""Certificates: a validator's hotkey says which witness key is its own, and the witness key says whose it is. No I/O.

The chain says who is a validator, so with these the chain is the directory of witness keys. Both sign: otherwise a
validator could claim the key of another, and its cosignatures with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_tools.errors import NoteError, StatementError
from orchestra_tools.trust.canonical import canonicalise
from orchestra_tools.trust.cosignatures import CosignatureKey, CosignatureSigner
from orchestra_tools.trust.lines import decode_base64, encode_base64
from orchestra_tools.trust.statements import CERTIFICATE_STATEMENT, HotkeySigner, sign_statement, verify_statement

MAX_CERTIFICATE_LIFETIME_MS = 400 * 86_400_000
_POSSESSION = "witness-possession"


@dataclass(frozen=True, slots=True)
class CertifiedWitness:
    """A witness key and the hotkey whose it is.

    Attributes:
        hotkey: ss58 address of the validator.
        key: The witness key.
        nonce: Nonce of the certificate, hex.
        digest: Digest of the certificate, hex.
        expires_at_ms: Until when it is good.
    """

    hotkey: str
    key: CosignatureKey
    nonce: str
    digest: str
    expires_at_ms: int


def certify_witness(
    witness: CosignatureSigner,
    *,
    signer: HotkeySigner,
    network: str,
    ledger: str,
    nonce: str,
    issued_at_ms: int,
    expires_at_ms: int,
) -> dict[str, Any]:
    """Certify a witness key; the arguments are those of `sign_statement`.

    Raises:
        StatementError: It could not be verified later on; `fact` says why.
    """
    vkey = str(witness.key)
    possession = witness.attest(_POSSESSION, _claim(vkey, signer.ss58_address, network=network, ledger=ledger))
    return sign_statement(
        CERTIFICATE_STATEMENT,
        {"witness_vkey": vkey, "witness_signature": encode_base64(possession)},
        signer=signer,
        network=network,
        ledger=ledger,
        nonce=nonce,
        issued_at_ms=issued_at_ms,
        expires_at_ms=expires_at_ms,
    )


def verify_certificate(
    document: Mapping[str, Any],
    *,
    network: str,
    ledger: str,
    now_ms: int,
    max_lifetime_ms: int = MAX_CERTIFICATE_LIFETIME_MS,
) -> CertifiedWitness:
    """Check a certificate. Whether its hotkey is a validator is for the chain to say.

    Raises:
        StatementError: It does not hold. `fact` says why: witness_vkey, witness_signature, or what
            `verify_statement` has.
        ConfigurationError: The extra `[server]` is not installed.
    """
    statement = verify_statement(
        CERTIFICATE_STATEMENT,
        document,
        network=network,
        ledger=ledger,
        now_ms=now_ms,
        max_lifetime_ms=max_lifetime_ms,
    )
    vkey, possession = (_text(statement.body, name) for name in ("witness_vkey", "witness_signature"))
    try:
        key = CosignatureKey.parse(vkey)
    except NoteError as error:
        raise _broken("witness_vkey", error.problem) from error
    try:
        signature = decode_base64(possession)
    except ValueError as error:
        raise _broken("witness_signature", f"/witness_signature is {error}") from error
    claim = _claim(vkey, statement.hotkey, network=network, ledger=ledger)
    if not key.verify_attestation(_POSSESSION, claim, signature):
        raise _broken("witness_signature", f"the witness key has not signed that it is of {statement.hotkey}")
    return CertifiedWitness(
        statement.hotkey, key, statement.nonce, statement.digest, int(statement.body["expires_at_ms"])
    )


def _claim(vkey: str, hotkey: str, *, network: str, ledger: str) -> bytes:
    return canonicalise({"witness_vkey": vkey, "hotkey": hotkey, "network": network, "ledger": ledger})


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise _broken(name, f"/{name} is no text")
    return value


def _broken(fact: str, problem: str) -> StatementError:
    return StatementError(
        f"the certificate does not hold: {problem}", remedy="Ask its validator for a new one", fact=fact
    )
