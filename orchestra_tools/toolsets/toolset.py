"""A toolset: tools, and the way to call them. Features wrap one: each is a small class around another toolset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from orchestra_tools.calls import CallResult, ProgressReporter
from orchestra_tools.compile import Tool


class Toolset(ABC):
    """Tools, and the way to call them."""

    @property
    @abstractmethod
    def tools(self) -> Mapping[str, Tool]:
        """The tools by name, as they are now."""

    @abstractmethod
    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        max_cost: Decimal | None = None,
        on_progress: ProgressReporter | None = None,
    ) -> CallResult:
        """Call a tool of this set.

        Raises:
            UnknownToolError: This set has no such tool.
            OrchestraError: See `Executor.call`.
        """


class WrappedToolset(Toolset):
    """Passes everything on; a feature overrides what it changes."""

    def __init__(self, inner: Toolset) -> None:
        self.inner = inner

    @property
    def tools(self) -> Mapping[str, Tool]:
        return self.inner.tools

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        max_cost: Decimal | None = None,
        on_progress: ProgressReporter | None = None,
    ) -> CallResult:
        return await self.inner.call(name, arguments, max_cost=max_cost, on_progress=on_progress)
