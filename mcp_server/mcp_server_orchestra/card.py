"""The card of an entry: one HTML page that hosts with MCP Apps show beside a tool's result. Pure but for reading it.

The page (`card.html`) is complete in itself and loads nothing. It learns from the host which tool was called, reads
`ledger://SN22` through the host, and shows what is there as text. Its content security policy names the digests of its
one script and its one style sheet, so nothing else runs in it, whatever an entry says.

Extension `io.modelcontextprotocol/ui`, revision 2026-01-26.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

EXTENSION = "io.modelcontextprotocol/ui"
CARD_URI = "ui://orchestra/entry"
CARD_MIME = "text/html;profile=mcp-app"
CARD_TOOLS = ("describe_tool",)

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
_POLICY = "{policy}"


@cache
def read_card() -> str:
    """The page, with its content security policy filled in."""
    page = files("mcp_server_orchestra").joinpath("card.html").read_text("utf-8")
    digests = {name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in _inline(page)}
    sources = "; ".join(f"{name}-src 'sha256-{digest}'" for name, digest in digests.items())
    return page.replace(_POLICY, f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'", 1)


def card_resource() -> dict[str, Any]:
    """The page as `resources/list` has it."""
    return {
        "uri": CARD_URI,
        "name": "orchestra-entry",
        "title": "A subnet's entry",
        "description": "What the ledger knows of a subnet: its tools, their reliability and latency, the last receipt.",
        "mimeType": CARD_MIME,
        "_meta": resource_meta(),
    }


def card_contents() -> dict[str, Any]:
    """The page as `resources/read` gives it; hosts take `_meta` from here first."""
    return {"uri": CARD_URI, "mimeType": CARD_MIME, "text": read_card(), "_meta": resource_meta()}


def card_meta() -> dict[str, Any]:
    """What `_meta` of a tool that has the card says; the second key is for hosts older than revision 2026-01-26."""
    return {"ui": {"resourceUri": CARD_URI}, "ui/resourceUri": CARD_URI}


def resource_meta() -> dict[str, Any]:
    """That the page needs no origin, no permission, and a border around it."""
    none: list[str] = []
    policy = {"connectDomains": none, "resourceDomains": none, "frameDomains": none, "baseUriDomains": none}
    return {"ui": {"csp": policy, "prefersBorder": True}}


def _inline(page: str) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in _INLINE.finditer(page)]
