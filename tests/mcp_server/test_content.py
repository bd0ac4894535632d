"""An answer of bytes is shown as what it is, and never as what a model's API would refuse."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_server_orchestra.content import MAX_PICTURE_BYTES, content_of, read_bytes, show
from orchestra_tools.client import AsyncLedgerClient, Offer
from orchestra_tools.errors import InputError
from orchestra_tools.toolsets import Reply
from tests.conformance.backend import picture, recording, run_backend
from tests.conformance.serve import LEDGER, PLACEHOLDER

GIF = b"GIF89a" + bytes(20)
WEBP = b"RIFF" + bytes(4) + b"WEBP" + bytes(8)


def answer(data: bytes, media_type: str = "application/octet-stream") -> dict[str, Any]:
    """As the core gives an answer of bytes."""
    return {"media_type": media_type, "bytes": len(data), "base64": base64.b64encode(data).decode()}


def shown(data: bytes, media_type: str = "application/octet-stream") -> dict[str, Any]:
    read = read_bytes(answer(data, media_type))
    assert read is not None
    return show(read, uri="urn:x").model_dump(by_alias=True, exclude_none=True)


@pytest.mark.parametrize(
    ("data", "kind", "media_type"),
    [
        (picture(), "image", "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image", "image/jpeg"),
        (GIF, "image", "image/gif"),
        (WEBP, "image", "image/webp"),
        (recording(), "audio", "audio/wav"),
        (b"ID3" + bytes(20), "audio", "audio/mpeg"),
        (b"OggS" + bytes(20), "audio", "audio/ogg"),
    ],
)
def test_bytes_are_what_they_begin_with(data: bytes, kind: str, media_type: str) -> None:
    """Ours: whatever the subnet calls them."""
    for called in (media_type, "application/octet-stream", "image/tiff"):
        block = shown(data, called)
        assert (block["type"], block["mimeType"]) == (kind, media_type)
        assert base64.b64decode(block["data"]) == data


@pytest.mark.parametrize("data", [b"", b"<html>", b"RIFF", b"\x89PN", b"II*\0" + bytes(20)])
def test_what_is_no_picture_travels_as_a_file(data: bytes) -> None:
    """Ours: a picture that is none costs a host the conversation."""
    block = shown(data, "image/png")
    assert block["type"] == "resource"
    assert block["resource"] == {"uri": "urn:x", "mimeType": "image/png", "blob": base64.b64encode(data).decode()}


def test_a_picture_that_model_apis_find_too_large_travels_as_a_file() -> None:
    """Ours, for the same reason."""
    assert shown(picture() + bytes(MAX_PICTURE_BYTES))["type"] == "resource"


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        ["image/png"],
        {"media_type": "image/png"},
        answer(GIF) | {"more": 1},
        answer(GIF) | {"base64": "no base64!"},
        answer(GIF) | {"base64": "é"},
        answer(GIF) | {"base64": 7},
        answer(GIF) | {"media_type": None},
    ],
)
def test_json_that_only_looks_like_bytes_is_json(data: Any) -> None:
    """Ours: an answer comes from a stranger."""
    assert read_bytes(data) is None


def test_the_model_reads_of_bytes_what_they_are_and_how_many() -> None:
    """Ours: not a megabyte of base64."""
    text, block = content_of(Reply("sn1_draw", value=answer(picture(), "image/png")))
    assert text.model_dump()["text"] == f'{{"media_type":"image/png","bytes":{len(picture())}}}'
    assert block.type == "image"


@pytest.mark.parametrize(
    "reply", [Reply("sn1_ask", value={"a": 1}), Reply("sn1_ask", error=InputError("no such thing", remedy="ask"))]
)
def test_all_else_is_one_text(reply: Reply) -> None:
    """Ours: as before."""
    assert [block.model_dump()["text"] for block in content_of(reply)] == [reply.text]


@pytest.fixture
async def draw(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Reply]]]:
    """Call an operation of the conformance ledger, which may be said to answer by a schema."""
    async with run_backend() as backend:

        async def call(operation: str, **changes: Any) -> Reply:
            document = json.loads(LEDGER.read_text("utf-8").replace(PLACEHOLDER, backend))
            document["entries"]["SN9000"]["operations"][operation] |= changes
            path = tmp_path / "ledger.json"
            path.write_text(json.dumps(document), "utf-8")
            async with AsyncLedgerClient(path, environment={"ORCHESTRA_HOME": str(tmp_path)}) as ledger:
                return await Offer(ledger).answer(f"sn9000_{operation}", {})

        yield call


async def test_what_a_subnet_answers_in_bytes_is_shown(draw: Callable[..., Awaitable[Reply]]) -> None:
    """Ours: through a real call; a file is named after the receipt of its call."""
    _, block = content_of(await draw("test_image_content"))
    assert base64.b64decode(block.model_dump()["data"]) == picture()
    reply = await draw("test_embedded_resource")
    _, file = content_of(reply)
    assert reply.receipt is not None
    assert file.model_dump()["resource"]["uri"] == f"urn:orchestra:answer:{reply.receipt.id}"


async def test_bytes_in_place_of_something_else_are_shown_with_what_is_wrong(
    draw: Callable[..., Awaitable[Reply]],
) -> None:
    """Ours: drift comes with the answer, as ever, and without its bytes in the text."""
    reply = await draw("test_image_content", output_schema={"type": "object", "required": ["prompt"]})
    text, block = content_of(reply)
    told = text.model_dump()["text"]
    assert reply.failed
    assert "/prompt: is required and missing" in told
    assert '"media_type":"image/png"' in told
    assert "base64" not in told
    assert block.type == "image"
