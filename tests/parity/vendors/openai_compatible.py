"""Subnets that speak OpenAI's interface, which name the `openai` client as theirs: SN28 gm, SN64 Chutes, SN96 Verathos.

What an entry's schema has a default for is always sent, so the client is given the same value.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from openai import AsyncOpenAI

from tests.parity.harness import Call, Vendor

MESSAGES = [{"role": "system", "content": 'Say "ja".\n'}, {"role": "user", "content": "naïve – 東京 🦄"}]
MODEL = "Qwen/Qwen3-32B-TEE"
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
IGNORED = {"x-stainless-*": "names the client library, its language and platform, and counts its retries"}
VERATHOS_DEFAULTS = {"do_sample": False, "enable_thinking": True, "include_proof": True}


def connect(url: str, key: str) -> AsyncOpenAI:
    """Every one of these APIs has its version in the base URL."""
    return AsyncOpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)


def answer() -> web.Response:
    """Something the client can make a completion or a stream of."""
    return web.Response(body=b"data: [DONE]\n\n", headers={"Content-Type": "text/event-stream"})


def chat(subnet: str, arguments: dict[str, Any], **sides: dict[str, Any]) -> Call:
    """One chat completion."""
    return Call(f"{subnet}_chat_completion", "chat.completions.create", {"model": MODEL, **arguments}, **sides)


CHUTES = Vendor(
    "openai",
    connect,
    entry="chutes_chat.json",
    ignored=IGNORED,
    answer=answer,
    calls=(
        chat("sn64", {"messages": MESSAGES}),
        chat("sn64", {"messages": MESSAGES, "stream": True}),
        chat("sn64", {"messages": MESSAGES, "stream": False, "temperature": 0.0, "max_tokens": 1, "stop": ["\n", "x"]}),
        chat("sn64", {"messages": [], "tools": [WEATHER], "response_format": {"type": "json_object"}, "stop": "x"}),
        Call("sn64_list_models", "models.list"),
    ),
)
GM = Vendor(
    "openai",
    connect,
    ignored=IGNORED,
    answer=answer,
    calls=(
        chat("sn28", {"messages": MESSAGES}, theirs={"stream": False}),
        chat("sn28", {"messages": MESSAGES, "stream": True, "max_tokens": 7}),
        Call("sn28_list_models", "models.list"),
    ),
)
VERATHOS = Vendor(
    "openai",
    connect,
    ignored=IGNORED,
    answer=answer,
    calls=(
        chat(
            "sn96",
            {"messages": MESSAGES},
            theirs={"stream": False, "temperature": 1.0, "extra_body": VERATHOS_DEFAULTS},
        ),
        chat(
            "sn96",
            {"messages": MESSAGES, "stream": True, "temperature": 0.5, "top_p": 0.9, "presence_penalty": -1.0},
            theirs={"extra_body": {**VERATHOS_DEFAULTS, "top_k": 40, "min_p": 0.1, "enable_thinking": False}},
            ours={"top_k": 40, "min_p": 0.1, "enable_thinking": False},
        ),
        chat(
            "sn96",
            {"messages": MESSAGES, "tools": [WEATHER], "tool_choice": "auto", "parallel_tool_calls": False},
            theirs={"stream": False, "temperature": 1.0, "extra_body": VERATHOS_DEFAULTS},
        ),
        Call("sn96_list_models", "models.list"),
    ),
)
VENDORS = (CHUTES, GM, VERATHOS)
