"""The tools of a ledger as a Haystack toolset. What the model gives goes to the offer as it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Unpack, cast

from haystack.core.errors import SerializationError
from haystack.core.serialization import generate_qualified_class_name
from haystack.tools import Toolset
from haystack.tools.errors import ToolInvocationError
from haystack.tools.tool import Tool
from haystack.utils import deserialize_callable, serialize_callable

from orchestra_tools.client import LedgerLike, Offer
from orchestra_tools.exports import Definition
from orchestra_tools.toolsets import Conditions, Reply

OutputsToState = dict[str, dict[str, Any]]


class OrchestraToolset(Toolset):
    """The tools of a ledger that meet some conditions, for the `tools` of an agent.

    Attributes:
        offer: The offer behind it: facts of a tool, search, the session.
    """

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        search: bool = False,
        outputs_to_state: OutputsToState | None = None,
        **conditions: Unpack[Conditions],
    ) -> None:
        """Offer the tools of a ledger; see `Offer`.

        Args:
            ledger: What to open, or what is open.
            on_reply: Told of each reply, also of those that failed.
            search: Offer three fixed tools, through which a model finds, reads and calls all the others.
            outputs_to_state: What of an answer goes into the agent's state, as Haystack's tools have it. A `source` is
                `text` or a key of `Reply.artifact`, as in `{"receipts": {"source": "receipt"}}`.
            conditions: Which tools are offered; see `Conditions`.
        """
        self._ledger = ledger
        self._search = search
        self._outputs_to_state = outputs_to_state
        self._conditions = cast("Conditions", {name: _plain(value) for name, value in conditions.items()})
        self.offer = Offer(ledger, on_reply=on_reply, **self._conditions)
        super().__init__(tools=[])
        self._load()

    def warm_up(self) -> None:
        """Take over a changed ledger. Agents do this at the start of each run."""
        self.offer.follow_blocking()
        self._load()

    async def warm_up_async(self) -> None:
        """See `warm_up`."""
        await self.offer.follow()
        self._load()

    def close(self) -> None:
        """Close what was opened here; see `Offer.close`."""
        self.offer.close()

    async def close_async(self) -> None:
        """See `close`."""
        await asyncio.to_thread(self.offer.close)

    def to_dict(self) -> dict[str, Any]:
        """Where the ledger is and what is asked of it. Keys are not part of it, and neither are the tools.

        Raises:
            SerializationError: The toolset was made from something that is open, not from a path or URL.
        """
        if not (self._ledger is None or isinstance(self._ledger, str | os.PathLike)):
            raise SerializationError(
                f"a toolset made from a {type(self._ledger).__name__} cannot be saved: make it from a path or URL"
            )
        place = None if self._ledger is None else os.fspath(self._ledger)
        on_reply = self.offer.on_reply
        data = {
            # The source's name leaves out what may be a key: a URL's user and query.
            "ledger": self.offer.session.live.source.name if place and "://" in place else place,
            "on_reply": None if on_reply is None else serialize_callable(on_reply),
            "search": self._search,
            "outputs_to_state": self._outputs_to_state,
            **self._conditions,
        }
        return {"type": generate_qualified_class_name(type(self)), "data": data}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> OrchestraToolset:
        """A toolset from what `to_dict` gave."""
        given = dict(data["data"])
        if given.get("on_reply") is not None:
            given["on_reply"] = deserialize_callable(given["on_reply"])
        return cls(**given)

    def _load(self) -> None:
        known = {tool.name: tool for tool in self.tools if isinstance(tool, _OrchestraTool)}
        added = [tool for tool in self.tools if not isinstance(tool, _OrchestraTool)]
        definitions = self.offer.search_definitions() if self._search else self.offer.definitions()
        # Haystack compiles each tool's schema, which takes a while: a tool that did not change is kept.
        mine = [
            tool
            if (tool := known.get(each.name)) is not None and tool.definition == each
            else _OrchestraTool(self.offer, each, self._outputs_to_state)
            for each in definitions
        ]
        self.tools = [*mine, *added]


class _OrchestraTool(Tool):
    """A tool on offer. `self` is positional only in its calls: any argument may have its name."""

    def __init__(self, offer: Offer, definition: Definition, outputs_to_state: OutputsToState | None) -> None:
        self.offer = offer
        self.definition = definition
        super().__init__(
            name=definition.name,
            description=definition.description,
            parameters=dict(definition.input_schema),
            function=self.invoke,
            async_function=self.invoke_async,
            outputs_to_string={"source": "text"},
            outputs_to_state=outputs_to_state,
        )

    def invoke(self, /, **kwargs: Any) -> dict[str, Any]:
        """Call it and wait, also where an event loop is running.

        Raises:
            ToolInvocationError: It failed. Agents tell their model its text, and nothing else.
        """
        return self._tell(self.offer.answer_blocking(self.definition.name, kwargs))

    async def invoke_async(self, /, **kwargs: Any) -> dict[str, Any]:
        """Call it in the running event loop; see `invoke`."""
        return self._tell(await self.offer.answer(self.definition.name, kwargs))

    def to_dict(self) -> dict[str, Any]:
        """Refuse: a tool of its own knows no ledger."""
        raise SerializationError(f"{self.name} cannot be saved alone: give the agent its OrchestraToolset")

    def _tell(self, reply: Reply) -> dict[str, Any]:
        if reply.failed:
            raise ToolInvocationError(reply.text, tool_name=self.name) from reply.error
        return {"text": reply.text} | reply.artifact()


def _plain(value: Any) -> Any:
    """A condition as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float) else sorted(value, key=str)
