"""The tool spec: a ledger's tools for LlamaIndex agents, as a list, as three fixed ones, or as a retriever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Unpack

from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.tools.tool_spec.base import SPEC_FUNCTION_TYPE, BaseToolSpec

from llama_index_orchestra.retriever import OrchestraToolRetriever
from llama_index_orchestra.tool import OrchestraTool
from orchestra_tools.client import CatalogueDiff, LedgerLike, Offer
from orchestra_tools.exports import define
from orchestra_tools.toolsets import Conditions, Reply


class OrchestraToolSpec(BaseToolSpec):
    """The tools of a ledger that meet some conditions.

    Attributes:
        offer: The offer behind it: facts of a tool, search, the session.
    """

    # The ledger says which tools there are: no method of this class becomes one.
    spec_functions: list[SPEC_FUNCTION_TYPE] = []  # noqa: RUF012  # declared so by the base class

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        **conditions: Unpack[Conditions],
    ) -> None:
        """Offer the tools of a ledger; see `Offer`."""
        self.offer = Offer(ledger, on_reply=on_reply, **conditions)

    def to_tool_list(
        self,
        spec_functions: list[SPEC_FUNCTION_TYPE] | None = None,
        func_to_metadata_mapping: dict[str, ToolMetadata] | None = None,
    ) -> list[FunctionTool]:
        """The tools on offer now.

        Args:
            spec_functions: Only the tools of these names; None = all, while an empty list means none.
            func_to_metadata_mapping: What models are shown of a tool instead of what the ledger says, by its name.

        Raises:
            UnknownToolError, RefusedError: A name is not on offer; the error says why.
        """
        if spec_functions is None:
            definitions = self.offer.definitions()
        else:
            # A pair is a synchronous and an asynchronous function; a tool of ours is both.
            names = [each if isinstance(each, str) else each[0] for each in spec_functions]
            definitions = [define(self.offer.toolset.find_tool(name)) for name in names]
        shown = func_to_metadata_mapping or {}
        return [OrchestraTool(self.offer, each, shown.get(each.name)) for each in definitions]

    def search_tools(self) -> list[FunctionTool]:
        """Three fixed tools, through which a model finds, reads and calls all that is on offer."""
        return [OrchestraTool(self.offer, each) for each in self.offer.search_definitions()]

    def tool_retriever(self, limit: int = 8) -> OrchestraToolRetriever:
        """What an agent takes as `tool_retriever`: at each step it is shown the tools that fit its user's message.

        Args:
            limit: Most tools that are shown at once.
        """
        return OrchestraToolRetriever(self.offer, limit=limit)

    def refresh(self) -> CatalogueDiff:
        """Take over a changed ledger; see `Offer.refresh`. A retriever follows, a list of tools is made anew."""
        return self.offer.refresh()

    async def arefresh(self) -> CatalogueDiff:
        """See `refresh`."""
        return await asyncio.to_thread(self.offer.refresh)

    def close(self) -> None:
        """Close what was opened here; see `Offer.close`."""
        self.offer.close()
