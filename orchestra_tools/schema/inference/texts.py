"""What the strings at one place have in common: formats that all of them keep, and whether they are few."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from orchestra_tools.schema.engine import Rules, compile_rules

FORMATS = ("date-time", "date", "ipv4", "ipv6", "uuid", "email", "uri")
"""In order of preference, where several hold."""
MAX_FORMATTED = 2_048  # characters
MAX_WORDS = 8  # distinct strings that may be a vocabulary
_MAX_WORD = 40  # characters


class Texts:
    """A profile of strings. Merging two gives the profile of both."""

    __slots__ = ("_marks", "count", "empty", "formats", "words")

    def __init__(self) -> None:
        self.count = 0
        self.empty = 0
        self.formats: frozenset[str] = frozenset(FORMATS)
        """Those that every string so far has kept."""
        self.words: dict[str, int] | None = {}
        """Distinct strings and the responses they were in; None once there are more than `MAX_WORDS`."""
        self._marks: dict[str, int] = {}

    def see(self, text: str, response: int) -> None:
        """Take a string in; `response` numbers the response it is from."""
        self.count += 1
        if not text:
            self.empty += 1
        elif self.formats:
            self.formats = frozenset(name for name in self.formats if keeps_format(text, name))
        if self.words is None:
            return
        # A long text counts as one of few, too; its digest stands for it, and is nobody's word.
        word = text if len(text) <= _MAX_WORD else f"#{sha256(text.encode()).hexdigest()}"
        if self._marks.get(word) != response:
            self._marks[word] = response
            self.words[word] = self.words.get(word, 0) + 1
            self._bound()

    def absorb(self, other: Texts) -> None:
        """Add what another profile saw, in other responses."""
        self.count += other.count
        self.empty += other.empty
        self.formats &= other.formats
        if self.words is None or other.words is None:
            self.words = None
        else:
            for word, responses in other.words.items():
                self.words[word] = self.words.get(word, 0) + responses
        self._bound()

    def _bound(self) -> None:
        if self.words is None or len(self.words) > MAX_WORDS:
            self.words = None
            self._marks = {}


def keeps_format(text: str, name: str) -> bool:
    """Whether a string is of a format, by the rules it would be validated with."""
    if len(text) > MAX_FORMATTED or (name == "uri" and "://" not in text):
        # `BTC:USD` is a URI to the letter.
        return False
    return _rules_of(name).is_valid(text)


@lru_cache(maxsize=len(FORMATS))
def _rules_of(name: str) -> Rules:
    return compile_rules({"format": name})
