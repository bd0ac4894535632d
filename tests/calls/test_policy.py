"""When a call is made again, what is told meanwhile, and what cancelling does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import stamina
from aiohttp import web

from orchestra_tools.calls import Executor
from orchestra_tools.calls.progress import Progress
from orchestra_tools.calls.retries import MAX_ATTEMPTS, MAX_WAIT_S, wait_before_retry
from orchestra_tools.errors import (
    CallError,
    CallTimeoutError,
    ConnectionFailedError,
    NotCallableError,
    RateLimitedError,
    UpstreamError,
)
from orchestra_tools.model import Outcome
from tests.calls.recording import Bench, Server, compile_tool, json_answer, ledger_of

PAID = {"spends_money": True, "cost": {"amount": "0.01", "currency": "USD"}, "read_only": True}
WRITES = {"read_only": False, "idempotent": False}


async def disconnect(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_passing_failure_is_tried_again(bench: Bench, status: int) -> None:
    """Where doing it twice changes nothing; attempts are counted."""
    bench.server.answer(json_answer("{}", status), json_answer("[1]"))
    result = await bench.call()
    assert result.data == [1]
    assert (result.receipt.attempts, result.observation.attempts) == (2, 2)
    assert result.observation.outcome is Outcome.OK
    assert len(bench.server.requests) == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_lasting_failure_is_given_up(bench: Bench, status: int) -> None:
    """After three attempts; the last failure is the one told and recorded."""
    bench.server.answer(json_answer("{}", status))
    with pytest.raises(CallError) as caught:
        await bench.call()
    assert len(bench.server.requests) == MAX_ATTEMPTS
    assert caught.value.receipt is not None
    assert caught.value.receipt.attempts == MAX_ATTEMPTS
    assert caught.value.receipt.response is not None
    assert caught.value.receipt.response.status == status


@pytest.mark.parametrize(
    ("operation", "answer", "attempts"),
    [
        (PAID, json_answer("{}", 503), 1),
        (WRITES, json_answer("{}", 503), 1),
        (WRITES | {"idempotent": True}, json_answer("{}", 503), 3),
        (PAID, json_answer("{}", 429), 3),
        (WRITES, json_answer("{}", 429), 3),
        ({}, json_answer("{}", 500), 1),
        ({}, json_answer("{}", 400), 1),
        ({}, json_answer("{}", 401), 1),
        ({}, json_answer("nonsense"), 1),
        ({}, disconnect, 3),
        (PAID, disconnect, 1),
        (WRITES, disconnect, 1),
    ],
)
async def test_a_call_is_made_again_only_where_that_is_safe(
    bench: Bench, operation: dict[str, Any], answer: Any, attempts: int
) -> None:
    """Turned away: always. Perhaps carried out: only if twice is the same as once, and free."""
    bench.server.answer(answer)
    with pytest.raises(CallError):
        await bench.call({}, operation)
    assert len(bench.server.requests) == attempts


async def test_a_paid_call_is_not_repeated_on_a_kept_connection(bench: Bench) -> None:
    """HTTP libraries like to send a GET again by themselves when a kept connection breaks."""
    await bench.call({}, PAID)
    bench.server.answer(disconnect)
    with pytest.raises(ConnectionFailedError) as caught:
        await bench.call({}, PAID)
    assert caught.value.facts["sent"]
    assert len(bench.server.requests) == 2


async def test_what_never_left_is_sent_again_even_if_it_costs(make_executor: Callable[..., Executor]) -> None:
    """Nobody was there to carry it out."""
    bench = Bench(Server(url="http://127.0.0.1:9"), make_executor())
    with pytest.raises(ConnectionFailedError) as caught:
        await bench.call({}, PAID)
    assert caught.value.observation is not None
    assert caught.value.observation.attempts == MAX_ATTEMPTS


@pytest.mark.parametrize(("seconds", "attempts"), [("0", 3), ("1", 3), ("5", 3), ("6", 1), ("3600", 1)])
async def test_retry_after_is_honoured_up_to_five_seconds(bench: Bench, seconds: str, attempts: int) -> None:
    """Longer waits are the caller's to decide."""
    bench.server.answer(json_answer("{}", 429, Retry_After=seconds))
    with pytest.raises(RateLimitedError) as caught:
        await bench.call()
    assert caught.value.retry_after_s == float(seconds)
    assert len(bench.server.requests) == attempts


@pytest.mark.parametrize("seconds", [0.0, 2.0, MAX_WAIT_S])
def test_the_wait_is_what_the_subnet_asked_for(seconds: float) -> None:
    """Not the usual backoff; stamina takes `True` for that, and a number for the wait."""
    tool, _ = compile_tool(ledger_of(url="http://127.0.0.1:1"))
    error = RateLimitedError("", outcome=Outcome.RATE_LIMITED, status=429, retry_after_s=seconds)
    assert wait_before_retry(tool, error) == seconds
    assert wait_before_retry(tool, RateLimitedError("", outcome=Outcome.RATE_LIMITED, status=429)) is True
    assert wait_before_retry(tool, ValueError()) is False
    assert wait_before_retry(tool, UpstreamError("", outcome=Outcome.SERVER_ERROR, status=500)) is False


async def test_a_timeout_is_not_tried_again(bench: Bench) -> None:
    """It took the whole time there was."""

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    bench.server.answer(never)
    with pytest.raises(CallTimeoutError):
        await bench.call({}, {"timeout_s": 0.05})
    assert len(bench.server.requests) == 1


async def test_retries_can_be_switched_off(bench: Bench) -> None:
    """With stamina's own switch."""
    bench.server.answer(json_answer("{}", 503))
    with stamina.set_testing(True, attempts=1), pytest.raises(UpstreamError):
        await bench.call()
    assert len(bench.server.requests) == 1


async def test_cancelling_reaches_the_wire(bench: Bench) -> None:
    """The server sees the connection drop; the call is recorded as cancelled, and not as the subnet's failure."""
    arrived = asyncio.Event()

    async def watch(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        arrived.set()
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b"x")
            await asyncio.sleep(0.01)
        bench.server.dropped.set()
        return response

    bench.server.answer(watch)
    calling = asyncio.create_task(bench.call())
    await arrived.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await asyncio.wait_for(bench.server.dropped.wait(), 5)
    (seen,) = bench.executor.journal.observations("sn22_ask", sandbox=True)
    assert seen.outcome is Outcome.CANCELLED
    receipt = bench.executor.journal.latest_receipt()
    assert receipt is not None
    assert receipt["outcome"] == "cancelled"
    statistics = bench.executor.journal.statistics("sn22_ask", sandbox=True)
    assert statistics is not None
    assert statistics.counted == 0
    assert bench.executor.purse._reserved == 0


async def test_a_caller_that_runs_out_of_time_cancels(bench: Bench) -> None:
    """`asyncio.timeout` around a call is the caller's, not the subnet's."""

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    bench.server.answer(never)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await bench.call()
    (seen,) = bench.executor.journal.observations("sn22_ask", sandbox=True)
    assert seen.outcome is Outcome.CANCELLED


async def test_progress_only_rises(bench: Bench) -> None:
    """Over bytes and retries, as MCP demands; it ends at its total."""
    told: list[tuple[float, float | None, str]] = []

    async def report(done: float, total: float | None, message: str) -> None:
        told.append((done, total, message))

    async def chunks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for chunk in (b'["', b"x" * 100_000, b'"', b"]"):
            await response.write(chunk)
        return response

    bench.server.answer(json_answer('{"detail":"busy"}', 503), json_answer("{}", 429), chunks)
    await bench.call({}, None, on_progress=report)
    values = [done for done, _, _ in told]
    assert values == sorted(set(values))
    assert values[0] == 1.0
    assert told[-1] == (3.0, 3.0, "checked")
    assert {total for _, total, _ in told} == {3.0}
    messages = [message for _, _, message in told]
    assert messages[0] == "asking SN22"
    assert "asking SN22 (attempt 2)" in messages
    assert "asking SN22 (attempt 3)" in messages
    assert any(message.endswith("bytes received") for message in messages)


async def test_progress_rises_however_often_it_is_told() -> None:
    """Ten thousand chunks, and a start from the beginning between them."""
    values: list[float] = []

    async def report(done: float, total: float | None, message: str) -> None:
        values.append(done)

    progress = Progress(report)
    for attempt in (1, 2):
        await progress.asking("SN1", attempt)
        for size in range(0, 10_000 * 16_384, 16_384):
            await progress.received(size)
    await progress.checked()
    assert values == sorted(set(values))
    assert values[-1] == 3.0


async def test_a_listener_that_fails_does_not_cost_the_answer(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """It may be gone, and the answer may have been paid for."""
    told: list[str] = []

    async def report(done: float, total: float | None, message: str) -> None:
        told.append(message)
        raise ConnectionError("gone: secret")

    assert (await bench.call({}, None, on_progress=report)).data == {"ok": True}
    assert told == ["asking SN22"]
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text


async def test_what_cannot_be_called_says_why(bench: Bench) -> None:
    """Before a key is looked for or money is set aside."""
    for operation, why in (
        ({"unavailable": "it was switched off"}, "switched off"),
        ({"auth": {"scheme": "undocumented"}}, "authentication is not documented"),
        ({"endpoint": {"kind": "grpc", "host": "a:1", "method": "m"}}, "no gRPC transport"),
        ({"endpoint": "Synapse.X"}, "metagraph"),
    ):
        tool, mark = bench.tool(operation)
        with pytest.raises(NotCallableError, match=why):
            await bench.executor.call(tool, {}, sandbox=mark)
        assert bench.executor.obstacle_to(tool) is not None
    with pytest.raises(NotCallableError, match="base URL"):
        await bench.call({}, None, base_url=None)
    assert bench.server.requests == []


async def test_what_breaks_inside_is_ours(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug here is recorded as ours, and never held against the subnet."""

    async def broken(*args: Any, **options: Any) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(bench.executor.transport, "send", broken)
    with pytest.raises(KeyError):
        await bench.call()
    (seen,) = bench.executor.journal.observations("sn22_ask", sandbox=True)
    assert seen.outcome is Outcome.INTERNAL
    assert not seen.outcome.counts
