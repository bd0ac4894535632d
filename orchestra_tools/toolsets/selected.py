"""The tools of a ledger that meet conditions: what an agent is offered, finds and may call.

    offered = SelectedToolset(toolset, subnets=["SN22"], read_only=True)
    offered.find("latest news").cards

What a tool is (capability, subnet, audience, price, read-only) holds for calls as well: a tool that is not offered
cannot be called. Measured figures and keys decide what is listed and found; a call already chosen is not refused when
a figure moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TypedDict, Unpack

from orchestra_tools.compile import Catalogue, Tool
from orchestra_tools.discovery import Filters, Findings
from orchestra_tools.errors import UnknownCapabilityError
from orchestra_tools.toolsets.filtered import FilteredToolset
from orchestra_tools.toolsets.ledger import FindFilters, LedgerToolset


class Conditions(TypedDict, total=False):
    """Which tools are offered; what is left out or None asks for nothing."""

    capabilities: Iterable[str] | str | None
    """Terms of the vocabulary, each exact or with `*` at its end; a tool has one of them."""
    subnets: Iterable[str | int] | str | int | None
    """Subnets by key ("SN22"), netuid or name."""
    audience: str | Collection[str] | None
    """consumer, compute or operator, or several of them."""
    max_cost: Decimal | float | None
    """Most one call may cost, in USD; a tool of unknown price is left out."""
    max_latency_ms: float | None
    """Most that half of the calls take; a tool nobody measured is left out."""
    min_reliability: float | None
    """Least measured reliability, 0 to 1; a tool nobody measured is left out."""
    read_only: bool | None
    """Only tools that change nothing, or only such that do."""
    callable_now: bool
    """Only tools that can be called with the keys that are present."""


class SelectedToolset(FilteredToolset):
    """A ledger's tools that meet some conditions. Follows the ledger's changes."""

    def __init__(self, ledger: LedgerToolset, **conditions: Unpack[Conditions]) -> None:
        """Choose from the tools of a ledger.

        Raises:
            UnknownCapabilityError: The vocabulary has no such term.
            UnknownSubnetError: The ledger has no such subnet.
            InputError: `max_cost` is no amount.
        """
        super().__init__(ledger, lambda tool: self._admitted()[0].admits(tool))
        self.ledger = ledger
        self._conditions = conditions
        capabilities, subnets = conditions.get("capabilities"), conditions.get("subnets")
        self._patterns = (capabilities,) if isinstance(capabilities, str) else tuple(capabilities or ())
        if self._patterns:
            ledger.terms(self._patterns)
        named = (subnets,) if isinstance(subnets, str | int) else subnets
        find_entry = ledger.catalogue.ledger.find_entry
        # By number from here on: a subnet that is gone for a while does not make the conditions wrong.
        self._netuids = None if named is None else frozenset(find_entry(each).netuid for each in named)
        self._current: tuple[Catalogue, Filters, Mapping[str, Tool]] | None = None
        self._admitted()

    @property
    def tools(self) -> Mapping[str, Tool]:
        filters, admitted = self._admitted()
        if not (_is_measured(filters) or self._conditions.get("callable_now")):
            return admitted
        return {name: tool for name, tool in admitted.items() if self._lists(tool, filters)}

    def find(self, text: str | None = None, *, limit: int = 5, **filters: Unpack[FindFilters]) -> Findings:
        """Find tools among those offered; see `LedgerToolset.find`.

        Raises:
            UnknownCapabilityError: The vocabulary has no such term.
        """
        mine, _ = self._admitted()
        return self.ledger.find(text, limit=limit, within=lambda tool: self._lists(tool, mine), **filters)

    def find_tool(self, name: str) -> Tool:
        """The tool of that name, if it is offered.

        Raises:
            UnknownToolError, PinnedError, QuarantinedError: It is not.
        """
        tool = self.ledger.catalogue.find_tool(name)
        self.refuse_others(tool)
        return tool

    def _lists(self, tool: Tool, filters: Filters) -> bool:
        statistics = self.ledger.statistics(tool.name) if _is_measured(filters) else None
        if filters.judge(tool, statistics) != "pass":
            return False
        return not self._conditions.get("callable_now") or self.ledger.executor.obstacle_to(tool) is None

    def _admitted(self) -> tuple[Filters, Mapping[str, Tool]]:
        """The conditions, with the vocabulary as the ledger has it now, and the tools that may be called under them."""
        catalogue, given = self.ledger.catalogue, self._conditions
        if self._current is None or self._current[0] is not catalogue:
            filters = Filters.of(
                max_cost=given.get("max_cost"),
                max_latency_ms=given.get("max_latency_ms"),
                min_reliability=given.get("min_reliability"),
                audience=given.get("audience"),
                read_only=given.get("read_only"),
                capabilities=None if given.get("capabilities") is None else self._terms(),
                netuids=self._netuids,
            )
            admitted = catalogue.tools
            if filters != Filters():
                admitted = {name: tool for name, tool in admitted.items() if filters.admits(tool)}
            self._current = (catalogue, filters, admitted)
        return self._current[1:]

    def _terms(self) -> frozenset[str]:
        found: set[str] = set()
        for pattern in self._patterns:
            # A term may go with the last tool that had it; it was known when the conditions were given.
            with suppress(UnknownCapabilityError):
                found.update(self.ledger.terms((pattern,)))
        return frozenset(found)


def _is_measured(filters: Filters) -> bool:
    return filters.min_reliability is not None or filters.max_latency_ms is not None
