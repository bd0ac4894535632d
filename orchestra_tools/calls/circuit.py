"""A circuit for each operation: after repeated failures its endpoint rests for a while, then is tried with one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orchestra_tools.compile import Tool
from orchestra_tools.errors import CircuitOpenError
from orchestra_tools.model import Blame, Outcome

FAILURES_TO_OPEN = 5  # in a row
REST_S = 30.0
# The endpoint is there and works, whatever it thinks of the caller.
_ALIVE = frozenset({Outcome.OK, Outcome.DRIFT, Outcome.REJECTED, Outcome.UNAUTHORIZED, Outcome.RATE_LIMITED})


@dataclass(slots=True)
class _State:
    failures: int = 0
    opened_at: float | None = None
    trying: bool = False


@dataclass(slots=True)
class Passage:
    """One call that was let through. `outcome` stays None where nothing was sent."""

    outcome: Outcome | None = None


class Circuits:
    """The circuits of all endpoints: of each operation at each address."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start closed.

        Args:
            clock: Monotonic seconds.
        """
        self._clock = clock
        self._states: dict[str, _State] = {}

    @contextmanager
    def admit(self, tool: Tool) -> Iterator[Passage]:
        """Let a call through, or not; its outcome counts when it ends.

        Raises:
            CircuitOpenError: The endpoint rests; `retry_after_s` says how long.
        """
        state = self._states.setdefault(tool.operation.endpoint.address, _State())
        half_open = state.opened_at is not None
        if half_open:
            self._wait(tool, state)
            state.trying = True
        passage = Passage()
        try:
            yield passage
        finally:
            if half_open:
                state.trying = False
            self._record(state, passage.outcome)

    def _wait(self, tool: Tool, state: _State) -> None:
        left = (state.opened_at or 0.0) + REST_S - self._clock()
        if left > 0 or state.trying:
            wait = max(left, 1.0)
            raise CircuitOpenError(
                f"{tool.name} failed {state.failures} times in a row, and its endpoint rests",
                remedy=f"Try again in {wait:.0f} seconds, or use another tool",
                endpoint=tool.operation.endpoint.address,
                retry_after_s=round(wait, 1),
            )

    def _record(self, state: _State, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        if outcome in (Outcome.OK, Outcome.DRIFT) or (state.opened_at is not None and outcome in _ALIVE):
            state.failures, state.opened_at = 0, None
        elif outcome.fault in (Blame.SUBNET, Blame.NETWORK):
            state.failures += 1
            if state.failures >= FAILURES_TO_OPEN:
                state.opened_at = self._clock()
