"""Where attacks are carried out: a real server that answers badly, a ledger with a good subnet beside the bad one."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestra_tools.client import AsyncLedgerClient

GOOD, BAD = "sn1_ok", "sn2_bad"
Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer, headers included, in whatever way it likes."""


def operation(**fields: Any) -> dict[str, Any]:
    """An operation of a ledger document; free, so that nothing stands in its way."""
    return {
        "description": "Answers.",
        "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
        "output_schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
        "spends_money": False,
        "timeout_s": 1.0,
        **fields,
    }


@dataclass
class Stage:
    """A folder, and a server on loopback that plays the subnets."""

    folder: Path
    url: str = ""
    scripts: dict[str, Script] = field(default_factory=dict)
    count: int = 0

    def endpoint(self, path: str = "/ok", **fields: Any) -> dict[str, Any]:
        """An HTTP endpoint at the server."""
        return {"kind": "http", "method": "GET", "base_url": self.url, "path": path, **fields}

    def ledger(self, bad: Any, *, sandbox: bool = True) -> dict[str, Any]:
        """A ledger document: a good subnet, and one with the operation that is given."""
        good = {"name": "Good", "operations": {"ok": operation(endpoint=self.endpoint())}}
        document: dict[str, Any] = {"format": "orchestra-ledger/1"} | (
            {"sandbox": {"url": self.url}} if sandbox else {}
        )
        return document | {"entries": {"SN1": good, "SN2": {"name": "Bad", "operations": {"bad": bad}}}}

    def write(self, data: Any) -> Path:
        """A file with these bytes, or with this document."""
        self.count += 1
        path = self.folder / f"{self.count}.json"
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
        return path

    @asynccontextmanager
    async def client(self, ledger: Any) -> AsyncIterator[AsyncLedgerClient]:
        """A client of a ledger that stands in a file, as users have it."""
        home = {"ORCHESTRA_HOME": str(self.folder / "home")}
        async with AsyncLedgerClient(self.write(ledger), environment=home) as client:
            yield client

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request: well, unless a script stands under its path."""
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split()[1].partition(b"?")[0].decode("latin-1")
            await self.scripts.get(path, answer_well)(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller went, or the stage is taken down
        finally:
            writer.close()


async def answer_well(writer: asyncio.StreamWriter) -> None:
    """What a good subnet says."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 11\r\n\r\n"
    writer.write(head + b'{"ok":true}')


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """A stage with its server running."""
    with tempfile.TemporaryDirectory() as name:
        stage = Stage(Path(name))
        server = await asyncio.start_server(stage.answer, "127.0.0.1", 0)
        stage.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield stage
        finally:
            server.close()
