"""The search index: words in, keys out, best first (BM25 over fields of different weight).

    index = Index()
    index.update([document_of(tool) for tool in catalogue.tools.values()])
    index.search("latest news about bittensor")     # (Hit(key="sn22_web_search", score=7.3), ...)

It lives in memory, in SQLite's FTS5, and is brought up to date document by document. Threads may share it.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Final

from orchestra_tools.discovery.document import Document
from orchestra_tools.discovery.text import query_words, split_words
from orchestra_tools.errors import ConfigurationError

# Weight of a word found there. Measured on public sets: without the parameters nDCG@10 falls by 0.06.
WEIGHTS: Final[Mapping[str, float]] = {
    "name": 2.0,
    "subnet": 0.5,
    "description": 1.0,
    "parameters": 0.5,
    "category": 0.5,
}
MAX_QUERY_WORDS = 64  # time grows with each; longer queries are no search but pasted text
_MAX_CACHED = 20_000  # words
_FIELDS = tuple(WEIGHTS)
_RANK = f"bm25(tools, {', '.join(map(str, WEIGHTS.values()))})"
_SCHEMA = f"""
CREATE VIRTUAL TABLE tools USING fts5({", ".join(_FIELDS)}, tokenize = "porter unicode61");
CREATE VIRTUAL TABLE terms USING fts5vocab(tools, row);
CREATE VIRTUAL TABLE words USING fts5(word, tokenize = "porter unicode61");
CREATE VIRTUAL TABLE stems USING fts5vocab(words, instance);
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found; a higher score is better. Scores of different queries do not compare."""

    key: str
    score: float


class Index:
    """Documents by key, searchable."""

    def __init__(self, documents: Iterable[Document] = ()) -> None:
        """Build it.

        Raises:
            ConfigurationError: SQLite was built without FTS5.
        """
        self._lock = threading.RLock()
        # All use is under the lock.
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        try:
            self._database.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            raise ConfigurationError(
                f"SQLite {sqlite3.sqlite_version} of this Python has no full-text search (FTS5)",
                remedy="Use a Python whose sqlite3 module has it, such as those of python.org or uv",
            ) from error
        self._keys: dict[int, str] = {}
        self._rows: dict[str, int] = {}
        self._next_row = 1
        self._stems: dict[str, str] = {}
        self._frequencies: dict[str, int] = {}
        self.update(documents)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def close(self) -> None:
        """Free its memory."""
        with self._lock:
            self._database.close()

    def update(self, changed: Iterable[Document], removed: Iterable[str] = ()) -> None:
        """Add or replace documents, and take others out. All of it or, if an error occurs, nothing."""
        prepared = {document.key: _prepare(document) for document in changed}
        gone = {*removed} - prepared.keys()
        with self._lock:
            old = [row for key in (*gone, *prepared) if (row := self._rows.get(key)) is not None]
            new = {key: row for row, key in enumerate(prepared, start=self._next_row)}
            marks = ", ".join("?" * (1 + len(_FIELDS)))
            with self._database:
                self._database.execute("BEGIN")
                self._database.executemany("DELETE FROM tools WHERE rowid = ?", ((row,) for row in old))
                self._database.executemany(
                    f"INSERT INTO tools (rowid, {', '.join(_FIELDS)}) VALUES ({marks})",  # noqa: S608  # our own names
                    ((new[key], *fields) for key, fields in prepared.items()),
                )
            for row in old:
                del self._rows[self._keys.pop(row)]
            self._rows |= new
            self._keys |= {row: key for key, row in new.items()}
            self._next_row += len(new)
            self._frequencies.clear()

    def search(
        self, query: str | Sequence[str], *, limit: int = 50, accept: Callable[[str], bool] | None = None
    ) -> tuple[Hit, ...]:
        """The best documents that have any of the query's words.

        Args:
            query: Text, or words as `query_words` returns them.
            limit: At most so many.
            accept: Asked for each key, best first, until `limit` are found; others are passed over.
        """
        words = query_words(query) if isinstance(query, str) else list(query)
        with self._lock:
            if not (telling := self._telling(words[:MAX_QUERY_WORDS])) or limit < 1:
                return ()
            # Without a LIMIT SQLite sorts everything, which only a filter can need.
            rows = self._database.execute(
                f"SELECT rowid, {_RANK} AS score FROM tools WHERE tools MATCH ? ORDER BY score, rowid LIMIT ?",  # noqa: S608  # constants
                (" OR ".join(f'"{word}"' for word in telling), -1 if accept else limit),
            )
            found: list[Hit] = []
            for row, score in rows:
                if accept is None or accept(self._keys[row]):
                    found.append(Hit(self._keys[row], -score))
                    if len(found) == limit:
                        break
            rows.close()
        return tuple(found)

    def stems(self, words: Iterable[str]) -> dict[str, str]:
        """Each word with its stem, in which the index compares."""
        wanted = list(words)
        with self._lock:
            known = {word: stem for word in wanted if (stem := self._stems.get(word)) is not None}
            if unseen := [word for word in dict.fromkeys(wanted) if word not in known]:
                known |= self._learn_stems(unseen)
        return known

    def fields_of(self, key: str) -> Mapping[str, frozenset[str]]:
        """The stems in each field of a document; empty for an unknown key."""
        with self._lock:
            if (row := self._rows.get(key)) is None:
                return {}
            texts = self._database.execute(
                f"SELECT {', '.join(_FIELDS)} FROM tools WHERE rowid = ?",  # noqa: S608  # our own names
                (row,),
            ).fetchone()
            split = [text.split() for text in texts]
            known = self.stems(word for words in split for word in words)
        return {field: frozenset(known[word] for word in words) for field, words in zip(_FIELDS, split, strict=True)}

    def frequency(self, stem: str) -> int:
        """In how many documents a stem occurs."""
        with self._lock:
            if (known := self._frequencies.get(stem)) is None:
                row = self._database.execute("SELECT doc FROM terms WHERE term = ?", (stem,)).fetchone()
                if len(self._frequencies) >= _MAX_CACHED:
                    self._frequencies.clear()
                known = self._frequencies[stem] = row[0] if row else 0
        return known

    def rarity(self, stem: str) -> float:
        """How much a stem tells (inverse document frequency); a little even if every document has it."""
        return math.log(1 + (1 + len(self)) / (1 + self.frequency(stem)))

    def _telling(self, words: Sequence[str]) -> list[str]:
        """The words that occur, without those most documents share, as long as there are others."""
        stems = self.stems(words)
        counts = {word: self.frequency(stems[word]) for word in words}
        rare = [word for word, count in counts.items() if 0 < 2 * count <= len(self)]
        return rare or [word for word, count in counts.items() if count]

    def _learn_stems(self, words: Sequence[str]) -> dict[str, str]:
        if len(self._stems) >= _MAX_CACHED:
            # Queries bring ever new words; those of the documents come back by themselves.
            self._stems.clear()
        rows = dict(enumerate(words, start=1))
        # FTS5 shows its stemmer only through a table's vocabulary, so the words go through one.
        self._database.execute("DELETE FROM words")
        self._database.executemany("INSERT INTO words (rowid, word) VALUES (?, ?)", rows.items())
        stemmed = {row: stem for stem, row in self._database.execute("SELECT term, doc FROM stems")}
        learned = {word: stemmed.get(row, word) for row, word in rows.items()}
        self._stems |= learned
        return learned


def _prepare(document: Document) -> tuple[str, ...]:
    _, *texts = astuple(document)
    return tuple(" ".join(split_words(text)) for text in texts)
