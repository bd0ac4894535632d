"""Search by meaning: what is embedded when, and what a search says until it is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestra_tools.compile import Tool
from orchestra_tools.discovery import Document, Finder, Index, document_of
from orchestra_tools.discovery.semantic import MeaningIndex, VectorStore
from orchestra_tools.discovery.semantic.index import describe_document, split_request
from orchestra_tools.errors import EmbeddingError
from tests.discovery.embedders import WordSums

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    Document("sky", "sky", description="weather"),
    Document("purse", "purse", description="money"),
    *(Document(f"k{number}", f"name{number}") for number in range(10)),
]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ready(embedder: WordSums, documents: list[Document] = DOCUMENTS, **options: Any) -> MeaningIndex:
    index = MeaningIndex(embedder, **options)
    index.update(documents)
    index.embed_pending()
    return index


def keys(index: MeaningIndex, text: str, **options: Any) -> list[str]:
    hits = index.search(text, **options)
    assert hits is not None
    return [hit.key for hit in hits]


def test_it_finds_what_shares_no_word() -> None:
    index = ready(WordSums())
    assert keys(index, "rain", limit=3)[0] == "sky"
    assert keys(index, "cash", limit=3)[0] == "purse"
    assert index.note is None


def test_hits_come_best_first_and_no_more_than_asked_for() -> None:
    index = ready(WordSums())
    hits = index.search("rain and cash", limit=5)
    assert hits is not None
    assert len(hits) == 5
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert keys(index, "rain", limit=0) == []
    assert keys(ready(WordSums(), []), "rain") == []


def test_passed_over_keys_do_not_use_up_the_limit() -> None:
    index = ready(WordSums())
    asked: list[tuple[str, float]] = []

    def accept(key: str, closeness: float) -> bool:
        asked.append((key, closeness))
        return key.startswith("k")

    assert all(key.startswith("k") for key in keys(index, "rain", limit=4, accept=accept))
    assert asked[0] == ("sky", pytest.approx(0.7, abs=0.2))


def test_each_sentence_of_a_request_may_find_its_own_tool() -> None:
    request = "Tell me about umbrella things. Then count all my dough please"
    assert split_request(request) == [request, "Tell me about umbrella things.", "Then count all my dough please"]
    assert split_request("Thanks! one request") == ["Thanks! one request"]
    assert split_request("次の天気を教えてくださいお願いします。お金を数えてくださいお願いします。")[1].endswith("。")
    assert split_request("  ") == ["?"]
    assert len(split_request("This is a sentence. " * 99)) == 9


def test_a_name_in_camel_case_is_read_as_words() -> None:
    assert describe_document(Document("k", "getWebPage", description="Reads  it")) == "get Web Page. Reads it"
    assert describe_document(Document("k", "")) == "tool"


def test_until_every_document_has_a_vector_there_is_no_answer_and_a_note() -> None:
    embedder = WordSums()
    index = MeaningIndex(embedder, clock=Clock())
    index.update(DOCUMENTS)
    embedder.down = True
    assert index.note == "Searched by words alone: 0 of 12 tools are embedded so far."
    with pytest.raises(EmbeddingError):
        index.embed_pending()
    assert index.search("rain") is None
    assert index.note == "Searched by words alone: the model is down. Wait"


def test_only_what_changed_is_embedded_anew() -> None:
    embedder = WordSums()
    index = ready(embedder)
    embedder.embedded.clear()
    index.update([*DOCUMENTS[:5], Document("purse", "purse", description="weather")], removed=["k9", "unknown"])
    assert index.pending == 1
    assert keys(index, "cash")[0] == "purse"  # found by what it said before, until the new text has a vector
    index.embed_pending()
    assert embedder.embedded == ["cash", "purse. weather"]
    assert keys(index, "rain", limit=2) in (["sky", "purse"], ["purse", "sky"])
    assert "k9" not in keys(index, "rain")
    assert len(index) == 11


def test_progress_rises_to_all_documents() -> None:
    told: list[tuple[int, int]] = []
    index = MeaningIndex(WordSums())
    index.update(DOCUMENTS)
    index.embed_pending(lambda done, total: told.append((done, total)))
    assert told == [(4, 12), (8, 12), (12, 12)]


def test_the_background_embeds_what_is_pending() -> None:
    index = MeaningIndex(WordSums())
    index.update(DOCUMENTS)
    index.start()
    assert index._worker is not None
    index._worker.join(30)
    assert keys(index, "rain")[0] == "sky"
    index.close()


def test_once_closed_it_embeds_nothing_more() -> None:
    embedder = WordSums()
    index = MeaningIndex(embedder)
    index.update(DOCUMENTS)
    index.close()
    assert embedder.closed
    index.start()
    index.embed_pending()
    assert (index.pending, embedder.embedded) == (12, [])


def test_a_program_that_ends_does_not_wait_for_all_tools() -> None:
    """And ends cleanly, though the background is at work."""
    program = """
from tests.discovery.embedders import WordSums
from orchestra_tools.discovery import Document
from orchestra_tools.discovery.semantic import MeaningIndex
embedder = WordSums()
index = MeaningIndex(embedder)
index.update(Document(f"k{number}", f"name{number}") for number in range(100_000))
index.start()
print("done", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_a_model_that_fails_is_asked_again_after_a_minute() -> None:
    embedder, clock = WordSums(), Clock()
    index = ready(embedder, clock=clock)
    embedder.down = True
    assert index.search("rain") is None
    assert index.note is not None
    embedder.down = False
    assert index.search("rain") is None  # nobody waits for a model that did not answer a moment ago
    clock.now += 61
    assert keys(index, "rain")[0] == "sky"
    assert index.note is None
    assert embedder.patience[-1] == 3.0  # somebody waits for a search
    assert embedder.patience[0] == 20.0


def test_the_background_gives_up_and_a_later_search_starts_it_again() -> None:
    embedder, clock = WordSums(), Clock()
    index = MeaningIndex(embedder, clock=clock)
    index.update(DOCUMENTS)
    embedder.down = True
    index.start()
    assert index._worker is not None
    index._worker.join(30)
    assert index.search("rain") is None
    embedder.down = False
    clock.now += 61
    assert index.search("rain") is None
    index._worker.join(30)
    assert keys(index, "rain")[0] == "sky"


def test_a_model_that_changed_its_length_is_started_over_with() -> None:
    embedder = WordSums()
    index = ready(embedder, clock=Clock())
    embedder.length = 32
    assert index.search("rain") is None
    assert "another length" in str(index.note)
    assert index.pending == len(DOCUMENTS)
    index.embed_pending()
    index._clock.now += 61  # type: ignore[attr-defined]  # the clock of this test
    assert keys(index, "rain")[0] == "sky"


def test_documents_of_two_lengths_are_started_over_with() -> None:
    embedder = WordSums()
    index = ready(embedder, clock=Clock())
    embedder.length = 32
    index.update([Document("new", "new")])
    index.embed_pending()
    assert index.search("rain") is None
    assert index.pending == 13


def test_vectors_that_are_stored_come_back_without_the_model(tmp_path: Path) -> None:
    ready(WordSums(), store=VectorStore(tmp_path / "vectors.sqlite")).close()
    embedder = WordSums()
    index = MeaningIndex(embedder, VectorStore(tmp_path / "vectors.sqlite"))
    index.update(DOCUMENTS)
    assert (index.pending, embedder.embedded) == (0, [])
    assert keys(index, "rain")[0] == "sky"
    index.close()


def test_embedders_that_answer_nonsense_are_refused() -> None:
    class Broken(WordSums):
        answer: Any = None

        def _embed_batch(self, texts: Any, within_s: float) -> np.ndarray:
            return np.array(self.answer, np.float32)

    broken = Broken()
    for answer, problem in [
        ([[1, 2], [3, 4]], "shape"),
        ([1], "shape"),
        ([[0, 0]], "no directions"),
        ([[float("nan"), 1]], "no directions"),
    ]:
        broken.answer = answer
        with pytest.raises(EmbeddingError, match=problem):
            broken.embed(["text"])

    class Growing(WordSums):
        batch_size = 1

        def _embed_batch(self, texts: Any, within_s: float) -> np.ndarray:
            self.length += 1
            return super()._embed_batch(texts, within_s)

    with pytest.raises(EmbeddingError, match="several lengths"):
        Growing().embed(["a", "b"])
    assert WordSums().embed([]).shape == (0, 0)


WEATHER = {"title": "Sky", "description": "weather", "capabilities": ["weather_forecast"]}
OTHERS = {f"SN{number}/other{number}": {"capabilities": ["chat_completion"]} for number in range(10, 30)}


@pytest.fixture
def find(make_tools: Any) -> Any:
    """Searches tools by words and meaning."""

    def make(operations: Any, *, calibrated: bool = True, ready: bool = True, **options: Any) -> Finder:
        tools: dict[str, Tool] = make_tools(operations)
        documents = [document_of(tool) for tool in tools.values()]
        meaning = MeaningIndex(WordSums(calibrated=calibrated))
        meaning.update(documents)
        if ready:
            meaning.embed_pending()
        else:
            meaning.embedder.go_on.clear()
        return Finder(Index(documents), tools, meaning=meaning, **options)

    return make


def test_a_finder_with_meaning_finds_what_shares_no_word_and_says_why(find: Any) -> None:
    finder = find({"SN1/sky": WEATHER, **OTHERS})
    findings = finder.find("umbrella")
    assert findings.cards[0].name == "sn1_sky"
    assert findings.cards[0].why == "close in meaning"
    assert findings.confidence in ("good", "weak")
    assert findings.note is None
    assert "note" not in findings.to_json()


def test_what_is_neither_close_nor_shares_a_word_is_no_finding(find: Any) -> None:
    finder = find({"SN1/sky": WEATHER, **OTHERS})
    assert finder.find("umbrella").total == 1
    assert (finder.find("zebra").confidence, finder.find("zebra").total) == ("none", 0)


def test_where_the_scale_of_a_model_is_unknown_words_decide_whether_it_is_good(find: Any) -> None:
    finder = find({"SN1/sky": WEATHER, **OTHERS}, calibrated=False)
    findings = finder.find("umbrella")
    assert (findings.cards[0].name, findings.confidence) == ("sn1_sky", "weak")
    assert findings.cards[0].why == "close in meaning"
    assert finder.find("weather forecast").confidence == "good"


def test_filters_hold_and_count_what_was_close(find: Any) -> None:
    finder = find({"SN1/sky": {**WEATHER, "audience": "operator"}, **OTHERS})
    assert finder.find("umbrella", audience="consumer").cards == ()
    assert finder.find("umbrella", audience="operator").cards[0].name == "sn1_sky"
    unknown = finder.find("umbrella", min_reliability=0.9)
    assert (unknown.cards, unknown.unknown) == ((), 1)
    assert finder.find("umbrella", within=lambda tool: tool.name != "sn1_sky").cards == ()


def test_text_within_a_capability_orders_it_by_meaning(find: Any) -> None:
    finder = find({"SN1/sky": WEATHER, "SN2/z": {**WEATHER, "description": "money"}, **OTHERS})
    assert [card.name for card in finder.find("dough", capability="weather_forecast").cards] == ["sn2_z", "sn1_sky"]


def test_until_it_is_ready_a_finder_answers_by_words_and_says_so(find: Any) -> None:
    finder = find({"SN1/sky": WEATHER, **OTHERS}, ready=False)
    findings = finder.find("weather")
    assert findings.cards[0].name == "sn1_sky"
    assert findings.to_json()["note"].startswith("Searched by words alone: ")
    assert finder.find(capability="weather_forecast").note is None
    finder._meaning.embedder.go_on.set()
    finder._meaning.close()
