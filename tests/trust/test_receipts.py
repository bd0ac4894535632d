"""Receipts: what was signed holds, what was touched does not, and the report says what is proven."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import ReceiptError
from orchestra_tools.model import Outcome, Receipt, RequestDigest, ResponseDigest
from orchestra_tools.trust import ReceiptReport, digest_request, sha256_hex, sign_receipt, verify_receipt

ARGUMENTS = {"query": "tao", "limit": 10}
BODY = b'{"results": []}'


class Key:
    """A signer with a key of its own."""

    def __init__(self, seed: int) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    @property
    def public_key(self) -> str:
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


MINE, THEIRS = Key(1), Key(2)


def draft(arguments: dict[str, Any] | None = None, **fields: Any) -> Receipt:
    given_arguments = ARGUMENTS if arguments is None else arguments
    form, digest = digest_request(
        tool="sn22_web", tool_digest="d" * 64, entry_version="1.0.0", arguments=given_arguments
    )
    stated: dict[str, Any] = {
        "id": "",
        "tool": "sn22_web",
        "tool_digest": "d" * 64,
        "slot": "SN22@5",
        "operation": "web",
        "entry_version": "1.0.0",
        "request": RequestDigest(method="GET", url="https://api.example/web", form=form, sha256=digest),
        "response": ResponseDigest(
            status=200, media_type="application/json", bytes=len(BODY), body_sha256=sha256_hex(BODY)
        ),
        "schema_verdict": "valid",
        "outcome": Outcome.OK,
        "started_at_ms": 1000,
        "ended_at_ms": 1200,
        "attempts": 1,
        "cost": Decimal("0.002"),
        "currency": "USD",
        "sandbox": False,
        "public_key": "",
        **fields,
    }
    return Receipt(**stated)


def document(receipt: Receipt) -> dict[str, Any]:
    """The JSON of a receipt, as it is stored and sent."""
    read: dict[str, Any] = json.loads(receipt.model_dump_json(by_alias=True))
    return read


GOOD = document(sign_receipt(draft(), MINE))


def broken(receipt: dict[str, Any], **checks: Any) -> str:
    """Which part does not hold."""
    with pytest.raises(ReceiptError, match="the receipt does not hold") as caught:
        verify_receipt(receipt, **checks)
    assert caught.value.remedy == "Do not rely on it"
    return str(caught.value.facts["fact"])


def test_what_was_signed_holds_and_the_report_says_what_is_proven() -> None:
    report = verify_receipt(GOOD, trusted_keys=frozenset({MINE.public_key}), body=BODY, arguments=ARGUMENTS)
    assert report == ReceiptReport(
        Receipt.model_validate(GOOD),
        proven=(
            f"the holder of key {MINE.public_key[:16]}… signed this record, and nobody changed it since",
            "the key is one you trust",
            "the body given is the one recorded",
            "the arguments given are the ones recorded",
        ),
        not_proven=(
            "that the subnet sent this answer: only the caller signed (caller-attested)",
            "when it happened: the caller's clock",
        ),
    )


def test_what_was_not_given_is_not_proven() -> None:
    report = verify_receipt(GOOD)
    assert len(report.proven) == 1
    assert [each.split(":")[0] for each in report.not_proven] == [
        "that the subnet sent this answer",
        "when it happened",
        "who holds the key",
        "what the answer was",
        "what was asked",
    ]


def test_a_receipt_of_a_sandbox_proves_nothing_of_the_subnet() -> None:
    report = verify_receipt(document(sign_receipt(draft(sandbox=True), MINE)))
    assert "anything about the real subnet: the call went to a sandbox" in report.not_proven


def test_a_receipt_without_an_answer_says_so_and_fits_no_body() -> None:
    unanswered = document(sign_receipt(draft(response=None, outcome=Outcome.TIMEOUT), MINE))
    assert "any answer: the call got none" in verify_receipt(unanswered).not_proven
    assert broken(unanswered, body=b"") == "body"


def test_the_id_is_the_digest_of_the_content() -> None:
    one, two = sign_receipt(draft(), MINE), sign_receipt(draft(ended_at_ms=1201), MINE)
    assert one.id != two.id
    assert one.id == GOOD["id"]
    assert len(one.id) == 32


def _leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [path]
    return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*path, key))]


def _changed(path: tuple[str, ...], change: Any) -> dict[str, Any]:
    """GOOD with one field changed; a change of None removes it."""
    copy: dict[str, Any] = json.loads(json.dumps(GOOD))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if change is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = change(inner[path[-1]])
    return copy


def _edit(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case None:
            return "0" * 64
        case str() if value and set(value) <= set("0123456789abcdef"):
            return ("0" if value[0] != "0" else "1") + value[1:]
        case _:
            return f"{value}x"


@pytest.mark.parametrize("path", _leaves(GOOD), ids=".".join)
def test_no_field_can_be_edited_or_removed(path: tuple[str, ...]) -> None:
    edited = broken(_changed(path, _edit))
    assert edited in ("format", "signature")
    assert broken(_changed(path, None)) == "format" if path != ("signature",) else "signature"


@pytest.mark.parametrize("path", [(), ("request",), ("response",)], ids=["root", "request", "response"])
@pytest.mark.parametrize("value", [1, None, "x", 2**60, {"deep": []}])
def test_no_field_can_be_added(path: tuple[str, ...], value: Any) -> None:
    copy: dict[str, Any] = json.loads(json.dumps(GOOD))
    inner = copy
    for key in path:
        inner = inner[key]
    inner["extra"] = value
    assert broken(copy) in ("format", "signature")


@pytest.mark.parametrize(
    ("field", "respelled"),
    [
        ("attempts", "1"),
        ("attempts", True),
        ("sandbox", "false"),
        ("sandbox", 0),
        ("cost", "0.0020"),
        ("cost", 0.002),
        ("started_at_ms", "1000"),
        ("signature", GOOD["signature"].upper()),
        ("signature", f" {GOOD['signature']}"),
        ("public_key", GOOD["public_key"].upper()),
        ("public_key", "00"),
        ("signature", ""),
    ],
)
def test_no_field_can_be_spelled_in_another_way(field: str, respelled: Any) -> None:
    assert broken(GOOD | {field: respelled}) in ("format", "signature")


@settings(deadline=None)
@given(st.integers(0, 63), st.integers(0, 7))
def test_no_bit_of_the_signature_can_be_flipped(byte: int, bit: int) -> None:
    signature = bytearray.fromhex(GOOD["signature"])
    signature[byte] ^= 1 << bit
    assert broken(GOOD | {"signature": signature.hex()}) == "signature"


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_only_the_recorded_body_fits(body: bytes) -> None:
    if body != BODY:
        assert broken(GOOD, body=body) == "body"


@pytest.mark.parametrize(
    "arguments", [{}, {"query": "tao"}, {"query": "Tao", "limit": 10}, {"query": "tao", "limit": "10"}]
)
def test_only_the_recorded_arguments_fit(arguments: dict[str, Any]) -> None:
    assert broken(GOOD, arguments=arguments) == "arguments"


def test_arguments_fit_in_any_order() -> None:
    assert verify_receipt(GOOD, arguments={"limit": 10.0, "query": "tao"})


def test_big_integers_in_arguments_are_recorded_in_the_json_form() -> None:
    big = {"block": 2**60}
    receipt = document(sign_receipt(draft(big), MINE))
    assert receipt["request"]["form"] == "json"
    assert "the arguments given are the ones recorded" in verify_receipt(receipt, arguments=big).proven
    assert broken(receipt, arguments={"block": 2**60 + 1}) == "arguments"


def test_a_key_that_is_not_trusted_is_refused() -> None:
    assert broken(GOOD, trusted_keys=frozenset({THEIRS.public_key})) == "signer"
    assert broken(GOOD, trusted_keys=frozenset()) == "signer"


def test_a_receipt_signed_again_by_another_is_theirs() -> None:
    """Whoever signs a copy, signs with a key of his own: that is what trusted keys are for."""
    again = document(sign_receipt(Receipt.model_validate(GOOD), THEIRS))
    assert verify_receipt(again).receipt.public_key == THEIRS.public_key
    assert broken(again, trusted_keys=frozenset({MINE.public_key})) == "signer"
    assert broken(GOOD | {"public_key": THEIRS.public_key}) == "signature"


def test_an_id_that_was_chosen_is_refused() -> None:
    chosen = Receipt.model_validate(GOOD | {"id": "0" * 32, "signature": ""})
    body = {name: value for name, value in document(chosen).items() if name != "signature"}
    message = b"orchestra-receipt/1\n" + json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    assert broken(document(chosen) | {"signature": MINE.sign(message).hex()}) == "id"


def test_a_call_does_not_end_before_it_starts() -> None:
    assert broken(document(sign_receipt(draft(started_at_ms=2000), MINE))) == "times"


@pytest.mark.parametrize(
    "receipt", [{}, {"format": "orchestra-receipt/1"}, GOOD | {"request": 5}, GOOD | {"kind": "subnet-attested"}]
)
def test_what_is_no_receipt_is_refused(receipt: dict[str, Any]) -> None:
    assert broken(receipt) == "format"


def test_another_format_is_refused() -> None:
    with pytest.raises(ReceiptError, match="this version reads orchestra-receipt/1"):
        verify_receipt(document(sign_receipt(draft(format="orchestra-receipt/2"), MINE)))


def test_a_receipt_with_unknown_fields_holds_when_they_were_signed() -> None:
    """A later version may add fields; they are covered by its signature."""
    assert verify_receipt(document(sign_receipt(draft(witness="x"), MINE))).receipt.model_extra == {"witness": "x"}


def test_an_absurdly_deep_receipt_is_refused() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert broken(GOOD | {"extra": deep}) == "format"
