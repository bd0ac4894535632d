"""Evidence: what goes in, what never does, and what is noticed when somebody touches it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_sync.governance import evidence as module
from ledger_sync.governance.evidence import MAX_CALLS, Call, Evidence, pack, unpack
from ledger_sync.governance.redaction import REDACTED, redact, redact_text
from orchestra_tools.calls import Identity
from orchestra_tools.errors import ProposalRefusedError
from orchestra_tools.model import Receipt
from orchestra_tools.trust import canonicalise, canonicalise_any, sha256_hex, sign_receipt
from tests.calls.recording import json_answer
from tests.sync.governance.stage import SLOT, Stage, answering, blobs_of, statement_of

CANARY = "sk-canary-0123456789abcdef"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e15, 1e15) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
async def calls(stage: Stage) -> Sequence[Call]:
    """Three calls that were answered and one that was not."""
    stage.server.answer(json_answer(status=500), answering(lambda asked: {"answer": f"of {asked['query']}"}))
    return (await stage.call(stage.entry())).calls


def read(evidence: Evidence, *, bundle: bytes | None = None, blobs: Sequence[bytes] | None = None) -> Sequence[Call]:
    known = evidence.blobs if blobs is None else blobs
    return unpack(evidence.bundle if bundle is None else bundle, blobs_of(known), slot=SLOT)


def refused(evidence: Evidence, **changed: Any) -> str:
    with pytest.raises(ProposalRefusedError) as error:
        read(evidence, **changed)
    assert error.value.facts["reason"] == "evidence"
    return str(error.value)


def changed(evidence: Evidence, change: Callable[[dict[str, Any]], Any]) -> bytes:
    document = json.loads(evidence.bundle)
    change(document)
    return canonicalise(document)


async def test_calls_come_back_as_they_were_and_the_same_for_everyone(calls: Sequence[Call]) -> None:
    evidence = pack(calls)
    assert list(read(evidence)) == list(calls)
    assert pack(read(evidence)) == evidence
    assert canonicalise(json.loads(evidence.bundle)) == evidence.bundle
    assert evidence.sha256 == sha256_hex(evidence.bundle)


async def test_a_call_that_failed_keeps_its_receipt(calls: Sequence[Call]) -> None:
    """No cherry-picking: failures are evidence as well."""
    first, *rest = read(pack(calls))
    assert first.answer is None
    assert first.receipt.response is not None
    assert first.receipt.response.status == 500
    assert len(rest) == 3


def test_no_calls_are_evidence_of_nothing() -> None:
    assert list(read(pack(()))) == []


async def test_whatever_is_touched_is_noticed(calls: Sequence[Call]) -> None:
    evidence = pack(calls)
    document = json.loads(evidence.bundle)

    def at(*path: Any) -> Callable[[dict[str, Any]], Any]:
        def change(whole: dict[str, Any]) -> None:
            part: Any = whole
            for step in path[:-2]:
                part = part[step]
            part[path[-2]] = path[-1]

        return change

    other = document["samples"][1]["sha256"]
    cases = {
        "a receipt": at("receipts", 1, "tool", "sn22_other"),
        "its signature": at("receipts", 1, "signature", "0" * 128),
        "its id": at("receipts", 1, "id", document["receipts"][2]["id"]),
        "an unknown sample": at("samples", 0, "sha256", "0" * 64),
        "a sample of another call": at("samples", 0, "sha256", other),
        "a sample of nobody": at("samples", 0, "receipt", "0" * 64),
        "a sample twice": lambda whole: whole["samples"].append(whole["samples"][0]),
        "a receipt twice": lambda whole: whole["receipts"].append(whole["receipts"][0]),
        "a false redaction": at("samples", 0, "redacted", True),
        "something left out of nothing": at("left_out", ["0" * 64]),
        "a sample of a call without an answer": lambda whole: whole["samples"].append(
            {**whole["samples"][0], "receipt": whole["receipts"][0]["id"]}
        ),
        "another format": at("format", "orchestra-evidence/2"),
        "a field too many": at("more", 1),
        "no receipts": lambda whole: whole.pop("receipts"),
        "receipts that are none": at("receipts", ["a"]),
        "samples that are none": at("samples", ["a"]),
        "an odd list": at("left_out", [[1]]),
    }
    for name, change in cases.items():
        assert refused(evidence, bundle=changed(evidence, change)), name


async def test_a_call_that_had_no_answer_has_no_sample(calls: Sequence[Call], tmp_path: Path) -> None:
    silent = Receipt.model_validate(calls[0].receipt.to_json() | {"response": None})
    receipt = sign_receipt(
        silent.model_copy(update={"id": "", "signature": ""}), Identity.load(tmp_path / "identity.pem")
    )
    evidence = pack([Call(receipt), calls[1]])

    def change(whole: dict[str, Any]) -> None:
        whole["samples"][0]["receipt"] = receipt.id

    assert "no answer" in refused(evidence, bundle=changed(evidence, change))


async def test_bytes_that_are_not_canonical_are_refused(calls: Sequence[Call]) -> None:
    evidence = pack(calls)
    assert "canonical" in refused(evidence, bundle=evidence.bundle + b" ")
    for garbage in (b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000):
        refused(evidence, bundle=garbage)


async def test_samples_that_are_missing_or_others_are_refused(calls: Sequence[Call]) -> None:
    evidence = pack(calls)
    assert "missing" in refused(evidence, blobs=evidence.samples[1:])
    with pytest.raises(ProposalRefusedError, match="other bytes"):
        unpack(evidence.bundle, lambda sha256: b"{}", slot=SLOT)


async def test_evidence_of_another_slot_is_refused(calls: Sequence[Call]) -> None:
    """notes, 6: "the preimage of another proposal"; netuids are reassigned."""
    evidence = pack(calls)
    assert unpack(evidence.bundle, blobs_of(evidence.blobs))
    with pytest.raises(ProposalRefusedError, match="not about SN22@1001"):
        unpack(evidence.bundle, blobs_of(evidence.blobs), slot="SN22@1001")


async def test_there_are_limits(calls: Sequence[Call], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProposalRefusedError, match="may have 50"):
        pack([calls[0]] * (MAX_CALLS + 1))
    evidence = pack(calls)
    many = changed(evidence, lambda whole: whole.update(receipts=whole["receipts"] * 20))
    assert "may have 50" in refused(evidence, bundle=many)
    monkeypatch.setattr(module, "MAX_SAMPLES_BYTES", len(evidence.samples[0]))
    assert len(pack(calls).samples) == 1
    assert len(json.loads(pack(calls).bundle)["left_out"]) == 2
    assert len(read(pack(calls))) == 4
    monkeypatch.setattr(module, "MAX_SAMPLE_BYTES", 3)
    assert "may have 3" in refused(evidence)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(answers=st.lists(JSON, min_size=1, max_size=4))
def test_whatever_is_answered_is_packed_and_read_again(answers: list[Any], tmp_path_factory: Any) -> None:
    """Law: what is read is what was packed, without secrets; and packing it again gives the same bytes."""
    signer = Identity.load(tmp_path_factory.getbasetemp() / "identity.pem")
    made = [Call(sign_receipt(_receipt(answer, number), signer), answer) for number, answer in enumerate(answers)]
    evidence = pack(made)
    known = unpack(evidence.bundle, blobs_of(evidence.blobs), slot=SLOT)
    assert [call.receipt for call in known] == [call.receipt for call in made]
    for call, answer in zip(known, answers, strict=True):
        assert canonicalise_any(call.answer)[1] == canonicalise_any(redact(answer))[1]
    assert pack(known) == evidence


def _receipt(answer: Any, number: int) -> Receipt:
    form, data = canonicalise_any(answer)
    response = {
        "status": 200,
        "media_type": "application/json",
        "bytes": len(data),
        "body_sha256": sha256_hex(data),
        "jcs_sha256": sha256_hex(data) if form == "jcs" else None,
    }
    return Receipt.model_validate(
        {
            "id": "",
            "tool": "sn22_ask",
            "tool_digest": "0" * 64,
            "slot": SLOT,
            "operation": "ask",
            "entry_version": "1.0.0",
            "request": {"method": "GET", "url": "http://127.0.0.1/ask", "form": "jcs", "sha256": "0" * 64},
            "response": response,
            "schema_verdict": "valid",
            "outcome": "ok",
            "started_at_ms": number,
            "ended_at_ms": number,
            "attempts": 1,
            "cost": None,
            "currency": None,
            "sandbox": True,
            "public_key": "",
        }
    )


# Secrets


async def test_a_key_that_the_subnet_echoes_is_nowhere_in_evidence_or_verdict(stage: Stage) -> None:
    """notes, 6: never in evidence. Whatever a subnet sends back, in answers, headers and errors."""
    stage.operation |= {"auth": {"scheme": "api_key", "in": "header", "name": "Authorization", "prefix": "Bearer "}}
    stage.key = CANARY
    echo = answering(
        lambda asked: {"answer": f"you said Bearer {CANARY}", "authorization": CANARY, "n": asked["query"]}
    )
    stage.server.answer(
        json_answer(f'{{"detail":"the key {CANARY} is wrong"}}', status=400, X_Key=CANARY),
        json_answer(f'{{"detail":"the key {CANARY} is wrong"}}', status=500),
        echo,
    )
    entry = stage.entry()
    evidence = pack((await stage.call(entry)).calls)
    sent = stage.server.requests
    assert len(sent) == 5
    assert all(CANARY in str(dict(each.headers)) for each in sent)
    assert CANARY.encode() not in b"".join(evidence.blobs)
    assert [each["redacted"] for each in json.loads(evidence.bundle)["samples"]] == [True] * 3
    known = unpack(evidence.bundle, blobs_of(evidence.blobs), slot=SLOT)
    stage.server.answer(json_answer(f'{{"detail":"the key {CANARY} is wrong"}}', status=400))
    wish = statement_of("schema_change", "output_schema.more", None, {"type": "string"})
    review = await stage.review(wish, entry, evidence=known)
    told = json.dumps([each.to_json() for each in (*review.checks, *review.reasons)])
    assert "is wrong" in told
    assert CANARY not in told
    assert CANARY.encode() not in b"".join(review.evidence.blobs)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-0123456789abcdefghij",
        "cpk_0123456789abcdef.0123456789",
        "ghp_0123456789abcdefghijABCDEFGHIJ",
        "github_pat_0123456789abcdefghij",
        "glpat-0123456789abcdefghij",
        "xoxb-0123456789-abcdef",
        "AKIAABCDEFGHIJKLMNOP",
        "AIzaSyA0123456789abcdefghijABCDEFGHIJKL",
        "hf_0123456789abcdefghij",
        "sk_" + "live_0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "Bearer 0123456789abcdefghij",
        "Basic dXNlcjpwYXNzd29yZDEyMw==",
        "-----BEGIN PRIVATE " + "KEY-----\nMIIEvQIBADANBg\n",
    ],
)
def test_what_looks_like_a_key_is_cut_out_wherever_it_stands(secret: str) -> None:
    for value in (secret, f"({secret})", {"deep": [secret]}, {secret: 1}, f'{{"a":"{secret}"}}'):
        told = json.dumps(redact(value))
        assert REDACTED in told
        assert secret[-8:].strip() not in told


NAMES = """api_key apiKey X-API-Key Authorization accessToken refresh_token client_secret clientSecret password
private-key mnemonic Set-Cookie secret_key seed_phrase session_token"""


@pytest.mark.parametrize("name", NAMES.split())
def test_what_is_called_a_secret_is_one(name: str) -> None:
    assert redact({name: "plain words"}) == {name: REDACTED}
    assert redact({name: {"value": ["plain", 12345678, None, True, ""]}}) == {
        name: {"value": [REDACTED, REDACTED, None, True, ""]}
    }
    assert redact("plain words", name) == REDACTED


@pytest.mark.parametrize(
    "name", ["token", "tokens", "secretary", "max_tokens", "keyword", "key", "password_hint_shown"]
)
def test_ordinary_names_stay(name: str) -> None:
    assert redact({name: "TAO"}) == {name: "TAO"}


def test_parameters_of_addresses_are_cut_out_and_the_rest_stays() -> None:
    text = "see https://api.example.com/v1?page=2&api_key=0123456789&sig=abc#top"
    assert redact_text(text) == f"see https://api.example.com/v1?page=2&api_key={REDACTED}&sig={REDACTED}#top"


@settings(max_examples=200)
@given(JSON)
def test_redacting_twice_is_redacting_once(value: Any) -> None:
    """Law: idempotent."""
    assert redact(redact(value)) == redact(value)


def test_text_that_is_made_to_be_slow_is_not() -> None:
    """A megabyte of what almost is a secret takes as long as any other: no alternative looks at it again and again."""
    for piece in (
        "eyJ-",
        "eyJeyJ",
        "sk-",
        "-----BEGIN PRIVATE KEY",
        "Bearer ",
        "Bearer\t\t",
        "&key",
        "a?key=",
        "xoxb-",
        "AIza",
    ):
        text = piece * (300_000 // len(piece))
        assert len(redact_text(text)) <= len(text) + 200_000 * len(REDACTED)
