"""`LedgerClient` and `AsyncLedgerClient`: find, read, call, follow.

    ledger = LedgerClient()
    ledger.find(capability="web_search")[0].key          # "SN22"
    ledger.call("sn22_web_search", {"query": "tao"}).data

The two differ only in how they wait: every decision stands in `queries`, the toolset and the executor.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from orchestra_tools.calls import CallResult, ProgressReporter
from orchestra_tools.client.loop import LoopThread
from orchestra_tools.client.queries import (
    Change,
    Subscription,
    amount_of,
    changes_of,
    entries_found,
    index_entries,
    schemas_of,
    subnet_key,
    subnet_or_slot,
    subnets_of,
)
from orchestra_tools.client.session import Session, open_session
from orchestra_tools.client.settings import LedgerPlace, require_record
from orchestra_tools.compile import Catalogue, CatalogueDiff, Tool
from orchestra_tools.discovery import Findings, Index
from orchestra_tools.model import Entry, Statistics
from orchestra_tools.registry import Listener, Watcher
from orchestra_tools.toolsets import FindFilters

if TYPE_CHECKING:
    from orchestra_tools.client.feed import Feed
    from orchestra_tools.client.record import LedgerChange
    from orchestra_tools.discovery.semantic import Embedder
    from orchestra_tools.registry.record import LedgerRecord

FOUND = 20  # tools looked at to rank entries


class _Reader:
    """What both clients answer without waiting."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._watcher: Watcher | None = None
        self._feeds: list[Feed] = []
        self._lock = threading.Lock()
        self._entry_index: tuple[Catalogue, Index] | None = None

    def find(self, text: str | None, limit: int, filters: FindFilters) -> list[Entry]:
        catalogue, search = self.session.live.catalogue, self.session.toolset.find
        findings = search(text, limit=max(FOUND, limit), **filters)
        if findings.total > len(findings.cards) and len(subnets_of(findings.cards)) < limit:
            # A few subnets with many tools must not crowd the others out.
            findings = search(text, limit=findings.total, **filters)
        # Filters are about tools: an entry without any can only be found by its text.
        unfiltered = all(value is None or value is False for value in filters.values())
        nearest = self._nearest_entries(catalogue, text, limit) if text and unfiltered else []
        cards = findings.cards if findings.confidence == "good" or not nearest else ()
        return entries_found(catalogue, cards, nearest)[:limit]

    def changes(self, since: int | None, subnet: str | int | None) -> list[LedgerChange]:
        from orchestra_tools.client.record import changes_since  # most users never ask, and hosts wait for this module

        record = require_record(self.session.live.source)
        wanted = None if subnet is None else subnet_or_slot(self.session.live.catalogue, subnet)
        record.refresh()
        return list(changes_since(record, since, subnet=wanted))

    def follow(self, subnet: str | int | None, tell: Callable[[Change], None], since: int | None) -> Subscription:
        live = self.session.live
        wanted = None if subnet is None else subnet_key(live.catalogue, subnet)
        if live.source.record is None and since is None:
            unsubscribe = live.subscribe(_between_catalogues(live.catalogue, wanted, tell))
        else:
            unsubscribe = self._follow_record(require_record(live.source), wanted, tell, since)
        with self._lock:
            if self._watcher is None:
                self._watcher = Watcher(live)
                self._watcher.start()
        return Subscription(unsubscribe)

    def _follow_record(
        self, record: LedgerRecord, subnet: str | None, tell: Callable[[Change], None], since: int | None
    ) -> Callable[[], None]:
        from orchestra_tools.client.feed import Feed

        live = self.session.live
        start = record.size() - 1 if since is None else since
        # What is told from here on comes after what is in use, so that whoever reads now misses nothing.
        live.refresh()
        sandbox = live.catalogue.ledger.sandbox is not None
        feed = Feed(record, subnet, start, tell, sandbox=sandbox, retry_s=live.source.poll_s)
        with self._lock:
            self._feeds.append(feed)
        unsubscribe = live.subscribe(lambda catalogue, diff: feed.wake())
        feed.start()

        def end() -> None:
            unsubscribe()
            feed.end()

        return end

    def stop_watching(self) -> None:
        with self._lock:
            watcher, self._watcher = self._watcher, None
            feeds, self._feeds = self._feeds, []
        if watcher is not None:
            watcher.stop()
        for feed in feeds:
            feed.end()
            feed.join()

    def _nearest_entries(self, catalogue: Catalogue, text: str, limit: int) -> list[str]:
        if self._entry_index is None or self._entry_index[0] is not catalogue:
            self._entry_index = (catalogue, index_entries(catalogue))
        index = self._entry_index[1]
        return [hit.key for hit in index.search(text, limit=limit)]


class AsyncLedgerClient:
    """The Subnet Ledger, for asynchronous code. Close it, or use it as a context manager."""

    def __init__(
        self,
        ledger: LedgerPlace | None = None,
        *,
        api_key: str | None = None,
        embedder: str | Embedder | None = None,
        trust: str | os.PathLike[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Open a ledger; see `LedgerClient`."""
        self._reader = _Reader(
            open_session(ledger, api_key=api_key, embedder=embedder, trust=trust, environment=environment)
        )

    @property
    def session(self) -> Session:
        """The session behind this client, for adapters and servers."""
        return self._reader.session

    async def find(self, text: str | None = None, *, limit: int = 10, **filters: Unpack[FindFilters]) -> list[Entry]:
        """Subnets that do something, best first; see `LedgerClient.find`."""
        return self._reader.find(text, limit, filters)

    async def search(self, text: str | None = None, *, limit: int = 5, **filters: Unpack[FindFilters]) -> Findings:
        """Tools as cards; see `LedgerClient.search`."""
        return self.session.toolset.find(text, limit=limit, **filters)

    async def get(self, subnet: str | int) -> Entry:
        """The entry of a subnet; see `LedgerClient.get`."""
        return self.session.live.catalogue.ledger.find_entry(subnet)

    async def get_schema(self, subnet: str | int) -> dict[str, Any]:
        """The schemas of a subnet; see `LedgerClient.get_schema`."""
        return schemas_of(self.session.live.catalogue, subnet)

    async def tools(self) -> list[Tool]:
        """All tools; see `LedgerClient.tools`."""
        return list(self.session.live.catalogue.tools.values())

    async def statistics(self, tool: str) -> Statistics | None:
        """What the calls of a tool amount to; see `LedgerClient.statistics`."""
        return self.session.toolset.statistics(tool)

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        max_cost: Decimal | float | None = None,
        on_progress: ProgressReporter | None = None,
    ) -> CallResult:
        """Call a tool; see `LedgerClient.call`."""
        return await self.session.toolset.call(
            tool,
            arguments or {},
            max_cost=amount_of(max_cost),
            on_progress=on_progress,
        )

    async def changes(self, since: int | None = None, *, subnet: str | int | None = None) -> list[LedgerChange]:
        """What changed after an index of the log; see `LedgerClient.changes`."""
        return await asyncio.to_thread(self._reader.changes, since, subnet)

    async def on_change(
        self,
        subnet: str | int | None,
        callback: Callable[[Change], Awaitable[None] | None],
        *,
        since: int | None = None,
    ) -> Subscription:
        """Call back after each change, in this event loop; see `LedgerClient.on_change`."""
        loop = asyncio.get_running_loop()
        running: set[asyncio.Future[None]] = set()

        def call_back(change: Change) -> None:
            if inspect.isawaitable(waiting := callback(change)):
                # The loop itself keeps only weak references to tasks.
                task: asyncio.Future[None] = asyncio.ensure_future(waiting)
                running.add(task)
                task.add_done_callback(running.discard)

        return await asyncio.to_thread(
            self._reader.follow, subnet, lambda change: _hand_over(loop, call_back, change), since
        )

    async def close(self) -> None:
        """Close connections and files."""
        await asyncio.to_thread(self._reader.stop_watching)
        await self.session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class LedgerClient:
    """The Subnet Ledger. Close it, or use it as a context manager; leaving it open loses nothing."""

    def __init__(
        self,
        ledger: LedgerPlace | None = None,
        *,
        api_key: str | None = None,
        embedder: str | Embedder | None = None,
        trust: str | os.PathLike[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Open a ledger.

        Args:
            ledger: Path, URL or value; None = what `ORCHESTRA_LEDGER` says, else the packaged ledger.
            api_key: Key for a ledger served over HTTP; None = what `ORCHESTRA_API_KEY` says.
            embedder: Finds tools by meaning as well: "minilm", the URL of an OpenAI-compatible endpoint, a folder with
                a model, or an object; None = what `ORCHESTRA_EMBEDDER` says, else by words alone.
            trust: File with the keys that a published log is held against (C2SP tlog-policy); None = what
                `ORCHESTRA_TRUST` says.
            environment: Instead of the process's own.

        Raises:
            ConfigurationError: A setting or a file cannot be used.
            ImportError: `embedder` needs an extra that is not installed.
            LedgerFormatError: The ledger cannot be read.
            TrustError: The log behind the ledger does not hold; see `errors`.
        """
        self._reader = _Reader(
            open_session(ledger, api_key=api_key, embedder=embedder, trust=trust, environment=environment)
        )
        self._loop = LoopThread()
        self._finalizer = weakref.finalize(self, _close, self._reader, self._loop)

    @property
    def session(self) -> Session:
        """The session behind this client, for adapters and servers."""
        return self._reader.session

    def find(self, text: str | None = None, *, limit: int = 10, **filters: Unpack[FindFilters]) -> list[Entry]:
        """Subnets that do something, best first.

        Args:
            text: What is wanted, in words.
            limit: At most so many.
            filters: Conditions on their tools, as in `capability="web_search"`; see `FindFilters`.

        Raises:
            UnknownCapabilityError: The vocabulary has no such term.
        """
        return self._reader.find(text, limit, filters)

    def search(self, text: str | None = None, *, limit: int = 5, **filters: Unpack[FindFilters]) -> Findings:
        """Tools as cards with the reason why each was found, or an explicit "nothing fits"."""
        return self.session.toolset.find(text, limit=limit, **filters)

    def get(self, subnet: str | int) -> Entry:
        """The entry of a subnet, by "SN22", 22 or its name.

        Raises:
            UnknownSubnetError: There is none.
        """
        return self.session.live.catalogue.ledger.find_entry(subnet)

    def get_schema(self, subnet: str | int) -> dict[str, Any]:
        """`input_schema` and `output_schema` of the main operation, and `operations` with those of each.

        Raises:
            UnknownSubnetError: There is no such subnet.
        """
        return schemas_of(self.session.live.catalogue, subnet)

    def tools(self) -> list[Tool]:
        """All tools of the ledger."""
        return list(self.session.live.catalogue.tools.values())

    def statistics(self, tool: str) -> Statistics | None:
        """What the calls of a tool amount to; None where none was made."""
        return self.session.toolset.statistics(tool)

    def call(
        self,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        max_cost: Decimal | float | None = None,
        on_progress: ProgressReporter | None = None,
    ) -> CallResult:
        """Call a tool.

        Args:
            tool: Its name, as in "sn22_web_search".
            arguments: A JSON object.
            max_cost: Most this call may cost, in USD.
            on_progress: Awaited in another thread at each step.

        Raises:
            InvalidArgumentsError: The arguments do not fit; nothing was sent.
            RefusedError: Policy said no; nothing was sent.
            CallError: The call was made and failed; it has the receipt.
        """
        cost = amount_of(max_cost)
        calling = self.session.toolset.call(tool, arguments or {}, max_cost=cost, on_progress=on_progress)
        return self._loop.run(calling)

    def changes(self, since: int | None = None, *, subnet: str | int | None = None) -> list[LedgerChange]:
        """What changed after an index of the ledger's log, in its order.

        Args:
            since: Index of the last change that is known; None = from the first on.
            subnet: Key, netuid, name, or a slot as in "SN13@1907637"; None = all.

        Raises:
            ConfigurationError: The ledger has no log, or it cannot be read now.
            InputError: The log has no such index.
            TrustError: The log shows something that does not hold.
        """
        return self._reader.changes(since, subnet)

    def on_change(
        self, subnet: str | int | None, callback: Callable[[Change], None], *, since: int | None = None
    ) -> Subscription:
        """Call back after each change of a subnet, or of any (None), in a thread of its own.

        Args:
            subnet: Key, netuid or name; a key that the ledger does not have yet is fine.
            callback: Called with a `Change`. Where the ledger has a log, once for each entry of the log, in its order,
                with its `index`.
            since: Index of the last change that was handled, to be told what came after it while nobody listened; -1 =
                to be told of all; None = of what comes from now on.

        Raises:
            ConfigurationError: `since` is given, and the ledger has no log.
            InputError: The log has no such index.
        """
        return self._reader.follow(subnet, callback, since)

    def close(self) -> None:
        """Close connections and files."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _between_catalogues(before: Catalogue, subnet: str | None, tell: Callable[[Change], None]) -> Listener:
    """Tells how each catalogue differs from the one before it: what a ledger without a log can say."""

    def listen(after: Catalogue, diff: CatalogueDiff) -> None:
        nonlocal before
        changes, before = changes_of(before, after, diff, subnet), after
        for change in changes:
            tell(change)

    return listen


def _close(reader: _Reader, loop: LoopThread) -> None:
    reader.stop_watching()
    loop.close()
    reader.session.executor.journal.close()
    reader.session.toolset.close()


def _hand_over(loop: asyncio.AbstractEventLoop, call_back: Callable[[Change], None], change: Change) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call_back, change)
