"""An endpoint that keeps failing is left alone for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from orchestra_tools.calls import Executor
from orchestra_tools.calls.circuit import FAILURES_TO_OPEN, REST_S
from orchestra_tools.errors import (
    CallError,
    CircuitOpenError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnreadableAnswerError,
    UpstreamError,
)
from tests.calls.recording import Bench, Server, json_answer


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resting(server: Server, make_executor: Callable[..., Executor], clock: Clock) -> Bench:
    return Bench(server, make_executor(monotonic=clock))


async def fail(bench: Bench, times: int, answer: Any = None, kind: type[CallError] = UpstreamError) -> None:
    bench.server.answer(answer or json_answer("{}", 500))
    for _ in range(times):
        with pytest.raises(kind):
            await bench.call()


async def test_an_endpoint_that_keeps_failing_rests(resting: Bench, clock: Clock) -> None:
    """Five in a row; then one call tries, and closes the circuit or opens it anew."""
    await fail(resting, FAILURES_TO_OPEN)
    sent = len(resting.server.requests)
    with pytest.raises(CircuitOpenError, match="rests") as caught:
        await resting.call()
    assert caught.value.facts["retry_after_s"] == REST_S
    clock.now += REST_S / 2
    with pytest.raises(CircuitOpenError) as caught:
        await resting.call()
    assert caught.value.facts["retry_after_s"] == REST_S / 2
    assert len(resting.server.requests) == sent
    clock.now += REST_S / 2
    await fail(resting, 1)
    with pytest.raises(CircuitOpenError):
        await resting.call()
    clock.now += REST_S
    resting.server.answer(json_answer())
    await resting.call()
    await fail(resting, FAILURES_TO_OPEN - 1)
    resting.server.answer(json_answer())
    await resting.call()


async def test_only_one_call_tries_a_resting_endpoint(resting: Bench, clock: Clock) -> None:
    """The others wait for what it finds."""
    await fail(resting, FAILURES_TO_OPEN)
    clock.now += REST_S
    arrived, answer = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await answer.wait()
        return json_answer()

    resting.server.answer(slow)
    trying = asyncio.create_task(resting.call())
    await arrived.wait()
    with pytest.raises(CircuitOpenError) as caught:
        await resting.call()
    assert caught.value.facts["retry_after_s"] == 1.0
    answer.set()
    await trying
    await resting.call()


async def test_a_try_that_is_cancelled_leaves_the_way_free(resting: Bench, clock: Clock) -> None:
    """The next call tries."""
    await fail(resting, FAILURES_TO_OPEN)
    clock.now += REST_S
    arrived = asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    resting.server.answer(never)
    trying = asyncio.create_task(resting.call())
    await arrived.wait()
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    resting.server.answer(json_answer())
    await resting.call()


@pytest.mark.parametrize(("status", "kind"), [(400, RejectedError), (401, UnauthorizedError), (429, RateLimitedError)])
async def test_the_callers_faults_do_not_open_a_circuit(
    resting: Bench, clock: Clock, status: int, kind: type[CallError]
) -> None:
    """A bad key is no outage. An endpoint that rested and answers so is alive."""
    await fail(resting, 2 * FAILURES_TO_OPEN, json_answer("{}", status), kind)
    await fail(resting, FAILURES_TO_OPEN)
    clock.now += REST_S
    await fail(resting, 2, json_answer("{}", status), kind)


async def test_unreadable_answers_and_dead_hosts_open_it_too(resting: Bench) -> None:
    """Everything that is the subnet's or the network's."""
    await fail(resting, FAILURES_TO_OPEN, json_answer("nonsense"), UnreadableAnswerError)
    with pytest.raises(CircuitOpenError):
        await resting.call()


async def test_each_operation_has_its_own_circuit(resting: Bench) -> None:
    """One bad operation does not take its neighbours on the same host down."""
    await fail(resting, FAILURES_TO_OPEN)
    resting.server.answer(json_answer())
    await resting.call({}, {}, path="/other")
    with pytest.raises(CircuitOpenError):
        await resting.call()


async def test_refused_calls_are_no_calls(resting: Bench) -> None:
    """They count against no budget, and leave no record."""
    await fail(resting, FAILURES_TO_OPEN)
    calls, statistics = resting.executor.purse.calls, resting.executor.journal.statistics("sn22_ask", sandbox=True)
    with pytest.raises(CircuitOpenError):
        await resting.call()
    assert resting.executor.purse.calls == calls
    assert resting.executor.journal.statistics("sn22_ask", sandbox=True) == statistics
