"""A request is read back into the arguments it was made from."""

import httpx
import pytest

from orchestra_tools.model import HttpEndpoint
from orchestra_tools.sandbox.requests import ArgumentReader, RequestParts, UnreadableRequestError

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "q": {"type": "string"},
        "n": {"type": ["integer", "null"]},
        "x": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "on": {"$ref": "#/$defs/flag"},
        "tags": {"type": "array", "items": {"type": "integer"}},
        "sort": {"enum": ["Top", None]},
        "trace": {"type": "string"},
        "session": {"type": "string"},
        "where": {"type": "object"},
    },
    "$defs": {"flag": {"type": "boolean"}},
}
PLACES = {
    "id": {"in": "path"},
    "q": {"in": "query", "name": "query"},
    "trace": {"in": "header", "name": "X-Trace"},
    "session": {"in": "cookie"},
}


def reader(media_type=None, **changes):
    endpoint = {"method": "GET", "path": "/{id}", "arguments": PLACES, "request_media_type": media_type} | changes
    return ArgumentReader(HttpEndpoint.model_validate(endpoint), changes.pop("schema", SCHEMA))


def parts(request: httpx.Request, **values):
    pairs = httpx.QueryParams(request.url.query).multi_items()
    return RequestParts(values, pairs, request.headers, request.read())


def test_each_place_is_read_with_the_type_of_its_schema():
    """Ours."""
    request = httpx.Request(
        "GET",
        "http://a/",
        params=[
            ("query", "a&b=ü +"),
            ("n", "5"),
            ("x", "1.5"),
            ("on", "true"),
            ("tags", "1"),
            ("tags", "2"),
            ("sort", "Top"),
        ],
        headers={"x-trace": "007", "cookie": "a=1; session=ab%20c"},
    )
    assert reader().read(parts(request, id="9")) == {
        "id": 9,
        "q": "a&b=ü +",
        "n": 5,
        "x": 1.5,
        "on": True,
        "tags": [1, 2],
        "sort": "Top",
        "trace": "007",
        "session": "ab c",
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n", "null", None),
        ("n", "", None),
        ("n", "05", "05"),
        ("n", "5.0", "5.0"),
        ("x", "nan", "nan"),
        ("x", "-1e3", -1000.0),
        ("on", "True", "True"),
        ("on", "1", "1"),
        ("tags", "3", [3]),
        ("tags", "[3,4]", [3, 4]),
        ("tags", "x", ["x"]),
        ("sort", "null", None),
        ("where", '{"a":[1]}', {"a": [1]}),
        ("unknown", "1", "1"),
    ],
)
def test_texts_are_typed_strictly(name, text, value):
    """Ours: what a real API would refuse stays a text, so that the schema refuses it."""
    request = httpx.Request("GET", "http://a/", params={name: text})
    assert reader().read(parts(request))[name] == value


def test_two_values_for_a_single_one_are_both_told():
    """Ours: the check of the arguments refuses the list."""
    request = httpx.Request("GET", "http://a/", params=[("n", "1"), ("n", "2")])
    assert reader().read(parts(request))["n"] == ["1", "2"]


def test_json_bodies_are_members_or_the_whole():
    """Ours."""
    request = httpx.Request("POST", "http://a/", json={"q2": 1, "other": None})
    places = {"mine": {"in": "body", "name": "q2"}}
    assert reader(method="POST", arguments=places).read(parts(request)) == {"mine": 1, "other": None}
    whole = {"it": {"in": "body", "whole": True}}
    assert reader(method="POST", arguments=whole).read(parts(request)) == {"it": {"q2": 1, "other": None}}


def test_forms_and_files_are_read():
    """Ours: files come back as base64 where the schema says so."""
    schema = {"properties": {"file": {"type": "string", "contentEncoding": "base64"}, "n": {"type": "integer"}}}
    data = b"\x00\r\n--x\xff"
    request = httpx.Request("POST", "http://a/", data={"n": "4", "name": "ü"}, files={"file": ("f", data)})
    read = reader("multipart/form-data", method="POST", arguments={}, schema=schema).read(parts(request))
    assert read == {"n": 4, "name": "ü", "file": "AA0KLS14/w=="}
    request = httpx.Request("POST", "http://a/", data={"n": "4", "tags": ["1", "2"]})
    read = reader("application/x-www-form-urlencoded", method="POST", arguments={}).read(parts(request))
    assert read == {"n": 4, "tags": [1, 2]}


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 422),
        (b"[1]", "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"a=1", "text/plain", 415),
    ],
)
def test_unreadable_bodies_say_so(content, media_type, status):
    """Ours."""
    request = httpx.Request("POST", "http://a/", content=content, headers={"content-type": media_type})
    with pytest.raises(UnreadableRequestError) as caught:
        reader(method="POST").read(parts(request))
    assert caught.value.status == status
