"""A canary key in the environment appears in no output: not in a log, a receipt, an error, a file or an MCP message."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from orchestra_tools.testing import Sandbox

pytestmark = pytest.mark.slow
CANARY = "canary-5f1d9c2e7ab34806"
KEYS = {f"ORCHESTRA_KEY_SN{netuid}": CANARY for netuid in range(129)}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, **KEYS, "ORCHESTRA_HOME": str(tmp_path / "home"), "ORCHESTRA_DEBUG": "1"}


def files_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_no_mcp_message_log_or_file_has_the_key(
    sandbox: Sandbox, environment: dict[str, str], tmp_path: Path
) -> None:
    """Through the server: lists, descriptions, answers, every kind of failure."""
    log = (tmp_path / "stderr.log").open("w+")
    seen: list[str] = []
    for ledger in (str(sandbox.ledger_path), ""):
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "mcp_server_orchestra.main", "--verbose", "--surface", "operations", "--ledger", ledger],
            env=environment,
        )
        from mcp.client.stdio import stdio_client

        async with Client(stdio_client(server, errlog=log)) as client:
            seen.append((await client.list_tools()).model_dump_json())
            for name, arguments in (
                ("ledger_status", {}),
                ("find_tools", {"query": "web search", "callable_now": True}),
                ("describe_tool", {"name": "sn22_web_search"}),
                ("call_tool", {"name": "sn22_web_search", "arguments": {}}),
            ):
                seen.append((await client.call_tool(name, arguments)).model_dump_json())
            if not ledger:
                continue
            for fault in ("", "server_error", "garbage", "status:401", "drift", "reset", "html"):
                if fault:
                    sandbox.faults.set("sn22_web_search", fault, times=1)
                seen.append((await client.call_tool("sn22_web_search", {"query": "tao"})).model_dump_json())
    log.seek(0)
    assert CANARY not in "".join(seen)
    assert CANARY not in log.read()
    log.close()
    assert CANARY.encode() not in files_below(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["keys", "list"],
        ["keys", "list", "--json"],
        ["show", "SN22", "--json"],
        ["show", "sn22_web_search"],
        ["tools", "--json"],
        ["find", "web search", "--json"],
        ["call", "sn22_web_search", "querry=x"],
        ["call", "sn22_web_search", "query=tao", "--json"],
        ["attach", "claude-desktop", "--dry-run"],
    ],
)
def test_no_command_prints_the_key(arguments: list[str], sandbox: Sandbox, environment: dict[str, str]) -> None:
    """Through the command line, debugging on."""
    result = subprocess.run(
        [sys.executable, "-m", "orchestra_tools.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**environment, "ORCHESTRA_LEDGER": str(sandbox.ledger_path)},
    )
    assert result.stdout or result.stderr
    assert CANARY not in result.stdout + result.stderr


def test_the_canary_would_be_seen(sandbox: Sandbox, environment: dict[str, str]) -> None:
    """The search above can fail: given as an argument, which the sandbox echoes, the canary is on the output."""
    result = subprocess.run(
        [sys.executable, "-m", "orchestra_tools.cli.main", "call", "sn22_x_post_by_id", f"id={CANARY}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**environment, "ORCHESTRA_LEDGER": str(sandbox.ledger_path)},
    )
    assert result.returncode == 0, result.stderr
    assert CANARY in result.stdout
