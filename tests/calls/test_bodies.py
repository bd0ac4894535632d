"""What arrives in a body is what the arguments said, in the media type the endpoint takes."""

from __future__ import annotations

import base64
import json
import math
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

import pytest

from orchestra_tools.errors import InvalidArgumentsError
from tests.calls.recording import Bench, Recorded


def fields_of(request: Recorded) -> list[Message]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + request.body)
    parts = message.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


async def test_a_json_body_keeps_types(bench: Bench) -> None:
    """Null stays null; text is UTF-8."""
    arguments = {"a": None, "b": True, "c": 1.5, "d": ["x", {"y": 2**60}], "e": '東京\n"', "f": {}}
    places = dict.fromkeys(arguments, "body") | {"e": {"in": "body", "name": "E-wire"}}
    request = await bench.send(arguments, places=places, method="POST")
    expected = {**arguments, "E-wire": arguments["e"]}
    del expected["e"]
    assert json.loads(request.body) == expected
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Content-Length"] == str(len(request.body))


async def test_arguments_without_a_place_go_where_the_method_puts_them(bench: Bench) -> None:
    """The body of a POST, the query of a GET, the path where it names them."""
    schema = {"input_schema": {"type": "object", "properties": {"id": {}, "x": {}}}}
    await bench.call({"id": "1", "x": "2"}, schema, method="POST", path="/i/{id}")
    assert bench.server.requests[-1].target == "/i/1"
    assert json.loads(bench.server.requests[-1].body) == {"x": "2"}
    await bench.call({"id": "1", "x": "2"}, schema, path="/i/{id}")
    assert bench.server.requests[-1].target == "/i/1?x=2"


async def test_declared_body_arguments_that_are_absent_make_an_empty_object(bench: Bench) -> None:
    """A POST endpoint that reads JSON gets JSON."""
    request = await bench.send({}, places={"a": "body"}, method="POST")
    assert request.body == b"{}"
    request = await bench.send({}, places={"a": "query"}, method="POST")
    assert request.body == b""
    assert "Content-Type" not in request.headers


@pytest.mark.parametrize(
    ("media_type", "value", "expected"),
    [
        (None, [1, "ü"], '[1,"ü"]'.encode()),
        ("application/json", "text", b'"text"'),
        ("text/plain", "ü", "ü".encode()),
        ("text/plain", {"a": 1}, b'{"a":1}'),
        ("application/octet-stream", base64.b64encode(b"\0\xff").decode(), b"\0\xff"),
        ("application/x-www-form-urlencoded", {"a": [1, 2], "b": "x y&z", "c": None}, b"a=1&a=2&b=x+y%26z"),
    ],
)
async def test_one_argument_may_be_the_whole_body(
    bench: Bench, media_type: str | None, value: Any, expected: bytes
) -> None:
    """In the media type the endpoint takes."""
    request = await bench.send(
        {"body": value}, places={"body": {"in": "body", "whole": True}}, method="PUT", request_media_type=media_type
    )
    assert request.body == expected
    assert request.headers["Content-Type"] == (media_type or "application/json")


async def test_a_whole_body_that_is_null_is_none(bench: Bench) -> None:
    """No body, no content type."""
    request = await bench.send({"body": None}, places={"body": {"in": "body", "whole": True}}, method="POST")
    assert request.body == b""


async def test_a_form_carries_text(bench: Bench) -> None:
    """Urlencoded; lists as repeated fields, null as absence."""
    request = await bench.send(
        {"a": "x y+z", "b": [1, True], "c": None, "d": {"k": 1}},
        places=dict.fromkeys("abcd", "body"),
        method="POST",
        request_media_type="application/x-www-form-urlencoded",
    )
    assert parse_qsl(request.body.decode()) == [("a", "x y+z"), ("b", "1"), ("b", "true"), ("d", '{"k":1}')]


async def test_a_multipart_form_carries_files(bench: Bench) -> None:
    """Base64 arguments arrive as the bytes they stand for, also under another name and several at once."""
    data = bytes(range(256))
    encoded = base64.b64encode(data).decode()
    file = {"type": "string", "contentEncoding": "base64"}
    operation = {
        "input_schema": {
            "type": "object",
            "properties": {
                "agent": {**file, "contentMediaType": "text/x-python"},
                "more": {"type": "array", "items": file},
                "note": {"type": "string"},
                "absent": {"contentEncoding": "base64"},
            },
        }
    }
    request = await bench.send(
        {"agent": encoded, "more": [encoded, encoded], "note": "ü\r\n--x", "absent": None},
        places={"agent": {"in": "body", "name": 'agent"file'}, "more": "body", "note": "body", "absent": "body"},
        operation=operation,
        method="POST",
        request_media_type="multipart/form-data",
    )
    parts = fields_of(request)
    assert [part.get_param("name", header="Content-Disposition") for part in parts] == [
        "agent%22file",
        "more",
        "more",
        "note",
    ]
    assert [part.get_payload(decode=True) for part in parts] == [data, data, data, "ü\r\n--x".encode()]
    assert [part.get_filename() for part in parts] == ["agent%22file", "more", "more", None]
    assert [part.get_content_type() for part in parts][:2] == ["text/x-python", "application/octet-stream"]


async def test_a_multipart_form_without_files_is_still_one(bench: Bench) -> None:
    """And the same call has the same bytes."""
    first = await bench.send({"a": "1"}, places={"a": "body"}, method="POST", request_media_type="multipart/form-data")
    again = await bench.send({"a": "1"}, places={"a": "body"}, method="POST", request_media_type="multipart/form-data")
    assert [part.get_payload() for part in fields_of(first)] == ["1"]
    assert first.body == again.body


@pytest.mark.parametrize("value", ["no base64!", "é", 7])
async def test_a_file_that_is_not_base64_is_refused(bench: Bench, value: Any) -> None:
    """With the remedy."""
    operation = {"input_schema": {"type": "object", "properties": {"f": {"contentEncoding": "base64"}}}}
    with pytest.raises(InvalidArgumentsError, match="encode the file") as caught:
        await bench.send(
            {"f": value},
            places={"f": "body"},
            operation=operation,
            method="POST",
            request_media_type="multipart/form-data",
        )
    assert caught.value.faults[0].pointer == "/f"


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800", [math.nan], {"k": "\udfff"}])
@pytest.mark.parametrize("place", ["query", "path", "cookie", "body", "form", "multipart", "whole"])
async def test_what_no_request_can_carry_is_refused(bench: Bench, value: Any, place: str) -> None:
    """NaN and half characters give a typed error, in every place."""
    media_type = {"form": "application/x-www-form-urlencoded", "multipart": "multipart/form-data"}.get(place)
    where: Any = {"in": "body", "whole": True} if place == "whole" else "body" if media_type else place
    method = "GET" if place in ("query", "path", "cookie") else "POST"
    path = "/{v}" if place == "path" else "/ask"
    with pytest.raises(InvalidArgumentsError):
        await bench.send({"v": value}, places={"v": where}, method=method, path=path, request_media_type=media_type)
    assert bench.server.requests == []
