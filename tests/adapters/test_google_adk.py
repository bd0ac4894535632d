"""What is special to Google's Agent Development Kit; the rest is in the contract."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents.invocation_context import InvocationContext
from google.adk.agents.llm_agent import LlmAgent
from google.adk.events.event import Event
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_confirmation import ToolConfirmation
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from google_adk_orchestra import ARTIFACT_KEY, OrchestraToolset
from orchestra_tools.client import LedgerClient
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import Reply
from tests.contract.drivers.google_adk import USER, ScriptedLlm, read, responses_in

pytestmark = pytest.mark.slow
TAO = {"query": "tao"}


class Parallel(ScriptedLlm):
    """Makes all of its calls in one turn."""

    at_once: list[tuple[str, Mapping[str, Any]]]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.requests.append(llm_request)
        calls = [types.FunctionCall(name=turn, args=dict(arguments)) for turn, arguments in self.at_once]
        parts = [types.Part(function_call=call) for call in calls]
        if responses_in(llm_request.contents):
            parts = [types.Part(text=self.answer)]
        yield LlmResponse(content=types.Content(role="model", parts=parts))


class Conversation:
    """A session with an agent; the test says what its model does."""

    def __init__(self, runner: InMemoryRunner, session_id: str) -> None:
        self.runner = runner
        self.session_id = session_id

    async def say(self, *parts: types.Part) -> list[Event]:
        message = types.Content(role="user", parts=[*parts])
        running = self.runner.run_async(user_id=USER, session_id=self.session_id, new_message=message)
        return [event async for event in running]

    async def state(self) -> Mapping[str, Any]:
        session = await self.runner.session_service.get_session(
            app_name=self.runner.app_name, user_id=USER, session_id=self.session_id
        )
        assert session is not None
        return session.state


@asynccontextmanager
async def conversation(model: ScriptedLlm, *tools: Any, **callbacks: Any) -> AsyncIterator[Conversation]:
    agent = LlmAgent(name="agent", model=model, tools=[*tools], **callbacks)
    async with InMemoryRunner(agent) as runner:
        session = await runner.session_service.create_session(app_name=runner.app_name, user_id=USER)
        yield Conversation(runner, session.id)


def asks(name: str, arguments: Mapping[str, Any], **more: Any) -> Parallel:
    """A model that makes one call, then answers."""
    return Parallel(turns=[], answer="Done.", at_once=[(name, arguments)], **more)


HELLO = types.Part(text="Hello")


def responses(events: list[Event]) -> list[types.FunctionResponse]:
    return [response for event in events for response in event.get_function_responses()]


def names_shown(model: ScriptedLlm, turn: int = -1) -> list[str]:
    (tools,) = model.requests[turn].config.tools or []
    assert isinstance(tools, types.Tool)
    return [each.name or "" for each in tools.function_declarations or []]


async def test_conditions_decide_what_is_offered(sandbox: Sandbox) -> None:
    """The words are those of every host."""
    toolset = OrchestraToolset(sandbox.ledger, subnets=["SN22"], capabilities="web_search")
    assert [tool.name for tool in await toolset.get_tools()] == list(toolset.offer.tools)
    assert "sn22_web_search" in toolset.offer.tools
    assert "sn22_x_trends" not in toolset.offer.tools


async def test_a_changed_ledger_shows_at_the_next_message(sandbox: Sandbox, tmp_path: Path) -> None:
    """ADK keeps a list while it works on one message; the next one brings the news."""
    path = tmp_path / "ledger.json"
    document = json.loads(sandbox.ledger_path.read_text("utf-8"))
    path.write_text(json.dumps(document), "utf-8")
    model = ScriptedLlm(turns=[], answer="Done.")
    async with conversation(model, OrchestraToolset(path, subnets="SN22")) as talk:
        await talk.say(HELLO)
        del document["entries"]["SN22"]["operations"]["web_search"]
        path.write_text(json.dumps(document), "utf-8")
        await talk.say(HELLO)
    before, after = names_shown(model, 0), names_shown(model, 1)
    assert set(before) - set(after) == {"sn22_web_search"}


async def test_three_fixed_tools_reach_a_ledger_of_any_size(sandbox: Sandbox) -> None:
    """`search=True`: find, describe, call."""
    toolset = OrchestraToolset(sandbox.ledger, search=True)
    model = asks("call_tool", {"name": "sn22_web_search", "arguments": TAO})
    async with conversation(model, toolset) as talk:
        (response,) = responses(await talk.say(HELLO))
    assert names_shown(model) == ["find_tools", "describe_tool", "call_tool"]
    assert response.response is not None
    assert response.response["output"]["data"]


async def test_a_prefix_is_for_the_model_only(sandbox: Sandbox) -> None:
    """ADK renames copies of the tools; the ledger is asked for the name it knows."""
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
    toolset.tool_name_prefix = "bt"
    model = asks("bt_sn22_web_search", TAO)
    async with conversation(model, toolset) as talk:
        (response,) = responses(await talk.say(HELLO))
    assert response.response is not None
    assert "output" in response.response


async def test_calls_of_one_turn_run_side_by_side(sandbox: Sandbox) -> None:
    """Each has its own answer and its own artifact; one that fails takes nothing from the other."""
    artifacts: dict[str, Any] = {}

    def keep(tool: BaseTool, args: dict[str, Any], tool_context: ToolContext, tool_response: dict[str, Any]) -> None:
        key = ARTIFACT_KEY.format(function_call_id=tool_context.function_call_id)
        artifacts[tool.name] = tool_context.state[key]

    model = Parallel(turns=[], answer="Done.", at_once=[("sn22_web_search", TAO), ("sn22_x_trends", {"count": "many"})])
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
    async with conversation(model, toolset, after_tool_callback=keep) as talk:
        told = {each.name: each.response or {} for each in responses(await talk.say(HELLO))}
    assert set(told["sn22_web_search"]) == {"output"}
    assert told["sn22_x_trends"]["error"].startswith("invalid_arguments")
    assert artifacts["sn22_web_search"]["receipt"]
    assert artifacts["sn22_x_trends"]["receipt"] is None


async def test_artifacts_are_not_stored_with_the_session(sandbox: Sandbox) -> None:
    """They are there for callbacks while a message is answered; `on_reply` is told as well."""
    replies: list[Reply] = []
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22", on_reply=replies.append)
    async with conversation(asks("sn22_web_search", TAO), toolset) as talk:
        events = await talk.say(HELLO)
        assert await talk.state() == {}
    assert all(not event.actions.state_delta for event in events)
    assert [reply.tool for reply in replies] == ["sn22_web_search"]


async def test_a_toolset_outlives_its_runner(sandbox: Sandbox, tmp_path: Path) -> None:
    """Runners close the toolsets of an agent that is there for the next runner as well."""
    toolset = OrchestraToolset(sandbox.ledger_path, subnets="SN22")
    for _ in range(2):
        async with conversation(asks("sn22_web_search", TAO), toolset) as talk:
            (response,) = responses(await talk.say(HELLO))
        assert "output" in (response.response or {})
    toolset.offer.close()


async def test_the_answer_is_described_where_it_is_documented(sandbox: Sandbox) -> None:
    """A large output schema is left out: it would go with each request."""
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
    shown = {tool.name: tool._get_declaration() for tool in await toolset.get_tools()}
    documented = {each.name: each.output_schema for each in toolset.offer.definitions()}
    small, large = shown["sn22_web_search"], shown["sn22_x_search"]
    assert small is not None
    assert small.response_json_schema == documented["sn22_web_search"]
    assert large is not None
    assert large.response_json_schema is None
    assert len(json.dumps(documented["sn22_x_search"])) > 2_000


async def test_the_user_is_asked_before_money_is_spent(sandbox: Sandbox) -> None:
    """With ADK's own confirmation: the call waits for the user's word, and runs once it is there."""
    calls = sandbox.calls.get("sn22_web_search", 0)
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22", approval=lambda tool: tool.name == "sn22_web_search")
    model = asks("sn22_web_search", TAO)
    async with conversation(model, toolset) as talk:
        asked = confirmations(await talk.say(HELLO))
        assert sandbox.calls.get("sn22_web_search", 0) == calls
        (response,) = responses(await talk.say(confirm(asked, yes=True)))
    assert "output" in (response.response or {})
    assert sandbox.calls["sn22_web_search"] == calls + 1


async def test_a_call_the_user_refused_is_not_made(sandbox: Sandbox) -> None:
    """The model is told so."""
    calls = sandbox.calls.get("sn22_web_search", 0)
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22", approval=lambda tool: True)
    async with conversation(asks("sn22_web_search", TAO), toolset) as talk:
        asked = confirmations(await talk.say(HELLO))
        (response,) = responses(await talk.say(confirm(asked, yes=False)))
    assert "error" in (response.response or {})
    assert sandbox.calls.get("sn22_web_search", 0) == calls


@pytest.mark.parametrize("confirmation", [None, ToolConfirmation(confirmed=False)])
async def test_the_tool_itself_holds_back(sandbox: Sandbox, confirmation: ToolConfirmation | None) -> None:
    """Whoever runs it past ADK's gate, which older releases do not have."""
    calls = sandbox.calls.get("sn22_web_search", 0)
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22", approval=lambda tool: True)
    tools = {tool.name: tool for tool in await toolset.get_tools()}
    context = await tool_context(confirmation)
    response = await tools["sn22_web_search"].run_async(args=TAO, tool_context=context)
    assert set(response) == {"error"}
    assert ("call" in context.actions.requested_tool_confirmations) == (confirmation is None)
    assert sandbox.calls.get("sn22_web_search", 0) == calls


async def test_only_tools_that_cost_are_asked_about(tmp_path: Path, sandbox: Sandbox) -> None:
    """Unless the program says otherwise. A sandbox takes no money; `call_tool` is as dear as what it calls."""
    context = await tool_context(None)

    async def asks_about(toolset: OrchestraToolset, name: str, args: dict[str, Any]) -> bool:
        tools = {tool.name: tool for tool in await toolset.get_tools()}
        return await tools[name].check_require_confirmation(args, context)

    with LedgerClient(environment={"ORCHESTRA_HOME": str(tmp_path / "home")}) as real:
        dear = next(tool.name for tool in real.tools() if tool.operation.price)
        free = next(tool.name for tool in real.tools() if tool.operation.price == 0)
        assert await asks_about(OrchestraToolset(real), dear, {})
        assert not await asks_about(OrchestraToolset(real), free, {})
        assert not await asks_about(OrchestraToolset(real, approval=None), dear, {})
        fixed = OrchestraToolset(real, search=True)
        assert await asks_about(fixed, "call_tool", {"name": dear, "arguments": {}})
        assert not await asks_about(fixed, "call_tool", {"name": "no_such_tool", "arguments": {}})
        assert not await asks_about(fixed, "find_tools", {"query": "web"})
    assert not await asks_about(OrchestraToolset(sandbox.ledger), dear, {})


async def tool_context(confirmation: ToolConfirmation | None) -> ToolContext:
    service = InMemorySessionService()
    session = await service.create_session(app_name="app", user_id=USER)
    invocation = InvocationContext(
        session_service=service, invocation_id="i", agent=LlmAgent(name="agent"), session=session
    )
    return ToolContext(invocation, function_call_id="call", tool_confirmation=confirmation)


def confirmations(events: list[Event]) -> types.FunctionCall:
    """The one question ADK has for the user."""
    calls = [call for event in events for call in event.get_function_calls()]
    (asked,) = [call for call in calls if call.name == "adk_request_confirmation"]
    return asked


def confirm(asked: types.FunctionCall, *, yes: bool) -> types.Part:
    """The user's word."""
    return types.Part(
        function_response=types.FunctionResponse(id=asked.id, name=asked.name, response={"confirmed": yes})
    )


def test_a_model_reads_values_as_they_are() -> None:
    """What the contract compares is the text of the same values."""
    assert read({"output": {"a": [1, None]}}) == '{"a":[1,null]}'
    assert read({"error": "no"}) == "no"
