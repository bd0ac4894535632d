"""Ledgers of any size, and a backend on loopback that answers all their calls."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from orchestra_tools.compile import Catalogue, Tool, compile_ledger
from orchestra_tools.model import HttpEndpoint
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.testing import example_arguments

TOOL = "sn22_web_search"


def example_answer() -> dict[str, Any]:
    """What the backend answers: search results."""
    return example_arguments(dict(compile_ledger(packaged_ledger()).tools[TOOL].output_schema or {}))


def grown_ledger(operations: int, backend: str) -> dict[str, Any]:
    """The packaged ledger, cut or cloned to other netuids until it has that many operations, all at one backend."""
    packaged = [entry.to_json() for entry in packaged_ledger() if entry.operations]
    packaged.sort(key=lambda entry: entry["netuid"] != 22)
    entries: dict[str, Any] = {}
    left, netuid = operations, 1000
    while left:
        for entry in packaged:
            number = entry["netuid"] if netuid < 1000 + len(packaged) else netuid
            chosen = dict(list(entry["operations"].items())[:left])
            for operation in chosen.values():
                if operation["endpoint"]["kind"] == "http":
                    operation["endpoint"]["base_url"] = backend
            entries[f"SN{number}"] = {**entry, "netuid": number, "operations": chosen}
            left, netuid = left - len(chosen), netuid + 1
            if not left:
                break
    return {"format": "orchestra-ledger/1", "sandbox": {"url": backend}, "entries": entries}


def openapi_document(catalogue: Catalogue, backend: str) -> dict[str, Any]:
    """An OpenAPI document of the same operations, for peers that make tools of one."""
    paths = {f"/{name}{_path_of(tool)}": _described(tool) for name, tool in catalogue.tools.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "bench", "version": "1"},
        "servers": [{"url": backend}],
        "paths": paths,
    }


def _path_of(tool: Tool) -> str:
    endpoint = tool.operation.endpoint
    return endpoint.path.partition("?")[0] if isinstance(endpoint, HttpEndpoint) else ""


def _described(tool: Tool) -> dict[str, Any]:
    endpoint, schema = tool.operation.endpoint, tool.input_schema
    method = endpoint.method if isinstance(endpoint, HttpEndpoint) else "POST"
    parameters, members = [], {}
    for name, part in schema["properties"].items():
        # A reference leads nowhere outside the schema it stands in.
        part = {} if "$ref" in json.dumps(part) else part
        place = endpoint.place_of(name).location if isinstance(endpoint, HttpEndpoint) else "body"
        required = place == "path" or name in schema.get("required", ())
        if place == "body":
            members[name] = part
        else:
            parameters.append({"name": name, "in": place, "required": required, "schema": part})
    described: dict[str, Any] = {
        "operationId": tool.name,
        "summary": tool.title,
        "description": tool.description,
        "parameters": parameters,
        "responses": {"200": {"description": "The answer.", "content": {"application/json": {"schema": {}}}}},
    }
    if tool.output_schema is not None and "$ref" not in json.dumps(tool.output_schema):
        described["responses"]["200"]["content"]["application/json"]["schema"] = tool.output_schema
    if members:
        body = {"type": "object", "properties": members}
        body["required"] = [name for name in schema.get("required", ()) if name in members]
        described["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return {method.lower(): described}


@contextmanager
def backend_server() -> Iterator[str]:
    """An HTTP server on loopback that answers every request with the same search results."""
    body = json.dumps(example_answer()).encode()
    ready, stop, url = threading.Event(), threading.Event(), [""]

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url[0] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await asyncio.to_thread(stop.wait)
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield url[0]
    finally:
        stop.set()
        thread.join()
