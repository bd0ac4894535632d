"""Fixtures of the call path; what they are made of is in `recording`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
import stamina
from aiohttp import web

from orchestra_tools.calls import Budget, Credentials, Executor, Identity, Journal, Limits
from tests.calls.recording import Bench, Server, json_answer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    state = Server(answers=[json_answer()])
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", state.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    state.url = f"http://127.0.0.1:{port}"
    yield state
    await runner.cleanup()


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
