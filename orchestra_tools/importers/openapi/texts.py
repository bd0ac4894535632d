"""Texts of a document, short enough for a tool.

Nothing is reworded and nothing is hidden. Tags that only format, and carry nothing else, are taken out (`<p>`,
`<code>`): what they frame stays. A text over the limit ends at its last whole paragraph or sentence. A text somebody
finds suspicious is left whole, so that compiling it shows all of it to the rules of hygiene.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 600  # characters; compiling adds up to 400 and lets 1,024 pass
MAX_TITLE = 60  # characters; compiling puts the entry's name before it and lets 120 pass
MAX_READ = 100_000  # characters of one text that are looked at
_BLOCK_TAGS = re.compile(
    r"</?(?:p|br|ul|ol|li|pre|h[1-6]|div|table|thead|tbody|tr|blockquote|hr|dl|dt|dd)\s?/?>", re.IGNORECASE
)
_INLINE_TAGS = re.compile(r"</?(?:b|i|em|strong|code|tt|u|small|sup|sub|span|td|th|kbd)\s?/?>", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
_SENTENCE_END = re.compile(r"[.!?][)\"'`*_]{0,2}(?=\s)")


@dataclass(frozen=True, slots=True)
class Texts:
    """How texts are shortened.

    Attributes:
        suspicious: Whether a text must be left as it is.
    """

    suspicious: Callable[[str], bool] = lambda _: False

    def description(self, value: Any) -> str:
        """A description, plain and short; "" where there is none."""
        if not isinstance(value, str):
            return ""
        # Far more than anybody reads; compiling refuses it for its length.
        return value if len(value) > MAX_READ else self.shorten(plain(value), MAX_TEXT)

    def title(self, value: Any) -> str:
        """A title: one short line."""
        if not isinstance(value, str) or len(value) > MAX_READ:
            return ""
        return self.shorten(" ".join(plain(value).split()), MAX_TITLE)

    def shorten(self, text: str, limit: int) -> str:
        """The text up to a border within the limit, or whole if it is suspicious."""
        return text if len(text) <= limit or self.suspicious(text) else cut(text, limit)


def plain(text: str) -> str:
    """The text without tags that only format."""
    if "<" in text:
        text = _INLINE_TAGS.sub("", _BLOCK_TAGS.sub("\n", text))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _BLANK_LINES.sub("\n\n", text).strip()


def cut(text: str, limit: int) -> str:
    """The beginning of a text, up to the end of a paragraph, a sentence or a word."""
    head = text[:limit]
    if (border := head.rfind("\n\n")) >= limit // 3:
        return head[:border].rstrip()
    ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, limit)]
    if ends and ends[-1] >= limit // 3:
        return head[: ends[-1]]
    words = head[: limit - 1].rsplit(None, 1)
    return f"{words[0] if len(words) == 2 else head[: limit - 1]}…"
