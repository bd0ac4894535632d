"""Checkpoints: published ones are read, and a value has one spelling."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestra_tools.errors import NoteError
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.merkle import EMPTY_ROOT
from orchestra_tools.trust.notes import VerifierKey, open_note

TESSERA_VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
GOOD = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"


def refusal(text: str) -> str:
    with pytest.raises(NoteError, match="the checkpoint does not hold") as caught:
        Checkpoint.parse(text)
    assert caught.value.remedy
    return str(caught.value.facts["fact"])


def test_the_16_checkpoints_of_tessera_are_opened_with_its_key(test_data: Path) -> None:
    folder = test_data / "vectors" / "tessera-testlog" / "testdata" / "log"
    for size in range(16):
        data = (folder / f"checkpoint.{size}").read_bytes()
        opened = open_note(data, [VerifierKey.parse(TESSERA_VKEY)])
        checkpoint = Checkpoint.parse(opened.note.text)
        assert (checkpoint.origin, checkpoint.size) == ("example.com/log/testdata", size)
        assert checkpoint.text == opened.note.text
        assert opened.note.encode() == data


def test_the_example_of_the_specification_is_read(test_data: Path) -> None:
    examples = json.loads((test_data / "vectors" / "c2sp" / "c2sp_examples.json").read_text("utf-8"))
    text = examples["checkpoint_parse"]["text"]
    checkpoint = Checkpoint.parse(text)
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20852163, base64.b64decode(ROOT))
    assert checkpoint.text == text == GOOD


def test_tree_heads_of_go_are_read_as_go_reads_them(test_data: Path) -> None:
    tree = json.loads((test_data / "vectors" / "go-sumdb" / "note_vectors.json").read_text("utf-8"))["tree"]
    head = Checkpoint.parse(tree["ok"])
    assert (head.origin, head.size) == ("go.sum database tree", 123_456_789_012)
    other_origin, *malformed = tree["bad"]
    assert Checkpoint.parse(other_origin).origin != head.origin
    assert [refusal(text) for text in malformed] == ["size", "root"]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "lines"),
        ("\n", "lines"),
        (GOOD[:-1], "lines"),
        ("\n".join(GOOD.split("\n")[:2]) + "\n", "lines"),
        (GOOD.replace("example.com/behind-the-sofa", ""), "origin"),
        (GOOD.replace("behind", "be\thind"), "origin"),
        (GOOD.replace("20852163", ""), "size"),
        (GOOD.replace("20852163", "020852163"), "size"),
        (GOOD.replace("20852163", "00"), "size"),
        (GOOD.replace("20852163", "-1"), "size"),
        (GOOD.replace("20852163", "+1"), "size"),
        (GOOD.replace("20852163", "1e3"), "size"),
        (GOOD.replace("20852163", "1_000"), "size"),
        (GOOD.replace("20852163", " 1"), "size"),
        (GOOD.replace("20852163", "1 "), "size"),
        (GOOD.replace("20852163", "１"), "size"),
        (GOOD.replace("20852163", str(2**63)), "size"),
        (GOOD.replace("20852163", "9" * 5000), "size"),
        (GOOD.replace("20852163", "0"), "root"),
        (GOOD.replace(ROOT, ""), "root"),
        (GOOD.replace(ROOT, ROOT[:-1]), "root"),
        (GOOD.replace(ROOT, ROOT + "="), "root"),
        (GOOD.replace(ROOT, ROOT[:-2] + "J="), "root"),
        (GOOD.replace(ROOT, ROOT.replace("+", "-").replace("/", "_")), "root"),
        (GOOD.replace(ROOT, base64.b64encode(bytes(31)).decode()), "root"),
        (GOOD.replace(ROOT, base64.b64encode(bytes(33)).decode()), "root"),
        (GOOD.replace(ROOT, " " + ROOT), "root"),
        (GOOD + "\n", "extension"),
        (GOOD + "\nmore\n", "extension"),
        (GOOD + "a\r\n", "extension"),
    ],
)
def test_what_is_no_checkpoint_is_refused_and_the_error_says_why(text: str, fact: str) -> None:
    assert refusal(text) == fact


@given(
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1)),
)
@example("0", 2**63 - 1, bytes(32), ["0", "0"])
def test_a_checkpoint_is_the_same_after_it_was_written_and_read(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.text) == checkpoint


@given(st.text(max_size=80))
@example(GOOD)
def test_whatever_is_read_is_written_back_as_it_was(text: str) -> None:
    try:
        checkpoint = Checkpoint.parse(text)
    except NoteError:
        return
    assert checkpoint.text == text


def test_an_empty_log_has_one_root() -> None:
    assert Checkpoint.parse(Checkpoint("a", 0, EMPTY_ROOT).text).size == 0
    for size, root in [(0, bytes(32)), (-1, EMPTY_ROOT), (True, EMPTY_ROOT), (2**63, EMPTY_ROOT), (1, b"")]:
        with pytest.raises(NoteError):
            Checkpoint("a", size, root)
