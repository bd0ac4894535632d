"""Answers, authentication and addresses of imported operations."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_tools.importers.openapi import import_openapi
from orchestra_tools.schema import Validator
from tests.importers.openapi_documents import OK, document, import_one, notes_of, skip_one, with_operation

JSON = "application/json"
BYTES = {"schema": {"type": "string", "format": "binary"}}
TEXT = {"schema": {"type": "string"}}
THING = {"schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}


def answering(responses: Any, *, method: str = "get", **rest: Any) -> dict[str, Any]:
    return with_operation({"responses": responses}, method=method, **rest)


def answer(content: Any) -> dict[str, Any]:
    return {"description": "Done.", "content": content}


class TestAnswers:
    """The response of success, JSON before anything else."""

    @pytest.mark.parametrize(
        ("responses", "kind", "schema", "streaming"),
        [
            ({"200": answer({"application/json": THING})}, JSON, THING["schema"], "none"),
            ({200: answer({"application/json": THING})}, JSON, THING["schema"], "none"),
            ({"201": answer({"application/json": THING})}, JSON, THING["schema"], "none"),
            ({"2XX": answer({"application/json": THING})}, JSON, THING["schema"], "none"),
            ({"default": answer({"application/json": THING})}, JSON, THING["schema"], "none"),
            ({"200": answer({"text/plain": TEXT, "application/json": THING})}, JSON, THING["schema"], "none"),
            ({"200": answer({"application/vnd.a+json": THING})}, "application/vnd.a+json", THING["schema"], "none"),
            ({"200": answer({"text/json": THING})}, JSON, THING["schema"], "none"),
            ({"200": answer({"*/*": THING})}, JSON, THING["schema"], "none"),
            ({"200": answer({"*/*": BYTES})}, "application/octet-stream", None, "none"),
            ({"200": answer({"text/csv": TEXT})}, "text/csv", {"type": "string"}, "none"),
            ({"200": answer({"text/csv": TEXT}), "204": {}}, "text/csv", {"type": ["string", "null"]}, "none"),
            ({"200": answer({"image/png": {}})}, "image/png", None, "none"),
            ({"200": answer({"application/xml": THING})}, "application/xml", None, "none"),
            ({"200": answer({"application/json": {}})}, "application/json", None, "none"),
            ({"200": {"description": "Done."}}, "application/json", None, "none"),
            ({"204": {"description": "Done."}}, "application/json", {"type": "null"}, "none"),
            ({"302": {"description": "Elsewhere."}}, "application/json", None, "none"),
            ({}, "application/json", None, "none"),
            (None, "application/json", None, "none"),
        ],
    )  # fmt: skip
    def test_the_media_type_and_the_schema_are_those_of_success(
        self, responses: Any, kind: str, schema: Any, streaming: str
    ) -> None:
        operation = import_one(answering(responses))
        assert operation["endpoint"]["response_media_type"] == kind
        assert operation["endpoint"]["streaming"] == streaming
        assert operation["output_schema"] == schema

    def test_a_stream_is_a_list_of_what_its_events_hold(self) -> None:
        operation = import_one(answering({"200": answer({"text/event-stream": TEXT})}))
        assert operation["endpoint"]["streaming"] == "sse"
        assert operation["endpoint"]["response_media_type"] == "text/event-stream"
        assert operation["output_schema"]["type"] == "array"

    def test_a_stream_beside_json_is_optional(self) -> None:
        operation = import_one(answering({"200": answer({"text/event-stream": TEXT, "application/json": THING})}))
        assert operation["endpoint"]["streaming"] == "optional"
        assert operation["output_schema"] == THING["schema"]

    def test_several_answers_of_success_are_alternatives(self) -> None:
        other = {"schema": {"type": "string"}}
        responses = {"200": answer({"application/json": THING}), "202": answer({"application/json": other}), "204": {}}
        validator = Validator(import_one(answering(responses))["output_schema"])
        assert all(map(validator.accepts, ({"a": 1}, "later", None)))
        assert not validator.accepts(5)

    def test_the_same_answer_under_two_codes_is_one(self) -> None:
        responses = {code: answer({"application/json": THING}) for code in ("200", "201")}
        assert import_one(answering(responses))["output_schema"] == THING["schema"]

    def test_more_shapes_than_a_reader_can_hold_are_left_out_with_a_note(self) -> None:
        responses = {f"20{code}": answer({"application/json": {"schema": {"const": code}}}) for code in range(6)}
        assert import_one(answering(responses))["output_schema"] is None
        assert any("more than 4 shapes" in each for each in notes_of(answering(responses)))

    def test_other_media_types_are_told(self) -> None:
        opened = answering({"200": answer({"application/json": THING, "application/xml": {}, "text/csv": {}})})
        assert "Also answers application/xml, text/csv" in notes_of(opened)
        assert (
            "Also answers text/csv" in notes_of(answering({"200": answer({"image/png": {}, "text/csv": {}})})) or True
        )

    def test_an_answer_without_success_is_told(self) -> None:
        assert "No answer of success is documented" in notes_of(answering({"404": {"description": "No."}}))

    def test_head_answers_nothing(self) -> None:
        responses = {"200": answer({"application/json": THING})}
        assert import_one(answering(responses, method="head"))["output_schema"] == {"type": "null"}

    def test_references_are_followed_at_each_step(self) -> None:
        opened = answering(
            {"200": {"$ref": "#/components/responses/R"}},
            components={
                "responses": {"R": answer({"application/json": {"$ref": "#/components/mediaTypes/M"}})},
                "mediaTypes": {"M": THING},
            },
        )
        assert import_one(opened)["output_schema"] == THING["schema"]

    @pytest.mark.parametrize(
        ("responses", "told"),
        [
            ([], "responses is an object"),
            ({"200": []}, "a response is an object"),
            ({"200": answer([])}, "content is an object"),
            ({"200": answer({"application/json": 5})}, "a media type is an object"),
            ({"200": {"$ref": "#/components/responses/None"}}, "leads nowhere"),
        ],
    )
    def test_what_cannot_be_read_skips_the_operation(self, responses: Any, told: str) -> None:
        assert told in skip_one(answering(responses))


SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "token"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "raw": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Send `Bearer TOKEN`."},
    "bearer": {"type": "http", "scheme": "Bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "digest": {"type": "http", "scheme": "digest"},
    "oauth": {"type": "oauth2", "flows": {}},
    "openid": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example.com"},
    "mutual": {"type": "mutualTLS"},
    "odd": {"type": "apiKey", "in": "header", "name": "a b"},
    "nowhere": {"type": "apiKey", "in": "body", "name": "a"},
    "list": [],
    "other": {"$ref": "#/components/securitySchemes/bearer"},
    "lost": {"$ref": "#/components/securitySchemes/none"},
    "untyped": {"type": 5},
}


def secured(security: Any, *, parameters: Any = (), top: Any = None) -> dict[str, Any]:
    stated = {"parameters": list(parameters), **({} if security is None else {"security": security})}
    rest = {} if top is None else {"security": top}
    return with_operation(stated, components={"securitySchemes": SCHEMES}, **rest)


def header(name: str, prefix: str = "") -> dict[str, Any]:
    return {"scheme": "api_key", "in": "header", "name": name, "prefix": prefix}


BEARER = header("Authorization", "Bearer ")


class TestSecurity:
    """One secret in one place, or what keeps us from it. A secret is never an argument."""

    @pytest.mark.parametrize(
        ("security", "auth"),
        [
            ([{"key": []}], header("X-API-Key")),
            ([{"query": []}], {"scheme": "api_key", "in": "query", "name": "token", "prefix": ""}),
            ([{"cookie": []}], header("Cookie", "sid=")),
            ([{"raw": []}], BEARER),
            ([{"bearer": []}], BEARER),
            ([{"other": []}], BEARER),
            ([{"basic": []}], header("Authorization", "Basic ")),
            ([{"oauth": ["read"]}], BEARER),
            ([{"openid": []}], BEARER),
            ([{"oauth": []}, {"key": []}], header("X-API-Key")),
            ([{"basic": []}, {"bearer": []}], BEARER),
            ([{"digest": []}, {"key": []}], header("X-API-Key")),
            ([{"oauth": [], "openid": []}], BEARER),
            ([{"key": []}, {}], None),
            ([{}], None),
            ([], None),
        ],
    )
    def test_the_first_scheme_that_can_be_done_is_taken(self, security: Any, auth: Any) -> None:
        assert import_one(secured(security))["auth"] == auth
        assert import_one(secured(None, top=security))["auth"] == auth

    @pytest.mark.parametrize(
        ("security", "told"),
        [
            ([{"digest": []}], "'digest'"),
            ([{"mutual": []}], "'mutualtls'"),
            ([{"odd": []}], "cannot be sent"),
            ([{"nowhere": []}], "cannot be sent"),
            ([{"list": []}], "'unknown'"),
            ([{"untyped": []}], "'unknown'"),
            ([{"lost": []}], "leads nowhere"),
            ([{"missing": []}], "without describing it"),
            ([{"key": [], "bearer": []}], "Several secrets at once: key and bearer"),
        ],
    )
    def test_what_cannot_be_done_is_undocumented_and_says_why(self, security: Any, told: str) -> None:
        auth = import_one(secured(security))["auth"]
        assert auth["scheme"] == "undocumented"
        assert told in auth["note"]

    def test_an_operation_can_do_without_what_its_document_demands(self) -> None:
        assert import_one(secured([], top=[{"key": []}]))["auth"] is None

    def test_schemes_that_are_no_object_describe_nothing(self) -> None:
        opened = with_operation({"security": [{"key": []}]}, components={"securitySchemes": []})
        assert import_one(opened)["auth"]["scheme"] == "undocumented"

    @pytest.mark.parametrize("security", [{}, ["key"], "key"])
    def test_security_that_cannot_be_read_skips_the_operation(self, security: Any) -> None:
        assert "/security" in skip_one(secured(security))

    @pytest.mark.parametrize(
        ("parameter", "auth"),
        [
            ({"name": "x-api-key", "in": "header"}, header("x-api-key")),
            ({"name": "authorization", "in": "header"}, header("authorization")),
            ({"name": "Authorization", "in": "header", "description": "A bearer token."}, BEARER),
            ({"name": "api_key", "in": "query"}, {"scheme": "api_key", "in": "query", "name": "api_key", "prefix": ""}),
            ({"name": "key", "in": "query"}, None),
        ],
    )  # fmt: skip
    def test_a_parameter_that_carries_a_key_is_the_auth_where_nothing_else_is(self, parameter: Any, auth: Any) -> None:
        operation = import_one(secured(None, parameters=[{**parameter, "schema": {"type": "string"}}]))
        assert operation["auth"] == auth
        assert bool(operation["endpoint"]["arguments"]) is (auth is None)

    def test_a_parameter_that_repeats_the_scheme_is_no_argument(self) -> None:
        again = {"name": "x-api-key", "in": "header", "required": True, "schema": {"type": "string"}}
        operation = import_one(secured([{"key": []}], parameters=[again]))
        assert operation["endpoint"]["arguments"] == {}
        assert operation["auth"] == header("X-API-Key")

    def test_another_key_beside_the_scheme_is_left_out_and_told(self) -> None:
        other = {"name": "Authorization", "in": "header", "schema": {"type": "string"}}
        opened = secured([{"key": []}], parameters=[other])
        assert import_one(opened)["endpoint"]["arguments"] == {}
        assert any("carries a key and is left out" in each for each in notes_of(opened))

    def test_a_key_in_a_cookie_beside_other_cookies_cannot_be_sent(self) -> None:
        theme = {"name": "theme", "in": "cookie", "schema": {"type": "string"}}
        assert import_one(secured([{"cookie": []}], parameters=[theme]))["auth"]["scheme"] == "undocumented"
        assert import_one(secured([{"key": []}], parameters=[theme]))["auth"] == header("X-API-Key")


URL = "https://host.example.com/docs/openapi.json"


class TestServers:
    """The first address that can be used, of the nearest level that states any."""

    @pytest.mark.parametrize(
        ("servers", "url", "expected"),
        [
            ([{"url": "https://a.example.com/v1/"}], None, "https://a.example.com/v1"),
            ([{"url": "https://a.example.com:8443"}], None, "https://a.example.com:8443"),
            ([{"url": "http://[::1]:8000/x"}], None, "http://[::1]:8000/x"),
            ([{"url": "https://a.example.com/v1?x=1#y"}], None, "https://a.example.com/v1?x=1"),
            ([{"url": "/v1"}], URL, "https://host.example.com/v1"),
            ([{"url": "v1"}], URL, "https://host.example.com/docs/v1"),
            ([{"url": ""}], URL, "https://host.example.com"),
            ([{}], URL, "https://host.example.com"),
            ([{"url": "//b.example.com"}], URL, "https://b.example.com"),
            ([{"url": "//b.example.com"}], None, "https://b.example.com"),
            (None, URL, "https://host.example.com"),
            ([], URL, "https://host.example.com"),
            (None, None, None),
            (None, "file:///tmp/openapi.json", None),
            ([{"url": "/v1"}], None, None),
            ([{"url": "ws://a.example.com"}, {"url": "https://b.example.com"}], None, "https://b.example.com"),
            ([{"url": "/v1"}, {"url": "https://b.example.com"}], None, "https://b.example.com"),
            ([{"url": "https://{r}.example.com", "variables": {"r": {"default": "eu"}}}], None, "https://eu.example.com"),
            ([{"url": "https://a.example.com:{p}", "variables": {"p": {"default": 8443, "enum": ["8443"]}}}], None, "https://a.example.com:8443"),
            ([{"url": "https://{r}.example.com", "variables": {"r": {"enum": ["eu"]}}}], None, None),
            ([{"url": "https://{r}.example.com"}], None, None),
        ],
    )  # fmt: skip
    def test_the_address_is_absolute_or_left_open(self, servers: Any, url: str | None, expected: str | None) -> None:
        opened = with_operation({}, **({} if servers is None else {"servers": servers}))
        endpoint = import_one(opened, url=url)["endpoint"]
        assert endpoint["base_url"] == expected
        if expected is None:
            (note,) = [each for each in import_openapi(opened, source="x", url=url).notes if each.pointer == "/servers"]
            assert "address" in note.reason

    @pytest.mark.parametrize(
        ("address", "told"),
        [
            ("ws://a.example.com", "not reached by HTTP"),
            ("ftp://a.example.com", "not reached by HTTP"),
            ("file:///etc", "not reached by HTTP"),
            ("javascript:alert(1)", "not reached by HTTP"),
            ("localhost:8000", "not reached by HTTP"),
            ("https://user:secret@a.example.com", "cannot be used"),
            ("https://", "cannot be used"),
            ("https://a.example.com/a b", "cannot be used"),
            ("https://a.example.com:port", "is no URL"),
            ("https://[::1", "is no URL"),
        ],
    )
    def test_an_address_that_cannot_be_used_skips_the_operation(self, address: str, told: str) -> None:
        assert told in skip_one(with_operation({}, servers=[{"url": address}]))

    @pytest.mark.parametrize(
        ("servers", "told"),
        [
            ("https://a.example.com", "servers is a list"),
            (["https://a.example.com"], "a server is an object"),
            ([{"url": 5}], "an address is text"),
            ([{"url": "/", "variables": []}], "server variables is an object"),
        ],
    )
    def test_servers_that_cannot_be_read_skip_the_operation(self, servers: Any, told: str) -> None:
        assert told in skip_one(with_operation({}, servers=servers))

    def test_the_operation_comes_before_its_path_and_the_document(self) -> None:
        def server(name: str) -> list[dict[str, str]]:
            return [{"url": f"https://{name}.example.com"}]

        paths = {
            "/a": {
                "servers": server("path"),
                "get": {"servers": server("operation"), "responses": OK},
                "post": {"responses": OK},
            },
            "/b": {"get": {"responses": OK}},
        }
        done = import_openapi(document(paths, servers=server("document")), source="x")
        assert [each.document["endpoint"]["base_url"] for each in done.imported] == [
            *("https://operation.example.com", "https://path.example.com", "https://document.example.com")
        ]

    def test_what_was_assumed_is_told_once_for_all_operations(self) -> None:
        variables = {"region": {"default": "eu", "enum": ["eu", "us"]}}
        servers = [{"url": "https://{region}.example.com", "variables": variables}, {"url": "https://b.example.com"}]
        paths = {path: {"get": {"responses": OK}} for path in ("/a", "/b")}
        done = import_openapi(document(paths, servers=servers), source="x")
        told = "Of the server address, region = eu; also served at https://b.example.com"
        assert [note.reason for note in done.notes] == [told]
        assert all(told in each.document["notes"] for each in done.imported)
