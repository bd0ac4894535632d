"""A case of the hostile suite: one attack, and how it was stopped."""

from __future__ import annotations

import resource
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestra_tools.client import AsyncLedgerClient
from orchestra_tools.errors import OrchestraError
from tests.hostile.stage import Stage

Attack = Callable[[Stage], Awaitable[str]]
"""Carries an attack out. Returns how it was stopped; raises `Unstopped` where it was not."""


class Unstopped(AssertionError):  # noqa: N818  # a finding of the suite, not an error of its own
    """An attack came through, or took the neighbours down with it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One attack."""

    group: str
    name: str
    attack: Attack


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case ended.

    Attributes:
        stopped: By what, as in "ledger_format: …"; "" where nothing stopped it.
        unstopped: What went wrong; "" where it was stopped.
        cpu_s, wall_s: Seconds it took.
    """

    group: str
    name: str
    stopped: str
    unstopped: str
    cpu_s: float
    wall_s: float


async def try_case(case: Case, stage: Stage) -> Verdict:
    """Carry a case out."""
    cpu, wall = time.process_time(), time.monotonic()
    stopped = unstopped = ""
    try:
        stopped = await case.attack(stage)
    except Exception as error:  # noqa: BLE001  # whatever else comes out would be a traceback at a user
        unstopped = f"{type(error).__name__}: {error}"[:400]
    took = time.process_time() - cpu, time.monotonic() - wall
    return Verdict(case.group, case.name, stopped[:300], unstopped, *(round(each, 3) for each in took))


async def refuse(client: AsyncLedgerClient, tool: str, arguments: Any = None) -> OrchestraError:
    """The error that a call ends in.

    Raises:
        Unstopped: It ends in none.
    """
    try:
        await client.call(tool, arguments)
    except OrchestraError as error:
        return error
    raise Unstopped("it was called")


def told(error: OrchestraError) -> str:
    """An error in one line, if it is one that helps.

    Raises:
        Unstopped: It does not say what was wrong.
    """
    if not str(error) or error.code in ("", "error"):
        raise Unstopped("the error says nothing")
    return f"{error.code}: {error}".replace("\n", " ")


def peak_memory_mb() -> float:
    """Most memory this process ever had since it began to run this program, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    # Elsewhere than on Linux; there it would count what the parent had when it forked.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def as_json(verdicts: Iterable[Verdict], *, memory_before_mb: float) -> dict[str, Any]:
    """The whole run as JSON."""
    listed = [asdict(verdict) for verdict in verdicts]
    return {
        "tried": len(listed),
        "refused": sum(not each["unstopped"] for each in listed),
        "peak_memory_mb": round(peak_memory_mb()),
        "memory_before_mb": round(memory_before_mb),
        "slowest_s": max(each["wall_s"] for each in listed),
        "slowest_cpu_s": max(each["cpu_s"] for each in listed),
        "cases": listed,
    }
