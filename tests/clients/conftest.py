"""Clients of other makers: of the TypeScript SDK v1 and v2, the Inspector, and the Python SDK's own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from orchestra_tools.importers import ledger_from_document
from orchestra_tools.testing import Sandbox
from tests.clients.hard import document
from tests.conformance.suite import running_server
from tests.npm_packages import run_script

SERVER = (sys.executable, "-m", "mcp_server_orchestra.main", "--surface", "operations")
_SCRIPT = Path(__file__).with_name("client.mjs")


@dataclass(frozen=True)
class Seen:
    """What a client has of a server.

    Attributes:
        tools: All it listed, by name.
        resources: URIs of those it listed.
        prompts: Names of those it listed.
        answers: The result of each call, in wire form, by tool.
        errors: What the client itself held against an answer, by tool.
    """

    tools: dict[str, dict[str, Any]]
    resources: set[str]
    prompts: set[str]
    answers: dict[str, dict[str, Any]]
    errors: dict[str, str]


Server = Callable[..., Any]
Look = Callable[[dict[str, Any], Sequence[dict[str, Any]]], Seen]


def look_in_typescript(version: str, mode: str | None) -> Look:
    """A client of the TypeScript SDK."""

    def look(target: dict[str, Any], calls: Sequence[dict[str, Any]]) -> Seen:
        found = run_script(_SCRIPT, {"client": version, "mode": mode, "calls": list(calls), **target})
        return Seen(
            {tool["name"]: tool for tool in found["tools"]},
            {each["uri"] for each in found["resources"]},
            {each["name"] for each in found["prompts"]},
            {each["name"]: each["result"] for each in found["answers"] if "result" in each},
            {each["name"]: each["error"] for each in found["answers"] if "error" in each},
        )

    return look


def look_in_python(mode: str) -> Look:
    """The Python SDK's own client."""
    return lambda target, calls: asyncio.run(_look_in_python(mode, target, calls))


async def _look_in_python(mode: str, target: dict[str, Any], calls: Sequence[dict[str, Any]]) -> Seen:
    server: Any = target.get("url") or StdioServerParameters(
        command=target["command"], args=target["args"], env=dict(os.environ)
    )
    seen = Seen({}, set(), set(), {}, {})
    async with Client(server, mode=mode) as client:
        cursor: str | None = None
        while True:
            page = await client.list_tools(cursor=cursor)
            seen.tools.update({tool.name: tool.model_dump(by_alias=True, exclude_none=True) for tool in page.tools})
            if (cursor := page.next_cursor) is None:
                break
        seen.resources.update(str(each.uri) for each in (await client.list_resources()).resources)
        seen.prompts.update(each.name for each in (await client.list_prompts()).prompts)
        for call in calls:
            try:
                result = await client.call_tool(call["name"], call["arguments"])
            except RuntimeError as error:
                seen.errors[call["name"]] = str(error)
            else:
                seen.answers[call["name"]] = result.model_dump(by_alias=True, exclude_none=True)
    return seen


CLIENTS: dict[str, Look] = {
    "typescript-v1": look_in_typescript("v1", None),
    "typescript-v2-handshake": look_in_typescript("v2", "legacy"),
    "typescript-v2-2026-07-28": look_in_typescript("v2", "auto"),
    "python-handshake": look_in_python("legacy"),
    "python-2026-07-28": look_in_python("auto"),
}


@pytest.fixture(params=CLIENTS)
def look(request: pytest.FixtureRequest) -> Look:
    """Connect, list everything, make some calls."""
    return CLIENTS[request.param]


@pytest.fixture(scope="module")
def hard() -> Iterator[Sandbox]:
    """A sandbox of the ledger of `hard`."""
    with Sandbox(ledger_from_document(document(), source="hard")) as running:
        yield running


@pytest.fixture(scope="module")
def packaged_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The packaged ledger in a sandbox, over HTTP."""
    home = str(tmp_path_factory.mktemp("home"))
    with running_server(*SERVER, "--sandbox", "--http", "127.0.0.1:0", ORCHESTRA_HOME=home) as url:
        yield url
