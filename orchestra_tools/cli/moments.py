"""A time, for people. It may come from a stranger, and be none."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at_s: float) -> str:
    """A time in seconds since 1970, as in 2026-11-25T08:00:00Z; in seconds where no calendar has it."""
    try:
        return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{at_s:.0f} s"
