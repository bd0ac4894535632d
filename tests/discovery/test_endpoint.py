"""Embeddings over HTTP, against a real server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from orchestra_tools.discovery.semantic import EmbeddingEndpoint
from orchestra_tools.errors import ConfigurationError, EmbeddingError
from tests.discovery.embedding_server import EmbeddingServer, embeddings, serve_embeddings


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with serve_embeddings() as running:
        yield running


@pytest.fixture
def endpoint(server: EmbeddingServer) -> Iterator[EmbeddingEndpoint]:
    made = EmbeddingEndpoint(f"{server.url}/", model="small", key=SecretStr("key-123"))
    yield made
    made.close()


def test_it_asks_as_openai_documents_and_keeps_the_order_of_the_texts(
    server: EmbeddingServer, endpoint: EmbeddingEndpoint
) -> None:
    vectors = endpoint.embed(["a", "abc", ""])
    assert vectors[:, 0] == pytest.approx([1 / 2**0.5, 3 / 10**0.5, 1 / 2**0.5])
    path, headers, body = server.asked[0]
    assert (path, headers["authorization"]) == ("/v1/embeddings", "Bearer key-123")
    assert body == {"model": "small", "input": ["a", "abc", " "], "encoding_format": "float"}


def test_many_texts_go_in_batches_and_long_ones_are_cut(server: EmbeddingServer, endpoint: EmbeddingEndpoint) -> None:
    assert endpoint.embed(["x" * 9_000] * 130).shape == (130, 2)
    assert [len(body["input"]) for _, _, body in server.asked] == [64, 64, 2]
    assert {len(text) for _, _, body in server.asked for text in body["input"]} == {8_000}


def test_half_a_surrogate_pair_does_not_keep_the_other_texts_from_being_sent(endpoint: EmbeddingEndpoint) -> None:
    assert endpoint.embed(["a", "\ud83d"]).shape == (2, 2)


def test_without_a_key_none_is_sent(server: EmbeddingServer) -> None:
    endpoint = EmbeddingEndpoint(server.url)
    endpoint.embed(["a"])
    endpoint.close()
    assert "authorization" not in server.asked[0][1]
    assert endpoint.model == f"{server.url}#text-embedding-3-small"


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (401, b"", "answered 401. Check ORCHESTRA_EMBEDDER_KEY"),
        (404, b"", "answered 404. Check ORCHESTRA_EMBEDDER"),
        (302, b"", "answered 302"),
        (500, b"key-123", "answered 500"),
        (200, b"<html>", "no list of vectors"),
        (200, b"[]", "no list of vectors"),
        (200, b'{"data": 7}', "no list of vectors"),
        (200, b'{"data": [{"index": 0, "embedding": "text"}]}', "no list of vectors"),
        (200, b'{"data": [{"index": 0, "embedding": null}]}', "no list of vectors"),
        (200, b'{"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1, 2]}]}', "no list of vectors"),
        (200, b"[" * 100_000, "no list of vectors"),
        (200, b'{"data": []}', "shape"),
        (200, b'{"data": [{"index": 0, "embedding": [0, 0]}]}', "no directions"),
        (200, b'{"data": [{"index": 0, "embedding": [1e999, NaN]}]}', "no directions"),
        (200, b" " * 33_000_000, "more than"),
    ],
)
def test_an_answer_of_no_use_is_a_typed_error(
    server: EmbeddingServer, endpoint: EmbeddingEndpoint, status: int, body: bytes, problem: str
) -> None:
    server.answer = lambda _: (status, body)
    with pytest.raises(EmbeddingError, match=problem) as caught:
        endpoint.embed(["a"])
    assert "key-123" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_no_server_and_one_that_is_too_slow_are_typed_errors(server: EmbeddingServer) -> None:
    go_on = threading.Event()

    def wait(body: dict[str, Any]) -> tuple[int, bytes]:
        go_on.wait(30)
        return embeddings(body)

    server.answer = wait
    slow = EmbeddingEndpoint(server.url)
    with pytest.raises(EmbeddingError, match="ReadTimeout"):
        slow.embed(["a"], within_s=0.05)
    go_on.set()
    slow.close()
    absent = EmbeddingEndpoint("http://127.0.0.1:9/v1")
    with pytest.raises(EmbeddingError, match="cannot be reached"):
        absent.embed(["a"])
    absent.close()


def test_one_that_drips_is_cut_off_at_the_deadline(
    server: EmbeddingServer, endpoint: EmbeddingEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(0, 1000, 15))
    monkeypatch.setattr("orchestra_tools.discovery.semantic.endpoint.time.monotonic", lambda: float(next(ticks)))
    server.answer = lambda _: (200, b" " * 1_000_000)
    with pytest.raises(EmbeddingError, match="too slowly"):
        endpoint._embed_batch(["a"], 20.0)


@pytest.mark.parametrize(
    "url",
    ["ftp://host/v1", "https://", "https://[", "https://user:pw-9@host/v1", "https://host/v1?key=pw-9", "https://h:x/"],
)
def test_a_url_that_is_none_or_holds_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="the URL of the embedding model is none") as caught:
        EmbeddingEndpoint(url)
    assert "pw-9" not in str(caught.value)


def test_a_key_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ConfigurationError, match="only sent over https"):
        EmbeddingEndpoint("http://host.example/v1", key=SecretStr("key"))
    EmbeddingEndpoint("http://host.example/v1").close()


def test_vectors_are_of_single_precision_and_length_one(endpoint: EmbeddingEndpoint) -> None:
    vectors = endpoint.embed(["some text"])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors[0]) == pytest.approx(1)
