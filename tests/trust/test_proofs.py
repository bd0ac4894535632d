"""Proofs to keep: the file of the specification, and what a proof proves."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestra_tools.errors import NoteError, ProofError, StaleError, TrustError
from orchestra_tools.trust.merkle import leaf_hash, prove_inclusion
from orchestra_tools.trust.notes import Note, VerifierKey
from orchestra_tools.trust.policy import TrustPolicy
from orchestra_tools.trust.proofs import MAX_PROOF_BYTES, TlogProof, verify_tlog_proof
from tests.trust.logs import ENTRIES, LOG, NOW, NOW_S, OTHER_LOG, WITNESSES, cosigned, head, path, read, signed
from tests.trust.test_checkpoints import TESSERA_VKEY

POLICY = TrustPolicy.of([LOG.key], [each.key for each in WITNESSES[:2]], quorum=2)
NOTE = cosigned(head(12), [NOW_S, NOW_S]).encode()
PROOF = TlogProof(5, path(5, 12), NOTE, b"extra data")


def refusal(data: bytes | str) -> str:
    with pytest.raises(ProofError, match="the proof does not hold") as caught:
        TlogProof.parse(data)
    assert caught.value.remedy
    assert caught.value.facts["fact"] == "format"
    return caught.value.problem


def test_the_file_has_the_lines_of_the_specification() -> None:
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in path(5, 12))
    expected = f"c2sp.org/tlog-proof@v1\nextra ZXh0cmEgZGF0YQ==\nindex 5\n{hashes}\n".encode() + NOTE
    assert PROOF.encode() == expected
    assert replace(PROOF, extra=b"").encode() == expected.replace(b"extra ZXh0cmEgZGF0YQ==\n", b"")
    alone = TlogProof(0, (), signed(head(1)).encode())
    assert alone.encode() == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + signed(head(1)).encode()
    for proof in (PROOF, replace(PROOF, extra=b""), alone):
        assert TlogProof.parse(proof.encode()) == proof
    assert TlogProof.parse(PROOF.encode().decode()) == PROOF


def test_an_entry_of_a_log_is_proven_offline() -> None:
    for size in (1, 2, 7, 8, 12):
        note = cosigned(head(size), [NOW_S, NOW_S - 5]).encode()
        for index in range(size):
            proof = TlogProof(index, path(index, size), note)
            trusted = verify_tlog_proof(ENTRIES[index], proof.encode(), POLICY, NOW)
            assert trusted.checkpoint == head(size)
            assert trusted.vouched_at == NOW_S - 5


def test_an_entry_of_a_log_by_others_is_proven(test_data: Path) -> None:
    folder = test_data / "vectors" / "tessera-testlog" / "testdata" / "log"
    bundle = (folder / "tile" / "entries" / "000.p" / "15").read_bytes()
    entries = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    leaves = [leaf_hash(entry) for entry in entries]
    note = (folder / "checkpoint.15").read_bytes()
    policy = TrustPolicy.of([VerifierKey.parse(TESSERA_VKEY)])
    for index, entry in enumerate(entries):
        proof = TlogProof(index, prove_inclusion(index, 15, read(leaves)), note)
        assert verify_tlog_proof(entry, proof, policy, NOW).checkpoint.size == 15
        with pytest.raises(ProofError):
            verify_tlog_proof(entry + b"x", proof, policy, NOW)


def test_what_a_proof_does_not_prove_is_refused() -> None:
    for bad, error in [
        (replace(PROOF, index=4), ProofError),
        (replace(PROOF, index=12), ProofError),
        (replace(PROOF, hashes=PROOF.hashes[:-1]), ProofError),
        (replace(PROOF, hashes=(*PROOF.hashes, bytes(32))), ProofError),
        (replace(PROOF, note=cosigned(head(11), [NOW_S, NOW_S]).encode()), ProofError),
        (replace(PROOF, note=signed(head(12)).encode()), NoteError),
        (replace(PROOF, note=signed(head(12), by=OTHER_LOG).encode()), NoteError),
        (replace(PROOF, note=b""), NoteError),
        (replace(PROOF, note=b"not a note"), NoteError),
    ]:
        with pytest.raises(error):
            verify_tlog_proof(ENTRIES[5], bad, POLICY, NOW)
    with pytest.raises(ProofError):
        verify_tlog_proof(ENTRIES[6], PROOF, POLICY, NOW)


def test_a_proof_may_be_old_unless_one_asks_for_a_fresh_one() -> None:
    years_later = NOW + timedelta(days=1000)
    assert verify_tlog_proof(ENTRIES[5], PROOF, POLICY, years_later).vouched_at == NOW_S
    with pytest.raises(StaleError):
        verify_tlog_proof(ENTRIES[5], PROOF, POLICY, years_later, fresh=True)
    assert verify_tlog_proof(ENTRIES[5], PROOF, POLICY, NOW, fresh=True).vouched_at == NOW_S


def test_every_flipped_bit_of_a_proof_but_in_its_extra_data_is_detected() -> None:
    data = PROOF.encode()
    for at in range(len(data)):
        if data.index(b"extra ") <= at < data.index(b"\nindex"):
            continue
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            with pytest.raises(TrustError):
                verify_tlog_proof(ENTRIES[5], bytes(flipped), POLICY, NOW)


GOOD = PROOF.encode()


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"", "no checkpoint"),
        (b"\n\n" + NOTE, "first line"),
        (GOOD.replace(b"@v1", b"@v2"), "first line"),
        (GOOD.replace(b"\n", b"\r\n"), "no checkpoint"),
        (b"\n" + GOOD, "first line"),
        (GOOD.replace(b"index 5\n", b""), "no line has its index"),
        (GOOD.replace(b"index 5", b"index 05"), "decimal"),
        (GOOD.replace(b"index 5", b"index -5"), "decimal"),
        (GOOD.replace(b"index 5", b"index "), "decimal"),
        (GOOD.replace(b"index 5", b"index 9223372036854775808"), "decimal"),
        (GOOD.replace(b"index 5", b"INDEX 5"), "no line has its index"),
        (GOOD.replace(b"extra ZXh0cmEgZGF0YQ==", b"extra "), "empty"),
        (GOOD.replace(b"extra ZXh0cmEgZGF0YQ==", b"extra"), "no line has its index"),
        (GOOD.replace(b"extra ZXh0cmEgZGF0YQ==", b"extra ZXh0cmEgZGF0YR=="), "base64"),
        (GOOD.replace(b"extra ", b"index 5\nextra "), "base64"),
        (GOOD.replace(b"index 5\n", b"index 5\nAAAA\n"), "32 bytes"),
        (GOOD.replace(b"index 5\n", b"index 5\n\xff\n"), "ASCII"),
        (GOOD.replace(b"index 5\n", b"index 5\n*\n"), "base64"),
        (b"x" * (MAX_PROOF_BYTES + 1), "more than"),
        ("\ud800", "no checkpoint"),
    ],
)
def test_what_is_no_proof_is_refused_and_the_error_says_why(bad: bytes | str, problem: str) -> None:
    assert problem in refusal(bad)


@pytest.mark.parametrize(
    "changes",
    [{"index": -1}, {"index": 2**63}, {"hashes": (bytes(32),) * 64}, {"hashes": (b"",)}, {"extra": bytes(65_536)}],
)
def test_a_proof_that_could_not_be_read_back_is_not_made(changes: dict[str, object]) -> None:
    with pytest.raises(ProofError):
        replace(PROOF, **changes)  # type: ignore[arg-type]  # wrong on purpose


def test_the_largest_proof_is_read_back() -> None:
    note = Note("x" * 999_000 + "\n", (LOG.sign("a\n"),)).encode()
    note = b"x" * (1_000_000 - len(note)) + note
    largest = TlogProof(2**63 - 1, (bytes(32),) * 63, note, bytes(65_535))
    assert TlogProof.parse(largest.encode()) == largest


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.binary(max_size=200),
    st.binary(max_size=200),
)
@example(0, [], b"\n\n", b"")
def test_a_proof_is_the_same_after_it_was_written_and_read(
    index: int, hashes: list[bytes], note: bytes, extra: bytes
) -> None:
    proof = TlogProof(index, tuple(hashes), note, extra)
    assert TlogProof.parse(proof.encode()) == proof
