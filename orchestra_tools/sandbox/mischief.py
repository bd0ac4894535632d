"""Carries out the faults that replace an answer."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import zlib
from functools import lru_cache

from aiohttp import web

from orchestra_tools.sandbox.faults import Fault
from orchestra_tools.sandbox.replies import Headers, reply

_CHUNK = 64 * 1024  # bytes
_DRIP_S = 0.05  # seconds between drops
_MB = 1024 * 1024
_HTML = (
    b"<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
)


async def carry_out(request: web.BaseRequest, fault: Fault, headers: Headers) -> web.StreamResponse | None:
    """The response a fault demands; None where the real answer goes on."""
    match fault.kind:
        case "latency":
            await asyncio.sleep(fault.number / 1000)
            return None
        case "server_error" | "status":
            status = int(fault.number) or 500
            return reply({"detail": "the sandbox was told to fail"}, status, headers)
        case "rate_limit":
            return reply({"detail": "too many requests"}, 429, {**headers, "Retry-After": f"{fault.number:g}"})
        case "timeout":
            # Ends when the client goes, or the server stops: both cancel the handler.
            await asyncio.Event().wait()
        case "garbage":
            return _body(b'{"data": [{"title": "An answer that breaks o', "application/json", headers)
        case "html":
            return _body(_HTML, "text/html", headers)
        case "reset":
            return _reset(request)
        case "redirect":
            return web.Response(status=302, headers={**headers, "Location": fault.text})
        case "big":
            return await _big(request, int(fault.number), headers)
        case "bomb":
            packed = {**headers, "Content-Encoding": "gzip"}
            return _body(_bomb(max(1, int(fault.number))), "application/json", packed)
        case "empty":
            return _body(b"", "application/json", headers)
    return None


async def drip(
    request: web.BaseRequest, body: bytes, media_type: str, bytes_per_s: float, headers: Headers
) -> web.StreamResponse:
    """Send a body slowly."""
    response = web.StreamResponse(headers={**headers, "Content-Type": media_type, "Content-Length": str(len(body))})
    await response.prepare(request)
    size = max(1, int(bytes_per_s * _DRIP_S))
    for start in range(0, len(body), size):
        await response.write(body[start : start + size])
        await asyncio.sleep(size / bytes_per_s)
    await response.write_eof()
    return response


def _body(body: bytes, media_type: str, headers: Headers) -> web.Response:
    return web.Response(body=body, headers={**headers, "Content-Type": media_type})


def _reset(request: web.BaseRequest) -> web.Response:
    if (transport := request.transport) is not None:
        connection = transport.get_extra_info("socket")
        # Lingering for no time sends RST instead of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


async def _big(request: web.BaseRequest, size: int, headers: Headers) -> web.StreamResponse:
    # No Content-Length: a client that only looks there is caught.
    response = web.StreamResponse(headers={**headers, "Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    frame = json.dumps({"padding": ""}).encode()
    left = size - len(frame)
    if left < 0:
        await response.write(b" " * size)
    else:
        await response.write(frame[:-2])
        for start in range(0, left, _CHUNK):
            await response.write(b"a" * min(_CHUNK, left - start))
        await response.write(frame[-2:])
    await response.write_eof()
    return response


@lru_cache(maxsize=4)
def _bomb(megabytes: int) -> bytes:
    """A valid gzip member of so many MB of spaces.

    One MB is packed once and its block repeated: a full flush makes the block independent of what came before.
    """
    plain = b" " * _MB
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush()
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(plain, checksum)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + block * megabytes + end + struct.pack("<II", checksum, megabytes * _MB % 2**32)
