"""The rule of a witness: every status of the specification, and never two heads of one size, never back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestra_tools.errors import ConfigurationError, NoteError, ProofError
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.cosignatures import COSIGNATURE_ML_DSA_44, CosignatureSigner
from orchestra_tools.trust.merkle import leaf_hash, verify_consistency
from orchestra_tools.trust.notes import Note, NoteSignature, NoteSigner
from orchestra_tools.trust.witnesses import (
    MAX_BODY_BYTES,
    AddCheckpoint,
    Head,
    State,
    Witness,
    WitnessAnswer,
    add_cosignatures,
)
from tests.trust.logs import LEAVES, LOG, NOW_S, ORIGIN, OTHER_LOG, WITNESSES, growth, head, signed

KEY, ML_DSA_KEY = WITNESSES[0], CosignatureSigner("pq.example", bytes(32), algorithm=COSIGNATURE_ML_DSA_44)
NEXT_LOG_KEY = NoteSigner(ORIGIN, bytes([3]) * 32)
WITNESS = Witness({ORIGIN: [LOG.key, NEXT_LOG_KEY.key]}, [KEY])
FORKED = [*LEAVES[:5], *(leaf_hash(b"forked %d" % number) for number in range(35))]
SIGNED_7: State = {ORIGIN: Head(7, head(7).root), "else.example": Head(1, bytes(32))}


def ask(note: Note, *, old: int, proof: tuple[bytes, ...] = (), state: State = SIGNED_7) -> WitnessAnswer:
    answer = WITNESS.add_checkpoint(AddCheckpoint(old, proof, note).encode(), state, timestamp_s=NOW_S)
    if answer.status != 200:
        assert answer.state == state
    return answer


def test_a_head_that_grows_out_of_the_last_one_is_signed_and_kept() -> None:
    answer = ask(signed(head(12)), old=7, proof=growth(7, 12))
    assert answer.status == 200
    assert answer.state == {**SIGNED_7, ORIGIN: Head(12, head(12).root)}
    (line,) = answer.body.decode().splitlines()
    assert KEY.key.verify(head(12).text, NoteSignature.parse(line)) == NOW_S


def test_a_log_not_seen_before_needs_no_proof_and_every_key_of_the_witness_signs() -> None:
    witness = Witness(WITNESS.logs, [KEY, ML_DSA_KEY])
    answer = witness.add_checkpoint(AddCheckpoint(0, (), signed(head(9))).encode(), {}, timestamp_s=NOW_S)
    assert (answer.status, answer.state) == (200, {ORIGIN: Head(9, head(9).root)})
    note = add_cosignatures(signed(head(9)), answer.body, [KEY.key, ML_DSA_KEY.key])
    assert [each.name for each in note.signatures] == [ORIGIN, KEY.key.name, ML_DSA_KEY.key.name]


def test_a_head_can_be_signed_again_so_that_it_stays_fresh() -> None:
    answer = ask(signed(head(7)), old=7)
    assert (answer.status, answer.state) == (200, SIGNED_7)
    empty: State = {ORIGIN: Head(0, head(0).root)}
    assert ask(signed(head(0)), old=0, state={}).status == ask(signed(head(0)), old=0, state=empty).status == 200


def test_a_log_may_sign_with_another_of_its_keys() -> None:
    assert ask(signed(head(12), by=NEXT_LOG_KEY), old=7, proof=growth(7, 12)).status == 200


def test_400_is_for_what_is_no_request() -> None:
    good = AddCheckpoint(7, growth(7, 12), signed(head(12))).encode()
    for bad in (
        b"",
        good[:-1],
        good.replace(b"old 7", b"old 07"),
        good.replace(b"old 7", b"old -7"),
        good.replace(b"old 7", b"old"),
        good.replace(b"old 7", b"7"),
        good.replace(b"old 7", b"old 9223372036854775808"),
        good.replace(b"old 7\n", b"old 7\r\n"),
        good.replace(b"old 7\n", b"old 7\nAAAA\n"),
        good.replace(b"old 7\n", b"old 7\n*\n"),
        good.replace(b"old 7\n", "old 7\nü\n".encode()),
        good.replace(b"\n\n", b"\n", 1),
        good.replace(b"\n12\n", b"\n012\n"),
        good + b"x" * MAX_BODY_BYTES,
        AddCheckpoint(7, (bytes(32),) * 64, signed(head(12))).encode(),
        AddCheckpoint(13, (), signed(head(12))).encode(),
    ):
        answer = WITNESS.add_checkpoint(bad, SIGNED_7, timestamp_s=NOW_S)
        assert (answer.status, answer.state) == (400, SIGNED_7), bad
        assert answer.body.endswith(b"\n")
    assert WITNESS.add_checkpoint(good, SIGNED_7, timestamp_s=NOW_S).status == 200


def test_403_is_for_what_no_key_of_the_log_has_signed() -> None:
    text = head(12).text
    stranger = NoteSigner(ORIGIN, bytes([9]) * 32).sign(text)
    wrong = NoteSignature(ORIGIN, LOG.key.key_id, bytes(64))
    for signatures in ((stranger,), (wrong,), (wrong, LOG.sign(text)), (KEY.cosign(text, NOW_S),)):
        assert ask(Note(text, signatures), old=7, proof=growth(7, 12)).status == 403
    assert ask(Note(text, (stranger, LOG.sign(text))), old=7, proof=growth(7, 12)).status == 200


def test_404_is_for_a_log_that_is_not_known() -> None:
    other = signed(head(12, origin=OTHER_LOG.key.name), by=OTHER_LOG)
    assert ask(other, old=0).status == 404


def test_409_tells_the_size_of_the_last_head() -> None:
    for old in (0, 6, 8, 12):
        answer = ask(signed(head(12)), old=old)
        assert (answer.status, answer.body, answer.content_type) == (409, b"7\n", "text/x.tlog.size")
    assert ask(signed(head(12)), old=3, state={}).body == b"0\n"


def test_409_is_for_another_root_at_the_same_size() -> None:
    assert ask(signed(head(7, leaves=FORKED)), old=7).status == 409


def test_422_is_for_a_proof_that_does_not_hold() -> None:
    for bad in ((), growth(7, 12)[:-1], (*growth(7, 12), bytes(32)), growth(6, 12), growth(7, 12)[::-1]):
        assert ask(signed(head(12)), old=7, proof=bad).status == 422
    assert ask(signed(head(12, leaves=FORKED)), old=7, proof=growth(7, 12, FORKED)).status == 422
    assert ask(signed(head(12)), old=0, proof=growth(7, 12), state={}).status == 422
    assert ask(signed(head(7)), old=7, proof=growth(3, 7)).status == 422


def test_a_request_is_the_same_after_it_was_written_and_read() -> None:
    for request in (AddCheckpoint(7, growth(7, 12), signed(head(12))), AddCheckpoint(0, (), signed(head(0)))):
        assert AddCheckpoint.parse(request.encode()) == request
    with pytest.raises(ProofError, match="line 1 of its proof has 3 bytes"):
        AddCheckpoint.parse(b"old 7\nAAAA\n\n" + signed(head(12)).encode())


def test_a_witness_without_a_key_or_of_a_log_it_cannot_name_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="needs a key"):
        Witness({}, [])
    with pytest.raises(ConfigurationError, match="255 bytes"):
        Witness({"x" * 256: []}, [KEY])


# What the log makes of the answer


def test_newer_cosignatures_take_the_places_of_older_ones_and_unknown_ones_are_left_out() -> None:
    note = signed(head(7))
    for time in (NOW_S, NOW_S + 60):
        mine, theirs = (witness.cosign(note.text, time) for witness in WITNESSES[:2])
        note = add_cosignatures(note, f"{theirs}\n{mine}\n".encode(), [KEY.key])
    assert note.signatures == (*signed(head(7)).signatures, KEY.cosign(note.text, NOW_S + 60))


def test_an_answer_that_does_not_hold_is_refused() -> None:
    note, other = signed(head(7)), KEY.cosign(head(8).text, NOW_S)
    stranger = WITNESSES[1].cosign(note.text, NOW_S)
    for body, fact in [
        (f"{other}\n".encode(), "signature"),
        (f"{stranger}\n".encode(), "unsigned"),
        (b"", "signatures"),
        (b"<html>", "newline"),
        (b"\n", "signatures"),
    ]:
        with pytest.raises(NoteError) as caught:
            add_cosignatures(note, body, [KEY.key])
        assert caught.value.facts["fact"] == fact, body


class WitnessMachine(RuleBasedStateMachine):
    """A log that may lie in every way, and a witness."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = {}
        self.heads: list[Checkpoint] = []
        self.time = NOW_S

    @property
    def size(self) -> int:
        return self.heads[-1].size if self.heads else 0

    def submit(self, checkpoint: Checkpoint, *, old: int, proof: tuple[bytes, ...]) -> int:
        self.time += 1
        body = AddCheckpoint(old, proof, signed(checkpoint)).encode()
        answer = WITNESS.add_checkpoint(body, self.state, timestamp_s=self.time)
        if answer.status == 200:
            note = add_cosignatures(signed(checkpoint), answer.body, [KEY.key])
            assert KEY.key.verify(checkpoint.text, note.signatures[-1]) == self.time
            self.heads.append(checkpoint)
        else:
            assert answer.state is self.state
        self.state = answer.state
        return answer.status

    @rule(more=st.integers(0, 5))
    def grow_honestly(self, more: int) -> None:
        size = min(self.size + more, len(LEAVES))
        forked = bool(self.heads) and self.heads[-1] != head(self.size)
        status = self.submit(head(size), old=self.size, proof=growth(self.size, size))
        assert status == 200 or forked

    @rule(size=st.integers(0, 40), old=st.integers(0, 40), forked=st.booleans(), proof_of=st.integers(0, 40))
    def lie(self, size: int, old: int, forked: bool, proof_of: int) -> None:
        leaves = FORKED if forked else LEAVES
        self.submit(head(size, leaves=leaves), old=old, proof=growth(min(proof_of, size), size, leaves))

    @precondition(lambda self: self.heads)
    @rule(size=st.integers(0, 40))
    def go_back(self, size: int) -> None:
        size = min(size, self.size)
        status = self.submit(head(size), old=self.size, proof=())
        assert status == 200 if head(size) == self.heads[-1] else status in (400, 409, 422)

    @rule()
    def send_rubbish(self) -> None:
        good = AddCheckpoint(self.size, (), signed(head(self.size)))
        other = replace(good, note=Note(good.note.text, (OTHER_LOG.sign(good.note.text),)))
        assert WITNESS.add_checkpoint(other.encode(), self.state, timestamp_s=self.time).status == 403

    @invariant()
    def heads_signed_are_one_history(self) -> None:
        for before, after in zip(self.heads, self.heads[1:], strict=False):
            assert before.size <= after.size
            if before.size == after.size:
                assert before.root == after.root
            elif before.size:
                leaves = FORKED if after == head(after.size, leaves=FORKED) else LEAVES
                verify_consistency(
                    old_size=before.size,
                    new_size=after.size,
                    proof=growth(before.size, after.size, leaves),
                    old_root=before.root,
                    new_root=after.root,
                )

    @invariant()
    def what_is_kept_is_what_was_signed_last(self) -> None:
        assert self.state == ({ORIGIN: Head(self.size, self.heads[-1].root)} if self.heads else {})


WitnessMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestWitness = WitnessMachine.TestCase
