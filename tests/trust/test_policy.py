"""Trust policies: who signs, how many witnesses, how lately; heads that contradict each other."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.errors import ConfigurationError, ForkError, NoteError, ProofError, RollbackError, StaleError
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.cosignatures import COSIGNATURE_ML_DSA_44, CosignatureSigner
from orchestra_tools.trust.merkle import leaf_hash
from orchestra_tools.trust.notes import Note, NoteSignature, NoteSigner
from orchestra_tools.trust.policy import MAX_AGE, TrustPolicy, compare_heads
from orchestra_tools.trust.quorums import Group, Quorum, WitnessKey
from tests.trust.logs import (
    LEAVES,
    LOG,
    NOW,
    NOW_S,
    ORIGIN,
    OTHER_LOG,
    WITNESSES,
    cosigned,
    growth,
    head,
    signed,
)

KEYS = [each.key for each in WITNESSES]
TWO_OF_THREE = TrustPolicy.of([LOG.key], KEYS[:3], quorum=2)
ALONE = TrustPolicy.of([LOG.key])
OLD = NOW_S - round(MAX_AGE.total_seconds())


def refusal(policy: TrustPolicy, note: Note | bytes, *, now: datetime = NOW) -> str:
    with pytest.raises(NoteError) as caught:
        policy.check(note.encode() if isinstance(note, Note) else note, now=now)
    assert caught.value.remedy
    return str(caught.value.facts["fact"])


def test_a_head_with_enough_fresh_cosignatures_is_trusted() -> None:
    note = cosigned(head(7), [NOW_S - 30, NOW_S - 10]).encode()
    trusted = TWO_OF_THREE.check(note, now=NOW)
    assert trusted.checkpoint == head(7)
    assert trusted.note == note
    assert trusted.log_key == LOG.key
    assert trusted.witnesses == ((KEYS[1].name, NOW_S - 10), (KEYS[0].name, NOW_S - 30))
    assert trusted.vouched_at == NOW_S - 30
    assert TWO_OF_THREE.check(note.decode(), now=NOW) == trusted


def test_without_a_quorum_the_signature_of_the_log_is_enough_and_there_is_no_time() -> None:
    trusted = ALONE.check(signed(head(7)).encode(), now=NOW)
    assert (trusted.witnesses, trusted.vouched_at) == ((), None)
    with_witnesses = TrustPolicy.of([LOG.key], KEYS, quorum=0)
    assert with_witnesses.quorum.is_met_by(())
    assert with_witnesses.check(cosigned(head(7), [5]).encode(), now=NOW).witnesses == ((KEYS[0].name, 5),)


def test_a_log_that_is_not_pinned_is_not_trusted() -> None:
    assert refusal(ALONE, signed(head(7, origin=OTHER_LOG.key.name), by=OTHER_LOG)) == "origin"
    assert refusal(TrustPolicy.of([]), signed(head(7))) == "origin"
    assert refusal(ALONE, signed(head(7), by=OTHER_LOG)) == "unsigned"
    assert refusal(TrustPolicy.of([LOG.key, OTHER_LOG.key]), signed(head(7), by=OTHER_LOG)) == "unsigned"
    impostor = NoteSigner(ORIGIN, bytes([9]) * 32)
    assert refusal(ALONE, signed(head(7), by=impostor)) == "unsigned"


def test_what_is_no_checkpoint_is_not_trusted() -> None:
    text = "some text\n"
    assert refusal(ALONE, Note(text, (LOG.sign(text),))) == "lines"
    assert refusal(ALONE, b"") == "signatures"


def test_too_few_cosignatures_are_too_few_and_the_error_says_whose_are_there() -> None:
    with pytest.raises(NoteError, match=r"needs cosignatures of 2 of .*, and has those of 'validator-0\.example'"):
        TWO_OF_THREE.check(cosigned(head(7), [NOW_S]).encode(), now=NOW)
    assert refusal(TWO_OF_THREE, signed(head(7))) == "quorum"
    strangers = cosigned(head(7), [NOW_S] * 5).signatures
    assert refusal(TWO_OF_THREE, Note(head(7).text, (*strangers[:2], *strangers[4:]))) == "quorum"


def test_cosignatures_of_one_witness_count_once_and_the_newest_counts() -> None:
    text = head(7).text
    lines = tuple(WITNESSES[0].cosign(text, NOW_S - age) for age in (5, 1, 9))
    note = Note(text, (LOG.sign(text), *lines))
    assert refusal(TWO_OF_THREE, note) == "quorum"
    policy = TrustPolicy.of([LOG.key], KEYS[:1], quorum=1)
    assert policy.check(note.encode(), now=NOW).witnesses == ((KEYS[0].name, NOW_S - 1),)


def test_a_wrong_cosignature_of_a_known_witness_spoils_the_head() -> None:
    text = head(7).text
    wrong = NoteSignature(KEYS[2].name, KEYS[2].key_id, struct.pack(">Q", NOW_S) + bytes(64))
    assert refusal(TWO_OF_THREE, Note(text, (*cosigned(head(7), [NOW_S, NOW_S]).signatures, wrong))) == "signature"


def test_the_kth_newest_cosignature_may_be_as_old_as_the_policy_says_and_no_older() -> None:
    assert TWO_OF_THREE.check(cosigned(head(7), [NOW_S, OLD]).encode(), now=NOW).vouched_at == OLD
    assert TWO_OF_THREE.check(cosigned(head(7), [1, NOW_S, OLD]).encode(), now=NOW).vouched_at == OLD
    stale = cosigned(head(7), [NOW_S, OLD - 1, 5]).encode()
    with pytest.raises(
        StaleError, match=r"vouched for the head of 'ledger\.example/log' only 901 seconds ago"
    ) as caught:
        TWO_OF_THREE.check(stale, now=NOW)
    assert caught.value.remedy
    assert (caught.value.facts["age_s"], caught.value.facts["limit_s"]) == (901, 900)
    assert TWO_OF_THREE.check(stale, now=NOW, fresh=False).vouched_at == OLD - 1
    patient = TrustPolicy.of([LOG.key], KEYS[:3], quorum=2, max_age=None)
    assert patient.check(stale, now=NOW + timedelta(days=9999)).vouched_at == OLD - 1


def test_a_cosignature_from_the_future_does_not_count_and_shuts_nobody_out() -> None:
    ahead = NOW_S + round(TWO_OF_THREE.max_skew.total_seconds())
    assert TWO_OF_THREE.check(cosigned(head(7), [ahead, NOW_S]).encode(), now=NOW).vouched_at == NOW_S
    with pytest.raises(NoteError, match=r"ahead of the time: 'validator-0\.example'") as caught:
        TWO_OF_THREE.check(cosigned(head(7), [ahead + 1, NOW_S]).encode(), now=NOW)
    assert caught.value.facts["ahead"] == [KEYS[0].name]
    trusted = TWO_OF_THREE.check(cosigned(head(7), [2**63 - 1, NOW_S, NOW_S]).encode(), now=NOW)
    assert [name for name, _ in trusted.witnesses] == [KEYS[1].name, KEYS[2].name]


def test_a_time_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="time zone"):
        ALONE.check(signed(head(7)).encode(), now=NOW.replace(tzinfo=None))


@given(
    st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))),
    st.lists(st.one_of(st.none(), st.integers(-2000, 400)), min_size=5, max_size=5),
)
def test_a_head_is_trusted_exactly_if_k_of_n_cosigned_it_in_time(
    sizes: tuple[int, int], offsets: Sequence[int | None]
) -> None:
    n, k = sizes
    policy = TrustPolicy.of([LOG.key], KEYS[:n], quorum=k)
    text = head(3).text
    lines = [
        witness.cosign(text, NOW_S + offset)
        for witness, offset in zip(WITNESSES, offsets, strict=True)
        if offset is not None
    ]
    note = Note(text, (LOG.sign(text), *lines)).encode()
    counted = sorted((offset for offset in offsets[:n] if offset is not None and offset <= 120), reverse=True)
    if len(counted) < k:
        assert refusal(policy, note) == "quorum"
    elif counted[k - 1] < -900:
        with pytest.raises(StaleError):
            policy.check(note, now=NOW)
    else:
        assert policy.check(note, now=NOW).vouched_at == NOW_S + counted[k - 1]


def test_every_flipped_bit_of_a_head_is_detected_and_the_error_says_where() -> None:
    policy = TrustPolicy.of([LOG.key], KEYS[:2], quorum=2)
    data = cosigned(head(7), [NOW_S - 1, NOW_S - 2]).encode()
    text, lines = data.split(b"\n\n")
    log_line, first, second = lines.split(b"\n")[:3]
    facts: dict[str, set[str]] = {}
    for at in range(len(data)):
        part = next(
            name
            for name, piece in [("text", text), ("log", log_line), ("cosignature", first), ("cosignature", second)]
            if data.index(piece) <= at <= data.index(piece) + len(piece) + (piece is text)
        )
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            facts.setdefault(part, set()).add(refusal(policy, bytes(flipped)))
    assert facts["text"] >= {"signature", "origin", "size", "root", "control", "encoding"}
    assert facts["log"] >= {"signature", "unsigned", "signature_line", "encoding"}
    assert facts["cosignature"] >= {"signature", "quorum", "signature_line", "newline"}


# The text of a policy

ML_DSA = CosignatureSigner("pq.example", bytes(32), algorithm=COSIGNATURE_ML_DSA_44)
EXAMPLE = f"""# a policy with two levels of groups
log {LOG.key} https://ledger.example/

witness X1 {KEYS[0]}
\twitness X2  {KEYS[1]}\thttps://validator-1.example/
witness X3 {KEYS[2]}
group X-witnesses 2 X1 X2 X3
log {OTHER_LOG.key}
witness Y1 {KEYS[3]}
witness Y2 {ML_DSA.key}
group Y-witnesses any Y1 Y2
   # another comment
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
witness unused {KEYS[4]}
#orchestra max-age 60
#orchestra max-manifest-age none
#orchestrated comments are comments
"""


def test_a_policy_with_groups_of_groups_is_read_and_asks_for_all_of_it() -> None:
    policy = TrustPolicy.parse(EXAMPLE)
    assert policy == TrustPolicy.parse(EXAMPLE.encode())
    assert [each.key for each in policy.logs] == [LOG.key, OTHER_LOG.key]
    assert policy.logs[0].url == "https://ledger.example/"
    assert (policy.max_age, policy.max_manifest_age) == (timedelta(seconds=60), None)
    quorum = policy.quorum
    assert quorum.groups[2] == Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses"))
    assert quorum.witnesses[1] == WitnessKey("X2", KEYS[1], "https://validator-1.example/")
    for names, met in [
        ("X1 X2 Y1", True),
        ("X1 X3 Y2", True),
        ("X1 X2 X3", False),
        ("X1 Y1 Y2", False),
        ("X1 X2 unused", False),
        ("", False),
    ]:
        assert quorum.is_met_by(names.split()) is met
    text = head(7).text
    lines = [LOG.sign(text), WITNESSES[1].cosign(text, NOW_S), ML_DSA.cosign(text, NOW_S - 9)]
    assert refusal(policy, Note(text, tuple(lines))) == "quorum"
    note = Note(text, (*lines, WITNESSES[2].cosign(text, NOW_S - 3)))
    trusted = policy.check(note.encode(), now=NOW)
    assert [name for name, _ in trusted.witnesses] == ["X2", "X3", "Y2"]
    assert trusted.vouched_at == NOW_S - 9


def test_a_policy_is_the_same_after_it_was_written_and_read() -> None:
    for policy in (TrustPolicy.parse(EXAMPLE), TWO_OF_THREE, ALONE, TrustPolicy.of([], KEYS)):
        assert TrustPolicy.parse(policy.format()) == policy
        assert TrustPolicy.parse(policy.format()).format() == policy.format()


def test_ages_are_those_of_the_text_then_of_the_caller_then_the_usual_ones() -> None:
    short = timedelta(seconds=5)
    assert TrustPolicy.parse("quorum none").max_age == MAX_AGE
    assert TrustPolicy.parse("quorum none", max_age=short).max_age == short
    assert TrustPolicy.parse("quorum none\n#orchestra max-age 7\n", max_age=short).max_age == timedelta(seconds=7)
    assert TrustPolicy.parse("quorum none\n#orchestra max-age none\n", max_age=short).max_age is None


def test_octets_that_are_no_utf_8_are_names_like_others() -> None:
    text = b"witness K\xff " + str(KEYS[0]).encode() + b"\nquorum K\xff\n"
    policy = TrustPolicy.parse(text)
    assert policy.format().encode("utf-8", "surrogateescape").startswith(text)
    with pytest.raises(ConfigurationError, match="line 2"):
        TrustPolicy.parse(text.replace(b"quorum K\xff", b"quorum K\xfe"))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", None, "no line says what the quorum is"),
        (f"log {LOG.key}\n", None, "no line says what the quorum is"),
        ("quorum\n", 1, "begins with 'quorum'"),
        ("quorum none none\n", 1, "begins with 'quorum'"),
        ("quorum none\nquorum none\n", 2, "defined before"),
        ("quorum X\n", 1, "neither a witness nor a group"),
        (f"quorum X\nwitness X {KEYS[0]}\n", 1, "neither a witness nor a group"),
        ("log\n", 1, "begins with 'log'"),
        (f"log {LOG.key} a b\n", 1, "begins with 'log'"),
        (f"log {LOG.key}x\n", 1, "base64"),
        (f"log {KEYS[0]}\n", 1, "0x04"),
        (f"log {LOG.skey}\n", 1, "a private key"),
        (f"log {LOG.key}\nlog {LOG.key}\nquorum none\n", None, "two logs have one key"),
        (f"witness X {LOG.key}\n", 1, "0x01"),
        (f"witness {KEYS[0]}\n", 1, "begins with 'witness'"),
        (f"witness none {KEYS[0]}\n", 1, "no name"),
        (f"witness X {KEYS[0]}\nwitness X {KEYS[1]}\n", 2, "used twice"),
        (f"witness X {KEYS[0]}\nwitness Y {KEYS[0]}\n", 2, "the key of another"),
        (f"witness X {KEYS[0]}\ngroup X 1 X\n", 2, "used twice"),
        (f"witness X {KEYS[0]}\ngroup G 2 X\n", 2, "asks for 2 of 1"),
        (f"witness X {KEYS[0]}\ngroup G 0 X\n", 2, "asks for 0 of 1"),
        (f"witness X {KEYS[0]}\ngroup G 01 X\n", 2, "decimal"),
        (f"witness X {KEYS[0]}\ngroup G most X\n", 2, "decimal"),
        (f"witness X {KEYS[0]}\ngroup G 1\n", 2, "begins with 'group'"),
        (f"witness X {KEYS[0]}\ngroup G any X X\n", 2, "a member twice"),
        (f"witness X {KEYS[0]}\ngroup G any X\ngroup H any G X\n", 3, "a member twice"),
        (f"witness X {KEYS[0]}\ngroup G any Y\n", 2, "not defined before"),
        (f"witness X {KEYS[0]}\ngroup G any none\n", 2, "not defined before"),
        ("group G any G\n", 1, "not defined before"),
        ("quorum none\r\n", 1, "control character"),
        ("quorum none\x00\n", 1, "control character"),
        ("quorum\u2003none\n", 1, "begins with"),
        ("Quorum none\n", 1, "begins with 'Quorum'"),
        ("quorum none\n#orchestra max-ages 5\n", 2, "is no setting"),
        ("quorum none\n#orchestra max-age\n", 2, "begins with '#orchestra'"),
        ("quorum none\n#orchestra max-age 0\n", 2, "from 1 to"),
        ("quorum none\n#orchestra max-age 1.5\n", 2, "decimal"),
        ("quorum none\n#orchestra max-age 5\n#orchestra max-age 5\n", 3, "set before"),
        ("quorum none\n#orchestra rotation AAAA\n", 2, "the note does not hold"),
        ("quorum none\n#orchestra rotation *\n", 2, "not base64"),
        ("x" * 1_000_001, None, "more than"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_and_the_error_says_where(
    text: str, line: int | None, problem: str
) -> None:
    with pytest.raises(ConfigurationError, match="the trust policy cannot be used") as caught:
        TrustPolicy.parse(text)
    assert problem in caught.value.problem
    assert caught.value.remedy
    assert caught.value.facts.get("line") == line
    assert LOG.skey[-20:] not in str(caught.value.to_dict())


def test_a_policy_made_by_a_program_keeps_the_same_rules() -> None:
    with pytest.raises(ConfigurationError, match="asks for 3 of 2"):
        TrustPolicy.of([LOG.key], KEYS[:2], quorum=3)
    with pytest.raises(ConfigurationError, match="asks for -1"):
        TrustPolicy.of([LOG.key], KEYS[:2], quorum=-1)
    with pytest.raises(ConfigurationError, match="two logs have one key"):
        TrustPolicy.of([LOG.key, LOG.key])
    with pytest.raises(ConfigurationError, match="more than 1,000"):
        Quorum(groups=(Group("g", 1, ()),) * 1001)
    with pytest.raises(NoteError, match=r"needs cosignatures of 'validator-0\.example'"):
        TrustPolicy(ALONE.logs, Quorum((WitnessKey(KEYS[0].name, KEYS[0]),), name=KEYS[0].name)).check(
            signed(head(7)).encode(), now=NOW
        )


def test_32_logs_witnesses_and_groups_are_not_too_many() -> None:
    lines = [f"log {NoteSigner(f'log-{number}.example', bytes([number]) * 32).key}" for number in range(32)]
    signers = [CosignatureSigner(f"w-{number}.example", bytes([99 + number]) * 32) for number in range(32)]
    lines += [f"witness w{number} {signer.key}" for number, signer in enumerate(signers)]
    lines += ["group g0 any w0"] + [f"group g{number} all g{number - 1} w{number}" for number in range(1, 32)]
    policy = TrustPolicy.parse("\n".join([*lines, "quorum g31", ""]))
    assert policy.quorum.is_met_by([f"w{number}" for number in range(32)])
    assert not policy.quorum.is_met_by([f"w{number}" for number in range(1, 32)])


# Heads that contradict each other

FORKED = [*LEAVES[:5], *(leaf_hash(b"forked %d" % number) for number in range(35))]


def never(old: int, new: int) -> Sequence[bytes]:
    pytest.fail(f"no proof from {old} to {new} is needed")


def test_a_log_that_grows_or_stays_is_no_conflict() -> None:
    compare_heads(None, signed(head(7)), never)
    compare_heads(signed(head(7)).encode(), cosigned(head(7), [NOW_S]).encode(), never)
    compare_heads(signed(head(0)), str(signed(head(7))), never)
    extended = Checkpoint(ORIGIN, 7, head(7).root, ("x",))
    compare_heads(signed(head(7)), signed(extended), never)
    for old in range(1, 12):
        compare_heads(signed(head(old)).encode(), signed(head(12)).encode(), growth)


def test_two_heads_of_one_size_are_a_fork_and_both_notes_are_kept() -> None:
    kept, shown = signed(head(7)), signed(head(7, leaves=FORKED))
    with pytest.raises(ForkError, match="signed two heads of 7 leaves") as caught:
        compare_heads(kept.encode(), shown.encode(), never)
    assert (caught.value.kept, caught.value.shown) == (str(kept), str(shown))
    assert caught.value.remedy


def test_a_smaller_head_is_a_rollback_and_both_notes_are_kept() -> None:
    for size in (0, 1, 6):
        with pytest.raises(RollbackError, match=f"shows {size} leaves, and has shown 7 before") as caught:
            compare_heads(signed(head(7)), signed(head(size)), never)
        assert (caught.value.kept, caught.value.shown) == (str(signed(head(7))), str(signed(head(size))))


def test_a_larger_head_that_does_not_grow_out_of_the_one_kept_is_a_fork() -> None:
    kept, shown = signed(head(7)), signed(head(12, leaves=FORKED))
    for proof in (growth(7, 12), growth(7, 12, FORKED), ()):
        with pytest.raises(ForkError, match="does not grow out of the one of 7") as caught:
            compare_heads(kept, shown, lambda _old, _new, proof=proof: proof)
        assert isinstance(caught.value.__cause__, ProofError)
        assert (caught.value.kept, caught.value.shown) == (str(kept), str(shown))


def test_heads_of_two_logs_are_not_compared() -> None:
    with pytest.raises(NoteError) as caught:
        compare_heads(signed(head(7)), signed(head(7, origin=OTHER_LOG.key.name), by=OTHER_LOG), never)
    assert caught.value.facts["fact"] == "origin"


def test_the_time_of_a_reader_may_be_in_any_zone() -> None:
    note = cosigned(head(7), [NOW_S, NOW_S]).encode()
    assert TWO_OF_THREE.check(note, now=datetime.fromtimestamp(NOW_S, UTC).astimezone()).vouched_at == NOW_S
