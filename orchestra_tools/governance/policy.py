"""The rules that an operator may set: how many must agree, how long they have, how much one may ask.

Everything is counted by owner (coldkey): who splits its work over several hotkeys has no more of anything.
"""

from __future__ import annotations

import math
from typing import Any

from pydantic import Field

from orchestra_tools.governance.versions import Bump
from orchestra_tools.model.base import Value

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Quorum(Value):
    """How many validators must agree: so many, or this share of those registered, whichever is more."""

    least: int = Field(ge=1)
    share: float = Field(default=0, ge=0, le=1)

    def of(self, voices: int) -> int:
        """How many of so many voices (coldkeys of registered validators)."""
        # A product such as 0.07 * 100 is a hair above the whole number that is meant.
        return max(self.least, math.ceil(round(self.share * voices, 9)))


class Policy(Value):
    """The rules of one ledger. Times are in milliseconds."""

    patch: Quorum = Quorum(least=2, share=0.34)
    minor: Quorum = Quorum(least=3, share=0.5)
    major: Quorum = Quorum(least=3, share=0.67)
    verdict_window_ms: int = Field(default=3 * DAY_MS, gt=0)
    """How long a case stays open."""
    reveal_after_ms: int = Field(default=0, ge=0)
    """How long after its commitment a proposal may not be revealed yet."""
    reveal_within_ms: int = Field(default=DAY_MS, gt=0)
    """How long after its commitment a proposal may be revealed."""
    statement_lifetime_ms: int = Field(default=7 * DAY_MS, gt=0)
    """How long what a hotkey signs may be good for."""
    open_per_owner: int = Field(default=10, ge=1)
    """Open cases of one coldkey."""
    per_owner_a_day: int = Field(default=50, ge=1)
    """Commitments of one coldkey in a day, and cases."""
    rejection_weight: int = Field(default=3, ge=1)
    """For how many cases of a day one that validators rejected counts."""
    cooldown_ms: int = Field(default=DAY_MS, ge=0)
    """How long after an accepted change of a field its owner may not change that field again. It doubles with each
    change of that field by that owner within `churn_window_ms`, and is never longer than that."""
    churn_window_ms: int = Field(default=30 * DAY_MS, ge=0)
    """How long a change is remembered as one: who takes it back meanwhile is marked as doing so."""
    min_calls: int = Field(default=3, ge=1)
    """Calls of its own that a validator must have made to approve."""

    def to_json(self) -> dict[str, Any]:
        """Every rule, also those that have their default: a later version of this program may have others."""
        return self.model_dump(mode="json", by_alias=True)

    def quorum(self, bump: Bump) -> Quorum:
        """How many must agree to a change."""
        return {"patch": self.patch, "minor": self.minor, "major": self.major}[bump]
