"""The peer of `bench/mcp.py`: the SDK's low-level server with the same tools, prebuilt, and nothing else.

    python -P bench/bare_server.py DEFINITIONS.json

DEFINITIONS.json holds {"tools": [...], "page": N, "backend": URL}. A call does one HTTP request and returns its JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import mcp.types as t
from mcp.server import Server
from mcp.server.stdio import stdio_server


def main() -> None:
    """Serve over stdio until the client goes."""
    given = json.loads(Path(sys.argv[1]).read_bytes())
    tools = [t.Tool.model_validate(tool, by_name=False) for tool in given["tools"]]
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

    async def serve() -> None:
        server = Server("bare", version="0", on_list_tools=list_tools, on_call_tool=call_tool)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    asyncio.run(serve())


if __name__ == "__main__":
    main()
