"""An offer: the tools of a ledger that an agent is offered, and the way to call them. Every host adapter stands on one.

    with Offer(subnets=["SN22"], audience="consumer") as offer:
        offer.definitions()                                            # what the model is shown
        offer.answer_blocking("sn22_web_search", {"query": "tao"})     # what the model and the program get

What is offered, found, validated, called and said is decided below; adapters translate it into their host's words.
Asynchronous calls run in the caller's event loop; synchronous ones in a loop of the offer's own.
"""

from __future__ import annotations

import asyncio
import logging
import os
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, Unpack

from orchestra_tools.calls import ProgressReporter
from orchestra_tools.client.ledger import AsyncLedgerClient, LedgerClient
from orchestra_tools.client.loop import LoopThread
from orchestra_tools.client.session import Session, open_session
from orchestra_tools.compile import CatalogueDiff, Tool, diff_tools
from orchestra_tools.errors import ConfigurationError, NotApprovedError, OrchestraError
from orchestra_tools.exports import Definition, define
from orchestra_tools.model import Ledger
from orchestra_tools.toolsets import (
    META_TOOLS,
    Conditions,
    Reply,
    SearchableToolset,
    SelectedToolset,
    answer,
    tool_facts,
)

LedgerLike = LedgerClient | AsyncLedgerClient | Session | Ledger | str | os.PathLike[str] | None
"""A client, a session, or what a client opens; None = what `ORCHESTRA_LEDGER` says, else the packaged ledger."""
ApprovalRule = Callable[[Tool], bool]
"""Whether a person must approve a call of a tool before it is made; `spends_money` is the usual one."""
SEARCH_TOOLS = ("find_tools", "describe_tool", "call_tool")
_LOG = logging.getLogger(__name__)


class Offer:
    """What an agent is offered of a ledger. Closing it is allowed, and never needed."""

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        **conditions: Unpack[Conditions],
    ) -> None:
        """Offer the tools of a ledger that meet some conditions.

        Args:
            ledger: See `LedgerLike`. A client or session stays open; what is opened here is closed here.
            on_reply: Told of each reply, with its receipt, cost and statistics, in the thread that made the call.
            conditions: Which tools are offered; see `Conditions`.

        Raises:
            ConfigurationError, LedgerFormatError: The ledger cannot be opened.
            UnknownCapabilityError, UnknownSubnetError, InputError: A condition names nothing.
        """
        if isinstance(ledger, LedgerClient | AsyncLedgerClient):
            ledger = ledger.session
        owned = not isinstance(ledger, Session)
        self.session = ledger if isinstance(ledger, Session) else open_session(ledger)
        self.toolset = SelectedToolset(self.session.toolset, **conditions)
        self.on_reply = on_reply
        self._searchable = SearchableToolset(self.toolset)
        self._loop = LoopThread()
        self._defined: dict[str, tuple[Tool, Definition]] = {}
        self._seen = self.tools
        # With the session, also where it is another's: collected together with the offer, its connections would be
        # gone from the loop's view before the loop could close them.
        self._finalizer = weakref.finalize(self, _close, self._loop, self.session, owned)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The tools on offer by name, as they are now, in an order that stays the same."""
        return self.toolset.tools

    def definitions(self) -> list[Definition]:
        """The tools on offer as models are shown them; the same object again for a tool that did not change."""
        return [self._define(tool) for tool in self.tools.values()]

    def search_definitions(self) -> list[Definition]:
        """Three fixed tools through which a model finds, reads and calls all that is on offer, however much it is."""
        return [META_TOOLS[name].definition for name in SEARCH_TOOLS]

    def search(self, text: str, *, limit: int = 8) -> list[Tool]:
        """The tools on offer that fit a text, best first; none where nothing fits."""
        found = self.toolset.find(text, limit=limit)
        tools = self.session.toolset.tools  # another thread may have taken over a ledger without some of them
        return [tools[card.name] for card in found.cards if card.name in tools]

    def find_called(self, name: str, arguments: Any) -> Tool | None:
        """The tool on offer that a call would run; `call_tool` names it in its arguments. None where there is none."""
        if name == "call_tool":
            name = arguments.get("name", "") if isinstance(arguments, Mapping) else ""
        try:
            return self.toolset.find_tool(name) if isinstance(name, str) else None
        except OrchestraError:
            return None

    def facts(self, name: str) -> dict[str, Any]:
        """What a program may want to know of a tool beside its definition: JSON values, statistics as they are now.

        Raises:
            UnknownToolError, QuarantinedError, PinnedError: It is not on offer.
        """
        tool = self.toolset.find_tool(name)
        return tool_facts(tool, self.session.toolset.statistics(name)) | {
            "title": tool.title,
            "subnet": tool.subnet,
            "capabilities": list(tool.capabilities),
            "audience": tool.audience,
            "input_schema": dict(tool.input_schema),
            "output_schema": None if tool.output_schema is None else dict(tool.output_schema),
            **tool.annotations.to_json(),
            "spends_money": spends_money(tool),
        }

    def refresh(self) -> CatalogueDiff:
        """Take over a changed ledger; says which tools on offer differ since the refresh before, or since the start.

        Reads a file, or asks the server of a ledger: asynchronous code runs it in a thread.
        """
        self.session.live.refresh()
        before, self._seen = self._seen, self.tools
        return diff_tools(before, self._seen)

    async def follow(self) -> None:
        """Take over a changed ledger, for whoever looks before each step of an agent.

        Costs next to nothing where nothing changed; a far ledger is asked no more often than it is watched.
        """
        live = self.session.live
        if live.may_have_changed():
            await asyncio.to_thread(live.refresh)

    def follow_blocking(self) -> None:
        """See `follow`."""
        live = self.session.live
        if live.may_have_changed():
            live.refresh()

    async def answer(
        self, name: str, arguments: Mapping[str, Any], *, on_progress: ProgressReporter | None = None
    ) -> Reply:
        """Call a tool on offer or one of the fixed ones, in the running event loop; see `toolsets.answer`.

        Raises:
            ConfigurationError: The offer is closed.
        """
        if not self._finalizer.alive:
            raise ConfigurationError("this offer is closed", remedy="Open another one")
        reply = await answer(self._searchable, name, arguments, on_progress=on_progress)
        if self.on_reply is not None:
            try:
                self.on_reply(reply)
            except Exception:  # noqa: BLE001  # the answer may have been paid for: it reaches the model all the same
                _LOG.exception("on_reply failed")
        return reply

    def answer_blocking(self, name: str, arguments: Mapping[str, Any]) -> Reply:
        """Call a tool and wait, also where an event loop is running. Interrupting the wait cancels the call.

        Raises:
            ConfigurationError: The offer is closed.
        """
        return self._loop.run(self.answer(name, arguments))

    def close(self) -> None:
        """Close the connections of synchronous calls, and the ledger if it was opened here."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _define(self, tool: Tool) -> Definition:
        known = self._defined.get(tool.name)
        if known is None or known[0] is not tool:
            known = self._defined[tool.name] = (tool, define(tool))
        return known[1]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The offer itself: hosts copy their tools, and connections and budget are shared."""
        return self


def unapproved(tool: str, *, asked: bool) -> Reply:
    """The reply to a call that a person has not agreed to.

    Args:
        tool: The name that was called.
        asked: Whether the person is being asked; else they have said no.
    """
    why, remedy = ("its user is asked whether it may be", "Wait") if asked else ("its user said no", "Go on without it")
    return Reply(tool, error=NotApprovedError(f"{tool} was not called: {why}", remedy=remedy, tool=tool))


def spends_money(tool: Tool) -> bool:
    """Whether a call may cost real money. A sandbox takes none."""
    return tool.operation.price != 0 and not tool.sandbox


def _close(loop: LoopThread, session: Session, owned: bool) -> None:
    loop.close()
    if owned:
        session.executor.journal.close()
        session.toolset.close()
