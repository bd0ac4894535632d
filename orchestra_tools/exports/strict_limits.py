"""How large a strict schema may be, as OpenAI publishes it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestra_tools.schema.limits import iter_subschemas

# From: https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas
MAX_PROPERTIES = 5_000
MAX_DEPTH = 10  # objects in one another; references are not followed
MAX_NAMED = 120_000  # characters of all names and listed values
MAX_VALUES = 1_000  # listed values
MAX_LONG_LIST = 250  # values; the texts of a longer list have at most MAX_LISTED characters
MAX_LISTED = 15_000

Node = dict[str, Any]


def excesses(schema: Node) -> Iterator[str]:
    """The published limits that a strict schema passes."""
    nodes = [node for _, node in iter_subschemas(schema)]
    names = [*schema.get("$defs", ()), *(name for node in nodes for name in node.get("properties", ()))]
    lists = [node["enum"] for node in nodes if "enum" in node]
    texts = [[value for value in values if isinstance(value, str)] for values in lists]
    if sum(len(node.get("properties", ())) for node in nodes) > MAX_PROPERTIES:
        yield f"has more than {MAX_PROPERTIES:,} properties"
    if max(map(_depth, [schema, *schema.get("$defs", {}).values()])) > MAX_DEPTH:
        yield f"nests objects deeper than {MAX_DEPTH} levels"
    if sum(map(len, names)) + sum(len(text) for values in texts for text in values) > MAX_NAMED:
        yield f"has more than {MAX_NAMED:,} characters of names and listed values"
    if sum(map(len, lists)) > MAX_VALUES:
        yield f"lists more than {MAX_VALUES:,} values"
    if any(len(values) > MAX_LONG_LIST and sum(map(len, values)) > MAX_LISTED for values in texts):
        yield f"has a list of more than {MAX_LONG_LIST} values with more than {MAX_LISTED:,} characters"


def _depth(node: Node) -> int:
    below = [
        *node.get("properties", {}).values(),
        *node.get("anyOf", ()),
        *([node["items"]] if "items" in node else ()),
    ]
    return ("properties" in node) + max(map(_depth, below), default=0)
