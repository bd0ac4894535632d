"""How well and how fast the index finds tools, beside bm25s and rank-bm25 on the same words, in one run.

    python bench/retrieval.py                      # the public sets in ORCHESTRA_TEST_DATA or ../shared/data
    python bench/retrieval.py --set FILE --json
    pip install bm25s rank-bm25 PyStemmer          # the peers; without them only ours is measured

A set is {"tools": [{id, name, description, parameters, category?}], "queries": [{text, relevant: [ids]}]}. All engines
get the same fields in the same words, stemmed by Porter; ours weighs fields, the peers know one text. Queries go to
each engine in turn, so that a busy machine slows all alike. Times include splitting and stemming the query.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import random
import statistics
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orchestra_tools.compile import compile_ledger
from orchestra_tools.discovery import Document, Finder, Index, describe_parameters, document_of
from orchestra_tools.discovery.matching import match_document, read_query
from orchestra_tools.discovery.text import query_words, split_words
from orchestra_tools.importers import read_ledger

TOP = 10
SEED = 3
PEERS = {"bm25s": "bm25s", "rank-bm25": "rank_bm25"}


class Engine(ABC):
    """A search engine under test."""

    name: str

    @abstractmethod
    def __init__(self, documents: Sequence[Document]) -> None: ...

    @abstractmethod
    def search(self, text: str) -> list[str]:
        """Keys of the best documents, best first."""


class Ours(Engine):
    name = "orchestra"

    def __init__(self, documents: Sequence[Document]) -> None:
        self._index = Index(documents)

    def search(self, text: str) -> list[str]:
        return [hit.key for hit in self._index.search(text, limit=TOP)]


class Peer(Engine):
    """Splits and stems as FTS5 does for us."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._stem: Callable[[list[str]], list[str]] = import_module("Stemmer").Stemmer("porter").stemWords
        self._keys = [document.key for document in documents]
        self._build([self._stem(split_words(" ".join(astuple(document)[1:]))) for document in documents])

    def search(self, text: str) -> list[str]:
        return [self._keys[row] for row in self._rank(self._stem(query_words(text)))]

    @abstractmethod
    def _build(self, corpus: list[list[str]]) -> None: ...

    @abstractmethod
    def _rank(self, words: list[str]) -> Sequence[int]: ...


class Bm25s(Peer):
    name = "bm25s"

    def _build(self, corpus: list[list[str]]) -> None:
        self._engine = import_module("bm25s").BM25()
        self._engine.index(corpus, show_progress=False)

    def _rank(self, words: list[str]) -> Sequence[int]:
        rows, scores = self._engine.retrieve([words], k=min(TOP, len(self._keys)), show_progress=False)
        return [int(row) for row, score in zip(rows[0], scores[0], strict=True) if score > 0]


class RankBm25(Peer):
    name = "rank-bm25"

    def _build(self, corpus: list[list[str]]) -> None:
        self._engine = import_module("rank_bm25").BM25Okapi(corpus)

    def _rank(self, words: list[str]) -> Sequence[int]:
        scores = self._engine.get_scores(words)
        best = scores.argsort()[::-1][:TOP]
        return [int(row) for row in best if scores[row] > 0]


def load(path: Path) -> tuple[list[Document], list[dict[str, Any]]]:
    """Documents and queries of a set."""
    data = json.loads(path.read_text("utf-8"))
    documents = [
        Document(
            tool["id"],
            tool["name"],
            description=tool.get("description") or "",
            parameters=describe_parameters(tool.get("parameters") or {}),
            category=tool.get("category") or "",
        )
        for tool in data["tools"]
    ]
    return documents, data["queries"]


def score(found: list[str], relevant: set[str]) -> dict[str, float]:
    """nDCG@10 and recall of one answer."""
    gain = sum(1 / math.log2(rank + 2) for rank, key in enumerate(found[:TOP]) if key in relevant)
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(TOP, len(relevant))))
    recall = {f"R@{k}": len(relevant.intersection(found[:k])) / len(relevant) for k in (1, 5, 10)}
    return {"nDCG@10": gain / ideal, **recall}


def measure(engines: Sequence[type[Engine]], documents: Sequence[Document], queries: Sequence[dict[str, Any]]) -> Any:
    """Figures of each engine on one set."""
    built: dict[str, Engine] = {}
    figures: dict[str, dict[str, float]] = {}
    for engine in engines:
        start = time.perf_counter()
        built[engine.name] = engine(documents)
        figures[engine.name] = {"build_s": time.perf_counter() - start}
    scores: dict[str, Counter[str]] = {name: Counter() for name in built}
    times: dict[str, list[float]] = {name: [] for name in built}
    for query in queries:
        for name, each in built.items():
            start = time.perf_counter()
            found = each.search(query["text"])
            times[name].append((time.perf_counter() - start) * 1000)
            scores[name].update(score(found, set(query["relevant"])))
    for name, figure in figures.items():
        figure |= {metric: total / len(queries) for metric, total in scores[name].items()}
        figure |= {"p50_ms": statistics.median(times[name]), "p95_ms": statistics.quantiles(times[name], n=20)[-1]}
    return figures


def judge(documents: Sequence[Document], queries: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """How sure we say we are: of tools that can answer, and of the packaged ledger, which mostly cannot."""
    own = Index(documents)
    ledger = resources.files("orchestra_tools.data").joinpath("ledger.json").read_bytes()
    tools = compile_ledger(read_ledger(ledger, source="packaged ledger")).tools
    finder = Finder(Index(map(document_of, tools.values())), tools)

    def on_own(text: str) -> str:
        query = read_query(text, own)
        judged = [match_document(query, hit.key, own).confidence for hit in own.search(query.search, limit=3)]
        return max(judged, key=["none", "weak", "good"].index, default="none")

    counts: dict[str, Counter[str]] = {
        "own tools": Counter(on_own(query["text"]) for query in queries),
        "packaged ledger": Counter(finder.find(query["text"]).confidence for query in queries),
    }
    return {
        name: {each: count[each] / len(queries) for each in ("good", "weak", "none")} for name, count in counts.items()
    }


def enlarge(documents: Sequence[Document], size: int) -> list[Document]:
    """Copies under new keys until there are `size`."""
    copies = ((turn, document) for turn in range(size // len(documents) + 1) for document in documents)
    return [replace(document, key=f"{document.key}#{turn}") for turn, document in itertools.islice(copies, size)]


def run(sets: Sequence[Path], most_queries: int, size: int) -> dict[str, Any]:
    """All figures."""
    missing = [name for name, module in PEERS.items() if find_spec(module) is None or find_spec("Stemmer") is None]
    engines: list[type[Engine]] = [Ours, *(peer for peer in (Bm25s, RankBm25) if peer.name not in missing)]
    results: dict[str, Any] = {"missing": missing, "sets": {}}
    pool: list[Document] = []
    asked: list[dict[str, Any]] = []
    for path in sets:
        documents, queries = load(path)
        queries = random.Random(SEED).sample(queries, min(most_queries, len(queries)))
        results["sets"][path.stem] = {
            "tools": len(documents),
            "queries": len(queries),
            "engines": measure(engines, documents, queries),
            "confidence": judge(documents, queries),
        }
        pool += [replace(document, key=f"{path.stem}/{document.key}") for document in documents]
        asked += [{**query, "relevant": [f"{path.stem}/{key}" for key in query["relevant"]]} for query in queries]
    if len(sets) > 1:
        pooled = measure(engines, pool, asked)
        results["sets"]["pooled"] = {"tools": len(pool), "queries": len(asked), "engines": pooled}
    # Copies are as relevant as what they copy, so only the times of this one mean anything.
    figures = measure([each for each in engines if each is not RankBm25], enlarge(pool, size), asked)
    times = {name: {k: v for k, v in each.items() if k.endswith(("_s", "_ms"))} for name, each in figures.items()}
    results["sets"][f"{size:,} tools"] = {"tools": size, "queries": len(asked), "engines": times}
    return results


def show(results: dict[str, Any]) -> None:
    """Print the figures as tables."""
    for name, figures in results["sets"].items():
        print(f"\n{name}: {figures['tools']:,} tools, {figures['queries']:,} queries")
        ours = figures["engines"][Ours.name]
        columns = list(ours)
        print(f"{'':22}" + "".join(f"{column:>10}" for column in columns))
        for engine, row in figures["engines"].items():
            print(f"{engine:22}" + "".join(f"{row[column]:>10.3f}" for column in columns))
            if engine != Ours.name:
                ratios = "".join(f"{ours[column] / row[column]:>9.2f}x" for column in columns)
                print(f"{'  ours / ' + engine:22}{ratios}")
        for against, shares in figures.get("confidence", {}).items():
            listed = ", ".join(f"{each} {share:.1%}" for each, share in shares.items())
            print(f"  confidence on {against}: {listed}")
    if results["missing"]:
        print(f"\nnot installed: {', '.join(results['missing'])}; pip install bm25s rank-bm25 PyStemmer")


def main() -> None:
    data = Path(os.environ.get("ORCHESTRA_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", type=Path, metavar="FILE", help="a retrieval set; may be repeated")
    parser.add_argument("--queries", type=int, default=600, help="at most so many of each set (default 600)")
    parser.add_argument("--tools", type=int, default=10_000, help="size of the index that is only timed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    sets = options.set or sorted((data / "retrieval").glob("*.json"))
    if not sets:
        parser.error(f"no sets in {data / 'retrieval'}: set ORCHESTRA_TEST_DATA, or pass --set FILE")
    results = run(sets, options.queries, options.tools)
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        show(results)


if __name__ == "__main__":
    main()
