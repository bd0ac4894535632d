"""Clients that speak just enough MCP to time a server without adding much of their own.

Both starts a server process and speak either era: a handshake first ("2025-11-25"), or the revision in each request
("2026-07-28").
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
ERAS = (LEGACY, MODERN)
_PREFIX = "io.modelcontextprotocol/"
_CLIENT = {"name": "bench", "version": "0"}


class RawClient(ABC):
    """One server process, and one client of it."""

    def __init__(self, command: list[str], environment: Mapping[str, str], era: str) -> None:
        self.era = era
        self.started = time.perf_counter()
        self._next_id = 0
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )

    @abstractmethod
    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request, wait for the answer to it."""

    @abstractmethod
    def notify(self, message: dict[str, Any]) -> None:
        """Send a message that has no answer."""

    def handshake(self) -> None:
        """`initialize` and what follows it; nothing in the modern era."""
        if self.era == LEGACY:
            self.request("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT})
            self.notify({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its result."""
        self._next_id += 1
        if self.era == MODERN:
            named = {"protocolVersion": MODERN, "clientCapabilities": {}, "clientInfo": _CLIENT}
            params = params | {"_meta": {f"{_PREFIX}{name}": value for name, value in named.items()}}
        message = self.exchange({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        if "error" in message:
            raise RuntimeError(message["error"])
        return dict(message["result"])

    def list_all(self) -> tuple[int, int]:
        """All pages of tools/list: how many tools, how many bytes as JSON."""
        count = size = 0
        cursor: str | None = None
        while True:
            result = self.request("tools/list", {"cursor": cursor} if cursor else {})
            count += len(result["tools"])
            size += len(json.dumps(result["tools"], separators=(",", ":"), ensure_ascii=False).encode())
            if not (cursor := result.get("nextCursor")):
                return count, size

    def memory_mb(self) -> float:
        """Resident set of the process, in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdout is not None
        self.end()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    @abstractmethod
    def end(self) -> None:
        """Ask the server to end."""


class StdioClient(RawClient):
    """Over the process's own input and output."""

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        self.notify(message)
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            answer = json.loads(line)
            if answer.get("id") == message["id"]:
                return dict(answer)
        raise RuntimeError("the server went away")

    def notify(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


class HttpClient(RawClient):
    """Over streamable HTTP on one connection."""

    def __init__(self, command: list[str], environment: Mapping[str, str], era: str, port: int) -> None:
        super().__init__(command, environment, era)
        self._port = port
        self._connection: http.client.HTTPConnection | None = None
        self._session: str | None = None

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        body, kind = self._post(message)
        if "event-stream" in kind:
            for line in body.splitlines():
                if line.startswith(b"data:") and (answer := json.loads(line[5:] or b"{}")).get("id") == message["id"]:
                    return dict(answer)
            raise RuntimeError("no answer in the stream")
        return dict(json.loads(body))

    def notify(self, message: dict[str, Any]) -> None:
        self._post(message)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.terminate()

    def _post(self, message: dict[str, Any]) -> tuple[bytes, str]:
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        if message["method"] != "initialize":
            headers["mcp-protocol-version"] = self.era
        if self._session:
            headers["mcp-session-id"] = self._session
        if self.era == MODERN:
            headers["mcp-method"] = message["method"]
            if message["method"] == "tools/call":
                headers["mcp-name"] = message["params"]["name"]
        connection = self._connect()
        connection.request("POST", "/mcp", json.dumps(message), headers)
        response = connection.getresponse()
        body = response.read()
        self._session = response.getheader("mcp-session-id") or self._session
        if response.status >= 400:
            raise RuntimeError(f"{response.status}: {body[:200]!r}")
        return body, response.getheader("content-type") or ""

    def _connect(self) -> http.client.HTTPConnection:
        while self._connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port)
            try:
                connection.connect()
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise RuntimeError("the server went away") from None
                time.sleep(0.005)
                continue
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = connection
        return self._connection


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
