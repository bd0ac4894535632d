"""Lists and objects are written in the style their place states, as OpenAPI 3.1 has it (4.8.12), or refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from orchestra_tools.calls.request import build_request
from orchestra_tools.calls.wire import WireRequest
from orchestra_tools.compile import compile_ledger
from orchestra_tools.errors import InvalidArgumentsError
from orchestra_tools.importers import ledger_from_document
from tests.calls.recording import Bench, arguments_in, compile_tool, ledger_of

LIST = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def built(arguments: dict[str, Any], places: dict[str, Any], **endpoint: Any) -> WireRequest:
    parts = arguments_in(**places)
    document = ledger_of(
        {"input_schema": endpoint.pop("schema", parts["input_schema"])},
        url="https://api.example",
        sandbox=False,
        arguments=parts["arguments"],
        **endpoint,
    )
    return build_request(compile_tool(document)[0], arguments)


def in_query(value: Any, **place: Any) -> str:
    return built({"color": value}, {"color": {"in": "query", **place}}).target.removeprefix("/ask").removeprefix("?")


def in_path(value: Any, **place: Any) -> str:
    place = {"in": "path", **place}
    return built({"color": value}, {"color": place}, path="/x/{color}").target.removeprefix("/x/")


def in_header(value: Any, **place: Any) -> str | None:
    return built({"color": value}, {"color": {"in": "header", "name": "X-Color", **place}}).headers.get("x-color")


def in_cookie(value: Any, **place: Any) -> str | None:
    return built({"color": value}, {"color": {"in": "cookie", **place}}).headers.get("cookie")


def in_form(value: Any, **place: Any) -> bytes:
    places = {"color": {"in": "body", **place}}
    return built({"color": value}, places, method="POST", request_media_type=FORM).body


def refused(call: Any, value: Any, **place: Any) -> str:
    with pytest.raises(InvalidArgumentsError) as caught:
        call(value, **place)
    (fault,) = caught.value.faults
    return fault.pointer


@pytest.mark.parametrize(
    ("style", "explode", "string", "empty", "array", "members"),
    [
        ("matrix", False, ";color=blue", ";color", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
        ("matrix", True, ";color=blue", ";color", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
        ("label", False, ".blue", None, ".blue,black,brown", ".R,100,G,200,B,150"),
        ("label", True, ".blue", None, ".blue.black.brown", ".R=100.G=200.B=150"),
        ("simple", False, "blue", None, "blue,black,brown", "R,100,G,200,B,150"),
        ("simple", True, "blue", None, "blue,black,brown", "R=100,G=200,B=150"),
    ],
)
def test_paths_follow_the_table(
    style: str, explode: bool, string: str, empty: str | None, array: str, members: str
) -> None:
    """OpenAPI 3.1: what would leave a segment empty, or make it `.`, is refused."""
    assert in_path("blue", style=style, explode=explode) == string
    assert in_path(LIST, style=style, explode=explode) == array
    assert in_path(OBJECT, style=style, explode=explode) == members
    if empty is None:
        assert refused(in_path, "", style=style, explode=explode) == "/color"
    else:
        assert in_path("", style=style, explode=explode) == empty
    assert refused(in_path, [], style=style, explode=explode) == "/color"


@pytest.mark.parametrize(
    ("style", "explode", "array", "members"),
    [
        ("form", False, "color=blue,black,brown", "color=R,100,G,200,B,150"),
        ("form", True, "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
        ("form", None, "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
        (None, False, "color=blue,black,brown", "color=R,100,G,200,B,150"),
        ("spaceDelimited", False, "color=blue%20black%20brown", "color=R%20100%20G%20200%20B%20150"),
        ("spaceDelimited", True, "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
        ("pipeDelimited", None, "color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
        (
            "deepObject",
            True,
            "color%5B0%5D=blue&color%5B1%5D=black&color%5B2%5D=brown",
            "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150",
        ),
    ],
)
def test_queries_follow_the_table(style: str | None, explode: bool | None, array: str, members: str) -> None:
    """OpenAPI 3.1; a single value is the same in each, and an empty list or object is absence."""
    assert in_query(LIST, style=style, explode=explode) == array
    assert in_query(OBJECT, style=style, explode=explode) == members
    assert in_query("blue", style=style, explode=explode) == "color=blue"
    assert in_query("", style=style, explode=explode) == "color="
    assert in_query([], style=style, explode=explode) == in_query({}, style=style, explode=explode) == ""
    # The same in a form, but for the space.
    assert in_form(LIST, style=style, explode=explode).decode() == array.replace("%20", "+")
    assert in_form(OBJECT, style=style, explode=explode).decode() == members.replace("%20", "+")


def test_headers_and_cookies_follow_the_table() -> None:
    """OpenAPI 3.1, `simple` and `form`; an exploded list in cookies is one cookie for each item (ours)."""
    assert in_header(LIST, style="simple") == "blue,black,brown"
    assert in_header(OBJECT, style="simple") == "R,100,G,200,B,150"
    assert in_header(OBJECT, style="simple", explode=True) == "R=100,G=200,B=150"
    assert in_header([], style="simple") is None
    assert in_header("", style="simple") == ""
    assert in_cookie(LIST, style="form") == "color=blue; color=black; color=brown"
    assert in_cookie(OBJECT, style="form") == "R=100; G=200; B=150"
    assert in_cookie(LIST, style="form", explode=False) == "color=blue,black,brown"
    assert in_cookie([], style="form") is None


@pytest.mark.parametrize("style", ["form", "simple", "label", "matrix"])
def test_a_delimiter_within_a_value_is_encoded(style: str) -> None:
    """Ours: nothing is ambiguous."""
    write = in_query if style == "form" else in_path
    text = write(["a,b", "c;d=e&f"], style=style, explode=False)
    assert text.count(",") == 1
    assert [unquote(piece) for piece in text.split(",")][1] == "c;d=e&f"


@pytest.mark.parametrize(
    ("write", "value", "place"),
    [
        (in_header, ["a,b"], {"style": "simple"}),
        (in_header, {"a": "b,c"}, {"style": "simple"}),
        (in_header, {"a=b": "c"}, {"style": "simple", "explode": True}),
        (in_header, " a", {"style": "simple"}),
        (in_query, ["a b"], {"style": "spaceDelimited"}),
        (in_query, {"a|b": 1}, {"style": "pipeDelimited"}),
        (in_path, ["a.b", "c"], {"style": "label", "explode": True}),
    ],
)
def test_a_delimiter_that_cannot_be_encoded_is_refused(write: Any, value: Any, place: dict[str, Any]) -> None:
    """Ours: in headers, and where OpenAPI writes the delimiter itself encoded."""
    assert refused(write, value, **place).startswith("/color")


@pytest.mark.parametrize(
    ("write", "style"),
    [(in_query, "form"), (in_query, "spaceDelimited"), (in_path, "matrix"), (in_header, "simple"), (in_form, "form")],
)
@pytest.mark.parametrize("explode", [True, False])
@pytest.mark.parametrize(
    ("value", "pointer"),
    [([["a"]], "/color/0"), ([{"a": 1}], "/color/0"), ({"a": {"b": 1}}, "/color/a"), (["a", None], "/color/1")],
)
def test_what_a_style_cannot_carry_is_refused_where_it_stands(
    write: Any, style: str, explode: bool, value: Any, pointer: str
) -> None:
    """Ours: nested values, and a null that would move the items after it."""
    assert refused(write, value, style=style, explode=explode) == pointer


def test_null_members_are_absent() -> None:
    """RFC 6570, 2.3: undefined members are left out."""
    assert in_query({"a": None, "b": 1}, style="form") == "b=1"
    assert in_query({"a": None}, style="form", explode=False) == ""
    assert in_query({"a": None, "b": {"c": None, "d": 2}}, style="deepObject") == "color%5Bb%5D%5Bd%5D=2"


def test_deep_objects_nest_in_brackets() -> None:
    """Ours, as OpenAPI says nothing below one level: names in brackets, items by their index."""
    value = {"price": {"lt": 5}, "tags": ["a&b", {"x": True}]}
    assert unquote(in_query(value, style="deepObject")) == (
        "color[price][lt]=5&color[tags][0]=a&b&color[tags][1][x]=true"
    )
    for unsayable in ({"a": []}, {"a": {"b": None}}, {"a": [None]}, {"a]": 1}, {"": 1}):
        assert refused(in_query, unsayable, style="deepObject").startswith("/color/")


def test_reserved_characters_stay_where_they_can() -> None:
    """OpenAPI 3.1, allowReserved: but what would end the value, or not come back, is encoded all the same."""
    value = "https://a.example/b?c=d;e:@!$'()*,#&+[]% ü"
    written = in_query(value, allow_reserved=True)
    assert written == "color=https://a.example/b?c=d;e:@!$'()*,%23%26%2B%5B%5D%25%20%C3%BC"
    assert in_query(["a,b", "c/d"], style="form", explode=False, allow_reserved=True) == "color=a%2Cb,c/d"
    assert in_form("a/b c", allow_reserved=True) == b"color=a/b+c"


def test_a_parameter_with_a_media_type_is_a_text_of_it() -> None:
    """OpenAPI 3.1, `content`: JSON is written, then encoded."""
    value = {"a": ["ü", None]}
    place = {"media_type": "application/json"}
    assert unquote(in_query(value, **place)) == 'color={"a":["ü",null]}'
    assert unquote(in_query("1", **place)) == 'color="1"'
    assert unquote(in_path([1], **place)) == "[1]"
    assert in_header(value, **place) == '{"a":["\\u00fc",null]}'
    assert in_cookie({"a": 1}, **place) == "color=%7B%22a%22%3A1%7D"
    assert in_form([1, 2], **place) == b"color=%5B1%2C2%5D"
    assert in_query("x", media_type="text/plain") == "color=x"
    assert refused(in_query, [1], media_type="text/plain") == "/color"
    for unsendable in ("\ud800", [float("nan")]):
        assert refused(in_header, unsendable, **place) == "/color"


def test_members_of_an_exploded_object_cannot_pass_for_other_parameters() -> None:
    """Ours: not for an argument, not for the key."""
    places = {"filter": {"in": "query", "style": "form"}, "q": "query"}
    assert built({"filter": {"a": 1}, "q": "x"}, places).target == "/ask?a=1&q=x"
    with pytest.raises(InvalidArgumentsError, match="name of another parameter") as caught:
        built({"filter": {"q": 1}}, places)
    assert caught.value.faults[0].pointer == "/filter/q"
    parts = arguments_in(filter={"in": "query", "style": "form"})
    operation = {"input_schema": parts["input_schema"], "auth": {"scheme": "api_key", "in": "query", "name": "key"}}
    document = ledger_of(operation, url="https://api.example", sandbox=False, arguments=parts["arguments"])
    with pytest.raises(InvalidArgumentsError):
        build_request(compile_tool(document)[0], {"filter": {"key": "mine"}})
    with pytest.raises(InvalidArgumentsError):
        in_cookie({"": "x"}, style="form")


@pytest.mark.parametrize(
    ("location", "style"),
    [("path", "form"), ("query", "simple"), ("header", "form"), ("cookie", "deepObject"), ("body", "matrix")],
)
def test_a_style_that_a_place_does_not_know_is_quarantined(location: str, style: str) -> None:
    """OpenAPI 3.1: each place has its styles."""
    parts = arguments_in(color={"in": location, "style": style})
    document = ledger_of(
        {"input_schema": parts["input_schema"]},
        url="https://api.example",
        path="/{color}" if location == "path" else "/",
        arguments=parts["arguments"],
    )
    (quarantined,) = compile_ledger(ledger_from_document(document, source="test")).quarantined.values()
    assert f"style {style} is not possible" in quarantined.reasons[0]


async def test_multipart_parts_have_their_own_types(bench: Bench) -> None:
    """OpenAPI 3.1, 4.8.15: JSON parts, a part for each item of a list, arrays of files, styles without encoding."""
    schema = {
        "type": "object",
        "properties": {
            "meta": {"type": "object"},
            "rows": {"type": "array"},
            "files": {"type": "array", "items": {"contentEncoding": "base64", "contentMediaType": "image/png"}},
            "photo": {"contentEncoding": "base64"},
            "tags": {"type": "array"},
            "odd": {"type": "string"},
        },
    }
    json_part = {"in": "body", "media_type": "application/json"}
    request = await bench.send(
        {"meta": {"a": "ü"}, "rows": [{"b": 1}, [2]], "files": ["AA==", "/w=="], "photo": "AA==", "tags": ["a", "b"]},
        places={
            "meta": json_part,
            "rows": json_part,
            "files": "body",
            "photo": {"in": "body", "media_type": "image/jpeg"},
            "tags": {"in": "body", "style": "form", "explode": False},
            "odd": json_part,
        },
        operation={"input_schema": schema},
        method="POST",
        request_media_type=MULTIPART,
    )
    parts = request.body.decode("latin-1").split(f"--{request.headers['Content-Type'].partition('boundary=')[2]}")
    heads = [part.strip().partition("\r\n\r\n") for part in parts[1:-1]]
    disposition = "Content-Disposition: form-data; name="
    assert [(head.removeprefix(disposition), data) for head, _, data in heads] == [
        ('"meta"\r\nContent-Type: application/json', '{"a":"Ã¼"}'),
        ('"rows"\r\nContent-Type: application/json', '{"b":1}'),
        ('"rows"\r\nContent-Type: application/json', "[2]"),
        ('"files"; filename="files"\r\nContent-Type: image/png', "\0"),
        ('"files"; filename="files"\r\nContent-Type: image/png', "ÿ"),
        ('"photo"; filename="photo"\r\nContent-Type: image/jpeg', "\0"),
        ('"tags"', "a,b"),
    ]


@pytest.mark.parametrize(
    ("media_type", "value", "expected"),
    [
        ("application/xml", "<a/>", b"<a/>"),
        ("application/x-ndjson", "{}\n{}", b"{}\n{}"),
        ("image/png", "AP8=", b"\0\xff"),
        ("application/vnd.api+json", {"a": None}, b'{"a":null}'),
        ("application/json; charset=utf-8", "x", b'"x"'),
        ("text/plain", 5, b"5"),
        (f"{FORM}; charset=utf-8", {"a": [1, {"b": 2}]}, b"a=1&a=%7B%22b%22%3A2%7D"),
    ],
)
def test_a_whole_body_is_in_its_media_type(media_type: str, value: Any, expected: bytes) -> None:
    """Ours: text of any type stays text, a vendor's JSON is JSON, pictures are bytes."""
    places = {"it": {"in": "body", "whole": True}}
    request = built({"it": value}, places, method="POST", request_media_type=media_type)
    assert (request.headers["content-type"], request.body) == (media_type, expected)


@pytest.mark.parametrize(("media_type", "value"), [("application/xml", {"a": 1}), ("image/png", "no base64!")])
def test_a_whole_body_that_its_media_type_cannot_carry_is_refused(media_type: str, value: Any) -> None:
    """Ours: with the remedy."""
    places = {"it": {"in": "body", "whole": True}}
    with pytest.raises(InvalidArgumentsError) as caught:
        built({"it": value}, places, method="POST", request_media_type=media_type)
    assert caught.value.faults[0].remedy


def test_null_is_left_out_of_a_body_where_the_place_says_so() -> None:
    """Ours: for an API whose own client never sends null."""
    places = {"a": {"in": "body", "omit_null": True}, "b": "body"}
    assert built({"a": None, "b": None}, places, method="POST").body == b'{"b":null}'
    assert built({"a": None}, places, method="POST").body == b"{}"
