"""The subnet behind the conformance ledger: a real HTTP server on loopback."""

from __future__ import annotations

import asyncio
import io
import struct
import wave
import zipfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

TEXT = "This is a simple text response for testing."
REFUSAL = "This tool intentionally returns an error for testing"
PAUSE_S = 0.05  # between the parts of a slow answer, as the suite describes it


@asynccontextmanager
async def run_backend() -> AsyncIterator[str]:
    """Serve on a free port; gives the root URL."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/text", _text),
            web.get("/picture", _picture),
            web.get("/recording", _recording),
            web.get("/file", _file),
            web.get("/slow", _slow),
            web.get("/error", _error),
            web.post("/echo", _echo),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def picture() -> bytes:
    """A PNG of one red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def recording() -> bytes:
    """A WAV of one sample."""
    written = io.BytesIO()
    with wave.open(written, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(b"\0\0")
    return written.getvalue()


async def _text(request: web.Request) -> web.Response:
    return web.Response(text=TEXT)


async def _picture(request: web.Request) -> web.Response:
    return web.Response(body=picture(), content_type="image/png")


async def _recording(request: web.Request) -> web.Response:
    return web.Response(body=recording(), content_type="audio/wav")


async def _file(request: web.Request) -> web.Response:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("readme.txt", TEXT)
    return web.Response(body=written.getvalue(), content_type="application/zip")


async def _slow(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/plain"})
    await response.prepare(request)
    for part in ("one ", "two ", "three"):
        await response.write(part.encode())
        await asyncio.sleep(PAUSE_S)
    await response.write_eof()
    return response


async def _error(request: web.Request) -> web.Response:
    return web.json_response({"detail": REFUSAL}, status=422)


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(await request.json())
