"""Changes one member of a JSON text and leaves every other byte as it is. Pure.

    set_member('{"theme": "dark"}', "mcpServers", "orchestra", {"command": "/bin/x"})
    # '{"theme": "dark", "mcpServers": {"orchestra": {"command": "/bin/x"}}}'

Somebody else's file keeps its order, indentation, line ends, number spelling and escapes, because they are never parsed
and written again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

_SPACE = re.compile(r"[ \t\n\r]*")
_INDENTED = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_DEFAULT_INDENT = "  "


class JsonShapeError(ValueError):
    """The text is JSON, but not of the shape that is wanted; `position` is the offset of the value at fault."""

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(problem)
        self.position = position


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
    value: Any
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """An object in a text: where it is, and its members."""

    start: int
    end: int
    members: tuple[_Member, ...]

    def last(self, key: str) -> _Member | None:
        """The member of that name; of several the last, which is the one that readers take."""
        return next((member for member in reversed(self.members) if member.key == key), None)


def read_member(text: str, section: str, name: str) -> Any:
    """The value of a member of a section of the root, or None.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        JsonShapeError: The root or the section is no object.
    """
    root = _read_root(text or "{}")
    owner = _section(text, root, section)
    found = owner.last(name) if owner else None
    return None if found is None else found.value


def set_member(text: str, section: str, name: str, value: Any) -> str:
    """The text with a member of a section set; the same text where it is set so already.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        JsonShapeError: The root or the section is no object.
    """
    if not text.strip():
        return json.dumps({section: {name: value}}, indent=_DEFAULT_INDENT, ensure_ascii=False) + "\n"
    root = _read_root(text)
    owner = _section(text, root, section)
    if owner is None:
        return _insert(text, root, section, {name: value})
    found = owner.last(name)
    if found is None:
        return _insert(text, owner, name, value)
    if found.value == value:
        return text
    inline = "\n" not in text[owner.start : found.start]
    rendered = _compact(value) if inline else _render(text, value, _line_indent(text, found.start))
    return text[: found.value_start] + rendered + text[found.end :]


def remove_member(text: str, section: str, name: str) -> str:
    """The text without a member of a section; the same text where there is none.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        JsonShapeError: The root or the section is no object.
    """
    while True:
        root = _read_root(text or "{}")
        owner = _section(text, root, section)
        found = owner.last(name) if owner else None
        if owner is None or found is None:
            return text
        at = owner.members.index(found)
        if len(owner.members) == 1:
            text = text[: owner.start + 1] + text[owner.end - 1 :]
        elif at:
            text = text[: owner.members[at - 1].end] + text[found.end :]
        else:
            text = text[: found.start] + text[owner.members[1].start :]


def _read_root(text: str) -> _Object:
    start = _skip(text, 0)
    # Broken JSON anywhere is found here, so that later steps work on whole values only.
    decoded = _decode(text, start)
    rest = _skip(text, decoded[1])
    if rest != len(text):
        raise json.JSONDecodeError("Extra data", text, rest)
    if not isinstance(decoded[0], dict):
        raise JsonShapeError("the root is no object", start)
    return _read_object(text, start)


def _section(text: str, root: _Object, section: str) -> _Object | None:
    found = root.last(section)
    if found is None:
        return None
    if not isinstance(found.value, dict):
        raise JsonShapeError(f"{section!r} is no object", found.value_start)
    return _read_object(text, found.value_start)


def _read_object(text: str, start: int) -> _Object:
    members: list[_Member] = []
    at = _skip(text, start + 1)
    while text[at] != "}":
        if text[at] == ",":
            at = _skip(text, at + 1)
        key, end = _decode(text, at)
        value_start = _skip(text, _skip(text, end) + 1)
        value, value_end = _decode(text, value_start)
        members.append(_Member(key, value, at, value_start, value_end))
        at = _skip(text, value_end)
    return _Object(start, at + 1, tuple(members))


def _insert(text: str, owner: _Object, key: str, value: Any) -> str:
    label = f"{json.dumps(key, ensure_ascii=False)}: "
    if owner.members:
        last = owner.members[-1]
        if "\n" not in text[owner.start : owner.members[0].start]:
            return f"{text[: last.end]}, {label}{_compact(value)}{text[last.end :]}"
        indent = _line_indent(text, owner.members[0].start)
        return f"{text[: last.end]},{_newline(text)}{indent}{label}{_render(text, value, indent)}{text[last.end :]}"
    if "\n" not in text.strip() and owner.start != _skip(text, 0):
        return f"{text[: owner.start]}{{{label}{_compact(value)}}}{text[owner.end :]}"
    outer = _line_indent(text, owner.start)
    indent = outer + _unit(text)
    newline = _newline(text)
    body = f"{newline}{indent}{label}{_render(text, value, indent)}{newline}{outer}"
    return f"{text[: owner.start]}{{{body}}}{text[owner.end :]}"


def _render(text: str, value: Any, indent: str) -> str:
    """A value over several lines, in the style of the text."""
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False).split("\n")
    return f"{_newline(text)}{indent}".join(lines)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _unit(text: str) -> str:
    """One step of indentation: that of the first indented line."""
    found = _INDENTED.search(text)
    return found[1] if found else _DEFAULT_INDENT


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line_indent(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return position if found is None else found.end()


def _decode(text: str, position: int) -> tuple[Any, int]:
    def refuse(name: str) -> NoReturn:
        raise json.JSONDecodeError(f"{name} is not JSON", text, text.find(name, position))

    try:
        return json.JSONDecoder(parse_constant=refuse).raw_decode(text, position)
    except RecursionError:
        raise json.JSONDecodeError("Nested too deeply", text, position) from None
