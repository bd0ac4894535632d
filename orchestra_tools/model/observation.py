"""An observation: the facts of one call. Never its arguments, never its answer, never a secret."""

from __future__ import annotations

from decimal import Decimal

from orchestra_tools.model.base import Value
from orchestra_tools.model.outcome import Outcome


class Observation(Value):
    """The facts of one call that feed statistics."""

    id: str
    tool: str
    slot: str
    operation: str
    entry_version: str
    at_ms: int
    """Start, in milliseconds since the Unix epoch."""
    latency_ms: float
    outcome: Outcome
    status: int | None = None
    attempts: int = 1
    bytes_received: int = 0
    cost: Decimal | None = None
    currency: str | None = None
    drift: tuple[str, ...] = ()
    """JSON pointers at which the answer broke the output schema."""
    sandbox: bool = False
