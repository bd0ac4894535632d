"""Changing one member of a JSON text, and nothing else."""

from __future__ import annotations

import json
import re
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
        ('{"a": [1, ' + "9" * 5_000 + "]}", 1, 11),
        ("\u00a0", 1, 1),
        ("\x00\x00", 1, 1),
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


class TestComments:
    """JSON with comments and trailing commas, as VS Code, Zed and Gemini CLI read it."""

    @pytest.mark.parametrize(
        "text",
        [
            '{\n  // mine\n  "mcpServers": {\n    "a": 1 // first\n  }\n}\n',
            '{\n  "mcpServers": {\n    "a": 1, /* two\n lines */\n    "b": {"c": "// no comment"}, // last\n  },\n}\n',
            '{\n  "mcpServers": {\n    "a": [1, 2,], // }\n    // "b": 2\n  }\n}',
            '{\r\n\t"mcpServers": {\r\n\t\t"a": "\\"/*", // x\r\n\t}\r\n}\r\n',
            '{"mcpServers": {"a": 1 /* one */}}',
            '{"mcpServers": {"a": 1,},}',
            '{"mcpServers": {\n"a": 1 /* one */}}\n/* two */\n',
        ],
    )
    def test_all_of_them_stay_and_removing_restores_the_text(self, text: str) -> None:
        changed = set_member(text, "mcpServers", "orchestra", NEW, comments=True)
        assert read_member(changed, "mcpServers", "orchestra", comments=True) == NEW
        assert re.findall("//.*|mine|one|two", changed) == re.findall("//.*|mine|one|two", text)
        assert set_member(changed, "mcpServers", "orchestra", NEW, comments=True) == changed
        assert remove_member(changed, "mcpServers", "orchestra", comments=True) == text

    def test_an_empty_section_keeps_the_comments_in_it(self) -> None:
        text = '{\n  "servers": {\n    // add yours here\n  }\n}\n'
        changed = set_member(text, "servers", "orchestra", NEW, comments=True)
        assert changed.startswith('{\n  "servers": {\n    // add yours here\n    "orchestra": {\n      "command"')
        assert remove_member(changed, "servers", "orchestra", comments=True) == text

    def test_a_comment_of_the_next_server_outlives_ours(self) -> None:
        text = '{\n  "s": {\n    "orchestra": {},\n    // theirs\n    "b": 1\n  }\n}\n'
        assert remove_member(text, "s", "orchestra", comments=True) == text.replace('    "orchestra": {},\n', "")

    @pytest.mark.parametrize(
        "text", ["// only", "{,}", '{"a": [,]}', '{"a": 1,,}', '{"a",}', "{/*}", '{"a": "x}', '{"a": 1 / 2}', '{"a":,}']
    )
    def test_what_is_broken_all_the_same_is_refused(self, text: str) -> None:
        with pytest.raises(json.JSONDecodeError):
            set_member(text, "mcpServers", "orchestra", NEW, comments=True)

    def test_without_leave_they_are_no_json(self) -> None:
        for text in ('{"a": 1,}', '{"a": 1} // x'):
            with pytest.raises(json.JSONDecodeError):
                put(text)


_GAPS = st.lists(
    st.sampled_from([" ", "\n", "\r\n", "\t", "// note\n", '/* "{ */', "/* a\n * b */", "//\n"]), max_size=3
).map("".join)


@st.composite
def _written(draw: st.DrawFn, value: Any) -> str:
    """A JSON value with whitespace, comments and trailing commas where they may be."""
    if isinstance(value, dict):
        pairs = list(value.items())
        # Of equal keys the last counts: others may stand before it.
        members = [
            f"{draw(_GAPS)}{json.dumps(key)}{draw(_GAPS)}:{draw(_GAPS)}{draw(_written(each))}{draw(_GAPS)}"
            for key, each in pairs
        ]
        brackets = "{}"
    elif isinstance(value, list):
        members = [f"{draw(_GAPS)}{draw(_written(each))}{draw(_GAPS)}" for each in value]
        brackets = "[]"
    else:
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    last = "," + draw(_GAPS) if members and draw(st.booleans()) else ""
    return f"{brackets[0]}{','.join(members)}{last if members else draw(_GAPS)}{brackets[1]}"


def _read(text: str) -> Any:
    """JSON with comments, read one character after the other: not as the code under test does."""
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == '"':
            end = at + 1
            while text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            out.append(text[at : end + 1])
            at = end + 1
        elif text.startswith("//", at):
            at = text.find("\n", at)
        elif text.startswith("/*", at):
            at = text.index("*/", at) + 2
        else:
            if text[at] in "}]" and out and out[-1] == ",":
                out.pop()
            if not text[at].isspace():
                out.append(text[at])
            at += 1
    return json.loads("".join(out))


def _within(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(character in rest for character in part)


@given(st.data(), _DOCUMENTS, st.none() | _SERVERS)
def test_comments_stay_and_meanings_with_them(
    data: st.DataObject, document: dict[str, Any], servers: dict[str, Any] | None
) -> None:
    if servers is not None:
        document = document | {"mcpServers": servers}
    text = data.draw(_GAPS) + data.draw(_written(document)) + "\n" + data.draw(_GAPS)
    assert _read(text) == document
    changed = set_member(text, "mcpServers", "orchestra", NEW, comments=True)
    assert _read(changed) == document | {"mcpServers": {**(servers or {}), "orchestra": NEW}}
    assert set_member(changed, "mcpServers", "orchestra", NEW, comments=True) == changed
    if servers is None or "orchestra" not in servers:
        assert _within("".join(text.split()), "".join(changed.split()))
    removed = remove_member(changed, "mcpServers", "orchestra", comments=True)
    kept = {name: value for name, value in (servers or {}).items() if name != "orchestra"}
    assert _read(removed) == document | {"mcpServers": kept}
    if servers is None or "orchestra" not in servers:
        assert removed.count("note") == text.count("note")


@given(st.dictionaries(st.text(max_size=4), _VALUES, max_size=3), st.text(max_size=6))
def test_an_entry_of_any_characters_can_be_written_to_a_file(extra: dict[str, Any], variable: str) -> None:
    entry = extra | {"env": {"A": variable, "B": "\udcff"}}
    changed = set_member('{"mcpServers": {}}', "mcpServers", "orchestra", entry)
    assert json.loads(changed.encode()) == {"mcpServers": {"orchestra": entry}}
