"""What is special to smolagents; the rest is in the contract."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from smolagents import CodeAgent, ToolCallingAgent
from smolagents.agents import ToolOutput
from smolagents.models import ChatMessage, MessageRole, Model, get_tool_json_schema
from smolagents.monitoring import LogLevel
from smolagents.utils import AgentError

from orchestra_tools.client import LedgerClient
from orchestra_tools.exports.inline import MAX_NODES
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.testing import Sandbox, example_arguments
from orchestra_tools.toolsets import Reply
from smolagents_orchestra import OrchestraToolError, OrchestraTools
from smolagents_orchestra.inputs import Inputs
from tests.contract.cases import CASES
from tests.contract.driver import Call
from tests.contract.drivers.smolagents import ScriptedModel, text_of

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[2]
TAO = {"query": "tao"}


class Coder(Model):
    """Writes the code it is given, one piece in each turn. Keeps what it was told."""

    def __init__(self, *pieces: str) -> None:
        super().__init__(model_id="coder")
        self.pieces = [*pieces]
        self.told: list[str] = []

    def generate(self, messages: list[ChatMessage], *args: Any, **kwargs: Any) -> ChatMessage:
        self.told = [text_of(message) for message in messages]
        return ChatMessage(role=MessageRole.ASSISTANT, content=f"Thought: so.\n<code>\n{self.pieces.pop(0)}\n</code>")


def tools_of(sandbox: Sandbox, **options: Any) -> list[Any]:
    return OrchestraTools(sandbox.ledger, subnets="SN22", **options).tools()


def tool_of(sandbox: Sandbox, name: str, **options: Any) -> Any:
    return {tool.name: tool for tool in tools_of(sandbox, **options)}[name]


def write_code(model: Coder, tools: list[Any]) -> Any:
    agent: Any = CodeAgent(tools=tools, model=model, verbosity_level=LogLevel.OFF)
    return agent.run("Which miners are there?")


def call_tools(model: ScriptedModel, tools: list[Any]) -> list[ToolOutput]:
    agent: Any = ToolCallingAgent(tools=tools, model=model, verbosity_level=LogLevel.OFF)
    events = agent.run("Which miners are there?", stream=True)
    outputs = [event for event in events if isinstance(event, ToolOutput)]
    return [output for output in outputs if output.tool_call.name != "final_answer"]


def parameters_of(tool: Any) -> dict[str, Any]:
    """As every class of models of smolagents sends them."""
    parameters: dict[str, Any] = get_tool_json_schema(tool)["function"]["parameters"]
    return parameters


def shown(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters smolagents shows of an input schema."""

    class Holder:
        name = description = "tool"
        inputs = Inputs(schema)

    return parameters_of(Holder)


def test_conditions_decide_what_is_offered(sandbox: Sandbox) -> None:
    """The words are those of every host."""
    offered = OrchestraTools(sandbox.ledger, subnets=["SN22"], capabilities="web_search")
    names = [tool.name for tool in offered.tools()]
    assert names == list(offered.offer.tools)
    assert "sn22_web_search" in names
    assert "sn22_x_trends" not in names


def test_a_changed_ledger_shows_in_the_next_list(sandbox: Sandbox, tmp_path: Path) -> None:
    """An agent keeps its list; a program gives it the new one."""
    path = tmp_path / "ledger.json"
    document = json.loads(sandbox.ledger_path.read_text("utf-8"))
    path.write_text(json.dumps(document), "utf-8")
    offered = OrchestraTools(path, subnets="SN22")
    del document["entries"]["SN22"]["operations"]["web_search"]
    before = path.read_text("utf-8")
    path.write_text(json.dumps(document), "utf-8")
    model = ScriptedModel([], "Done.")
    agent: Any = ToolCallingAgent(tools=offered.tools(), model=model, verbosity_level=LogLevel.OFF)
    assert "sn22_web_search" not in agent.tools
    path.write_text(before, "utf-8")
    agent.tools |= {tool.name: tool for tool in offered.tools()}
    agent.run("Go.")
    assert "sn22_web_search: Searches" in model.told[0]
    assert "sn22_web_search" in [each["name"] for each in model.shown]
    offered.close()


def test_three_fixed_tools_reach_a_ledger_of_any_size(sandbox: Sandbox) -> None:
    """Find, describe, call; for code as well."""
    tools = OrchestraTools(sandbox.ledger).search_tools()
    assert [tool.name for tool in tools] == ["find_tools", "describe_tool", "call_tool"]
    found = write_code(
        Coder(
            'card = find_tools(query="search the web")["tools"][0]\n'
            'final_answer(call_tool(name="sn22_web_search", arguments={"query": "tao"}))'
        ),
        tools,
    )
    assert found["data"]


def test_code_works_with_the_answers_values(sandbox: Sandbox) -> None:
    """No text to take apart."""
    model = Coder('pages = sn22_web_search(query="tao")["data"]\nfinal_answer([page["title"] for page in pages])')
    titles = write_code(model, tools_of(sandbox))
    assert isinstance(titles, list)
    assert "TAO price today" in titles


def test_code_is_told_what_failed(sandbox: Sandbox) -> None:
    """As an exception, whose text is the ledger's: the model reads it, or the code catches it."""
    replies: list[Reply] = []
    model = Coder(
        "sn22_web_search(limit=3)",
        "try:\n    sn22_web_search(query=3)\nexcept Exception as error:\n    said = str(error)\nprint(said)",
        'final_answer("Done.")',
    )
    assert write_code(model, tools_of(sandbox, on_reply=replies.append)) == "Done."
    first, second = replies
    assert any(f"OrchestraToolError: {first.text}" in text for text in model.told)
    assert any(second.text in text and "Execution logs" in text for text in model.told)


def test_an_exception_has_the_reply(sandbox: Sandbox) -> None:
    """And the ledger's error as its cause. An answer that breaks its schema is one, and has its data."""
    search = tool_of(sandbox, "sn22_web_search")
    with sandbox.faults("sn22_web_search", "server_error"), pytest.raises(OrchestraToolError) as raised:
        search(**TAO)
    assert raised.value.reply.receipt
    assert raised.value.__cause__ is raised.value.reply.error
    with sandbox.faults("sn22_web_search", "drift"), pytest.raises(OrchestraToolError) as raised:
        search(**TAO)
    assert raised.value.reply.code == "drift"
    assert raised.value.reply.data is not None


def test_models_that_write_code_read_the_schemas_whole(sandbox: Sandbox) -> None:
    """In the system prompt, which smolagents makes of it."""
    offered = OrchestraTools(sandbox.ledger, subnets="SN22")
    model = Coder('final_answer("Done.")')
    write_code(model, offered.tools())
    for definition in offered.offer.definitions():
        assert json.dumps(definition.input_schema, ensure_ascii=False, separators=(",", ":")) in model.told[0]
        assert definition.description in model.told[0]
    assert "def sn22_web_search(*, query, start=...) -> object:" in model.told[0]


def test_models_that_call_tools_read_the_schemas_whole(sandbox: Sandbox) -> None:
    """In the system prompt; what models are sent as definitions has no room for them."""
    offered = OrchestraTools(sandbox.ledger, subnets="SN22")
    model = ScriptedModel([], "Done.")
    call_tools(model, offered.tools())
    for definition in offered.offer.definitions():
        assert json.dumps(definition.input_schema, ensure_ascii=False, separators=(",", ":")) in model.told[0]


def test_calls_of_one_step_run_side_by_side(sandbox: Sandbox) -> None:
    """One that fails takes nothing from the other. Programs get the replies themselves."""
    model = ScriptedModel([[Call("sn22_web_search", TAO), Call("sn22_x_trends", {"count": "many"})]], "Done.")
    outputs = {output.tool_call.name: output for output in call_tools(model, tools_of(sandbox))}
    good, bad = outputs["sn22_web_search"], outputs["sn22_x_trends"]
    assert isinstance(good.output, Reply)
    assert good.output.receipt
    assert bad.output.code == "invalid_arguments"
    (told,) = [text for text in model.told if text.startswith("Observation:")]
    assert good.observation in told
    assert bad.output.text in told


async def test_a_call_works_where_a_loop_is_running(sandbox: Sandbox) -> None:
    """As in a notebook."""
    assert tool_of(sandbox, "sn22_web_search")(**TAO)["data"]


def test_arguments_come_by_name_by_place_or_as_one_dictionary(sandbox: Sandbox) -> None:
    """As smolagents' own tools take them; models that write code use all three."""
    search = tool_of(sandbox, "sn22_web_search")
    assert search("tao") == search({"query": "tao"}) == search(query="tao") == search.forward("tao")
    with pytest.raises(TypeError, match="sn22_web_search takes 2 arguments but 3 were given"):
        search("tao", 1, 2)
    with pytest.raises(OrchestraToolError, match="/query: "):
        search({"no": "argument of it"})


@pytest.mark.parametrize("case", ["colliding", "unicode", "nullable"])
def test_code_can_give_any_argument(case: str) -> None:
    """`self`, keywords and names with spaces by way of `**`."""
    with Sandbox(ledger_of({case: CASES[case].schema})) as running:
        (tool,) = OrchestraTools(running.ledger).tools()
        good = json.loads(json.dumps(CASES[case].good))
        assert write_code(Coder(f"final_answer([{tool.name}(**{good!r})])"), [tool]) == [{}]
        prompt = tool.to_code_prompt()
        assert ('**{"other name": ...}' in prompt) == (case != "nullable")
        compile(prompt.replace('**{"other name": ...}', "**other") + "\n    ...", "prompt", "exec")


def test_a_name_with_a_hyphen_becomes_an_identifier() -> None:
    """smolagents takes no other. The ledger is asked for the name it knows."""
    with Sandbox(ledger_of({"get-price": {"type": "object"}})) as running:
        (tool,) = OrchestraTools(running.ledger).tools()
        assert tool.name == "sn90_get_price"
        assert tool() is not None
        assert list(running.calls) == ["sn90_get-price"]


def test_an_integer_is_a_number(sandbox: Sandbox) -> None:
    """smolagents' own check says no where a number or null is expected."""
    schema = {"type": "object", "properties": {"price": {"type": ["number", "null"]}}}
    with Sandbox(ledger_of({"quote": schema})) as running:
        tools = OrchestraTools(running.ledger).tools()
        (output,) = call_tools(ScriptedModel([[Call("sn90_quote", {"price": 3})]], "Done."), tools)
        assert output.output.receipt.outcome == "ok"


def test_a_tool_is_not_sent_to_a_remote_executor(sandbox: Sandbox) -> None:
    """Nor saved: it calls through this process."""
    with pytest.raises(ValueError, match="sn22_web_search cannot be saved or sent"):
        tool_of(sandbox, "sn22_web_search").to_dict()


@pytest.mark.parametrize("case", CASES)
def test_what_fits_the_schema_fits_what_is_shown(case: str) -> None:
    """Of the hard ones; nothing in it refers to elsewhere."""
    parameters = shown(CASES[case].schema)
    jsonschema_rs.Draft202012Validator(parameters).validate(dict(CASES[case].good))
    assert set(parameters["properties"]) == set(CASES[case].schema.get("properties", {}))
    assert set(parameters["required"]) == set(CASES[case].schema.get("required", []))
    assert "$ref" not in json.dumps(parameters)


def test_what_fits_a_real_schema_fits_what_is_shown(sandbox: Sandbox) -> None:
    """Of every operation in the packaged ledger. Where smolagents has room for it, it is the ledger's own."""
    for definition in OrchestraTools(sandbox.ledger).offer.definitions():
        parameters = shown(definition.input_schema)
        arguments = example_arguments(dict(definition.input_schema))
        jsonschema_rs.Draft202012Validator(parameters).validate(arguments)
        for name, given in definition.input_schema.get("properties", {}).items():
            if "type" in given and name in parameters["required"]:
                assert parameters["properties"][name] == given


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "string", "minLength": 2}, {"type": "string", "minLength": 2}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["string", "null"]}),
        (
            {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}], "description": "A line."},
            {
                "type": ["string", "null"],
                "description": "A line.",
                "allOf": [{"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}],
            },
        ),
        ({"enum": ["a", 1, None]}, {"enum": ["a", 1, None], "type": ["string", "integer", "null"]}),
        ({"const": "a"}, {"const": "a", "type": "string"}),
        (True, {"items": {}, "type": ["string", "number", "boolean", "array", "object", "null"]}),
        (False, {"items": {}, "not": {}, "type": ["string", "number", "boolean", "array", "object", "null"]}),
        ({"anyOf": [True, {"type": "null"}]}, None),
        ({"$ref": "#/$defs/word"}, {"type": "string", "pattern": "^a"}),
        ({"$ref": "#/$defs/word", "title": "This"}, {"type": "string", "pattern": "^a", "title": "This"}),
        ({"$ref": "#/$defs/word", "minLength": 2}, {"minLength": 2, "allOf": [{"type": "string", "pattern": "^a"}]}),
        ({"$ref": "#/$defs/a~1b%20c"}, {"type": "integer"}),
        ({"$ref": "#/$defs/some/anyOf/1"}, {"type": "boolean"}),
        ({"$ref": "#/oneOf/0"}, {}),
        (
            {"type": "array", "prefixItems": [{"$ref": "#/$defs/word"}]},
            {"type": "array", "prefixItems": [{"type": "string", "pattern": "^a"}]},
        ),
        (
            {"type": "object", "properties": {"enum": {"$ref": "#/$defs/word"}, "$ref": {"type": "null"}}},
            {"type": "object", "properties": {"enum": {"type": "string", "pattern": "^a"}, "$ref": {"type": "null"}}},
        ),
        ({"const": {"$ref": "#/data"}}, {"const": {"$ref": "#/data"}, "type": "object"}),
    ],
)  # fmt: skip
def test_a_property_stands_on_its_own(given: Any, expected: dict[str, Any] | None) -> None:
    """smolagents drops the definitions, wants a type, and would make one of what `anyOf` says."""
    definitions = {
        "word": {"type": "string", "pattern": "^a"},
        "a/b c": {"type": "integer"},
        "some": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
    }
    schema = {"type": "object", "properties": {"it": given}, "required": ["it"], "$defs": definitions}
    found = shown(schema)["properties"]["it"]
    everything = {"items": {}, "type": ["string", "number", "boolean", "array", "object", "null"]}
    if expected is None:
        expected = everything | {"allOf": [given]}
    elif "type" not in expected:
        expected = everything | expected
    assert found == expected


def test_references_that_go_round_end() -> None:
    """Open at the cut, and never larger than a model can read, however they refer to one another."""
    names = [f"d{number}" for number in range(20)]
    everyone = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    definitions = {name: {"type": "object", "properties": everyone} for name in names}
    found = shown({"type": "object", "properties": {"it": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
    assert "$ref" not in json.dumps(found)
    assert json.dumps(found).count("{") < 3 * MAX_NODES


def test_ctrl_c_cancels_the_call(sandbox: Sandbox, tmp_path: Path) -> None:
    """Down to the wire: the receipt says so."""
    program = (
        "from smolagents import ToolCallingAgent\n"
        "from smolagents_orchestra import OrchestraTools\n"
        "from tests.contract.driver import Call\n"
        "from tests.contract.drivers.smolagents import ScriptedModel\n"
        "model = ScriptedModel([[Call('sn22_web_search', {'query': 'tao'})]], 'Done.')\n"
        "ToolCallingAgent(tools=OrchestraTools(subnets='SN22').tools(), model=model, verbosity_level=-1).run('Go.')\n"
    )
    environment = {"ORCHESTRA_HOME": str(tmp_path), "ORCHESTRA_LEDGER": str(sandbox.ledger_path)}
    with sandbox.faults("sn22_web_search", "timeout"):
        before = sandbox.calls.get("sn22_web_search", 0)
        process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=REPOSITORY, env={**os.environ, **environment}, stderr=subprocess.PIPE
        )
        try:
            while sandbox.calls.get("sn22_web_search", 0) == before and process.poll() is None:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert b"KeyboardInterrupt" in errors
    with LedgerClient(environment=environment) as client:
        receipt = client.session.executor.journal.latest_receipt()
    assert receipt is not None
    assert (receipt["outcome"], receipt["response"]) == ("cancelled", None)


def test_a_program_ends_a_run_from_another_thread(sandbox: Sandbox) -> None:
    """smolagents stops before its next step; closing the tools ends the call under way. A client stays open."""
    client = LedgerClient(sandbox.ledger_path)
    offered = OrchestraTools(client, subnets="SN22")
    model = ScriptedModel([[Call("sn22_web_search", TAO)]], "Done.")
    agent: Any = ToolCallingAgent(tools=offered.tools(), model=model, verbosity_level=LogLevel.OFF)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            agent.run("Go.")
        except AgentError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    with sandbox.faults("sn22_web_search", "timeout"):
        before = sandbox.calls.get("sn22_web_search", 0)
        thread.start()
        while sandbox.calls.get("sn22_web_search", 0) == before:
            time.sleep(0.05)
        agent.interrupt()
        offered.close()
        thread.join(60)
    assert str(ended[0]) == "Agent interrupted."
    assert len(model.turns) == 1  # the final answer nobody asked for
    with client:
        receipt = client.session.executor.journal.latest_receipt()
        assert receipt is not None
        assert receipt["outcome"] == "cancelled"
        assert client.call("sn22_web_search", TAO).data


def ledger_of(schemas: Mapping[str, Any]) -> Any:
    """A ledger with an operation for each input schema."""
    operations = {
        name: {
            "description": "Answers.",
            "endpoint": {"kind": "http", "method": "POST", "base_url": "https://hard.example", "path": f"/{name}"},
            "input_schema": schema,
            "output_schema": {"type": "object"},
            "audience": "consumer",
            "spends_money": False,
        }
        for name, schema in schemas.items()
    }
    entry = {"name": "Hard", "description": "Hard schemas", "capabilities": [], "operations": operations}
    return ledger_from_document({"SN90": entry}, source="test")
