"""How well and how fast tools are found, beside bm25s and rank-bm25 on the same words, in one run.

    python bench/retrieval.py                      # the public sets in ORCHESTRA_TEST_DATA or ../shared/data
    python bench/retrieval.py --set FILE --json
    pip install bm25s rank-bm25 PyStemmer "orchestra-tools[semantic]"    # what is missing is left out, and named

The form of a set is told in bench/retrieval_sets.py. Queries go to each engine in turn, so that a busy machine slows
all alike. Times include splitting and stemming the query; what a model takes to encode it stands in its own column.
Whether "no good match" is said when it should be is measured on tests/discovery/queries.json, and on every set that has
queries without relevant tools.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

if not __package__:
    # Run as a file: its own parts are found from above, and bench/mcp.py must not hide the package mcp.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.retrieval_engines import ENGINES, Engine, RankBm25, Words, build, measure_memory  # see above
from bench.retrieval_sets import Asked, RetrievalSet, load, pool, score  # see above
from orchestra_tools.discovery import Document  # see above
from orchestra_tools.discovery.matching import Match, judge  # see above

REQUESTS = Path(__file__).parents[1] / "tests" / "discovery" / "queries.json"
_PROBES = 20  # queries that a process is warmed up with before its memory is read


Encoded = dict[tuple[str, str], tuple[Any, float]]
"""What an engine's model made of a query, and the milliseconds it took: the same in every set."""


def measure(engines: Sequence[type[Engine]], asked: RetrievalSet, vectors: Path, encoded: Encoded) -> Any:
    """Figures of each engine on one set."""
    queries = asked.answerable
    built: dict[str, Engine] = {}
    figures: dict[str, dict[str, float]] = {}
    for engine in engines:
        built[engine.name], seconds = build(engine, asked.documents, vectors)
        figures[engine.name] = {"build_s": seconds}
    scores: dict[str, Counter[str]] = {name: Counter() for name in built}
    searching: dict[str, list[float]] = {name: [] for name in built}
    for query in queries:
        for name, each in built.items():
            if (name, query.text) not in encoded:
                start = time.perf_counter()
                made = each.encode(query.text)
                encoded[name, query.text] = (made, 1000 * (time.perf_counter() - start))
            given = encoded[name, query.text][0]
            start = time.perf_counter()
            found = each.search(query.text, given)
            searching[name].append(1000 * (time.perf_counter() - start))
            scores[name].update(score(found, query.relevant))
    for engine in engines:
        figure, name = figures[engine.name], engine.name
        figure |= {metric: total / len(queries) for metric, total in scores[name].items()}
        figure |= {"p50_ms": statistics.median(searching[name]), "p95_ms": _percentile(searching[name], 95)}
        figure["encode_ms"] = statistics.median(encoded[name, query.text][1] for query in queries)
        probes = [query.text for query in queries[:_PROBES]]
        figure["memory_mb"] = measure_memory(engine, asked.documents, probes, vectors)
    return figures


def measure_confidence(engines: Iterable[type[Engine]], asked: RetrievalSet, vectors: Path) -> Any:
    """How sure each of our engines says it is, of queries that have an answer and of those that have none."""
    figures: dict[str, dict[str, Any]] = {}
    for engine in engines:
        if not issubclass(engine, Words):
            continue
        ours = engine(asked.documents, vectors)
        judged = [(query, ours.matches(query.text)) for query in asked.queries]
        for split in dict.fromkeys(query.split for query in asked.queries):
            label = f"{engine.name} {split}".strip()
            figures[label] = _confidence([each for each in judged if each[0].split == split])
    return figures


def _confidence(judged: Sequence[tuple[Asked, list[Match]]]) -> dict[str, Any]:
    said = [(judge(matches), bool(query.relevant)) for query, matches in judged]
    support = [
        (max((each.support for each in matches[:3]), default=0.0), bool(query.relevant)) for query, matches in judged
    ]
    yes = [value for value, answerable in support if answerable]
    no = [value for value, answerable in support if not answerable]
    counts = Counter(said)
    shares = {
        kind: {word: counts[word, answerable] for word in ("good", "weak", "none")}
        for kind, answerable in (("answerable", True), ("unanswerable", False))
    }
    wins = sum((left > right) + (left == right) / 2 for left in yes for right in no)
    return {
        **shares,
        "good_precision": _share(counts["good", True], counts["good", False]),
        "good_recall": _share(counts["good", True], len(yes) - counts["good", True]),
        "none_precision": _share(counts["none", False], counts["none", True]),
        "none_recall": _share(counts["none", False], len(no) - counts["none", False]),
        "AUROC": wins / (len(yes) * len(no)) if yes and no else None,
    }


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def enlarge(documents: Sequence[Document], size: int) -> list[Document]:
    """Copies under new keys until there are `size`."""
    copies = ((turn, document) for turn in range(size // len(documents) + 1) for document in documents)
    return [replace(document, key=f"{document.key}#{turn}") for turn, document in itertools.islice(copies, size)]


def run(paths: Sequence[Path], most_queries: int, size: int, vectors: Path) -> dict[str, Any]:
    """All figures."""
    engines = [engine for engine in ENGINES if not engine.missing()]
    results: dict[str, Any] = {
        "missing": {engine.name: engine.missing() for engine in ENGINES if engine.missing()},
        "sets": {},
        "confidence": {},
    }
    encoded: Encoded = {}
    requests = replace(load(REQUESTS), name="packaged ledger")
    results["sets"][requests.name] = _entry(requests, measure(engines, requests, vectors, encoded))
    results["confidence"][requests.name] = measure_confidence(engines, requests, vectors)
    sets = [load(path).sample(most_queries) for path in paths]
    for number, each in enumerate(sets):
        name = each.name if each.name not in results["sets"] else f"{each.name} {number}"
        if len(each.answerable) < len(each.queries):
            results["confidence"][name] = measure_confidence(engines, each, vectors)
        if each.documents and each.answerable:
            results["sets"][name] = _entry(each, measure(engines, each, vectors, encoded))
    pooled = pool(sets)
    if not pooled.queries:
        return results
    if len(sets) > 1:
        results["sets"]["pooled"] = _entry(pooled, measure(engines, pooled, vectors, encoded))
    # Copies are as relevant as what they copy, so only times and memory of this one mean anything.
    large = replace(pooled, name=f"{size:,} tools", documents=enlarge(pooled.documents, size))
    figures = measure([each for each in engines if each is not RankBm25], large, vectors, encoded)
    kept = ("build_s", "p50_ms", "p95_ms", "encode_ms", "memory_mb")
    timed = {name: {column: each[column] for column in kept} for name, each in figures.items()}
    results["sets"][large.name] = _entry(large, timed)
    return results


def _entry(asked: RetrievalSet, figures: Any) -> dict[str, Any]:
    return {"tools": len(asked.documents), "queries": len(asked.answerable), "engines": figures}


def show(results: dict[str, Any]) -> None:
    """Print the figures as tables."""
    for name, figures in results["sets"].items():
        print(f"\n{name}: {figures['tools']:,} tools, {figures['queries']:,} queries")
        ours = figures["engines"][Words.name]
        columns = list(ours)
        print(f"{'':26}" + "".join(f"{column:>10}" for column in columns))
        for engine, row in figures["engines"].items():
            print(f"{engine:26}" + "".join(f"{row[column]:>10.3f}" for column in columns))
    for name, rows in results["confidence"].items():
        print(f"\nIs there an answer? {name}")
        for label, row in rows.items():
            counts = "; ".join(
                f"{kind}: {', '.join(f'{word} {count}' for word, count in row[kind].items())}"
                for kind in ("answerable", "unanswerable")
            )
            rest = ", ".join(f"{key} {value:.2f}" for key, value in row.items() if isinstance(value, float))
            print(f"  {label}: {counts}\n    {rest}")
    for engine, modules in results["missing"].items():
        print(f"\nleft out: {engine}, because {', '.join(modules)} is not installed")


def main() -> None:
    data = Path(os.environ.get("ORCHESTRA_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", type=Path, metavar="FILE", help="a retrieval set; may be repeated")
    parser.add_argument("--queries", type=int, default=600, help="at most so many of each set (default 600)")
    parser.add_argument("--tools", type=int, default=10_000, help="size of the index that is only timed")
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="keep vectors there: embedding takes minutes")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    sets = options.set or sorted((data / "retrieval").glob("*.json"))
    if not sets:
        parser.error(f"no sets in {data / 'retrieval'}: set ORCHESTRA_TEST_DATA, or pass --set FILE")
    with tempfile.TemporaryDirectory() as folder:
        try:
            results = run(sets, options.queries, options.tools, options.vectors or Path(folder) / "vectors.sqlite")
        except (OSError, ValueError) as error:
            parser.error(str(error))
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        show(results)


if __name__ == "__main__":
    main()
