"""A pin: a tool as it was when its user trusted it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from orchestra_tools.model.base import Timestamp, Value


class Pin(Value):
    """A tool as it was when its user trusted it."""

    tool: str = Field(min_length=1)
    sandbox: bool = False
    """Of a sandbox ledger: says nothing of the real tool."""
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    """The tool's digest."""
    definition: dict[str, Any]
    """All that is held against the tool; see `compile.definition_of`."""
    pinned_at: Timestamp
