"""What observations amount to: measured reliability, latency and cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestra_tools.model.base import Value
from orchestra_tools.model.observation import Observation
from orchestra_tools.model.outcome import Outcome

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


class Statistics(Value):
    """What a number of observations of one tool amount to.

    `reliability` is the Wilson 95 % lower bound on the share of calls that ended well, among those that say anything
    about the subnet (Wilson 1927); None where there is none.
    """

    calls: int
    counted: int
    """Calls whose outcome says something about the subnet."""
    succeeded: int
    reliability: float | None
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    latency_p99_ms: float | None
    drifted: int
    last_call_ms: int
    sandbox: bool = False
    """Measured against the sandbox: says nothing of the subnet itself."""


def wilson_lower_bound(successes: int, trials: int, z: float = Z_95) -> float | None:
    """Lower end of the Wilson score interval; None for no trials."""
    if trials == 0:
        return None
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, (centre - spread) / (1 + z * z / trials))


def quantile(ordered: Sequence[float], q: float) -> float | None:
    """The smallest value with at least `q` of all values at or below it; None for no values."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def summarise(observations: Sequence[Observation]) -> Statistics | None:
    """Statistics over observations of one tool; None for none."""
    if not observations:
        return None
    counted = [seen for seen in observations if seen.outcome.counts]
    succeeded = [seen for seen in counted if seen.outcome is Outcome.OK]
    latencies = sorted(seen.latency_ms for seen in succeeded)
    reliability = wilson_lower_bound(len(succeeded), len(counted))
    return Statistics(
        calls=len(observations),
        counted=len(counted),
        succeeded=len(succeeded),
        reliability=None if reliability is None else round(reliability, 4),
        latency_p50_ms=quantile(latencies, 0.5),
        latency_p90_ms=quantile(latencies, 0.9),
        latency_p99_ms=quantile(latencies, 0.99),
        drifted=sum(seen.outcome is Outcome.DRIFT for seen in counted),
        last_call_ms=max(seen.at_ms for seen in observations),
        sandbox=observations[0].sandbox,
    )
