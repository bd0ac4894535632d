"""Strings that match a regular expression of JSON Schema (ECMA-262). No I/O.

Every draw is a proposal: whoever asks checks it. Draws are bounded in length and depend on nothing but the generator.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from random import Random
from typing import Any

from rstr.xeger import Xeger

MAX_LENGTH = 20_000  # characters
_PLAIN = string.ascii_lowercase + string.digits + string.ascii_uppercase + "_- .,:/"
_MAX_RANGE = 512  # characters considered of a range such as \u0000-\uFFFF
_CLASSES = {
    "L": "a-zA-Z",
    "Lu": "A-Z",
    "Ll": "a-z",
    "N": "0-9",
    "Nd": "0-9",
    "P": "!-/",
    "S": "$+<-",
    "Z": " ",
    "Zs": " ",
}
_CLASSES |= {"Letter": "a-zA-Z", "Lowercase_Letter": "a-z", "Uppercase_Letter": "A-Z", "Alphabetic": "a-zA-Z"}


class _TooLongError(Exception):
    """The pattern asks for more characters than we make."""


class _Draw(Xeger):
    """rstr's generator, bounded, and the same in every process (sets of strings have no order)."""

    def __init__(self, random: Random, spread: int, *, exact: bool) -> None:
        super().__init__(random)
        self.spread = spread
        self.exact = exact
        self.left = MAX_LENGTH
        self._cases = {
            **self._cases,
            "any": lambda _: random.choice(string.ascii_lowercase),
            "range": lambda ends: [chr(code) for code in range(ends[0], min(ends[1], ends[0] + _MAX_RANGE) + 1)],
            "category": self._category,
            "atomic_group": lambda group: "".join(self._handle_state(state) for state in group),
            "possessive_repeat": lambda repeat: self._handle_repeat(*repeat),
        }

    def _category(self, name: str) -> str:
        return {"category_space": " ", "category_not_space": _PLAIN.replace(" ", "")}.get(name) or self._categories[
            name
        ]()

    def _handle_in(self, value: Any) -> str:
        options = [char for state in value for char in self._handle_state(state)]
        if options and options[0] is False:
            banned = set(options[1:])
            options = [char for char in _PLAIN + string.printable if char not in banned] or ["\u00e9"]
        return str(self._random.choice(options))

    def _handle_repeat(self, start_range: int, end_range: int, value: Any) -> str:
        most = min(int(end_range), start_range + self.spread)
        times = most if self.exact else self._random.randint(start_range, most)
        parts = []
        for _ in range(times):
            parts.append("".join(self._handle_state(state) for state in value))
            self.left -= 1
            if self.left < 0:
                raise _TooLongError
        return "".join(parts)


def matching(pattern: str, random: Random, shortest: int, longest: int | None) -> Iterator[str]:
    """Proposals for a pattern, aiming at a range of lengths."""
    translated = to_python(pattern)
    spreads = [(4, False)] * 6 + [(0, False), (1, False), (12, False)]
    for aim in {shortest: None, longest or 0: None}:
        spreads += [(max(1, aim // share), exact) for share in (1, 2, 3, 4) for exact in (True, False)] if aim else []
    # A pattern without an end anchor may be followed by anything.
    loose = not translated.endswith("$")
    for spread, exact in spreads + [(4, False)] * 20:
        try:
            text = _Draw(random, spread, exact=exact).xeger(translated)
        except (re.error, _TooLongError, KeyError, IndexError, OverflowError, RecursionError):
            continue
        yield text + "a" * max(0, shortest - len(text)) if loose else text


def to_python(pattern: str) -> str:
    """The pattern in Python's dialect, near enough to draw from."""
    pattern = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern)
    pattern = re.sub(r"\\k<(\w+)>", r"(?P=\1)", pattern)
    out: list[str] = []
    inside = False
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            piece, index = _escape(pattern, index, inside)
            out.append(piece)
            continue
        if char == "[" and inside:
            char = "\\["
        elif char in "[]":
            inside = char == "["
        elif inside and (char in "&|~" or pattern[index : index + 2] == "--"):
            # Python warns that these may become set operators.
            char = "\\" + char
        out.append(char)
        index += 1
    return "".join(out)


def _escape(pattern: str, index: int, inside: bool) -> tuple[str, int]:
    if found := re.match(r"\\[pP]\{([^}]*)\}", pattern[index:]):
        name = found[1].split("=")[-1]
        chars = _CLASSES.get(name, "a-z") if found[0][1] == "p" else "0-9"
        return (chars if inside else f"[{chars}]"), index + found.end()
    if found := re.match(r"\\u\{([0-9A-Fa-f]+)\}", pattern[index:]):
        return re.escape(chr(int(found[1], 16))), index + found.end()
    if found := re.match(r"\\c([A-Za-z])", pattern[index:]):
        return f"\\x{ord(found[1]) % 32:02x}", index + found.end()
    piece = pattern[index : index + 2]
    # Python refuses escapes of letters that mean nothing; in ECMA they stand for themselves.
    known = len(piece) < 2 or not piece[1].isascii() or not piece[1].isalpha() or piece[1] in "dDsSwWbBnrtfvxu"
    return (piece if known else piece[1]), index + 2
