"""Holds the request our executor sends against the one a vendor's own client sends for the same arguments.

    VENDOR = Vendor("desearch-py", connect, (Call("sn22_web_search", "web_search", {"query": "tao"}),))
    theirs, ours = await record(server, VENDOR, VENDOR.calls[0], home)
    assert compare(theirs, ours, VENDOR.ignored) == []

Both go to one recording server on loopback; the entry's own base URL is put there with its path, and nothing else of
the entry is changed. Of the answer nothing is compared: a client may choke on it, once its request has arrived.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from orchestra_tools.client import AsyncLedgerClient
from orchestra_tools.errors import OrchestraError
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import Entry, Operation
from orchestra_tools.registry import packaged_ledger
from tests.calls.recording import Recorded, Server, json_answer

KEY = "parity-key"
ENTRIES = Path(__file__).parent / "entries"


@dataclass(frozen=True)
class Call:
    """One call of a vendor's client, and the same of ours.

    Attributes:
        tool: Name of the tool.
        method: Name of the client's method, with dots where it is deeper; or a function that takes the client.
        arguments: For both.
        theirs: What the client wants besides, or under another name; None there = not passed.
        ours: The same of the tool.
    """

    tool: str
    method: str | Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    theirs: Mapping[str, Any] = field(default_factory=dict)
    ours: Mapping[str, Any] = field(default_factory=dict)

    @property
    def their_arguments(self) -> dict[str, Any]:
        """What the client is given."""
        return {name: value for name, value in {**self.arguments, **self.theirs}.items() if value is not ABSENT}

    @property
    def our_arguments(self) -> dict[str, Any]:
        """What the tool is given."""
        return {name: value for name, value in {**self.arguments, **self.ours}.items() if value is not ABSENT}


ABSENT: Any = object()
"""In `theirs` or `ours`: an argument that only the other side is given."""


@dataclass(frozen=True)
class Vendor:
    """A client on the package index and the calls to compare.

    Attributes:
        package: Its distribution.
        connect: Makes a client of a base URL on loopback and a key.
        calls: What is compared.
        origins: Scheme and host the client calls by itself, by subnet; compared with the entry's. None = it has none.
        entry: A document in `entries/` with an entry for an API that the packaged ledger does not hold.
        ignored: Headers (`fnmatch` patterns) that say only which client it is, with the reason.
        answer: What the server answers to this client.
    """

    package: str
    connect: Callable[[str, str], Any]
    calls: tuple[Call, ...]
    origins: Mapping[str, str] = field(default_factory=dict)
    entry: str | None = None
    ignored: Mapping[str, str] = field(default_factory=dict)
    answer: Callable[[], web.Response] = json_answer

    @property
    def version(self) -> str:
        """The version that is installed."""
        return version(self.package)

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations its calls are of, by tool."""
        named = {f"sn{entry.netuid}_{name}": each for entry in self._entries for name, each in entry.operations.items()}
        return {call.tool: named[call.tool] for call in self.calls}

    @property
    def _entries(self) -> list[Entry]:
        if self.entry is None:
            return list(packaged_ledger())
        document = json.loads((ENTRIES / self.entry).read_text(encoding="utf-8"))
        return list(ledger_from_document(document, source=self.entry))

    def ledger_at(self, url: str, netuids: set[int]) -> dict[str, Any]:
        """A ledger of some subnets, with every HTTP operation's host replaced by a loopback server."""
        entries = [entry for entry in self._entries if entry.netuid in netuids]
        moved = {entry.key: _move(entry, url) for entry in entries}
        return {"entries": moved, "sandbox": {"url": url, "key": KEY}}


def _move(entry: Entry, url: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(entry.to_json()))
    for operation in document["operations"].values():
        if base_url := operation["endpoint"].get("base_url"):
            operation["endpoint"]["base_url"] = url + urlsplit(base_url).path
    return document


async def record(server: Server, vendor: Vendor, call: Call, folder: Path) -> tuple[Recorded, Recorded]:
    """Their request and ours."""
    server.answer(vendor.answer())
    theirs = await _recorded(server, lambda: _call_theirs(vendor, call, server.url))
    server.answer(json_answer())
    ours = await _recorded(server, lambda: _call_ours(vendor, call, server.url, folder))
    return theirs, ours


async def _recorded(server: Server, call: Callable[[], Awaitable[None]]) -> Recorded:
    server.requests.clear()
    try:
        await call()
    except Exception:
        # Answers are made up: a client may fail on them, but not before it has sent its request.
        if not server.requests:
            raise
    assert server.requests, "no request arrived"
    return server.requests[0]


async def _call_theirs(vendor: Vendor, call: Call, url: str) -> None:
    client = vendor.connect(url, KEY)
    try:
        if callable(call.method):
            method = lambda **given: call.method(client, **given)  # type: ignore[operator]  # noqa: E731
        else:
            method = reduce(getattr, call.method.split("."), client)
        answer = await asyncio.to_thread(method, **call.their_arguments)
        if inspect.isawaitable(answer):
            await answer
    finally:
        await _close(client)


async def _close(client: Any) -> None:
    close = getattr(client, "aclose", None) or getattr(client, "close", None)
    if close is not None and inspect.isawaitable(closing := close()):
        await closing


async def _call_ours(vendor: Vendor, call: Call, url: str, folder: Path) -> None:
    path = folder / "ledger.json"
    netuid = int(call.tool.removeprefix("sn").partition("_")[0])
    path.write_text(json.dumps(vendor.ledger_at(url, {netuid})), encoding="utf-8")
    async with AsyncLedgerClient(path, environment={"ORCHESTRA_HOME": str(folder / "home")}) as client:
        try:
            await client.call(call.tool, call.our_arguments)
        except OrchestraError as error:
            raise AssertionError(f"{call.tool}: {error}") from error
