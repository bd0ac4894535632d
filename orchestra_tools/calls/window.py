"""The latest calls of one tool, summed up as they come: the same figures as `model.summarise`, without its loop."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from typing import NamedTuple

from orchestra_tools.model import Outcome, Statistics, wilson_lower_bound
from orchestra_tools.model.statistics import quantile


class Seen(NamedTuple):
    """What statistics need of an observation."""

    outcome: Outcome
    latency_ms: float
    at_ms: int


class Window:
    """The latest `size` calls."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: deque[Seen] = deque()
        self._latencies: list[float] = []  # of calls that ended well, in order
        self._times: deque[int] = deque()  # those that no later call exceeds: the first is the latest of all
        self._counted = self._drifted = 0

    def add(self, seen: Seen) -> None:
        """Take in the next call; the oldest one goes where there is no room."""
        self._count(seen, 1)
        self._seen.append(seen)
        while self._times and self._times[-1] < seen.at_ms:
            self._times.pop()
        self._times.append(seen.at_ms)
        if seen.outcome is Outcome.OK:
            insort(self._latencies, seen.latency_ms)
        if len(self._seen) > self._size:
            oldest = self._seen.popleft()
            self._count(oldest, -1)
            if oldest.at_ms == self._times[0]:
                self._times.popleft()
            if oldest.outcome is Outcome.OK:
                del self._latencies[bisect_left(self._latencies, oldest.latency_ms)]

    def statistics(self, *, sandbox: bool) -> Statistics | None:
        """What the calls amount to; None where there are none."""
        if not self._seen:
            return None
        succeeded = len(self._latencies)
        reliability = wilson_lower_bound(succeeded, self._counted)
        return Statistics(
            calls=len(self._seen),
            counted=self._counted,
            succeeded=succeeded,
            reliability=None if reliability is None else round(reliability, 4),
            latency_p50_ms=quantile(self._latencies, 0.5),
            latency_p90_ms=quantile(self._latencies, 0.9),
            latency_p99_ms=quantile(self._latencies, 0.99),
            drifted=self._drifted,
            last_call_ms=self._times[0],
            sandbox=sandbox,
        )

    def _count(self, seen: Seen, step: int) -> None:
        if seen.outcome.counts:
            self._counted += step
        if seen.outcome is Outcome.DRIFT:
            self._drifted += step
