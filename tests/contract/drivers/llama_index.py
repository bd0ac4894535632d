"""LlamaIndex: a `FunctionAgent`, and the function with which its models call a tool."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.tools import FunctionTool
from llama_index.core.tools.calling import acall_tool
from pydantic.warnings import PydanticDeprecationWarning

from llama_index_orchestra import OrchestraToolSpec
from tests.contract.driver import Call, Called, Driver, Shown, Talk


class LlamaIndexDriver(Driver):
    """An agent of the framework, whose model says what it is told to."""

    host = "llama_index"

    async def __aenter__(self) -> Self:
        self._spec = OrchestraToolSpec(self.ledger, **self.conditions)
        self._tools = {tool.metadata.get_name(): tool for tool in self._spec.to_tool_list()}
        return self

    async def __aexit__(self, *_: object) -> None:
        self._spec.close()

    async def show(self) -> list[Shown]:
        shown: list[FunctionTool] = []

        def reply(messages: Sequence[ChatMessage], *, tools: Sequence[FunctionTool], **_: Any) -> ChatMessage:
            shown.extend(tools)
            return ChatMessage(role="assistant", content="I see.")

        await self._run(reply, self._spec.to_tool_list())
        # What every class of models of LlamaIndex sends is made of this.
        functions = [tool.metadata.to_openai_tool(skip_length_check=True)["function"] for tool in shown]
        return [Shown(each["name"], each["description"], each["parameters"]) for each in functions]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        output = await acall_tool(self._tools[name], dict(arguments))
        return Called(output.content, output.is_error, output.raw_output)

    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        heard: list[str] = []

        def reply(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
            heard[:] = [message.content or "" for message in messages if message.role == "tool"]
            if len(heard) == len(turns):
                return ChatMessage(role="assistant", content=answer)
            turn = turns[len(heard)]
            call = ToolCallBlock(
                tool_call_id=f"call-{len(heard)}", tool_name=turn.tool, tool_kwargs=dict(turn.arguments)
            )
            return ChatMessage(role="assistant", blocks=[call])

        return Talk(heard, await self._run(reply, [*self._tools.values(), *self._spec.search_tools()]))

    async def _run(self, reply: Any, tools: Sequence[FunctionTool]) -> str:
        """Let an agent with a scripted model answer, and give its answer."""
        model = MockFunctionCallingLLM(response_generator=reply, is_chat_model=True)
        with warnings.catch_warnings():
            # Workflows look at every attribute of the agent, also those that Pydantic will drop.
            warnings.simplefilter("ignore", PydanticDeprecationWarning)
            agent = FunctionAgent(tools=[*tools], llm=model, streaming=False)
            return str(await agent.run(user_msg="Which miners are there?"))
