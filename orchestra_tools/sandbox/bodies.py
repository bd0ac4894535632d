"""A body taken apart into values and texts by its content type. No I/O."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, NamedTuple


class UnreadableRequestError(ValueError):
    """The request cannot be read at all; `status` is what an API answers to that."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class Part(NamedTuple):
    """One part of a multipart form."""

    name: str
    media_type: str
    is_file: bool
    data: bytes


def read_json(body: bytes) -> Any:
    """The value of a JSON body.

    Raises:
        UnreadableRequestError: It is not JSON.
    """
    try:
        return json.loads(decode_text(body))
    except (ValueError, RecursionError) as error:
        if isinstance(error, UnreadableRequestError):
            raise
        raise UnreadableRequestError(422, f"the body is not JSON: {error}") from error


def read_parts(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart form.

    Raises:
        UnreadableRequestError: It is none.
    """
    if not (boundary := re.search(r'boundary="?([^";]+)', content_type)):
        raise UnreadableRequestError(422, "the multipart body has no boundary")
    parts = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode("latin-1"))[1:]:
        if piece.startswith(b"--"):
            break
        head, separator, data = piece.partition(b"\r\n\r\n")
        name = re.search(rb';\s*name="((?:[^"\\]|\\.)*)"', head)
        if not separator or not name:
            raise UnreadableRequestError(422, "a part of the multipart body has no name")
        kind = re.search(rb"(?im)^content-type:[ \t]*([^\s;]+)", head)
        media_type = kind[1].decode("latin-1").lower() if kind else ""
        # An empty part is how some clients keep a form multipart that has no file.
        if name[1]:
            parts.append(Part(_unquote_name(name[1]), media_type, b"filename=" in head, data))
    return parts


def _unquote_name(quoted: bytes) -> str:
    # The three characters that a name is written without (WHATWG HTML, 4.10.21.8).
    text = quoted.decode("utf-8", "replace")
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def decode_text(body: bytes) -> str:
    """A body as text.

    Raises:
        UnreadableRequestError: It is not UTF-8.
    """
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableRequestError(422, "the body is not UTF-8") from error


def decode_bytes(data: bytes) -> str:
    """Bytes as a JSON value can hold them."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
