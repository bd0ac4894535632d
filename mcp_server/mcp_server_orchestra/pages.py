"""Lists in pages, and the cursors between them. Pure.

    listing = Listing("tools", tools, keys=[tool["name"] for tool in tools])
    first, cursor = listing.page(None)
    second, cursor = listing.page(cursor)

A cursor is opaque to clients. It holds a place and a mark of the list it is of, so a worker that has the same ledger
takes a cursor of another worker, and a cursor of a list that has changed since is refused: going on from its place
would leave items out, or give some twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Generic, TypeVar

import mcp.types as mcp_types
from mcp import MCPError

PAGE_SIZE = 100  # items
_CURSOR = re.compile(r"(0|[1-9][0-9]{0,8})-([0-9a-f]{16})")
_Item = TypeVar("_Item")


class Listing(Generic[_Item]):
    """A list that clients read page by page."""

    def __init__(self, kind: str, items: Sequence[_Item], keys: Sequence[str]) -> None:
        """Hand out `items`.

        Args:
            kind: What they are; a cursor of another kind is refused.
            items: All of them, in their order.
            keys: What tells each from the others, in the same order.
        """
        self.items = items
        self._kind = kind
        self._keys = keys

    def page(self, cursor: str | None) -> tuple[Sequence[_Item], str | None]:
        """The items of a page, and the cursor of the next one; None after the last.

        Raises:
            MCPError: The cursor is none of this list.
        """
        start = 0 if cursor is None else self._place_of(cursor)
        end = start + PAGE_SIZE
        return self.items[start:end], self._cursor_to(end) if end < len(self.items) else None

    def _place_of(self, cursor: str) -> int:
        found = _CURSOR.fullmatch(cursor)
        place = int(found[1]) if found else 0
        # Only places where a page ends are ever given out.
        if not found or place % PAGE_SIZE or not 0 < place < len(self.items) or self._cursor_to(place) != cursor:
            raise MCPError(
                mcp_types.INVALID_PARAMS,
                f"Invalid cursor: it is none of this list of {self._kind}, or the list has changed since. "
                "List again from the beginning, without a cursor.",
            )
        return place

    def _cursor_to(self, place: int) -> str:
        mark = hashlib.sha256(f"{self._kind}\n{place}\n{self._digest}".encode()).hexdigest()[:16]
        return f"{place}-{mark}"

    @cached_property
    def _digest(self) -> str:
        # Lengths first: no two lists of keys are written alike.
        written = "".join(f"{len(key)}:{key}" for key in self._keys)
        return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
