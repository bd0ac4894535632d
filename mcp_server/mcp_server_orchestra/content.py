"""The content blocks of a reply: text, and an answer of bytes as what it is: a picture, a recording, a file. Pure.

What bytes are is read from the bytes. A subnet may call anything `image/png`, and a host passes a picture on to its
model, whose API refuses the whole conversation when the picture is none.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mcp.types as mcp_types

from orchestra_tools.toolsets import Reply, to_text

MAX_PICTURE_BYTES = 3_750_000  # 5 MB as base64, the most that model APIs take
_BYTES_ANSWER = frozenset({"media_type", "bytes", "base64"})
_SIGNATURE_BYTES = 12
# The pictures that model APIs take; others travel as files.
_PICTURES: tuple[tuple[str, bytes, bytes], ...] = (
    ("image/png", b"\x89PNG\r\n\x1a\n", b""),
    ("image/jpeg", b"\xff\xd8\xff", b""),
    ("image/gif", b"GIF87a", b""),
    ("image/gif", b"GIF89a", b""),
    ("image/webp", b"RIFF", b"WEBP"),
)
_RECORDINGS: tuple[tuple[str, bytes, bytes], ...] = (
    ("audio/wav", b"RIFF", b"WAVE"),
    ("audio/mpeg", b"ID3", b""),
    ("audio/mpeg", b"\xff\xfb", b""),
    ("audio/ogg", b"OggS", b""),
    ("audio/flac", b"fLaC", b""),
)


@dataclass(frozen=True, slots=True)
class BytesAnswer:
    """An answer that is neither JSON nor text.

    Attributes:
        media_type: What the subnet called it.
        size: How many bytes it has.
        encoded: The bytes as base64.
        head: The first of them.
    """

    media_type: str
    size: int
    encoded: str
    head: bytes


def read_bytes(data: Any) -> BytesAnswer | None:
    """The bytes in an answer; None where it is JSON or text."""
    if not isinstance(data, Mapping) or data.keys() != _BYTES_ANSWER:
        return None
    media_type, encoded = data["media_type"], data["base64"]
    if not isinstance(media_type, str) or not isinstance(encoded, str):
        return None
    try:
        # A subnet may write the same three keys into JSON, with anything under them.
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return BytesAnswer(media_type, len(decoded), encoded, decoded[:_SIGNATURE_BYTES])


def content_of(reply: Reply) -> list[mcp_types.ContentBlock]:
    """The content blocks of a reply: its text first, then the bytes, if the answer is such."""
    answer = None if reply.error is not None else read_bytes(reply.data)
    if answer is None:
        return [_text(reply.text)]
    told = to_text({"media_type": answer.media_type, "bytes": answer.size})
    if reply.failed:
        # How it breaks its schema stands in the first line; the second is the answer, as text.
        drift, _, _ = reply.text.partition("\n")
        told = f"{drift}\n{told}"
    receipt = reply.receipt
    return [_text(told), show(answer, uri=f"urn:orchestra:answer:{'' if receipt is None else receipt.id}")]


def show(answer: BytesAnswer, *, uri: str) -> mcp_types.ContentBlock:
    """The block for an answer of bytes.

    Args:
        answer: What was answered.
        uri: Names the answer where it travels as a file.
    """
    if answer.size <= MAX_PICTURE_BYTES and (kind := _kind(answer.head, _PICTURES)) is not None:
        return mcp_types.ImageContent(type="image", data=answer.encoded, mime_type=kind)
    if (kind := _kind(answer.head, _RECORDINGS)) is not None:
        return mcp_types.AudioContent(type="audio", data=answer.encoded, mime_type=kind)
    contents = mcp_types.BlobResourceContents(uri=uri, mime_type=answer.media_type, blob=answer.encoded)
    return mcp_types.EmbeddedResource(type="resource", resource=contents)


def _text(text: str) -> mcp_types.ContentBlock:
    return mcp_types.TextContent(type="text", text=text)


def _kind(head: bytes, signatures: tuple[tuple[str, bytes, bytes], ...]) -> str | None:
    """The media type whose signature the bytes begin with: at their start, and at byte 8."""
    return next(
        (kind for kind, start, later in signatures if head.startswith(start) and head[8:].startswith(later)), None
    )
