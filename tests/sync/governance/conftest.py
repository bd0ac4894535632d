"""A subnet that answers as a test tells it, what the ledger says of it, and a validator who looks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.calls.recording import recording_server
from tests.sync.governance.stage import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A subnet of one operation, `ask`, on loopback."""
    async with recording_server() as server:
        yield Stage(server)
