"""Cards: small, complete, honest about what nobody knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from orchestra_tools.compile import Tool
from orchestra_tools.discovery import card_of
from orchestra_tools.discovery.card import MAX_BYTES, shorten
from orchestra_tools.model import Statistics


def size_of(card: Any) -> int:
    return len(json.dumps(card.to_json(), ensure_ascii=False).encode())


def test_a_card_says_what_an_agent_needs(make_tools: Any) -> None:
    tools = make_tools(
        {
            "SN22/web_search": {
                "title": "Web search",
                "description": "Searches the public web.",
                "input_schema": {
                    "type": "object",
                    "properties": {"num": {"type": "integer"}, "query": {"type": "string"}},
                    "required": ["query"],
                },
                "cost": {"amount": "0.10"},
            }
        },
        sandbox=True,
    )
    seen = {"calls": 3, "counted": 3, "succeeded": 3, "drifted": 0, "last_call_ms": 0}
    speed = {"latency_p50_ms": 120.04, "latency_p90_ms": None, "latency_p99_ms": None}
    statistics = Statistics(reliability=0.44, **seen, **speed)
    card = card_of(
        tools["sn22_web_search"], statistics=statistics, callable_now="no key for SN22", why="capability web_search"
    )
    assert card.to_json() == {
        "name": "sn22_web_search",
        "title": "Web search",
        "subnet": "SN22 Subnet22",
        "summary": "Searches the public web.",
        "capabilities": ["web_search"],
        "arguments": ["query", "num?"],
        "cost": "0.10 USD",
        "reliability": 0.44,
        "latency_p50_ms": 120.0,
        "callable": "no key for SN22",
        "why": "capability web_search",
        "sandbox": True,
    }


def test_what_nobody_measured_is_null_and_what_nobody_asked_is_left_out(make_tools: Any) -> None:
    body = card_of(make_tools({"SN1/a": {}})["sn1_a"]).to_json()
    assert (body["reliability"], body["latency_p50_ms"]) == (None, None)
    assert "callable" not in body
    assert "sandbox" not in body


@pytest.mark.parametrize(
    ("fields", "tag"),
    [
        ({"spends_money": False}, "free"),
        ({"cost": {"amount": "0"}}, "free"),
        ({}, "unknown"),
        ({"cost": {"amount": None, "header": "X-Cost"}}, "unknown"),
        ({"cost": {"amount": "1", "currency": "credits"}}, "1 credits"),
        ({"cost": {"amount": "1E-7", "unit": "token"}}, "0.0000001 USD per token"),
    ],
)
def test_the_price_is_told_in_a_word(make_tools: Any, fields: Mapping[str, Any], tag: str) -> None:
    assert card_of(make_tools({"SN1/a": fields})["sn1_a"]).cost == tag


def test_every_packaged_tool_fits_on_a_card(packaged_tools: Mapping[str, Tool]) -> None:
    why = "matches: search, web in name; news, bittensor in description; latest in parameters"
    for tool in packaged_tools.values():
        assert (
            size_of(card_of(tool, callable_now="no key: set ORCHESTRA_KEY_SN22, or run orchestra keys", why=why))
            < MAX_BYTES
        )


def test_the_largest_tool_fits_and_keeps_its_name_and_first_argument(make_tools: Any) -> None:
    many: dict[str, Any] = {f"{letter}{'argument' * 6}": {} for letter in "abcdefghijklmnopqrstu"}
    tools = make_tools(
        {
            f"SN22/{'operation_' * 10}": {
                "title": "Τίτλος " * 12,
                "description": "Περιγραφή " * 30,
                "capabilities": ["web_search", "news_search", "social_search", "research_summary", "web_crawl"],
                "input_schema": {"type": "object", "properties": many, "required": [*many][:12]},
            }
        }
    )
    (tool,) = tools.values()
    card = card_of(tool, callable_now="ς " * 300, why="λέξη " * 300)
    assert size_of(card) < MAX_BYTES
    assert (card.name, card.arguments[-1]) == (tool.name, "…")


def test_text_is_cut_between_words() -> None:
    assert shorten("one two  three", 20) == "one two three"
    assert shorten("one two three", 9) == "one two…"
    assert shorten("x" * 30, 10) == "x" * 9 + "…"
