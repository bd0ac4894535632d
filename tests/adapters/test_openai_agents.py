"""The OpenAI Agents SDK: what is special about it. What all hosts have in common is in `tests/contract`."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agents import (
    Agent,
    FunctionTool,
    ModelBehaviorError,
    ModelSettings,
    OpenAIResponsesModel,
    RunConfig,
    RunContextWrapper,
    Runner,
    RunResult,
    RunState,
    SQLiteSession,
    Tool,
    ToolGuardrailFunctionOutput,
    ToolOutputGuardrailData,
    tool_output_guardrail,
)
from agents.items import ToolCallOutputItem
from agents.testing import ScriptedModel
from openai import AsyncOpenAI
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from openai_agents_orchestra import OrchestraTools
from orchestra_tools.client import LedgerClient, Offer
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import Reply
from tests.docs.model_server import model_server

pytestmark = pytest.mark.slow
QUIET = RunConfig(tracing_disabled=True)
QUERY = '{"query": "tao"}'
NAMED = '{"name": "sn22_web_search", "arguments": {"query": "tao"}}'


def calls(tool: str, *arguments: str) -> list[Any]:
    """A turn of a model: it calls a tool, as often as there are arguments."""
    return [
        ResponseFunctionToolCall(type="function_call", call_id=f"{tool}-{number}", name=tool, arguments=each)
        for number, each in enumerate(arguments)
    ]


def says(text: str) -> list[Any]:
    """A turn of a model: it is done."""
    part = ResponseOutputText(type="output_text", text=text, annotations=[])
    return [ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[part])]


async def run(tools: list[Tool], *turns: list[Any], **options: Any) -> RunResult:
    """Run an agent whose model has these turns, and is done then."""
    agent = Agent("host", tools=tools, model=ScriptedModel([*turns, says("done")]))
    return await Runner.run(agent, "go", run_config=QUIET, **options)


def outputs(result: RunResult) -> list[ToolCallOutputItem]:
    return [item for item in result.new_items if isinstance(item, ToolCallOutputItem)]


def artifact(item: ToolCallOutputItem) -> dict[str, Any]:
    """What the program is given of a call."""
    assert item.custom_data is not None
    return item.custom_data


def one(tools: list[Tool], name: str) -> FunctionTool:
    (found,) = [tool for tool in tools if isinstance(tool, FunctionTool) and tool.name == name]
    return found


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


def rewrite(path: Path, operation: str, changes: dict[str, Any] | None) -> None:
    """Change an operation of SN22 in a ledger, or take it out."""
    document = json.loads(path.read_text("utf-8"))
    operations = document["entries"]["SN22"]["operations"]
    if changes is None:
        del operations[operation]
    else:
        operations[operation].update(changes)
    path.write_text(json.dumps(document), "utf-8")


def test_conditions_decide_what_is_offered(sandbox: Sandbox) -> None:
    """Ours: the offer's conditions are these."""
    tools = OrchestraTools(sandbox.ledger, capabilities="web_search").tools()
    assert [tool.name for tool in tools] == list(Offer(sandbox.ledger, capabilities="web_search").tools)


def test_a_schema_is_shown_as_it_is(sandbox: Sandbox) -> None:
    """The SDK's strict mode would make every optional argument a required one."""
    tools = OrchestraTools(sandbox.ledger, subnets="SN22").tools()
    for definition in Offer(sandbox.ledger, subnets="SN22").definitions():
        tool = one(tools, definition.name)
        assert tool.params_json_schema == definition.input_schema
        assert tool.description == definition.description
        assert not tool.strict_json_schema


async def test_the_program_gets_the_artifact_and_the_model_the_text(sandbox: Sandbox) -> None:
    """Ours: one answer, told to each in its own way."""
    result = await run(OrchestraTools(sandbox.ledger).tools(), calls("sn22_web_search", QUERY))
    (item,) = outputs(result)
    assert json.loads(item.output) == artifact(item)["data"]
    assert artifact(item)["receipt"]["outcome"] == "ok"
    (sent,) = [each for each in result.to_input_list() if each.get("type") == "function_call_output"]
    assert set(sent) == {"type", "call_id", "output"}
    assert json.loads(json.dumps(sent)) == {
        "type": "function_call_output",
        "call_id": "sn22_web_search-0",
        "output": item.output,
    }


async def test_a_failure_is_a_text_with_its_receipt(sandbox: Sandbox) -> None:
    """The SDK has no mark for it, and ends a run over an exception: the run goes on."""
    replies: list[Reply] = []
    tools = OrchestraTools(sandbox.ledger, on_reply=replies.append).tools()
    with sandbox.faults("sn22_web_search", "status:400"):
        result = await run(tools, calls("sn22_web_search", QUERY))
    (item,), (reply,) = outputs(result), replies
    assert item.output == reply.text
    assert artifact(item) == json.loads(json.dumps(reply.artifact()))
    assert artifact(item)["error"]["error"] == "rejected"
    assert artifact(item)["receipt"]
    assert result.final_output == "done"


@pytest.mark.parametrize("arguments", ["{", "", "[1]", "7", '{"query": 7}', "null"])
async def test_wrong_arguments_are_told_in_the_words_of_the_core(sandbox: Sandbox, arguments: str) -> None:
    """Also such that are no JSON; nobody is asked to approve them, and the run goes on."""
    result = await run(OrchestraTools(sandbox.ledger).tools(), calls("sn22_web_search", arguments))
    (item,) = outputs(result)
    assert str(item.output).startswith("invalid_arguments: ")
    assert artifact(item)["receipt"] is None


async def test_calls_of_one_turn_run_together(sandbox: Sandbox) -> None:
    """And each gets its own answer."""
    queries = [json.dumps({"query": f"tao {number}"}) for number in range(8)]
    result = await run(OrchestraTools(sandbox.ledger).tools(), calls("sn22_web_search", *queries))
    assert len({artifact(item)["receipt"]["id"] for item in outputs(result)}) == len(queries)


async def test_a_stored_conversation_holds_the_text(sandbox: Sandbox, tmp_path: Path) -> None:
    """The SDK's sessions keep what the model reads, and that only."""
    with_session = SQLiteSession("one", tmp_path / "sessions.sqlite")
    result = await run(OrchestraTools(sandbox.ledger).tools(), calls("sn22_web_search", QUERY), session=with_session)
    stored = [each for each in await with_session.get_items() if each.get("type") == "function_call_output"]
    assert [each.get("output") for each in stored] == [item.output for item in outputs(result)]
    with_session.close()


async def test_an_output_that_is_copied_or_pickled_is_plain_text(sandbox: Sandbox) -> None:
    """The reply behind it, with its tool and its whole ledger entry, goes nowhere."""
    result = await run(OrchestraTools(sandbox.ledger).tools(), calls("sn22_web_search", QUERY))
    (item,) = outputs(result)
    for copied in (copy.copy(item.output), copy.deepcopy(item.output), pickle.loads(pickle.dumps(item.output))):
        assert type(copied) is str
        assert copied == item.output


async def test_streamed_and_synchronous_runs_are_the_same(sandbox: Sandbox) -> None:
    """`run_streamed`, and `run_sync` in a thread beside a running loop."""
    tools = OrchestraTools(sandbox.ledger).tools()

    def agent() -> Agent[None]:
        return Agent("host", tools=tools, model=ScriptedModel([calls("sn22_web_search", QUERY), says("done")]))

    def run_sync() -> RunResult:
        # The SDK makes a loop where a thread has none, and never ends it.
        with asyncio.Runner() as runner:
            asyncio.set_event_loop(runner.get_loop())
            return Runner.run_sync(agent(), "go", run_config=QUIET)

    streamed = Runner.run_streamed(agent(), "go", run_config=QUIET)
    events = [event async for event in streamed.stream_events()]
    texts = [
        event.item.output
        for event in events
        if event.type == "run_item_stream_event" and isinstance(event.item, ToolCallOutputItem)
    ]
    assert texts == [item.output for item in outputs(await asyncio.to_thread(run_sync))]
    assert len(texts) == 1


async def test_an_agent_may_end_with_the_answer_itself(sandbox: Sandbox) -> None:
    """The SDK's `stop_on_first_tool`: the final output is the text."""
    agent = Agent(
        "host",
        tools=OrchestraTools(sandbox.ledger).tools(),
        tool_use_behavior="stop_on_first_tool",
        model=ScriptedModel([calls("sn22_web_search", QUERY)]),
    )
    result = await Runner.run(agent, "go", run_config=QUIET)
    assert type(result.final_output) is str
    assert json.loads(result.final_output) == artifact(outputs(result)[0])["data"]


async def test_what_a_guardrail_puts_in_place_of_an_answer_has_no_artifact(sandbox: Sandbox) -> None:
    """It is not what the subnet said."""

    @tool_output_guardrail
    def refuse(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        return ToolGuardrailFunctionOutput.reject_content("not for you")

    tool = one(OrchestraTools(sandbox.ledger).tools(), "sn22_web_search")
    tool.tool_output_guardrails = [refuse]
    (item,) = outputs(await run([tool], calls("sn22_web_search", QUERY)))
    assert (item.output, item.custom_data) == ("not for you", None)


async def test_three_tools_find_describe_and_call_all_others(sandbox: Sandbox) -> None:
    """For ledgers too big to be shown whole."""
    tools = OrchestraTools(sandbox.ledger).search_tools()
    assert [tool.name for tool in tools] == ["find_tools", "describe_tool", "call_tool"]
    result = await run(
        tools,
        calls("find_tools", '{"query": "search the web"}'),
        calls("describe_tool", '{"name": "sn22_web_search"}'),
        calls("call_tool", NAMED),
    )
    found, described, called = outputs(result)
    assert "sn22_web_search" in found.output
    assert json.loads(described.output)["name"] == "sn22_web_search"
    assert artifact(called)["receipt"]["outcome"] == "ok"


async def test_a_tool_that_left_the_ledger_is_hidden_and_cannot_be_called(ledger_path: Path) -> None:
    """From agents that have it already: the SDK does not show it, and ends a run whose model calls it all the same."""
    offered = OrchestraTools(ledger_path, subnets="SN22")
    tools = offered.tools()
    rewrite(ledger_path, "web_search", None)
    assert (await asyncio.to_thread(offered.refresh)).removed == ("sn22_web_search",)
    model = ScriptedModel([says("done")])
    await Runner.run(Agent("host", tools=tools, model=model), "go", run_config=QUIET)
    assert {tool.name for tool in tools} - {tool.name for tool in model.calls[0].tools} == {"sn22_web_search"}
    with pytest.raises(ModelBehaviorError, match="sn22_web_search"):
        await run(tools, calls("sn22_web_search", QUERY))
    lenient = RunConfig(tracing_disabled=True, tool_not_found_behavior="return_error_to_model")
    agent = Agent("host", tools=tools, model=ScriptedModel([calls("sn22_web_search", QUERY), says("done")]))
    assert (await Runner.run(agent, "go", run_config=lenient)).final_output == "done"
    # The tool itself, where something else than the runner calls it.
    reply = await one(tools, "sn22_web_search").on_invoke_tool(None, QUERY)  # type: ignore[arg-type]  # not looked at
    assert str(reply).startswith("unknown_tool: ")


@pytest.mark.parametrize(("search", "arguments"), [(False, QUERY), (True, NAMED)])
async def test_a_call_that_needs_approval_waits_for_it(sandbox: Sandbox, search: bool, arguments: str) -> None:
    """The SDK's interruptions: by its own name or through `call_tool`, the tool's rule decides. Also when stored."""
    replies: list[Reply] = []
    offered = OrchestraTools(sandbox.ledger, approval=web_search_only, on_reply=replies.append)
    name = "call_tool" if search else "sn22_web_search"

    def agent(*turns: list[Any]) -> Agent[None]:
        tools = offered.search_tools() if search else offered.tools()
        return Agent("host", tools=tools, model=ScriptedModel([*turns, says("done")]))

    async def resume(*, approve: bool) -> RunResult:
        asked = await Runner.run(agent(calls(name, arguments)), "go", run_config=QUIET)
        (pending,) = asked.interruptions
        assert (pending.name, pending.arguments) == (name, arguments)
        assert asked.final_output is None
        later = agent()
        state = await RunState.from_json(later, json.loads(json.dumps(asked.to_state().to_json())))
        (pending,) = state.get_interruptions()
        if approve:
            state.approve(pending)
        else:
            state.reject(pending, rejection_message="too dear")
        return await Runner.run(later, state, run_config=QUIET)

    refused = await resume(approve=False)
    assert [item.output for item in outputs(refused)] == ["too dear"]
    assert replies == []
    answered = await resume(approve=True)
    assert answered.final_output == "done"
    (item,), (reply,) = outputs(answered), replies
    assert item.output == reply.text
    stored = json.loads(json.dumps(answered.to_state().to_json()))
    (kept,) = [
        each
        for each in (await RunState.from_json(agent(), stored)).to_json()["generated_items"]
        if each["type"] == "tool_call_output_item"
    ]
    assert kept["output"] == reply.text
    assert kept["custom_data"]["receipt"]["id"] == reply.artifact()["receipt"]["id"]


@pytest.mark.parametrize("name", ["sn22_ai_search", "sn22_no_such_tool", 7, None])
async def test_other_calls_through_call_tool_wait_for_nobody(sandbox: Sandbox, name: Any) -> None:
    """Of tools that need no approval, and of such that are none: the core tells the model."""
    tools = OrchestraTools(sandbox.ledger, approval=web_search_only).search_tools()
    result = await run(tools, calls("call_tool", json.dumps({"name": name, "arguments": {}})))
    assert (result.final_output, result.interruptions) == ("done", [])


async def test_arguments_of_call_tool_that_are_no_json_are_put_before_a_person(sandbox: Sandbox) -> None:
    """The SDK's rule: nobody can say which tool they are for."""
    tools = OrchestraTools(sandbox.ledger).search_tools()
    assert len((await run(tools, calls("call_tool", "{"))).interruptions) == 1


@pytest.mark.parametrize(("search", "arguments"), [(False, QUERY), (True, NAMED)])
async def test_unless_told_otherwise_spending_needs_approval(
    packaged: LedgerClient, search: bool, arguments: str
) -> None:
    """In a real ledger; a sandbox takes no money."""
    replies: list[Reply] = []
    offered = OrchestraTools(packaged, on_reply=replies.append)
    tools = offered.search_tools() if search else offered.tools()
    result = await run(tools, calls("call_tool" if search else "sn22_web_search", arguments))
    assert len(result.interruptions) == 1
    assert replies == []


@pytest.mark.parametrize(("search", "arguments"), [(False, QUERY), (True, NAMED)])
async def test_who_wants_no_approvals_is_never_asked(packaged: LedgerClient, search: bool, arguments: str) -> None:
    """The budget holds all the same; here there is no key, so nothing is sent."""
    offered = OrchestraTools(packaged, approval=None)
    tools = offered.search_tools() if search else offered.tools()
    (item,) = outputs(await run(tools, calls("call_tool" if search else "sn22_web_search", arguments)))
    assert artifact(item)["error"]["error"] in ("credential_missing", "price_unknown")


async def test_a_tool_that_begins_to_need_approval_is_hidden_until_it_is_offered_anew(ledger_path: Path) -> None:
    """Nothing is spent under a rule that was read before the price was."""
    offered = OrchestraTools(ledger_path, subnets="SN22", approval=lambda tool: "paid" in tool.description)
    before = offered.tools()
    rewrite(ledger_path, "web_search", {"description": "Searches the web. Every call is paid."})
    assert offered.refresh().changed == ("sn22_web_search",)
    context: RunContextWrapper[None] = RunContextWrapper(None)
    agent = Agent[None]("host", tools=before)
    assert "sn22_web_search" not in [tool.name for tool in await agent.get_all_tools(context)]
    anew = Agent[None]("host", tools=offered.tools())
    (tool,) = [tool for tool in await anew.get_all_tools(context) if tool.name == "sn22_web_search"]
    assert isinstance(tool, FunctionTool)
    assert tool.needs_approval is True


async def test_what_goes_to_a_provider_is_the_schema_as_it_is(sandbox: Sandbox) -> None:
    """Through the SDK's client of OpenAI's responses."""
    bodies: list[Any] = []
    offered = OrchestraTools(sandbox.ledger, subnets="SN22")
    with model_server(lambda _, body: bodies.append(body)) as environment:
        async with AsyncOpenAI(api_key="no-key", base_url=environment["OPENAI_BASE_URL"]) as client:
            agent = Agent(
                "host",
                tools=offered.tools(),
                model=OpenAIResponsesModel("gpt-5", client),
                model_settings=ModelSettings(store=False),
            )
            result = await Runner.run(agent, "go", run_config=QUIET)
    assert result.final_output.startswith("Done: ")
    sent = {tool["name"]: tool for tool in bodies[0]["tools"]}
    for definition in offered.offer.definitions():
        assert sent[definition.name]["parameters"] == definition.input_schema
        assert sent[definition.name]["description"] == definition.description
        assert sent[definition.name]["strict"] is False
    (answer,) = [each for each in bodies[1]["input"] if each.get("type") == "function_call_output"]
    assert answer["output"] == outputs(result)[0].output
