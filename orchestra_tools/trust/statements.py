"""Statements that a hotkey signs (sr25519): proposals, verdicts, certificates. Pure: keys and times are passed in.

What is signed is `subnet-ledger/v1/<kind>`, a newline, and the RFC 8785 form of the document without its signature. So
a statement is good for one kind, one network, one ledger, and until it expires; whoever takes statements remembers
their nonces until then, and a replay is refused.

    document = sign_statement("proposal", {"proposal": …}, signer=hotkey, network=…, ledger=…, nonce=…, …)
    verify_statement("proposal", document, network=…, ledger=…, now_ms=now)

A signature made over `<Bytes>…</Bytes>`, as browser wallets make it, is refused: what somebody signed there as a text
shall not become a statement here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from orchestra_tools.errors import ConfigurationError, StatementError
from orchestra_tools.model.proposal import COMMITMENT_STATEMENT, PROPOSAL_STATEMENT, VERDICT_STATEMENT
from orchestra_tools.trust.canonical import MAX_SAFE, canonicalise, sha256_hex
from orchestra_tools.trust.lines import quote

DOMAIN = "subnet-ledger/v1/"
CERTIFICATE_STATEMENT = "witness-certificate"
KINDS = (COMMITMENT_STATEMENT, PROPOSAL_STATEMENT, VERDICT_STATEMENT, CERTIFICATE_STATEMENT)
"""Kinds in use, so that an error can say which of them was signed. Others are verified just as well."""
MAX_LIFETIME_MS = 7 * 86_400_000
MAX_SKEW_MS = 120_000
SS58_FORMAT = 42  # of Bittensor's addresses
_ENVELOPE = ("network", "ledger", "hotkey", "nonce", "issued_at_ms", "expires_at_ms", "signature")
_TEXTS = ("network", "ledger", "hotkey", "nonce", "signature")
_TIMES = ("issued_at_ms", "expires_at_ms")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,63}")
_NONCE = re.compile(r"(?:[0-9a-f]{2}){16,64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_NO_SIGNATURE = "00" * 64
_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{40,60}")
_INSTALL = 'pip install "orchestra-tools[server]"'


class HotkeySigner(Protocol):
    """Holds a hotkey and signs with it; `bittensor_core.Keypair` is one."""

    @property
    def ss58_address(self) -> str:
        """Its address."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Its sr25519 signature over exactly these bytes."""
        ...


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """A statement that holds.

    Attributes:
        hotkey: Who signed it.
        nonce: What makes it unique for this hotkey, hex.
        digest: SHA-256 of what was signed, hex. An sr25519 signature can be made anew, so it is not in it.
        body: The document without its signature.
    """

    hotkey: str
    nonce: str
    digest: str
    body: Mapping[str, Any]


def sign_statement(
    kind: str,
    payload: Mapping[str, Any],
    *,
    signer: HotkeySigner,
    network: str,
    ledger: str,
    nonce: str,
    issued_at_ms: int,
    expires_at_ms: int,
) -> dict[str, Any]:
    """Make a statement.

    Args:
        kind: What kind it is of.
        payload: What it says.
        signer: The hotkey.
        network: Which chain, as its genesis hash or name.
        ledger: Origin of the log that it is meant for.
        nonce: At least 16 random bytes, hex.
        issued_at_ms: Now.
        expires_at_ms: When it is worth nothing any more.

    Returns:
        The payload's fields, those above, and `signature`.

    Raises:
        StatementError: It could not be verified later on; `fact` says why.
    """
    if taken := sorted(set(_ENVELOPE) & set(payload)):
        raise _broken("format", f"the payload has a field of its own called {taken[0]}")
    body = {
        **payload,
        "network": network,
        "ledger": ledger,
        "hotkey": signer.ss58_address,
        "nonce": nonce,
        "issued_at_ms": issued_at_ms,
        "expires_at_ms": expires_at_ms,
    }
    _check_form({**body, "signature": _NO_SIGNATURE})
    return {**body, "signature": signer.sign(_signed_bytes(kind, body)).hex()}


def verify_statement(
    kind: str,
    document: Mapping[str, Any],
    *,
    network: str,
    ledger: str,
    now_ms: int,
    max_lifetime_ms: int = MAX_LIFETIME_MS,
    max_skew_ms: int = MAX_SKEW_MS,
) -> VerifiedStatement:
    """Check a statement. Whether its nonce was used before is for the store to say.

    Args:
        kind: What kind is wanted.
        document: The statement.
        network: Which chain this is.
        ledger: Origin of the log it has to be meant for.
        now_ms: The time.
        max_lifetime_ms: How long a statement may be good for.
        max_skew_ms: How far the signer's clock may be ahead.

    Raises:
        StatementError: It does not hold. `fact` says why: format, hotkey, nonce, network, ledger, lifetime, not_yet,
            expired, kind, signature.
        ConfigurationError: The extra `[server]` is not installed.
    """
    _check_form(document)
    for fact, wanted in (("network", network), ("ledger", ledger)):
        if document[fact] != wanted:
            raise _broken(fact, f"it is meant for the {fact} {quote(document[fact])}, and this is {quote(wanted)}")
    issued_at_ms, expires_at_ms = document["issued_at_ms"], document["expires_at_ms"]
    if not 0 < expires_at_ms - issued_at_ms <= max_lifetime_ms:
        raise _broken("lifetime", f"it has to expire within {max_lifetime_ms:,} ms after it was issued")
    if issued_at_ms > now_ms + max_skew_ms:
        raise _broken("not_yet", f"it was issued {issued_at_ms - now_ms:,} ms from now: check the signer's clock")
    if expires_at_ms <= now_ms:
        raise _broken("expired", f"it expired {now_ms - expires_at_ms:,} ms ago")
    body = {name: value for name, value in document.items() if name != "signature"}
    message = _signed_bytes(kind, body)
    _check_signature(kind, body, message, bytes.fromhex(document["signature"]))
    return VerifiedStatement(document["hotkey"], document["nonce"], sha256_hex(message), body)


def _check_form(document: Any) -> None:
    if not isinstance(document, Mapping):
        raise _broken("format", "it is no JSON object")
    for name in _ENVELOPE:
        if name not in document:
            raise _broken("format", f"it has no {name}")
    for name in _TEXTS:
        if not isinstance(document[name], str):
            raise _broken("format", f"/{name} is no text")
    for name in _TIMES:
        if type(document[name]) is not int or not 0 <= document[name] <= MAX_SAFE:
            raise _broken("format", f"/{name} is no time in milliseconds since 1970")
    if not document["network"] or not document["ledger"]:
        raise _broken("format", "/network and /ledger may not be empty")
    if not _ADDRESS.fullmatch(document["hotkey"]):
        raise _broken("hotkey", "/hotkey is no ss58 address")
    if not _NONCE.fullmatch(document["nonce"]):
        raise _broken("nonce", "/nonce is not 16 to 64 bytes in lower-case hex")
    if not _SIGNATURE.fullmatch(document["signature"]):
        raise _broken("signature", "/signature is not 64 bytes in lower-case hex")


def _signed_bytes(kind: str, body: Mapping[str, Any]) -> bytes:
    if not _KIND.fullmatch(kind):
        raise _broken("kind", f"{quote(kind)} is no kind of statement")
    try:
        return f"{DOMAIN}{kind}\n".encode() + canonicalise(dict(body))
    except ValueError as error:
        raise _broken("format", f"it has no canonical form: {str(error)[:200]}") from error


def _check_signature(kind: str, body: Mapping[str, Any], message: bytes, signature: bytes) -> None:
    hotkey: str = body["hotkey"]
    core = _bittensor_core()
    _check_address(core, hotkey)
    verify: Callable[[bytes, bytes, str], bool] = core.verify
    if not verify(message, signature, hotkey):
        for other in KINDS:
            if other != kind and verify(_signed_bytes(other, body), signature, hotkey):
                raise _broken("kind", f"it was signed as a {other}, not as a {kind}")
        raise _broken("signature", f"it is not signed by {hotkey}, or was changed since")
    # The library also takes a signature made over <Bytes>message</Bytes>. One that was made over the message itself
    # does not hold for the wrapped message; a signature that holds for both is of a key that signs anything.
    if verify(b"<Bytes>" + message + b"</Bytes>", signature, hotkey):
        raise _broken("signature", "it was signed wrapped in <Bytes>, as a text: sign the bytes themselves")


def _check_address(core: Any, hotkey: str) -> None:
    # One key has an address in every format, and shall not count as several signers.
    try:
        canonical = core.ss58_encode(core.ss58_decode(hotkey), SS58_FORMAT)
    except ValueError as error:
        raise _broken("hotkey", "/hotkey is no ss58 address") from error
    if canonical != hotkey:
        raise _broken("hotkey", f"/hotkey is an address of another chain; on Bittensor it is {canonical}")


def _bittensor_core() -> Any:
    try:
        import bittensor_core  # type: ignore[import-untyped]  # it has no type information
    except ImportError as error:
        raise ConfigurationError(
            "statements of hotkeys need bittensor-core, which is not installed", remedy=f"Install it: {_INSTALL}"
        ) from error
    return bittensor_core


def _broken(fact: str, problem: str) -> StatementError:
    return StatementError(f"the statement does not hold: {problem}", remedy="Ask its signer for a new one", fact=fact)
