"""Stores of every kind, empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra_tools.registry.memory import MemoryStore
from orchestra_tools.registry.store import LedgerStore


@pytest.fixture
def store(any_store: LedgerStore) -> LedgerStore:
    """An empty store, one of each kind."""
    return any_store


@pytest.fixture
def memory() -> Iterator[LedgerStore]:
    """An empty store in memory, for what has nothing to do with how it is stored."""
    with MemoryStore() as opened:
        yield opened
