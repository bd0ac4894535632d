"""The same words in every host: results, errors, figures."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.calls import CallResult
from orchestra_tools.client import open_session
from orchestra_tools.errors import CallError, Fault, InvalidArgumentsError, UpstreamError
from orchestra_tools.model import Outcome, Statistics
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import error_facts, error_text, result_facts, result_text, to_text, tool_facts
from orchestra_tools.toolsets.rendering import MAX_FAULTS_TOLD, describe_statistics

STATISTICS = Statistics(
    calls=3,
    counted=0,
    succeeded=0,
    reliability=None,
    latency_p50_ms=None,
    latency_p90_ms=None,
    latency_p99_ms=None,
    drifted=0,
    last_call_ms=1,
)


@pytest.fixture
async def result(sandbox: Sandbox, tmp_path: Path) -> Any:
    session = open_session(str(sandbox.ledger_path), environment={"ORCHESTRA_HOME": str(tmp_path)})
    yield await session.toolset.call("sn22_web_search", {"query": "tao"})
    await session.close()


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(nulls, value.values()))
    return any(map(nulls, value)) if isinstance(value, list) else value is None


def test_text_stays_and_values_become_compact_json() -> None:
    """Readable in every alphabet."""
    assert to_text("grüße") == "grüße"
    assert to_text({"a": ["ü", None, 1.5]}) == '{"a":["ü",null,1.5]}'


async def test_an_answer_is_its_text(result: CallResult) -> None:
    """Nothing is added where it fits."""
    assert result_text(result) == to_text(result.data)


async def test_an_answer_that_drifts_says_so_first(result: CallResult) -> None:
    """With where, in bounds, and the data all the same."""
    faults = tuple(Fault(f"/rows/{number}", "is not of type integer") for number in range(50))
    text = result_text(replace(result, drift=faults))
    head, _, body = text.partition("\n")
    assert body == to_text(result.data)
    assert "SN22 answered, but not as the ledger says (/rows/0: is not of type integer" in head
    assert head.count("/rows/") == MAX_FAULTS_TOLD


async def test_what_a_host_may_know_has_no_nulls(result: CallResult) -> None:
    """The SDK of MCP drops them: absence is said in words and figures."""
    meta = tool_facts(result.tool, None)
    assert meta["last_verified"] == "never"
    assert meta["statistics"] == {"calls": 0}
    assert (meta["digest"], meta["sandbox"]) == (result.tool.digest, True)
    verified = replace(result.tool, last_verified="2026-02-08T22:30:00Z", sandbox=False)
    assert tool_facts(verified, None)["last_verified"] == "2026-02-08T22:30:00Z"
    assert "sandbox" not in tool_facts(verified, None)
    told = result_facts(result, STATISTICS)
    assert told["receipt"] == result.receipt.id
    assert (told["outcome"], told["schema"], told["sandbox"]) == ("ok", "valid", True)
    assert told["statistics"] == {"calls": 3, "drifted": 0}
    assert "cost" not in result_facts(replace(result, receipt=result.receipt.replace(cost=None)), None)
    paid = replace(result, receipt=result.receipt.model_copy(update={"cost": Decimal("1E-7"), "currency": "USD"}))
    assert result_facts(paid, None)["cost"] == "0.0000001 USD"
    drifted = result_facts(replace(result, drift=(Fault("/a", "is missing"),)), None)
    assert drifted["drift"] == ["/a: is missing"]
    for each in (meta, told, drifted, result_facts(paid, None)):
        assert not nulls(json.loads(json.dumps(each)))


def test_figures_say_when_they_are_of_a_sandbox() -> None:
    """They say nothing of the subnet."""
    measured = STATISTICS.model_copy(update={"sandbox": True, "reliability": 0.5, "latency_p50_ms": 2.0})
    assert describe_statistics(measured) == {
        "calls": 3,
        "reliability": 0.5,
        "latency_p50_ms": 2.0,
        "drifted": 0,
        "sandbox": True,
    }


async def test_an_error_says_whose_fault_it_is(result: CallResult) -> None:
    """And what to do; a receipt where there is one."""
    error = UpstreamError("it broke", remedy="Try later", outcome=Outcome.SERVER_ERROR, status=500)
    assert error_text(error) == "upstream_error: it broke. Try later [subnet's fault]"
    assert error_facts(error) == {"error": "upstream_error", "outcome": "server_error"}
    error.receipt = result.receipt
    assert error_facts(error)["receipt"] == result.receipt.id
    refused = InvalidArgumentsError("wrong", [Fault("/q", "is required and missing")], remedy="Mend")
    assert error_text(refused) == "invalid_arguments: wrong: /q: is required and missing. Mend"
    assert error_facts(refused) == {"error": "invalid_arguments"}
    assert not isinstance(refused, CallError)


def test_the_packaged_ledger_says_never() -> None:
    """Nothing pretends to have been verified."""
    assert all(entry.last_verified is None for entry in packaged_ledger())
