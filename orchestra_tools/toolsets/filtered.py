"""Only some of the tools of another toolset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from orchestra_tools.calls import CallResult, ProgressReporter
from orchestra_tools.compile import Tool
from orchestra_tools.errors import UnknownToolError
from orchestra_tools.toolsets.toolset import Toolset, WrappedToolset


class FilteredToolset(WrappedToolset):
    """The tools that a predicate keeps; others cannot be called either."""

    def __init__(self, inner: Toolset, keep: Callable[[Tool], bool]) -> None:
        super().__init__(inner)
        self._keep = keep

    @property
    def tools(self) -> Mapping[str, Tool]:
        return {name: tool for name, tool in self.inner.tools.items() if self._keep(tool)}

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        max_cost: Decimal | None = None,
        on_progress: ProgressReporter | None = None,
    ) -> CallResult:
        if (tool := self.inner.tools.get(name)) is not None:
            self.refuse_others(tool)
        return await super().call(name, arguments, max_cost=max_cost, on_progress=on_progress)

    def refuse_others(self, tool: Tool) -> None:
        """Refuse a tool of the other toolset that is not among these.

        Raises:
            UnknownToolError: It is not.
        """
        if not self._keep(tool):
            raise UnknownToolError(
                f"{tool.name} is not among the tools offered here", remedy="Search again", tool=tool.name
            )
