"""The toolkit: a ledger's tools for LangChain agents and graphs, as a list or as three fixed ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal

from langchain_core.tools import BaseTool, BaseToolkit
from pydantic import PrivateAttr

from langchain_orchestra.tool import make_tools
from orchestra_tools.client import CatalogueDiff, LedgerLike, Offer
from orchestra_tools.toolsets import Reply


class OrchestraToolkit(BaseToolkit):
    """The tools of a ledger that meet some conditions."""

    _offer: Offer = PrivateAttr()

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        capabilities: Iterable[str] | str | None = None,
        subnets: Iterable[str | int] | str | int | None = None,
        audience: str | Collection[str] | None = None,
        max_cost: Decimal | float | None = None,
        max_latency_ms: float | None = None,
        min_reliability: float | None = None,
        read_only: bool | None = None,
        callable_now: bool = False,
    ) -> None:
        """Offer the tools of a ledger; see `Offer`, and `Conditions` for what each condition asks."""
        super().__init__()
        self._offer = Offer(
            ledger,
            on_reply=on_reply,
            capabilities=capabilities,
            subnets=subnets,
            audience=audience,
            max_cost=max_cost,
            max_latency_ms=max_latency_ms,
            min_reliability=min_reliability,
            read_only=read_only,
            callable_now=callable_now,
        )

    def get_tools(self) -> list[BaseTool]:
        """The tools on offer now. Each calls the ledger as it is then, so a list stays usable."""
        return make_tools(self._offer, self._offer.definitions())

    async def aget_tools(self) -> list[BaseTool]:
        """See `get_tools`."""
        return await asyncio.to_thread(self.get_tools)

    def search_tools(self) -> list[BaseTool]:
        """Three fixed tools, through which a model finds, reads and calls all that is on offer."""
        return make_tools(self._offer, self._offer.search_definitions())

    def refresh(self) -> CatalogueDiff:
        """Take over a changed ledger; see `Offer.refresh`. A list of tools is then made anew with `get_tools`."""
        return self._offer.refresh()

    async def arefresh(self) -> CatalogueDiff:
        """See `refresh`."""
        return await asyncio.to_thread(self._offer.refresh)

    def close(self) -> None:
        """Close what was opened here; see `Offer.close`."""
        self._offer.close()
