"""The console script: what it refuses, what it says, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from .conftest import http_server

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "mcp_server_orchestra.main"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


def test_help_names_every_option() -> None:
    """A user finds the options without the docs."""
    result = run("--help")
    assert result.returncode == 0
    for option in ("--ledger", "--surface", "--http", "--sandbox", "--auth-tokens", "--auth-issuer", "--workers"):
        assert option in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--http", "0.0.0.0:8000"), "without asking anybody who they are"),
        (("--http", "0.0.0.0:8000", "--auth-issuer", "https://as.example"), "needs --public-url"),
        (("--http", "nonsense:port"), "is no address"),
        (("--http", "127.0.0.1:0", "--tls-cert", "cert.pem"), "belong together"),
        (("--http", "127.0.0.1:0", "--auth-tokens", "/nowhere/tokens"), "No such file"),
        (("--http", "192.0.2.1:0", "--allow-host", "x", "--auth-tokens", "/nowhere/tokens"), "No such file"),
        (("--http", "127.0.0.1:0", "--ledger", "/nowhere/ledger.json"), "cannot be opened"),
        (("--auth-issuer", "https://as.example"), "--auth-issuer is for --http"),
        (("--workers", "2"), "--workers is for --http"),
        (("--new-token", "alice"), "has no file to add to"),
        (("--ledger", "/nowhere/ledger.json"), "cannot be opened"),
        (("--surface", "everything"), "is not one of"),
    ],
)
def test_bad_options_are_refused_with_a_remedy(arguments: tuple[str, ...], told: str) -> None:
    """Never a traceback at a user."""
    result = run(*arguments)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    """By its number."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--http", f"127.0.0.1:{(port := taken.getsockname()[1])}")
    assert result.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_issuer_that_cannot_be_asked_is_told_before_anybody_is_served() -> None:
    """A wrong setting shows at the start, not with the first client."""
    options = ("--auth-issuer", "http://127.0.0.1:1", "--public-url", "http://127.0.0.1:8765/mcp")
    result = run("--http", "127.0.0.1:0", *options)
    assert result.returncode == 2
    assert "the keys of http://127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_token_is_made_and_shown_once(tmp_path: Path) -> None:
    """By option or by setting, from either command."""
    path = tmp_path / "tokens"
    first = run("--auth-tokens", str(path), "--new-token", "alice")
    second = run("--new-token", "bob", ORCHESTRA_HTTP_TOKENS=str(path))
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.startswith("orchestra_")
    assert first.stdout != second.stdout
    text = path.read_text("utf-8")
    assert [line.split()[0] for line in text.splitlines()] == ["alice", "bob"]
    assert first.stdout.strip() not in text


def test_stdio_does_not_load_a_web_server() -> None:
    """A host waits for the start."""
    # The SDK itself loads uvicorn; our own part is what can be left out.
    modules = [f"mcp_server_orchestra.{name}" for name in ("http", "gate", "auth", "issuer", "exposure", "heads")]
    code = (
        "import sys; sys.argv = ['mcp-server-orchestra']; import mcp_server_orchestra.main as main\n"
        "try: main.main()\n"
        f"finally: print([name for name in {modules} if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines()[-1] == "[]"


def test_a_broken_ledger_is_told_with_the_place(tmp_path: Path) -> None:
    """The host's log shows what is wrong and where."""
    path = tmp_path / "ledger.json"
    path.write_text('{"SN22": {', "utf-8")
    result = run("--ledger", str(path))
    assert result.returncode == 2
    assert "not JSON" in result.stderr
    assert "line 1" in result.stderr


def test_the_server_ends_when_its_host_goes() -> None:
    """A closed stdin is the host leaving; nothing but protocol ever stood on stdout."""
    result = run("--sandbox")
    assert result.returncode == 0
    assert result.stdout == ""


async def test_foreign_pages_cannot_reach_the_http_server() -> None:
    """DNS rebinding: a foreign Host is answered 421, a foreign Origin 403 (MCP, security)."""
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
    async with http_server(COMMAND, dict(os.environ)) as url, httpx.AsyncClient() as client:
        foreign_host = await client.post(url, content=body, headers={**headers, "host": "evil.example"})
        foreign_origin = await client.post(url, content=body, headers={**headers, "origin": "http://evil.example"})
    assert (foreign_host.status_code, foreign_origin.status_code) == (421, 403)


async def test_several_clients_share_one_http_server() -> None:
    """Each gets the same list."""
    from mcp import Client

    async def names(url: str, mode: str) -> list[str]:
        async with Client(url, mode=mode) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    async with http_server(COMMAND, dict(os.environ)) as url:
        lists = await asyncio.gather(*(names(url, mode) for mode in ("auto", "legacy", "auto", "legacy")))
    assert all(each == lists[0] for each in lists)
