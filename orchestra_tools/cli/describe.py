"""What is told of an entry or a tool: as JSON, and as labelled lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from orchestra_tools.calls.credentials import ENVIRONMENT_PREFIX
from orchestra_tools.client import Session
from orchestra_tools.compile import CompiledEntry, Quarantined, Tool, check_entry, describe_cost
from orchestra_tools.model import ApiKeyAuth, Auth, Entry, HotkeyAuth, HttpEndpoint, Statistics
from orchestra_tools.toolsets import SearchableToolset, SelectedToolset
from orchestra_tools.toolsets.entries import held_facts

NEVER_VERIFIED = "never verified"
NEVER_MEASURED = "never measured"
_SOURCE_PARTS = (
    "repo",
    "package",
    "document",
    "path",
    "pointer",
    "line",
    "commit",
    "licence",
    "host_from",
    "output_from",
)


def tool_document(session: Session, tool: Tool) -> dict[str, Any]:
    """Everything about one tool."""
    operation = tool.operation
    auth = operation.auth
    statistics = session.toolset.statistics(tool.name)
    return SearchableToolset(SelectedToolset(session.toolset)).describe(tool.name) | {
        "operation": tool.operation_id,
        "annotations": annotations_of(tool),
        "address": operation.endpoint.address,
        "endpoint": operation.endpoint.to_json(),
        "auth": None if auth is None else auth.to_json() | {"scheme": auth.scheme},
        "price": None if operation.cost is None else operation.cost.to_json(),
        "obstacle": operation.obstacle,
        "docs_url": operation.docs_url,
        "notes": operation.notes,
        "statistics": None if statistics is None else statistics.model_dump(mode="json"),
    }


def tool_line(session: Session, tool: Tool) -> dict[str, Any]:
    """A tool as tooling wants it: its definition, and what decides whether to use it."""
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
        "annotations": annotations_of(tool),
        "digest": tool.digest,
        "subnet": tool.subnet,
        "slot": str(tool.slot),
        "version": tool.entry_version,
        "operation": tool.operation_id,
        "capabilities": list(tool.capabilities),
        "audience": tool.audience,
        "cost": describe_cost(tool.operation),
        "callable": session.executor.obstacle_to(tool) or True,
        "sandbox": tool.sandbox,
    }


def quarantined_line(bad: Quarantined) -> dict[str, Any]:
    """An operation that did not become a tool."""
    return {"name": bad.name, "slot": str(bad.slot), "operation": bad.operation_id, "reasons": list(bad.reasons)}


def held_line(tool: Tool) -> dict[str, Any]:
    """A tool that changed since it was pinned, without its words."""
    return held_facts(tool) | {"slot": str(tool.slot), "operation": tool.operation_id}


def entry_document(session: Session, compiled: CompiledEntry) -> dict[str, Any]:
    """Everything about one entry; `withheld` names what of it no model is told."""
    entry = compiled.entry
    return {
        "subnet": entry.key,
        "slot": str(entry.slot),
        "name": entry.name,
        "description": entry.description,
        "status": entry.status,
        "version": entry.version,
        "last_verified": entry.last_verified,
        "verified": entry.verified,
        "capabilities": list(entry.capabilities),
        "links": links_of(entry),
        "withheld": [asdict(each) for each in check_entry(entry).withheld],
        "tools": [tool_document(session, tool) for tool in compiled.tools],
        "quarantined": [quarantined_line(bad) for bad in compiled.quarantined],
        "held": [held_line(tool) for tool in compiled.held],
        "entry": entry.to_json(),
    }


def annotations_of(tool: Tool) -> dict[str, bool]:
    """The hints of a tool."""
    return tool.annotations.to_json() | {"open_world": tool.annotations.open_world}


def links_of(entry: Entry) -> dict[str, Any]:
    """Where the subnet presents itself."""
    return {} if entry.links is None else entry.links.to_json()


def callable_cell(obstacle: str | None) -> str:
    """Whether a tool can be called now, or why not."""
    return "yes" if obstacle is None else f"no: {obstacle}"


def cost_cell(tool: Tool) -> str:
    """What a call costs, in few words."""
    return describe_cost(tool.operation).partition(";")[0]


def describe_source(source: Mapping[str, Any] | None, confidence: str | None) -> str:
    """Where the facts come from, and how far to believe them."""
    if not source:
        return f"not known (confidence: {confidence or 'not stated'})"
    named = {part: str(source[part]) for part in _SOURCE_PARTS if source.get(part) not in (None, "")}
    place = named.get("repo") or named.get("package") or named.get("document") or ""
    where = f"{place} {named.get('path') or named.get('pointer', '')}".strip() + (
        f":{named['line']}" if "line" in named else ""
    )
    extra = [f"commit {named['commit'][:12]}"] if "commit" in named else []
    extra += [f"licence {named['licence']}"] if "licence" in named else []
    extra += [
        f"{part.removesuffix('_from')} from {named[part]}" for part in ("host_from", "output_from") if part in named
    ]
    return "; ".join([where or "stated without a place", *extra, f"confidence: {confidence or 'not stated'}"])


def describe_auth(auth: Auth | None, subnet: str) -> str:
    """How a caller proves who they are; never a key."""
    match auth:
        case None:
            return "none"
        case ApiKeyAuth():
            held = f"{ENVIRONMENT_PREFIX}{subnet} or the keyring"
            return f"{auth.location} {auth.name}: {auth.prefix}<key of {subnet}, from {held}>"
        case HotkeyAuth():
            return "request signed by a Bittensor hotkey (btauth/1)"
    return f"not documented{f': {auth.note}' if auth.note else ''}"


def describe_statistics(statistics: Statistics | None) -> str:
    """What the user's own calls amount to."""
    if statistics is None:
        return NEVER_MEASURED
    parts = [f"{statistics.calls} calls", f"reliability at least {share(statistics.reliability)}"]
    parts += [f"p50 {milliseconds(statistics.latency_p50_ms)}", f"p90 {milliseconds(statistics.latency_p90_ms)}"]
    parts += [f"{statistics.drifted} broke the schema"] if statistics.drifted else []
    return ", ".join(parts) + (" (sandbox)" if statistics.sandbox else "")


def tool_fields(session: Session, tool: Tool) -> dict[str, str | None]:
    """A tool in labelled lines, schemas apart."""
    operation = tool.operation
    endpoint = operation.endpoint
    hints = [word for word, on in annotations_of(tool).items() if on and word != "open_world"]
    return {
        "tool": tool.name,
        "title": tool.title,
        "subnet": f"{tool.subnet} {tool.entry_name}".strip(),
        "description": tool.description,
        "capabilities": ", ".join(tool.capabilities),
        "audience": tool.audience,
        "callable": callable_cell(session.executor.obstacle_to(tool)),
        "address": endpoint.address,
        "answers": endpoint.response_media_type if isinstance(endpoint, HttpEndpoint) else None,
        "auth": describe_auth(operation.auth, tool.subnet),
        "cost": describe_cost(operation),
        "cost note": operation.cost.note if operation.cost else None,
        "hints": ", ".join(hints) or None,
        "source": describe_source(operation.source, operation.confidence),
        "docs": operation.docs_url,
        "notes": operation.notes,
        "verified": tool.last_verified or NEVER_VERIFIED,
        "measured": describe_statistics(session.toolset.statistics(tool.name)),
        "slot": str(tool.slot),
        "version": tool.entry_version,
        "digest": tool.digest,
    }


def entry_fields(entry: Entry) -> dict[str, str | None]:
    """An entry in labelled lines, tools apart."""
    links = links_of(entry)
    shown = {kind: ", ".join(each) if isinstance(each, list) else each for kind, each in links.items() if each}
    return {
        "subnet": f"{entry.key} {entry.name}".strip(),
        "description": entry.description or None,
        "slot": str(entry.slot),
        "status": entry.status,
        "version": entry.version,
        "capabilities": ", ".join(entry.capabilities) or "none",
        **{kind: str(each) for kind, each in shown.items()},
        "withheld from models": "; ".join(f"{each.field} {each.reason}" for each in check_entry(entry).withheld)
        or None,
        "verified": entry.last_verified or NEVER_VERIFIED,
        "reliability": _claim(entry, None if entry.reliability is None else share(entry.reliability)),
        "latency": _claim(entry, None if entry.avg_latency_ms is None else milliseconds(entry.avg_latency_ms)),
    }


def share(value: float | None) -> str:
    """A share between 0 and 1."""
    return "-" if value is None else f"{value:.2f}"


def milliseconds(value: float | None) -> str:
    """A duration."""
    return "-" if value is None else f"{value:,.0f} ms"


def _claim(entry: Entry, figure: str | None) -> str:
    if figure is None:
        return NEVER_MEASURED
    return figure if entry.verified else f"{figure} claimed, {NEVER_VERIFIED}"
