"""Entry bundles: what is written is read back, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.errors import TamperedError
from orchestra_tools.trust.bundles import MAX_ENTRY_BYTES, decode_bundle, encode_bundle

ENTRIES = st.lists(st.binary(max_size=40), min_size=1, max_size=256) | st.just([b"full"] * 256)


@given(ENTRIES)
def test_entries_come_back_as_they_were(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), width=len(entries)) == tuple(entries)


def test_lengths_are_big_endian_and_go_up_to_65535_bytes() -> None:
    assert encode_bundle([b"", b"one"]) == b"\x00\x00\x00\x03one"
    longest = b"x" * MAX_ENTRY_BYTES
    assert decode_bundle(encode_bundle([longest]), width=1) == (longest,)
    with pytest.raises(ValueError, match="an entry of 65536 bytes"):
        encode_bundle([longest + b"x"])


@given(ENTRIES, st.data())
def test_a_bundle_that_is_cut_or_goes_on_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    bundle = encode_bundle(entries)
    cut = data.draw(st.integers(0, len(bundle) - 1))
    for wrong in (bundle[:cut], bundle + data.draw(st.binary(min_size=1, max_size=5))):
        with pytest.raises(TamperedError) as caught:
            decode_bundle(wrong, width=len(entries))
        assert caught.value.facts["part"] == "bundle"


@given(ENTRIES, st.integers(1, 256))
def test_a_bundle_of_another_width_is_refused(entries: list[bytes], width: int) -> None:
    bundle = encode_bundle(entries)
    if width == len(entries):
        return
    with pytest.raises(TamperedError):
        decode_bundle(bundle, width=width)


@given(st.binary(max_size=60), st.integers(1, 6))
def test_whatever_can_be_read_has_one_spelling(data: bytes, width: int) -> None:
    try:
        entries = decode_bundle(data, width=width)
    except TamperedError:
        return
    assert encode_bundle(entries) == data


def test_an_error_says_at_which_entry_it_fails() -> None:
    bundle = encode_bundle([b"one", b"two"])
    for wrong, entry, problem in [
        (bundle[:-1], 1, "it ends within entry 1 of 2"),
        (bundle[:6], 1, "it ends within entry 1 of 2"),
        (bundle[:4], 0, "it ends within entry 0 of 2"),
        (bundle + b"\0\0", 2, "2 bytes follow its 2 entries"),
    ]:
        with pytest.raises(TamperedError) as caught:
            decode_bundle(wrong, width=2)
        assert caught.value.problem == f"an entry bundle cannot be read: {problem}"
        assert caught.value.facts == {"part": "bundle", "entry": entry}


@pytest.mark.parametrize("width", [0, 257])
def test_no_bundle_is_empty_or_has_more_than_256_entries(width: int) -> None:
    with pytest.raises(ValueError, match="1 to 256 entries"):
        encode_bundle([b""] * width)
    with pytest.raises(ValueError, match="1 to 256 entries"):
        decode_bundle(b"\0\0" * width, width=width)
