"""An entry as `ledger://SN22` gives it, and hosts whose server has just that."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import Any

from playwright.async_api import Browser

from tests.mcp_server.card_host import CardHost, open_host

ASKED = {"name": "sn22_web_search"}
DESCRIBED = {"content": [{"type": "text", "text": "{}"}], "structuredContent": {"name": "sn22_web_search"}}
MEASURED = {"calls": 41, "reliability": 0.914, "latency_p50_ms": 420.4, "latency_p90_ms": 2310.0, "drifted": 2}
ENTRY: dict[str, Any] = {
    "subnet": "SN22",
    "netuid": 22,
    "slot": "SN22@2009702",
    "name": "Desearch",
    "description": "Web and X search.",
    "capabilities": ["web_search", "social_search"],
    "status": "active",
    "version": "1.2.0",
    "last_verified": "2026-11-01",
    "links": {"website": "https://desearch.ai/", "plain": "http://desearch.ai", "script": "javascript:alert(1)"},
    "tools": [
        {
            "name": "sn22_x_search",
            "title": "X search",
            "cost": "0.002 USD a call",
            "callable": "no key",
            "statistics": None,
        },
        {"name": "sn22_web_search", "title": "Web search", "cost": "free", "callable": True, "statistics": MEASURED},
        {"name": "sn22_odd", "title": "Odd", "cost": "free", "callable": True, "statistics": {"calls": 3}},
        {"name": "sn22_a", "title": "A", "callable": True, "statistics": MEASURED | {"calls": 1, "sandbox": True}},
        {"name": "sn22_b", "title": "B", "callable": True, "statistics": {"calls": 0}},
        {"name": "sn22_c", "title": "C", "callable": True, "statistics": None},
    ],
    "quarantined": [{"name": "sn22_bad", "reasons": ["speaks to the model", "too long"]}],
    "held": [{"name": "sn22_held", "reasons": ["changed since it was pinned"]}],
    "withheld": [{"field": "links.image", "reason": "is not https"}],
    "last_receipt": {
        "id": "4b271221",
        "tool": "sn22_web_search",
        "outcome": "ok",
        "ended_at_ms": 1_780_000_000_000,
        "cost": "0.0010",
        "currency": "USD",
        "schema_verdict": "valid",
        "response": {"body_sha256": "ab" * 32},
        "sandbox": False,
    },
}


def host_of(browser: Browser, entry: Any = ENTRY, **options: Any) -> AbstractAsyncContextManager[CardHost]:
    """A host whose server has one entry: JSON, text that is not JSON, or an error to raise."""

    async def ask_server(method: str, params: dict[str, Any]) -> Any:
        assert (method, params) == ("resources/read", {"uri": "ledger://SN22"})
        if isinstance(entry, Exception):
            raise entry
        text = entry if isinstance(entry, str) else json.dumps(entry)
        return {"contents": [{"uri": params["uri"], "mimeType": "application/json", "text": text}]}

    return open_host(browser, ask_server, **options)


async def background(host: CardHost) -> str:
    colour: str = await host.card.locator("html").evaluate("e => getComputedStyle(e).backgroundColor")
    return colour
