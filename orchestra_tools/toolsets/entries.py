"""What a host may know of an entry, of the schemas of its tools, and of the vocabulary: as JSON values.

    entry_facts(toolset, catalogue.by_netuid[22])["tools"][0]["callable"]

Only what passed the rules for texts is in them: an operation in quarantine or held by a pin has its name and the reason
there, and none of its own words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from orchestra_tools.compile import Catalogue, CompiledEntry, Tool, check_entry, describe_cost
from orchestra_tools.discovery import Vocabulary, packaged_vocabulary
from orchestra_tools.toolsets.ledger import LedgerToolset
from orchestra_tools.toolsets.rendering import describe_statistics


def entry_facts(toolset: LedgerToolset, compiled: CompiledEntry) -> dict[str, Any]:
    """An entry with all its tools. Every key is always there, but `sandbox`."""
    entry, texts = compiled.entry, check_entry(compiled.entry)
    facts: dict[str, Any] = {
        "subnet": entry.key,
        "netuid": entry.netuid,
        "slot": str(entry.slot),
        "name": texts.name,
        "description": texts.description,
        "capabilities": list(texts.capabilities),
        "status": texts.status,
        "version": texts.version,
        "last_verified": texts.last_verified,
        "links": dict(texts.links),
        "tools": [_tool_of_entry(toolset, tool) for tool in compiled.tools],
        "quarantined": [{"name": bad.name, "reasons": list(bad.reasons)} for bad in compiled.quarantined],
        "held": [held_facts(tool) for tool in compiled.held],
        "withheld": [asdict(each) for each in texts.withheld],
        "last_receipt": _last_receipt(toolset, compiled),
    }
    return facts | ({"sandbox": True} if compiled.sandbox else {})


def held_facts(tool: Tool) -> dict[str, Any]:
    """A tool that changed since it was pinned, without its words."""
    return {
        "name": tool.name,
        "reasons": [f"changed since it was pinned: see `orchestra pin --diff {tool.name}`"],
    }


def schema_facts(tool: Tool) -> dict[str, Any]:
    """The schemas of a tool, whole."""
    return {
        "subnet": tool.subnet,
        "slot": str(tool.slot),
        "operation": tool.operation_id,
        "tool": tool.name,
        "title": tool.title,
        "version": tool.entry_version,
        "digest": tool.digest,
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
    }


def vocabulary_facts(catalogue: Catalogue) -> dict[str, Any]:
    """Every capability with its sentence and the tools that have it; "" for a term that only this ledger uses."""
    having: defaultdict[str, list[str]] = defaultdict(list)
    for tool in catalogue.tools.values():
        for term in dict.fromkeys(tool.capabilities):
            having[term].append(tool.name)
    return {
        "capabilities": [
            {"name": term, "description": sentence, "tools": having.get(term, [])}
            for term, sentence in sorted(vocabulary_of(catalogue).items())
        ]
    }


def vocabulary_of(catalogue: Catalogue) -> Vocabulary:
    """The terms that everybody shares, and those that only tools of this ledger have."""
    return packaged_vocabulary().extended({term for tool in catalogue.tools.values() for term in tool.capabilities})


def _tool_of_entry(toolset: LedgerToolset, tool: Tool) -> dict[str, Any]:
    statistics = toolset.statistics(tool.name)
    return {
        "name": tool.name,
        "title": tool.title,
        "operation": tool.operation_id,
        "capabilities": list(tool.capabilities),
        "audience": tool.audience,
        "cost": describe_cost(tool.operation),
        "callable": toolset.executor.obstacle_to(tool) or True,
        "statistics": None if statistics is None else describe_statistics(statistics),
        "digest": tool.digest,
    }


def _last_receipt(toolset: LedgerToolset, compiled: CompiledEntry) -> Mapping[str, Any] | None:
    names = [tool.name for tool in compiled.compiled]
    receipt = toolset.executor.journal.latest_receipt_of(names, sandbox=compiled.sandbox)
    # A netuid changes hands: a call of its former tenant's tool says nothing of this one.
    return receipt if receipt is not None and receipt["slot"] == str(compiled.entry.slot) else None
