"""A retriever of tools: an agent is shown those that fit what its user said, out of a ledger of any size."""

from __future__ import annotations

from contextlib import suppress

from llama_index.core.objects import ObjectRetriever
from llama_index.core.schema import QueryType
from llama_index.core.tools import FunctionTool

from llama_index_orchestra.tool import OrchestraTool
from orchestra_tools.client import Offer
from orchestra_tools.errors import OrchestraError
from orchestra_tools.exports import define


class OrchestraToolRetriever(ObjectRetriever[FunctionTool]):
    """Finds tools with the ledger's own search. There is no index, no embedding and no node behind it.

    Agents ask it twice: with their user's words for the tools to show, and with a tool's name to call it.
    """

    def __init__(self, offer: Offer, *, limit: int) -> None:
        self._offer = offer
        self._limit = limit
        self._shown: dict[str, FunctionTool] = {}

    def retrieve(self, str_or_query_bundle: QueryType) -> list[FunctionTool]:
        """The tool of that name, or the tools that fit a text, best first; none where nothing fits."""
        text = str_or_query_bundle if isinstance(str_or_query_bundle, str) else str_or_query_bundle.query_str
        if (named := self._find(text)) is not None:
            return [named]
        found: dict[str, FunctionTool] = {
            tool.name: OrchestraTool(self._offer, define(tool)) for tool in self._offer.search(text, limit=self._limit)
        }
        self._shown.update(found)
        return list(found.values())

    async def aretrieve(self, str_or_query_bundle: QueryType) -> list[FunctionTool]:
        """See `retrieve`: it waits for nothing."""
        return self.retrieve(str_or_query_bundle)

    def _find(self, name: str) -> FunctionTool | None:
        with suppress(OrchestraError):
            return OrchestraTool(self._offer, define(self._offer.toolset.find_tool(name)))
        # A model may call what it was shown before the ledger changed: the call says what became of it.
        return self._shown.get(name)
