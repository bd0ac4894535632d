"""The hosts of the contract: every driver class in `drivers/`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.client import LedgerClient
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.testing import Sandbox
from tests.contract.cases import document
from tests.contract.driver import Driver

DRIVERS = sorted(found.name for found in pkgutil.iter_modules([str(Path(__file__).with_name("drivers"))]))
Host = Callable[..., AbstractAsyncContextManager[Driver]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A framework takes seconds to import: the contract is not part of the fast tests, but for one host."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "[mcp" not in item.name:
            item.add_marker(pytest.mark.slow)


def driver_class(name: str) -> type[Driver]:
    """The one driver class that a module of `drivers` defines."""
    module = importlib.import_module(f"tests.contract.drivers.{name}")
    (found,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Driver) and value.__module__ == module.__name__
    ]
    return found


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> type[Driver]:
    return driver_class(request.param)


@pytest.fixture(scope="module")
def hard() -> Iterator[Sandbox]:
    """A sandbox of the ledger of `cases`."""
    with Sandbox(ledger_from_document(document(), source="cases")) as running:
        yield running


@pytest.fixture
def ledger(hard: Sandbox, tmp_path: Path) -> Iterator[LedgerClient]:
    """A client with a journal, circuits and a ledger file of its own."""
    path = tmp_path / "ledger.json"
    path.write_bytes(hard.ledger_path.read_bytes())
    with LedgerClient(path, environment={"ORCHESTRA_HOME": str(tmp_path / "home")}) as client:
        yield client
    hard.faults.clear()


@pytest.fixture
def host(driver: type[Driver], ledger: LedgerClient) -> Host:
    """Start the host with the tools of the ledger."""

    @asynccontextmanager
    async def started(**conditions: Any) -> AsyncIterator[Driver]:
        async with driver(ledger, **conditions) as running:
            yield running

    return started
