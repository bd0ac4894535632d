"""Canonical bytes: RFC 8785, and what is done with what is outside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.trust import canonicalise, canonicalise_any, sha256_hex

SAFE = 2**53 - 1  # RFC 7493: beyond it, a whole number read back as an integer is refused
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(-SAFE, SAFE) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_vectors_of_rfc_8785_hold(test_data: Path, name: str) -> None:
    """cyberphone/json-canonicalization, the vectors RFC 8785 refers to."""
    folder = test_data / "vectors" / "cyberphone-jcs" / "testdata"
    value = json.loads((folder / "input" / f"{name}.json").read_text("utf-8"))
    expected = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text("ascii"))
    assert canonicalise(value) == expected
    assert canonicalise(value) == (folder / "output" / f"{name}.json").read_bytes()


@settings(deadline=None)
@given(JSON)
def test_canonical_bytes_are_json_of_the_same_value(value: Any) -> None:
    data = canonicalise(value)
    assert json.loads(data) == value
    assert canonicalise(json.loads(data)) == data
    assert canonicalise_any(value) == ("jcs", data)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(1e-7, 1e-3)
    | st.floats(1e14, 1e22)
    | st.text(st.characters(max_codepoint=0x7F)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=0x7F)), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=1000)
@given(PLAIN | JSON)
def test_the_quick_way_gives_what_the_library_gives(value: Any) -> None:
    """Byte for byte, also at the edges: control characters, signs, exponents, whole fractions, minus zero."""
    assert canonicalise(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value", [1e-4, 9.9e-5, 1e-6, 1e-7, 1e15, 1e16, 1e21, -0.0, 1.0, 0.1, 5e-324, 2**53 - 1, "\x7f", "\x1f/"]
)
def test_the_quick_way_ends_where_python_writes_otherwise(value: Any) -> None:
    """The edges by name, in values and in keys."""
    assert canonicalise([value, {str(value): value}]) == rfc8785.dumps([value, {str(value): value}])


def test_a_value_that_refers_to_itself_has_no_canonical_form() -> None:
    """And is found out."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="deep"):
        canonicalise(value)


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.integers(-9, 9), min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonicalise(dict(reversed(value.items()))) == canonicalise(value)


def _nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), float("nan"), float("inf"), "\ud800", {"\ud800": 1}, {1: 2}, {1, 2}, b"x", _nested(5000)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_not_i_json_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonicalise(value)


def test_big_integers_fall_back_to_sorted_json_and_say_so() -> None:
    form, data = canonicalise_any({"b": 2**60, "a": [1, "é"]})
    assert form == "json"
    assert data == b'{"a":[1,"\\u00e9"],"b":1152921504606846976}'


def test_a_digest_is_separated_by_its_domain() -> None:
    assert sha256_hex(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert sha256_hex(b"abc", domain="d") == hashlib.sha256(b"d\nabc").hexdigest()
