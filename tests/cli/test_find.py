"""`orchestra find` by meaning: it waits for the tools to be embedded, shows how far that is, and goes on without."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.discovery.embedders import WordSums
from tests.discovery.embedding_server import EmbeddingServer, serve_embeddings


def by_words(body: dict[str, Any]) -> tuple[int, bytes]:
    vectors = WordSums(length=256).embed(body["input"]).tolist()
    return 200, json.dumps({"data": [{"index": n, "embedding": row} for n, row in enumerate(vectors)]}).encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    with serve_embeddings(by_words) as running:
        monkeypatch.setenv("ORCHESTRA_EMBEDDER", running.url)
        yield running


def test_the_first_search_embeds_the_tools_and_the_next_one_only_the_request(run: Run, server: EmbeddingServer) -> None:
    first = json.loads(run("find", "umbrella for my trip", "--json").stdout)
    assert "sn18_forecast_point" in [card["name"] for card in first["tools"]]
    assert "note" not in first
    asked = len(server.asked)
    assert asked > 2
    assert json.loads(run("find", "umbrella for my trip", "--json").stdout) == first
    assert len(server.asked) == asked + 1


def test_a_search_without_text_embeds_nothing(run: Run, server: EmbeddingServer) -> None:
    assert run("find", "-c", "web_search").exit_code == 0
    assert server.asked == []


def test_a_model_that_does_not_answer_costs_a_note_and_no_more(run: Run, server: EmbeddingServer) -> None:
    server.answer = lambda _: (503, b"")
    done = run("find", "search the web")
    assert done.exit_code == 0
    assert "sn22_web_search" in done.stdout
    assert "Searched by words alone: " in done.stderr
    assert "answered 503" in done.stderr


def test_a_setting_that_names_no_model_is_an_error_with_a_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_EMBEDDER", "nonsense")
    done = run("find", "search the web")
    assert done.exit_code == 2
    assert "Give minilm, the URL" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_on_a_terminal_the_progress_is_drawn_on_stderr(server: EmbeddingServer) -> None:
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "orchestra_tools.cli.main", "find", "umbrella", "--json"]
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    out, _ = done.communicate(timeout=60)
    drawn = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal that nobody writes to with an error
        while chunk := os.read(master, 65_536):
            drawn += chunk
    os.close(master)
    assert b"embedding tools, once" in drawn
    assert json.loads(out)["tools"]
