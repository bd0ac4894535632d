"""Entries and proposals that tests of the rules start from."""

from __future__ import annotations

import copy
from typing import Any

from orchestra_tools.model import Entry
from orchestra_tools.model.proposal import Proposal, UpdateType
from orchestra_tools.registry import packaged_ledger

SEED_PROPOSAL: dict[str, Any] = {
    "subnet": "SN13",
    "update_type": "schema_change",
    "field": "output_schema.metadata.scrape_timestamp",
    "old_value": None,
    "new_value": {"type": "string", "format": "iso8601"},
    "evidence_hash": "0x7a3f...",
    "proposed_by": "miner_uid_42",
}
SEED_ENTRY: dict[str, Any] = {
    "name": "Desearch",
    "description": "Web and social search",
    "capabilities": ["web_search", "news_search", "social_search"],
    "input_schema": {
        "query": {"type": "string", "required": True},
        "max_results": {"type": "integer", "default": 10},
    },
    "output_schema": {
        "results": {"type": "array", "items": "SearchResult"},
        "total_found": {"type": "integer"},
    },
    "endpoint": "Synapse.Desearch",
    "avg_latency_ms": 340,
    "reliability": 0.97,
    "cost_per_query": 0.002,
    "last_verified": "2026-02-08T22:30:00Z",
    "version": "2.3.1",
}
OPERATION: dict[str, Any] = {
    "title": "Find pages",
    "description": "Finds pages for a query.",
    "capabilities": ["web_search"],
    "input_schema": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
    "output_schema": {
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": {"type": "object", "properties": {"url": {"type": "string"}}}}
        },
        "required": ["results"],
    },
    "endpoint": {"kind": "http", "method": "POST", "base_url": "https://api.example.com", "path": "/find"},
    "auth": {"scheme": "api_key", "in": "header", "name": "X-API-Key"},
    "cost": {"amount": "0.002", "currency": "USD"},
    "read_only": True,
    "idempotent": True,
}
SLOT = "SN7@70"


def flat_entry(**changes: Any) -> Entry:
    """The seed's entry."""
    return Entry.from_document("SN22", {**copy.deepcopy(SEED_ENTRY), **changes})


def packaged(subnet: str) -> Entry:
    """An entry of the packaged ledger."""
    return packaged_ledger().find_entry(subnet)


def entry_with(operation: dict[str, Any] | None = None, **changes: Any) -> Entry:
    """An entry with one operation, `find`, that tests may change."""
    document = {
        "netuid": 7,
        "registered_at_block": 70,
        "name": "Seven",
        "description": "Searches the web.",
        "capabilities": ["web_search"],
        "status": "active",
        "version": "1.0.0",
        "operations": {"find": copy.deepcopy(OPERATION) | (operation or {})},
    }
    return Entry.from_document("SN7", document | changes)


def wish(kind: UpdateType, field: str, old: Any, new: Any, *, subnet: str = "SN7") -> Proposal:
    """A proposal."""
    return Proposal(
        subnet=subnet,
        update_type=kind,
        field=field,
        old_value=old,
        new_value=new,
        evidence_hash="0x7a3f...",
        proposed_by="miner_uid_42",
    )
