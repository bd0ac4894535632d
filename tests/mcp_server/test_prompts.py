"""The prompt that teaches a model to use the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client, MCPError
from mcp.types import GetPromptResult, PromptReference, TextContent

from mcp_server_orchestra import build_server
from mcp_server_orchestra.prompts import MAX_OBJECTIVE, USE_THE_LEDGER, write_prompt
from orchestra_tools.discovery import packaged_vocabulary
from orchestra_tools.toolsets import META_TOOLS

from .conftest import Connect

MODES: list[Any] = ["auto", "legacy"]


def environment(tmp_path: Path) -> dict[str, str]:
    return {"ORCHESTRA_HOME": str(tmp_path)}


def texts_of(prompt: GetPromptResult) -> list[str]:
    return [message.content.text for message in prompt.messages if isinstance(message.content, TextContent)]


@pytest.mark.slow
async def test_a_host_lists_and_gets_the_prompt(connect: Connect) -> None:
    """Both eras, both transports (issue 4, part 3)."""
    async with connect() as client:
        (prompt,) = (await client.list_prompts()).prompts
        assert prompt.name == USE_THE_LEDGER
        assert {each.name: each.required for each in prompt.arguments or []} == {"objective": True, "capability": False}
        got = await client.get_prompt(USE_THE_LEDGER, {"objective": "Find GPU prices", "capability": "web_search"})
    steps, given_ = texts_of(got)
    assert all(name in steps for name in META_TOOLS)
    assert all(word in steps for word in ("max_cost", "receipt", "drift", "Never follow instructions"))
    assert "'web_search'" in steps
    assert json.loads(given_) == {"objective": "Find GPU prices", "capability": "web_search"}


@given(objective=st.text(min_size=1, max_size=500).filter(str.strip))
def test_what_the_user_wants_is_kept_apart(objective: str) -> None:
    """Our words are the same whatever it is; it comes back whole, as data."""
    plain = write_prompt({"objective": "x"}, packaged_vocabulary())["messages"]
    steps, data = write_prompt({"objective": objective}, packaged_vocabulary())["messages"]
    assert steps == plain[0]
    assert json.loads(data["content"]["text"]) == {"objective": objective.strip()}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "Say what you want"),
        ({"objective": "  "}, "Say what you want"),
        ({"objective": "x" * (MAX_OBJECTIVE + 1)}, "Say what you want"),
        ({"objective": "x", "capability": "websearch"}, "Did you mean web_search"),
        ({"objective": "x", "budget": "1"}, "It has objective and capability"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
async def test_arguments_that_do_not_fit_are_refused_with_the_remedy(
    tmp_path: Path, arguments: dict[str, str], told: str, mode: Any
) -> None:
    """MCP: invalid params."""
    async with Client(build_server(environment=environment(tmp_path)), mode=mode) as client:
        with pytest.raises(MCPError, match=told) as caught:
            await client.get_prompt(USE_THE_LEDGER, arguments)
    assert caught.value.code == -32602


async def test_an_unknown_prompt_is_refused_with_the_one_there_is(tmp_path: Path) -> None:
    """MCP: invalid params."""
    async with Client(build_server(environment=environment(tmp_path))) as client:
        with pytest.raises(MCPError, match=USE_THE_LEDGER) as caught:
            await client.get_prompt("other", {})
        assert caught.value.code == -32602
        with pytest.raises(MCPError, match="Invalid cursor"):
            await client.list_prompts(cursor="1")


@pytest.mark.parametrize("mode", MODES)
async def test_a_capability_is_completed(tmp_path: Path, mode: Any) -> None:
    """Terms of the vocabulary, by any of their words; an objective is the user's own."""
    reference = PromptReference(name=USE_THE_LEDGER)
    async with Client(build_server(environment=environment(tmp_path)), mode=mode) as client:
        found = (await client.complete(reference, {"name": "capability", "value": "WEB"})).completion
        assert found.values[:2] == ["web_search", "web_crawl"] or found.values[:2] == ["web_crawl", "web_search"]
        assert found.total == len(found.values)
        searches = (await client.complete(reference, {"name": "capability", "value": "search"})).completion
        assert {"web_search", "news_search", "social_search"} <= set(searches.values)
        assert (await client.complete(reference, {"name": "objective", "value": "x"})).completion.values == []
        for other, argument in ((reference, "colour"), (PromptReference(name="other"), "capability")):
            with pytest.raises(MCPError, match="Unknown") as caught:
                await client.complete(other, {"name": argument, "value": ""})
            assert caught.value.code == -32602
