"""`on_change`: news of every change, on both clients."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from orchestra import AsyncLedgerClient
from orchestra_tools.client import Change
from orchestra_tools.errors import (
    UnknownSubnetError,
)
from tests.client.either import SEED, MakeClient

PATIENCE_S = 20


def save(path: Path, **fields: Any) -> None:
    document = json.loads(SEED)
    document["SN22"] |= fields
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(document))
    draft.replace(path)


class Changes:
    """Collects changes in whatever thread they come."""

    def __init__(self) -> None:
        self.seen: list[Change] = []
        self.came = threading.Event()

    def __call__(self, change: Change) -> None:
        self.seen.append(change)
        self.came.set()

    async def wait(self) -> Change:
        assert await asyncio.to_thread(self.came.wait, PATIENCE_S)
        self.came.clear()
        return self.seen[-1]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra_tools.registry.sources.LedgerSource.poll_s", 0.01)


@pytest.mark.usefixtures("quick")
async def test_changes_are_told(make: MakeClient, tmp_path: Path) -> None:
    """Of one subnet or of all, of its tools or of the entry alone; until the subscription is closed."""
    path = tmp_path / "ledger.json"
    save(path)
    client = make(path)
    mine, every, other = Changes(), Changes(), Changes()
    subscription = await client.do("on_change", "SN22", mine)
    await client.do("on_change", None, callback=every)
    await client.do("on_change", "SN77", callback=other)
    with pytest.raises(UnknownSubnetError):
        await client.do("on_change", "no such subnet", callback=other)
    save(path, description="Searches everything")
    change = await mine.wait()
    assert (change.subnet, change.changed, change.added, change.removed) == ("SN22", ("sn22_web_search",), (), ())
    assert change.entry is not None
    assert change.entry.description == "Searches everything"
    assert (await every.wait()).subnet == "SN22"
    save(path, description="Searches everything", links={"github": "https://example.com"})
    change = await mine.wait()
    assert (change.changed, change.added, change.removed) == ((), (), ())
    await every.wait()
    with subscription:
        subscription.close()
    path.with_suffix(".new").write_text(json.dumps({"SN1": {"name": "Other"}}))
    path.with_suffix(".new").replace(path)
    await every.wait()
    changes = {change.subnet: change for change in every.seen[2:]}
    while "SN22" not in changes:
        await every.wait()
        changes = {change.subnet: change for change in every.seen[2:]}
    assert changes["SN22"].entry is None
    assert changes["SN22"].removed == ("sn22_web_search",)
    assert changes["SN1"].entry is not None
    assert len(mine.seen) == 2
    assert other.seen == []


@pytest.mark.usefixtures("quick")
async def test_async_callbacks_are_awaited_in_their_loop(tmp_path: Path) -> None:
    """Not in the watcher's thread."""
    path = tmp_path / "ledger.json"
    save(path)
    loop, came = asyncio.get_running_loop(), asyncio.Event()

    async def on_change(change: Change) -> None:
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        came.set()

    async with AsyncLedgerClient(path, environment={"ORCHESTRA_HOME": str(tmp_path)}) as client:
        await client.on_change(22, on_change)
        save(path, version="3.0.0")
        await asyncio.wait_for(came.wait(), PATIENCE_S)


@pytest.mark.usefixtures("quick")
def test_news_for_a_loop_that_has_ended_is_dropped(tmp_path: Path) -> None:
    """Nobody is there to hear it."""
    path = tmp_path / "ledger.json"
    save(path)
    client = AsyncLedgerClient(path, environment={"ORCHESTRA_HOME": str(tmp_path)})
    asyncio.run(subscribe(client))
    save(path, version="3.0.0")
    client.session.live.refresh()
    asyncio.run(client.close())


async def subscribe(client: AsyncLedgerClient) -> None:
    await client.on_change(None, lambda change: None)
