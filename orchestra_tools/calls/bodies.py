"""Arguments become a body: JSON, a form, a multipart form, or raw bytes. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_BINARY = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")

Named = tuple[str, Any]
"""An argument's name and its value."""


class BodyRefused(Exception):  # noqa: N818  # never leaves this package: the request builder makes the error of it
    """A value cannot travel in a body."""

    def __init__(self, name: str, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.name, self.problem, self.remedy = name, problem, remedy


def encode_body(media_type: str, content: Named | Mapping[str, Named], schema: Mapping[str, Any]) -> tuple[str, bytes]:
    """The media type and the bytes of a body.

    Args:
        media_type: What the endpoint takes.
        content: The argument that is the whole body, or arguments by their names in the body.
        schema: The tool's input schema; arguments in it with `contentEncoding: base64` are files.

    Raises:
        BodyRefused: A value cannot travel in it.
    """
    if not isinstance(content, Mapping):
        name, value = content
        if isinstance(value, str) and (_is_file(schema, name) or media_type == _BINARY):
            return media_type, _decode_file(name, value)
        if isinstance(value, str) and media_type.startswith("text/"):
            return media_type, _checked(name, value).encode()
        if not (isinstance(value, dict) and media_type in (FORM, MULTIPART)):
            return media_type, _to_json(name, value)
        content = {member: (member, each) for member, each in value.items()}
    if media_type == MULTIPART:
        return _encode_multipart(list(_multipart_fields(content, schema)))
    if media_type == FORM:
        fields = [(wire_name, text) for wire_name, (name, value) in content.items() for text in _texts(name, value)]
        return FORM, urlencode(fields).encode()
    return media_type, _to_json("", {wire_name: value for wire_name, (_, value) in content.items()})


def as_text(value: Any) -> str:
    """A value as it stands in a path, a query, a header or a form field.

    Raises:
        ValueError: It is NaN or infinite.
    """
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _to_json(name: str, value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        raise BodyRefused(name, "holds a number or character that JSON cannot carry") from None


def _texts(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [_checked(name, each) for each in values]


def _checked(name: str, value: Any) -> str:
    try:
        text = as_text(value)
        text.encode()
    except ValueError:
        raise BodyRefused(name, "holds a number or character that cannot be sent") from None
    return text


def _multipart_fields(content: Mapping[str, Named], schema: Mapping[str, Any]) -> Iterator[tuple[str, str, bytes]]:
    """(Name, media type of a file or "", bytes) of each field."""
    for wire_name, (name, value) in content.items():
        if _is_file(schema, name):
            for each in value if isinstance(value, list) else [] if value is None else [value]:
                yield wire_name, _file_type(schema, name), _decode_file(name, each)
        else:
            for text in _texts(name, value):
                yield wire_name, "", text.encode()


def _encode_multipart(fields: list[tuple[str, str, bytes]]) -> tuple[str, bytes]:
    # A boundary made from the content keeps the same call the same bytes, and cannot occur in it.
    seen = hashlib.sha256()
    for name, file_type, data in fields:
        seen.update(f"{name}\n{file_type}\n{len(data)}\n".encode() + data)
    boundary = seen.hexdigest()[:32]
    lines: list[bytes] = []
    for name, file_type, data in fields:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        disposition = f'form-data; name="{quoted}"' + (f'; filename="{quoted}"' if file_type else "")
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n"
        head += f"Content-Type: {file_type}\r\n" if file_type else ""
        lines += [f"{head}\r\n".encode(), data, b"\r\n"]
    return f"{MULTIPART}; boundary={boundary}", b"".join([*lines, f"--{boundary}--\r\n".encode()])


def _file_schema(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = schema.get("properties", {}).get(name)
    if isinstance(found, dict) and isinstance(found.get("items"), dict):
        found = found["items"]
    return found if isinstance(found, dict) else {}


def _is_file(schema: Mapping[str, Any], name: str) -> bool:
    return _file_schema(schema, name).get("contentEncoding") == "base64"


def _file_type(schema: Mapping[str, Any], name: str) -> str:
    stated = str(_file_schema(schema, name).get("contentMediaType", ""))
    return stated if _MEDIA_TYPE.fullmatch(stated) else _BINARY


def _decode_file(name: str, value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise BodyRefused(name, "is not base64", "encode the file's bytes as base64") from None
