"""Which tools an MCP host sees. Pure.

- `auto`: the four fixed tools, and the native tools the user can call now, as many as a model can hold.
- `search`: the four fixed tools only.
- `operations`: the four, then every tool of the ledger, in pages.

Whatever is listed, every tool of the ledger can be called by its name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from mcp_server_orchestra.acceptable import acceptable_input, acceptable_output
from mcp_server_orchestra.choices import Surface
from orchestra_tools.compile import Catalogue, Tool
from orchestra_tools.exports import Definition, define
from orchestra_tools.exports.portable import portable_output
from orchestra_tools.toolsets import META_TOOLS

MAX_NATIVE = 30  # accuracy falls past 30-50 tools
MAX_NATIVE_BYTES = 48_000  # about 12,000 tokens
MAX_KEYLESS_BYTES = 7_500  # of the whole list, for a user who has set no key
MAX_OUTPUT_SCHEMA_BYTES = 2_000  # larger ones are summarised; describe_tool has them whole
META_BYTES = 400  # what `_meta` adds to a listed tool


def list_tools(
    catalogue: Catalogue,
    surface: Surface,
    *,
    obstacle_to: Callable[[Tool], str | None],
    has_key: Callable[[Tool], bool],
) -> list[dict[str, Any]]:
    """The definitions a host sees, in wire form and in an order that stays the same.

    Args:
        catalogue: The compiled ledger.
        surface: Which of the surfaces.
        obstacle_to: Says why a tool cannot be called now, or None.
        has_key: Whether the user has a key for the tool's subnet.
    """
    fixed = [wire_form(tool.definition) for tool in META_TOOLS.values()]
    if surface == "search":
        return fixed
    if surface == "operations":
        return fixed + [wire_form(define(tool)) for tool in catalogue.tools.values()]
    able = [tool for tool in by_turns(catalogue) if tool.audience == "consumer" and obstacle_to(tool) is None]
    keyed = [tool for tool in able if has_key(tool) or tool.sandbox]
    limit = MAX_NATIVE_BYTES if keyed else MAX_KEYLESS_BYTES - _size(fixed)
    return fixed + _within(keyed or able, limit)


def by_turns(catalogue: Catalogue) -> list[Tool]:
    """All tools, one of each subnet in turn, its main one first: a short list still offers every subnet."""
    turns: list[tuple[int, int, Tool]] = []
    for compiled in catalogue.compiled:
        main = compiled.entry.main_operation
        ordered = sorted(compiled.tools, key=lambda tool: tool.operation_id != main)
        turns += [(turn, compiled.entry.netuid, tool) for turn, tool in enumerate(ordered)]
    return [tool for _, _, tool in sorted(turns, key=lambda each: each[:2])]


def wire_form(definition: Definition, *, max_output_bytes: int | None = None) -> dict[str, Any]:
    """A definition as MCP has it, without `_meta`."""
    hints = definition.annotations
    form: dict[str, Any] = {
        "name": definition.name,
        "title": definition.title,
        "description": definition.description,
        "inputSchema": acceptable_input(definition.input_schema),
        "annotations": {
            "readOnlyHint": hints.read_only,
            "destructiveHint": hints.destructive,
            "idempotentHint": hints.idempotent,
            "openWorldHint": hints.open_world,
        },
    }
    if (output := portable_output(definition.output_schema, max_bytes=max_output_bytes)) is not None:
        form["outputSchema"] = acceptable_output(output)
    return form


def _within(tools: Iterable[Tool], limit: int) -> list[dict[str, Any]]:
    chosen: list[dict[str, Any]] = []
    used = 0
    for tool in tools:
        definition = wire_form(define(tool), max_output_bytes=MAX_OUTPUT_SCHEMA_BYTES)
        size = _size([definition]) + META_BYTES
        if used + size > limit:
            continue
        chosen.append(definition)
        used += size
        if len(chosen) == MAX_NATIVE:
            break
    return chosen


def _size(definitions: list[dict[str, Any]]) -> int:
    return len(json.dumps(definitions, ensure_ascii=False, separators=(",", ":")).encode())
