"""Tools as Anthropic's Messages API takes them. Pure.

Never strict: the limits of Anthropic's strict mode count over all tools of a request, which no tool can keep by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestra_tools.compile import Tool
from orchestra_tools.exports.definition import Definition, define
from orchestra_tools.exports.portable import object_schema


def to_anthropic_tools(tools: Iterable[Tool | Definition]) -> list[dict[str, Any]]:
    """Tools as a Messages request lists them, in their order."""
    return [
        {
            "name": definition.name,
            "description": definition.description,
            "input_schema": object_schema(definition.input_schema),
        }
        for definition in map(define, tools)
    ]
