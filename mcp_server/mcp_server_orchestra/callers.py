"""Whose call it is, where the server asks: each caller is told of their own last receipts, and of nobody else's.

A server that asks nobody who they are has one user, its operator, and the journal is theirs.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import principal_components

from orchestra_tools.model import Receipt

MAX_REMEMBERED = 10_000  # receipts
Caller = tuple[str, str | None, str | None]


def current_caller() -> Caller | None:
    """Who is calling; None where nobody is asked."""
    token = get_access_token()
    return None if token is None else principal_components(token)


class LastReceipts:
    """The last receipt of each caller for each slot, while this process runs."""

    def __init__(self) -> None:
        self._receipts: OrderedDict[tuple[Caller, str], Receipt] = OrderedDict()

    def keep(self, caller: Caller, receipt: Receipt) -> None:
        """Remember a receipt; of too many the oldest is forgotten."""
        self._receipts[caller, receipt.slot] = receipt
        self._receipts.move_to_end((caller, receipt.slot))
        if len(self._receipts) > MAX_REMEMBERED:
            self._receipts.popitem(last=False)

    def of(self, caller: Caller, slot: str) -> dict[str, Any] | None:
        """The JSON of a caller's last receipt for a slot, or None."""
        receipt = self._receipts.get((caller, slot))
        return None if receipt is None else receipt.to_json()
