"""What arrives at a server is what the arguments said, in the place the ledger said."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestra_tools.calls.request import build_request
from orchestra_tools.errors import ConfigurationError, InvalidArgumentsError, NotCallableError
from tests.calls.recording import Bench, Recorded, arguments_in, compile_tool, ledger_of

ODD = ["a/b", "a?b", "a#b", "100%", "%2F", "a b", "a+b", "a&b=c", "naïve – 東京 🦄", "..a", "a..", "~.-_"]
ODD += ["'\"<>\\", ";,:@$!*()"]


def query_of(request: Recorded) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True)


def path_of(request: Recorded) -> str:
    return request.target.partition("?")[0]


async def refusal(
    bench: Bench, arguments: dict[str, Any], places: dict[str, Any], **endpoint: Any
) -> InvalidArgumentsError:
    with pytest.raises(InvalidArgumentsError) as caught:
        await bench.send(arguments, places=places, **endpoint)
    assert bench.server.requests == []
    return caught.value


@pytest.mark.parametrize("value", ODD)
async def test_a_path_value_arrives_exactly(bench: Bench, value: str) -> None:
    """One segment, whatever characters are in it."""
    request = await bench.send({"slug": value}, places={"slug": "path"}, path="/items/{slug}/x")
    _, items, segment, end = path_of(request).split("/")
    assert (items, unquote(segment), end) == ("items", value, "x")


@pytest.mark.parametrize("value", ["", ".", ".."])
async def test_a_path_value_that_leads_elsewhere_is_refused(bench: Bench, value: str) -> None:
    """`..` would call another operation."""
    error = await refusal(bench, {"slug": value}, {"slug": "path"}, path="/items/{slug}")
    assert error.faults[0].pointer == "/slug"


async def test_a_path_that_leads_elsewhere_is_refused(bench: Bench) -> None:
    """Nor can a template with dots of its own."""
    await refusal(bench, {"a": "b", "c": "d"}, {"a": "path", "c": "path"}, path="/{a}/../{c}")


async def test_a_path_without_its_value_is_refused(bench: Bench) -> None:
    """An optional argument in the path cannot be left out, and null is absence."""
    for arguments in ({}, {"slug": None}):
        error = await refusal(bench, arguments, {"slug": "path"}, path="/items/{slug}")
        assert "is missing" in error.faults[0].problem


async def test_a_value_is_not_taken_for_a_placeholder(bench: Bench) -> None:
    """Braces in a value stay what they are."""
    request = await bench.send({"a": "{b}", "b": "x"}, places={"a": "path", "b": "path"}, path="/{a}/{b}")
    assert path_of(request) == "/%7Bb%7D/x"


async def test_custom_verbs_and_templates_stay_as_written(bench: Bench) -> None:
    """`{model}:generateContent`, and a template with a query of its own."""
    request = await bench.send(
        {"model": "gemini/1.5", "q": "x"},
        places={"model": "path", "q": "query"},
        path="/v1/{model}:generateContent?alt=sse",
    )
    assert request.target == "/v1/gemini%2F1.5:generateContent?alt=sse&q=x"


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("", "/ask", "/ask"),
        ("/", "/ask", "/ask"),
        ("/api/v1", "/ask", "/api/v1/ask"),
        ("/api/v1/", "/ask", "/api/v1/ask"),
        ("/api", "ask", "/api/ask"),
        ("/api", "", "/api"),
        ("", "", "/"),
        ("?tenant=1", "/ask", "/ask?tenant=1"),
        ("/a b", "/ü", "/a%20b/%C3%BC"),
    ],
)
async def test_base_url_and_path_are_joined(bench: Bench, base: str, path: str, expected: str) -> None:
    """With a prefix, a trailing slash, a query; a missing slash never grows the host name."""
    if " " in base:
        base = base.replace(" ", "%20")
    await bench.call(base_url=f"{bench.server.url}{base}", path=path)
    assert bench.server.requests[-1].target == expected


@pytest.mark.parametrize("value", ODD)
async def test_a_query_value_arrives_exactly(bench: Bench, value: str) -> None:
    """Names and values."""
    request = await bench.send({"q": value}, places={"q": {"in": "query", "name": f"n[{value}]"}})
    assert query_of(request) == [(f"n[{value}]", value)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, ["true"]),
        (False, ["false"]),
        (None, []),
        (7, ["7"]),
        (2**60, [str(2**60)]),
        (1.5, ["1.5"]),
        (0.1, ["0.1"]),
        ("", [""]),
        (["a", "b,c", 1, True], ["a", "b,c", "1", "true"]),
        ([], []),
        ({"a": [1]}, ['{"a":[1]}']),
    ],
)
async def test_values_that_are_no_text_in_a_query(bench: Bench, value: Any, expected: list[str]) -> None:
    """As JSON writes them; arrays as repeated keys; null is absence."""
    request = await bench.send({"q": value}, places={"q": "query"})
    assert query_of(request) == [("q", each) for each in expected] if expected else "?" not in request.target


async def test_headers_and_cookies_take_wire_names(bench: Bench) -> None:
    """Lists are comma-joined in headers; cookie values are encoded."""
    request = await bench.send(
        {"lang": ["de", "en"], "trace": 7, "session": "a;b c"},
        places={
            "lang": {"in": "header", "name": "Accept-Language"},
            "trace": {"in": "header", "name": "X-Trace"},
            "session": "cookie",
        },
    )
    assert request.headers["Accept-Language"] == "de,en"
    assert request.headers["X-Trace"] == "7"
    assert request.headers["Cookie"] == "session=a%3Bb%20c"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "ünï", "\x7f"])
async def test_a_header_value_that_would_break_out_is_refused(bench: Bench, value: str) -> None:
    """Only printable ASCII travels."""
    error = await refusal(bench, {"h": value}, {"h": {"in": "header", "name": "X-H"}})
    assert error.faults[0].pointer == "/h"


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Transfer-Encoding", "X: y\r\nZ", "sp ace", ""])
async def test_a_ledger_cannot_name_a_header_that_frames_the_request(bench: Bench, name: str) -> None:
    """Entries come from strangers too."""
    operation = {"auth": {"scheme": "api_key", "in": "header", "name": "X-Key", "headers": {name: "1"}}}
    with pytest.raises(NotCallableError):
        await bench.call({}, operation)
    assert bench.server.requests == []


async def test_the_key_travels_in_its_own_form(bench: Bench) -> None:
    """Header with prefix and constant headers beside it, or a query parameter."""
    auth = {
        "scheme": "api_key",
        "in": "header",
        "name": "Authorization",
        "prefix": "Bearer ",
        "headers": {"X-Version": "3"},
    }
    await bench.call({}, {"auth": auth})
    assert bench.server.requests[-1].headers["Authorization"] == "Bearer sandbox-key"
    assert bench.server.requests[-1].headers["X-Version"] == "3"
    await bench.call({}, {"auth": {"scheme": "api_key", "in": "query", "name": "key"}})
    assert query_of(bench.server.requests[-1]) == [("key", "sandbox-key")]


async def test_an_argument_cannot_take_the_place_of_the_key(bench: Bench) -> None:
    """The auth scheme has the last word."""
    operation = {"auth": {"scheme": "api_key", "in": "header", "name": "Authorization"}}
    request = await bench.send(
        {"a": "mine"}, places={"a": {"in": "header", "name": "authorization"}}, operation=operation
    )
    assert request.headers["Authorization"] == "sandbox-key"


def test_without_a_key_there_is_a_request_to_show() -> None:
    """As `orchestra show` may print it."""
    auth = {"scheme": "api_key", "name": "X-Key", "headers": {"X-Version": "3"}}
    tool, _ = compile_tool(ledger_of({"auth": auth}, url="https://api.example", sandbox=False))
    request = build_request(tool, {})
    assert (request.headers["x-version"], request.headers.get("x-key")) == ("3", None)
    assert repr(request) == "WireRequest(method='GET')"


def test_a_key_that_no_header_carries_is_told_without_being_shown() -> None:
    """A line break pasted into the keyring."""
    document = ledger_of({"auth": {"scheme": "api_key", "name": "X-Key"}}, url="https://api.example", sandbox=False)
    tool, _ = compile_tool(document)
    with pytest.raises(ConfigurationError) as caught:
        build_request(tool, {}, key="canary\r\nX: 1")
    assert "canary" not in str(caught.value)


async def test_what_we_are_and_accept_is_said(bench: Bench) -> None:
    """Identity and compression that can be undone in bounded steps; nothing of the environment."""
    await bench.call({}, streaming="optional")
    headers = bench.server.requests[-1].headers
    assert headers["User-Agent"] == "orchestra-tools"
    assert headers["Accept"] == "application/json, text/event-stream"
    assert headers["Accept-Encoding"] == "gzip, deflate"
    await bench.call({}, streaming="sse")
    assert bench.server.requests[-1].headers["Accept"] == "text/event-stream"


def test_an_operation_without_an_address_has_no_request() -> None:
    """The builder says so itself."""
    tool, _ = compile_tool(ledger_of(url="https://api.example", sandbox=False, base_url=None))
    with pytest.raises(NotCallableError):
        build_request(tool, {})


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_SCALAR = st.one_of(_TEXT, st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))

_JSON = st.recursive(
    st.none() | _SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3)
)


@given(
    segment=_TEXT.filter(lambda text: text not in (".", "..")),
    query=st.one_of(_SCALAR, st.lists(_SCALAR, min_size=1, max_size=3)),
    cookie=_TEXT,
    body=st.recursive(
        st.none() | _SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3)
    ),
    name=_TEXT,
)
@settings(max_examples=60, deadline=None)
def test_a_request_decodes_back_to_its_arguments(segment: str, query: Any, cookie: str, body: Any, name: str) -> None:
    """Law: for any values, decoding the request as a server does gives them back."""
    places = {"s": "path", "q": {"in": "query", "name": name}, "c": "cookie", "b": {"in": "body", "name": name}}
    parts = arguments_in(**places)
    tool, _ = compile_tool(
        ledger_of(
            {"input_schema": parts["input_schema"]},
            url="https://api.example/v1/",
            sandbox=False,
            method="POST",
            path="/x/{s}/y",
            arguments=parts["arguments"],
        )
    )
    request = build_request(tool, {"s": segment, "q": query, "c": cookie, "b": body})
    path, _, asked = request.target.partition("?")
    expected = [
        each if isinstance(each, str) else json.dumps(each) for each in (query if isinstance(query, list) else [query])
    ]
    assert [unquote(part) for part in path.split("/")] == ["", "v1", "x", segment, "y"]
    assert parse_qsl(asked, keep_blank_values=True) == [(name, text) for text in expected]
    assert unquote(request.headers["cookie"].partition("=")[2]) == cookie
    assert json.loads(request.body) == {name: body}


@given(values=st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), _SCALAR, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_built_is_what_arrives(bench: Bench, values: dict[str, Any]) -> None:
    """Law: the target on the wire is byte for byte the one that was built, which a signature may cover."""
    request = await bench.send(values, places=dict.fromkeys(values, "query"))
    parts = arguments_in(**dict.fromkeys(values, "query"))
    tool, _ = bench.tool({"input_schema": parts["input_schema"]}, arguments=parts["arguments"])
    assert request.target == build_request(tool, values).target


async def test_arguments_are_checked_before_anything_else(bench: Bench) -> None:
    """Defaults are applied, every fault is told, nothing is sent."""
    operation = {
        "input_schema": {
            "type": "object",
            "properties": {"query": {"type": "string"}, "num": {"type": "integer", "default": 10, "maximum": 50}},
            "required": ["query"],
            "additionalProperties": False,
        }
    }
    await bench.call({"query": "tao"}, operation)
    assert bench.server.requests[-1].target == "/ask?query=tao&num=10"
    with pytest.raises(InvalidArgumentsError) as caught:
        await bench.call({"num": 99, "querry": "x"}, operation)
    assert {fault.pointer for fault in caught.value.faults} == {"/query", "/num", "/querry"}
    assert len(bench.server.requests) == 1
