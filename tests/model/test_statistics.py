"""What observations amount to, and which of them say anything about a subnet."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.model import Blame, Observation, Outcome, quantile, summarise, wilson_lower_bound


def observe(outcome: Outcome, latency_ms: float = 1.0, at_ms: int = 0, *, sandbox: bool = False) -> Observation:
    return Observation(
        id="x", tool="sn1_x", slot="SN1@1", operation="x", entry_version="1", at_ms=at_ms, latency_ms=latency_ms,
        outcome=outcome, sandbox=sandbox,
    )  # fmt: skip


def test_only_the_subnets_own_doing_counts() -> None:
    counted = {outcome for outcome in Outcome if outcome.counts}
    assert counted == {
        Outcome.OK,
        Outcome.DRIFT,
        Outcome.SERVER_ERROR,
        Outcome.TIMEOUT,
        Outcome.UNREADABLE,
        Outcome.TOO_LARGE,
    }
    assert Outcome.RATE_LIMITED.fault is Blame.CALLER
    assert Outcome.UNREACHABLE.fault is Blame.NETWORK


def test_no_observations_are_no_statistics() -> None:
    assert summarise([]) is None


def test_calls_that_say_nothing_give_no_reliability() -> None:
    found = summarise([observe(Outcome.UNREACHABLE), observe(Outcome.CANCELLED)])
    assert found is not None
    assert (found.calls, found.counted, found.reliability, found.latency_p50_ms) == (2, 0, None, None)


def test_statistics_are_counted_over_what_counts() -> None:
    calls = [observe(Outcome.OK, latency, at_ms=latency) for latency in range(1, 11)]
    found = summarise(
        [*calls, observe(Outcome.DRIFT, 99, at_ms=50), observe(Outcome.REJECTED, 1), observe(Outcome.TIMEOUT)]
    )
    assert found is not None
    assert (found.calls, found.counted, found.succeeded, found.drifted, found.last_call_ms) == (13, 12, 10, 1, 50)
    assert (found.latency_p50_ms, found.latency_p90_ms, found.latency_p99_ms) == (5, 9, 10)
    assert found.reliability == round(wilson_lower_bound(10, 12) or 0, 4)
    assert not found.sandbox


def test_statistics_of_a_sandbox_say_so() -> None:
    found = summarise([observe(Outcome.OK, sandbox=True)])
    assert found is not None
    assert found.sandbox


@pytest.mark.parametrize(
    ("successes", "trials", "bound"), [(0, 10, 0.0), (10, 10, 0.7225), (50, 100, 0.4038), (1, 1, 0.2065)]
)
def test_the_lower_bound_is_wilsons(successes: int, trials: int, bound: float) -> None:
    """Wilson, 1927."""
    assert wilson_lower_bound(successes, trials) == pytest.approx(bound, abs=1e-4)


@settings(deadline=None)
@given(st.integers(1, 500), st.data())
def test_the_lower_bound_is_below_the_share_and_rises_with_it(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    bound = wilson_lower_bound(successes, trials)
    more = wilson_lower_bound(min(successes + 1, trials), trials)
    assert bound is not None
    assert more is not None
    assert 0 <= bound <= successes / trials + 1e-12  # the formula cancels to a rounding error at 0
    assert bound <= more


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1).map(sorted), st.floats(0.01, 1))
def test_a_quantile_is_a_value_with_its_share_at_or_below(values: list[float], q: float) -> None:
    found = quantile(values, q)
    assert found is not None
    assert sum(value <= found for value in values) >= q * len(values)
    assert found in values
    assert quantile([], q) is None
