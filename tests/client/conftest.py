"""Clients that are closed when their test ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestra import AsyncLedgerClient, LedgerClient
from tests.client.either import Either


@pytest.fixture(params=[LedgerClient, AsyncLedgerClient], ids=["sync", "async"])
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made: list[Either] = []

    def open_client(ledger: Any = None, **options: Any) -> Either:
        environment = {"ORCHESTRA_HOME": str(tmp_path / "home"), **options.pop("environment", {})}
        made.append(Either(request.param(ledger, environment=environment, **options)))
        return made[-1]

    yield open_client
    for each in made:
        await each.do("close")
