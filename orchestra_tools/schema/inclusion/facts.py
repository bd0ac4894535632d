"""What the parts of the prover say to each other. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple, Protocol

from orchestra_tools.schema.inclusion.rules import Item, Option
from orchestra_tools.schema.inclusion.universe import Universe

Problem = frozenset[int]
"""Literals; the question is whether one value makes all of them true."""


class Status(Enum):
    """How a problem ended."""

    EMPTY = "empty"  # no value does, for sure
    FOUND = "found"  # the engine says that this value does
    UNKNOWN = "unknown"


class Answer(NamedTuple):
    """How a problem ended, with the value that was found."""

    status: Status
    value: Any = None


EMPTY = Answer(Status.EMPTY)
UNKNOWN = Answer(Status.UNKNOWN)


class Reasoner(Protocol):
    """Answers problems about parts of a value."""

    universe: Universe

    def solve(self, problem: Problem) -> Answer:
        """Look for a value that fits."""
        ...

    def is_empty(self, problem: Problem) -> bool:
        """Whether it is certain that no value fits."""
        ...


class Facts(Protocol):
    """What is known of a value of one kind, besides the literals that are about the whole of it."""

    def copy(self) -> Facts:
        """A copy that can go another way."""
        ...

    def add(self, fact: Item) -> Option | None:
        """Take a fact in; the result is what follows for the whole value, or None where it contradicts the others."""
        ...

    def implies(self, fact: Item, reasoner: Reasoner) -> bool:
        """Whether a fact is known to hold already."""
        ...

    def closed(self, reasoner: Reasoner) -> bool:
        """Whether no value can be like this."""
        ...

    def finite(self) -> list[Any] | None:
        """The only values it can be, if these are few."""
        ...

    def split(self, reasoner: Reasoner) -> list[Option] | None:
        """A choice that is still open, as options of which one holds; it counts as made from then on."""
        ...

    def candidates(self, reasoner: Reasoner) -> Iterator[Any]:
        """Values that are probably like this."""
        ...
