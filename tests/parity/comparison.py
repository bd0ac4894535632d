"""What two requests say, and where they say something else.

Compared: method; path; query; every header but those below; the body. What may differ without meaning anything else,
and is therefore brought into one form first:

- Path: percent-encoding, segment by segment (`%7E` is `~`; `%2F` stays within its segment). RFC 3986, 6.2.2.
- Query and forms: `+` or `%20` for a space, and the order of different names. The order of one name's values counts.
- JSON bodies: white space, the order of members, escapes, and `1.0` for `1`.
- Multipart bodies: the boundary.
- `Content-Type`: case, and a `charset` of UTF-8, which is what JSON is in anyway.
- `Accept`: ours must take each type that theirs names; how strongly each is preferred does not matter.
- `IGNORED`: headers about the connection or the program, not about the call.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from email import message_from_bytes
from email.message import Message
from fnmatch import fnmatch
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.calls.recording import Recorded

IGNORED: Mapping[str, str] = {
    "accept-encoding": "which compressions a client can undo",
    "connection": "of the connection, not of the call",
    "content-length": "follows from the body",
    "host": "both call the recording server; hosts are compared by `Vendor.origins`",
    "user-agent": "names the program",
}
FORM = "application/x-www-form-urlencoded"


def compare(theirs: Recorded, ours: Recorded, ignored: Iterable[str] = ()) -> list[str]:
    """Every difference, in words; none where both ask for the same in the same way.

    Args:
        theirs: The request of the vendor's client.
        ours: The request of our executor.
        ignored: Further headers (`fnmatch` patterns in lower case) that only say which client it is.
    """
    differences = [
        f"{what}: theirs is {left!r}, ours is {right!r}"
        for what, left, right in (
            ("method", theirs.method, ours.method),
            ("path", _path(theirs), _path(ours)),
            ("content type", _content_type(theirs), _content_type(ours)),
        )
        if left != right
    ]
    differences += _compare_pairs("query", _query(theirs), _query(ours))
    differences += _compare_headers(theirs, ours, ignored)
    return differences + _compare_bodies(theirs, ours)


def _path(request: Recorded) -> list[str]:
    return [unquote(segment) for segment in request.target.partition("?")[0].split("/")]


def _query(request: Recorded) -> list[tuple[str, str]]:
    return parse_qsl(request.target.partition("?")[2], keep_blank_values=True)


def _content_type(request: Recorded) -> str:
    kind, *parameters = (piece.strip().lower() for piece in request.headers.get("Content-Type", "").split(";"))
    kept = [each for each in parameters if each != "charset=utf-8" and not each.startswith("boundary=")]
    return ";".join((kind, *kept))


def _compare_pairs(what: str, theirs: list[tuple[str, str]], ours: list[tuple[str, str]]) -> list[str]:
    left, right = _by_name(theirs), _by_name(ours)
    return [
        f"{what} {name!r}: theirs is {left.get(name)!r}, ours is {right.get(name)!r}"
        for name in {**left, **right}
        if left.get(name) != right.get(name)
    ]


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for name, value in pairs:
        named.setdefault(name, []).append(value)
    return named


def _compare_headers(theirs: Recorded, ours: Recorded, ignored: Iterable[str]) -> list[str]:
    patterns = [*IGNORED, "accept", "content-type", *ignored]
    left, right = (
        [(name.lower(), value) for name, value in request.headers.items() if not _matches(name.lower(), patterns)]
        for request in (theirs, ours)
    )
    differences = _compare_pairs("header", left, right)
    wanted, taken = _accepted(theirs), _accepted(ours)
    refused = [] if "*/*" in taken else sorted(wanted - taken - {"*/*"})
    return differences + [f"header 'accept': theirs takes {kind}, ours does not" for kind in refused]


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _accepted(request: Recorded) -> set[str]:
    stated = request.headers.get("Accept", "*/*")
    return {piece.partition(";")[0].strip().lower() for piece in stated.split(",")}


def _compare_bodies(theirs: Recorded, ours: Recorded) -> list[str]:
    left, right = _body(theirs), _body(ours)
    if isinstance(left, dict) and isinstance(right, dict):
        absent = object()
        return [
            f"body {name!r}: theirs is {_shown(left, name)}, ours is {_shown(right, name)}"
            for name in {**left, **right}
            if left.get(name, absent) != right.get(name, absent)
        ]
    return [] if left == right else [f"body: theirs is {left!r}, ours is {right!r}"]


def _shown(members: Mapping[str, Any], name: str) -> str:
    return repr(members[name]) if name in members else "absent"


def _body(request: Recorded) -> Any:
    """A body in one form: an object by its members, each as canonical text."""
    kind = _content_type(request).partition(";")[0]
    if kind == FORM:
        return _by_name(parse_qsl(request.body.decode(), keep_blank_values=True))
    if kind.startswith("multipart/"):
        return _parts(request)
    if kind != "application/json" and not kind.endswith("+json"):
        return request.body
    value = json.loads(request.body)
    return {name: _canonical(each) for name, each in value.items()} if isinstance(value, dict) else _canonical(value)


def _canonical(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _parts(request: Recorded) -> list[tuple[str, str, bool, bytes]]:
    """(Name, content type, whether it is a file, bytes) of each part."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.body).get_payload()
    assert isinstance(parts, list)
    return [
        (
            str(part.get_param("name", "", "content-disposition")),
            part.get_content_type(),
            part.get_filename() is not None,
            bytes(part.get_payload(decode=True) or b""),
        )
        for part in parts
        if isinstance(part, Message)
    ]
