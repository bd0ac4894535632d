"""A validator's own calls of an operation: with inputs that nobody else can guess, and spread in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ledger_sync.governance.evidence import Call, call_of
from ledger_sync.governance.inputs import Wanted, arguments_for
from orchestra_tools.client import Session, open_session
from orchestra_tools.compile import Tool
from orchestra_tools.errors import CallError, CircuitOpenError, OrchestraError
from orchestra_tools.model import Entry, Ledger, SandboxMark
from orchestra_tools.schema.response_kinds import ResponseKind
from orchestra_tools.schema.responses import judge_value

Sleep = Callable[[float], Awaitable[None]]
MAX_WAIT_S = 120.0
"""Longest that a subnet that asks for a pause is waited for."""
_ATTEMPTS = 2  # for each call that shall be answered


@dataclass(frozen=True, slots=True)
class Probe:
    """How often a validator calls.

    Attributes:
        calls: Calls that shall be answered.
        pause_s: Seconds between two of them, on average: each pause is between half of it and half as much again.
        seed: What the inputs and the pauses are made from. Nobody else knows it before the verdict is out.
        attempts: Most calls that are made; None = twice as many as shall be answered.
    """

    calls: int = 3
    pause_s: float = 0.0
    seed: str = ""
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call.

    Attributes:
        is_telling: Whether its arguments were wanted.
        call: Receipt and answer, where there was one.
        error: Why there was none.
    """

    is_telling: bool = False
    call: Call | None = None
    error: CallError | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the answer has data: an error that came with 200 is none."""
        return self.call is not None and is_answer(self.call)


@dataclass(frozen=True, slots=True)
class Probed:
    """What the calls came to.

    Attributes:
        attempts: The calls, in their order.
        refused: Why no further call was made.
    """

    attempts: tuple[Attempt, ...] = ()
    refused: OrchestraError | None = None

    @property
    def answered(self) -> tuple[Call, ...]:
        """Calls that were answered with data."""
        return tuple(each.call for each in self.attempts if each.call is not None and each.is_answered)

    @property
    def failed(self) -> tuple[CallError, ...]:
        """What went wrong with the others."""
        return tuple(each.error for each in self.attempts if each.error is not None)

    @property
    def calls(self) -> tuple[Call, ...]:
        """All that were made, as evidence has them."""
        made: list[Call] = []
        for each in self.attempts:
            if each.call is not None:
                made.append(each.call)
            elif each.error is not None and each.error.receipt is not None:
                made.append(Call(each.error.receipt))
        return tuple(made)


def is_answer(call: Call) -> bool:
    """Whether a call was answered with data."""
    return call.answer is not None and judge_value(call.answer).kind is ResponseKind.SAMPLE


@asynccontextmanager
async def session_for(
    entry: Entry, sandbox: SandboxMark | None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Session]:
    """A session that calls the operations of one entry, with the user's own keys, pins, budget and journal."""
    session = open_session(Ledger([entry], sandbox=sandbox), environment=environment)
    try:
        yield session
    finally:
        await session.close()


def find_tool(session: Session, operation: str) -> Tool | None:
    """The tool of an operation, also where its user's pins hold it: calling it then says so."""
    tools = (tool for entry in session.live.catalogue.compiled for tool in entry.compiled)
    return next((tool for tool in tools if tool.operation_id == operation), None)


async def probe(
    session: Session,
    tool: Tool,
    plan: Probe,
    *,
    wanted: Wanted | None = None,
    example: Mapping[str, Any] | None = None,
    sleep: Sleep = asyncio.sleep,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Probed:
    """Call a tool until so many calls were answered, or too many failed.

    A rate limit, an error of the subnet and a lost connection are no answers: the call is made again, later.

    Args:
        session: Makes the calls.
        tool: What to call.
        plan: How often, how far apart, with what inputs.
        wanted: Tells arguments that show something from others; see `arguments_for`.
        example: Wanted arguments that are known.
        sleep: Waits so many seconds.
        on_progress: Called with calls answered and wanted.
    """
    probed = Probed()
    pauses = Random(f"pauses:{plan.seed}")  # noqa: S311  # repeatable on purpose
    asked_s = 0.0
    for number in range(plan.attempts or plan.calls * _ATTEMPTS):
        if number:
            await sleep(max(plan.pause_s * pauses.uniform(0.5, 1.5), min(asked_s, MAX_WAIT_S)))
        asked_s = 0.0
        try:
            arguments = arguments_for(tool, f"{plan.seed}:{number}", wanted=wanted, example=example)
            is_telling = wanted is not None and wanted(arguments)
            attempt = await _attempt(session, tool, arguments)
        except CircuitOpenError as error:
            asked_s = float(error.facts["retry_after_s"])
            continue
        except OrchestraError as error:
            return replace(probed, refused=error)
        if attempt.error is not None:
            asked_s = attempt.error.retry_after_s or 0.0
        probed = replace(probed, attempts=(*probed.attempts, replace(attempt, is_telling=is_telling)))
        on_progress(len(probed.answered), plan.calls)
        if len(probed.answered) == plan.calls:
            break
    return probed


async def _attempt(session: Session, tool: Tool, arguments: Mapping[str, Any]) -> Attempt:
    try:
        return Attempt(call=call_of(await session.toolset.call(tool.name, arguments)))
    except CallError as error:
        return Attempt(error=error)
