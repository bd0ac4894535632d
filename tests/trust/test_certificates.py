"""Certificates of witness keys: the hotkey and the witness key both sign."""

from __future__ import annotations

from typing import Any

import pytest
from bittensor_core import Keypair

from orchestra_tools.errors import StatementError
from orchestra_tools.trust.certificates import CertifiedWitness, certify_witness, verify_certificate
from orchestra_tools.trust.cosignatures import COSIGNATURE_ML_DSA_44, CosignatureSigner
from orchestra_tools.trust.policy import TrustPolicy
from orchestra_tools.trust.statements import CERTIFICATE_STATEMENT, sign_statement
from tests.trust.logs import LOG, NOW, NOW_S, WITNESSES, cosigned, head

ALICE, BOB = (Keypair.create_from_uri(uri) for uri in ("//Alice", "//Bob"))
NOW_MS = NOW_S * 1000
YEAR_MS = 365 * 86_400_000
STATED: dict[str, Any] = {
    "network": "finney",
    "ledger": "ledger.example/log",
    "nonce": "ab" * 16,
    "issued_at_ms": NOW_MS,
    "expires_at_ms": NOW_MS + YEAR_MS,
}
ED, ML = WITNESSES[0], CosignatureSigner("pq.example", bytes(32), algorithm=COSIGNATURE_ML_DSA_44)
GOOD = certify_witness(ED, signer=ALICE, **STATED)


def verify(document: dict[str, Any], **changes: Any) -> CertifiedWitness:
    wanted: dict[str, Any] = {"network": "finney", "ledger": "ledger.example/log", "now_ms": NOW_MS, **changes}
    return verify_certificate(document, **wanted)


def refusal(document: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(StatementError) as caught:
        verify(document, **changes)
    assert caught.value.remedy
    return str(caught.value.facts["fact"])


def claim(payload: dict[str, Any], *, signer: Any = ALICE) -> dict[str, Any]:
    """Whatever a validator may sign by itself."""
    return sign_statement(CERTIFICATE_STATEMENT, payload, signer=signer, **STATED)


@pytest.mark.parametrize("witness", [ED, ML], ids=["ed25519", "ml-dsa-44"])
def test_a_certificate_says_whose_a_witness_key_is_and_until_when(witness: CosignatureSigner) -> None:
    certified = verify(certify_witness(witness, signer=ALICE, **STATED))
    assert (certified.hotkey, certified.key, certified.nonce) == (ALICE.ss58_address, witness.key, "ab" * 16)
    assert certified.expires_at_ms == NOW_MS + YEAR_MS


def test_certified_keys_make_the_policy_of_a_reader() -> None:
    certified = [verify(certify_witness(each, signer=ALICE, **STATED)) for each in WITNESSES[:3]]
    policy = TrustPolicy.of([LOG.key], [each.key for each in certified], quorum=2)
    assert policy.check(cosigned(head(7), [NOW_S, NOW_S]).encode(), now=NOW).vouched_at == NOW_S


def test_a_validator_cannot_claim_the_witness_key_of_another() -> None:
    copied = {name: GOOD[name] for name in ("witness_vkey", "witness_signature")}
    assert refusal(claim(copied, signer=BOB)) == "witness_signature"
    elsewhere = certify_witness(ED, signer=ALICE, **STATED | {"ledger": "other.example/log"})
    assert refusal(claim({name: elsewhere[name] for name in copied})) == "witness_signature"
    assert verify(claim(copied)).key == ED.key


def test_a_certificate_that_was_touched_or_is_for_something_else_is_refused() -> None:
    assert refusal(GOOD | {"witness_vkey": str(WITNESSES[1].key)}) == "signature"
    assert refusal(GOOD, network="test") == "network"
    assert refusal(GOOD, now_ms=NOW_MS + YEAR_MS) == "expired"
    assert refusal(GOOD, max_lifetime_ms=1000) == "lifetime"
    assert refusal(certify_witness(ED, signer=ALICE, **STATED | {"expires_at_ms": NOW_MS + 2 * YEAR_MS})) == "lifetime"


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"witness_vkey": None}, "witness_vkey"),
        ({"witness_vkey": "no key"}, "witness_vkey"),
        ({"witness_vkey": str(LOG.key)}, "witness_vkey"),
        ({"witness_signature": 5}, "witness_signature"),
        ({"witness_signature": "*"}, "witness_signature"),
        ({"witness_signature": ""}, "witness_signature"),
    ],
)
def test_what_names_no_witness_key_is_no_certificate(changes: dict[str, Any], fact: str) -> None:
    payload = {name: GOOD[name] for name in ("witness_vkey", "witness_signature")}
    assert refusal(claim(payload | changes)) == fact
