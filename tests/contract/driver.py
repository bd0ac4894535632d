"""What a host must show to be part of the contract: one driver class each, in `drivers/`.

A driver reaches tools the way the host's own agents do. It adds no check and no text: what it reports is what the
host's model is shown and what the host's program is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from orchestra_tools.client import LedgerClient


@dataclass(frozen=True)
class Shown:
    """A tool as the host's model is shown it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True)
class Called:
    """How a call ended, as the host has it.

    Attributes:
        text: What the model reads.
        failed: Whether the host marks it as an error; None for a host that has no such mark.
        artifact: What the program is given: see `Reply.artifact`.
    """

    text: str
    failed: bool | None
    artifact: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Call:
    """A turn of a scripted model: it calls a tool."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Talk:
    """What came of a conversation.

    Attributes:
        heard: What the model was told after each of its calls.
        answer: What the agent gave to the user in the end.
    """

    heard: Sequence[str]
    answer: str


class Driver(ABC):
    """A host, with the tools of one ledger in it. Used inside `async with`."""

    host: ClassVar[str]
    marks_errors: ClassVar[bool] = True
    """Whether the host can mark a result as an error."""
    rewrites: ClassVar[frozenset[str]] = frozenset()
    """Cases of `cases` whose input schema the host cannot show as it is; the docs page of the host says so."""

    def __init__(self, ledger: LedgerClient, **conditions: Any) -> None:
        """Offer the tools of a ledger that meet some conditions."""
        self.ledger = ledger
        self.conditions = conditions

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    @abstractmethod
    async def show(self) -> list[Shown]:
        """The tools of the ledger as the model is shown them now."""

    @abstractmethod
    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        """Call a tool as the host does when its model asks for it. Cancelling it cancels the call in the host.

        The tool is one that was on offer when the driver started, whatever has become of it since.
        """

    @abstractmethod
    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        """Let an agent of the host run with a scripted model that makes these calls, then gives this answer.

        It has the tools on offer, and the three fixed ones beside them.
        """
