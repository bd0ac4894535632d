"""Request bodies become arguments: one for each member of a plain object, else one for the whole."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_tools.importers.openapi import import_openapi
from tests.importers.openapi_documents import (
    FORM,
    REF,
    document,
    import_one,
    notes_of,
    places,
    skip_one,
    with_body,
    with_operation,
)


class TestBodies:
    """Members where the body is a plain object, else the whole."""

    def test_a_plain_object_becomes_arguments(self) -> None:
        body = {
            "type": "object",
            "properties": {"name": {"type": "string"}, "$size": {"type": "integer"}},
            "required": ["name"],
            "additionalProperties": False,
        }
        operation = import_one(with_body(body))
        assert operation["endpoint"]["arguments"] == {"name": {"in": "body"}, "size": {"in": "body", "name": "$size"}}
        assert operation["endpoint"]["request_media_type"] == "application/json"
        assert operation["input_schema"]["required"] == ["name"]
        assert operation["input_schema"]["additionalProperties"] is False

    def test_an_open_object_stays_open(self) -> None:
        body = {"type": "object", "properties": {"name": {"type": "string"}}}
        assert "additionalProperties" not in import_one(with_body(body))["input_schema"]

    def test_parts_of_an_object_are_merged(self) -> None:
        body = {"allOf": [{"$ref": REF + "A"}, {"properties": {"b": {}}, "required": ["a"]}], "description": "Both."}
        components = {"schemas": {"A": {"type": "object", "properties": {"a": {"type": "string"}}}}}
        schema = import_one(with_body(body, components=components))["input_schema"]
        assert list(schema["properties"]) == ["a", "b"]
        assert schema["required"] == ["a"]
        assert "$defs" not in schema

    @pytest.mark.parametrize(
        "body",
        [
            {"type": "array", "items": {"type": "string"}},
            {"type": "string"},
            {"type": "object"},
            {"type": "object", "properties": {}},
            {"type": ["object", "null"], "properties": {"a": {}}},
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"oneOf": [{"type": "object", "properties": {"a": {}}}]},
            {"type": "object", "properties": {"a": {}}, "minProperties": 1},
            {"type": "object", "properties": {"a": {}}, "required": ["b"]},
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "integer"}}}]},
            {"allOf": [{"properties": {"a": {}}, "additionalProperties": False}, {"properties": {"b": {}}}]},
            {"allOf": [{"$ref": REF + "Text"}]},
            {"allOf": [{"$ref": REF + "Object", "maxProperties": 3}]},
            {"$ref": REF + "Mine"},
            {"type": "object", "properties": {"a-b": {}, "a.b": {}}},
            {"allOf": [{"properties": {"a": {}}}, {"type": "string"}]},
            True,
            None,
        ],
    )
    def test_anything_else_is_one_argument(self, body: Any) -> None:
        components = {
            "schemas": {
                "Text": {"type": "string"},
                "Object": {"type": "object", "properties": {"a": {}}},
                "Mine": {"properties": {"a": {}}, "allOf": [{"$ref": REF + "Mine"}]},
            }
        }
        operation = import_one(with_body(body, components=components))
        assert operation["endpoint"]["arguments"] == {"body": {"in": "body", "whole": True}}
        assert operation["input_schema"]["required"] == ["body"]
        assert operation["input_schema"]["additionalProperties"] is False

    def test_a_member_named_like_a_parameter_keeps_the_body_whole(self) -> None:
        opened = with_body({"type": "object", "properties": {"id": {}}}, path="/things/{id}")
        assert places(opened) == {"id": {"in": "path"}, "body": {"in": "body", "whole": True}}

    def test_a_parameter_named_body_moves_the_body_aside(self) -> None:
        opened = with_body({"type": "string"})
        opened["paths"]["/things"]["post"]["parameters"] = [{"name": "body", "in": "query", "schema": {}}]
        assert set(places(opened)) == {"body", "body_content"}

    def test_an_optional_body_with_members_it_needs_is_whole_and_optional(self) -> None:
        opened = with_body({"type": "object", "properties": {"a": {}}, "required": ["a"]})
        opened["paths"]["/things"]["post"]["requestBody"]["required"] = False
        operation = import_one(opened)
        assert operation["endpoint"]["arguments"] == {"body": {"in": "body", "whole": True}}
        assert "required" not in operation["input_schema"]
        del opened["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]["schema"]["required"]
        assert places(opened) == {"a": {"in": "body"}}

    @pytest.mark.parametrize(
        ("kinds", "expected", "told"),
        [
            (["text/plain", "application/json"], "application/json", "text/plain"),
            (["multipart/form-data", FORM], FORM, "multipart/form-data"),
            (["application/xml", "application/vnd.api+json"], "application/vnd.api+json", "application/xml"),
            (["image/png", "text/csv"], "text/csv", "image/png"),
            (["application/json; charset=utf-8"], "application/json", ""),
            (["*/*"], "application/json", ""),
        ],
    )
    def test_of_several_media_types_the_plainest_is_taken_and_the_others_are_told(
        self, kinds: list[str], expected: str, told: str
    ) -> None:
        content = {kind: {"schema": {"type": "object", "properties": {"a": {}}}} for kind in kinds}
        opened = with_operation({"requestBody": {"required": True, "content": content}}, method="post")
        assert import_one(opened)["endpoint"]["request_media_type"] == expected
        assert [each for each in notes_of(opened) if "Also takes" in each] == ([f"Also takes {told}"] if told else [])

    @pytest.mark.parametrize(
        ("kind", "schema", "expected"),
        [
            ("*/*", {"type": "string"}, "text/plain"),
            ("*/*", {"type": "string", "format": "binary"}, "application/octet-stream"),
            ("application/*", {"type": "object"}, "application/json"),
        ],
    )
    def test_a_media_type_that_is_left_open_is_told_by_the_schema(
        self, kind: str, schema: dict[str, Any], expected: str
    ) -> None:
        assert import_one(with_body(schema, media_type=kind))["endpoint"]["request_media_type"] == expected

    @pytest.mark.parametrize(
        ("kind", "schema", "expected"),
        [
            ("text/plain", {"type": "string", "maxLength": 9}, {"type": "string", "maxLength": 9}),
            ("application/xml", {"type": "object", "properties": {"a": {}}}, {"type": "string"}),
            ("application/x-ndjson", {}, {"type": "string"}),
        ],
    )
    def test_a_text_is_one_argument(self, kind: str, schema: dict[str, Any], expected: dict[str, Any]) -> None:
        operation = import_one(with_body(schema, media_type=kind))
        assert operation["input_schema"]["properties"] == {"body": expected}
        assert operation["endpoint"]["request_media_type"] == kind

    @pytest.mark.parametrize("schema", [{"type": "string", "format": "binary"}, {}, None])
    def test_bytes_are_one_argument_in_base64(self, schema: Any) -> None:
        operation = import_one(with_body(schema, media_type="image/png"))
        (body,) = operation["input_schema"]["properties"].values()
        assert body["contentEncoding"] == "base64"
        assert body["contentMediaType"] == "image/png"
        assert operation["endpoint"]["arguments"] == {"body": {"in": "body", "whole": True}}

    def test_fields_of_a_form_keep_their_styles_and_types(self) -> None:
        body = {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "meta": {"type": "object"},
                "kinds": {"type": "array", "items": {"type": "string"}},
                "part": {"type": "object"},
            },
        }
        opened = with_body(body, media_type=FORM, path="/things/{id}")
        content = opened["paths"]["/things/{id}"]["post"]["requestBody"]["content"]
        content[FORM]["encoding"] = {
            "meta": {"style": "deepObject", "explode": True},
            "kinds": {"style": "spaceDelimited"},
            "part": {"contentType": "application/json, text/plain", "style": []},
        }
        assert places(opened) == {
            "id": {"in": "path"},
            "id_body": {"in": "body", "name": "id"},
            "meta": {"in": "body", "style": "deepObject", "explode": True},
            "kinds": {"in": "body", "style": "spaceDelimited", "explode": False},
            "part": {"in": "body", "media_type": "application/json"},
        }

    def test_fields_of_a_multipart_form_are_files_texts_and_json(self) -> None:
        body = {
            "type": "object",
            "properties": {
                "file": {"type": "string", "format": "binary"},
                "files": {"type": "array", "items": {"$ref": REF + "File"}},
                "maybe": {"anyOf": [{"$ref": REF + "File"}, {"type": "null"}], "description": "Perhaps."},
                "anything": {},
                "document": {"type": "string", "contentMediaType": "application/pdf"},
                "page": {"type": "string", "contentMediaType": "text/html"},
                "text": {"type": "string", "format": "byte"},
                "object": {"$ref": REF + "Object"},
                "objects": {"type": "array", "items": {"$ref": REF + "Object"}},
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "both": {"anyOf": [{"type": "null"}, {"type": "null"}]},
                "image": {"type": "string", "format": "binary"},
                "deep": {
                    "type": "array",
                    "items": {"items": {"type": "array", "items": {"type": "array", "items": {}}}},
                },
            },
        }
        components = {"schemas": {"File": {"type": "string", "format": "binary"}, "Object": {"type": "object"}}}
        opened = with_body(body, media_type="multipart/form-data", components=components)
        content = opened["paths"]["/things"]["post"]["requestBody"]["content"]["multipart/form-data"]
        content["encoding"] = {"image": {"contentType": "image/png, image/webp"}, "file": {"contentType": "image/*"}}
        operation = import_one(opened)
        schema = operation["input_schema"]["properties"]
        files = {
            name
            for name, each in schema.items()
            if "base64" in (each.get("contentEncoding"), each.get("items", {}).get("contentEncoding"))
        }
        assert files == {"file", "files", "maybe", "anything", "document", "image"}
        assert schema["maybe"]["type"] == ["string", "null"]
        assert schema["maybe"]["description"] == "Perhaps."
        arguments = operation["endpoint"]["arguments"]
        json_parts = {name for name, place in arguments.items() if place.get("media_type") == "application/json"}
        assert json_parts == {"object", "objects"}
        assert arguments["image"]["media_type"] == "image/png"
        assert "media_type" not in arguments["file"]

    def test_a_form_without_fields_is_no_body(self) -> None:
        opened = with_body({"type": "object", "properties": {}}, media_type=FORM)
        assert import_one(opened)["endpoint"]["request_media_type"] is None

    def test_a_form_that_is_no_plain_object_is_whole(self) -> None:
        stated = {"oneOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}]}
        opened = with_body(stated, media_type="multipart/form-data")
        assert places(opened) == {"body": {"in": "body", "whole": True}}

    def test_an_example_of_the_body_becomes_examples_of_its_members(self) -> None:
        opened = with_body({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}})
        content = opened["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]
        content["example"] = {"a": "x", "c": 1}
        properties = import_one(opened)["input_schema"]["properties"]
        assert properties == {"a": {"type": "string", "examples": ["x"]}, "b": {"type": "string"}}

    @pytest.mark.parametrize("method", ["get", "delete", "put", "patch"])
    def test_any_method_may_have_a_body(self, method: str) -> None:
        body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"a": {}}}}}}
        assert places(with_operation({"requestBody": body}, method=method)) == {"a": {"in": "body"}}

    @pytest.mark.parametrize("body", [{}, {"content": {}}, {"description": "Nothing."}])
    def test_a_body_of_nothing_is_none(self, body: Any) -> None:
        opened = with_operation({"requestBody": body}, method="post")
        assert import_one(opened)["endpoint"]["request_media_type"] is None

    def test_a_media_type_by_reference_is_followed(self) -> None:
        media = {"schema": {"type": "object", "properties": {"a": {}}}}
        opened = with_operation(
            {"requestBody": {"content": {"application/json": {"$ref": "#/components/mediaTypes/A"}}}},
            method="post",
            version="3.2.0",
            components={"mediaTypes": {"A": media}},
        )
        assert places(opened) == {"a": {"in": "body"}}

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            ([], "a request body is an object"),
            ({"content": []}, "content is an object"),
            ({"content": {"application/json": 5}}, "a media type is an object"),
            ({"content": {FORM: {"schema": {"properties": {"a": {}}}, "encoding": []}}}, "encoding is an object"),
            ({"content": {"application/json": {"schema": {"properties": {"k" * 300: {}}}}}}, "300 characters"),
            ({"$ref": "#/components/requestBodies/None"}, "leads nowhere"),
        ],
    )
    def test_a_body_that_cannot_be_read_skips_its_operation(self, body: Any, told: str) -> None:
        assert told in skip_one(with_operation({"requestBody": body}, method="post"))

    def test_one_body_by_reference_serves_several_operations(self) -> None:
        shared = {"$ref": "#/components/requestBodies/Shared"}
        body = {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object", "properties": {"a": {}}}}},
        }
        paths = {"/a": {"post": {"requestBody": shared}}, "/b": {"put": {"requestBody": shared}}}
        done = import_openapi(document(paths, components={"requestBodies": {"Shared": body}}), source="x")
        assert [set(each.document["endpoint"]["arguments"]) for each in done.imported] == [{"a"}, {"a"}]
