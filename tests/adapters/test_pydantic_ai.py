"""Pydantic AI: what is special about it. What all hosts have in common is in `tests/contract`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import (
    Agent,
    DeferredToolRequests,
    DeferredToolResults,
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    RunContext,
    TextPart,
    ToolApproved,
    ToolCallPart,
    ToolDefinition,
    ToolDenied,
    ToolReturnPart,
    UnexpectedModelBehavior,
    UserError,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from orchestra_tools.client import LedgerClient, Offer
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import Reply
from pydantic_ai_orchestra import OrchestraToolset
from tests.docs.model_server import model_server

pytestmark = pytest.mark.slow
SEARCH = ToolCallPart("sn22_web_search", {"query": "tao"}, "call-1")


class Script:
    """A model that makes some calls in turn, then says "done"; knows what it was shown and told."""

    def __init__(self, *turns: ToolCallPart | list[ToolCallPart], between: Callable[[int], None] = lambda _: None):
        self.turns = list(turns)
        self.between = between
        self.shown: list[dict[str, ToolDefinition]] = []
        self.model = FunctionModel(self.answer)

    def answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.shown.append({tool.name: tool for tool in info.function_tools})
        self.between(len(self.shown))
        turn = self.turns.pop(0) if self.turns else TextPart("done")
        return ModelResponse(turn if isinstance(turn, list) else [turn])


def told(messages: list[ModelMessage]) -> list[ToolReturnPart]:
    """What came back from the tools."""
    return [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]


def web_search_only(tool: Any) -> bool:
    """As if web search cost money: a sandbox takes none."""
    return bool(tool.name == "sn22_web_search")


@pytest.fixture
def ledger_path(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A sandbox ledger that may be changed."""
    path = tmp_path / "ledger.json"
    path.write_bytes(sandbox.ledger_path.read_bytes())
    return path


@pytest.fixture
def packaged() -> Iterator[LedgerClient]:
    """The packaged ledger: real subnets, and no keys for them."""
    with LedgerClient(environment={}) as client:
        yield client


def drop(path: Path, operation: str) -> None:
    """Take an operation of SN22 out of a ledger."""
    document = json.loads(path.read_text("utf-8"))
    del document["entries"]["SN22"]["operations"][operation]
    path.write_text(json.dumps(document), "utf-8")


async def test_conditions_decide_what_is_shown(sandbox: Sandbox) -> None:
    """Ours: the offer's conditions are the toolset's."""
    script = Script()
    await Agent(script.model, toolsets=[OrchestraToolset(sandbox.ledger, capabilities="web_search")]).run("go")
    assert sorted(script.shown[0]) == sorted(Offer(sandbox.ledger, capabilities="web_search").tools)


async def test_a_definition_carries_the_output_schema_and_facts(sandbox: Sandbox) -> None:
    """For programs that filter tools, and models that are shown return schemas (Pydantic AI: on demand only)."""
    seen: dict[str, ToolDefinition] = {}

    def keep(context: RunContext[Any], tool: ToolDefinition) -> bool:
        return seen.setdefault(tool.name, tool) is tool

    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22").filtered(keep)
    await Agent(Script().model, toolsets=[toolset]).run("go")
    shown = seen["sn22_web_search"]
    assert shown.return_schema == Offer(sandbox.ledger).tools["sn22_web_search"].output_schema
    assert shown.metadata is not None
    assert shown.metadata["subnet"] == "SN22"
    assert shown.metadata["read_only"] is True
    assert not {"input_schema", "output_schema"} & set(shown.metadata)


async def test_the_program_gets_the_artifact_and_the_model_the_text(sandbox: Sandbox) -> None:
    """Ours: one answer, told to each in its own way; a history that was stored and read says the same."""
    result = await Agent(Script(SEARCH).model, toolsets=[OrchestraToolset(sandbox.ledger)]).run("go")
    stored = ModelMessagesTypeAdapter.validate_json(ModelMessagesTypeAdapter.dump_json(result.all_messages()))
    for messages in (result.all_messages(), stored):
        (part,) = told(messages)
        assert part.outcome == "success"
        assert json.loads(str(part.content)) == part.metadata["data"]
        assert part.metadata["receipt"]["outcome"] == "ok"


async def test_a_failure_is_marked_and_leaves_the_run_alone(sandbox: Sandbox) -> None:
    """Pydantic AI's `ToolFailed`: it costs no retry, so three in a row do not end the run. The receipt is told."""
    replies: list[Reply] = []
    toolset = OrchestraToolset(sandbox.ledger, on_reply=replies.append)
    with sandbox.faults("sn22_web_search", "status:400"):
        result = await Agent(Script(SEARCH, SEARCH, SEARCH).model, toolsets=[toolset]).run("go")
    assert [part.outcome for part in told(result.all_messages())] == ["failed"] * 3
    assert [part.content for part in told(result.all_messages())] == [reply.text for reply in replies]
    assert all(reply.artifact()["receipt"]["outcome"] == "rejected" for reply in replies)


async def test_an_answer_that_breaks_its_schema_is_a_failure_with_the_answer_in_its_text(sandbox: Sandbox) -> None:
    """Ours: drift is told, and what came is not thrown away."""
    with sandbox.faults("sn22_web_search", "drift"):
        result = await Agent(Script(SEARCH).model, toolsets=[OrchestraToolset(sandbox.ledger)]).run("go")
    (part,) = told(result.all_messages())
    assert part.outcome == "failed"
    assert "not as the ledger says" in str(part.content)
    assert "\n{" in str(part.content)


@pytest.mark.parametrize("arguments", [{"query": 7}, {}, None, "", "{", "[1]", '{"query": 7}'])
async def test_wrong_arguments_are_to_be_corrected_in_the_words_of_the_core(sandbox: Sandbox, arguments: Any) -> None:
    """Pydantic AI's `ModelRetry`; also for arguments that are no JSON, and for none at all."""
    wrong = ToolCallPart("sn22_web_search", arguments)
    result = await Agent(Script(wrong, SEARCH).model, toolsets=[OrchestraToolset(sandbox.ledger)]).run("go")
    first, second = told(result.all_messages())
    assert (first.outcome, second.outcome) == ("retried", "success")
    assert str(first.content).startswith("invalid_arguments: ")
    assert first.retry is not None
    assert first.retry.cause == "model_retry"


async def test_the_agent_says_how_often_arguments_may_be_wrong(sandbox: Sandbox) -> None:
    """Pydantic AI's own count and end; ours adds none."""
    wrong = ToolCallPart("sn22_web_search", {"bogus": 1})
    toolset = OrchestraToolset(sandbox.ledger)
    with pytest.raises(UnexpectedModelBehavior, match="exceeded max retries count of 1"):
        await Agent(Script(wrong, wrong).model, toolsets=[toolset]).run("go")
    assert (await Agent(Script(wrong, wrong).model, toolsets=[toolset], retries=2).run("go")).output == "done"


async def test_a_changed_ledger_is_taken_over_between_two_steps(ledger_path: Path) -> None:
    """Of one run: a tool that left is gone from the list, and unknown to Pydantic AI."""
    script = Script(SEARCH, SEARCH, between=lambda step: drop(ledger_path, "web_search") if step == 1 else None)
    result = await Agent(script.model, toolsets=[OrchestraToolset(ledger_path, subnets="SN22")]).run("go")
    before, after, _ = script.shown
    assert set(before) - set(after) == {"sn22_web_search"}
    first, second = told(result.all_messages())
    assert first.outcome == "success"
    assert second.retry is not None
    assert second.retry.cause == "unknown_tool"


async def test_calls_of_one_step_run_together(sandbox: Sandbox) -> None:
    """And each gets its own answer."""
    calls = [ToolCallPart("sn22_web_search", {"query": f"tao {number}"}, f"call-{number}") for number in range(8)]
    result = await Agent(Script(calls).model, toolsets=[OrchestraToolset(sandbox.ledger)]).run("go")
    parts = told(result.all_messages())
    assert [part.tool_call_id for part in parts] == [call.tool_call_id for call in calls]
    assert len({part.metadata["receipt"]["id"] for part in parts}) == len(calls)


async def test_it_runs_synchronously_as_well(sandbox: Sandbox) -> None:
    """`run_sync` in a thread beside a running loop: connections belong to the loop that made them."""
    agent = Agent(Script(SEARCH, SEARCH).model, toolsets=[OrchestraToolset(sandbox.ledger)])

    def run() -> str:
        # Pydantic AI makes a loop where a thread has none, and never ends it.
        with asyncio.Runner() as runner:
            asyncio.set_event_loop(runner.get_loop())
            return agent.run_sync("go").output

    assert await asyncio.to_thread(run) == "done"
    assert (await agent.run("go")).output == "done"


async def test_the_toolsets_of_pydantic_ai_wrap_it(sandbox: Sandbox) -> None:
    """Its own filter and prefix; the model's name is theirs, the ledger's is ours."""
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22", id="ledger")
    wrapped = toolset.filtered(lambda _, tool: bool(tool.metadata and tool.metadata["read_only"])).prefixed("bt")
    script = Script(ToolCallPart("bt_sn22_web_search", {"query": "tao"}))
    result = await Agent(script.model, toolsets=[wrapped]).run("go")
    assert all(name.startswith("bt_sn22_") for name in script.shown[0])
    assert told(result.all_messages())[0].metadata["tool"] == "sn22_web_search"
    assert toolset.id == "ledger"


async def test_three_tools_find_describe_and_call_all_others(sandbox: Sandbox) -> None:
    """For ledgers too big to be shown whole."""
    script = Script(
        ToolCallPart("find_tools", {"query": "search the web"}),
        ToolCallPart("describe_tool", {"name": "sn22_web_search"}),
        ToolCallPart("call_tool", {"name": "sn22_web_search", "arguments": {"query": "tao"}}),
    )
    result = await Agent(script.model, toolsets=[OrchestraToolset(sandbox.ledger, search=True)]).run("go")
    assert list(script.shown[0]) == ["find_tools", "describe_tool", "call_tool"]
    found, described, called = told(result.all_messages())
    assert "sn22_web_search" in str(found.content)
    assert json.loads(str(described.content))["name"] == "sn22_web_search"
    assert called.metadata["receipt"]["outcome"] == "ok"


DIRECT = SEARCH
NAMED = ToolCallPart("call_tool", {"name": "sn22_web_search", "arguments": {"query": "tao"}}, "call-1")


@pytest.mark.parametrize(("search", "call"), [(False, DIRECT), (True, NAMED)])
async def test_a_call_that_needs_approval_waits_for_it(sandbox: Sandbox, search: bool, call: ToolCallPart) -> None:
    """Pydantic AI's deferred tools: by its own name or through `call_tool`, the tool's rule decides."""
    replies: list[Reply] = []
    toolset = OrchestraToolset(sandbox.ledger, approval=web_search_only, on_reply=replies.append, search=search)
    agent = Agent(Script(call).model, toolsets=[toolset], output_type=[str, DeferredToolRequests])
    asked = await agent.run("go")
    assert isinstance(asked.output, DeferredToolRequests)
    assert asked.output.approvals == [call]
    facts = asked.output.metadata["call-1"]
    assert (facts["tool"], facts["subnet"]) == ("sn22_web_search", "SN22")
    assert facts["cost"]
    assert replies == []

    history = asked.all_messages()
    denied = DeferredToolResults(approvals={"call-1": ToolDenied("too dear")})
    refused = await agent.run(message_history=history, deferred_tool_results=denied)
    assert [(part.outcome, part.content) for part in told(refused.new_messages())] == [("denied", "too dear")]
    assert replies == []

    agreed = DeferredToolResults(approvals={"call-1": ToolApproved()})
    answered = await agent.run(message_history=history, deferred_tool_results=agreed)
    assert answered.output == "done"
    assert [part.outcome for part in told(answered.new_messages())] == ["success"]
    assert len(replies) == 1


@pytest.mark.parametrize("name", ["sn22_ai_search", "sn22_no_such_tool", 7, None])
async def test_other_calls_through_call_tool_wait_for_nobody(sandbox: Sandbox, name: Any) -> None:
    """Of tools that need no approval, and of such that are none: the core tells the model."""
    call = ToolCallPart("call_tool", {"name": name, "arguments": {"prompt": "tao", "tools": ["web"]}})
    toolset = OrchestraToolset(sandbox.ledger, approval=web_search_only, search=True)
    assert (await Agent(Script(call).model, toolsets=[toolset]).run("go")).output == "done"


@pytest.mark.parametrize(("search", "call"), [(False, DIRECT), (True, NAMED)])
async def test_unless_told_otherwise_spending_needs_approval(
    packaged: LedgerClient, search: bool, call: ToolCallPart
) -> None:
    """In a real ledger; a sandbox takes no money. Whose agent has no way to ask is told so by Pydantic AI."""
    replies: list[Reply] = []
    toolset = OrchestraToolset(packaged, on_reply=replies.append, search=search)
    asked = await Agent(Script(call).model, toolsets=[toolset], output_type=[str, DeferredToolRequests]).run("go")
    assert isinstance(asked.output, DeferredToolRequests)
    assert asked.output.metadata["call-1"]["spends_money"] is True
    with pytest.raises(UserError, match="DeferredToolRequests"):
        await Agent(Script(call).model, toolsets=[toolset]).run("go")
    assert replies == []


@pytest.mark.parametrize(("search", "call"), [(False, DIRECT), (True, NAMED)])
async def test_who_wants_no_approvals_is_never_asked(packaged: LedgerClient, search: bool, call: ToolCallPart) -> None:
    """The budget holds all the same; here there is no key, so nothing is sent."""
    replies: list[Reply] = []
    toolset = OrchestraToolset(packaged, approval=None, search=search, on_reply=replies.append)
    assert (await Agent(Script(call).model, toolsets=[toolset]).run("go")).output == "done"
    assert [reply.code in ("credential_missing", "price_unknown") for reply in replies] == [True]


async def test_what_goes_to_a_provider_is_the_schema_as_it_is(sandbox: Sandbox) -> None:
    """Through Pydantic AI's client of OpenAI's chat completions."""
    bodies: list[Any] = []
    offered = {definition.name: definition for definition in Offer(sandbox.ledger, subnets="SN22").definitions()}
    with model_server(lambda _, body: bodies.append(body)) as environment:
        toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
        async with AsyncOpenAI(api_key="no-key", base_url=environment["OPENAI_BASE_URL"]) as client:
            model = OpenAIChatModel("gpt-5", provider=OpenAIProvider(openai_client=client))
            result = await Agent(model, toolsets=[toolset]).run("go")
    assert result.output.startswith("Done: ")
    sent = {tool["function"]["name"]: tool["function"] for tool in bodies[0]["tools"]}
    assert set(sent) == set(offered)
    for name, definition in offered.items():
        assert sent[name]["description"] == definition.description
        assert sent[name]["parameters"] == definition.input_schema
    assert bodies[1]["messages"][-1]["content"] == told(result.all_messages())[0].content


async def test_a_provider_without_a_mark_for_errors_gets_it_around_the_text(sandbox: Sandbox) -> None:
    """Pydantic AI writes `{"error": …}` for OpenAI's models."""
    bodies: list[Any] = []
    with model_server(lambda _, body: bodies.append(body)) as environment, sandbox.faults("sn22_ai_search", "garbage"):
        toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
        async with AsyncOpenAI(api_key="no-key", base_url=environment["OPENAI_BASE_URL"]) as client:
            model = OpenAIChatModel("gpt-5", provider=OpenAIProvider(openai_client=client))
            result = await Agent(model, toolsets=[toolset]).run("go")
    (part,) = told(result.all_messages())
    assert json.loads(bodies[1]["messages"][-1]["content"]) == {"error": part.content}


async def test_a_tool_that_goes_while_it_is_described_has_no_facts(sandbox: Sandbox) -> None:
    """Another thread may take over a changed ledger at any moment."""
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
    gone = next(each for each in Offer(sandbox.ledger, subnets="SN64").definitions())
    assert toolset._define(gone).metadata is None
