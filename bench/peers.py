"""The peers of `bench/adapters.py`: the frameworks' own MCP adapters, over our MCP server on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from bench.hosts import ARGUMENTS, HOSTS, Host
from bench.ledgers import TOOL, grown_ledger
from orchestra_tools.client import LedgerClient

TOOLS = 90  # one page of our server: llama-index-tools-mcp reads no further
Work = Callable[[], Awaitable[Any]]


@contextlib.contextmanager
def mcp_server(ledger: Path, home: Path) -> Iterator[str]:
    """Our MCP server with all tools of a ledger; gives its URL."""
    command = [sys.executable, "-m", "mcp_server_orchestra.main", "--ledger", str(ledger), "--surface", "operations"]
    process = subprocess.Popen(
        [*command, "--http", "127.0.0.1:0"],
        env={**os.environ, "ORCHESTRA_HOME": str(home)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        yield next(line.split()[-1] for line in process.stderr if line.startswith("listening on "))
    finally:
        process.terminate()
        process.communicate()


async def langchain_peer(folder: Path, backend: str, rounds: int, *, quick: bool) -> dict[str, Any]:
    """`langchain.mcp`."""
    from langchain.mcp import MCPAdapter

    async def compare(url: str, ledger: LedgerClient) -> list[dict[str, Any]]:
        async with MCPAdapter(url) as adapter:
            host = HOSTS["langchain"]()
            tools = await adapter.list_tools(cache_mode="bypass")
            theirs = next(tool for tool in tools if tool.name == TOOL)
            ours = host.pick(await host.build(ledger))
            call = {"name": TOOL, "args": ARGUMENTS, "id": "1", "type": "tool_call"}
            return await figures(
                host,
                ledger,
                rounds,
                build=lambda: adapter.list_tools(cache_mode="bypass"),
                call=(lambda: theirs.ainvoke(call), lambda: ours.ainvoke(call)),
            )

    return {"name": "langchain.mcp", "figures": await over_server(folder, backend, compare)}


async def llama_index_peer(folder: Path, backend: str, rounds: int, *, quick: bool) -> dict[str, Any]:
    """`llama-index-tools-mcp`."""
    from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

    async def compare(url: str, ledger: LedgerClient) -> list[dict[str, Any]]:
        host = HOSTS["llama-index"]()
        spec = McpToolSpec(client=BasicMCPClient(url))
        theirs = next(tool for tool in await spec.to_tool_list_async() if tool.metadata.name == TOOL)
        ours = host.pick(await host.build(ledger))
        return await figures(
            host,
            ledger,
            rounds,
            build=spec.to_tool_list_async,
            call=(lambda: theirs.acall(**ARGUMENTS), lambda: ours.acall(**ARGUMENTS)),
        )

    return {"name": "llama-index-tools-mcp", "figures": await over_server(folder, backend, compare)}


async def over_server(
    folder: Path, backend: str, compare: Callable[[str, LedgerClient], Awaitable[list[dict[str, Any]]]]
) -> list[dict[str, Any]]:
    """The same ledger behind our MCP server, and in this process."""
    path = folder / "peer.json"
    path.write_text(json.dumps(grown_ledger(TOOLS, backend)), "utf-8")
    home = {"ORCHESTRA_HOME": str(folder / "home-client")}
    with mcp_server(path, folder / "home-server") as url, LedgerClient(path, environment=home) as ledger:
        return await compare(url, ledger)


async def figures(
    host: Host, ledger: LedgerClient, rounds: int, *, build: Work, call: tuple[Work, Work]
) -> list[dict[str, Any]]:
    """Peer and ours in turns, in milliseconds."""
    pairs = [(f"{TOOLS} tools", build, lambda: host.build(ledger), 1), ("call", *call, 20)]
    rows = []
    for figure, theirs, ours, times in pairs:
        seen: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds + 1):
            for side, work in enumerate((theirs, ours)):
                started = time.perf_counter()
                for _ in range(times):
                    await work()
                if number:
                    seen[side].append((time.perf_counter() - started) * 1000 / times)
        rows.append({"figure": figure, "peer": statistics.median(seen[0]), "ours": statistics.median(seen[1])})
    return rows


PEERS: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
    "langchain": langchain_peer,
    "llama-index": llama_index_peer,
}
