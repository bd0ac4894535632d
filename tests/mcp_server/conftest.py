"""Real servers in processes of their own, and real clients in both eras over both transports."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from orchestra_tools.importers import ledger_document
from orchestra_tools.registry import packaged_ledger

ERAS = {"handshake": "legacy", "2026-07-28": "auto"}


@dataclass(frozen=True)
class Link:
    """A way to reach a server: era and transport."""

    era: str
    transport: str


LINKS = [Link(era, transport) for era in ERAS for transport in ("stdio", "http")]
Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(params=LINKS, ids=lambda link: f"{link.era}-{link.transport}")
def link(request: pytest.FixtureRequest) -> Link:
    return request.param


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    """The packaged ledger as a file that a test may edit."""
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(ledger_document(packaged_ledger())), "utf-8")
    return path


@pytest.fixture
def connect(link: Link) -> Connect:
    """Start a server with some arguments and connect to it over the link."""

    @asynccontextmanager
    async def connected(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> AsyncIterator[Client]:
        environment = {**os.environ, **(env or {})}
        command = [sys.executable, "-m", "mcp_server_orchestra.main", *arguments]
        if link.transport == "stdio":
            server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
            async with Client(server, mode=ERAS[link.era], **options) as client:
                yield client
            return
        async with http_server(command, environment) as url, Client(url, mode=ERAS[link.era], **options) as client:
            yield client

    return connected


@asynccontextmanager
async def http_server(command: list[str], environment: dict[str, str]) -> AsyncIterator[str]:
    """The server on a free port; gives its URL, and ends it by its pid."""
    process = await asyncio.create_subprocess_exec(
        *command, "--http", "127.0.0.1:0", env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while line := (await process.stderr.readline()).decode():
                if line.startswith("listening on "):
                    yield line.split()[-1]
                    return
        raise AssertionError("the server did not start")
    finally:
        process.terminate()
        await process.communicate()
