"""All tools of a ledger, found and called: the toolset every host starts from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from orchestra_tools.calls import CallResult, Executor, ProgressReporter
from orchestra_tools.compile import Catalogue, CatalogueDiff, Tool
from orchestra_tools.discovery import Finder, Findings, Index, document_of
from orchestra_tools.model import Statistics
from orchestra_tools.registry import LiveLedger
from orchestra_tools.toolsets.toolset import Toolset

if TYPE_CHECKING:
    from orchestra_tools.discovery.semantic import MeaningIndex


class FindFilters(TypedDict, total=False):
    """Conditions on the tools to be found."""

    capability: str | Iterable[str] | None
    """Terms of the vocabulary, each exact or with `*` at its end; a tool has one of them."""
    max_cost: Decimal | float | None
    """Most one call may cost, in USD."""
    max_latency_ms: float | None
    """Most that half of the calls take."""
    min_reliability: float | None
    """Least measured reliability, 0 to 1."""
    callable_now: bool
    """Only tools that can be called with the keys that are present."""
    audience: str | None
    """consumer, compute or operator."""
    read_only: bool | None
    """Only tools that change nothing, or only such that do."""


class LedgerToolset(Toolset):
    """The tools of a live ledger. Follows its changes."""

    def __init__(self, live: LiveLedger, executor: Executor, *, meaning: MeaningIndex | None = None) -> None:
        """Offer the tools of `live`, called through `executor`.

        Args:
            live: The ledger.
            executor: Makes the calls.
            meaning: Takes part in searches by text, as soon as all tools are embedded.
        """
        self.live = live
        self.executor = executor
        self.meaning = meaning
        self._lock = threading.Lock()
        self._indexed: Catalogue | None = None
        self._index = Index()
        self._finder: Finder | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The compiled ledger as it is now."""
        return self.live.catalogue

    @property
    def tools(self) -> Mapping[str, Tool]:
        return self.live.catalogue.tools

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        max_cost: Decimal | None = None,
        on_progress: ProgressReporter | None = None,
    ) -> CallResult:
        catalogue = self.live.catalogue
        return await self.executor.call(
            catalogue.find_tool(name),
            arguments,
            sandbox=catalogue.ledger.sandbox,
            max_cost=max_cost,
            on_progress=on_progress,
        )

    def find(
        self,
        text: str | None = None,
        *,
        limit: int = 5,
        within: Callable[[Tool], bool] | None = None,
        **filters: Unpack[FindFilters],
    ) -> Findings:
        """Find tools by text, by capability, or both; see `discovery.Finder.find`.

        Raises:
            UnknownCapabilityError: The vocabulary has no such term.
        """
        finder = self._current_finder()
        return finder.find(text, limit=limit, callable_with=self.executor.obstacle_to, within=within, **filters)

    def embed_tools(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Wait until every tool can be found by its meaning; does nothing where that is off.

        Without it this happens in the background from the first search by text on, and searches go by words until it
        is done.

        Args:
            on_progress: Is told how many tools are embedded, and of how many.

        Raises:
            EmbeddingError: The model did not answer.
        """
        self._current_finder()
        if self.meaning is not None:
            self.meaning.embed_pending(on_progress)

    def close(self) -> None:
        """Stop embedding, and close what that has open."""
        if self.meaning is not None:
            self.meaning.close()

    def terms(self, patterns: Iterable[str]) -> tuple[str, ...]:
        """The capabilities that patterns mean, each exact or with `*` at its end.

        Raises:
            UnknownCapabilityError: The vocabulary has no such term.
        """
        return self._current_finder().terms(patterns)

    def statistics(self, name: str) -> Statistics | None:
        """What the calls of a tool amount to; sandbox calls for sandbox tools, real ones for real tools."""
        return self.executor.journal.statistics(name, sandbox=self.catalogue.ledger.sandbox is not None)

    def _current_finder(self) -> Finder:
        with self._lock:
            catalogue = self.live.catalogue
            if self._finder is None or self._indexed is not catalogue:
                before = self._indexed
                diff = catalogue.diff(before) if before else CatalogueDiff(tuple(catalogue.tools), (), ())
                changed = [document_of(catalogue.tools[name]) for name in (*diff.added, *diff.changed)]
                self._index.update(changed, diff.removed)
                if self.meaning is not None:
                    self.meaning.update(changed, diff.removed)
                self._finder = Finder(self._index, catalogue.tools, self.statistics, meaning=self.meaning)
                self._indexed = catalogue
            return self._finder
