"""Who may have a say in what a generated value contains. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Protocol

Hint = Callable[[str, dict[str, Any], Random], Any]
"""`(property name, its schema, random) -> a value, or None`."""

Path = tuple[str | int, ...]
"""Names and indices from the root of a value to a part of it."""


class Guide(Protocol):
    """Proposes parts of a value. A proposal that does not fit the schema is dropped."""

    def propose(self, path: Path, schema: dict[str, Any], random: Random) -> Iterable[Any]:
        """Values for the part at `path`, best first."""
        ...

    def count(self, path: Path) -> int | None:
        """Items of the array at `path`, or None to leave it open. Limits of the schema come first."""
        ...


class HintGuide:
    """A plain function as a guide: asked for named properties only."""

    def __init__(self, hint: Hint) -> None:
        self.hint = hint

    def propose(self, path: Path, schema: dict[str, Any], random: Random) -> Iterable[Any]:
        """What the function says, if anything."""
        if not path or not isinstance(path[-1], str):
            return ()
        value = self.hint(path[-1], schema, random)
        return () if value is None else (value,)

    def count(self, path: Path) -> int | None:
        """Leaves lengths open."""
        return None
