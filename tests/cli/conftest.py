"""What the tests of the commands share: how a command is run, a keyring in memory, a sandbox as the ledger."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestra_tools.cli.main import orchestra
from orchestra_tools.testing import Sandbox
from tests.keyrings import MemoryKeyring, memory_keyring

Run = Callable[..., Result]


@pytest.fixture
def home() -> Path:
    """The folder of the user's things, made for each test."""
    return Path(os.environ["ORCHESTRA_HOME"])


@pytest.fixture
def vault() -> Iterator[MemoryKeyring]:
    """The keyring in use."""
    with memory_keyring() as backend:
        yield backend


@pytest.fixture
def run() -> Run:
    """Runs `orchestra` with arguments, in this process."""

    def invoke(*args: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(orchestra, list(args), input=stdin)

    return invoke


@pytest.fixture
def place(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The sandbox as the ledger in use; the faults a test sets end with it."""
    monkeypatch.setenv("ORCHESTRA_LEDGER", str(sandbox.ledger_path))
    yield sandbox
    sandbox.faults.clear()
