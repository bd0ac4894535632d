"""How clients begin and end: threads, loops, the garbage collector, interpreter exit."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from orchestra import AsyncLedgerClient, LedgerClient
from orchestra_tools.calls import CallResult
from orchestra_tools.client.loop import LoopThread
from orchestra_tools.errors import (
    ConfigurationError,
)
from orchestra_tools.testing import Sandbox

PATIENCE_S = 20


def test_a_closed_client_says_so(tmp_path: Path, sandbox: Sandbox) -> None:
    """Closing again does nothing."""
    before = threading.enumerate()
    with LedgerClient(sandbox.ledger_path, environment={"ORCHESTRA_HOME": str(tmp_path)}) as client:
        client.call("sn22_web_search", {"query": "tao"})
    client.close()
    with pytest.raises(ConfigurationError, match="client is closed"):
        client.call("sn22_web_search", {"query": "tao"})
    assert "orchestra-calls" not in {thread.name for thread in threading.enumerate() if thread not in before}


def test_an_async_client_works_in_one_loop_after_another(tmp_path: Path, sandbox: Sandbox) -> None:
    """`asyncio.run` makes a new one each time."""
    client = AsyncLedgerClient(sandbox.ledger_path, environment={"ORCHESTRA_HOME": str(tmp_path)})

    async def call() -> CallResult:
        return await client.call("sn22_web_search", {"query": "tao"})

    assert asyncio.run(call()).data == asyncio.run(call()).data
    # Each loop has closed its connections; asyncio would complain of sockets that nobody closed.
    gc.collect()
    asyncio.run(client.close())


def test_calls_from_many_threads_share_one_client(tmp_path: Path, sandbox: Sandbox) -> None:
    """The loop is one."""
    with LedgerClient(sandbox.ledger_path, environment={"ORCHESTRA_HOME": str(tmp_path)}) as client:
        results: list[Any] = []
        threads = [
            threading.Thread(target=lambda: results.append(client.call("sn22_web_search", {"query": "tao"}).data))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 8
        statistics = client.statistics("sn22_web_search")
        assert statistics is not None
        assert statistics.calls == 8


def test_a_client_that_nobody_holds_is_closed(tmp_path: Path, sandbox: Sandbox) -> None:
    """Threads and files go with it."""
    client = LedgerClient(sandbox.ledger_path, environment={"ORCHESTRA_HOME": str(tmp_path)})
    client.call("sn22_web_search", {"query": "tao"})
    journal, gone = client.session.executor.journal, weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None
    with pytest.raises(ConfigurationError):
        journal.statistics("x")


def test_a_client_may_be_collected_in_its_own_thread() -> None:
    """Closing there must not wait for itself."""
    loop = LoopThread()
    thread: list[threading.Thread] = []

    async def close() -> None:
        thread.append(threading.current_thread())
        loop.close()

    loop.run(close())
    thread[0].join(PATIENCE_S)
    assert not thread[0].is_alive()


def test_an_interrupt_cancels_the_call(tmp_path: Path, sandbox: Sandbox) -> None:
    """Ctrl-C while waiting reaches the wire."""
    script = """
import os, signal, sys, threading
from orchestra import LedgerClient
client = LedgerClient(sys.argv[1])
async def report(done, total, message):
    os.kill(os.getpid(), signal.SIGINT)
try:
    client.call("sn22_web_search", {"query": "tao"}, on_progress=report)
except KeyboardInterrupt:
    client.close()
    print("interrupted")
"""
    sandbox.faults.set("sn22_web_search", "timeout", times=1)
    try:
        assert run(script, str(sandbox.ledger_path), home=tmp_path).strip() == "interrupted"
    finally:
        sandbox.faults.clear("sn22_web_search")


def run(script: str, *arguments: str, home: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"ORCHESTRA_HOME": str(home), "PATH": ""},
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize(
    "use",
    [
        "client.find(capability='web_search')",
        "client.call('sn22_web_search', {'query': 'tao'})",
        "client.on_change('SN22', print)",
        "client.call('sn22_web_search', {'query': 'tao'}); client.on_change(None, print); del client",
        "client.close()",
    ],
)
def test_a_client_need_not_be_closed(use: str, tmp_path: Path, sandbox: Sandbox) -> None:
    """No warning, no hang, no noise at interpreter exit."""
    script = f"import sys\nfrom orchestra import LedgerClient\nclient = LedgerClient(sys.argv[1])\n{use}\nprint('done')"
    assert run(script, str(sandbox.ledger_path), home=tmp_path) == "done\n"


def test_importing_the_client_stays_light(tmp_path: Path) -> None:
    """A host waits for it: no HTTP library, no keyring, no framework before they are used."""
    script = "import sys, orchestra\nprint(*sorted(sys.modules))"
    loaded = set(run(script, home=tmp_path).split())
    assert loaded.isdisjoint({"aiohttp", "httpx", "keyring", "bittensor", "mcp", "starlette", "rich", "click"})
