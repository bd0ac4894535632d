"""Every compiled tool is taken by clients of every maker: listed, called, and its answer held against its schema."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from orchestra_tools.compile import Catalogue, Tool, compile_ledger
from orchestra_tools.importers import ledger_from_document, read_ledger
from orchestra_tools.importers.openapi import import_openapi
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.testing import Sandbox, example_arguments
from orchestra_tools.toolsets import META_TOOLS
from tests.clients.conftest import CLIENTS, SERVER, Look, Seen
from tests.importers.openapi_documents import large_document
from tests.npm_packages import run_node

pytestmark = pytest.mark.slow
INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
SAMPLE = 20  # calls over HTTP; over stdio every tool of the hard ledger is called
WEB_SEARCH = "sn22_web_search"
TOOL_IS_ERROR = 5  # the Inspector's exit code


@pytest.fixture(scope="module")
def packaged() -> Catalogue:
    return compile_ledger(packaged_ledger())


def calls_of(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """A call of each tool that can be called."""
    return [
        {"name": tool.name, "arguments": example_arguments(dict(tool.input_schema))}
        for tool in tools
        if tool.operation.obstacle is None
    ]


def accepted(seen: Seen, tools: Iterable[str], calls: list[dict[str, Any]]) -> None:
    assert seen.tools.keys() == {*tools, *META_TOOLS}
    assert seen.errors == {}
    assert {name: result["content"] for name, result in seen.answers.items() if result.get("isError")} == {}
    assert seen.answers.keys() == {call["name"] for call in calls}


def test_the_packaged_ledger_is_taken_over_http(look: Look, packaged: Catalogue, packaged_url: str) -> None:
    """Ours (issue 4): names, schemas and answers of every tool, in pages, and resources and prompts beside them."""
    calls = calls_of(packaged.tools.values())
    every = max(1, len(calls) // SAMPLE)
    seen = look({"url": packaged_url}, calls[::every])
    accepted(seen, packaged.tools, calls[::every])
    assert seen.resources
    assert seen.prompts


def test_hard_schemas_are_taken_over_stdio(look: Look, hard: Sandbox) -> None:
    """Ours (issue 4): no schema costs a client the list, or an answer that fits."""
    catalogue = compile_ledger(read_ledger(hard.ledger_path.read_bytes(), source="hard"))
    assert not catalogue.quarantined
    calls = calls_of(catalogue.tools.values())
    seen = look({"command": SERVER[0], "args": [*SERVER[1:], "--ledger", str(hard.ledger_path)]}, calls)
    accepted(seen, catalogue.tools, calls)


@pytest.fixture(params=["packaged-http", "hard-stdio"])
def inspected(request: pytest.FixtureRequest) -> list[str]:
    """Where the Inspector finds a server."""
    if request.param == "packaged-http":
        return [request.getfixturevalue("packaged_url")]
    return [*SERVER, "--ledger", str(request.getfixturevalue("hard").ledger_path)]


def test_the_inspector_finds_no_fault_in_any_schema(inspected: list[str]) -> None:
    """Theirs: `--strict` ends with 6 if a schema is not portable."""
    ran = run_node(INSPECTOR, "--cli", *inspected, "--method", "tools/list", "--strict")
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "0 errors" in ran.stderr
    assert {tool["name"] for tool in json.loads(ran.stdout)["tools"]} > set(META_TOOLS)


def test_the_inspector_calls_and_reads(packaged_url: str) -> None:
    """Theirs: 0 for an answer, 5 for one that is marked as an error."""

    def inspect(*arguments: str) -> tuple[int, dict[str, Any]]:
        ran = run_node(INSPECTOR, "--cli", packaged_url, "--method", *arguments)
        return ran.returncode, json.loads(ran.stdout)

    code, answer = inspect("tools/call", "--tool-name", WEB_SEARCH, "--tool-arg", "query=tao")
    assert (code, answer["structuredContent"].keys() >= {"data"}) == (0, True)
    code, answer = inspect("tools/call", "--tool-name", WEB_SEARCH, "--tool-arg", "querry=tao")
    assert (code, "did you mean 'query'?" in answer["content"][0]["text"]) == (TOOL_IS_ERROR, True)
    code, answer = inspect("resources/list")
    assert (code, bool(answer["resources"])) == (0, True)
    code, answer = inspect("prompts/list")
    assert (code, bool(answer["prompts"])) == (0, True)


def test_a_thousand_imported_operations_are_taken() -> None:
    """Ours (issue 4): by the client that takes least. A sample of 100 is called."""
    imported = import_openapi(large_document(1_000, components=5), source="large", url="https://large.example/api.json")
    entry = {"name": "Large", "description": "A large one.", "capabilities": [], "operations": imported.operations}
    with Sandbox(ledger_from_document({"SN92": entry}, source="large")) as large:
        path = str(large.ledger_path)
        tools = compile_ledger(read_ledger(large.ledger_path.read_bytes(), source=path)).tools
        calls = calls_of(tools.values())[::10]
        assert (len(tools), len(calls)) == (1_000, 100)
        seen = CLIENTS["typescript-v1"]({"command": SERVER[0], "args": [*SERVER[1:], "--ledger", path]}, calls)
        accepted(seen, tools, calls)
        ran = run_node(INSPECTOR, "--cli", *SERVER, "--ledger", path, "--method", "tools/list", "--strict")
        assert ran.returncode == 0, ran.stderr[-2000:]
