"""The documents that stand in for the web: loaded once, ranked by the words they share with a query."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

_WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = """a an and are as at by for from how in is it of on or the this to what when where which who why with
http https www com net org example"""
_STOP = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True)
class Document:
    """One page or post."""

    index: int
    title: str
    url: str
    snippet: str
    text: str
    date: str
    author: str
    topic: str

    @property
    def host(self) -> str:
        """The site it is on."""
        return urlsplit(self.url).hostname or ""

    @property
    def moment(self) -> str:
        """Its date as a timestamp; the hour differs from document to document."""
        return f"{self.date}T{6 + self.index % 15:02}:{self.index * 7 % 60:02}:00Z"

    @property
    def post_id(self) -> str:
        """A number as social networks give to posts."""
        return str(1_960_000_000_000_000_000 + self.index * 7_368_787)


class Corpus:
    """Documents and an index of their words."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = tuple(documents)
        self._words = [Counter(_words(f"{d.title} {d.title} {d.topic} {d.snippet} {d.text}")) for d in self.documents]
        spread = Counter(word for words in self._words for word in words)
        self._weight = {word: math.log(1 + len(self.documents) / count) for word, count in spread.items()}

    def rank(self, query: str, *, least: int = 5) -> list[Document]:
        """Documents that share words with a query, best first; filled up with others to at least so many."""
        wanted = dict.fromkeys(_words(query))
        scores = [
            sum(self._weight[word] * (1 + math.log(words[word])) for word in wanted if words[word])
            for words in self._words
        ]
        # What shares no word follows in an order of its own for each query, as if it were found by something else.
        turn = zlib.crc32(query.encode("utf-8", "replace")) % max(1, len(scores))
        order = sorted(range(len(scores)), key=lambda index: (-scores[index], (index - turn) % len(scores)))
        hits = sum(score > 0 for score in scores)
        return [self.documents[index] for index in order[: max(hits, least)]]

    def at(self, url: str) -> Document:
        """The document at an address, or the one that fits its words best."""
        return next((d for d in self.documents if d.url.rstrip("/") == url.rstrip("/")), None) or self.rank(url)[0]


@lru_cache(maxsize=1)
def packaged_corpus() -> Corpus:
    """The corpus that comes with the package."""
    data: list[dict[str, Any]] = json.loads(files("orchestra_tools.data").joinpath("corpus.json").read_bytes())
    return Corpus([Document(index=index, **fields) for index, fields in enumerate(data)])


def _words(text: str) -> list[str]:
    found = (word for word in _WORD.findall(text.casefold()) if word not in _STOP)
    # Plurals are the one inflection that matters here.
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found]
