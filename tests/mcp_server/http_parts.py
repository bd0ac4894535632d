"""Servers over HTTP in processes of their own, a load balancer between them and real clients, and raw requests."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from .conftest import ERAS

COMMAND = [sys.executable, "-m", "mcp_server_orchestra.main"]
JSON_HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})


@dataclass
class Served:
    """A server that runs."""

    url: str
    process: asyncio.subprocess.Process
    told: list[str] = field(default_factory=list)
    _reading: asyncio.Task[None] | None = None

    async def stop(self) -> int:
        """Tell it to stop as a service manager does, and wait; gives how it ended."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        code = await self.process.wait()
        if self._reading is not None:
            await self._reading
        return code

    @property
    def log(self) -> str:
        """What it has said on stderr."""
        return "".join(self.told)


@asynccontextmanager
async def serving(*arguments: str, address: str = "127.0.0.1:0", **environment: str) -> AsyncIterator[Served]:
    """The server on a free port."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--http", address, *arguments, env={**os.environ, **environment}, stderr=asyncio.subprocess.PIPE
    )
    served = Served("", process)
    started = asyncio.Event()

    async def read() -> None:
        assert process.stderr is not None
        while line := (await process.stderr.readline()).decode():
            served.told.append(line)
            if line.startswith("listening on ") and not served.url:
                served.url = line.split()[-1]
                started.set()
        started.set()

    served._reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(120):
            await started.wait()
        assert served.url, served.log
        yield served
    finally:
        await served.stop()


@asynccontextmanager
async def connecting(
    url: str, era: str, *, token: str | None = None, auth: httpx2.Auth | None = None, **options: Any
) -> AsyncIterator[Client]:
    """A real client in an era, with a bearer token or another way to authenticate."""
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    timeout = httpx2.Timeout(60)
    async with (
        httpx2.AsyncClient(headers=headers, auth=auth, timeout=timeout, **options) as http,
        Client(streamable_http_client(url, http_client=http), mode=ERAS[era]) as client,
    ):
        yield client


async def post(url: str, *, token: str | None = None, **headers: str | bytes) -> httpx.Response:
    """One raw request of the handshake era."""
    sent: dict[str, Any] = {**JSON_HEADERS, **headers} | (
        {"authorization": f"Bearer {token}"} if token is not None else {}
    )
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.post(url, content=PING, headers=sent)


async def raw(url: str, *lines: str) -> int:
    """The status that exactly these header lines are answered with."""
    parts = httpx.URL(url)
    reader, writer = await asyncio.open_connection(parts.host, parts.port)
    length = f"content-length: {len(PING)}"
    kept = [f"{name}: {value}" for name, value in JSON_HEADERS.items()]
    head = "\r\n".join([f"POST {parts.path} HTTP/1.1", *lines, *kept, length, "connection: close"])
    writer.write(f"{head}\r\n\r\n{PING}".encode())
    with suppress(ConnectionError):
        await writer.drain()
    status = (await reader.readline()).split()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return int(status[1])


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Balancer:
    """Gives each request to the next server, as a load balancer without sticky sessions does."""

    url: str
    given: Counter[int] = field(default_factory=Counter)


@asynccontextmanager
async def balancing(urls: list[str]) -> AsyncIterator[Balancer]:
    """A balancer on loopback in front of some servers."""
    ports = [httpx.URL(url).port for url in urls]
    balancer, passing = Balancer(""), set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing.add(asyncio.create_task(pass_on(reader, writer)))

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                port = ports[balancer.given.total() % len(ports)]
                balancer.given[port] += 1
                there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
                # So that the next request is a new connection, to another server.
                there_writer.write(head[:-2] + b"connection: close\r\n\r\n")
                sending = asyncio.create_task(_copy(reader, there_writer))
                passing.add(sending)
                try:
                    await _copy(there_reader, writer)
                finally:
                    sending.cancel()
                    there_writer.close()
        finally:
            # Also where it is cancelled: an open connection would outlive the loop.
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=2**20)
    balancer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{httpx.URL(urls[0]).path}"
    try:
        yield balancer
    finally:
        server.close()
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)
        # Connections let go of their sockets one turn later.
        await asyncio.sleep(0)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()


def metadata_url(answer: Mapping[str, str]) -> str:
    """Where an answer's WWW-Authenticate says that the resource's metadata stands (RFC 9728, 5.1)."""
    return answer["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]


def self_signed(folder: Path, *, password: bytes | None = None) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as PEM files."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (cert_path := folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    (key_path := folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    )
    return cert_path, key_path
