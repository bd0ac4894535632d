"""Signed notes: what Go and C2SP publish, every way to be malformed, and keys."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from orchestra_tools.errors import NoteError, OrchestraError
from orchestra_tools.trust.keys import is_key_name, key_id_of
from orchestra_tools.trust.notes import (
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    open_note,
    sign_note,
    verify_signatures,
)
from tests.trust import independent_reader

MINE = NoteSigner("example.com/mine", bytes([1]) * 32)
THEIRS = NoteSigner("example.com/theirs", bytes([2]) * 32)
TEXT = "first line\n\nüber all\n"
GOOD = sign_note(TEXT, [MINE, THEIRS])


def fact_of(error: OrchestraError) -> str:
    assert error.remedy
    return str(error.facts["fact"])


def refusal(data: bytes | str, *keys: VerifierKey) -> str:
    with pytest.raises(NoteError, match="the note does not hold") as caught:
        open_note(data, keys or [MINE.key, THEIRS.key])
    return fact_of(caught.value)


def go_vectors(test_data: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((test_data / "vectors" / "go-sumdb" / "note_vectors.json").read_text("utf-8"))
    return loaded


def test_notes_that_go_opens_open_and_the_same_keys_are_verified(test_data: Path) -> None:
    vectors = go_vectors(test_data)
    assert len(vectors["open_ok"]) == 2
    for case in vectors["open_ok"]:
        opened = open_note(case["msg"], [VerifierKey.parse(vectors["vkeys"][name]) for name in case["known"]])
        assert opened.note.text == vectors["text"]
        assert [key.name for key in opened.verified] == case["verified"]
        unverified = [each.name for each in opened.note.signatures if each.name not in case["verified"]]
        assert unverified == case["unverified"]
        assert str(opened.note) == case["msg"]


def test_notes_that_go_refuses_are_refused_each_for_its_reason(test_data: Path) -> None:
    vectors = go_vectors(test_data)
    facts = []
    for case in vectors["open_fail"]:
        data = case["msg"].encode() if "msg" in case else bytes.fromhex(case["msg_hex"])
        with pytest.raises(NoteError) as caught:
            open_note(data, [VerifierKey.parse(vectors["vkeys"][name]) for name in case["known"]])
        facts.append(fact_of(caught.value))
    assert facts == [
        "unsigned",
        "signature_count",
        "signature",
        "signatures",
        "signatures",
        "newline",
        "control",
        "encoding",
        "newline",
        "signature_line",
    ]


def test_keys_of_go_are_read_and_written_and_sign_as_go_does(test_data: Path) -> None:
    vectors = go_vectors(test_data)
    for vkey in vectors["vkeys"].values():
        assert str(VerifierKey.parse(vkey)) == vkey
    for vkey in vectors["bad_vkeys"]:
        with pytest.raises(NoteError, match="the key cannot be used"):
            VerifierKey.parse(vkey)
    signer = NoteSigner.parse(vectors["skey_peter"])
    assert signer.skey == vectors["skey_peter"]
    assert str(signer.key) == vectors["vkeys"]["peter"]
    note = sign_note(vectors["text"], [signer])
    assert vectors["open_ok"][0]["msg"].startswith(str(note))


def test_the_example_of_the_specification_opens(test_data: Path) -> None:
    examples = json.loads((test_data / "vectors" / "c2sp" / "c2sp_examples.json").read_text("utf-8"))["signed_note"]
    opened = open_note(examples["note"].encode(), [VerifierKey.parse(examples["vkey"])])
    assert opened.note.text == examples["text"]
    assert opened.note.encode() == examples["note"].encode()


def test_a_reader_that_shares_no_code_takes_our_keys_and_signatures() -> None:
    text = f"{MINE.key.name}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    key = independent_reader.read_vkey(str(MINE.key))
    origin, size, _ = independent_reader.read_checkpoint(sign_note(text, [MINE, THEIRS]).encode(), key)
    assert (origin, size) == (MINE.key.name, 0)


@pytest.mark.parametrize(
    ("bad", "fact"),
    [
        (str(GOOD).replace("\n", "\r\n"), "control"),
        (str(GOOD).replace("first", "fir\tst"), "control"),
        (str(GOOD).replace("first", "fir\x00st"), "control"),
        (str(GOOD).replace("— example.com/mine", "— example.com/mine\x1b"), "control"),
        (str(GOOD)[:-1], "newline"),
        (str(GOOD).replace("—", "-"), "signature_line"),
        (str(GOOD).replace("—", "–"), "signature_line"),
        (str(GOOD).replace("— ", "—  "), "signature_line"),
        (str(GOOD).replace("— ", "—"), "signature_line"),
        (str(GOOD).replace("mine ", "mine  "), "signature_line"),
        (str(GOOD).replace("example.com/mine", "example.com/mi+ne"), "signature_line"),
        (str(GOOD).replace("example.com/mine", "example.com/mi\u3000ne"), "signature_line"),
        (str(GOOD).replace("example.com/mine", ""), "signature_line"),
        (str(GOOD) + "— example.com/x AAAAAA==\n", "signature_line"),
        (str(GOOD) + "— example.com/x AAAA\n", "signature_line"),
        (str(GOOD) + "— example.com/x \n", "signature_line"),
        (str(GOOD) + "— example.com/x\n", "signature_line"),
        (str(GOOD) + "— example.com/x AAAAAAB=\n", "signature_line"),
        (str(GOOD) + "— example.com/x AAAAAAA\n", "signature_line"),
        (str(GOOD) + "— example.com/x AAAAA_-_\n", "signature_line"),
        (str(GOOD) + "— example.com/x AAAA AAAA\n", "signature_line"),
        (str(GOOD) + "— example.com/x ＡAAAAAAA\n", "signature_line"),
        (str(GOOD) + "another line\n", "signature_line"),
        (str(GOOD) + "\n", "signatures"),
        (TEXT, "signature_line"),
        (TEXT.replace("\n\n", "\n"), "signatures"),
        ("", "signatures"),
        ("\n\n", "signatures"),
        (str(GOOD).replace("über", "unter"), "signature"),
        (b"\xff" + GOOD.encode(), "encoding"),
        (b"\xef\xbb\xbf" + GOOD.encode(), "signature"),
        (str(GOOD).encode("utf-16"), "encoding"),
        ("\ud800" + str(GOOD), "encoding"),
        ("x" * 5_000_000 + str(GOOD), "size"),
        (b"x" * 5_000_000, "size"),
    ],
)
def test_a_malformed_note_is_refused_and_the_error_says_why(bad: str | bytes, fact: str) -> None:
    assert refusal(bad) == fact


def test_a_note_has_at_most_a_million_bytes_and_a_hundred_signatures() -> None:
    text = "x" * (1_000_000 - len(f"\n\n{MINE.sign('x' * 10 + chr(10))}\n".encode())) + "\n"
    largest = sign_note(text, [MINE])
    assert len(largest.encode()) == 1_000_000
    assert open_note(largest.encode(), [MINE.key]).note == largest
    assert refusal(b"x" + largest.encode()) == "size"
    strangers = tuple(NoteSignature(f"example.com/{number}", b"abcd", b"x") for number in range(99))
    full = Note(TEXT, (*strangers, MINE.sign(TEXT)))
    assert open_note(full.encode(), [MINE.key]).verified == (MINE.key,)
    assert refusal(full.encode() + f"{THEIRS.sign(TEXT)}\n".encode()) == "signature_count"


def test_signatures_of_unknown_keys_are_ignored_also_those_that_share_a_name_or_an_id() -> None:
    same_name = NoteSignature(MINE.key.name, b"abcd", b"x" * 64)
    same_id = NoteSignature("example.com/else", MINE.key.key_id, b"x" * 64)
    note = Note(TEXT, (same_name, same_id, MINE.sign(TEXT)))
    assert open_note(note, [MINE.key]).verified == (MINE.key,)
    assert refusal(str(Note(TEXT, (same_name, same_id)))) == "unsigned"


def test_a_wrong_signature_of_a_known_key_spoils_the_note_whatever_stands_beside_it() -> None:
    wrong = NoteSignature(MINE.key.name, MINE.key.key_id, bytes(64))
    for signatures in ((wrong, MINE.sign(TEXT)), (MINE.sign(TEXT), wrong), (THEIRS.sign(TEXT), wrong)):
        assert refusal(str(Note(TEXT, signatures))) == "signature"
    assert open_note(Note(TEXT, (THEIRS.sign(TEXT), wrong)), [THEIRS.key]).verified == (THEIRS.key,)


def test_a_signature_that_stands_there_twice_counts_once() -> None:
    note = Note(TEXT, (MINE.sign(TEXT),) * 3)
    assert verify_signatures(Note.parse(str(note)), [MINE.key, MINE.key]) == ((MINE.key, MINE.sign(TEXT)),)
    assert open_note(note, [MINE.key]).verified == (MINE.key,)


def test_nobody_is_trusted_by_default() -> None:
    with pytest.raises(NoteError) as caught:
        open_note(GOOD, [])
    assert caught.value.facts["signed_by"] == [f"{key.name}+{key.key_id.hex()}" for key in (MINE.key, THEIRS.key)]


def test_every_flipped_bit_of_a_note_is_detected() -> None:
    data = GOOD.encode()
    facts = set()
    for at in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            try:
                verified = open_note(bytes(flipped), [MINE.key, THEIRS.key]).verified
            except NoteError as error:
                facts.add(fact_of(error))
            else:
                # The name or the ID in a line: it is no more a line of that key.
                assert len(verified) == 1
    assert facts == {"control", "encoding", "newline", "signature", "signature_line"}


def test_only_a_text_that_can_be_read_back_is_signed() -> None:
    for text, fact in [("no newline", "text"), ("a\rb\n", "control"), ("\ud800\n", "encoding"), ("", "text")]:
        with pytest.raises(NoteError) as caught:
            sign_note(text, [MINE])
        assert fact_of(caught.value) == fact
    for signatures, fact in [((), "signatures"), ((MINE.sign(TEXT),) * 101, "signature_count")]:
        with pytest.raises(NoteError) as caught:
            Note(TEXT, signatures)
        assert fact_of(caught.value) == fact
    with pytest.raises(NoteError):
        MINE.sign("x" * 1_000_001 + "\n")


@given(
    st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])), min_size=1),
    st.lists(st.tuples(st.text(min_size=1).filter(is_key_name), st.binary(min_size=5, max_size=99)), max_size=20),
)
@example([""], [])
@example(["", "", ""], [("—", b"12345")])
def test_a_note_is_the_same_after_it_was_written_and_read(lines: list[str], signers: list[tuple[str, bytes]]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    more = (NoteSignature(name, data[:4], data[4:]) for name, data in signers)
    note = Note(text, (MINE.sign(text), *more))
    assert Note.parse(note.encode()) == Note.parse(str(note)) == note
    assert MINE.key in open_note(note.encode(), [MINE.key]).verified


@given(st.binary(max_size=200))
@example(b"a\n\n\xe2\x80\x94 a AAAAAAA=\n")
def test_whatever_is_read_is_written_back_byte_for_byte(data: bytes) -> None:
    try:
        note = Note.parse(data)
    except NoteError:
        return
    assert note.encode() == data


# Keys


def test_a_key_is_the_same_after_it_was_written_and_read() -> None:
    signer = NoteSigner.generate("example.com/new")
    assert NoteSigner.parse(signer.skey).key == VerifierKey.parse(str(signer.key)) == signer.key
    assert signer.key.key_id == key_id_of("example.com/new", 1, signer.key.public_key)
    assert NoteSigner.generate("example.com/new").key != signer.key


def test_base64_with_a_plus_in_it_does_not_break_a_key_apart() -> None:
    seeds = (number.to_bytes(32, "big") for number in range(1000))
    keys = [str(NoteSigner("example.com/plus", seed).key) for seed in seeds]
    with_plus = [key for key in keys if key.count("+") > 2]
    assert with_plus
    assert [str(VerifierKey.parse(key)) for key in with_plus] == with_plus


def test_a_private_key_is_in_no_repr_and_in_no_error() -> None:
    signer = NoteSigner.generate("example.com/secret")
    secret = signer.skey.rpartition("+")[2]
    assert secret not in repr(signer)
    for bad in (signer.skey[:-1], f"{signer.skey}A", signer.skey.replace("+example", "example"), signer.skey.lower()):
        with pytest.raises(NoteError) as caught:
            NoteSigner.parse(bad)
        error: BaseException | None = caught.value
        while error is not None:
            assert secret[:12].lower() not in str(error).lower()
            error = error.__cause__
    with pytest.raises(NoteError, match="a private key, and a public one belongs here") as caught:
        VerifierKey.parse(signer.skey)
    assert secret[:12] not in str(caught.value.to_dict())


def test_a_private_key_whose_name_was_changed_is_refused() -> None:
    signer = NoteSigner.generate("example.com/a")
    with pytest.raises(NoteError, match="does not have the ID"):
        NoteSigner.parse(signer.skey.replace("example.com/a", "example.com/b"))
    encoded = base64.b64encode(b"\x04" + bytes(32)).decode()
    with pytest.raises(NoteError, match="no private key for Ed25519 notes"):
        NoteSigner.parse(f"PRIVATE+KEY+example.com/a+00000000+{encoded}")
    with pytest.raises(NoteError, match="a private key of 31 bytes"):
        NoteSigner("example.com/a", bytes(31))


def vkey(name: str, data: bytes) -> str:
    return f"{name}+{key_id_of(name, data[0], data[1:]).hex()}+{base64.b64encode(data).decode()}"


PUBLIC = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "example.com",
        "example.com+00000000",
        "example.com+00000000+",
        "example.com+0000000+AQ==",
        "example.com+000000000+AQ==",
        "+00000000+AQ==",
        vkey("example.com", b"\x01" + PUBLIC).upper(),
        vkey("example.com", b"\x01" + PUBLIC) + "\n",
        " " + vkey("example.com", b"\x01" + PUBLIC),
        vkey("example.com", b"\x01" + PUBLIC).replace("example", "else"),
        vkey("exam ple.com", b"\x01" + PUBLIC),
        vkey("exam\u2003ple.com", b"\x01" + PUBLIC),
        vkey("exam\x7f\nple.com", b"\x01" + PUBLIC),
        vkey("example.com", b"\x01" + PUBLIC[:31]),
        vkey("example.com", b"\x01" + PUBLIC + b"\x00"),
        vkey("example.com", b"\x02" + PUBLIC),
        vkey("example.com", b"\x04" + PUBLIC),
        vkey("example.com", b"\xff" + PUBLIC),
    ],
)
def test_what_is_no_key_for_notes_is_refused(bad: str) -> None:
    with pytest.raises(NoteError) as caught:
        VerifierKey.parse(bad)
    assert fact_of(caught.value) == "key"


PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME  # edwards25519, RFC 7748, 4.1
ORDER = 2**252 + 27742317777372353535851937790883648493
Point = tuple[int, int]


def add(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    k = D * x1 * x2 * y1 * y2 % PRIME
    x = (x1 * y2 + x2 * y1) * pow(1 + k, -1, PRIME) % PRIME
    return x, (y1 * y2 + x1 * x2) * pow(1 - k, -1, PRIME) % PRIME


def multiply(factor: int, point: Point) -> Point:
    product = (0, 1)
    while factor:
        if factor & 1:
            product = add(product, point)
        point, factor = add(point, point), factor >> 1
    return product


def points_of_small_order() -> set[Point]:
    """The order of the base point times any point gives one, and soon all of them."""
    found = set()
    for y in range(2, 40):
        u, v = y * y - 1, D * y * y + 1
        square = u * pow(v, -1, PRIME) % PRIME
        x = pow(square, (PRIME + 3) // 8, PRIME)
        for root in (x, x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME):
            if root * root % PRIME == square:
                found |= {multiply(ORDER, (root, y)), multiply(ORDER, (PRIME - root, y))}
    return found


def test_a_point_of_small_order_is_no_key_since_anybody_can_sign_for_it() -> None:
    points = points_of_small_order()
    assert len(points) == 8
    for x, y in points:
        for number in {y, y + PRIME} if y < 19 else {y}:
            for sign in {x & 1, 1}:
                with pytest.raises(NoteError, match="small order"):
                    VerifierKey.of("example.com", (number | sign << 255).to_bytes(32, "little"))


def test_a_key_that_is_no_point_at_all_verifies_nothing() -> None:
    key = VerifierKey.of("example.com", bytes([2]) + bytes(31))
    assert not key.holds("text\n", bytes(64))
    assert not MINE.key.holds("text\n", b"")


def test_names_that_cannot_stand_in_a_line_are_no_names() -> None:
    for name in ("", "a b", "a+b", "a\u00a0b", "a\u2028b", "a\tb", "a\x00b", "\ud800"):
        assert not is_key_name(name)
        with pytest.raises(NoteError):
            VerifierKey.of(name, PUBLIC)
    assert is_key_name("—ü😀")
