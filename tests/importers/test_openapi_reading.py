"""Bytes become a document: strict JSON, or the JSON part of YAML."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import DocumentRefusedError
from orchestra_tools.importers.openapi import read_openapi_document, reading
from orchestra_tools.importers.openapi.yaml_values import MAX_NODES

# PyYAML's writer loses line ends other than \n.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=8)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def read(text: bytes | str) -> Any:
    return read_openapi_document(text, source="api.yaml")


def refusal(text: bytes | str) -> str:
    with pytest.raises(DocumentRefusedError) as caught:
        read(text)
    assert caught.value.facts["source"] == "api.yaml"
    return str(caught.value)


@given(VALUES)
def test_what_a_yaml_writer_writes_is_read_back(value: Any) -> None:
    # In quotes, since what is plain text to YAML 1.1 (`1e3`) may be a number to 1.2.
    text = yaml.safe_dump(value, allow_unicode=True, default_style='"')
    assert read(text) == value


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DocumentRefusedError):
        read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on: off\nyes: no", {"on": "off", "yes": "no"}),
        ("day: 2024-01-31\nat: 2024-01-31T10:00:00Z", {"day": "2024-01-31", "at": "2024-01-31T10:00:00Z"}),
        ("200: ok\n404: no\ndefault: x", {"200": "ok", "404": "no", "default": "x"}),
        ("null: a\ntrue: b\n1.0: c\n~: d", {"null": "a", "true": "b", "1.0": "c", "~": "d"}),
        ("a: 12:30\nb: 1_000\nc: 0123", {"a": "12:30", "b": "1_000", "c": "0123"}),
        ("a: 0x1F\nb: 0o17\nc: 1e3\nd: -.5\ne: +7", {"a": 31, "b": 15, "c": 1000.0, "d": -0.5, "e": 7}),
        ("a: ~\nb:\nc: Null\nd: 'null'", {"a": None, "b": None, "c": None, "d": "null"}),
        ('a: True\nb: FALSE\nc: "true"', {"a": True, "b": False, "c": "true"}),
        ("a: .inf\nb: .nan", {"a": ".inf", "b": ".nan"}),
        ("a: !!str 5\nb: !!int '5'\nc: ! 5\nd: !!map {x: !!seq [1]}", {"a": "5", "b": 5, "c": "5", "d": {"x": [1]}}),
        ("a: " + "9" * 500, {"a": "9" * 500}),
        ("a: &x {b: 1}\nc: *x\nd: [*x, *x]", {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}, {"b": 1}]}),
        ("a: &k name\n*k : b", {"a": "name", "name": "b"}),
        ("&k name: 1\nb: *k", {"name": 1, "b": "name"}),
        ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("a: &x {b: 1}\ne: &y {f: 2}\nd:\n  <<: [*x, *y]", {"a": {"b": 1}, "e": {"f": 2}, "d": {"b": 1, "f": 2}}),
        ("", None),
        ("just text", "just text"),
        ("\ufeffa: 1", {"a": 1}),
        ('\ufeff{"a": 1}', {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n...", {"a": 1}),
    ],
)
def test_yaml_is_read_as_yaml_1_2_reads_it(text: str, expected: Any) -> None:
    assert read(text) == expected
    assert read(text.encode()) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [" * 5_000, "nested deeper than 1,000 levels at line 1"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "nested deeper"),
        ("\n".join(" " * level + "a:" for level in range(1_200)), "nested deeper than 1,000 levels at line 1001"),
        ("a: &a [*a]", "an alias stands inside what it stands for at line 1"),
        ("a: *nobody", "the alias 'nobody' stands for nothing"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "the key 'c' stands twice at line 4"),
        ("a: !!python/object/apply:os.system ['ls']", "python/object/apply:os.system' is not taken at line 1"),
        ("a: !secret x", "the tag '!secret' is not taken"),
        ("a: !!binary aGk=", "is not taken"),
        ("a: !!set {x, y}", "is not taken"),
        ("? [a, b]\n: c", "a key is text, this one is a list or an object"),
        ("a: &x [1]\n*x : b", "a key is text, this one is an alias of something else"),
        ("a:\n  <<: 5", "<< merges objects"),
        ("a: 1\n---\nb: 2", "a second document begins"),
        ("a: [1, 2", "not YAML"),
        ("a:\n\t- b", "not YAML: found character that cannot start any token at line 2"),
        ("a: 1\nb: \x01", "control characters are not allowed at line 2"),
        ("a: 1e999", "a number is too large"),
        (b"\xff\xfea", "not UTF-8 at byte 0"),
        ("<!doctype html><html></html>", "this is a web page"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": ', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_safe_is_refused_with_the_line(text: bytes | str, told: str) -> None:
    assert told in refusal(text)


def test_aliases_that_multiply_are_refused_before_they_are_written_out() -> None:
    """Ours: a billion laughs."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 20)]
    assert f"more than {MAX_NODES:,} values once its aliases are written out" in refusal("\n".join(lines))


def test_merges_that_multiply_are_refused_likewise() -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    for number in range(1, 24):
        merged = f"{{<<: *a{number - 1}}}"
        lines.append(f"a{number}: &a{number} {{l: {merged}, r: {merged}, <<: [*a{number - 1}, *a{number - 1}]}}")
    assert "values once its aliases are written out" in refusal("\n".join(lines))


def test_documents_over_the_limits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_DOCUMENT_BYTES", 100)
    monkeypatch.setattr(reading, "MAX_YAML_BYTES", 50)
    assert "the limit is 100" in refusal("a" * 101)
    assert "characters of YAML, the limit is 50 (give it as JSON)" in refusal("a" * 51)
