"""Versions of entries: which part a change raises (Semantic Versioning 2.0.0)."""

from __future__ import annotations

import re
from typing import Literal

from orchestra_tools.errors import Fault, ProposalRefusedError

Bump = Literal["patch", "minor", "major"]
BUMPS: tuple[Bump, ...] = ("patch", "minor", "major")
"""From the least to the greatest."""
FIRST_VERSION = "1.0.0"
_VERSION = re.compile(r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:[-+][0-9A-Za-z.+-]*)?")
_MAX_DIGITS = 9  # of one part


def raise_version(version: str, bump: Bump) -> str:
    """The version after a change.

    Below 1.0.0 nothing is promised, and a major change raises the minor part. A version that is none, such as a date,
    starts anew at 1.0.0.

    Raises:
        ProposalRefusedError: A part has too many digits to be raised; `reason` is version.
    """
    if not (match := _VERSION.fullmatch(version)):
        return FIRST_VERSION
    if any(len(part) > _MAX_DIGITS for part in match.groups()):
        raise ProposalRefusedError(
            "the entry cannot be changed",
            [Fault("/version", f"a part of its version has more than {_MAX_DIGITS} digits")],
            remedy="Withdraw the entry, and propose it anew",
            reason="version",
        )
    major, minor, patch = (int(part) for part in match.groups())
    if major == 0 and bump == "major":
        bump = "minor"
    if bump == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if bump == "minor" else f"{major}.{minor}.{patch + 1}"


def greatest(*bumps: Bump) -> Bump:
    """The greatest of some bumps."""
    return max(bumps, key=BUMPS.index)


def may_follow(version: str, before: str, bump: Bump) -> bool:
    """Whether a version is what comes after another by at least this bump."""
    return version in {raise_version(before, each) for each in BUMPS[BUMPS.index(bump) :]}
