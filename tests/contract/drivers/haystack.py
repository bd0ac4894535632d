"""Haystack: an agent whose chat generator says what it is told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from haystack import component
from haystack.components.agents import Agent
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.tools import Toolset
from haystack.tools.tool import Tool

from haystack_orchestra import OrchestraToolset
from orchestra_tools.toolsets import Reply
from tests.contract.driver import Call, Called, Driver, Shown, Talk


@component
class ScriptedGenerator:
    """Makes the calls it is given, one in each turn, then gives its answer. Keeps the tools it was shown."""

    def __init__(self, turns: Sequence[Call], answer: str) -> None:
        self.turns = turns
        self.answer = answer
        self.shown: list[Tool] = []

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], tools: list[Tool] | None = None) -> dict[str, Any]:
        self.shown = list(tools or [])
        done = len(results_in(messages))
        if done == len(self.turns):
            return {"replies": [ChatMessage.from_assistant(self.answer)]}
        turn = self.turns[done]
        call = ToolCall(turn.tool, dict(turn.arguments), id=f"call-{done}")
        return {"replies": [ChatMessage.from_assistant(tool_calls=[call])]}

    @component.output_types(replies=list[ChatMessage])
    async def run_async(self, messages: list[ChatMessage], tools: list[Tool] | None = None) -> dict[str, Any]:
        return self.run(messages, tools)


def results_in(messages: Sequence[ChatMessage]) -> list[tuple[str, bool]]:
    """What tools gave, as text, and whether it is marked as an error."""
    return [(str(result.result), result.error) for message in messages for result in message.tool_call_results]


class HaystackDriver(Driver):
    """Haystack has no channel for artifacts of calls that failed: `on_reply` is it."""

    host = "haystack"

    async def __aenter__(self) -> Self:
        self._replies: list[Reply] = []
        self._toolset = OrchestraToolset(self.ledger, on_reply=self._replies.append, **self.conditions)
        self._tools = {tool.name: tool for tool in self._toolset}
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._toolset.close_async()

    async def show(self) -> list[Shown]:
        generator = ScriptedGenerator([], "I see.")
        await self._run(generator, self._toolset)
        # What chat generators send to their models is made of this.
        specs = [tool.tool_spec for tool in generator.shown]
        return [Shown(each["name"], each["description"], each["parameters"]) for each in specs]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        messages = await self._run(ScriptedGenerator([Call(name, arguments)], "Done."), [self._tools[name]])
        ((text, failed),) = results_in(messages)
        return Called(text, failed, self._replies[-1].artifact())

    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        fixed = OrchestraToolset(self.ledger, search=True, **self.conditions)
        messages = await self._run(ScriptedGenerator(turns, answer), [*self._tools.values(), *fixed])
        return Talk([text for text, _ in results_in(messages)], messages[-1].text or "")

    async def _run(self, generator: ScriptedGenerator, tools: Toolset | list[Tool]) -> list[ChatMessage]:
        agent = Agent(chat_generator=generator, tools=tools)
        result = await agent.run_async([ChatMessage.from_user("Which miners are there?")])
        messages: list[ChatMessage] = result["messages"]
        return messages
