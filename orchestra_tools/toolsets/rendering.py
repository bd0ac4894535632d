"""How tools, results and errors are told to a model: the same words in every host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestra_tools.calls import CallResult
from orchestra_tools.compile import Tool, describe_cost
from orchestra_tools.errors import CallError, OrchestraError
from orchestra_tools.model import Receipt, Statistics

MAX_FAULTS_TOLD = 20


def to_text(data: Any) -> str:
    """A JSON value as compact text; text as it is."""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def result_text(result: CallResult) -> str:
    """An answer as text; one that breaks its schema says so first."""
    body = to_text(result.data)
    if not result.drift:
        return body
    return f"{drift_text(result)}. The answer follows; check what you use of it.\n{body}"


def drift_text(result: CallResult) -> str:
    """How an answer breaks its schema."""
    faults = "; ".join(str(fault) for fault in result.drift[:MAX_FAULTS_TOLD])
    return f"{result.tool.subnet} answered, but not as the ledger says ({faults})"


def error_text(error: OrchestraError) -> str:
    """An error as text: what was wrong, where, and what to do."""
    fault = f" [{error.outcome.fault.value}'s fault]" if isinstance(error, CallError) else ""
    return f"{error.code}: {error}{fault}"


def describe_statistics(statistics: Statistics | None) -> dict[str, Any]:
    """Statistics in the few figures a model can use; those that were not measured are left out."""
    if statistics is None:
        return {"calls": 0}
    figures = {
        "calls": statistics.calls,
        "reliability": statistics.reliability,
        "latency_p50_ms": statistics.latency_p50_ms,
        "latency_p90_ms": statistics.latency_p90_ms,
        "drifted": statistics.drifted,
    }
    measured = {name: figure for name, figure in figures.items() if figure is not None}
    return measured | ({"sandbox": True} if statistics.sandbox else {})


def tool_facts(tool: Tool, statistics: Statistics | None) -> dict[str, Any]:
    """What a host may know of a tool beside its definition. Not part of the digest; no nulls, which MCP's SDK drops."""
    facts: dict[str, Any] = {
        "slot": str(tool.slot),
        "version": tool.entry_version,
        "digest": tool.digest,
        "cost": describe_cost(tool.operation),
        "last_verified": tool.last_verified or "never",
        "statistics": describe_statistics(statistics),
    }
    return facts | ({"sandbox": True} if tool.sandbox else {})


def result_facts(result: CallResult, statistics: Statistics | None) -> dict[str, Any]:
    """What a host may know of an answer beside its data."""
    receipt = result.receipt
    facts: dict[str, Any] = {
        "receipt": receipt.id,
        "outcome": receipt.outcome.value,
        "schema": receipt.schema_verdict,
        "latency_ms": result.observation.latency_ms,
        "statistics": describe_statistics(statistics),
    }
    if (cost := cost_paid(receipt)) is not None:
        facts["cost"] = cost
    if result.drift:
        facts["error"] = "drift"
        facts["drift"] = [str(fault) for fault in result.drift]
    return facts | ({"sandbox": True} if receipt.sandbox else {})


def error_facts(error: OrchestraError) -> dict[str, Any]:
    """What a host may know of an error beside its text."""
    facts: dict[str, Any] = {"error": error.code}
    if isinstance(error, CallError):
        facts["outcome"] = error.outcome.value
        if error.receipt is not None:
            facts["receipt"] = error.receipt.id
    return facts


def cost_paid(receipt: Receipt) -> str | None:
    """What a call cost, as in "0.002 USD"; None where nobody said."""
    return None if receipt.cost is None else f"{receipt.cost:f} {receipt.currency}"


def as_meta(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts under our prefix, for hosts whose metadata others write to as well."""
    return {f"orchestra/{name}": fact for name, fact in facts.items()}
