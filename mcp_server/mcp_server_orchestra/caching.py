"""How long clients may keep what they were given, and for whom (2026-07-28: `ttlMs`, `cacheScope`).

What is the same for everybody is public, but only where the server asks nobody who they are: a cache that many share
would hand it to those who would not have been let in. Nothing may be kept longer than the ledger itself may stand
unlooked at: this server would not know of a change earlier either.
"""

from __future__ import annotations

from typing import Any

from mcp_server_orchestra.callers import current_caller
from orchestra_tools.registry import LedgerSource

FIXED_TTL_MS = 300_000  # of what stays the same while the server runs; a new release may bring another


def keep_for_nobody() -> dict[str, Any]:
    """What depends on keys, budgets or calls: stale at once."""
    return {"ttlMs": 0, "cacheScope": "private"}


def keep_with_ledger(source: LedgerSource) -> dict[str, Any]:
    """What only the ledger decides: as long as it is not looked at."""
    return _keep(int(source.poll_s * 1000))


def keep_while_running() -> dict[str, Any]:
    """What stays the same while the server runs."""
    return _keep(FIXED_TTL_MS)


def _keep(ttl_ms: int) -> dict[str, Any]:
    return {"ttlMs": ttl_ms, "cacheScope": "public" if current_caller() is None else "private"}
