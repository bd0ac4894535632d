"""LangChain: its `ToolNode` calls the tools, its `create_agent` runs the agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from pydantic import PrivateAttr

from langchain_orchestra import OrchestraToolkit
from tests.contract.driver import Call, Called, Driver, Shown, Talk


class ScriptedModel(BaseChatModel):
    """A chat model that says what it is given to say, and keeps what it was told.

    Tools are converted as langchain-openai and langchain-anthropic convert them.
    """

    turns: list[AIMessage]
    _told: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _shown: list[list[dict[str, Any]]] = PrivateAttr(default_factory=list)

    @property
    def told(self) -> list[list[BaseMessage]]:
        """The messages of each call."""
        return self._told

    @property
    def shown(self) -> list[dict[str, dict[str, Any]]]:
        """The tools of each call, by name."""
        return [{tool["function"]["name"]: tool["function"] for tool in tools} for tools in self._shown]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._told.append(messages)
        self._shown.append(kwargs.get("tools", []))
        return ChatResult(generations=[ChatGeneration(message=self.turns[len(self._told) - 1])])


def calling(*calls: tuple[str, Mapping[str, Any]], text: str = "") -> AIMessage:
    """A message of a model that calls tools."""
    return AIMessage(
        text,
        tool_calls=[
            {"name": name, "args": dict(arguments), "id": f"call_{number}", "type": "tool_call"}
            for number, (name, arguments) in enumerate(calls, start=1)
        ],
    )


class LangChainDriver(Driver):
    """LangChain's agent and tool node, with the tools of a toolkit."""

    host = "langchain"
    # langchain-core inlines references, and where a schema refers to itself it ends with a schema that takes anything.
    rewrites = frozenset({"recursive"})

    async def __aenter__(self) -> Self:
        self._toolkit = OrchestraToolkit(self.ledger, **self.conditions)
        graph = StateGraph(MessagesState)
        graph.add_node("tools", ToolNode(self._toolkit.get_tools()))
        graph.add_edge(START, "tools")
        graph.add_edge("tools", END)
        self._graph = graph.compile()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._toolkit.close()

    async def show(self) -> list[Shown]:
        await self._toolkit.arefresh()
        model = ScriptedModel(turns=[AIMessage("seen")])
        await create_agent(model, await self._toolkit.aget_tools()).ainvoke({"messages": [HumanMessage("look")]})
        return [Shown(name, each["description"], each["parameters"]) for name, each in model.shown[0].items()]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        state = await self._graph.ainvoke({"messages": [calling((name, arguments))]})
        told = state["messages"][-1]
        assert isinstance(told, ToolMessage)
        return Called(told.text, told.status == "error", told.artifact)

    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        model = ScriptedModel(turns=[*(calling((turn.tool, turn.arguments)) for turn in turns), AIMessage(answer)])
        agent = create_agent(model, [*self._toolkit.get_tools(), *self._toolkit.search_tools()])
        state = await agent.ainvoke({"messages": [HumanMessage("How many miners are there?")]})
        heard = [message.text for message in model.told[-1] if isinstance(message, ToolMessage)]
        return Talk(heard, state["messages"][-1].text)
