"""Fixtures of the call path; what they are made of is in `recording`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
import stamina

from orchestra_tools.calls import Budget, Credentials, Executor, Identity, Journal, Limits
from tests.calls.recording import Bench, Server, recording_server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with recording_server() as state:
        yield state


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries happen at once."""
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
async def bench(server: Server, make_executor: Callable[..., Executor]) -> Bench:
    return Bench(server, make_executor())


@pytest.fixture
async def make_executor() -> AsyncIterator[Callable[..., Executor]]:
    made: list[Executor] = []

    def make(environment: Mapping[str, str] | None = None, **options: Any) -> Executor:
        options = {
            "credentials": Credentials(environment or {}),
            "journal": Journal(),
            "signer": Identity.generate(),
            "budget": Budget(),
            "limits": Limits(timeout_s=5.0),
            **options,
        }
        made.append(Executor(**options))
        return made[-1]

    yield make
    for executor in made:
        await executor.close()
        executor.journal.close()
