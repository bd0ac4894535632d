"""The OpenAI Agents SDK: its runner, with its scripted model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from agents import Agent, FunctionTool, RunConfig, Runner, RunResult, Tool
from agents.items import ToolCallOutputItem
from agents.testing import ScriptedModel
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from openai_agents_orchestra import OrchestraTools
from tests.contract.driver import Call, Called, Driver, Shown, Talk

QUIET = RunConfig(tracing_disabled=True)


class OpenAiAgentsDriver(Driver):
    """What the model is told is read from its next input, what the program is given from the run's items."""

    host = "openai_agents"
    marks_errors = False

    async def __aenter__(self) -> Self:
        # What costs money in this ledger is refused by the budget: nobody is there to approve it.
        self._offered = OrchestraTools(self.ledger, approval=None, **self.conditions)
        self._tools = {tool.name: tool for tool in self._offered.tools()}
        return self

    async def show(self) -> list[Shown]:
        model = ScriptedModel([[_say("seen")]])
        await _run(model, self._offered.tools())
        return [
            Shown(tool.name, tool.description, tool.params_json_schema)
            for tool in model.calls[0].tools
            if isinstance(tool, FunctionTool)
        ]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        tool = self._tools[name]
        assert isinstance(tool, FunctionTool)
        model = ScriptedModel([[_call(Call(name, arguments), 0)], [_say("done")]])
        # The SDK hides a tool that is gone, and ends a run whose model calls it all the same.
        result = await _run(model, [replace(tool, is_enabled=True)])
        (item,) = [item for item in result.new_items if isinstance(item, ToolCallOutputItem)]
        (text,) = _heard(model)
        return Called(text, None, item.custom_data or {})

    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        model = ScriptedModel([*([_call(turn, number)] for number, turn in enumerate(turns)), [_say(answer)]])
        result = await _run(model, [*self._offered.tools(), *self._offered.search_tools()])
        return Talk(_heard(model), result.final_output)


async def _run(model: ScriptedModel, tools: list[Tool]) -> RunResult:
    return await Runner.run(Agent("host", tools=tools, model=model), "go", run_config=QUIET)


def _heard(model: ScriptedModel) -> list[str]:
    return [item["output"] for item in model.calls[-1].input if item.get("type") == "function_call_output"]


def _call(turn: Call, number: int) -> ResponseFunctionToolCall:
    arguments = json.dumps(turn.arguments, ensure_ascii=False)
    return ResponseFunctionToolCall(type="function_call", call_id=f"call_{number}", name=turn.tool, arguments=arguments)


def _say(text: str) -> ResponseOutputMessage:
    part = ResponseOutputText(type="output_text", text=text, annotations=[])
    return ResponseOutputMessage(id="message", type="message", role="assistant", status="completed", content=[part])
