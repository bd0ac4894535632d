"""Stores of every kind, empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra_tools.registry.memory import MemoryStore
from orchestra_tools.registry.store import LedgerStore
from tests.stores import (  # noqa: F401  # fixtures
    any_store,
    empty_sqlite,
    postgres_server,
    postgres_url,
    sqlite_url,
    store_url,
)


@pytest.fixture
def store(any_store: LedgerStore) -> LedgerStore:  # noqa: F811  # a fixture asks for another by its name
    """An empty store, one of each kind."""
    return any_store


@pytest.fixture
def memory() -> Iterator[LedgerStore]:
    """An empty store in memory, for what has nothing to do with how it is stored."""
    with MemoryStore() as opened:
        yield opened
