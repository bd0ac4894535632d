"""No answer takes more time or memory than it is given."""

from __future__ import annotations

import asyncio
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from orchestra_tools.calls import Executor, Limits
from orchestra_tools.calls.transports.decoding import BodyReader
from orchestra_tools.errors import (
    AnswerTooLargeError,
    CallTimeoutError,
    ConnectionFailedError,
    RejectedError,
    UnreadableAnswerError,
)
from orchestra_tools.model import Blame, Outcome
from tests.calls.recording import Bench, Server, gzipped, json_answer

SMALL = Limits(timeout_s=5.0, max_wire_bytes=200_000, max_body_bytes=400_000)
BIG_JSON = b'["' + b"x" * 300_000 + b'"]'


@pytest.fixture
def bench(server: Server, make_executor: Callable[..., Executor]) -> Bench:
    return Bench(server, make_executor(limits=SMALL))


def encoded(body: bytes, encoding: str) -> web.Response:
    return (
        json_answer(body.decode("latin-1"), Content_Encoding=encoding)
        if encoding == ""
        else web.Response(body=body, headers={"Content-Type": "application/json", "Content-Encoding": encoding})
    )


@pytest.mark.parametrize(
    ("encoding", "wbits"), [("gzip", 31), ("GZIP", 31), ("x-gzip", 31), ("deflate", 15), ("deflate", -15)]
)
async def test_compression_is_undone(bench: Bench, encoding: str, wbits: int) -> None:
    """gzip and deflate; many servers send deflate without its header. Many steps, and exact ones."""
    bench.server.answer(encoded(gzipped(BIG_JSON, wbits=wbits), encoding))
    result = await bench.call()
    assert result.data == ["x" * 300_000]
    assert result.observation.bytes_received < 2_000


@pytest.mark.parametrize("size", [64 * 1024, 2 * 64 * 1024, 64 * 1024 - 1, 64 * 1024 + 1])
def test_output_that_fills_a_step_exactly_is_whole(size: int) -> None:
    """All input may be taken while output is still inside the decoder."""
    reader = BodyReader("gzip", SMALL, 200)
    for byte in gzipped(b"y" * size):
        reader.feed(bytes([byte]))
    assert len(reader.finish()) == size


async def test_identity_is_no_encoding(bench: Bench) -> None:
    """Named or not."""
    bench.server.answer(encoded(b"[1]", "identity"))
    assert (await bench.call()).data == [1]


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "aws-chunked", "identity, gzip"])
async def test_an_encoding_that_was_not_asked_for_is_refused(bench: Bench, encoding: str) -> None:
    """And a double one."""
    bench.server.answer(encoded(gzipped(gzipped(b"[1]")), encoding))
    with pytest.raises(UnreadableAnswerError, match="not asked for") as caught:
        await bench.call()
    assert caught.value.status == 200


@pytest.mark.parametrize(
    "body", [b"no gzip", gzipped(BIG_JSON)[:-9], gzipped(BIG_JSON)[:20], gzipped(b"[1]")[:-4] + b"abcd"]
)
async def test_broken_compression_is_the_subnets_fault(bench: Bench, body: bytes) -> None:
    """Cut off, garbled, or no compression at all."""
    bench.server.answer(encoded(body, "gzip"))
    with pytest.raises(UnreadableAnswerError, match="compressed body"):
        await bench.call()


async def test_an_empty_compressed_body_is_empty(bench: Bench) -> None:
    """Some servers name an encoding and send nothing."""
    bench.server.answer(web.Response(status=202, headers={"Content-Encoding": "gzip"}))
    assert (await bench.call()).data is None


@pytest.mark.parametrize("wbits", [31, 15])
async def test_a_decompression_bomb_is_stopped_early(bench: Bench, wbits: int) -> None:
    """100 kB that would become 100 MB: a typed error, and never much more than the limit in memory."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, wbits)
    megabyte = bytes(1024 * 1024)
    bomb = b"".join([*(compressor.compress(megabyte) for _ in range(100)), compressor.flush()])
    assert len(bomb) < SMALL.max_wire_bytes
    bench.server.answer(encoded(bomb, "gzip" if wbits == 31 else "deflate"))
    await bench.executor.close()
    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLargeError, match="400,000 bytes after decompression") as caught:
            await bench.call()
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert caught.value.facts["limit"] == SMALL.max_body_bytes
    assert caught.value.outcome.fault is Blame.SUBNET


async def test_a_large_body_is_stopped_on_the_wire(bench: Bench) -> None:
    """Also without compression."""
    bench.server.answer(json_answer('"' + "x" * 250_000 + '"'))
    with pytest.raises(AnswerTooLargeError, match="200,000 bytes on the wire"):
        await bench.call()


async def test_an_uncompressed_body_keeps_to_both_limits(
    server: Server, make_executor: Callable[..., Executor]
) -> None:
    """The smaller of the two counts."""
    bench = Bench(server, make_executor(limits=Limits(max_body_bytes=10)))
    server.answer(json_answer('"01234567890"'))
    with pytest.raises(AnswerTooLargeError):
        await bench.call()


def streaming(server: Server, write: Callable[[web.StreamResponse], Awaitable[None]]) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            await write(response)
        except (ConnectionError, asyncio.CancelledError):
            server.dropped.set()
            raise
        return response

    server.answer(answer)


async def test_an_endless_stream_is_cut_and_its_connection_closed(bench: Bench) -> None:
    """The server sees us go."""

    async def write(response: web.StreamResponse) -> None:
        while True:
            await response.write(b" " * 16_384)

    streaming(bench.server, write)
    with pytest.raises(AnswerTooLargeError):
        await bench.call()
    await asyncio.wait_for(bench.server.dropped.wait(), 5)


async def test_a_slow_drip_ends_with_the_total_time(server: Server, make_executor: Callable[..., Executor]) -> None:
    """Each byte is on time; the whole is not."""
    bench = Bench(server, make_executor(limits=Limits(timeout_s=0.1)))

    async def write(response: web.StreamResponse) -> None:
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    streaming(server, write)
    with pytest.raises(CallTimeoutError, match=r"within 0\.1 seconds") as caught:
        await bench.call()
    assert caught.value.outcome is Outcome.TIMEOUT
    assert caught.value.observation is not None
    assert caught.value.observation.attempts == 1
    await asyncio.wait_for(server.dropped.wait(), 5)


async def test_an_operation_may_have_its_own_time(bench: Bench) -> None:
    """`timeout_s` of the entry wins."""

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    bench.server.answer(never)
    with pytest.raises(CallTimeoutError, match=r"within 0\.05 seconds"):
        await bench.call({}, {"timeout_s": 0.05})


async def test_a_body_that_ends_too_early_is_a_broken_connection(bench: Bench) -> None:
    """A content length is a promise."""

    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100", "Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b"[1")
        assert request.transport is not None
        request.transport.close()
        return response

    bench.server.answer(short)
    with pytest.raises(ConnectionFailedError, match="broke") as caught:
        await bench.call({}, {"spends_money": True, "cost": {"amount": "0.1"}})
    assert caught.value.facts["sent"]
    assert caught.value.outcome.fault is Blame.NETWORK


async def test_garbage_instead_of_http_is_a_broken_connection(
    make_executor: Callable[..., Executor], server: Server
) -> None:
    """Whatever speaks on that port."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 3)
        writer.close()

    other = await asyncio.start_server(speak, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
    bench = Bench(Server(url=url), make_executor())
    with pytest.raises(ConnectionFailedError):
        await bench.call()
    other.close()
    await other.wait_closed()


async def test_absurd_headers_are_refused(bench: Bench) -> None:
    """Headers have limits of their own."""
    bench.server.answer(json_answer("[]", X_Long="x" * 20_000))
    with pytest.raises(ConnectionFailedError):
        await bench.call()


async def test_nobody_there_is_not_the_subnets_fault(make_executor: Callable[..., Executor], unused_port: int) -> None:
    """It may be our own cable."""
    bench = Bench(Server(url=f"http://127.0.0.1:{unused_port}"), make_executor())
    with pytest.raises(ConnectionFailedError, match="could not be made") as caught:
        await bench.call()
    assert not caught.value.facts["sent"]
    assert caught.value.outcome is Outcome.UNREACHABLE
    assert caught.value.receipt is not None
    assert caught.value.receipt.response is None


@pytest.fixture
async def unused_port() -> int:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_redirects_on_the_same_host_are_followed_three_times(bench: Bench) -> None:
    """The fourth is the answer."""

    def to(location: str, status: int = 302) -> web.Response:
        return web.Response(status=status, headers={"Location": location})

    bench.server.answer(to("/b"), to(f"{bench.server.url}/c?x=%2F#part", 307), to("d", 308), json_answer("[1]"))
    assert (await bench.call()).data == [1]
    assert [request.target for request in bench.server.requests] == ["/ask", "/b", "/c?x=%2F", "/d"]
    bench.server.answer(to("/again"))
    with pytest.raises(RejectedError) as caught:
        await bench.call()
    assert caught.value.status == 302
    assert len(bench.server.requests) == 8


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/",
        "https://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "//evil.example/",
        "http://user@127.0.0.1:{port}/",
        "\\\\evil.example",
        "http://[bad/",
        "gopher://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/\u00e9",
        "",
    ],
)
async def test_redirects_elsewhere_are_not_followed(bench: Bench, location: str) -> None:
    """Another host, port, scheme, or a trick."""
    port = bench.server.url.rpartition(":")[2]
    bench.server.answer(web.Response(status=302, headers={"Location": location.format(port=port)}))
    with pytest.raises(RejectedError):
        await bench.call()
    assert len(bench.server.requests) == 1


@pytest.mark.parametrize(("status", "requests"), [(301, 1), (302, 1), (303, 1), (307, 2), (308, 2)])
async def test_a_post_is_redirected_only_as_a_post(bench: Bench, status: int, requests: int) -> None:
    """307 and 308 keep the method and the body; the others would make a GET of it."""
    bench.server.answer(web.Response(status=status, headers={"Location": "/b"}), json_answer("[1]"))
    try:
        await bench.send({"a": 1}, places={"a": "body"}, method="POST")
    except RejectedError:
        assert requests == 1
    assert [(each.method, each.body) for each in bench.server.requests] == [("POST", b'{"a":1}')] * requests


async def test_connections_are_kept_and_the_environment_is_not_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """One connection for many calls; no proxy, no .netrc, no cookies that a server sets."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    ports: set[Any] = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return json_answer("[]", Set_Cookie="a=b")

    bench.server.answer(answer)
    for _ in range(3):
        await bench.call()
    assert len(ports) == 1
    for request in bench.server.requests:
        assert "Authorization" not in request.headers
        assert "Cookie" not in request.headers
