"""A home of its own for every test, a keyring in memory, and one sandbox for all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from orchestra_tools.cli.main import orchestra
from orchestra_tools.testing import Sandbox

Run = Callable[..., Result]


class MemoryKeyring(KeyringBackend):
    """A real keyring backend that forgets everything with the process."""

    priority = 1.0  # type: ignore[assignment]  # keyring declares a property, and documents a plain value

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's things; no setting of the real user counts."""
    for name in list(os.environ):
        if name.startswith("ORCHESTRA_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("ORCHESTRA_HOME", str(folder))
    return folder


@pytest.fixture
def vault() -> Iterator[MemoryKeyring]:
    """The keyring in use."""
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def run() -> Run:
    """Runs `orchestra` with arguments, in this process."""

    def invoke(*args: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(orchestra, list(args), input=stdin)

    return invoke


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Stand-ins for the packaged ledger."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def place(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox as the ledger in use."""
    sandbox.faults.clear()
    monkeypatch.setenv("ORCHESTRA_LEDGER", str(sandbox.ledger_path))
    return sandbox
