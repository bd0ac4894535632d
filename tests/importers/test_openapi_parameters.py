"""Parameters become arguments, each with its place in the request."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_tools.schema import Validator
from tests.importers.openapi_documents import (
    document,
    import_one,
    notes_of,
    places,
    skip_one,
    with_operation,
    with_parameters,
)


class TestParameters:
    """Names, places, styles."""

    @pytest.mark.parametrize(
        ("location", "wire", "argument"),
        [
            ("query", "limit", "limit"),
            ("query", "pageSize", "pageSize"),
            ("query", "$filter", "filter"),
            ("query", "ids[]", "ids"),
            ("query", "filter[name]", "filter_name"),
            ("query", "user.id", "user_id"),
            ("query", "__proto__", "proto"),
            ("query", "2fa", "n2fa"),
            ("query", "größe", "groe"),
            ("query", "x" * 100, "x" * 55 + "_9d3b8f28"),
            ("header", "X-Trace-Id", "x_trace_id"),
            ("cookie", "theme", "theme"),
        ],
    )
    def test_an_argument_has_a_legal_name_and_keeps_the_one_on_the_wire(
        self, location: str, wire: str, argument: str
    ) -> None:
        opened = with_parameters({"name": wire, "in": location, "schema": {"type": "string"}})
        (name,) = places(opened)
        assert name.rpartition("_")[0] == argument.rpartition("_")[0] if len(wire) > 64 else name == argument
        assert places(opened)[name] == {"in": location, **({"name": wire} if name != wire else {})}
        assert import_one(opened)["input_schema"]["properties"][name] == {"type": "string"}

    def test_a_name_without_a_latin_letter_gets_one_that_stays(self) -> None:
        opened = with_parameters({"name": "名前", "in": "query", "schema": {"type": "string"}})
        (name,) = places(opened)
        assert name.startswith("argument_")
        assert places(opened) == {name: {"in": "query", "name": "名前"}}

    def test_one_name_in_two_places_is_two_arguments(self) -> None:
        opened = with_parameters(
            {"name": "id", "in": "query", "schema": {"type": "string"}},
            {"name": "ID", "in": "header", "schema": {"type": "string"}},
            {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
            path="/things/{id}",
        )
        assert places(opened) == {
            "id": {"in": "path"},
            "id_query": {"in": "query", "name": "id"},
            "id_header": {"in": "header", "name": "ID"},
        }

    def test_names_that_become_the_same_are_told_apart(self) -> None:
        opened = with_parameters(*({"name": name, "in": "query", "schema": {}} for name in ("a-b", "a.b", "a[b]")))
        assert set(places(opened)) == {"a_b", "a_b_query", "a_b_query_2"}

    def test_a_parameter_of_the_operation_overrides_that_of_its_path(self) -> None:
        opened = document(
            {
                "/things": {
                    "parameters": [
                        {"name": "a", "in": "query", "schema": {"type": "string"}},
                        {"name": "X-B", "in": "header", "schema": {"type": "string"}},
                        {"$ref": "#/components/parameters/C"},
                    ],
                    "get": {
                        "parameters": [
                            {"name": "a", "in": "query", "required": True, "schema": {"type": "integer"}},
                            {"name": "x-b", "in": "header", "schema": {"type": "boolean"}},
                        ]
                    },
                }
            },
            components={"parameters": {"C": {"name": "c", "in": "query", "schema": {"type": "null"}}}},
        )
        schema = import_one(opened)["input_schema"]
        assert {name: each["type"] for name, each in schema["properties"].items()} == {
            "a": "integer",
            "x_b": "boolean",
            "c": "null",
        }
        assert schema["required"] == ["a"]
        assert schema["additionalProperties"] is False

    @pytest.mark.parametrize(
        ("stated", "expected"),
        [
            ({"in": "query", "schema": {"type": "array"}}, {"style": "form", "explode": True}),
            ({"in": "query", "schema": {"type": "array"}, "explode": False}, {"style": "form", "explode": False}),
            ({"in": "query", "schema": {"type": "object"}}, {"style": "form", "explode": True}),
            (
                {"in": "query", "schema": {"type": "object"}, "style": "deepObject"},
                {"style": "deepObject", "explode": True},
            ),
            (
                {"in": "query", "schema": {"type": "array"}, "style": "pipeDelimited"},
                {"style": "pipeDelimited", "explode": False},
            ),
            ({"in": "query", "schema": {"type": ["string", "null"]}, "explode": False}, {}),
            ({"in": "query", "schema": {"type": "string"}, "allowReserved": True}, {"allow_reserved": True}),
            ({"in": "query", "schema": {}}, {"style": "form", "explode": True}),
            ({"in": "path", "schema": {"type": "integer"}, "style": "matrix"}, {"style": "matrix", "explode": False}),
            ({"in": "path", "schema": {"type": "array"}}, {"style": "simple", "explode": False}),
            ({"in": "header", "schema": {"type": "array"}, "explode": True}, {"style": "simple", "explode": True}),
            ({"in": "cookie", "schema": {"type": "array"}}, {"style": "form", "explode": True}),
            (
                {"in": "query", "content": {"Application/JSON; charset=utf-8": {"schema": {"type": "object"}}}},
                {"media_type": "application/json"},
            ),
        ],
    )
    def test_styles_go_into_the_place_where_the_value_is_no_plain_text(
        self, stated: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        opened = with_parameters({"name": "a", **stated}, path="/things/{a}" if stated["in"] == "path" else "/things")
        assert places(opened) == {"a": {"in": stated["in"], **expected}}

    @pytest.mark.parametrize(
        ("parameter", "told"),
        [
            ({"name": "a", "in": "body"}, "(that is Swagger 2.0)"),
            ({"name": "a", "in": "formData"}, "(that is Swagger 2.0)"),
            ({"name": "a", "in": "querystring"}, "'querystring' is not supported"),
            ({"name": "a", "in": []}, "is not supported"),
            ({"name": "", "in": "query"}, "has a name"),
            ({"name": {}, "in": "query"}, "has a name"),
            ({"name": "k" * 300, "in": "query"}, "300 characters, the limit is 200"),
            ({"name": "a", "in": "query", "style": "simple"}, "'simple' is no style of a query parameter"),
            ({"name": "a", "in": "query", "style": 7}, "is no style"),
            ({"name": "a", "in": "query", "content": []}, "content is an object"),
            ({"name": "a", "in": "query", "content": {"text/plain": 5}}, "a media type is an object"),
            (5, "a parameter is an object"),
            ({"$ref": "#/components/parameters/None"}, "leads nowhere"),
        ],
    )
    def test_a_parameter_that_cannot_be_read_skips_its_operation(self, parameter: Any, told: str) -> None:
        assert told in skip_one(with_parameters(parameter))

    def test_more_parameters_than_anybody_has_are_refused(self) -> None:
        many = ({"name": f"p{number}", "in": "query"} for number in range(501))
        assert "more than 500 parameters" in skip_one(with_parameters(*many))

    def test_headers_that_the_transport_sets_are_no_arguments(self) -> None:
        opened = with_parameters(*({"name": name, "in": "header", "schema": {}} for name in ("Accept", "content-type")))
        assert places(opened) == {}
        assert "The header Accept is set by the transport" in notes_of(opened)

    def test_a_part_of_the_path_without_a_parameter_is_an_argument_with_a_note(self) -> None:
        opened = with_parameters({"name": "other", "in": "path", "schema": {}}, path="/a/{user-id}.json/{x}-{y}:run")
        assert places(opened) == {
            "user_id": {"in": "path", "name": "user-id"},
            "x": {"in": "path"},
            "y": {"in": "path"},
        }
        assert import_one(opened)["input_schema"]["required"] == ["user_id", "x", "y"]
        told = notes_of(opened)
        assert "The part {user-id} of the path is not described" in told
        assert "The path parameter 'other' is left out: the path has no such part" in told

    def test_what_a_parameter_says_of_itself_is_kept(self) -> None:
        stated = {"name": "a", "in": "query", "description": "What.", "deprecated": True, "schema": {"type": "string"}}
        named = {"one": {"value": "x"}, "two": {"externalValue": "https://example.com"}}
        for example, expected in (({"example": "x"}, ["x"]), ({"examples": named}, ["x"]), ({"examples": []}, None)):
            schema = import_one(with_parameters({**stated, **example}))["input_schema"]["properties"]["a"]
            assert schema.get("examples") == expected
            assert schema["description"] == "What."
            assert schema["deprecated"] is True

    def test_a_parameter_that_allows_nothing_stays_impossible(self) -> None:
        schema = import_one(with_parameters({"name": "a", "in": "query", "schema": False}))["input_schema"]
        assert not Validator(schema).accepts({"a": 1})


class TestPaths:
    """Templates that no request can be made of."""

    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("/{", "braces"),
            ("/a}", "braces"),
            ("/{}", "braces"),
            ("/{a{b}}", "braces"),
            ("/a/{b/c}", "braces"),
            ("/a#fragment", "fragment"),
            ("/a b", "a blank"),
            ("/a\\b", "a blank"),
            ("/../admin", "leads elsewhere"),
            ("/" + "a" * 3_000, "longer than 2,000"),
        ],
    )
    def test_it_is_skipped(self, path: str, told: str) -> None:
        assert told in skip_one(with_operation({}, path=path))

    @pytest.mark.parametrize(
        ("path", "expected"),
        [("things", "/things"), ("", "/"), ("/a?b=1&c={c}", "/a?b=1"), ("/a?c={c}", "/a"), ("/a?b=1", "/a?b=1")],
    )
    def test_paths_are_written_as_the_executor_reads_them(self, path: str, expected: str) -> None:
        assert import_one(with_operation({}, path=path))["endpoint"]["path"] == expected

    def test_the_template_of_a_query_is_left_to_query_parameters(self) -> None:
        opened = with_parameters({"name": "c", "in": "query", "schema": {}}, path="/a?c={c}")
        assert places(opened)["c"]["in"] == "query"
        assert any("templates in the query" in each for each in notes_of(opened))
