"""A request is read back into the arguments it was made from."""

import base64
import json
from functools import cache
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestra_tools.calls.request import build_request
from orchestra_tools.compile import compile_ledger
from orchestra_tools.errors import InvalidArgumentsError
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import HttpEndpoint
from orchestra_tools.sandbox.requests import ArgumentReader, RequestParts, UnreadableRequestError
from orchestra_tools.sandbox.routes import Routes
from orchestra_tools.testing import Sandbox

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


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "a,b", "a b", "a|b", "a.b", "a=b", ";a", "a&b", "[a]", "100%", "%2C", "+", "true", "1", "null", '"', "/?#"]
)
SCALARS = {
    "string": TEXT,
    "integer": st.integers(),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
}
STYLES = [
    *(("path", style, explode) for style in ("simple", "label", "matrix") for explode in (False, True)),
    *(
        (place, style, explode)
        for place in ("query", FORM, MULTIPART)
        for style, explode in (
            ("form", False),
            ("form", True),
            ("spaceDelimited", False),
            ("spaceDelimited", True),
            ("pipeDelimited", False),
            ("deepObject", True),
        )
    ),
    *(("header", "simple", explode) for explode in (False, True)),
    *(("cookie", "form", explode) for explode in (False, True)),
]


def shapes(kinds=("list", "closed", "open", "text")):
    """A schema and a value that fits it."""

    def of(kind, scalar):
        schema, values = {"type": scalar}, SCALARS[scalar]
        if kind == "list":
            return st.tuples(st.just({"type": "array", "items": schema}), st.lists(values, max_size=4))
        if kind == "closed":
            closed = {"type": "object", "properties": dict.fromkeys("RGB", schema), "additionalProperties": False}
            return st.tuples(st.just(closed), st.dictionaries(st.sampled_from("RGB"), values, max_size=3))
        if kind == "open":
            named = {"type": "object", "additionalProperties": schema}
            return st.tuples(st.just(named), st.dictionaries(TEXT, values, max_size=3))
        return st.tuples(st.just(schema), values)

    return st.tuples(st.sampled_from(kinds), st.sampled_from(sorted(SCALARS))).flatmap(lambda pair: of(*pair))


NESTED = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"$ref": "#/properties/it"}},
        "inner": {"$ref": "#/properties/it"},
    },
    "additionalProperties": False,
}
NESTED_VALUES = st.deferred(
    lambda: st.fixed_dictionaries(
        {},
        optional={
            "n": st.integers(),
            "tags": st.lists(TEXT, min_size=1, max_size=3),
            "rows": st.lists(NESTED_VALUES.filter(bool), min_size=1, max_size=2),
            "inner": NESTED_VALUES.filter(bool),
        },
    )
)


@cache
def styled_tool(place, schema, more):
    """A tool with one argument in a place of its own, and one beside it."""
    in_body = place in (FORM, MULTIPART)
    where = {"in": "body" if in_body else place, "name": "X-It" if place == "header" else "it"} | json.loads(more)
    endpoint = {
        "kind": "http",
        "method": "POST" if in_body else "GET",
        "base_url": "https://a.example",
        "path": "/x/{it}/y" if place == "path" else "/x",
        "arguments": {"it": where, "beside": {"in": "query"}},
        "request_media_type": place if in_body else None,
    }
    inputs = {"type": "object", "properties": {"it": json.loads(schema), "beside": {"type": "string"}}}
    document = {"SN9": {"operations": {"ask": {"input_schema": inputs, "endpoint": endpoint}}}}
    return compile_ledger(ledger_from_document(document, source="test")).tools["sn9_ask"]


def round_trip(place, schema, value, **more):
    """What is read from the request that carries a value; None where the value cannot travel."""
    tool = styled_tool(place, json.dumps(schema), json.dumps(more))
    endpoint = tool.operation.endpoint
    try:
        request = build_request(tool, {"it": value, "beside": "b c"})
    except InvalidArgumentsError:
        return None
    routes = Routes()
    routes.add(endpoint.method, endpoint.path, "it")
    path, _, query = request.target.partition("?")
    values = routes.find(request.method, path).values
    headers = httpx.Headers(dict(request.headers))
    pairs = parse_qsl(query, keep_blank_values=True)
    reader = ArgumentReader(endpoint, dict(tool.input_schema))
    return reader.read(RequestParts(values, pairs, headers, request.body, path, query))


def expected(value):
    """What the wire can tell: an empty list or object is absence."""
    return {"beside": "b c"} if value in ([], {}) else {"it": value, "beside": "b c"}


@pytest.mark.parametrize(("place", "style", "explode"), STYLES)
@given(shape=shapes())
@settings(max_examples=60, deadline=None)
def test_what_is_written_in_a_style_is_read_back(place, style, explode, shape):
    """Law: read(write(arguments)) == arguments for what fits and is not refused, but that empty is absent."""
    schema, value = shape
    read = round_trip(place, schema, value, style=style, explode=explode)
    assume(read is not None)
    assert read == expected(value)


@pytest.mark.parametrize("place", ["query", FORM])
@given(shape=shapes(), style=st.sampled_from(["form", "pipeDelimited", "deepObject"]), explode=st.booleans())
@settings(max_examples=60, deadline=None)
def test_reserved_characters_are_read_back(place, shape, style, explode):
    """Law: keeping them makes nothing ambiguous."""
    schema, value = shape
    read = round_trip(place, schema, value, style=style, explode=explode, allow_reserved=True)
    assume(read is not None)
    assert read == expected(value)


@pytest.mark.parametrize("place", ["query", FORM, MULTIPART])
@given(value=NESTED_VALUES)
@settings(max_examples=60, deadline=None)
def test_deep_objects_are_read_back_at_any_depth(place, value):
    """Law: through references, with lists by their index."""
    assert round_trip(place, NESTED, value, style="deepObject") == expected(value)


@pytest.mark.parametrize("place", ["path", "query", "header", "cookie", FORM, MULTIPART])
@given(shape=shapes() | NESTED_VALUES.map(lambda value: (NESTED, value)))
@settings(max_examples=60, deadline=None)
def test_json_in_a_parameter_is_read_back(place, shape):
    """Law: even what is empty; but a list is a part for each item in a multipart form."""
    schema, value = shape
    read = round_trip(place, schema, value, media_type="application/json")
    assert read is not None
    assert read == (expected(value) if value == [] and place == MULTIPART else {"it": value, "beside": "b c"})


def test_an_exploded_object_leaves_the_other_parameters_alone():
    """Ours: a closed one takes its members, an open one what nobody else has; the key is in neither."""
    schema = {
        "type": "object",
        "properties": {
            "open": {"type": "object", "additionalProperties": {"type": "integer"}},
            "closed": {"type": "object", "properties": {"a": {"type": "boolean"}}},
            "q": {"type": "string"},
        },
    }
    styled = {"in": "query", "style": "form"}
    places = {"open": styled, "closed": styled, "q": {"in": "query"}}
    pairs = [("a", "true"), ("q", "1"), ("x", "2"), ("y", "3")]
    read = reader(arguments=places, schema=schema).read(
        RequestParts({}, pairs, {}, b"", "/", "key=1&a=true&q=1&x=2&y=3")
    )
    assert read == {"closed": {"a": True}, "q": "1", "open": {"x": 2, "y": 3}}


@pytest.mark.parametrize(
    ("place", "style", "explode", "sent"),
    [
        ("path", "label", False, "blue"),
        ("path", "matrix", False, ";other=blue"),
        ("header", "simple", False, "a,b,c"),
        ("query", "form", False, "a,b,c"),
    ],
)
def test_what_is_not_in_its_style_stays_a_text(place, style, explode, sent):
    """Ours: so that the check of the arguments refuses it."""
    schema = {"type": "object", "properties": {"it": {"type": "object"}}}
    name = "X-It" if place == "header" else "it"
    places = {"it": {"in": place, "name": name, "style": style, "explode": explode}}
    read = reader(path="/{it}" if place == "path" else "/", arguments=places, schema=schema).read(
        RequestParts(
            {"it": sent} if place == "path" else {},
            [("it", sent)] if place == "query" else [],
            httpx.Headers({name: sent} if place == "header" else {}),
            b"",
            f"/{sent}" if place == "path" else "",
        )
    )
    assert read == {"it": sent}


def test_lists_of_files_and_json_parts_are_read():
    """Ours: each part by its own content type."""
    schema = {
        "properties": {
            "files": {"type": "array", "items": {"type": "string", "contentEncoding": "base64"}},
            "meta": {"type": "object"},
            "rows": {"type": "array", "items": {"type": "object"}},
        }
    }
    request = httpx.Request(
        "POST",
        "http://a/",
        files=[
            ("files", ("a", b"\x00")),
            ("files", ("b", b"\xff")),
            ("meta", (None, b'{"a":1}', "application/json")),
            ("rows", (None, b'{"b":1}', "application/json")),
        ],
    )
    read = reader(MULTIPART, method="POST", arguments={}, schema=schema).read(parts(request))
    assert read == {"files": ["AA==", "/w=="], "meta": {"a": 1}, "rows": [{"b": 1}]}


@pytest.mark.parametrize(
    ("media_type", "schema", "value", "content"),
    [
        ("text/plain", {"type": "integer"}, 5, b"5"),
        ("application/xml", {"type": "string"}, "<a/>", b"<a/>"),
        ("image/png", {"type": "string"}, base64.b64encode(b"\0").decode(), b"\0"),
        ("application/vnd.api+json", {"type": "object"}, {"a": [None]}, b'{"a":[null]}'),
        (FORM, {"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": 1, "b": "x"}, b"a=1&b=x"),
    ],
)
def test_a_whole_body_is_read_by_its_media_type(media_type, schema, value, content):
    """Ours."""
    request = httpx.Request("POST", "http://a/", content=content, headers={"content-type": media_type})
    whole = {"it": {"in": "body", "whole": True}}
    read = reader(media_type, method="POST", path="/", arguments=whole, schema={"properties": {"it": schema}})
    assert read.read(parts(request)) == {"it": value}


def test_a_recursive_schema_is_read_in_bounded_steps():
    """Ours: each schema is looked at once, however many ways lead to it."""
    node = {"anyOf": [*({"$ref": "#/properties/it"} for _ in range(40)), {"type": "integer"}]}
    request = httpx.Request("GET", "http://a/", params={"it": "7"})
    assert reader(path="/", arguments={}, schema={"properties": {"it": node}}).read(parts(request)) == {"it": 7}


def test_styles_travel_through_a_real_sandbox(tmp_path):
    """Ours: delimiters are told from data on a real wire, and the key is no member."""
    operation = {
        "input_schema": {
            "type": "object",
            "properties": {
                "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
                "ids": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
                "filter": {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 1},
            },
            "required": ["tags", "ids", "filter"],
        },
        "auth": {"scheme": "api_key", "in": "query", "name": "key"},
        "endpoint": {
            "kind": "http",
            "method": "GET",
            "base_url": "https://a.example",
            "path": "/v1/{ids}:tagged",
            "arguments": {
                "tags": {"in": "query", "style": "form", "explode": False},
                "ids": {"in": "path", "style": "matrix", "explode": True},
                "filter": {"in": "query", "style": "form"},
            },
        },
    }
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps({"SN9": {"operations": {"ask": operation}}}))
    with Sandbox(path) as sandbox:
        result = sandbox.ledger.call("sn9_ask", {"tags": ["a,b", "c"], "ids": [1, 2], "filter": {"x": 1}})
        assert result.data["ok"]


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--\r\n"),
        ('multipart/form-data; boundary="x"', b"--x\r\nno end of the head"),
    ],
)
def test_unreadable_multipart_forms_say_so(media_type, content):
    """Ours."""
    request = httpx.Request("POST", "http://a/", content=content, headers={"content-type": media_type})
    with pytest.raises(UnreadableRequestError) as caught:
        reader(MULTIPART, method="POST").read(parts(request))
    assert caught.value.status == 422


def test_what_is_no_json_where_json_is_due_stays_a_text():
    """Ours: so that the check of the arguments refuses it. An empty part of a form is no argument."""
    schema = {"properties": {"it": {"type": "object"}}}
    for place in ({"in": "query", "media_type": "application/json"}, {"in": "query"}):
        request = httpx.Request("GET", "http://a/", params={"it": "{no"})
        assert reader(path="/", arguments={"it": place}, schema=schema).read(parts(request)) == {"it": "{no"}
    body = b'--x\r\nContent-Disposition: form-data; name=""\r\n\r\n\r\n--x--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    request = httpx.Request("POST", "http://a/", content=body, headers=headers)
    assert reader(MULTIPART, method="POST").read(parts(request)) == {}


def test_bytes_that_are_no_text_are_base64():
    """Ours: a JSON value cannot hold them otherwise."""
    request = httpx.Request("POST", "http://a/", content=b"\xff", headers={"content-type": "text/plain"})
    whole = {"it": {"in": "body", "whole": True}}
    assert reader("text/plain", method="POST", arguments=whole).read(parts(request)) == {"it": "/w=="}
