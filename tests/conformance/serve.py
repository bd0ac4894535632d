"""The server that the suite is run against: our own, over the conformance ledger, with fixtures on the same object.

python -m tests.conformance.serve          # says where it listens, and runs until it is told to stop
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.server import Server

from mcp_server_orchestra import build_server
from mcp_server_orchestra.http.exposure import Exposure
from mcp_server_orchestra.http.serving import HttpOptions, serve_http
from mcp_server_orchestra.service import Service
from orchestra_tools.client import open_session
from tests.conformance.backend import run_backend
from tests.conformance.fixtures import add_fixtures

LEDGER = Path(__file__).with_name("ledger.json")
PLACEHOLDER = "http://127.0.0.1:0"


class ConformanceService(Service):
    """Our server with the fixtures on it, and its backend."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Server[Any]]:
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="orchestra-conformance-"))
            ledger = _write_ledger(Path(folder), await stack.enter_async_context(run_backend()))
            session = open_session(ledger, environment={**os.environ, "ORCHESTRA_HOME": folder})
            stack.push_async_callback(session.close)
            server = build_server(session=session, surface="operations")
            add_fixtures(server, change_ledger=lambda: _add_operation(ledger, session.live.refresh))
            yield server


def _write_ledger(folder: Path, backend: str) -> Path:
    """The conformance ledger, with its backend's address."""
    ledger = folder / "ledger.json"
    ledger.write_text(LEDGER.read_text("utf-8").replace(PLACEHOLDER, backend), "utf-8")
    return ledger


def _add_operation(ledger: Path, refresh: Callable[[], Any]) -> None:
    """Change the ledger as somebody who edits it would, and take the change over."""
    document = json.loads(ledger.read_text("utf-8"))
    operations = document["entries"]["SN9000"]["operations"]
    operations[f"added_{len(operations)}"] = {**operations["test_simple_text"], "title": f"Added {len(operations)}"}
    ledger.write_text(json.dumps(document), "utf-8")
    refresh()


if __name__ == "__main__":
    serve_http(ConformanceService(), HttpOptions(Exposure.read("127.0.0.1:0")), log=logging.basicConfig)
