"""The first peer of `bench/mcp.py`: the SDK's low-level server with the same tools, prebuilt, and nothing else.

    python -P bench/bare_server.py DEFINITIONS.json [PORT]

DEFINITIONS.json holds {"tools": [...], "page": N, "backend": URL}. A call does one HTTP request and returns its JSON.
Over stdio, or with a port over HTTP on loopback.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import mcp.types as t
from mcp.server import Server


def main() -> None:
    """Serve until the client goes, or until ended."""
    given = json.loads(Path(sys.argv[1]).read_bytes())
    tools = [t.Tool.model_validate(tool, by_name=False) for tool in given["tools"]]
    schemas = {tool.name: tool.input_schema for tool in tools}
    page, backend = given["page"], given["backend"]
    client: Any = None

    async def list_tools(ctx: Any, params: t.PaginatedRequestParams | None) -> t.ListToolsResult:
        start = int(params.cursor) if params and params.cursor else 0
        more = str(start + page) if start + page < len(tools) else None
        return t.ListToolsResult(tools=tools[start : start + page], next_cursor=more)

    async def call_tool(ctx: Any, params: t.CallToolRequestParams) -> t.CallToolResult:
        nonlocal client
        if client is None:
            import httpx
            from httpx_aiohttp import AiohttpTransport

            client = httpx.AsyncClient(transport=AiohttpTransport())
        response = await client.get(backend, params=params.arguments)
        data = response.json()
        return t.CallToolResult(content=[t.TextContent(type="text", text=json.dumps(data))], structured_content=data)

    server = Server(
        "bare",
        version="0",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        # Without it the SDK lists all tools before each call over HTTP.
        get_tool_input_schema=schemas.get,
    )
    if len(sys.argv) > 2:
        import uvicorn

        uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
    else:
        asyncio.run(_serve_stdio(server))


async def _serve_stdio(server: Server[Any]) -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    main()
