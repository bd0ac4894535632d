"""smolagents: an agent that calls tools, whose model says what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from smolagents import Tool, ToolCallingAgent
from smolagents.agents import ToolOutput
from smolagents.memory import FinalAnswerStep
from smolagents.models import (
    ChatMessage,
    ChatMessageToolCall,
    ChatMessageToolCallFunction,
    MessageRole,
    Model,
    get_tool_json_schema,
)
from smolagents.monitoring import LogLevel

from smolagents_orchestra import OrchestraTools
from tests.contract.cases import document
from tests.contract.driver import Call, Called, Driver, Shown, Talk


class ScriptedModel(Model):
    """Makes the calls it is given, those of a turn at once, then gives its answer. Keeps what it was shown and told."""

    def __init__(self, turns: Sequence[Sequence[Call]], answer: str) -> None:
        super().__init__(model_id="scripted")
        self.turns = [*turns, [Call("final_answer", {"answer": answer})]]
        self.shown: list[dict[str, Any]] = []
        self.told: list[str] = []

    def generate(
        self,
        messages: list[ChatMessage],
        stop_sequences: list[str] | None = None,
        response_format: dict[str, str] | None = None,
        tools_to_call_from: list[Tool] | None = None,
        **kwargs: Any,
    ) -> ChatMessage:
        # What every class of models of smolagents sends is made by this function.
        self.shown = [get_tool_json_schema(tool)["function"] for tool in tools_to_call_from or []]
        self.told = [text_of(message) for message in messages]
        calls = [
            ChatMessageToolCall(
                id=f"call-{number}",
                type="function",
                function=ChatMessageToolCallFunction(name=call.tool, arguments=dict(call.arguments)),
            )
            for number, call in enumerate(self.turns.pop(0))
        ]
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=calls)


def text_of(message: ChatMessage) -> str:
    parts: Any = message.content or []
    return "".join(part.get("text", "") for part in parts)


class SmolagentsDriver(Driver):
    """An agent in a thread: smolagents is synchronous. A program that has had enough does what `_run` does."""

    host = "smolagents"
    marks_errors: ClassVar[bool] = False
    """An exception is its only mark. It would take the answers of other calls in the same step away."""
    rewrites: ClassVar[frozenset[str]] = frozenset(document()["SN90"]["operations"])
    """It shows properties and which are required, and nothing else of an input schema: no `additionalProperties`, no
    `$defs`. References are inlined, and open where they go round. Its system prompt has the schemas whole."""

    async def __aenter__(self) -> Self:
        self._offered = OrchestraTools(self.ledger, **self.conditions)
        self._tools = {tool.name: tool for tool in self._offered.tools()}
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._offered.close)

    async def show(self) -> list[Shown]:
        model = ScriptedModel([], "I see.")
        await self._run(model, self._offered.tools())
        return [Shown(each["name"], each["description"], each["parameters"]) for each in model.shown]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        outputs, _ = await self._run(ScriptedModel([[Call(name, arguments)]], "Done."), [self._tools[name]])
        return Called(outputs[0].observation, None, outputs[0].output.artifact())

    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        model = ScriptedModel([[turn] for turn in turns], answer)
        _, said = await self._run(model, [*self._tools.values(), *self._offered.search_tools()])
        return Talk([text for text in model.told if text.startswith("Observation:")], said)

    async def _run(self, model: Model, tools: list[Any]) -> tuple[list[ToolOutput], str]:
        """Let an agent answer, and give what its tools gave and what it said."""

        agent = ToolCallingAgent(tools=tools, model=model, verbosity_level=LogLevel.OFF)

        def run() -> list[Any]:
            events: Any = agent.run("Which miners are there?", stream=True)
            return list(events)

        try:
            events = await asyncio.to_thread(run)
        except asyncio.CancelledError:
            # The agent ends before its next step; the call under way ends with the tools.
            agent.interrupt()
            self._offered.close()
            raise
        (said,) = [event.output for event in events if isinstance(event, FinalAnswerStep)]
        return [event for event in events if isinstance(event, ToolOutput)], said
