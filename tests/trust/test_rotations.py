"""Key rotation: both keys sign, and each signs its sizes only."""

from __future__ import annotations

import pytest

from orchestra_tools.errors import ConfigurationError, NoteError
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.notes import Note, NoteSigner, sign_note
from orchestra_tools.trust.policy import TrustPolicy
from orchestra_tools.trust.rotations import HEADER, Rotation, sign_rotation
from tests.trust.logs import LOG, NOW, ORIGIN, OTHER_LOG, head, signed

SECOND, THIRD = (NoteSigner(ORIGIN, bytes([number]) * 32) for number in (51, 52))
POLICY = TrustPolicy.of([LOG.key, OTHER_LOG.key])
ROTATION = sign_rotation(LOG, SECOND, from_size=10)


def refusal(policy: TrustPolicy, note: Note) -> str:
    with pytest.raises(NoteError) as caught:
        policy.with_rotation(note)
    assert caught.value.remedy
    return str(caught.value.facts["fact"])


def signs(policy: TrustPolicy, signer: NoteSigner) -> list[int]:
    """The sizes of heads that are trusted with the signature of this key."""
    trusted, reasons = [], set()
    for size in (1, 9, 10, 11, 20, 21, 40):
        try:
            policy.check(signed(head(size), by=signer).encode(), now=NOW)
        except NoteError as error:
            reasons.add(error.facts["fact"])
        else:
            trusted.append(size)
    assert reasons <= {"retired", "unsigned"}
    return trusted


def test_the_new_key_signs_from_its_size_on_and_the_old_one_up_to_it() -> None:
    assert signs(POLICY, LOG) == [1, 9, 10, 11, 20, 21, 40]
    assert signs(POLICY, SECOND) == []
    after = POLICY.with_rotation(ROTATION.encode())
    assert signs(after, LOG) == [1, 9, 10]
    assert signs(after, SECOND) == [10, 11, 20, 21, 40]
    later = after.with_rotation(sign_rotation(SECOND, THIRD, from_size=20))
    assert (signs(later, LOG), signs(later, SECOND), signs(later, THIRD)) == ([1, 9, 10], [10, 11, 20], [20, 21, 40])
    assert POLICY.rotations == ()


def test_a_head_signed_by_both_keys_is_trusted_for_the_one_that_may_sign_it() -> None:
    after = POLICY.with_rotation(ROTATION)
    note = sign_note(head(12).text, [LOG, SECOND])
    assert after.check(note.encode(), now=NOW).log_key == SECOND.key
    assert POLICY.check(note.encode(), now=NOW).log_key == LOG.key


def test_the_same_rotation_changes_nothing_the_second_time() -> None:
    after = POLICY.with_rotation(ROTATION)
    assert after.with_rotation(str(ROTATION)) is after


def test_rotations_are_kept_in_the_text_of_a_policy_and_verified_when_it_is_read() -> None:
    after = POLICY.with_rotation(ROTATION).with_rotation(sign_rotation(SECOND, THIRD, from_size=20))
    text = after.format()
    assert TrustPolicy.parse(text) == after
    first, second = (line for line in text.splitlines() if "rotation" in line)
    with pytest.raises(ConfigurationError, match=r"no key of .* that is in use has signed it"):
        TrustPolicy.parse(text.replace(f"{first}\n", ""))
    with pytest.raises(ConfigurationError, match=r"no key of .* that is in use has signed it"):
        TrustPolicy.parse(text.replace(f"{first}\n{second}\n", f"{second}\n{first}\n"))


def test_a_key_that_was_replaced_replaces_no_other() -> None:
    after = POLICY.with_rotation(ROTATION)
    assert refusal(after, sign_rotation(LOG, THIRD, from_size=30)) == "unsigned"
    assert refusal(after, sign_rotation(SECOND, THIRD, from_size=9)) == "size"


def test_both_keys_have_to_sign() -> None:
    text = ROTATION.text
    assert refusal(POLICY, sign_note(text, [LOG])) == "possession"
    assert refusal(POLICY, sign_note(text, [SECOND])) == "unsigned"
    assert refusal(POLICY, sign_note(text, [THIRD])) == "possession"
    wrong = Note(text, (sign_note(text.replace("10", "11"), [LOG]).signatures[0], SECOND.sign(text)))
    assert refusal(POLICY, wrong) == "signature"


def test_a_key_of_another_log_or_a_known_one_takes_no_place() -> None:
    other = f"{HEADER}\n{ORIGIN}\n10\n{OTHER_LOG.key}\n"
    assert refusal(POLICY, sign_note(other, [LOG, OTHER_LOG])) == "origin"
    known = f"{HEADER}\n{ORIGIN}\n10\n{LOG.key}\n"
    assert refusal(POLICY, sign_note(known, [LOG])) == "key"
    unknown_log = TrustPolicy.of([OTHER_LOG.key])
    assert refusal(unknown_log, ROTATION) == "unsigned"
    for old, new in [(LOG, LOG), (LOG, OTHER_LOG)]:
        with pytest.raises(NoteError, match="cannot replace"):
            sign_rotation(old, new, from_size=1)
    with pytest.raises(NoteError, match="no number of leaves"):
        sign_rotation(LOG, SECOND, from_size=-1)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (f"{ORIGIN}\n10\n{SECOND.key}\n", "format"),
        (f"{HEADER}\n{ORIGIN}\n10\n", "format"),
        (f"{HEADER}\n{ORIGIN}\n10\n{SECOND.key}\nmore\n", "format"),
        (f"{HEADER}\n{ORIGIN}\n010\n{SECOND.key}\n", "format"),
        (f"{HEADER}\n{ORIGIN}\n10\n{SECOND.key}x\n", "key"),
        (head(7).text, "format"),
    ],
)
def test_what_is_no_rotation_is_refused(text: str, fact: str) -> None:
    assert refusal(POLICY, sign_note(text, [LOG, SECOND])) == fact


def test_a_rotation_is_no_checkpoint_whatever_the_log_is_called() -> None:
    for origin in ("5", HEADER, ORIGIN):
        old, new = (NoteSigner(origin, bytes([number]) * 32) for number in (1, 2))
        with pytest.raises(NoteError):
            Checkpoint.parse(sign_rotation(old, new, from_size=3).text)
        with pytest.raises(NoteError):
            Rotation.parse(signed(head(7, origin=origin), by=old))
