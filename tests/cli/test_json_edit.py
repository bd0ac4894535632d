"""Changing one member of a JSON text, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.cli.json_edit import JsonShapeError, read_member, remove_member, set_member

NEW = {"command": "/bin/x", "args": []}


def put(text: str) -> str:
    return set_member(text, "mcpServers", "orchestra", NEW)


@pytest.mark.parametrize("text", ["", "  \n", "{}", "{}\n", "{ }"])
def test_an_empty_document_is_written_over_several_lines(text: str) -> None:
    expected = '{\n  "mcpServers": {\n    "orchestra": {\n      "command": "/bin/x",\n      "args": []\n    }\n  }\n}'
    assert put(text).strip() == expected


def test_indentation_order_escapes_numbers_and_line_ends_stay() -> None:
    text = (
        '{\r\n\t"z": 1.50,\r\n\t"a": "\\u00e9é",\r\n\t"mcpServers": {\r\n\t\t"other": {"command": "y", "n": 1e3}\r\n'
        "\t}\r\n}\r\n"
    )
    expected = text.replace(
        "1e3}\r\n",
        '1e3},\r\n\t\t"orchestra": {\r\n\t\t\t"command": "/bin/x",\r\n\t\t\t"args": []\r\n\t\t}\r\n',
    )
    assert put(text) == expected


def test_a_document_in_one_line_stays_in_one_line() -> None:
    assert put('{"a":1}') == '{"a":1, "mcpServers": {"orchestra": {"command": "/bin/x", "args": []}}}'
    assert put('{"a":1,"mcpServers":{}}') == '{"a":1,"mcpServers":{"orchestra": {"command": "/bin/x", "args": []}}}'


def test_an_empty_section_is_opened() -> None:
    text = '{\n    "mcpServers": {},\n    "b": 2\n}\n'
    assert put(text).startswith('{\n    "mcpServers": {\n        "orchestra": {\n            "command"')
    assert put(text).endswith('}\n    },\n    "b": 2\n}\n')


def test_a_second_time_changes_nothing() -> None:
    once = put('{\n  "a": 1\n}\n')
    assert put(once) == once


def test_an_older_entry_is_replaced_in_its_place() -> None:
    text = '{\n  "mcpServers": {\n    "orchestra": {\n      "command": "/old"\n    },\n    "b": {}\n  }\n}\n'
    changed = put(text)
    assert list(json.loads(changed)["mcpServers"]) == ["orchestra", "b"]
    assert changed.endswith('    },\n    "b": {}\n  }\n}\n')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"mcpServers": {"orchestra": 1}}', '{"mcpServers": {}}'),
        ('{"mcpServers": {"a": 1, "orchestra": 1}}', '{"mcpServers": {"a": 1}}'),
        ('{"mcpServers": {"orchestra": 1, "a": 1}}', '{"mcpServers": {"a": 1}}'),
        ('{"mcpServers": {\n "orchestra": 1,\n "a": 1\n}}', '{"mcpServers": {\n "a": 1\n}}'),
        ('{"mcpServers": {"orchestra": 1, "a": 2, "orchestra": 3}}', '{"mcpServers": {"a": 2}}'),
        ('{"mcpServers": {"a": 1}}', '{"mcpServers": {"a": 1}}'),
        ("{}", "{}"),
        ("", ""),
    ],
)
def test_removing_takes_only_that_member_out(text: str, expected: str) -> None:
    assert remove_member(text, "mcpServers", "orchestra") == expected


def test_of_two_sections_the_one_readers_take_is_changed() -> None:
    text = '{"mcpServers": {"a": 1}, "mcpServers": {"b": 2}}'
    assert json.loads(put(text))["mcpServers"] == {"b": 2, "orchestra": NEW}
    assert read_member(text, "mcpServers", "b") == 2


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{\n  "a": 1,\n}', 3, 1),
        ('{\n  // comment\n  "a": 1\n}', 2, 3),
        ('{"a": 1', 1, 8),
        ('{"a": 1} x', 1, 10),
        ('{"a": NaN}', 1, 7),
        ("x", 1, 1),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        put(text)
    assert (caught.value.lineno, caught.value.colno) == (line, column)


@pytest.mark.parametrize("text", ["[]", '"text"', "1", '{"mcpServers": []}', '{"mcpServers": null}'])
def test_another_shape_is_refused(text: str) -> None:
    with pytest.raises(JsonShapeError):
        put(text)
    with pytest.raises(JsonShapeError):
        remove_member(text, "mcpServers", "orchestra")


def test_absurd_depth_is_refused() -> None:
    with pytest.raises(json.JSONDecodeError, match="deep"):
        put('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), _VALUES, max_size=3)
_SERVERS = st.dictionaries(st.sampled_from(["orchestra", "x", "y"]), _VALUES, max_size=3)


@given(_DOCUMENTS, st.none() | _SERVERS, st.sampled_from([None, 1, 2, 4, "\t"]), st.booleans())
def test_setting_and_removing_means_what_it_says(
    document: dict[str, Any], servers: dict[str, Any] | None, indent: int | str | None, carriage_return: bool
) -> None:
    if servers is not None:
        document = document | {"mcpServers": servers}
    text = json.dumps(document, indent=indent)
    if carriage_return:
        text = text.replace("\n", "\r\n")
    changed = put(text)
    assert json.loads(changed) == document | {"mcpServers": {**(servers or {}), "orchestra": NEW}}
    assert put(changed) == changed
    kept = {name: value for name, value in (servers or {}).items() if name != "orchestra"}
    assert json.loads(remove_member(changed, "mcpServers", "orchestra")) == document | {"mcpServers": kept}
    if servers is not None and "orchestra" not in servers and servers:
        assert remove_member(changed, "mcpServers", "orchestra") == text
