"""LangChain: the middleware that offers an agent the right tools at each call of its model."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_orchestra import OrchestraMiddleware, OrchestraToolkit
from orchestra_tools.client import LedgerClient, Offer, open_session
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.model import Ledger
from orchestra_tools.registry import LedgerSource, packaged_ledger
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import Reply
from tests.contract.drivers.langchain import ScriptedModel, calling

pytestmark = pytest.mark.slow
WEB = "Search the web for GPU cloud prices"
QUERY = {"query": "gpu cloud prices"}
Ask = Callable[..., Awaitable[list[AnyMessage]]]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.fixture
def ledger(sandbox: Sandbox, tmp_path: Path) -> Iterator[LedgerClient]:
    """A client with a journal, circuits and a ledger file of its own."""
    path = tmp_path / "ledger.json"
    path.write_bytes(sandbox.ledger_path.read_bytes())
    with LedgerClient(path, environment={"ORCHESTRA_HOME": str(tmp_path / "home")}) as client:
        yield client


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Run an agent on messages, synchronously and asynchronously; gives all messages at the end."""

    async def run(agent: Any, *messages: AnyMessage | str) -> list[AnyMessage]:
        given = {"messages": [HumanMessage(each) if isinstance(each, str) else each for each in messages]}
        state = agent.invoke(given) if request.param == "sync" else await agent.ainvoke(given)
        said: list[AnyMessage] = state["messages"]
        return said

    return run


def agent_of(model: ScriptedModel, middleware: AgentMiddleware[Any, Any, Any], tools: Sequence[Any] = ()) -> Any:
    return create_agent(model, list(tools), middleware=[middleware])


def told(messages: Sequence[AnyMessage]) -> list[ToolMessage]:
    return [message for message in messages if isinstance(message, ToolMessage)]


def edit(ledger: LedgerClient, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the operations of SN22 in the ledger's file; nobody is told."""
    path = Path(ledger.session.live.source.name)
    content = json.loads(path.read_text("utf-8"))
    change(content["entries"]["SN22"]["operations"])
    path.write_text(json.dumps(content), "utf-8")


async def test_a_model_is_offered_what_the_ledger_finds_for_the_user(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: what `Offer.search` gives, in the ledger's order, and can be called though no agent knew it."""
    model = ScriptedModel(turns=[calling(("sn22_web_search", QUERY)), AIMessage("done")])
    offer = Offer(ledger, audience="consumer")
    found = {each.name for each in offer.search(WEB, limit=8)}
    messages = await ask(agent_of(model, OrchestraMiddleware(ledger, audience="consumer")), WEB)
    assert "sn22_web_search" in found
    assert list(model.shown[0]) == [name for name in offer.tools if name in found]
    assert [each.artifact["outcome"] for each in told(messages)] == ["ok"]
    assert messages[-1].text == "done"


async def test_at_most_so_many_are_offered(ledger: LedgerClient, ask: Ask) -> None:
    """Ours; the limit is for what is found."""
    model = ScriptedModel(turns=[AIMessage("done")])
    await ask(agent_of(model, OrchestraMiddleware(ledger, limit=2)), WEB)
    assert len(model.shown[0]) == 2


@pytest.mark.parametrize("text", ["Hello there!", "  ", ""])
async def test_nothing_is_offered_where_nothing_fits(ledger: LedgerClient, ask: Ask, text: str) -> None:
    """Ours: the agent keeps its own tools."""
    model = ScriptedModel(turns=[AIMessage("Hello!")])
    await ask(agent_of(model, OrchestraMiddleware(ledger), [add]), text)
    assert list(model.shown[0]) == ["add"]


async def test_a_conversation_without_its_user_is_looked_at_all_the_same(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: others may have cut it short."""
    model = ScriptedModel(turns=[AIMessage("done")])
    messages = [calling(("sn22_web_search", QUERY)), ToolMessage("[]", tool_call_id="call_1")]
    await ask(agent_of(model, OrchestraMiddleware(ledger)), *messages)
    assert list(model.shown[0]) == ["sn22_web_search"]


async def test_a_message_in_blocks_is_read_as_text(ledger: LedgerClient, ask: Ask) -> None:
    """LangChain's messages may hold several blocks, images among them."""
    image = {"type": "image", "url": "https://example.com/a.png"}
    model = ScriptedModel(turns=[AIMessage("done")])
    await ask(agent_of(model, OrchestraMiddleware(ledger)), HumanMessage([{"type": "text", "text": WEB}, image]))
    assert "sn22_web_search" in model.shown[0]


async def test_the_tools_of_the_agent_stay(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: functions, the provider's own, and tools of a toolkit, which are not offered twice."""
    known = OrchestraToolkit(ledger, capabilities="web_search", subnets="SN22").get_tools()
    builtin = {"type": "function", "function": {"name": "provider_tool", "parameters": {"type": "object"}}}
    model = ScriptedModel(turns=[calling(("add", {"a": 1, "b": 2}), ("sn22_web_search", QUERY)), AIMessage("3")])
    messages = await ask(agent_of(model, OrchestraMiddleware(ledger), [add, builtin, *known]), WEB)
    assert {"add", "provider_tool", "sn22_web_search"} < model.shown[0].keys()
    assert len(model._shown[0]) == len(model.shown[0])
    assert [each.status for each in told(messages)] == ["success", "success"]
    assert told(messages)[0].text == "3"


async def test_tools_called_already_stay_on_offer(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: also in a conversation that another process began."""
    before = [
        HumanMessage(WEB),
        calling(("sn22_web_search", QUERY)),
        ToolMessage("[]", tool_call_id="call_1"),
        AIMessage("There are none."),
    ]
    model = ScriptedModel(turns=[calling(("sn22_web_search", QUERY)), AIMessage("None either.")])
    messages = await ask(agent_of(model, OrchestraMiddleware(ledger)), *before, "And yesterday?")
    assert [list(each) for each in model.shown] == [["sn22_web_search"]] * 2
    assert told(messages)[-1].artifact["outcome"] == "ok"


async def test_what_a_model_looks_for_itself_is_offered_next(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: with the three fixed tools, natively from then on; what was called through them stays as well."""
    turns = [
        calling(("find_tools", {"query": "search the web"}), ("find_tools", {"query": ["no", "text"]})),
        calling(
            ("call_tool", {"name": "sn6_leaderboard", "arguments": {}}), ("describe_tool", {"name": ["no", "name"]})
        ),
        AIMessage("done"),
    ]
    model = ScriptedModel(turns=turns)
    middleware = OrchestraMiddleware(ledger, search_tools=True, limit=3)
    messages = await ask(agent_of(model, middleware), "Help me")
    fixed = ["find_tools", "describe_tool", "call_tool"]
    first, second, third = (list(each) for each in model.shown)
    assert first == fixed
    assert second[:3] == fixed
    assert "sn22_web_search" in second
    assert len(second) <= 6
    assert set(third) == {*second, "sn6_leaderboard"}
    assert [each.status for each in told(messages)] == ["success", "error", "success", "error"]


async def test_every_text_gets_its_best_tools(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: what the model looks for does not push out what the user asked for."""
    model = ScriptedModel(turns=[calling(("find_tools", {"query": "detect images made by AI"})), AIMessage("done")])
    middleware = OrchestraMiddleware(ledger, search_tools=True, limit=2)
    await ask(agent_of(model, middleware), WEB)
    offer = Offer(ledger)
    best = {offer.search(text, limit=1)[0].name for text in (WEB, "detect images made by AI")}
    assert model.shown[1].keys() - {"find_tools", "describe_tool", "call_tool"} == best


async def test_changes_of_the_ledger_are_taken_over_between_calls(ledger: LedgerClient, ask: Ask) -> None:
    """Ours, issue 3: a tool comes, a tool goes, and a call of one that is gone says so."""

    class Editor(AgentMiddleware):
        """The world changes after the first answer of the model."""

        changes: list[Callable[[dict[str, Any]], Any]]

        def after_model(self, state: Any, runtime: Any) -> None:
            if self.changes:
                edit(ledger, self.changes.pop(0))

    def change(operations: dict[str, Any]) -> None:
        operations["web_find"] = {**operations["web_search"], "description": "Searches the web for GPU cloud prices."}
        del operations["web_search"]

    editor = Editor()
    editor.changes = [change]
    turns = [
        calling(("sn22_web_search", QUERY)),
        calling(("sn22_web_search", QUERY)),
        calling(("sn22_web_find", QUERY)),
        AIMessage("done"),
    ]
    model = ScriptedModel(turns=turns)
    agent = create_agent(model, [], middleware=[OrchestraMiddleware(ledger, subnets="SN22"), editor])
    messages = await ask(agent, WEB)
    assert ["sn22_web_search" in each for each in model.shown] == [True, False, False, False]
    assert ["sn22_web_find" in each for each in model.shown] == [False, True, True, True]
    outcomes = [each.artifact["outcome"] or each.artifact["error"]["error"] for each in told(messages)]
    # The first call is made with the ledger as it was when the model chose.
    assert outcomes == ["ok", "unknown_tool", "ok"]


async def test_what_is_not_on_offer_is_left_to_the_agent(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: names that the model made up, and tools that the conditions leave out."""
    model = ScriptedModel(turns=[calling(("sn6_leaderboard", {}), ("subtract", {"a": 1})), AIMessage("done")])
    messages = await ask(agent_of(model, OrchestraMiddleware(ledger, subnets="SN22"), [add]), WEB)
    assert [each.status for each in told(messages)] == ["error", "error"]
    assert all("is not a valid tool, try one of [add]" in each.text for each in told(messages))


async def test_a_tool_on_offer_is_called_though_it_was_not_shown(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: a model may know it from before."""
    model = ScriptedModel(turns=[calling(("sn6_leaderboard", {})), AIMessage("done")])
    messages = await ask(agent_of(model, OrchestraMiddleware(ledger)), "Hello there!")
    assert model.shown[0] == {}
    assert told(messages)[0].artifact["outcome"] == "ok"


async def test_another_middleware_may_bring_tools_of_its_own(ledger: LedgerClient, ask: Ask) -> None:
    """Ours: a name that the ledger does not have is not touched."""

    class Adder(AgentMiddleware):
        def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[..., Any]) -> ModelResponse[Any]:
            return handler(request.override(tools=[*request.tools, add]))

        async def awrap_model_call(self, request: ModelRequest[Any], handler: Callable[..., Any]) -> ModelResponse[Any]:
            return await handler(request.override(tools=[*request.tools, add]))

        def wrap_tool_call(self, request: Any, handler: Callable[..., Any]) -> Any:
            mine = request.tool is None and request.tool_call["name"] == "add"
            return handler(request.override(tool=add) if mine else request)

        async def awrap_tool_call(self, request: Any, handler: Callable[..., Any]) -> Any:
            mine = request.tool is None and request.tool_call["name"] == "add"
            return await handler(request.override(tool=add) if mine else request)

    for order in (1, -1):
        middleware: list[Any] = [OrchestraMiddleware(ledger), Adder()][::order]
        model = ScriptedModel(turns=[calling(("add", {"a": 1, "b": 2}), ("sn22_web_search", QUERY)), AIMessage("3")])
        messages = await ask(create_agent(model, [], middleware=middleware), WEB)
        assert {"add", "sn22_web_search"} < model.shown[0].keys()
        assert [each.status for each in told(messages)] == ["success", "success"]


async def test_a_call_of_an_offered_tool_waits_for_approval(ledger: LedgerClient) -> None:
    """LangChain's own middleware, with tools it did not know either."""
    model = ScriptedModel(turns=[calling(("sn22_web_search", QUERY)), AIMessage("done")])
    approval = HumanInTheLoopMiddleware(interrupt_on={"sn22_web_search": True})
    middleware: list[Any] = [OrchestraMiddleware(ledger), approval]
    agent: Any = create_agent(model, [], middleware=middleware, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    asked = await agent.ainvoke({"messages": [HumanMessage(WEB)]}, config)
    assert not told(asked["messages"])
    done = await agent.ainvoke(Command(resume={"decisions": [{"type": "approve"}]}), config)
    assert told(done["messages"])[0].artifact["outcome"] == "ok"


async def test_in_asynchronous_code_the_ledger_is_read_in_a_thread(tmp_path: Path) -> None:
    """Ours: its server may be far away."""
    threads: set[threading.Thread] = set()

    class Source(LedgerSource):
        @property
        def name(self) -> str:
            return "watched"

        def load(self) -> Ledger:
            return packaged_ledger()

        def fingerprint(self) -> str:
            threads.add(threading.current_thread())
            return ""

    session = open_session(Source(), environment={"ORCHESTRA_HOME": str(tmp_path / "home")})
    model = ScriptedModel(turns=[AIMessage("done")])
    agent = agent_of(model, OrchestraMiddleware(session))
    threads.clear()
    await agent.ainvoke({"messages": [HumanMessage(WEB)]})
    assert threads
    assert threading.main_thread() not in threads
    await session.close()


def test_replies_are_told_and_closing_ends_synchronous_calls(ledger: LedgerClient) -> None:
    """Ours, as for every adapter."""
    heard: list[Reply] = []
    middleware = OrchestraMiddleware(ledger, on_reply=heard.append)
    model = ScriptedModel(turns=[calling(("sn22_web_search", QUERY)), AIMessage("done")] * 2)
    agent = agent_of(model, middleware)
    agent.invoke({"messages": [HumanMessage(WEB)]})
    assert [reply.code for reply in heard] == [None]
    middleware.close()
    with pytest.raises(ConfigurationError, match="closed"):
        agent.invoke({"messages": [HumanMessage(WEB)]})
