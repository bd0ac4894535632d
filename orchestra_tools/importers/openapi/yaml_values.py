"""YAML, of which only the JSON part is taken.

PyYAML finds the events; values are made here, without recursion, so that no document is too deep for Python's stack.
Scalars are those of YAML 1.2 (core schema): no dates, no `yes`, no base 60. Keys are text as written. An alias is the
same value again; how large the document would be if each were written out is counted and bounded.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

MAX_DEPTH = 1_000  # levels
MAX_NODES = 2_000_000  # values, once aliases are written out
_MAX_DIGITS = 400
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_RADIX = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = ("!", f"{_TAG}str")
_PLAIN_TAGS = tuple(f"{_TAG}{name}" for name in ("int", "float", "bool", "null"))
_CONTAINER_TAGS = (None, "!", f"{_TAG}map", f"{_TAG}seq")
_MERGE = "<<"


class BadYaml(ValueError):  # noqa: N818  # never leaves this package
    """The text is not YAML, or not YAML that can be taken."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass
class _Open:
    """A list or an object that has not ended."""

    value: Any
    anchor: str | None
    nodes: int = 1
    key: str | None = None
    merged: list[dict[str, Any]] = field(default_factory=list)


def parse_yaml(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        BadYaml: It cannot be taken.
    """
    builder = _Builder()
    line = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            line = event.start_mark.line + 1 if event.start_mark else line
            builder.take(event, line)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be scanned"
        position = getattr(error, "position", None)
        if mark is None and isinstance(position, int):
            line = text.count("\n", 0, position) + 1
        raise BadYaml(f"not YAML: {str(problem)[:200]}", mark.line + 1 if mark else line) from error
    return builder.root


class _Builder:
    """Makes values of events."""

    def __init__(self) -> None:
        self.root: Any = None
        self._documents = 0
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open_anchors: set[str] = set()

    def take(self, event: Any, line: int) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._start(event, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end(line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor or "", line)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise BadYaml("a second document begins; one is taken", line)

    def _scalar(self, event: Any, line: int) -> None:
        if self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None:
            if event.anchor:
                self._anchors[event.anchor] = (event.value, 1)
            self._key(event.value, line)
            return
        value = _scalar_value(event, line)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, 1, line)

    def _start(self, event: Any, line: int) -> None:
        if event.tag not in _CONTAINER_TAGS:
            raise BadYaml(f"the tag {event.tag[:60]!r} is not taken", line)
        if len(self._stack) >= MAX_DEPTH:
            raise BadYaml(f"nested deeper than {MAX_DEPTH:,} levels", line)
        if self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None:
            raise BadYaml("a key is text, this one is a list or an object", line)
        if event.anchor:
            self._open_anchors.add(event.anchor)
        self._stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))

    def _end(self, line: int) -> None:
        done = self._stack.pop()
        for source in done.merged:
            for name, value in source.items():
                done.value.setdefault(name, value)
        if done.anchor:
            self._open_anchors.discard(done.anchor)
            self._anchors[done.anchor] = (done.value, done.nodes)
        self._add(done.value, done.nodes, line)

    def _alias(self, anchor: str, line: int) -> None:
        if anchor in self._open_anchors:
            raise BadYaml("an alias stands inside what it stands for", line)
        if anchor not in self._anchors:
            raise BadYaml(f"the alias {anchor[:60]!r} stands for nothing", line)
        value, nodes = self._anchors[anchor]
        if self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None:
            if not isinstance(value, str):
                raise BadYaml("a key is text, this one is an alias of something else", line)
            self._key(value, line)
            return
        self._add(value, nodes, line)

    def _key(self, name: str, line: int) -> None:
        holder = self._stack[-1]
        if name in holder.value and name != _MERGE:
            raise BadYaml(f"the key {name[:60]!r} stands twice", line)
        holder.key = name

    def _add(self, value: Any, nodes: int, line: int) -> None:
        if not self._stack:
            self.root = value
            return
        holder = self._stack[-1]
        holder.nodes += nodes
        if holder.nodes > MAX_NODES:
            raise BadYaml(f"more than {MAX_NODES:,} values once its aliases are written out", line)
        if isinstance(holder.value, list):
            holder.value.append(value)
            return
        key, holder.key = holder.key, None
        if key == _MERGE:
            self._merge(holder, value, line)
        else:
            holder.value[key] = value

    @staticmethod
    def _merge(holder: _Open, value: Any, line: int) -> None:
        """Remember what `<<` merges in: what the object states itself comes first."""
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in sources):
            raise BadYaml("<< merges objects, this is something else", line)
        holder.merged += sources


def _scalar_value(event: Any, line: int) -> Any:
    text: str = event.value
    is_plain = event.implicit[0] or event.tag in _PLAIN_TAGS
    if event.tag is not None and event.tag not in _TEXT_TAGS and event.tag not in _PLAIN_TAGS:
        raise BadYaml(f"the tag {event.tag[:60]!r} is not taken", line)
    if not is_plain or event.tag in _TEXT_TAGS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _RADIX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else _infinite(line)
    return text


def _infinite(line: int) -> NoReturn:
    raise BadYaml("a number is too large", line)
