"""Addresses that lead where nobody should go, and arguments that try to change where a request goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.hostile.case import Attack, Case, Unstopped, refuse, told
from tests.hostile.stage import BAD, Stage, operation

HOSTS = (
    "127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0", "0.0.0.0",  # never served on
    "localhost", "localhost.", "LOCALHOST", "①②⑦.⓪.⓪.①", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::7f00:1]",
    "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]",
    "[fec0::1]", "[ff02::1]", "[3fff::1]", "[5f00::1]", "[2001::1]", "169.254.169.254", "100.100.100.200",
    "192.0.0.192", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255",
)  # fmt: skip
URLS = {
    "a gopher": "gopher://example.com/",
    "a file": "file:///etc/passwd",
    "a socket": "unix:///var/run/docker.sock",
    "FTP": "ftp://example.com/",
    "a user in front": "https://good.example@127.0.0.1/",
    "a fragment in front": "https://127.0.0.1#@good.example/",
    "a backslash": "https://127.0.0.1\\@good.example/",
    "a tab": "https://127.0.0\t.1/",
    "a NUL": "https://127.0.0.1%00.good.example/",
    "no host": "https:///path",
    "port 22": "https://127.0.0.1:22/",
    "a port that is none": "https://example.com:99999/",
    "no URL": "::::",
    "half an IPv6": "https://[::1/",
}
ARGUMENTS: dict[str, tuple[dict[str, Any], Any]] = {
    "two dots in the path": ({"path": "/a/{q}", "arguments": {"q": {"in": "path"}}}, ".."),
    "one dot in the path": ({"path": "/a/{q}", "arguments": {"q": {"in": "path"}}}, "."),
    "nothing in the path": ({"path": "/a/{q}", "arguments": {"q": {"in": "path"}}}, ""),
    "a line break in a header": ({"arguments": {"q": {"in": "header", "name": "X-Q"}}}, "a\r\nHost: evil"),
    "a NUL in a header": ({"arguments": {"q": {"in": "header", "name": "X-Q"}}}, "a\0b"),
    "half a surrogate pair": ({}, "\ud800"),
    "the wrong type": ({}, {"$ne": None}),
    "a header that frames": ({"arguments": {"q": {"in": "header", "name": "Transfer-Encoding"}}}, "chunked"),
    "a header that is no token": ({"arguments": {"q": {"in": "header", "name": "a b:"}}}, "x"),
    "another host": ({"arguments": {"q": {"in": "header", "name": "Host"}}}, "evil.example"),
}


def cases() -> Iterator[Case]:
    """All of them."""
    for host in HOSTS:
        yield Case("addresses", host, _refused_to_connect(f"https://{host}/"))
    for name, url in URLS.items():
        yield Case("URLs", name, _refused_to_connect(url))
    for url in ("http://192.0.2.1:8000", "https://sandbox.example", "http://[::ffff:127.0.0.1]:1"):
        yield Case("sandboxes elsewhere", url, _refused_sandbox(url))
    for name, (places, value) in ARGUMENTS.items():
        yield Case("arguments", name, _refused_arguments(places, {"q": value}))
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    yield Case("arguments", "5,000 deep", _refused_arguments({}, {"q": deep}))
    yield Case("arguments", "NaN", _refused_arguments({}, {"q": float("nan")}))
    yield Case("arguments", "no object", _refused_arguments({}, ["q"]))


def _refused_to_connect(url: str) -> Attack:
    async def attack(stage: Stage) -> str:
        # No sandbox here: only a real ledger has addresses of strangers.
        bad = operation(endpoint=stage.endpoint(base_url=url))
        async with stage.client(stage.ledger(bad, sandbox=False)) as client:
            error = await refuse(client, BAD)
        if error.code in ("connection_failed", "timeout"):
            raise Unstopped(f"it was tried: {error}") from error
        return told(error)

    return attack


def _refused_sandbox(url: str) -> Attack:
    async def attack(stage: Stage) -> str:
        ledger = stage.ledger(operation(endpoint=stage.endpoint(base_url=url))) | {"sandbox": {"url": url}}
        async with stage.client(ledger) as client:
            return told(await refuse(client, BAD))

    return attack


def _refused_arguments(places: dict[str, Any], arguments: Any) -> Attack:
    async def attack(stage: Stage) -> str:
        async with stage.client(stage.ledger(operation(endpoint=stage.endpoint(**places)))) as client:
            return told(await refuse(client, BAD, arguments))

    return attack
