"""Google's Agent Development Kit: a runner, and an agent whose model says what it is told to."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Self

from google.adk.agents.llm_agent import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.base_toolset import BaseToolset
from google.adk.tools.tool_context import ToolContext
from google.genai import types
from pydantic import Field

from google_adk_orchestra import ARTIFACT_KEY, OrchestraToolset
from orchestra_tools.toolsets import to_text
from tests.contract.driver import Call, Called, Driver, Shown, Talk

USER = "user"


class ScriptedLlm(BaseLlm):
    """Makes the calls it is given, one in each turn, then gives its answer. Keeps the requests it got."""

    model: str = "scripted"
    turns: list[Call]
    answer: str
    requests: list[LlmRequest] = Field(default_factory=list)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.requests.append(llm_request)
        done = len(responses_in(llm_request.contents))
        part = types.Part(text=self.answer)
        if done < len(self.turns):
            turn = self.turns[done]
            part = types.Part(function_call=types.FunctionCall(name=turn.tool, args=dict(turn.arguments)))
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


def responses_in(contents: Sequence[types.Content]) -> list[dict[str, Any]]:
    """What tools gave, as the model has it."""
    parts = [part for content in contents for part in content.parts or []]
    return [part.function_response.response or {} for part in parts if part.function_response]


def read(response: Mapping[str, Any]) -> str:
    """What a model reads of a tool's response: the error, or the answer, whose values stand there as they are."""
    return str(response["error"]) if "error" in response else to_text(response["output"])


class GoogleAdkDriver(Driver):
    """A runner in memory."""

    host = "google_adk"

    async def __aenter__(self) -> Self:
        self._toolset = OrchestraToolset(self.ledger, approval=None, **self.conditions)
        self._tools = {tool.name: tool for tool in await self._toolset.get_tools()}
        return self

    async def __aexit__(self, *_: object) -> None:
        self._toolset.offer.close()

    async def show(self) -> list[Shown]:
        model = ScriptedLlm(turns=[], answer="I see.")
        await self._run(model, [self._toolset])
        (request,) = model.requests
        (tools,) = request.config.tools or []
        assert isinstance(tools, types.Tool)
        # By the client's own way to the wire.
        wire = [json.loads(each.model_dump_json(exclude_none=True)) for each in tools.function_declarations or []]
        return [Shown(each["name"], each["description"], each["parameters_json_schema"]) for each in wire]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        artifacts: list[Mapping[str, Any]] = []

        def keep(
            tool: BaseTool, args: dict[str, Any], tool_context: ToolContext, tool_response: dict[str, Any]
        ) -> None:
            artifacts.append(tool_context.state[ARTIFACT_KEY.format(function_call_id=tool_context.function_call_id)])

        model = ScriptedLlm(turns=[Call(name, arguments)], answer="Done.")
        await self._run(model, [self._tools[name]], after_tool_callback=keep)
        (response,) = responses_in(model.requests[-1].contents)
        return Called(read(response), "error" in response, artifacts[0])

    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        model = ScriptedLlm(turns=[*turns], answer=answer)
        fixed = OrchestraToolset(self.ledger, search=True, approval=None, **self.conditions)
        said = await self._run(model, [self._toolset, fixed])
        return Talk([read(each) for each in responses_in(model.requests[-1].contents)], said)

    async def _run(self, model: BaseLlm, tools: list[BaseTool | BaseToolset], **callbacks: Any) -> str:
        """Let an agent answer a message, and give the last it said."""
        agent = LlmAgent(name="agent", model=model, tools=[*tools], **callbacks)
        said = ""
        async with InMemoryRunner(agent) as runner:
            session = await runner.session_service.create_session(app_name=runner.app_name, user_id=USER)
            message = types.Content(role="user", parts=[types.Part(text="Which miners are there?")])
            async for event in runner.run_async(user_id=USER, session_id=session.id, new_message=message):
                parts = event.content.parts if event.content else []
                said = "".join(part.text or "" for part in parts or []) or said
        return said
