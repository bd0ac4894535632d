"""Regression gates on public sets, and the bench that measures them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.retrieval_engines import Bm25s, Engine, Words, WordsAndMeaning
from bench.retrieval_sets import RetrievalSet, load, score

REPOSITORY = Path(__file__).resolve().parents[2]
NOWHERE = Path("no vectors are made")


def ndcg(engine: Engine, queries: Sequence[Any]) -> float:
    scores = [score(engine.search(each.text, engine.encode(each.text)), each.relevant)["nDCG@10"] for each in queries]
    return sum(scores) / len(scores)


@pytest.fixture(scope="module")
def public_set(test_data: Path) -> Callable[[str, int], RetrievalSet]:
    """A public set with so many of its queries."""
    return lambda name, queries: load(test_data / "retrieval" / f"{name}.json").sample(queries)


@pytest.mark.parametrize(("name", "floor"), [("toollinkos", 0.82), ("seal_tools", 0.89)])
def test_words_alone_stay_as_good_as_they_were_and_no_worse_than_bm25s(
    public_set: Callable[[str, int], RetrievalSet], name: str, floor: float
) -> None:
    asked = public_set(name, 300)
    ours = ndcg(Words(asked.documents, NOWHERE), asked.answerable)
    assert ours >= floor
    assert ours >= ndcg(Bm25s(asked.documents, NOWHERE), asked.answerable)


@pytest.mark.slow  # real weights
@pytest.mark.parametrize(("name", "gain"), [("toollinkos", 0.03), ("seal_tools", 0.0)])
def test_meaning_makes_them_better(
    public_set: Callable[[str, int], RetrievalSet], tmp_path: Path, name: str, gain: float
) -> None:
    """Among a few hundred tools, for the sake of time: there is less to gain than in the whole of the larger set."""
    asked = public_set(name, 150)
    right = {key for query in asked.answerable for key in query.relevant}
    # False sorts first: tools that are asked for, then others.
    few = replace(asked, documents=sorted(asked.documents, key=lambda each: each.key not in right)[:573])
    words = ndcg(Words(few.documents, NOWHERE), few.answerable)
    assert ndcg(WordsAndMeaning(few.documents, tmp_path / "vectors.sqlite"), few.answerable) >= words + gain


ODD: dict[str, Any] = {
    "tools": [
        {"id": "weather", "name": "天気予報", "description": None, "parameters": {}},
        {"id": "x", "name": "get_x"},
        {"id": "mail", "name": "", "parameters": None, "description": "Send 📧 to someone"},
        {"id": "foo", "name": "fooBar", "parameters": {"properties": {"π": {"description": 7}, "q": True}}},
        {"id": "list", "name": "list", "parameters": ["no schema"]},
        {"id": "list", "name": "list again"},
    ],
    "queries": [
        {"text": "天気予報", "relevant": ["weather"]},
        {"text": "", "relevant": ["x"]},
        {"text": "email", "relevant": []},
        {"text": "email"},
        {"text": "send something", "relevant": ["mail", "absent"]},
        {"text": "what is right is not here", "relevant": ["absent"]},
    ],
}


@pytest.mark.slow  # processes of their own, and real weights
def test_the_bench_measures_any_file_of_that_form(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text(json.dumps(ODD), "utf-8")
    (tmp_path / "other.json").write_text(json.dumps({**ODD, "queries": ODD["queries"][:1]}), "utf-8")
    command = [sys.executable, "bench/retrieval.py", "--json", "--tools", "20"]
    files = ["--set", str(tmp_path / "odd.json"), "--set", str(tmp_path / "other.json")]
    done = subprocess.run([*command, *files], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=300)
    figures = json.loads(done.stdout)
    assert list(figures["sets"]) == ["packaged ledger", "odd", "other", "pooled", "20 tools"]
    assert figures["sets"]["odd"]["queries"] == 3
    assert list(figures["sets"]["pooled"]["engines"]) == ["orchestra", "orchestra[semantic]", "bm25s", "rank-bm25"]
    assert set(figures["sets"]["pooled"]["engines"]["orchestra"]) == {
        "build_s", "nDCG@10", "R@1", "R@5", "R@10", "MRR", "p50_ms", "p95_ms", "encode_ms", "memory_mb",
    }  # fmt: skip
    assert figures["confidence"]["odd"]["orchestra"]["unanswerable"] == {"good": 0, "weak": 0, "none": 2}
    assert "held out" in " ".join(figures["confidence"]["packaged ledger"])


@pytest.mark.parametrize("body", ["[]", "{}", '{"queries": [7], "tools": []}', '{"queries": [], "tools": [{}]}'])
def test_a_file_of_another_form_is_refused(tmp_path: Path, body: str) -> None:
    (tmp_path / "set.json").write_text(body)
    with pytest.raises(ValueError, match="is no retrieval set"):
        load(tmp_path / "set.json")


def test_scores_are_those_of_the_field() -> None:
    perfect = score(["a", "b"], frozenset("ab"))
    assert perfect == {"nDCG@10": 1.0, "R@1": 0.5, "R@5": 1.0, "R@10": 1.0, "MRR": 1.0}
    second = score(["x", "a"], frozenset("a"))
    assert second["nDCG@10"] == pytest.approx(0.6309, abs=1e-4)  # 1 / log2(3)
    assert second["MRR"] == 0.5
    assert set(score([], frozenset("a")).values()) == {0.0}
