"""A loopback server that speaks as model providers do, with a model that always does the obvious thing.

It calls the first tool it is offered, once, with valid arguments; told the result, it answers "Done: …". Frameworks
and their providers' clients are real, and so is what they send: only the model is not. Chat completions, responses,
Ollama's chat and Gemini's generateContent, streamed and whole.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from orchestra_tools.testing import example_arguments

CREATED = 1_760_000_000  # seconds since the Unix epoch; nobody looks at it


@dataclass(frozen=True)
class Turn:
    """What the model does: call a tool, or say something."""

    text: str = ""
    tool: str = ""
    arguments: Mapping[str, Any] | None = None


def decide(tools: Mapping[str, Mapping[str, Any]], results: list[str]) -> Turn:
    """The obvious thing.

    Args:
        tools: Input schemas by name, in the order they were offered.
        results: What the tools called so far have given.
    """
    finish = "final_answer" in tools  # smolagents wants to be told the end by a tool
    if tools and not results:
        name = next(iter(tools))
        return Turn(tool=name, arguments=example_arguments(dict(tools[name])))
    answer = f"Done: {results[-1][:80] if results else 'nothing to call'}"
    return Turn(tool="final_answer", arguments={"answer": answer}) if finish else Turn(text=answer)


def text_of(content: Any) -> str:
    """The text of a message's content, whatever parts it is in."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text_of(part) for part in content)
    return str(content.get("text", "")) if isinstance(content, dict) else ""


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """OpenAI: POST /v1/chat/completions."""
    body = await request.json()
    tools = {each["function"]["name"]: each["function"].get("parameters", {}) for each in body.get("tools") or []}
    results = [text_of(each["content"]) for each in body["messages"] if each["role"] == "tool"]
    # smolagents tells results in messages of the user.
    said = [text_of(each.get("content")) for each in body["messages"]]
    results += [text for text in said if "Observation" in text[:20]]
    turn = decide(tools, results)
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
    if turn.tool:
        function = {"name": turn.tool, "arguments": json.dumps(turn.arguments)}
        message["tool_calls"] = [{"index": 0, "id": f"call_{len(results)}", "type": "function", "function": function}]
    reason = "tool_calls" if turn.tool else "stop"
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    shared = {"id": "chat_1", "created": CREATED, "model": body["model"]}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return web.json_response(shared | {"object": "chat.completion", "choices": [choice], "usage": usage})
    chunks = [
        {"choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": usage},
    ]
    events = [f"data: {json.dumps(shared | {'object': 'chat.completion.chunk'} | chunk)}\n\n" for chunk in chunks]
    return await stream(request, [*events, "data: [DONE]\n\n"], "text/event-stream")


async def responses(request: web.Request) -> web.StreamResponse:
    """OpenAI: POST /v1/responses."""
    body = await request.json()
    tools = {each["name"]: each.get("parameters", {}) for each in body.get("tools") or []}
    given = body["input"] if isinstance(body["input"], list) else []
    turn = decide(tools, [text_of(each["output"]) for each in given if each.get("type") == "function_call_output"])
    item: dict[str, Any]
    if turn.tool:
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": turn.tool, "status": "completed"}
        item["arguments"] = json.dumps(turn.arguments)
    else:
        part = {"type": "output_text", "text": turn.text, "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "model": body["model"],
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 2,
        },
    }
    if not body.get("stream"):
        return web.json_response(response)
    kinds = [
        {"type": "response.created", "response": response | {"output": [], "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]
    events = [
        f"event: {kind['type']}\ndata: {json.dumps(kind | {'sequence_number': number})}\n\n"
        for number, kind in enumerate(kinds)
    ]
    return await stream(request, events, "text/event-stream")


async def ollama_chat(request: web.Request) -> web.StreamResponse:
    """Ollama: POST /api/chat."""
    body = await request.json()
    tools = {each["function"]["name"]: each["function"].get("parameters", {}) for each in body.get("tools") or []}
    turn = decide(tools, [text_of(each["content"]) for each in body["messages"] if each["role"] == "tool"])
    message: dict[str, Any] = {"role": "assistant", "content": turn.text}
    if turn.tool:
        message["tool_calls"] = [{"function": {"name": turn.tool, "arguments": turn.arguments}}]
    answer = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z", "message": message, "done": True}
    if body.get("stream", True):
        return await stream(request, [json.dumps(answer) + "\n"], "application/x-ndjson")
    return web.json_response(answer)


async def generate_content(request: web.Request) -> web.StreamResponse:
    """Gemini: POST /v1beta/models/MODEL:generateContent, and :streamGenerateContent."""
    body = await request.json()
    offered = [each for tool in body.get("tools") or [] for each in tool.get("functionDeclarations", [])]
    # The client spells it as protocol buffers do, the API's reference as JSON does; the API takes both.
    tools = {
        each["name"]: each.get("parametersJsonSchema") or each.get("parameters_json_schema", {}) for each in offered
    }
    parts = [part for content in body["contents"] for part in content["parts"]]
    turn = decide(
        tools, [json.dumps(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part]
    )
    said = {"functionCall": {"name": turn.tool, "args": turn.arguments}} if turn.tool else {"text": turn.text}
    candidate = {"content": {"role": "model", "parts": [said]}, "finishReason": "STOP", "index": 0}
    answer = {"candidates": [candidate], "modelVersion": "scripted"}
    if "streamGenerateContent" in request.path:
        return await stream(request, [f"data: {json.dumps(answer)}\r\n\r\n"], "text/event-stream")
    return web.json_response(answer)


async def stream(request: web.Request, pieces: list[str], media_type: str) -> web.StreamResponse:
    """An answer piece by piece."""
    response = web.StreamResponse(headers={"Content-Type": media_type})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece.encode())
    await response.write_eof()
    return response


@contextmanager
def model_server(record: Callable[[str, Any], None] | None = None) -> Iterator[dict[str, str]]:
    """Run the server; gives the environment in which every provider's client finds it.

    Args:
        record: Told of each request: its path and its body.
    """
    ready, done, port = threading.Event(), threading.Event(), [0]

    @web.middleware
    async def recording(request: web.Request, handler: Any) -> web.StreamResponse:
        if record is not None:
            record(request.path, await request.json())
        answered: web.StreamResponse = await handler(request)
        return answered

    async def serve() -> None:
        app = web.Application(middlewares=[recording], client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", chat_completions)
        app.router.add_post("/v1/responses", responses)
        app.router.add_post("/api/chat", ollama_chat)
        app.router.add_post("/{version:v1|v1beta}/models/{call}", generate_content)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port[0] = runner.addresses[0][1]
        ready.set()
        await asyncio.to_thread(done.wait)
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="models")
    thread.start()
    ready.wait()
    url = f"http://127.0.0.1:{port[0]}"
    try:
        yield {
            "OPENAI_API_KEY": "no-key",
            "OPENAI_BASE_URL": f"{url}/v1",
            "OLLAMA_HOST": url,
            "GOOGLE_API_KEY": "no-key",
            "GOOGLE_GEMINI_BASE_URL": url,
            # No framework needs to tell anybody what happens here.
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "HAYSTACK_TELEMETRY_ENABLED": "False",
            "LANGSMITH_TRACING": "false",
        }
    finally:
        done.set()
        thread.join()
