"""The hosts of `bench/adapters.py`: how each builds our tools, and how its agent calls one.

Each host runs its own agent loop with a scripted model: one turn that calls the tool, one that ends. The plain tool is
what the framework's own documentation shows: a function, turned into a tool by the framework.
"""

# Frameworks take seconds to import and each process needs one of them: they are imported where they are used.
from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar

from bench.ledgers import TOOL
from orchestra_tools.client import LedgerClient

ARGUMENTS = {"query": "gpu prices"}
ANSWER: dict[str, Any] = {}


async def search(query: str, start: int = 0) -> dict[str, Any]:
    """Search the web.

    Args:
        query: What to search for.
        start: Results to skip.
    """
    return ANSWER


def search_now(query: str, start: int = 0) -> dict[str, Any]:
    """Search the web.

    Args:
        query: What to search for.
        start: Results to skip.
    """
    return ANSWER


class Host(ABC):
    """One framework."""

    distribution: ClassVar[str]

    @abstractmethod
    async def build(self, ledger: LedgerClient) -> Sequence[Any]:
        """All tools of a ledger, through our adapter."""

    @abstractmethod
    def plain(self) -> Any:
        """A function made a tool by the framework itself; named `search`."""

    @abstractmethod
    async def run(self, tool: Any, name: str) -> Any:
        """One run of an agent that calls the tool once; gives what the model was told."""

    def pick(self, tools: Sequence[Any]) -> Any:
        """The tool that is measured."""
        return next(tool for tool in tools if tool.name == TOOL)

    def call(self, tool: Any, name: str) -> Awaitable[Any] | None:
        """One call as the host's own loop makes it, without the loop; None where the host has no public way to."""
        return None


class LangChain(Host):
    distribution = "langchain-core"

    def call(self, tool: Any, name: str) -> Awaitable[Any] | None:
        return tool.ainvoke({"name": name, "args": ARGUMENTS, "id": "1", "type": "tool_call"})

    async def build(self, ledger: LedgerClient) -> Sequence[Any]:
        from langchain_orchestra import OrchestraToolkit

        return OrchestraToolkit(ledger).get_tools()

    def plain(self) -> Any:
        from langchain_core.tools import StructuredTool

        return StructuredTool.from_function(coroutine=search)

    async def run(self, tool: Any, name: str) -> Any:
        from langchain.agents import create_agent
        from langchain_core.language_models import BaseChatModel
        from langchain_core.messages import AIMessage
        from langchain_core.outputs import ChatGeneration, ChatResult

        class Scripted(BaseChatModel):
            @property
            def _llm_type(self) -> str:
                return "scripted"

            def bind_tools(self, tools: Any, **options: Any) -> Any:
                return self

            def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any) -> ChatResult:
                call = {"name": name, "args": ARGUMENTS, "id": "1", "type": "tool_call"}
                said = AIMessage("done") if messages[-1].type == "tool" else AIMessage("", tool_calls=[call])
                return ChatResult(generations=[ChatGeneration(message=said)])

        if getattr(self, "_agent", None) is None or self._agent[0] is not tool:
            self._agent = (tool, create_agent(Scripted(), [tool]))
        result = await self._agent[1].ainvoke({"messages": [("user", "x")]})
        return result["messages"][-2].content


class LlamaIndex(Host):
    distribution = "llama-index-core"

    def call(self, tool: Any, name: str) -> Awaitable[Any] | None:
        from llama_index.core.tools.calling import acall_tool

        return acall_tool(tool, ARGUMENTS)

    async def build(self, ledger: LedgerClient) -> Sequence[Any]:
        from llama_index_orchestra import OrchestraToolSpec

        return OrchestraToolSpec(ledger).to_tool_list()

    def pick(self, tools: Sequence[Any]) -> Any:
        return next(tool for tool in tools if tool.metadata.name == TOOL)

    def plain(self) -> Any:
        from llama_index.core.tools import FunctionTool

        return FunctionTool.from_defaults(async_fn=search)

    async def run(self, tool: Any, name: str) -> Any:
        from llama_index.core.agent.workflow import FunctionAgent
        from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
        from llama_index.core.llms.mock import MockFunctionCallingLLM

        def reply(messages: Any, **options: Any) -> ChatMessage:
            if messages[-1].role == "tool":
                return ChatMessage(role="assistant", content="done")
            block = ToolCallBlock(tool_call_id="1", tool_name=name, tool_kwargs=ARGUMENTS)
            return ChatMessage(role="assistant", blocks=[block])

        if getattr(self, "_agent", None) is None or self._agent[0] is not tool:
            llm = MockFunctionCallingLLM(response_generator=reply, is_chat_model=True)
            self._agent = (tool, FunctionAgent(tools=[tool], llm=llm, streaming=False))
        result = await self._agent[1].run("x")
        return result.tool_calls[0].tool_output.content


class PydanticAI(Host):
    distribution = "pydantic-ai-slim"

    async def build(self, ledger: LedgerClient) -> Sequence[Any]:
        from pydantic_ai import RunContext
        from pydantic_ai.models.test import TestModel
        from pydantic_ai.usage import RunUsage

        from pydantic_ai_orchestra import OrchestraToolset

        # A toolset is asked for its tools at each step: as many as the plain one has.
        self._few = OrchestraToolset(ledger, subnets=["SN22"], capabilities=["web_search"])
        context = RunContext(deps=None, model=TestModel(), usage=RunUsage())
        return list((await OrchestraToolset(ledger).get_tools(context)).values())

    def pick(self, tools: Sequence[Any]) -> Any:
        return self._few

    def plain(self) -> Any:
        from pydantic_ai.toolsets import FunctionToolset

        return FunctionToolset([search])

    async def run(self, tool: Any, name: str) -> Any:
        from pydantic_ai import Agent
        from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
        from pydantic_ai.models.function import AgentInfo, FunctionModel

        def reply(messages: Any, info: AgentInfo) -> ModelResponse:
            if any(isinstance(part, ToolReturnPart) for part in messages[-1].parts):
                return ModelResponse(parts=[TextPart("done")])
            return ModelResponse(parts=[ToolCallPart(name, ARGUMENTS, "1")])

        if getattr(self, "_agent", None) is None or self._agent[0] is not tool:
            self._agent = (tool, Agent(FunctionModel(reply), toolsets=[tool]))
        result = await self._agent[1].run("x")
        parts = [part for message in result.all_messages() for part in message.parts]
        return next(part.model_response_str() for part in parts if isinstance(part, ToolReturnPart))


class OpenAIAgents(Host):
    distribution = "openai-agents"

    async def build(self, ledger: LedgerClient) -> Sequence[Any]:
        from openai_agents_orchestra import OrchestraTools

        return OrchestraTools(ledger).tools()

    def plain(self) -> Any:
        from agents import function_tool

        return function_tool(search)

    async def run(self, tool: Any, name: str) -> Any:
        from agents import Agent, ModelResponse, Runner, Usage
        from agents.models.interface import Model
        from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

        class Scripted(Model):
            async def get_response(self, *given: Any, **options: Any) -> ModelResponse:
                items = options.get("input", given[1] if len(given) > 1 else [])
                called = not isinstance(items, str) and any(
                    each.get("type") == "function_call_output" for each in items
                )
                said: Any
                if called:
                    text = ResponseOutputText(type="output_text", text="done", annotations=[])
                    said = ResponseOutputMessage(
                        id="1", type="message", role="assistant", status="completed", content=[text]
                    )
                else:
                    said = ResponseFunctionToolCall(
                        id="1", call_id="1", type="function_call", name=name, arguments=json.dumps(ARGUMENTS)
                    )
                return ModelResponse(output=[said], usage=Usage(), response_id=None)

            def stream_response(self, *given: Any, **options: Any) -> Any:
                raise NotImplementedError("the bench does not stream")

        if getattr(self, "_agent", None) is None or self._agent[0] is not tool:
            self._agent = (tool, Agent(name="x", tools=[tool], model=Scripted()))
        result = await Runner.run(self._agent[1], "x")
        return next(str(item.output) for item in result.new_items if item.type == "tool_call_output_item")


class GoogleADK(Host):
    distribution = "google-adk"

    async def build(self, ledger: LedgerClient) -> Sequence[Any]:
        from google_adk_orchestra import OrchestraToolset

        return await OrchestraToolset(ledger).get_tools()

    def plain(self) -> Any:
        from google.adk.tools import FunctionTool

        return FunctionTool(search)

    async def run(self, tool: Any, name: str) -> Any:
        from google.adk.agents import LlmAgent
        from google.adk.models.base_llm import BaseLlm
        from google.adk.models.llm_response import LlmResponse
        from google.adk.runners import InMemoryRunner
        from google.genai import types

        class Scripted(BaseLlm):
            async def generate_content_async(self, llm_request: Any, stream: bool = False) -> Any:
                called = any(part.function_response for part in llm_request.contents[-1].parts)
                call = types.FunctionCall(name=name, args=ARGUMENTS, id="1")
                part = types.Part(text="done") if called else types.Part(function_call=call)
                yield LlmResponse(content=types.Content(role="model", parts=[part]))

        if getattr(self, "_agent", None) is None or self._agent[0] is not tool:
            agent = LlmAgent(name="x", model=Scripted(model="scripted"), tools=[tool])
            self._agent = (tool, InMemoryRunner(agent=agent, app_name="x"))
        runner = self._agent[1]
        session = await runner.session_service.create_session(app_name="x", user_id="u")
        message = types.Content(role="user", parts=[types.Part(text="x")])
        told: Any = None
        async for event in runner.run_async(user_id="u", session_id=session.id, new_message=message):
            for part in event.content.parts:
                told = part.function_response.response if part.function_response else told
        return told


class Haystack(Host):
    distribution = "haystack-ai"

    async def build(self, ledger: LedgerClient) -> Sequence[Any]:
        from haystack_orchestra import OrchestraToolset

        return list(OrchestraToolset(ledger))

    def plain(self) -> Any:
        from haystack.tools import Tool

        schema = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
        return Tool("search", "Search the web.", schema, function=search_now, async_function=search)

    async def run(self, tool: Any, name: str) -> Any:
        from haystack import component
        from haystack.components.agents import Agent
        from haystack.dataclasses import ChatMessage, ToolCall

        @component
        class Scripted:
            @component.output_types(replies=list[ChatMessage])
            def run(self, messages: list[ChatMessage], tools: Any = None, **options: Any) -> dict[str, Any]:
                if messages[-1].tool_call_results:
                    return {"replies": [ChatMessage.from_assistant("done")]}
                return {"replies": [ChatMessage.from_assistant(tool_calls=[ToolCall(name, ARGUMENTS, id="1")])]}

            @component.output_types(replies=list[ChatMessage])
            async def run_async(self, messages: list[ChatMessage], tools: Any = None, **options: Any) -> dict[str, Any]:
                return self.run(messages, tools)

        if getattr(self, "_agent", None) is None or self._agent[0] is not tool:
            self._agent = (tool, Agent(chat_generator=Scripted(), tools=[tool]))
        result = await self._agent[1].run_async([ChatMessage.from_user("x")])
        return result["messages"][-2].tool_call_results[0].result


class Smolagents(Host):
    distribution = "smolagents"

    async def build(self, ledger: LedgerClient) -> Sequence[Any]:
        from smolagents_orchestra import OrchestraTools

        return OrchestraTools(ledger).tools()

    def plain(self) -> Any:
        from smolagents import tool

        made = tool(search_now)
        made.name = "search"
        return made

    async def run(self, tool: Any, name: str) -> Any:
        from smolagents import ToolCallingAgent
        from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole, Model

        class Scripted(Model):
            def generate(self, messages: Any, **options: Any) -> ChatMessage:
                self.calls += 1
                chosen, given = (name, ARGUMENTS) if self.calls % 2 else ("final_answer", {"answer": "done"})
                function = ChatMessageToolCallFunction(name=chosen, arguments=given)
                call = ChatMessageToolCall(id="1", type="function", function=function)
                return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])

        if getattr(self, "_agent", None) is None or self._agent[0] is not tool:
            model = Scripted(model_id="scripted")
            model.calls = 0
            self._agent = (tool, ToolCallingAgent(tools=[tool], model=model, verbosity_level=0))
        agent = self._agent[1]
        agent.run("x")
        return agent.memory.steps[1].observations


HOSTS: dict[str, type[Host]] = {
    "langchain": LangChain,
    "llama-index": LlamaIndex,
    "pydantic-ai": PydanticAI,
    "openai-agents": OpenAIAgents,
    "google-adk": GoogleADK,
    "haystack": Haystack,
    "smolagents": Smolagents,
}
