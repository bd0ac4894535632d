"""What is special to Haystack; the rest is in the contract."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from haystack import Pipeline, component
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.core.errors import SerializationError
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.tools import SearchableToolset
from haystack.tools.errors import ToolInvocationError
from haystack.tools.from_function import create_tool_from_function

from haystack_orchestra import OrchestraToolset
from orchestra_tools.client import LedgerClient
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import Reply
from tests.contract.driver import Call
from tests.contract.drivers.haystack import ScriptedGenerator, results_in

pytestmark = pytest.mark.slow
TAO = {"query": "tao"}
HELLO = [ChatMessage.from_user("Hello")]
TOLD: list[Reply] = []


def tell(reply: Reply) -> None:
    """A callback that Haystack can save: it has a name in a module."""
    TOLD.append(reply)


@component
class Parallel:
    """Makes all of its calls in one turn."""

    def __init__(self, *turns: Call) -> None:
        self.turns = turns

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], tools: Any = None) -> dict[str, Any]:
        calls = [ToolCall(turn.tool, dict(turn.arguments), id=turn.tool) for turn in self.turns]
        done = results_in(messages)
        return {
            "replies": [ChatMessage.from_assistant("Done.") if done else ChatMessage.from_assistant(tool_calls=calls)]
        }


def names(toolset: OrchestraToolset) -> list[str]:
    return [tool.name for tool in toolset]


def run(toolset: Any, *turns: Call, **options: Any) -> dict[str, Any]:
    """Let an agent make some calls, one after the other."""
    result: dict[str, Any] = Agent(chat_generator=ScriptedGenerator(turns, "Done."), tools=toolset, **options).run(
        HELLO
    )
    return result


def told(messages: Sequence[ChatMessage]) -> dict[str, tuple[Any, bool]]:
    """What each tool gave, by its name."""
    results = [result for message in messages for result in message.tool_call_results]
    return {result.origin.tool_name: (result.result, result.error) for result in results}


def test_conditions_decide_what_is_offered(sandbox: Sandbox) -> None:
    """The words are those of every host."""
    toolset = OrchestraToolset(sandbox.ledger, subnets=["SN22"], capabilities="web_search")
    assert names(toolset) == list(toolset.offer.tools)
    assert "sn22_web_search" in toolset
    assert "sn22_x_trends" not in toolset


def test_a_changed_ledger_shows_in_the_next_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """Agents warm their tools up at the start of each run. Tools that did not change are the same objects."""
    path = tmp_path / "ledger.json"
    document = json.loads(sandbox.ledger_path.read_text("utf-8"))
    path.write_text(json.dumps(document), "utf-8")
    toolset = OrchestraToolset(path, subnets="SN22")
    agent = Agent(chat_generator=ScriptedGenerator([], "Done."), tools=toolset)
    before = {tool.name: tool for tool in toolset}
    operations = document["entries"]["SN22"]["operations"]
    del operations["web_search"]
    operations["x_trends"]["description"] = "Lists what is talked about."
    path.write_text(json.dumps(document), "utf-8")
    agent.run(HELLO)
    after = {tool.name: tool for tool in toolset}
    assert set(before) - set(after) == {"sn22_web_search"}
    assert [name for name, tool in after.items() if tool is not before[name]] == ["sn22_x_trends"]
    toolset.close()


def test_a_tool_that_the_program_added_stays(sandbox: Sandbox) -> None:
    """`Toolset.add` is Haystack's own."""

    def greet() -> str:
        """Greets."""
        return "hello"

    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22", search=True)
    toolset.add(create_tool_from_function(greet))
    toolset.warm_up()
    assert names(toolset) == ["find_tools", "describe_tool", "call_tool", "greet"]


def test_three_fixed_tools_reach_a_ledger_of_any_size(sandbox: Sandbox) -> None:
    """`search=True`: find, describe, call."""
    toolset = OrchestraToolset(sandbox.ledger, search=True)
    result = run(toolset, Call("call_tool", {"name": "sn22_web_search", "arguments": TAO}))
    ((text, failed),) = results_in(result["messages"])
    assert not failed
    assert json.loads(text)["data"]


def test_the_search_of_haystack_works_over_it(sandbox: Sandbox) -> None:
    """A catalogue of its `SearchableToolset`."""
    toolset = SearchableToolset(OrchestraToolset(sandbox.ledger, subnets="SN22"))
    result = run(
        toolset,
        Call("search_tools", {"tool_keywords": "search the web", "k": 14}),
        Call("sn22_web_search", TAO),
    )
    assert not told(result["messages"])["sn22_web_search"][1]


def test_a_synchronous_run_makes_its_calls_side_by_side(sandbox: Sandbox) -> None:
    """One that fails takes nothing from the other."""
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
    model = Parallel(Call("sn22_web_search", TAO), Call("sn22_x_trends", {"count": "many"}))
    found = told(Agent(chat_generator=model, tools=toolset).run(HELLO)["messages"])
    assert json.loads(found["sn22_web_search"][0])["data"]
    assert found["sn22_x_trends"][0].startswith("invalid_arguments")
    assert [failed for _, failed in found.values()] == [False, True]


async def test_a_synchronous_run_works_where_a_loop_is_running(sandbox: Sandbox) -> None:
    """As in a notebook."""
    result = run(OrchestraToolset(sandbox.ledger, subnets="SN22"), Call("sn22_web_search", TAO))
    assert not told(result["messages"])["sn22_web_search"][1]


def test_parts_of_an_answer_go_into_the_state(sandbox: Sandbox) -> None:
    """Programs find receipts there, of the calls that were answered."""
    toolset = OrchestraToolset(
        sandbox.ledger,
        subnets="SN22",
        outputs_to_state={"receipts": {"source": "receipt"}, "found": {"source": "data"}},
    )
    turns = [Call("sn22_web_search", TAO), Call("sn22_web_search", {}), Call("sn22_web_search", {"query": "gpu"})]
    result = run(toolset, *turns, state_schema={"receipts": {"type": list}, "found": {"type": dict}})
    assert [receipt["outcome"] for receipt in result["receipts"]] == ["ok", "ok"]
    assert result["found"]["data"]


def test_an_agent_may_raise_what_failed(sandbox: Sandbox) -> None:
    """With the ledger's words, and its error as the cause."""
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
    with (
        sandbox.faults("sn22_web_search", "server_error"),
        pytest.raises(ToolInvocationError, match=r"^upstream_error: ") as raised,
    ):
        run(toolset, Call("sn22_web_search", TAO), raise_on_tool_invocation_failure=True)
    assert raised.value.tool_name == "sn22_web_search"
    assert getattr(raised.value.__cause__, "code", None) == "upstream_error"


def test_a_pipeline_with_the_toolset_is_saved_and_loaded(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger's place and the conditions are saved; the loaded one offers the same and tells the same callback."""
    monkeypatch.setenv("OPENAI_API_KEY", "no-key")
    monkeypatch.setenv("ORCHESTRA_KEY_SN22", "a-key-that-stays-here")
    toolset = OrchestraToolset(
        sandbox.ledger_path,
        on_reply=tell,
        audience={"consumer", "compute"},
        subnets=(f"SN{netuid}" for netuid in range(60)),
        max_cost=Decimal("0.5"),
    )
    pipeline = Pipeline()
    pipeline.add_component("agent", Agent(chat_generator=OpenAIChatGenerator(), tools=toolset))
    text = pipeline.dumps()
    assert "a-key-that-stays-here" not in text
    loaded: Any = Pipeline.loads(text, allowed_modules=["haystack_orchestra.*", "tests.*", __name__])
    again: OrchestraToolset = loaded.get_component("agent").tools
    assert names(again) == names(toolset) != []
    assert again.to_dict() == toolset.to_dict()
    TOLD.clear()
    with pytest.raises(ToolInvocationError):
        again[0].invoke(self="is no argument of it")
    assert [reply.code for reply in TOLD] == ["invalid_arguments"]


def test_without_a_ledger_the_environment_says_which_when_it_is_loaded(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when it was made."""
    monkeypatch.setenv("ORCHESTRA_LEDGER", str(sandbox.ledger_path))
    saved = OrchestraToolset(search=True).to_dict()
    assert saved["data"] == {"ledger": None, "on_reply": None, "search": True, "outputs_to_state": None}
    loaded = OrchestraToolset.from_dict(saved)
    assert loaded.offer.session.live.source.name == str(sandbox.ledger_path)
    assert names(loaded) == ["find_tools", "describe_tool", "call_tool"]


class Silent(SimpleHTTPRequestHandler):
    """Serves the files of a folder."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # named so by the base class
        pass


def test_a_key_in_a_url_is_not_saved(sandbox: Sandbox) -> None:
    """Neither its user nor its query; `ORCHESTRA_API_KEY` is for keys."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(sandbox.ledger_path.parent))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        place = f"127.0.0.1:{server.server_port}/{sandbox.ledger_path.name}"
        toolset = OrchestraToolset(f"http://user:secret@{place}?token=secret")
        assert toolset.to_dict()["data"]["ledger"] == f"http://{place}"
        server.shutdown()
        thread.join()


def test_a_toolset_over_something_open_is_not_saved(sandbox: Sandbox) -> None:
    """Nobody could open it again. Neither is a tool on its own."""
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22")
    with pytest.raises(SerializationError, match="LedgerClient cannot be saved"):
        toolset.to_dict()
    with pytest.raises(SerializationError, match="sn22_ai_search cannot be saved alone"):
        toolset[0].to_dict()


def test_a_copied_tool_calls_through_the_same_offer(sandbox: Sandbox) -> None:
    """Connections, budget and callback are shared."""
    replies: list[Reply] = []
    toolset = OrchestraToolset(sandbox.ledger, subnets="SN22", on_reply=replies.append)
    tools = {tool.name: copy.deepcopy(tool) for tool in toolset}
    assert tools["sn22_web_search"].invoke(**TAO)["data"]["data"]
    assert [reply.tool for reply in replies] == ["sn22_web_search"]


async def test_closing_twice_does_nothing(sandbox: Sandbox) -> None:
    """Haystack asks for that. A client that was given stays open."""
    with LedgerClient(sandbox.ledger_path) as client:
        toolset = OrchestraToolset(client, subnets="SN22")
        agent = Agent(chat_generator=ScriptedGenerator([], "Done."), tools=toolset)
        agent.close()
        await agent.close_async()
        assert client.call("sn22_web_search", TAO).data
