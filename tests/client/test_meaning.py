"""Search by meaning, switched on: by a setting, by an argument, and by nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestra_tools.client import AsyncLedgerClient, LedgerClient, open_session
from orchestra_tools.errors import ConfigurationError
from tests.discovery.embedders import WordSums


def modules_after(program: str, environment: dict[str, str]) -> set[str]:
    script = f"import json, sys\n{program}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow  # a fresh interpreter
def test_unless_it_is_switched_on_nothing_of_it_is_imported() -> None:
    program = "from orchestra import LedgerClient\nledger = LedgerClient()\nledger.find('weather')\nledger.close()"
    assert not modules_after(program, {}) & {"numpy", "onnxruntime", "tokenizers", "orchestra_tools.discovery.semantic"}


@pytest.mark.slow  # a fresh interpreter
def test_a_missing_extra_is_told_with_the_command_that_mends_it() -> None:
    program = """
import sys
sys.modules["numpy"] = None
from orchestra import LedgerClient
try:
    LedgerClient()
except ImportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "ORCHESTRA_EMBEDDER": "minilm"},
    )
    assert 'pip install "orchestra-tools[semantic]"' in done.stdout


@pytest.mark.parametrize("choice", ["nonsense", "https://", "/no/such/folder"])
def test_a_setting_that_names_no_model_is_refused_at_once(choice: str) -> None:
    with pytest.raises(ConfigurationError, match="embedding model"):
        open_session(environment={**os.environ, "ORCHESTRA_EMBEDDER": choice})


def test_a_client_takes_an_embedder_of_ones_own_and_waits_on_request(tmp_path: Path) -> None:
    environment = {"ORCHESTRA_HOME": str(tmp_path)}
    embedder = WordSums(length=1024)
    with LedgerClient(embedder=embedder, environment=environment) as ledger:
        ledger.session.toolset.embed_tools()
        findings = ledger.search("umbrella")
        assert findings.note is None
        assert findings.cards[0].name == "sn18_forecast_point"
    assert embedder.closed
    again = WordSums(length=1024)
    with LedgerClient(embedder=again, environment=environment) as ledger:
        assert ledger.search("umbrella").cards[0].name == "sn18_forecast_point"
    assert again.embedded == ["umbrella"]  # all else was stored


async def test_the_asynchronous_client_takes_one_too(tmp_path: Path) -> None:
    embedder = WordSums(length=1024)
    async with AsyncLedgerClient(embedder=embedder, environment={"ORCHESTRA_HOME": str(tmp_path)}) as ledger:
        ledger.session.toolset.embed_tools()
        assert (await ledger.search("umbrella")).cards[0].name == "sn18_forecast_point"
    assert embedder.closed


def test_without_waiting_the_first_search_is_by_words_and_starts_the_rest(tmp_path: Path) -> None:
    embedder = WordSums()
    embedder.down = True
    with LedgerClient(embedder=embedder, environment={"ORCHESTRA_HOME": str(tmp_path)}) as ledger:
        findings = ledger.search("weather forecast")
        assert findings.cards[0].name == "sn18_forecast_point"
        assert str(findings.note).startswith("Searched by words alone: ")


def test_an_endpoint_is_a_setting_with_model_and_key(tmp_path: Path) -> None:
    session = open_session(
        environment={
            "ORCHESTRA_HOME": str(tmp_path),
            "ORCHESTRA_EMBEDDER": "https://embeddings.example/v1",
            "ORCHESTRA_EMBEDDER_MODEL": "large",
            "ORCHESTRA_EMBEDDER_KEY": "key-123",
        }
    )
    assert session.toolset.meaning is not None
    assert session.toolset.meaning.embedder.model == "https://embeddings.example/v1#large"
    assert "key-123" not in repr(session.settings)
    session.toolset.meaning.close()
