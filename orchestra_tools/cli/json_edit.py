"""Changes one member of a JSON text and leaves every other byte as it is. Pure.

    set_member('{"theme": "dark"}', "mcpServers", "orchestra", {"command": "/bin/x"})
    # '{"theme": "dark", "mcpServers": {"orchestra": {"command": "/bin/x"}}}'

Somebody else's file keeps its order, indentation, line ends, number spelling and escapes, because they are never parsed
and written again. Where a program allows comments and trailing commas, those stay as well: the text is read with them
blanked out, so that every position still holds.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

_WHITE = " \t\n\r"
_SPACE = re.compile(r"[ \t\n\r]*")
_INDENTED = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_COMMENT = r"(?>//[^\n\r]*|/\*.*?\*/)"
_STRING_OR_COMMENT = re.compile(f"{_STRING}|{_COMMENT}", re.DOTALL)
_STRING_OR_LAST_COMMA = re.compile(rf"{_STRING}|,(?=[ \t\n\r]*[}}\]])")
_REST_OF_LINE = re.compile(rf"(?:[ \t]|{_COMMENT})*(?=\r?\n)", re.DOTALL)
_DEFAULT_INDENT = "  "
MAX_DIGITS = 4_000  # of a number; Python reads no longer ones


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


@dataclass(frozen=True, slots=True)
class _Source:
    """A text in three forms of the same length.

    Attributes:
        text: As it is.
        bare: With its comments blanked out.
        plain: And with commas before a closing bracket blanked out: JSON.
    """

    text: str
    bare: str
    plain: str

    @classmethod
    def read(cls, text: str, *, comments: bool) -> _Source:
        if not comments:
            return cls(text, text, text)
        bare = _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else _blank(found[0]), text)
        return cls(text, bare, _STRING_OR_LAST_COMMA.sub(_without_comma, bare))

    def has_comments(self, owner: _Object) -> bool:
        """Whether something inside an object is a comment."""
        return self.text[owner.start : owner.end] != self.bare[owner.start : owner.end]

    def comma_at(self, position: int) -> int | None:
        """Where the comma is that comes next, if one does."""
        at = _skip(self.bare, position)
        return at if self.bare[at : at + 1] == "," else None

    def after_comments(self, position: int) -> int:
        """The end of the line, where nothing but comments comes before it; else the same position."""
        found = _REST_OF_LINE.match(self.text, position)
        return found.end() if found else position


def read_member(text: str, section: str, name: str, *, comments: bool = False) -> Any:
    """The value of a member of a section of the root, or None.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        JsonShapeError: The root or the section is no object.
    """
    plain = _Source.read(text, comments=comments).plain if text.strip(_WHITE) else "{}"
    owner = _section(plain, _read_root(plain), section)
    found = owner.last(name) if owner else None
    return None if found is None else found.value


def set_member(text: str, section: str | None, name: str, value: Any, *, comments: bool = False) -> str:
    """The text with a member of a section set; the same text where it is set so already.

    Args:
        text: JSON, or nothing at all.
        section: Member of the root that it is a member of; None = the root itself.
        name: Of the member.
        value: What it shall be.
        comments: Whether comments and trailing commas are allowed; they stay.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        JsonShapeError: The root or the section is no object.
    """
    if not text.strip(_WHITE):
        return _dump({name: value} if section is None else {section: {name: value}}, _DEFAULT_INDENT) + "\n"
    source = _Source.read(text, comments=comments)
    owner = root = _read_root(source.plain)
    if section is not None:
        if (inner := _section(source.plain, root, section)) is None:
            return _insert(source, root, section, {name: value})
        owner = inner
    found = owner.last(name)
    if found is None:
        return _insert(source, owner, name, value)
    if found.value == value:
        return text
    inline = "\n" not in text[owner.start : found.start]
    rendered = _dump(value) if inline else _render(source, value, _line_indent(text, found.start))
    return text[: found.value_start] + rendered + text[found.end :]


def remove_member(text: str, section: str, name: str, *, comments: bool = False) -> str:
    """The text without a member of a section; the same text where there is none.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        JsonShapeError: The root or the section is no object.
    """
    while text.strip(_WHITE):
        source = _Source.read(text, comments=comments)
        owner = _section(source.plain, _read_root(source.plain), section)
        found = owner.last(name) if owner else None
        if owner is None or found is None:
            return text
        at = owner.members.index(found)
        if source.has_comments(owner):
            text = _cut(source, owner, at)
        elif len(owner.members) == 1:
            text = text[: owner.start + 1] + text[owner.end - 1 :]
        elif at:
            text = text[: owner.members[at - 1].end] + text[found.end :]
        else:
            text = text[: found.start] + text[owner.members[1].start :]
    return text


def _cut(source: _Source, owner: _Object, at: int) -> str:
    """Take out a member and one comma, and the lines that are empty then; comments beside it stay."""
    text, start, end = source.text, owner.members[at].start, owner.members[at].end
    if (comma := source.comma_at(end)) is not None:
        end = comma + 1
    elif at:
        before = source.comma_at(owner.members[at - 1].end)
        assert before is not None  # noqa: S101  # members of JSON are parted by commas
        text, start, end = text[:before] + text[before + 1 :], start - 1, end - 1
        # A line comment in between needs the end of its line.
        start = before + len(text[before:start].rstrip(" \t" if text[before:start].strip(_WHITE) else _WHITE))
    line = text.rfind("\n", 0, start) + 1
    following = text.find("\n", end)
    if line and following >= 0 and not text[line:start].strip(_WHITE) and not text[end:following].strip(_WHITE):
        start, end = line, following + 1
    return text[:start] + text[end:]


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


def _insert(source: _Source, owner: _Object, key: str, value: Any) -> str:
    text, label = source.text, f"{_dump(key)}: "
    if owner.members:
        return _append(source, owner, label, value)
    if "\n" not in text.strip(_WHITE) and owner.start != _skip(source.plain, 0):
        return f"{text[: owner.end - 1]}{label}{_dump(value)}{text[owner.end - 1 :]}"
    outer, newline = _line_indent(text, owner.start), _newline(text)
    indent = outer + _unit(source)
    member = f"{newline}{indent}{label}{_render(source, value, indent)}{newline}{outer}"
    # What stays between the brackets are comments.
    kept = text[: owner.end - 1] if source.has_comments(owner) else text[: owner.start + 1]
    return f"{kept.rstrip(_WHITE)}{member}{text[owner.end - 1 :]}"


def _append(source: _Source, owner: _Object, label: str, value: Any) -> str:
    """Put a member behind the last one; where that has a comma behind it, the new one gets one as well."""
    text, last = source.text, owner.members[-1]
    comma = source.comma_at(last.end)
    place = last.end if comma is None else comma + 1
    inline = "\n" not in text[owner.start : owner.members[0].start]
    if not inline:
        place = source.after_comments(place)
    before = f"{text[: last.end]},{text[last.end : place]}" if comma is None else text[:place]
    end = "" if comma is None else ","
    if inline:
        return f"{before} {label}{_dump(value)}{end}{text[place:]}"
    indent = _line_indent(text, owner.members[0].start)
    return f"{before}{_newline(text)}{indent}{label}{_render(source, value, indent)}{end}{text[place:]}"


def _render(source: _Source, value: Any, indent: str) -> str:
    """A value over several lines, in the style of the text."""
    return f"{_newline(source.text)}{indent}".join(_dump(value, _unit(source)).split("\n"))


def _dump(value: Any, indent: str | None = None) -> str:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair has no form but its escape
        return json.dumps(value, indent=indent)
    return text


def _unit(source: _Source) -> str:
    """One step of indentation: that of the first indented line."""
    found = _INDENTED.search(source.plain)
    return found[1] if found else _DEFAULT_INDENT


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line_indent(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _blank(text: str) -> str:
    return re.sub(r"[^\n\r]", " ", text)


def _without_comma(found: re.Match[str]) -> str:
    if found[0] != ",":
        return found[0]
    at = found.start() - 1
    while at >= 0 and found.string[at] in _WHITE:
        at -= 1
    # A comma behind nothing is no trailing comma.
    return "," if at < 0 or found.string[at] in "[{,:" else " "


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return position if found is None else found.end()


def _decode(text: str, position: int) -> tuple[Any, int]:
    def refuse(name: str) -> NoReturn:
        raise json.JSONDecodeError(f"{name} is not JSON", text, text.find(name, position))

    def whole(digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise json.JSONDecodeError("Number too long", text, text.find(digits, position))
        return int(digits)

    try:
        return json.JSONDecoder(parse_constant=refuse, parse_int=whole).raw_decode(text, position)
    except RecursionError:
        raise json.JSONDecodeError("Nested too deeply", text, position) from None
