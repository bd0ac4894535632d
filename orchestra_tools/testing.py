"""For tests of what is built on Orchestra Tools: valid arguments for any tool, and subnets that answer on loopback.

    with Sandbox() as sandbox:
        sandbox.ledger.call("sn22_web_search", {"query": "gpu pricing"}).data
        with sandbox.faults("sn22_web_search", "rate_limit"):
            ...

Nothing leaves the machine, nothing costs money, and the same call gets the same answer.

Subnets change before the ledger knows. So do those of a sandbox: clients go on reading what the ledger says.

    with Sandbox(ledger, serving=newer) as sandbox:    # or later: sandbox.serve(newer)
        sandbox.ledger.call("sn13_query_data", {"source": "x"}).data["metadata"]
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import threading
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from orchestra_tools.importers import ledger_document, read_ledger
from orchestra_tools.model import Ledger
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.sandbox import Faults, SandboxServer, sandbox_ledger
from orchestra_tools.schema import expand
from orchestra_tools.schema.generate import Generator
from orchestra_tools.schema.guides import HintGuide

if TYPE_CHECKING:
    from orchestra_tools.client import LedgerClient

__all__ = ["Sandbox", "example_arguments"]

# Arguments a person would try first; each is used where it fits the schema.
_EXAMPLES: dict[str, Any] = {
    "asset": "BTC",
    "content": "What is a Bittensor subnet?",
    "hourly": "temperature_2m",
    "keywords": ["bittensor"],
    "latitude": 38.72,
    "longitude": -9.14,
    "prompt": "What is a Bittensor subnet?",
    "query": "gpu cloud pricing",
    "question": "What is a Bittensor subnet?",
    "url": "https://docs.example.com/bittensor/subnets",
    "urls": ["https://social.example.com/posts/agent-ledger"],
    "user": "mei_subnet",
    "username": "mei_subnet",
}


def example_arguments(input_schema: Any) -> dict[str, Any]:
    """Valid arguments for a tool: what it requires, and what has an example or a default. Always the same.

    Args:
        input_schema: JSON Schema, or the ledger's shorthand.

    Raises:
        SchemaRefusedError: It is no schema, or no object fits it.
    """
    generator = Generator(expand(input_schema))
    guide = HintGuide(lambda name, schema, random: _EXAMPLES.get(name.lower()))
    arguments: dict[str, Any] = generator.generate("example", extent="documented", guide=guide, also={"type": "object"})
    return arguments


class Sandbox:
    """A sandbox that runs in a thread of its own for the length of a `with` block (`async with` works too).

    Attributes:
        url: Root of the server.
        ledger_path: The sandbox ledger as a document, for `ORCHESTRA_LEDGER`; removed at the end.
    """

    def __init__(
        self,
        ledger: Ledger | str | os.PathLike[str] | None = None,
        *,
        serving: Ledger | str | os.PathLike[str] | None = None,
        port: int = 0,
    ) -> None:
        """Read a ledger; nothing listens yet.

        Args:
            ledger: What clients read: a ledger, or the path of a ledger document; None = the packaged one.
            serving: What the stand-ins do, where that is something else than the ledger says; see `serve`.
            port: Where to listen on loopback; 0 = any free port.

        Raises:
            LedgerFormatError: The document cannot be read.
            OSError: There is no such file.
        """
        self._told = _read(ledger)
        self._server = SandboxServer(self._told if serving is None else _read(serving), port=port)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._folder: Path | None = None

    @property
    def url(self) -> str:
        """Root of the server; "" before it runs."""
        return self._server.url

    @property
    def faults(self) -> Faults:
        """What goes wrong, on order."""
        return self._server.faults

    @property
    def calls(self) -> dict[str, int]:
        """Requests so far, by tool."""
        return self._server.calls

    @property
    def ledger_path(self) -> Path:
        """The sandbox ledger as a file.

        Raises:
            RuntimeError: The sandbox does not run.
        """
        if self._folder is None:
            raise RuntimeError("the sandbox runs inside a `with` block only")
        return self._folder / "ledger.json"

    def serve(self, ledger: Ledger | str | os.PathLike[str]) -> None:
        """From now on the stand-ins do what another ledger says; the ledger that clients read stays as it is.

        Raises:
            LedgerFormatError: The document cannot be read.
            OSError: There is no such file.
        """
        self._server.stand_in_for(_read(ledger))

    @cached_property
    def ledger(self) -> LedgerClient:
        """A client of the sandbox ledger."""
        # Imported here because `example_arguments` and the server need no client.
        from orchestra_tools.client import LedgerClient

        # Its journal and keys are kept apart from the user's own.
        environment = {**os.environ, "ORCHESTRA_HOME": str(self.ledger_path.parent / "home")}
        return LedgerClient(str(self.ledger_path), environment=environment)

    def __enter__(self) -> Self:
        started: threading.Event = threading.Event()
        problem: list[BaseException] = []
        self._thread = threading.Thread(
            target=self._run, args=(started, problem), name="orchestra-sandbox", daemon=True
        )
        self._thread.start()
        started.wait()
        if problem:
            self._thread.join()
            self._thread = None
            raise problem[0]
        self._folder = Path(tempfile.mkdtemp(prefix="orchestra-sandbox-"))
        told = sandbox_ledger(self._told, self._server.url, self._server.key)
        self.ledger_path.write_text(json.dumps(ledger_document(told)), encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if (client := self.__dict__.pop("ledger", None)) is not None:
            client.close()
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _run(self, started: threading.Event, problem: list[BaseException]) -> None:
        async def serve() -> None:
            self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
            await self._server.start()
            started.set()
            try:
                await self._stopping.wait()
            finally:
                await self._server.stop()

        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            problem.append(error)
        finally:
            started.set()


def _read(ledger: Ledger | str | os.PathLike[str] | None) -> Ledger:
    if ledger is None:
        return packaged_ledger()
    if isinstance(ledger, Ledger):
        return ledger
    return read_ledger(Path(ledger).read_bytes(), source=str(ledger))
