"""Both clients behind one set of words."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from orchestra import AsyncLedgerClient, LedgerClient

SEED = """{
  "SN22": {
    "name": "Desearch",
    "description": "Web and social search",
    "capabilities": ["web_search", "news_search", "social_search"],
    "input_schema": {
      "query": {"type": "string", "required": true},
      "max_results": {"type": "integer", "default": 10}
    },
    "output_schema": {
      "results": {"type": "array", "items": "SearchResult"},
      "total_found": {"type": "integer"}
    },
    "endpoint": "Synapse.Desearch",
    "avg_latency_ms": 340,
    "reliability": 0.97,
    "cost_per_query": 0.002,
    "last_verified": "2026-02-08T22:30:00Z",
    "version": "2.3.1"
  }
}"""


class Either:
    """Drives one of the two clients with the words of the other."""

    def __init__(self, client: LedgerClient | AsyncLedgerClient) -> None:
        self.client = client

    async def do(self, method: str, *arguments: Any, **options: Any) -> Any:
        found = getattr(self.client, method)(*arguments, **options)
        return await found if inspect.isawaitable(found) else found


MakeClient = Callable[..., Either]
