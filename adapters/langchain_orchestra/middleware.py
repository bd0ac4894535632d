"""The middleware: at each call of its model, an agent is offered the tools of a ledger that fit what it is doing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import chain, islice, zip_longest
from typing import Any, Unpack

from orchestra_tools.client import LedgerLike, Offer
from orchestra_tools.exports import define
from orchestra_tools.extras import missing_extra
from orchestra_tools.toolsets import Conditions, Reply

try:
    from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse, ToolCallRequest
    from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
    from langchain_core.tools import BaseTool
    from langgraph.types import Command

    from langchain_orchestra.tool import make_tools
except ImportError as error:
    raise missing_extra("langchain_orchestra", "langchain", error) from error


class OrchestraMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Offers a ledger's tools to an agent made by `create_agent`, a few at a time, however many the ledger has.

    At each call of the model it takes over what changed in the ledger and adds to the agent's own tools those that
    the ledger finds for the user's last message and for what the model itself has asked `find_tools` for, and those
    that were called already in the messages that the model is given.
    """

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        limit: int = 8,
        search_tools: bool = False,
        on_reply: Callable[[Reply], None] | None = None,
        **conditions: Unpack[Conditions],
    ) -> None:
        """Offer the tools of a ledger; see `Offer`.

        Args:
            ledger: See `LedgerLike`.
            limit: Most tools that are found for one call of the model. Those already called come on top.
            search_tools: Whether the agent always has `find_tools`, `describe_tool` and `call_tool` as well.
            on_reply: See `Offer`.
            conditions: Which tools are offered; see `Conditions`.
        """
        super().__init__()
        self.limit = limit
        self._offer = Offer(ledger, on_reply=on_reply, **conditions)
        self._made: dict[str, BaseTool] = {}
        self.tools: Sequence[BaseTool] = (
            make_tools(self._offer, self._offer.search_definitions()) if search_tools else []
        )

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        return handler(self._with_tools(request))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        # A ledger may have to be read, or asked for at its server.
        return await handler(await asyncio.to_thread(self._with_tools, request))

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        return handler(self._with_tool(request))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]
    ) -> ToolMessage | Command[Any]:
        return await handler(self._with_tool(request))

    def close(self) -> None:
        """Close what was opened here; see `Offer.close`."""
        self._offer.close()

    def _with_tools(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        self._offer.follow_blocking()
        wanted = {*self._found(request.messages), *_called(request.messages)}
        wanted.difference_update(tool.name for tool in request.tools if isinstance(tool, BaseTool))
        return request.override(tools=[*request.tools, *self._make(wanted)])

    def _make(self, names: Collection[str]) -> list[BaseTool]:
        # In the ledger's order: providers cache a prompt while its tools stay as they are.
        definitions = [define(tool) for name, tool in self._offer.tools.items() if name in names]
        tools = make_tools(self._offer, definitions)
        self._made.update((tool.name, tool) for tool in tools)
        return tools

    def _found(self, messages: Sequence[AnyMessage]) -> list[str]:
        """The best for each text that is looked for, then the second best for each, and so on."""
        ranked = [[tool.name for tool in self._offer.search(text, limit=self.limit)] for text in _looked_for(messages)]
        names = dict.fromkeys(name for name in chain.from_iterable(zip_longest(*ranked)) if name is not None)
        return list(islice(names, self.limit))

    def _with_tool(self, request: ToolCallRequest) -> ToolCallRequest:
        """The request with a tool of the ledger, where the agent has none of that name itself."""
        name = request.tool_call["name"]
        if request.tool is not None:
            return request
        # One that was offered and is gone since is called all the same: the core says what became of it.
        if name not in self._made:
            self._make({name})
        return request.override(tool=self._made[name]) if name in self._made else request


def _looked_for(messages: Sequence[AnyMessage]) -> list[str]:
    """What the user said last, after what the model has asked `find_tools` for since."""
    texts: list[Any] = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            texts.append(message.text)
            break
        if isinstance(message, AIMessage):
            texts += [call["args"].get("query") for call in message.tool_calls if call["name"] == "find_tools"]
    return [text for text in texts if isinstance(text, str) and text.strip()]


def _called(messages: Sequence[AnyMessage]) -> set[str]:
    """The names of all tools called, also those that were read or called through the fixed ones."""
    calls = [call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    names: list[Any] = [call["name"] for call in calls]
    names += [call["args"].get("name") for call in calls if call["name"] in ("describe_tool", "call_tool")]
    return {name for name in names if isinstance(name, str)}
