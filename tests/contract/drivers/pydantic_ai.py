"""Pydantic AI: a run step's tool manager for single calls, agents with function models for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic_ai import (
    Agent,
    ModelMessage,
    ModelResponse,
    RunContext,
    TextPart,
    ToolCallPart,
    ToolReturn,
    ToolReturnPart,
)
from pydantic_ai.exceptions import ToolFailedError, ToolRetryError
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.tool_manager import ToolManager
from pydantic_ai.usage import RunUsage

from orchestra_tools.toolsets import Reply
from pydantic_ai_orchestra import OrchestraToolset
from tests.contract.driver import Call, Called, Driver, Shown, Talk


class PydanticAiDriver(Driver):
    """The text of a failure is told without the `{"error": …}` that models without a mark for errors get around it."""

    host = "pydantic_ai"

    async def __aenter__(self) -> Self:
        self._replies: list[Reply] = []
        # What costs money in this ledger is refused by the budget: nobody is there to approve it.
        self._toolset = OrchestraToolset(self.ledger, on_reply=self._replies.append, approval=None, **self.conditions)
        context = RunContext(deps=None, model=FunctionModel(lambda *_: _say("")), usage=RunUsage(), max_retries=1)
        self._manager = await ToolManager(self._toolset).for_run_step(context)
        return self

    async def show(self) -> list[Shown]:
        shown: list[Shown] = []

        def look(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            shown.extend(
                Shown(tool.name, tool.description or "", tool.parameters_json_schema) for tool in info.function_tools
            )
            return _say("seen")

        await Agent(FunctionModel(look), toolsets=[self._toolset]).run("show")
        return shown

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        try:
            given = await self._manager.handle_call(ToolCallPart(name, dict(arguments)))
        except ToolRetryError as error:
            part = error.tool_retry
        except ToolFailedError as error:
            part = error.tool_failed
        else:
            assert isinstance(given, ToolReturn)
            part = ToolReturnPart(name, given.return_value, metadata=given.metadata)
        assert isinstance(part, ToolReturnPart)
        failed = part.outcome in ("failed", "retried")
        # A failed part has no metadata: programs are told by `on_reply`.
        artifact = self._replies[-1].artifact() if failed else part.metadata
        return Called(part.model_response_str(wrap_if_error=False), failed, artifact)

    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        script = [ModelResponse([ToolCallPart(turn.tool, dict(turn.arguments))]) for turn in turns] + [_say(answer)]
        fixed = OrchestraToolset(self.ledger, search=True, approval=None, **self.conditions)
        agent = Agent(FunctionModel(lambda *_: script.pop(0)), toolsets=[self._toolset, fixed])
        result = await agent.run("go")
        heard = [
            part.model_response_str(wrap_if_error=False)
            for message in result.all_messages()
            for part in message.parts
            if isinstance(part, ToolReturnPart)
        ]
        return Talk(heard, result.output)


def _say(text: str) -> ModelResponse:
    return ModelResponse([TextPart(text)])
