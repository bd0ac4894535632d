"""Cosignatures: the messages that are signed are put together here by hand, from the specification."""

from __future__ import annotations

import struct
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from orchestra_tools.errors import ConfigurationError, NoteError
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.cosignatures import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    CosignatureKey,
    CosignatureSigner,
    timestamp_of,
)
from orchestra_tools.trust.notes import Note, NoteSignature, VerifierKey, open_note
from tests.trust.logs import LOG, NOW_S, ORIGIN, head, signed

SEED = bytes(range(32))
NAME = "witness.example/w1"
ED = CosignatureSigner(NAME, SEED)
ML = CosignatureSigner(NAME, SEED, algorithm=COSIGNATURE_ML_DSA_44)
CHECKPOINT = head(7)
BOTH = pytest.mark.parametrize("signer", [ED, ML], ids=["ed25519", "ml-dsa-44"])


def fact_of(caught: pytest.ExceptionInfo[NoteError]) -> str:
    assert caught.value.remedy
    return str(caught.value.facts["fact"])


def test_an_ed25519_cosignature_is_over_the_message_of_the_specification() -> None:
    line = ED.cosign(CHECKPOINT.text, 1679315147)
    message = f"cosignature/v1\ntime 1679315147\n{CHECKPOINT.text}".encode()
    Ed25519PrivateKey.from_private_bytes(SEED).public_key().verify(line.blob[8:], message)
    assert line.blob[:8] == struct.pack(">Q", 1679315147)
    assert (line.name, line.key_id, len(line.blob)) == (NAME, ED.key.key_id, 72)


def test_an_ml_dsa_44_cosignature_is_over_the_message_of_the_specification() -> None:
    line = ML.cosign(CHECKPOINT.text, 1679315147)
    message = (
        b"subtree/v1\n\x00"
        + bytes([len(NAME)])
        + NAME.encode()
        + (1679315147).to_bytes(8, "big")
        + bytes([len(ORIGIN)])
        + ORIGIN.encode()
        + (0).to_bytes(8, "big")
        + (7).to_bytes(8, "big")
        + CHECKPOINT.root
    )
    MLDSA44PrivateKey.from_seed_bytes(SEED).public_key().verify(line.blob[8:], message)
    assert len(line.blob) == 8 + 2420


@BOTH
def test_a_cosignature_gives_its_time_and_opens_a_note(signer: CosignatureSigner) -> None:
    line = signer.cosign(CHECKPOINT.text, NOW_S)
    assert signer.key.verify(CHECKPOINT.text, line) == timestamp_of(line) == NOW_S
    note = Note(CHECKPOINT.text, (*signed(CHECKPOINT).signatures, line))
    assert open_note(Note.parse(note.encode()), [LOG.key, signer.key]).verified == (LOG.key, signer.key)


@BOTH
def test_a_cosignature_is_good_for_one_checkpoint_one_time_and_one_witness(signer: CosignatureSigner) -> None:
    line = signer.cosign(CHECKPOINT.text, NOW_S)
    later = NoteSignature(line.name, line.key_id, struct.pack(">Q", NOW_S + 1) + line.blob[8:])
    never = NoteSignature(line.name, line.key_id, struct.pack(">Q", 2**63) + line.blob[8:])
    cut = NoteSignature(line.name, line.key_id, line.blob[:8])
    for text, wrong in [
        (head(8).text, line),
        (head(7, origin="else.example").text, line),
        (CHECKPOINT.text, later),
        (CHECKPOINT.text, never),
        (CHECKPOINT.text, cut),
    ]:
        with pytest.raises(NoteError) as caught:
            signer.key.verify(text, wrong)
        assert fact_of(caught) == "signature"
    other = CosignatureSigner.generate(NAME, algorithm=signer.key.algorithm)
    with pytest.raises(NoteError, match="it is not of") as caught:
        other.key.verify(CHECKPOINT.text, line)
    assert fact_of(caught) == "key"


def test_a_time_beyond_2_63_is_none_even_where_the_witness_has_signed_it() -> None:
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    for time, holds in [(2**63 - 1, True), (2**63, False)]:
        message = f"cosignature/v1\ntime {time}\n{CHECKPOINT.text}".encode()
        assert ED.key.holds(CHECKPOINT.text, struct.pack(">Q", time) + private.sign(message)) is holds


@pytest.mark.parametrize(("signer", "step"), [(ED, 1), (ML, 97)], ids=["ed25519", "ml-dsa-44"])
def test_a_flipped_bit_in_a_cosignature_is_detected(signer: CosignatureSigner, step: int) -> None:
    line = signer.cosign(CHECKPOINT.text, NOW_S)
    for bit in range(0, 8 * len(line.blob), step):
        flipped = bytearray(line.blob)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not signer.key.holds(CHECKPOINT.text, bytes(flipped))


def test_only_ed25519_cosignatures_vouch_for_extension_lines_of_the_log() -> None:
    extended = Checkpoint(ORIGIN, CHECKPOINT.size, CHECKPOINT.root, ("extension",))
    ed, ml = ED.cosign(CHECKPOINT.text, NOW_S), ML.cosign(CHECKPOINT.text, NOW_S)
    assert not ED.key.holds(extended.text, ed.blob)
    assert ML.key.holds(extended.text, ml.blob)


@BOTH
def test_nothing_but_a_checkpoint_is_cosigned(signer: CosignatureSigner) -> None:
    for text in ("just text\n", "a\n1\nAA==\n", ""):
        with pytest.raises(NoteError, match="the checkpoint does not hold"):
            signer.cosign(text, NOW_S)
        with pytest.raises(NoteError, match="the checkpoint does not hold"):
            signer.key.holds(text, bytes(100))
    for time in (-1, 2**63, True):
        with pytest.raises(NoteError) as caught:
            signer.cosign(CHECKPOINT.text, time)
        assert fact_of(caught) == "timestamp"


def test_names_that_the_message_of_ml_dsa_cannot_hold_are_refused() -> None:
    longest = CosignatureSigner("w" * 255, SEED, algorithm=COSIGNATURE_ML_DSA_44)
    assert longest.key.verify(CHECKPOINT.text, longest.cosign(CHECKPOINT.text, NOW_S)) == NOW_S
    long = CosignatureSigner("w" * 256, SEED, algorithm=COSIGNATURE_ML_DSA_44)
    for signer, text in [(long, CHECKPOINT.text), (ML, head(7, origin="ü" * 128).text)]:
        with pytest.raises(NoteError) as caught:
            signer.cosign(text, NOW_S)
        assert fact_of(caught) == "name"


@BOTH
def test_keys_of_witnesses_are_the_same_after_they_were_written_and_read(signer: CosignatureSigner) -> None:
    assert CosignatureKey.parse(str(signer.key)) == signer.key
    assert CosignatureSigner.parse(signer.skey).key == signer.key
    with pytest.raises(NoteError, match="does not have the ID"):
        CosignatureSigner.parse(signer.skey.replace("witness.", "fitness."))
    assert signer.skey.rpartition("+")[2] not in repr(signer)


def test_a_key_is_for_notes_or_for_cosignatures_and_never_for_both() -> None:
    for vkey in (str(ED.key), str(ML.key)):
        with pytest.raises(NoteError, match="has no use here"):
            VerifierKey.parse(vkey)
    with pytest.raises(NoteError, match="has no use here"):
        CosignatureKey.parse(str(LOG.key))
    with pytest.raises(NoteError, match="has no use here"):
        CosignatureSigner(NAME, SEED, algorithm=1)
    assert ED.key.key_id != ML.key.key_id
    assert {ED.key.algorithm, ML.key.algorithm} == {COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44}
    broken = CosignatureKey.of(NAME, bytes(1312), algorithm=COSIGNATURE_ML_DSA_44)
    assert not broken.holds(CHECKPOINT.text, bytes(2428))


@BOTH
def test_an_attestation_is_in_a_domain_of_its_own_and_never_a_cosignature(signer: CosignatureSigner) -> None:
    signature = signer.attest("witness-possession", b"message")
    assert signer.key.verify_attestation("witness-possession", b"message", signature)
    assert not signer.key.verify_attestation("witness-possession", b"massage", signature)
    assert not signer.key.verify_attestation("something-else", b"message", signature)
    assert not signer.key.verify_attestation("witness-possession", b"message", b"")
    line = signer.cosign(CHECKPOINT.text, NOW_S)
    assert not signer.key.verify_attestation("", CHECKPOINT.text.encode(), line.blob[8:])


def test_without_ml_dsa_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    monkeypatch.delattr("cryptography.hazmat.primitives.asymmetric.mldsa")
    with pytest.raises(ConfigurationError, match="pip install"):
        CosignatureSigner.generate(NAME, algorithm=COSIGNATURE_ML_DSA_44)
    assert CosignatureSigner.generate(NAME).key.name == NAME
