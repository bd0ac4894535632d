"""What a check found: which part of the log, where, and what is wrong there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Part = Literal[
    "leaf",
    "chain",
    "blob",
    "entry",
    "replay",
    "statement",
    "manifest",
    "tile",
    "head",
    "signature",
    "cosignature",
    "projection",
    "published",
]
Progress = Callable[[str, int, int], None]
"""Called with a stage, how far it is, and how far it goes."""
MOST_OF_A_PART = 100  # findings that are told; a log that is broken throughout has as many as leaves


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    Attributes:
        part: What is at fault.
        where: Which one: an index, a slot, a digest, a path.
        problem: What is wrong with it.
    """

    part: Part
    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.part} {self.where}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check looked at, and what it found.

    Attributes:
        findings: What is wrong; empty where everything is as it must be.
        omitted: Findings beyond those, by part.
        leaves: Leaves that were looked at.
        heads: Signed heads.
        blobs: Documents.
        published: Leaves under the published checkpoint; None where no folder was looked at, or it has none.
    """

    findings: tuple[Finding, ...]
    omitted: dict[str, int]
    leaves: int
    heads: int
    blobs: int
    published: int | None

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "clean": self.clean,
            "leaves": self.leaves,
            "heads": self.heads,
            "blobs": self.blobs,
            "published": self.published,
            "findings": [{"part": each.part, "where": each.where, "problem": each.problem} for each in self.findings],
            "omitted": self.omitted,
        }


class Findings:
    """Collects findings, the first ones of each part."""

    def __init__(self) -> None:
        self._told: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, part: Part, where: object, problem: str) -> None:
        """Note one."""
        self._counts[part] += 1
        if self._counts[part] <= MOST_OF_A_PART:
            self._told.append(Finding(part, str(where), problem))

    def any_of(self, *parts: Part) -> bool:
        """Whether something was found about one of some parts."""
        return any(self._counts[part] for part in parts)

    @property
    def told(self) -> tuple[Finding, ...]:
        """Those that are told."""
        return tuple(self._told)

    @property
    def omitted(self) -> dict[str, int]:
        """How many more there are, by part."""
        return {part: count - MOST_OF_A_PART for part, count in self._counts.items() if count > MOST_OF_A_PART}


def no_progress(stage: str, done: int, total: int) -> None:
    """Nobody watches."""
