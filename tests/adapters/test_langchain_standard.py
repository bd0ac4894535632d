"""LangChain's own tests for tools, for every consumer operation of the packaged ledger, and what they do not see.

Needs langchain-core and langchain-tests only, so it also runs where `langchain` is not installed, and against other
releases of langchain-core.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from langchain_orchestra import OrchestraToolkit
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.testing import Sandbox, example_arguments

pytestmark = pytest.mark.slow

_NAMED = OrchestraToolkit(packaged_ledger(), audience="consumer")
OPERATIONS = [tool.name for tool in _NAMED.get_tools()]
FIXED = {
    "find_tools": {"query": "search the web"},
    "describe_tool": {"name": "sn22_web_search"},
    "call_tool": {"name": "sn22_web_search", "arguments": {"query": "tao"}},
}


class _OfSandbox:
    """The tool of one name, with the sandbox's ledger."""

    name: str

    @pytest.fixture(autouse=True)
    def _with_tools(self, tools: Mapping[str, BaseTool]) -> None:
        self._tool = tools[self.name]

    @property
    def tool_constructor(self) -> BaseTool:
        return self._tool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return arguments_for(self._tool)


def arguments_for(tool: BaseTool) -> dict[str, Any]:
    assert isinstance(tool.metadata, dict)
    return FIXED.get(tool.name) or example_arguments(tool.metadata["input_schema"])


def misfit(schema: Mapping[str, Any]) -> Any:
    """A value that does not fit a property with a type or with choices."""
    return {"wrong": True} if "array" in schema.get("type", ()) else [True]


def called(tool: BaseTool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": tool.name, "args": dict(arguments), "id": "call_1", "type": "tool_call"}


@pytest.fixture(scope="module")
def tools(sandbox: Sandbox) -> dict[str, BaseTool]:
    toolkit = OrchestraToolkit(sandbox.ledger, audience="consumer")
    return {tool.name: tool for tool in (*toolkit.get_tools(), *toolkit.search_tools())}


@pytest.fixture(scope="module")
def callable_now(sandbox: Sandbox) -> set[str]:
    """The operations that can be called with no key and no permission."""
    return {tool.name for tool in OrchestraToolkit(sandbox.ledger, callable_now=True).get_tools()}


for _name in (*OPERATIONS, *FIXED):
    for _kind in (ToolsUnitTests, ToolsIntegrationTests):
        _class = f"Test{_kind.__name__.removeprefix('Tools').removesuffix('Tests')}_{_name}"
        globals()[_class] = type(_class, (_OfSandbox, _kind), {"name": _name, "__module__": __name__})


def test_every_consumer_operation_is_tested() -> None:
    """Issue 3: 92 of them, and the three fixed tools; both classes for each."""
    assert len(OPERATIONS) == 92
    generated = [name for name, value in globals().items() if isinstance(value, type) and name.startswith("Test")]
    assert len(generated) == 2 * (92 + 3)


def test_most_of_them_can_be_called(callable_now: set[str]) -> None:
    """Else the test below would be content with refusals."""
    assert len(callable_now.intersection(OPERATIONS)) >= 70


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_is_answered_or_refused_for_a_reason(
    tools: Mapping[str, BaseTool], callable_now: set[str], name: str
) -> None:
    """LangChain's tests pass with an error message as well: what can be called must give an answer that fits."""
    tool = tools[name]
    told = tool.invoke(called(tool, arguments_for(tool)))
    also_told = await tool.ainvoke(called(tool, arguments_for(tool)))
    for message in (told, also_told):
        assert isinstance(message, ToolMessage)
        if name in callable_now:
            assert message.artifact["outcome"] == "ok", message.text
            assert message.artifact["schema"] in ("valid", "undocumented")
            assert message.status == "success"
        else:
            assert message.artifact["receipt"] is None
            assert message.status == "error"
    assert told.text == also_told.text


@pytest.mark.parametrize("name", [*OPERATIONS, *FIXED])
async def test_bad_arguments_are_refused_with_every_fault(tools: Mapping[str, BaseTool], name: str) -> None:
    """LangChain's tests take any arguments for good where the schema is a JSON Schema. Nothing is sent."""
    tool = tools[name]
    assert isinstance(tool.args_schema, dict)
    properties = tool.args_schema["properties"]
    plain = {each: schema for each, schema in properties.items() if schema.keys() & {"type", "enum", "const"}}
    bad = {each: misfit(schema) for each, schema in plain.items()} | {"no_such_argument": 1}
    told = tool.invoke(called(tool, bad))
    assert told.status == "error"
    assert told.artifact["error"]["error"] == "invalid_arguments"
    assert told.artifact["receipt"] is None
    for each in bad:
        assert f"/{each}" in told.text
    assert (await tool.ainvoke(called(tool, bad))).text == told.text


@pytest.mark.parametrize("name", OPERATIONS)
def test_missing_arguments_are_refused(tools: Mapping[str, BaseTool], name: str) -> None:
    """Each of them is named."""
    tool = tools[name]
    assert isinstance(tool.args_schema, dict)
    told = tool.invoke(called(tool, {}))
    for each in tool.args_schema.get("required", []):
        assert told.artifact["error"]["error"] == "invalid_arguments"
        assert f"/{each}" in told.text
