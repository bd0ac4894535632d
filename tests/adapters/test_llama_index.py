"""What is LlamaIndex's own beside the contract of all hosts: its tool spec, its retriever, its outputs, its agents."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.objects import ObjectRetriever, SimpleToolNodeMapping
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.tools.calling import acall_tool, call_tool
from llama_index.core.tools.tool_spec.base import BaseToolSpec
from llama_index.core.workflow import JsonSerializer
from workflows.errors import WorkflowCancelledByUser

from llama_index_orchestra import OrchestraTool, OrchestraToolSpec
from llama_index_orchestra.metadata import OrchestraToolMetadata
from orchestra_tools.client import LedgerClient
from orchestra_tools.errors import ConfigurationError, UnknownCapabilityError, UnknownToolError
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import Reply
from tests.contract.cases import CASES, document

pytestmark = [
    pytest.mark.slow,
    # Workflows look at every attribute of an agent, also those that Pydantic will drop. Goes when LlamaIndex does not.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
]
QUERY = {"query": "tao"}
Calls = Sequence[tuple[str, Mapping[str, Any]]]


class Script:
    """A model that makes the calls of each turn and then answers "Done."; it keeps what it was shown and told."""

    def __init__(self, *turns: Calls, streaming: bool = False) -> None:
        self.shown: list[list[str]] = []
        self.heard: list[str] = []
        self._turns = list(turns)
        self._streaming = streaming

    def __call__(self, messages: Sequence[ChatMessage], *, tools: Sequence[FunctionTool] = (), **_: Any) -> Any:
        self.shown.append([tool.metadata.get_name() for tool in tools])
        self.heard = [message.content or "" for message in messages if message.role == "tool"]
        reply = self._reply()
        return _stream(reply) if self._streaming else reply

    def _reply(self) -> ChatMessage:
        if not self._turns:
            return ChatMessage(role="assistant", content="Done.")
        calls = [
            ToolCallBlock(tool_call_id=f"call-{number}", tool_name=name, tool_kwargs=dict(arguments))
            for number, (name, arguments) in enumerate(self._turns.pop(0))
        ]
        return ChatMessage(role="assistant", blocks=[*calls])


async def _stream(reply: ChatMessage) -> AsyncIterator[ChatMessage]:
    yield reply


def agent_of(script: Script, *, streaming: bool = False, **tools: Any) -> FunctionAgent:
    model = MockFunctionCallingLLM(response_generator=script, is_chat_model=True)
    return FunctionAgent(llm=model, streaming=streaming, **tools)


async def run(agent: Any, message: str = "What is new?", **options: Any) -> tuple[str, list[ToolCallResult]]:
    """An agent's answer, and the results of its calls as programs see them."""
    handler = agent.run(user_msg=message, **options)
    results = [event async for event in handler.stream_events() if isinstance(event, ToolCallResult)]
    return str(await handler), results


@pytest.fixture(scope="module")
def hard() -> Iterator[Sandbox]:
    """A sandbox of the ledger of the contract."""
    with Sandbox(ledger_from_document(document(), source="cases")) as running:
        yield running


@pytest.fixture
def client(hard: Sandbox, tmp_path: Path) -> Iterator[LedgerClient]:
    """A client with a ledger file of its own."""
    path = tmp_path / "ledger.json"
    path.write_bytes(hard.ledger_path.read_bytes())
    with LedgerClient(path) as opened:
        yield opened


@pytest.fixture
def spec(client: LedgerClient) -> Iterator[OrchestraToolSpec]:
    opened = OrchestraToolSpec(client)
    yield opened
    opened.close()


def rewrite(client: LedgerClient, change: Mapping[str, Any]) -> None:
    """Change the operations of the ledger's file; None takes one out. Nobody has taken it over yet."""
    path = Path(client.session.live.source.name)
    ledger = json.loads(path.read_text("utf-8"))
    operations = ledger["entries"]["SN90"]["operations"] | change
    ledger["entries"]["SN90"]["operations"] = {name: each for name, each in operations.items() if each is not None}
    path.write_text(json.dumps(ledger), "utf-8")


def weather(client: LedgerClient) -> dict[str, Any]:
    """An operation the ledger does not have yet."""
    document = json.loads(Path(client.session.live.source.name).read_text("utf-8"))
    plain: dict[str, Any] = document["entries"]["SN90"]["operations"]["plain"]
    return plain | {"title": "rain", "description": "Forecasts rain and wind for a city."}


def tool_of(spec: OrchestraToolSpec, name: str) -> FunctionTool:
    (tool,) = spec.to_tool_list([name])
    return tool


def names(tools: Sequence[FunctionTool]) -> list[str]:
    return [tool.metadata.get_name() for tool in tools]


def test_it_is_a_tool_spec() -> None:
    """LlamaHub's convention: the base class is among its own, and it says its functions."""
    assert BaseToolSpec in OrchestraToolSpec.__mro__
    assert OrchestraToolSpec.spec_functions == []


def test_conditions_choose_the_tools(sandbox: Sandbox) -> None:
    """Ours: those of the offer, all of them passed on."""
    ledger = sandbox.ledger
    searching = OrchestraToolSpec(ledger, subnets=["SN22"], capabilities="web_search", audience="consumer")
    found = names(searching.to_tool_list())
    assert "sn22_web_search" in found
    assert all(name.startswith("sn22_") for name in found)
    changing = {*names(OrchestraToolSpec(ledger, read_only=False).to_tool_list())}
    reading = {*names(OrchestraToolSpec(ledger, read_only=True).to_tool_list())}
    assert changing
    assert reading
    assert not changing & reading
    measured = OrchestraToolSpec(ledger, min_reliability=0.5, max_latency_ms=1e6, max_cost=1, callable_now=True)
    assert {*names(measured.to_tool_list())} <= changing | reading
    with pytest.raises(UnknownCapabilityError):
        OrchestraToolSpec(ledger, capabilities="telepathy")


def test_names_choose_among_the_tools_on_offer(spec: OrchestraToolSpec, sandbox: Sandbox) -> None:
    """LlamaIndex's parameter; a pair is the two functions of one tool. No name means no tool."""
    assert names(spec.to_tool_list(["sn90_plain", ("sn90_single", "sn90_single")])) == ["sn90_plain", "sn90_single"]
    assert names(spec.to_tool_list()) == [definition.name for definition in spec.offer.definitions()]
    assert spec.to_tool_list([]) == []
    with pytest.raises(UnknownToolError, match="sn90_bogus"):
        spec.to_tool_list(["sn90_bogus"])
    with pytest.raises(UnknownToolError, match="not among the tools offered"):
        OrchestraToolSpec(sandbox.ledger, subnets="SN34").to_tool_list(["sn22_web_search"])


async def test_lists_can_be_made_asynchronously(spec: OrchestraToolSpec) -> None:
    """LlamaIndex's twin of the method; the same list."""
    assert names(await spec.to_tool_list_async()) == names(spec.to_tool_list())
    assert names(await spec.to_tool_list_async(["sn90_plain"])) == ["sn90_plain"]


async def test_metadata_of_ones_own_is_shown_instead(spec: OrchestraToolSpec) -> None:
    """LlamaIndex's parameter. The tool may have another name there: it is called by the ledger's."""
    mine = ToolMetadata(name="ask", description="Asks.", return_direct=True)
    plain, single = spec.to_tool_list(["sn90_plain", "sn90_single"], {"sn90_plain": mine, "sn90_gone": mine})
    assert plain.metadata is mine
    assert single.metadata.get_name() == "sn90_single"
    output = await plain.acall(**QUERY)
    assert (output.tool_name, output.is_error) == ("ask", False)
    assert output.raw_output["tool"] == "sn90_plain"


def test_every_way_to_read_the_schema_gives_all_of_it(spec: OrchestraToolSpec) -> None:
    """Ours: whichever class of models is used, it is shown the ledger's own."""
    for tool, definition in zip(spec.to_tool_list(), spec.offer.definitions(), strict=True):
        metadata = tool.metadata
        assert metadata.get_parameters_dict() == definition.input_schema
        assert metadata.to_openai_tool()["function"]["parameters"] == definition.input_schema
        assert json.loads(metadata.fn_schema_str) == definition.input_schema
        assert metadata.fn_schema is not None
        assert issubclass(metadata.fn_schema, BaseModel)
        assert metadata.fn_schema.model_json_schema(by_alias=False) == definition.input_schema
        assert metadata.fn_schema.model_fields == {}
        assert "properties" in metadata.get_parameters_dict()


def test_classes_are_made_when_asked_for(spec: OrchestraToolSpec) -> None:
    """Ours: hundreds of tools are made at once, and few hosts ever look at the class."""
    tool = tool_of(spec, "sn90_hundred")
    tool.metadata.to_openai_tool()
    assert "fn_schema" not in vars(tool.metadata)
    assert tool.metadata.fn_schema is tool.metadata.fn_schema


def test_who_changes_a_schema_changes_a_copy(spec: OrchestraToolSpec) -> None:
    """Hosts do, for strict modes: neither the next reader nor the ledger may notice."""
    tool = tool_of(spec, "sn90_recursive")
    before = copy.deepcopy(dict(spec.offer.toolset.find_tool("sn90_recursive").input_schema))
    given = tool.metadata.get_parameters_dict()
    given["$defs"]["node"]["properties"].clear()
    assert tool.metadata.get_parameters_dict() == before
    assert spec.offer.toolset.find_tool("sn90_recursive").input_schema == before


def test_a_long_description_is_shown_in_full(spec: OrchestraToolSpec) -> None:
    """The base class raises above 1024 characters."""
    definition = replace(spec.offer.definitions()[0], description="long " * 500)
    shown = OrchestraToolMetadata(definition).to_openai_tool()
    assert shown["function"]["description"] == definition.description


@pytest.mark.parametrize("case", ["single", "nothing", "colliding", "hundred", "unicode", "nullable"])
async def test_synchronous_calls_pass_every_argument_on(spec: OrchestraToolSpec, case: str) -> None:
    """LlamaIndex unpacks tools of a single property, and calls by keyword: `self`, `args`, `kwargs` are names as well.

    A loop is running here, as in a notebook.
    """
    tool, good = tool_of(spec, f"sn90_{case}"), CASES[case].good
    expected = (await spec.offer.answer(f"sn90_{case}", good)).artifact()
    for output in (
        call_tool(tool, dict(good)),
        tool(**good),
        tool.call(**good),
        tool.fn(**good),
        await tool.acall(**good),
        await tool.async_fn(**good),
    ):
        assert not output.is_error
        assert output.raw_input == {"args": (), "kwargs": good}
        assert output.raw_output["data"] == expected["data"]
        assert output.raw_output["receipt"]["request"] == expected["receipt"]["request"]


async def test_an_only_argument_of_another_name_is_told(spec: OrchestraToolSpec) -> None:
    """LlamaIndex tries such as a positional one where a function does not take it: here the core says what is wrong."""
    tool = tool_of(spec, "sn90_single")
    for output in (call_tool(tool, {"bogus": 1}), await acall_tool(tool, {"bogus": 1})):
        assert output.is_error
        assert output.raw_output["error"]["error"] == "invalid_arguments"
        assert "/filter" in output.content


async def test_positional_arguments_are_properties_in_their_order(spec: OrchestraToolSpec) -> None:
    """As a function of Python has them; too many are the caller's mistake."""
    tool = tool_of(spec, "sn90_defaults")
    expected = await tool.acall(query="tao", limit=3)
    for output in (tool("tao", limit=3), tool.call("tao", 3), await tool.acall("tao", 3)):
        assert output.raw_output["data"] == expected.raw_output["data"]
    assert tool("tao", limit=3).raw_input == {"args": ("tao",), "kwargs": {"limit": 3}}
    with pytest.raises(TypeError, match="takes 3 arguments but 4 were given"):
        tool("tao", 3, {}, "more")


def test_a_function_has_the_name_and_the_words_of_its_tool(spec: OrchestraToolSpec) -> None:
    """Agents that write code list functions, not tools."""
    tool = tool_of(spec, "sn90_plain")
    assert (tool.real_fn.__name__, tool.real_fn.__doc__) == ("sn90_plain", tool.metadata.description)
    assert tool.fn(**QUERY).content == tool(**QUERY).content


@pytest.mark.parametrize(("fault", "code"), [("status:500", "upstream_error"), ("drift", "drift")])
async def test_a_failure_keeps_its_receipt_and_what_there_is(
    spec: OrchestraToolSpec, hard: Sandbox, fault: str, code: str
) -> None:
    """Ours: programs find it where the answer would be; the model reads text."""
    with hard.faults("sn90_plain", fault):
        outputs = [await tool_of(spec, "sn90_plain").acall(**QUERY), call_tool(tool_of(spec, "sn90_plain"), {**QUERY})]
    for output in outputs:
        assert output.is_error
        assert output.raw_output["error"]["error"] == code
        assert output.raw_output["receipt"]["id"]
        assert output.raw_output["statistics"]
        assert (output.raw_output["data"] is None) == (code != "drift")
        assert json.loads(output.model_dump_json())["raw_output"] == output.raw_output
        assert copy.deepcopy(output).content == output.content


async def test_the_model_reads_json(spec: OrchestraToolSpec) -> None:
    """Not what Python prints of a dictionary."""
    output = await tool_of(spec, "sn90_plain").acall(**QUERY)
    assert json.loads(output.content) == output.raw_output["data"]


def test_every_reply_is_told(client: LedgerClient) -> None:
    """Ours: `on_reply`, for programs that do not see the framework's events."""
    told: list[Reply] = []
    spec = OrchestraToolSpec(client, on_reply=told.append)
    tool_of(spec, "sn90_plain")(**QUERY)
    tool_of(spec, "sn90_plain")()
    assert [(reply.tool, reply.code) for reply in told] == [("sn90_plain", None), ("sn90_plain", "invalid_arguments")]
    assert told[0].receipt is not None


def test_a_copy_of_a_tool_calls_all_the_same(spec: OrchestraToolSpec) -> None:
    """Hosts copy tools; connections and budget are shared."""
    assert not copy.deepcopy(tool_of(spec, "sn90_plain"))(**QUERY).is_error


def test_a_closed_spec_makes_no_synchronous_call(client: LedgerClient) -> None:
    """Ours: it says so. The client it was given stays open."""
    spec = OrchestraToolSpec(client)
    tool = tool_of(spec, "sn90_plain")
    assert not tool(**QUERY).is_error
    spec.close()
    with pytest.raises(ConfigurationError, match="closed"):
        tool(**QUERY)
    assert client.call("sn90_plain", QUERY).data


async def test_a_changed_ledger_is_taken_over(spec: OrchestraToolSpec, client: LedgerClient) -> None:
    """Ours: a refresh says what differs; lists are made anew."""
    rewrite(client, {"weather": weather(client), "closed": None})
    assert "sn90_weather" not in names(spec.to_tool_list())
    diff = await spec.arefresh()
    assert (diff.added, diff.changed, diff.removed) == (("sn90_weather",), (), ("sn90_closed",))
    assert "sn90_weather" in names(spec.to_tool_list())
    rewrite(client, {"weather": weather(client) | {"description": "Forecasts snow."}})
    assert spec.refresh().changed == ("sn90_weather",)
    assert not spec.refresh()


async def test_a_retriever_finds_by_text_and_by_name(sandbox: Sandbox) -> None:
    """The ledger's own search, the conditions kept; a name gives that tool and no other."""
    retriever = OrchestraToolSpec(sandbox.ledger, subnets="SN22").tool_retriever(limit=3)
    assert isinstance(retriever, ObjectRetriever)
    found = retriever.retrieve("search the web")
    assert "sn22_web_search" in names(found)
    assert len(found) == 3
    assert names(await retriever.aretrieve(QueryBundle("search the web"))) == names(found)
    assert names(await retriever.aretrieve("sn22_x_search")) == ["sn22_x_search"]
    assert "sn34_detect_image" not in names(retriever.retrieve("sn34_detect_image"))
    assert retriever.retrieve("xyzzy") == []
    assert all(isinstance(tool, OrchestraTool) for tool in found)


async def test_an_agent_calls_tools_that_came_after_its_retriever(
    spec: OrchestraToolSpec, client: LedgerClient
) -> None:
    """Ours: the retriever follows the ledger."""
    script = Script([("sn90_weather", QUERY)])
    agent = agent_of(script, tool_retriever=spec.tool_retriever())
    rewrite(client, {"weather": weather(client)})
    await spec.arefresh()
    answer, results = await run(agent, "Will there be rain and wind?")
    assert answer == "Done."
    assert script.shown[0][0] == "sn90_weather"
    assert [result.tool_output.is_error for result in results] == [False]
    assert results[0].tool_output.raw_output["receipt"]["outcome"] == "ok"


async def test_a_tool_that_went_while_an_agent_was_thinking_is_told(
    spec: OrchestraToolSpec, client: LedgerClient
) -> None:
    """By the core, which knows why; the agent would only say that there is no such tool."""
    retriever = spec.tool_retriever()
    shown = await retriever.aretrieve("questions about plain")
    assert "sn90_plain" in names(shown)
    rewrite(client, {"plain": None})
    await spec.arefresh()
    (tool,) = await retriever.aretrieve("sn90_plain")
    output = await tool.acall(**QUERY)
    assert output.raw_output["error"]["error"] == "unknown_tool"


async def test_an_agent_works_through_the_three_fixed_tools(sandbox: Sandbox) -> None:
    """Ours: it finds, reads and calls all that is on offer. A retriever may stand beside them."""
    spec = OrchestraToolSpec(sandbox.ledger, subnets="SN22")
    script = Script(
        [("find_tools", {"query": "search the web"})],
        [("describe_tool", {"name": "sn22_web_search"})],
        [("call_tool", {"name": "sn22_web_search", "arguments": QUERY}), ("call_tool", {"name": "sn34_detect_image"})],
    )
    agent = agent_of(script, tools=spec.search_tools(), tool_retriever=spec.tool_retriever())
    answer, results = await run(agent, "And now?")
    assert answer == "Done."
    assert script.shown[0][:3] == ["find_tools", "describe_tool", "call_tool"]
    assert "sn22_web_search" in script.heard[0]
    outputs = {result.tool_id: result.tool_output for result in results if result.tool_name == "call_tool"}
    assert outputs["call-0"].raw_output["tool"] == "sn22_web_search"
    assert outputs["call-0"].raw_output["receipt"]["outcome"] == "ok"
    assert outputs["call-1"].raw_output["error"]["error"] == "invalid_arguments"


async def test_calls_of_one_turn_run_together(spec: OrchestraToolSpec) -> None:
    """LlamaIndex starts them at once; each has an answer and a receipt of its own."""
    queries = [f"tao {number}" for number in range(8)]
    script = Script([("sn90_plain", {"query": query}) for query in queries])
    _, results = await run(agent_of(script, tools=spec.to_tool_list()))
    assert len({result.tool_output.raw_output["receipt"]["id"] for result in results}) == 8
    assert sorted(result.tool_output.raw_input["kwargs"]["query"] for result in results) == queries
    assert len(script.heard) == 8


async def test_streaming_agents_and_teams_take_the_tools(spec: OrchestraToolSpec) -> None:
    """LlamaIndex's default is to stream; a team has a tool of its own beside ours."""
    script = Script([("sn90_plain", QUERY)], streaming=True)
    answer, results = await run(agent_of(script, streaming=True, tools=spec.to_tool_list(["sn90_plain"])))
    assert (answer, [result.tool_output.is_error for result in results]) == ("Done.", [False])
    script = Script([("sn90_plain", QUERY)])
    team = AgentWorkflow(agents=[agent_of(script, tool_retriever=spec.tool_retriever())])
    answer, results = await run(team, "Answer a plain question")
    assert (answer, [result.tool_output.is_error for result in results]) == ("Done.", [False])


# Its own agent asks what its own workflows will not answer for long.
@pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning")
async def test_agents_without_function_calling_read_the_schema(spec: OrchestraToolSpec) -> None:
    """ReAct agents put it in their prompt, and parse what the model writes."""
    prompts: list[str] = []
    lines = ['Thought: I ask.\nAction: sn90_plain\nAction Input: {"query": "tao"}', "Thought: I know.\nAnswer: Done."]

    def reply(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        prompts.append("\n".join(message.content or "" for message in messages))
        return ChatMessage(role="assistant", content=lines.pop(0))

    model = MockFunctionCallingLLM(response_generator=reply, is_chat_model=True)
    agent = ReActAgent(llm=model, streaming=False, tools=[*spec.to_tool_list(["sn90_plain"])])
    answer, results = await run(agent)
    assert (answer, results[0].tool_output.is_error) == ("Done.", False)
    assert tool_of(spec, "sn90_plain").metadata.fn_schema_str in prompts[0]
    assert results[0].tool_output.content in prompts[1]


async def test_a_run_that_is_cancelled_cancels_the_call(
    spec: OrchestraToolSpec, client: LedgerClient, hard: Sandbox
) -> None:
    """Ours: down to the wire, and the receipt says so."""
    agent = agent_of(Script([("sn90_plain", QUERY)]), tools=spec.to_tool_list())
    with hard.faults("sn90_plain", "timeout"):
        before = hard.calls.get("sn90_plain", 0)
        handler = agent.run(user_msg="What is new?")
        async with asyncio.timeout(30):
            while hard.calls.get("sn90_plain", 0) == before:
                await asyncio.sleep(0.01)
        await handler.cancel_run()
        async with asyncio.timeout(30):
            while (receipt := client.session.executor.journal.latest_receipt()) is None:
                await asyncio.sleep(0.01)
    assert receipt["outcome"] == "cancelled"
    with pytest.raises(WorkflowCancelledByUser):
        await handler


async def test_results_can_be_stored(spec: OrchestraToolSpec) -> None:
    """LlamaIndex keeps those of a run in its context, and a context may be written down in the middle."""
    _, (result, wrong) = await run(
        agent_of(Script([("sn90_plain", QUERY), ("sn90_plain", {})]), tools=spec.to_tool_list())
    )
    stored = JsonSerializer()
    for each in (result, wrong):
        again = stored.deserialize(stored.serialize(each))
        assert again.tool_output.raw_output == each.tool_output.raw_output
        assert again.tool_output.content == each.tool_output.content


def test_tools_can_be_indexed(spec: OrchestraToolSpec) -> None:
    """LlamaIndex's own retrieval over tools, for those who have embeddings."""
    mapping = SimpleToolNodeMapping.from_objects(spec.to_tool_list())
    node = mapping.to_node(tool_of(spec, "sn90_plain"))
    assert "Answers questions about plain" in node.get_content()
    assert mapping.from_node(node).metadata.get_name() == "sn90_plain"
