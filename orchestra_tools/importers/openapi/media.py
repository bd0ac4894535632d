"""Media types of a request body or a response: which one is taken."""

from __future__ import annotations

from typing import Any

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"
BINARY = "application/octet-stream"
EVENT_STREAM = "text/event-stream"
_WILDCARDS = frozenset(("*/*", "*", "application/*", ""))
_TEXTUAL = ("xml", "yaml", "graphql", "sql", "javascript", "ndjson", "jsonl", "csv", "html", "urlencoded")


def plain(media_type: Any) -> str:
    """A media type without its parameters, in lower case."""
    return str(media_type)[:200].partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether it is JSON, or a vendor's kind of JSON."""
    return kind in (JSON, "text/json") or kind.endswith("+json")


def is_any(kind: str) -> bool:
    """Whether it leaves the kind open."""
    return kind in _WILDCARDS


def is_text(kind: str) -> bool:
    """Whether its bytes are text."""
    return kind.startswith("text/") or any(mark in kind for mark in _TEXTUAL)


def rank(kind: str) -> int:
    """How soon it is taken: JSON, form, multipart, text, anything else."""
    if kind == JSON:
        return 0
    if is_json(kind):
        return 1
    if is_any(kind):
        return 2
    if kind == FORM:
        return 3
    if kind == MULTIPART:
        return 4
    return 5 if is_text(kind) else 6
