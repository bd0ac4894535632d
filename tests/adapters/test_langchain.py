"""LangChain: the toolkit and its tools."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, BaseToolkit
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

import langchain_orchestra
from langchain_orchestra import OrchestraTool, OrchestraToolkit
from langchain_orchestra.tool import make_tools
from orchestra_tools.client import LedgerClient, Offer
from orchestra_tools.errors import ConfigurationError, UnknownSubnetError
from orchestra_tools.exports import define
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import Reply
from tests.contract.cases import CASES, document
from tests.contract.drivers.langchain import ScriptedModel, calling

pytestmark = pytest.mark.slow
QUERY = {"query": "tao"}


@pytest.fixture(scope="module")
def hard() -> Iterator[Sandbox]:
    """A sandbox of the contract's ledger."""
    with Sandbox(ledger_from_document(document(), source="cases")) as running:
        yield running


@pytest.fixture
def ledger(sandbox: Sandbox, tmp_path: Path) -> Iterator[LedgerClient]:
    """A client with a journal, circuits and a ledger file of its own."""
    path = tmp_path / "ledger.json"
    path.write_bytes(sandbox.ledger_path.read_bytes())
    with LedgerClient(path, environment={"ORCHESTRA_HOME": str(tmp_path / "home")}) as client:
        yield client


@pytest.fixture
def search(ledger: LedgerClient) -> BaseTool:
    return tools_of(OrchestraToolkit(ledger, subnets="SN22"))["sn22_web_search"]


def tools_of(toolkit: OrchestraToolkit) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in toolkit.get_tools()}


def called(tool: BaseTool, arguments: Mapping[str, Any], call_id: str = "call_1") -> dict[str, Any]:
    return {"name": tool.name, "args": dict(arguments), "id": call_id, "type": "tool_call"}


def edit(ledger: LedgerClient, change: Any) -> None:
    """Change the ledger's file."""
    path = Path(ledger.session.live.source.name)
    content = json.loads(path.read_text("utf-8"))
    change(content["entries"]["SN22"]["operations"])
    path.write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"subnets": ["SN22", 6]},
        {"capabilities": "web_*", "audience": "consumer"},
        {"max_cost": 0.001},
        {"max_latency_ms": 5},
        {"min_reliability": 0.5},
        {"read_only": False},
        {"callable_now": True, "audience": ("compute", "operator")},
    ],
    ids=str,
)
def test_conditions_decide_what_is_on_offer(ledger: LedgerClient, conditions: dict[str, Any]) -> None:
    """Ours: they mean what they mean in `Offer`."""
    toolkit = OrchestraToolkit(ledger, **conditions)
    assert isinstance(toolkit, BaseToolkit)
    assert [tool.name for tool in toolkit.get_tools()] == list(Offer(ledger, **conditions).tools)


def test_a_condition_that_names_nothing_is_an_error() -> None:
    """Ours, when the toolkit is made."""
    with pytest.raises(UnknownSubnetError):
        OrchestraToolkit(subnets=["SN999"])


def test_a_ledger_is_opened_from_what_the_environment_says(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours. A toolkit that opened a ledger closes it."""
    monkeypatch.setenv("ORCHESTRA_LEDGER", str(sandbox.ledger_path))
    toolkit = OrchestraToolkit(subnets=["SN22"])
    search = tools_of(toolkit)["sn22_web_search"]
    assert json.loads(search.invoke(QUERY))["data"]
    toolkit.close()
    with pytest.raises(ConfigurationError, match="closed"):
        search.invoke(QUERY)


async def test_the_asynchronous_methods_give_the_same(ledger: LedgerClient) -> None:
    """Ours."""
    toolkit = OrchestraToolkit(ledger, subnets=[22])
    assert [tool.name for tool in await toolkit.aget_tools()] == [tool.name for tool in toolkit.get_tools()]
    assert not await toolkit.arefresh()


def test_a_refresh_says_what_changed(ledger: LedgerClient) -> None:
    """Ours. Tools that are there already tell models the old, and call the new."""
    toolkit = OrchestraToolkit(ledger, subnets="SN22")
    before = tools_of(toolkit)

    def change(operations: dict[str, Any]) -> None:
        operations["web_find"] = {**operations["web_search"], "description": "Finds pages."}
        operations["x_search"]["description"] = "Finds posts."
        del operations["x_trends"]

    edit(ledger, change)
    diff = toolkit.refresh()
    assert (diff.added, diff.changed, diff.removed) == (("sn22_web_find",), ("sn22_x_search",), ("sn22_x_trends",))
    after = tools_of(toolkit)
    assert after.keys() ^ before.keys() == {"sn22_web_find", "sn22_x_trends"}
    assert "Finds posts." in after["sn22_x_search"].description
    gone = before["sn22_x_trends"].invoke(called(before["sn22_x_trends"], {"woeid": 1}))
    assert gone.artifact["error"]["error"] == "unknown_tool"


def test_a_tool_that_is_lost_while_the_list_is_made_is_left_out(ledger: LedgerClient) -> None:
    """Ours: a watcher may change the ledger at any time."""
    offer = Offer(ledger, subnets="SN22")
    definitions = offer.definitions()
    edit(ledger, lambda operations: operations.pop("x_trends"))
    offer.refresh()
    names = [tool.name for tool in make_tools(offer, definitions)]
    assert names == [each.name for each in definitions if each.name != "sn22_x_trends"]


def test_schemas_are_json_schema_as_models_are_shown_it(hard: Sandbox) -> None:
    """Ours: in `args_schema` too, which langchain-google-genai shows its models."""
    toolkit = OrchestraToolkit(hard.ledger)
    for tool in toolkit.get_tools():
        definition = define(hard.ledger.session.toolset.tools[tool.name])
        assert tool.args_schema == definition.input_schema == tool.get_input_jsonschema()
        assert tool.tool_call_schema == {**definition.input_schema, "description": definition.description}
        assert tool.args == definition.input_schema["properties"]
        assert tool.description == definition.description
        assert tool.metadata is not None
        assert tool.metadata["input_schema"] == hard.ledger.session.toolset.tools[tool.name].input_schema
    choice = tools_of(toolkit)["sn90_root_choice"]
    assert "oneOf" not in choice.args
    assert "exactly one of" in choice.description
    assert choice.metadata is not None
    assert "oneOf" in choice.metadata["input_schema"]


def test_langchain_inlines_references_and_cuts_where_a_schema_refers_to_itself(hard: Sandbox) -> None:
    """LangChain's doing, said in the docs page; when it stops, the docs and the driver's `rewrites` are mended."""
    tool = tools_of(OrchestraToolkit(hard.ledger))["sn90_recursive"]
    shown = convert_to_openai_tool(tool)["function"]["parameters"]
    node = shown["properties"]["tree"]
    assert "$defs" not in shown
    assert node["properties"]["label"] == {"type": "string"}
    assert node["properties"]["children"] == {"type": "array", "items": {}}


def test_metadata_has_the_facts_of_a_tool(ledger: LedgerClient, search: BaseTool) -> None:
    """Ours, issue 3: the output schema too, which LangChain has no place for."""
    assert search.metadata is not None
    assert search.metadata == Offer(ledger).facts("sn22_web_search")
    for key in ("output_schema", "subnet", "capabilities", "cost", "read_only", "statistics", "digest"):
        assert key in search.metadata


async def test_a_tool_call_gives_a_message_with_an_artifact(ledger: LedgerClient, search: BaseTool) -> None:
    """Ours: the text for the model, the data, cost, statistics and receipt for the program."""
    for message in (search.invoke(called(search, QUERY)), await search.ainvoke(called(search, QUERY))):
        assert isinstance(message, ToolMessage)
        assert (message.status, message.tool_call_id, message.name) == ("success", "call_1", "sn22_web_search")
        assert json.loads(message.text) == message.artifact["data"]
        assert message.artifact.keys() == Reply("x").artifact().keys()
        receipt = ledger.session.executor.journal.receipt(message.artifact["receipt"]["id"])
        assert message.artifact["receipt"] == receipt


async def test_plain_arguments_give_the_content(search: BaseTool) -> None:
    """LangChain's promise, for results and for errors."""
    assert json.loads(search.invoke(QUERY))["data"]
    assert json.loads(await search.ainvoke(QUERY))["data"]
    assert search.invoke({}).startswith("invalid_arguments")


async def test_a_failure_keeps_its_artifact(sandbox: Sandbox, search: BaseTool) -> None:
    """Ours: LangChain drops the artifact of a tool that raises."""
    with sandbox.faults("sn22_web_search", "status:500"):
        for message in (search.invoke(called(search, QUERY)), await search.ainvoke(called(search, QUERY))):
            assert message.status == "error"
            assert message.artifact["outcome"] == "server_error"
            assert message.artifact["receipt"]["id"]


def test_a_text_is_no_arguments(search: BaseTool) -> None:
    """LangChain takes a text for tools with a Pydantic schema only; the core says what is wrong with it."""
    assert "is not of type object" in search.invoke("tao")


@pytest.mark.parametrize("plain", [True, False])
async def test_an_argument_named_type_is_an_argument(hard: Sandbox, plain: bool) -> None:
    """LangChain takes a dictionary whose `type` is "tool_call" for a call."""
    tool = tools_of(OrchestraToolkit(hard.ledger))["sn90_colliding"]
    arguments = {**CASES["colliding"].good, "args": "value of args", "type": "tool_call"}
    if plain:
        del arguments["args"]  # with it nobody can tell them apart
    given = arguments if plain else called(tool, arguments)
    for told in (tool.invoke(given), await tool.ainvoke(given)):
        assert "answer" in json.loads(told if plain else told.text)


async def test_a_synchronous_call_works_inside_a_running_loop(search: BaseTool) -> None:
    """As in a notebook, or in a graph that is run synchronously from asynchronous code."""
    assert search.invoke(called(search, QUERY)).status == "success"


async def test_calls_run_side_by_side(search: BaseTool) -> None:
    """LangChain's batch methods and an agent's parallel calls."""
    calls: list[Any] = [called(search, {"query": f"tao {number}"}, f"call_{number}") for number in range(20)]
    for messages in (
        search.batch(calls),
        await search.abatch(calls),
        await asyncio.gather(*(search.ainvoke(call) for call in calls)),
    ):
        assert [message.tool_call_id for message in messages] == [call["id"] for call in calls]
        assert {message.status for message in messages} == {"success"}


def test_a_program_may_hear_of_every_reply(ledger: LedgerClient) -> None:
    """Ours: `on_reply`."""
    heard: list[Reply] = []
    toolkit = OrchestraToolkit(ledger, on_reply=heard.append)
    tools_of(toolkit)["sn22_web_search"].invoke(QUERY)
    assert [reply.tool for reply in heard] == ["sn22_web_search"]


def test_callbacks_are_told_of_arguments_facts_and_results(search: BaseTool) -> None:
    """LangChain's promise to whoever traces."""
    told: dict[str, Any] = {}

    class Listener(BaseCallbackHandler):
        def on_tool_start(self, serialized: dict[str, Any], input_str: str, **kwargs: Any) -> None:
            told["inputs"], told["metadata"] = kwargs["inputs"], kwargs["metadata"]

        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            told["output"] = output

    message = search.invoke(called(search, QUERY), config={"callbacks": [Listener()]})
    assert told["inputs"] == QUERY
    assert told["metadata"]["subnet"] == "SN22"
    assert told["output"] is message


def test_a_copy_calls_the_same_tool_under_its_new_name(search: BaseTool) -> None:
    """Users rename tools, and graphs copy them: connections and budget are shared."""
    renamed = copy.deepcopy(search).model_copy(update={"name": "search", "description": "Search."})
    message = renamed.invoke(called(renamed, QUERY))
    assert (message.name, message.artifact["tool"]) == ("search", "sn22_web_search")
    assert isinstance(renamed.tool_call_schema, dict)
    assert renamed.tool_call_schema["description"] == "Search."
    assert json.loads(renamed.model_dump_json())["name"] == "search"


async def test_three_fixed_tools_find_read_and_call_the_others(ledger: LedgerClient) -> None:
    """Ours, within the conditions of the toolkit."""
    find, describe, call = OrchestraToolkit(ledger, subnets="SN22").search_tools()
    found = await find.ainvoke(called(find, {"query": "search the web"}))
    name = found.artifact["data"]["tools"][0]["name"]
    assert json.loads(describe.invoke({"name": name}))["subnet"].startswith("SN22")
    message = call.invoke(called(call, {"name": "sn22_web_search", "arguments": QUERY}))
    assert message.artifact["outcome"] == "ok"
    refused = call.invoke(called(call, {"name": "sn6_leaderboard", "arguments": {}}))
    assert refused.artifact["error"]["error"] == "unknown_tool"
    assert find.metadata is not None
    assert (find.metadata["read_only"], find.metadata["output_schema"]) == (True, None)


async def test_artifacts_survive_a_checkpoint(search: BaseTool) -> None:
    """They are JSON values, so a stored conversation has them too."""
    model = ScriptedModel(turns=[calling(("sn22_web_search", QUERY)), AIMessage("done")])
    agent = create_agent(model, [search], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    await agent.ainvoke({"messages": [HumanMessage("search")]}, config)
    (stored,) = [each for each in (await agent.aget_state(config)).values["messages"] if isinstance(each, ToolMessage)]
    assert stored.artifact["outcome"] == "ok"


def test_a_call_waits_for_approval(search: BaseTool) -> None:
    """LangChain's own middleware; whoever approves may change the arguments, which are checked as ever."""
    model = ScriptedModel(turns=[calling(("sn22_web_search", QUERY)), AIMessage("done")])
    agent = create_agent(
        model,
        [search],
        middleware=[HumanInTheLoopMiddleware(interrupt_on={search.name: True})],
        checkpointer=InMemorySaver(),
    )
    config: Any = {"configurable": {"thread_id": "1"}}
    asked = agent.invoke({"messages": [HumanMessage("search")]}, config)
    assert not [message for message in asked["messages"] if isinstance(message, ToolMessage)]
    edited = {"type": "edit", "edited_action": {"name": "sn22_web_search", "args": {"query": 3}}}
    done = agent.invoke(Command(resume={"decisions": [edited]}), config)
    (told,) = [message for message in done["messages"] if isinstance(message, ToolMessage)]
    assert "/query" in told.text


def test_what_is_overridden_is_still_what_langchain_calls() -> None:
    """Ours: names with an underscore may change in any release."""
    assert list(inspect.signature(BaseTool._to_args_and_kwargs).parameters) == ["self", "tool_input", "tool_call_id"]
    for name in ("run", "arun"):
        source = inspect.getsource(getattr(BaseTool, name))
        assert "self._to_args_and_kwargs(" in source
        assert "*tool_args, **tool_kwargs" in source


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_package_needs_langchain_for_its_middleware_only() -> None:
    """Ours: toolkit and tools serve whoever has langchain-core, as LangGraph's users."""
    script = """
import sys
sys.modules["langchain"] = None
from langchain_orchestra import OrchestraToolkit
print(len(OrchestraToolkit(subnets=["SN22"]).search_tools()))
for module in ("langchain_orchestra", "langchain_orchestra.middleware"):
    try:
        __import__(module, fromlist=["OrchestraMiddleware"]).OrchestraMiddleware
    except ImportError as error:
        print(error)
"""
    count, *told = run(script).splitlines()
    assert count == "3"
    assert len(told) == 2
    assert all('pip install "orchestra-tools[langchain]"' in each for each in told)


def test_importing_the_package_does_not_import_langchain() -> None:
    """It takes a second."""
    assert run("import sys, langchain_orchestra; print('langchain' in sys.modules)") == "False"


def test_the_package_says_what_it_has() -> None:
    """The middleware too, which is imported at its first use."""
    assert set(langchain_orchestra.__all__) <= set(dir(langchain_orchestra))
    assert all(getattr(langchain_orchestra, name) for name in langchain_orchestra.__all__)
    assert langchain_orchestra.OrchestraTool is OrchestraTool
    with pytest.raises(AttributeError, match="no attribute 'Toolkit'"):
        langchain_orchestra.Toolkit  # noqa: B018
