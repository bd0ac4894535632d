"""How tools, results and errors are told to a model: the same words in every host."""

from __future__ import annotations

import json
from typing import Any

from orchestra_tools.calls import CallResult
from orchestra_tools.compile import Tool, describe_cost
from orchestra_tools.errors import CallError, OrchestraError
from orchestra_tools.model import Statistics

MAX_FAULTS_TOLD = 20


def to_text(data: Any) -> str:
    """A JSON value as compact text; text as it is."""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def result_text(result: CallResult) -> str:
    """An answer as text; one that breaks its schema says so first."""
    body = to_text(result.data)
    if not result.drift:
        return body
    faults = "; ".join(str(fault) for fault in result.drift[:MAX_FAULTS_TOLD])
    return (
        f"{result.tool.subnet} answered, but not as the ledger says ({faults}). "
        f"The answer follows; check what you use of it.\n{body}"
    )


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


def tool_meta(tool: Tool, statistics: Statistics | None) -> dict[str, Any]:
    """What a host may know of a tool beside its definition. Not part of the digest; no nulls, which MCP's SDK drops."""
    meta: dict[str, Any] = {
        "orchestra/slot": str(tool.slot),
        "orchestra/version": tool.entry_version,
        "orchestra/digest": tool.digest,
        "orchestra/cost": describe_cost(tool.operation),
        "orchestra/last_verified": tool.last_verified or "never",
        "orchestra/statistics": describe_statistics(statistics),
    }
    return meta | ({"orchestra/sandbox": True} if tool.sandbox else {})


def result_meta(result: CallResult, statistics: Statistics | None) -> dict[str, Any]:
    """What a host may know of an answer beside its data."""
    receipt = result.receipt
    meta: dict[str, Any] = {
        "orchestra/receipt": receipt.id,
        "orchestra/outcome": receipt.outcome.value,
        "orchestra/schema": receipt.schema_verdict,
        "orchestra/latency_ms": result.observation.latency_ms,
        "orchestra/statistics": describe_statistics(statistics),
    }
    if receipt.cost is not None:
        meta["orchestra/cost"] = f"{receipt.cost:f} {receipt.currency}"
    if result.drift:
        meta["orchestra/drift"] = [str(fault) for fault in result.drift]
    return meta | ({"orchestra/sandbox": True} if receipt.sandbox else {})


def error_meta(error: OrchestraError) -> dict[str, Any]:
    """What a host may know of an error beside its text."""
    meta: dict[str, Any] = {"orchestra/error": error.code}
    if isinstance(error, CallError):
        meta["orchestra/outcome"] = error.outcome.value
        if error.receipt is not None:
            meta["orchestra/receipt"] = error.receipt.id
    return meta
