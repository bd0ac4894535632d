"""Arguments become a body: JSON, a form, a multipart form, text, or raw bytes. Pure.

A field of a form is written as its place says: in a style (`calls.styles`), or as a text of its own media type. Where
the place says nothing, a list is repeated and an object is JSON. In a multipart form each item of a list is a part.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from orchestra_tools.calls.styles import Pair, Path, Refused, checked_text, notation_of, write_pairs
from orchestra_tools.model import ArgumentPlace

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_BINARY = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_ESCAPED = re.compile(r"%22|%0D|%0A|\\")  # how a name is quoted in a multipart form
_BINARY_KINDS = ("image/", "audio/", "video/", "font/")
_IN_BODY = ArgumentPlace.model_validate({"in": "body"})


class Member(NamedTuple):
    """One argument that travels in a body."""

    argument: str
    value: Any
    place: ArgumentPlace


class _Part(NamedTuple):
    """One part of a multipart form; a file has a file name."""

    name: str
    media_type: str
    is_file: bool
    data: bytes


def encode_body(
    media_type: str, content: Member | Mapping[str, Member], schema: Mapping[str, Any]
) -> tuple[str, bytes]:
    """The media type and the bytes of a body.

    Args:
        media_type: What the endpoint takes.
        content: The argument that is the whole body, or arguments by their names in the body.
        schema: The tool's input schema; arguments in it with `contentEncoding: base64` are files.

    Raises:
        Refused: A value cannot travel in it.
    """
    kind = plain_media_type(media_type)
    if isinstance(content, Member):
        name, value, _ = content
        if not (isinstance(value, dict) and kind in (FORM, MULTIPART)):
            return media_type, _encode_whole(kind, name, value, schema)
        content = {member: Member(member, each, _IN_BODY) for member, each in value.items()}
    if kind == MULTIPART:
        return _encode_multipart([part for each in _parts_of(content, schema) for part in each])
    if kind == FORM:
        pairs = [pair for each in _form_fields(content) for pair in each]
        return media_type, "&".join(f"{name}={text}" for name, text in pairs).encode()
    return media_type, to_json((), {wire_name: member.value for wire_name, member in content.items()})


def plain_media_type(media_type: str) -> str:
    """A media type without parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether a plain media type is JSON or a vendor's form of it."""
    return kind == "application/json" or kind.endswith("+json")


def is_binary(kind: str) -> bool:
    """Whether contents of a plain media type are bytes, which JSON holds as base64."""
    return kind == _BINARY or kind.startswith(_BINARY_KINDS)


def to_json(path: Path, value: Any, *, ascii_only: bool = False) -> bytes:
    """A value as JSON.

    Raises:
        Refused: It holds a number or a character that JSON cannot carry.
    """
    try:
        return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        raise Refused(path, "holds a number or character that JSON cannot carry") from None


def content_text(media_type: str, path: Path, value: Any, *, ascii_only: bool = False) -> str:
    """A value as a text of a media type: JSON, or a scalar as it is.

    Raises:
        Refused: It is a list or an object and the media type is not JSON, or has what no text can carry.
    """
    kind = plain_media_type(media_type)
    if is_json(kind):
        # An escaped half of a character would arrive as one.
        to_json(path, value)
        return to_json(path, value, ascii_only=ascii_only).decode()
    if isinstance(value, (list, dict)):
        raise Refused(path, f"is a list or an object, which {kind or 'this place'} cannot carry", "give one text")
    return checked_text(value, path)


def _encode_whole(kind: str, name: str, value: Any, schema: Mapping[str, Any]) -> bytes:
    if is_json(kind):
        return (
            _decode_file((name,), value)
            if isinstance(value, str) and _is_file(schema, name)
            else to_json((name,), value)
        )
    if not isinstance(value, str):
        if kind.startswith("text/"):
            return to_json((name,), value)
        raise Refused((name,), f"is not a text, which {kind} is", "give the body as one text")
    if is_binary(kind) or _is_file(schema, name):
        return _decode_file((name,), value)
    return checked_text(value, (name,)).encode()


def _form_fields(content: Mapping[str, Member]) -> Iterator[list[Pair]]:
    for wire_name, (name, value, place) in content.items():
        if value is None:
            continue
        if notation := notation_of(place, "form", wire_name, argument=name, others=content):
            yield write_pairs(notation, value)
        elif place.media_type:
            yield [(quote_plus(wire_name), quote_plus(content_text(place.media_type, (name,), value)))]
        else:
            yield [(quote_plus(wire_name), quote_plus(text)) for text in _texts(name, value)]


def _texts(name: str, value: Any) -> list[str]:
    return [checked_text(each, (name,)) for each in _items(value)]


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _parts_of(content: Mapping[str, Member], schema: Mapping[str, Any]) -> Iterator[list[_Part]]:
    for wire_name, (name, value, place) in content.items():
        path = (name,)
        if value is None:
            continue
        if _is_file(schema, name):
            kind = place.media_type if _is_media_type(place.media_type) else _file_type(schema, name)
            yield [_Part(wire_name, str(kind), True, _decode_file(path, each)) for each in _items(value)]
        elif notation := notation_of(place, "multipart", wire_name, argument=name, others=content):
            pairs = write_pairs(notation, value)
            if any(not part or _ESCAPED.search(part) for part, _ in pairs):
                raise Refused(path, "has a member whose name cannot be told from an escaped one in a multipart form")
            yield [_Part(part, "", False, text.encode()) for part, text in pairs]
        elif place.media_type and _is_media_type(place.media_type):
            kind = place.media_type
            yield [_Part(wire_name, kind, False, content_text(kind, path, each).encode()) for each in _items(value)]
        else:
            yield [_Part(wire_name, "", False, text.encode()) for text in _texts(name, value)]


def _is_media_type(text: str | None) -> bool:
    return text is not None and _MEDIA_TYPE.fullmatch(text) is not None


def _encode_multipart(parts: list[_Part]) -> tuple[str, bytes]:
    # A boundary made from the content keeps the same call the same bytes, and cannot occur in it.
    seen = hashlib.sha256()
    for name, media_type, _, data in parts:
        seen.update(f"{name}\n{media_type}\n{len(data)}\n".encode() + data)
    boundary = seen.hexdigest()[:32]
    lines: list[bytes] = []
    for name, media_type, is_file, data in parts:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        disposition = f'form-data; name="{quoted}"' + (f'; filename="{quoted}"' if is_file else "")
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n"
        head += f"Content-Type: {media_type}\r\n" if media_type else ""
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
    return stated if _is_media_type(stated) else _BINARY


def _decode_file(path: Path, value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Refused(path, "is not base64", "encode the file's bytes as base64") from None
