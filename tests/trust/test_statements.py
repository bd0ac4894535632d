"""Statements of hotkeys: signed by the real library, and good for one thing only."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import bittensor_core
import pytest
from bittensor_core import Keypair
from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.errors import ConfigurationError, StatementError
from orchestra_tools.model.proposal import PROPOSAL_STATEMENT, VERDICT_STATEMENT
from orchestra_tools.trust.canonical import canonicalise, sha256_hex
from orchestra_tools.trust.statements import MAX_LIFETIME_MS, sign_statement, verify_statement

ALICE, BOB = (Keypair.create_from_uri(uri) for uri in ("//Alice", "//Bob"))
NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
FINNEY = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03"
LEDGER = "ledger.example/log"
NONCE = "00112233445566778899aabbccddeeff"
PAYLOAD: dict[str, Any] = {"slot": "SN13@1907637", "note": "über — 🙂", "list": [1, 2.5, None, {"b": 1, "a": []}]}
Sign = Callable[[bytes], bytes]


class Hotkey:
    """A hotkey that signs in some way of its own."""

    def __init__(self, sign: Sign, ss58_address: str = ALICE.ss58_address) -> None:
        self._sign = sign
        self.ss58_address = ss58_address

    def sign(self, message: bytes) -> bytes:
        return self._sign(message)


def statement(kind: str = PROPOSAL_STATEMENT, *, signer: Any = ALICE, **changes: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "network": FINNEY,
        "ledger": LEDGER,
        "nonce": NONCE,
        "issued_at_ms": NOW_MS - HOUR_MS,
        "expires_at_ms": NOW_MS + HOUR_MS,
        **changes,
    }
    return sign_statement(kind, PAYLOAD, signer=signer, **stated)


def verify(document: Any, kind: str = PROPOSAL_STATEMENT, **changes: Any) -> Any:
    wanted: dict[str, Any] = {"network": FINNEY, "ledger": LEDGER, "now_ms": NOW_MS, **changes}
    return verify_statement(kind, document, **wanted)


def refusal(document: Any, kind: str = PROPOSAL_STATEMENT, **changes: Any) -> str:
    with pytest.raises(StatementError, match="the statement does not hold") as caught:
        verify(document, kind, **changes)
    assert caught.value.remedy
    return str(caught.value.facts["fact"])


GOOD = statement()


def test_what_a_hotkey_signed_holds_and_says_who_and_what() -> None:
    verified = verify(json.loads(json.dumps(GOOD)))
    body = {name: value for name, value in GOOD.items() if name != "signature"}
    assert (verified.hotkey, verified.nonce, verified.body) == (ALICE.ss58_address, NONCE, body)
    assert {name: verified.body[name] for name in PAYLOAD} == PAYLOAD


def test_what_is_signed_is_the_domain_the_kind_and_the_canonical_document() -> None:
    body = {name: value for name, value in GOOD.items() if name != "signature"}
    message = b"subnet-ledger/v1/proposal\n" + canonicalise(body)
    assert bittensor_core.verify(message, bytes.fromhex(GOOD["signature"]), ALICE.ss58_address)
    assert verify(GOOD).digest == sha256_hex(message)


def test_the_digest_is_of_what_was_said_and_not_of_the_signature() -> None:
    again = statement()
    assert again["signature"] != GOOD["signature"]
    assert verify(again).digest == verify(GOOD).digest
    assert verify(statement(nonce="ff" * 16)).digest != verify(GOOD).digest


@pytest.mark.parametrize(
    ("document", "changes", "fact"),
    [
        (GOOD, {"network": "test"}, "network"),
        (GOOD, {"ledger": "other.example/log"}, "ledger"),
        (GOOD, {"now_ms": NOW_MS + HOUR_MS}, "expired"),
        (GOOD, {"now_ms": NOW_MS + 10 * HOUR_MS}, "expired"),
        (GOOD, {"now_ms": NOW_MS - HOUR_MS - 120_001}, "not_yet"),
        (GOOD, {"max_lifetime_ms": 2 * HOUR_MS - 1}, "lifetime"),
        (statement(expires_at_ms=NOW_MS - HOUR_MS + MAX_LIFETIME_MS + 1), {}, "lifetime"),
        (statement(expires_at_ms=NOW_MS - HOUR_MS), {}, "lifetime"),
        (statement(issued_at_ms=NOW_MS + 120_001), {}, "not_yet"),
    ],
)
def test_a_replay_elsewhere_or_at_another_time_is_refused_and_the_error_says_why(
    document: dict[str, Any], changes: dict[str, Any], fact: str
) -> None:
    assert refusal(document, **changes) == fact


def test_a_statement_is_good_until_its_last_millisecond_and_for_a_clock_that_is_a_little_ahead() -> None:
    assert verify(GOOD, now_ms=NOW_MS + HOUR_MS - 1).hotkey == ALICE.ss58_address
    assert verify(GOOD, now_ms=NOW_MS - HOUR_MS - 120_000).hotkey == ALICE.ss58_address
    assert verify(statement(expires_at_ms=NOW_MS - HOUR_MS + MAX_LIFETIME_MS)).hotkey == ALICE.ss58_address


def test_a_statement_of_one_kind_is_none_of_another() -> None:
    assert refusal(GOOD, VERDICT_STATEMENT) == "kind"
    assert refusal(statement(VERDICT_STATEMENT)) == "kind"
    assert refusal(statement("a-kind-of-tomorrow")) == "signature"
    assert verify(statement("a-kind-of-tomorrow"), "a-kind-of-tomorrow").nonce == NONCE
    for kind in ("", "Proposal", "a b", "proposal\n", "../proposal", "x" * 65):
        assert refusal(GOOD, kind) == "kind"
        with pytest.raises(StatementError):
            statement(kind)


# What the library takes, and we do not


def wrap(message: bytes, times: int = 1) -> bytes:
    return b"<Bytes>" * times + message + b"</Bytes>" * times


def test_the_library_takes_a_signature_over_the_wrapped_message_for_the_bare_one() -> None:
    """The reason for our second look; if this fails, the library has changed, and the look can go."""
    message = b"message"
    taken = [
        [
            bittensor_core.verify(wrap(message, shown), ALICE.sign(wrap(message, signed)), ALICE.ss58_address)
            for shown in range(3)
        ]
        for signed in range(3)
    ]
    assert taken == [[True, False, False], [True, True, False], [False, True, True]]


@pytest.mark.parametrize("times", [1, 2])
def test_a_signature_over_a_wrapped_statement_is_refused(times: int) -> None:
    document = statement(signer=Hotkey(lambda message: ALICE.sign(wrap(message, times))))
    assert refusal(document) == "signature"
    if times == 1:
        with pytest.raises(StatementError, match="<Bytes>"):
            verify(document)


def test_the_key_that_signs_anything_signs_nothing_here() -> None:
    everybody = bittensor_core.ss58_encode(bytes(32), 42)
    anything = bytes(63) + b"\x80"
    assert bittensor_core.verify(b"whatever", anything, everybody)
    assert refusal(statement(signer=Hotkey(lambda _: anything, everybody))) == "signature"


def test_one_key_has_one_address() -> None:
    for ss58_format in (0, 2, 13):
        address = bittensor_core.ss58_encode(ALICE.public_key, ss58_format)
        assert bittensor_core.verify(b"m", ALICE.sign(b"m"), address)
        assert refusal(statement(signer=Hotkey(ALICE.sign, address))) == "hotkey"


def test_an_ed25519_key_is_no_hotkey() -> None:
    key = Keypair.create_from_uri("//Alice", crypto_type=bittensor_core.CRYPTO_ED25519)
    assert refusal(statement(signer=Hotkey(key.sign, key.ss58_address))) == "signature"


# What was touched


def test_a_statement_signed_by_somebody_else_is_refused() -> None:
    assert refusal(GOOD | {"hotkey": BOB.ss58_address}) == "signature"
    assert refusal(GOOD | {"signature": statement(signer=BOB)["signature"]}) == "signature"


@pytest.mark.parametrize(
    "changes",
    [
        {"slot": "SN14@1907637"},
        {"list": [1, 2.5, None, {"b": 1, "a": [0]}]},
        {"more": None},
        {"nonce": "ff" * 16},
        {"issued_at_ms": NOW_MS - HOUR_MS + 1},
        {"expires_at_ms": NOW_MS + HOUR_MS + 1},
    ],
)
def test_a_field_that_was_changed_or_added_breaks_the_signature(changes: dict[str, Any]) -> None:
    assert refusal(GOOD | changes) == "signature"


def test_a_payload_field_that_was_dropped_breaks_the_signature() -> None:
    assert refusal({name: value for name, value in GOOD.items() if name != "slot"}) == "signature"


def test_a_rewritten_network_or_ledger_breaks_the_signature() -> None:
    for name in ("network", "ledger"):
        assert refusal(GOOD | {name: "other"}, **{name: "other"}) == "signature"


def test_every_flipped_bit_of_a_signature_is_detected() -> None:
    signature = bytes.fromhex(GOOD["signature"])
    for bit in range(8 * len(signature)):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert refusal(GOOD | {"signature": flipped.hex()}) == "signature"


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(), st.lists))
def test_order_and_spelling_of_a_document_do_not_matter_and_values_do(value: Any) -> None:
    arguments: dict[str, Any] = {"network": "n", "ledger": "l", "nonce": NONCE}
    times = {"issued_at_ms": 0, "expires_at_ms": 1000}
    document = sign_statement("kind", {"value": value, "other": 1.0}, signer=ALICE, **arguments, **times)
    respelled = json.loads(json.dumps(dict(reversed(document.items())), indent=3))
    checks: dict[str, Any] = {"network": "n", "ledger": "l", "now_ms": 1}
    assert verify_statement("kind", respelled, **checks).digest == verify_statement("kind", document, **checks).digest
    with pytest.raises(StatementError):
        verify_statement("kind", document | {"value": [value]}, **checks)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"hotkey": 5}, "format"),
        ({"hotkey": ""}, "hotkey"),
        ({"hotkey": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQ0"}, "hotkey"),
        ({"hotkey": ALICE.ss58_address[:-1] + "X"}, "hotkey"),
        ({"hotkey": "0x" + ALICE.public_key.hex()}, "hotkey"),
        ({"nonce": None}, "format"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": NONCE[:-2]}, "nonce"),
        ({"nonce": NONCE + "0"}, "nonce"),
        ({"nonce": NONCE.upper()}, "nonce"),
        ({"nonce": "00" * 65}, "nonce"),
        ({"network": ""}, "format"),
        ({"network": ["n"]}, "format"),
        ({"ledger": ""}, "format"),
        ({"issued_at_ms": True}, "format"),
        ({"issued_at_ms": float(NOW_MS)}, "format"),
        ({"issued_at_ms": str(NOW_MS)}, "format"),
        ({"issued_at_ms": -1}, "format"),
        ({"expires_at_ms": 2**53}, "format"),
        ({"expires_at_ms": None}, "format"),
        ({"signature": ""}, "signature"),
        ({"signature": GOOD["signature"].upper()}, "signature"),
        ({"signature": GOOD["signature"][:-2]}, "signature"),
        ({"signature": "0x" + GOOD["signature"]}, "signature"),
        ({"signature": bytes(64)}, "format"),
        ({"extra": float("nan")}, "format"),
        ({"extra": 2**53}, "format"),
        ({"extra": "\ud800"}, "format"),
        ({"extra": {1: 2}}, "format"),
        ({"extra": b"bytes"}, "format"),
        ({5: "x"}, "format"),
    ],
)
def test_a_document_that_is_no_statement_is_refused_and_the_error_says_why(changes: dict[Any, Any], fact: str) -> None:
    assert refusal(GOOD | changes) == fact


def test_what_is_missing_is_named() -> None:
    for name in ("network", "ledger", "hotkey", "nonce", "issued_at_ms", "expires_at_ms", "signature"):
        with pytest.raises(StatementError, match=f"it has no {name}"):
            verify({field: value for field, value in GOOD.items() if field != name})
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for document in ([], "text", None, 5):
        assert refusal(document) == "format"
    assert refusal(GOOD | {"deep": deep}) == "format"


def test_a_statement_that_could_not_be_verified_is_not_signed() -> None:
    for changes, fact in [({"nonce": "00"}, "nonce"), ({"ledger": ""}, "format"), ({"issued_at_ms": -1}, "format")]:
        with pytest.raises(StatementError) as caught:
            statement(**changes)
        assert caught.value.facts["fact"] == fact
    with pytest.raises(StatementError, match="a field of its own called nonce"):
        sign_statement(
            "kind", {"nonce": 1}, signer=ALICE, network="n", ledger="l", nonce=NONCE, issued_at_ms=0, expires_at_ms=1
        )


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bittensor_core", None)
    with pytest.raises(ConfigurationError, match=r"pip install \"orchestra-tools\[server\]\""):
        verify(GOOD)
