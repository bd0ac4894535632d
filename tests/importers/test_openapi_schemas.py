"""Schemas of OpenAPI 3.0 and 3.1 become JSON Schema 2020-12 with the same meaning, in each direction."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from orchestra_tools.importers.openapi import import_openapi
from orchestra_tools.schema import Validator, check_schema
from tests.importers.openapi_documents import (
    REF,
    import_one,
    read_input,
    read_output,
    skip_one,
    with_body,
    with_output,
)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": ["string", "null"], "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"nullable": True, "enum": ["a"]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        (
            {"nullable": True, "oneOf": [{"type": "string"}], "description": "d"},
            {"description": "d", "anyOf": [{"oneOf": [{"type": "string"}]}, {"type": "null"}]},
        ),
        (
            {"type": "object", "nullable": True, "allOf": [{"minProperties": 1}]},
            {"anyOf": [{"type": "object", "allOf": [{"minProperties": 1}]}, {"type": "null"}]},
        ),
        ({"type": "number", "minimum": 1, "exclusiveMinimum": True}, {"type": "number", "exclusiveMinimum": 1}),
        ({"type": "number", "maximum": 1, "exclusiveMaximum": False}, {"type": "number", "maximum": 1}),
        ({"type": "number", "exclusiveMaximum": True}, {"type": "number"}),
        ({"type": "string", "example": "x"}, {"type": "string", "examples": ["x"]}),
        ({"type": "string", "examples": ["x", "y", "z"]}, {"type": "string", "examples": ["x", "y"]}),
        ({"type": "string", "examples": {"a": {"value": "x"}}}, {"type": "string"}),
        ({"type": "string", "default": None}, {"type": "string"}),
        ({"type": "string", "example": "x" * 501}, {"type": "string"}),
        ({"type": "array", "example": ["x" * 499]}, {"type": "array"}),
        ({"type": "object", "properties": {"a": True}}, None),
        ({"type": "number", "multipleOf": 0.5}, None),
        ({"$schema": "http://json-schema.org/schema", "$comment": "c", "type": "null"}, {"type": "null"}),
        ({"type": "string", "xml": {"name": "x"}, "x-odd": 1, "externalDocs": {}}, {"type": "string"}),
        ({"type": "string", "format": "byte"}, {"type": "string", "contentEncoding": "base64"}),
        ({"type": "string", "format": "strange"}, {"type": "string", "format": "strange"}),
        ({"type": "file"}, {"type": "string", "format": "binary"}),
        ({"type": "array", "items": [{"type": "string"}]}, {"type": "array", "prefixItems": [{"type": "string"}]}),
        (
            {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
            {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
        ),
        (
            {"type": "object", "dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
            {"type": "object", "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"required": ["d"]}}},
        ),
        ({"type": "object", "required": True}, {"type": "object"}),
        ({"type": "object", "required": ["a", "a"]}, {"type": "object", "required": ["a"]}),
        ({"type": "object", "properties": None, "items": None}, {"type": "object"}),
        ({"type": "string", "enum": []}, {"type": "string"}),
        ({"type": "string", "minLength": 2.0}, {"type": "string", "minLength": 2}),
        ({"const": False}, {"$schema": "https://json-schema.org/draft/2020-12/schema", "const": False}),
        ({"type": "array", "items": True, "uniqueItems": False}, {"type": "array", "items": True}),
        ({"not": {"type": "null"}}, {"not": {"type": "null"}}),
        ({"type": "array", "contains": {"type": "string"}, "minContains": 1}, None),
        ({"type": "object", "unevaluatedProperties": False, "propertyNames": {"maxLength": 3}}, None),
        ({"if": {"type": "string"}, "then": {"minLength": 1}, "else": True, "type": ["string", "null"]}, None),
        ({"type": "string", "contentMediaType": "text/html"}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_keywords_keep_their_meaning(stated: Any, expected: Any, version: str) -> None:
    """The dialects' promise; None = nothing changes."""
    found = read_output(stated, version=version)
    assert found == (stated if expected is None else expected)
    check_schema(found)


@pytest.mark.parametrize("stated", [{}, True, None, {"description": "Anything."}, {"nullable": True}])
def test_a_schema_that_says_nothing_documents_nothing(stated: Any) -> None:
    """Ours: `{}` would be taken for the ledger's shorthand of an empty object."""
    assert read_output(stated) is None


def test_a_schema_that_looks_like_the_shorthand_is_marked_as_json_schema() -> None:
    found = read_output({"minimum": 3})
    assert found == {"$schema": "https://json-schema.org/draft/2020-12/schema", "minimum": 3}


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"type": "strange"}, "/type: type is one of"),
        ({"type": []}, "/type: type is one of"),
        ({"type": 5}, "not int"),
        ({"minLength": "5"}, "/minLength: minLength is a number"),
        ({"minLength": -1}, "0 or more"),
        ({"multipleOf": 0}, "above 0"),
        ({"maximum": float("inf")}, "is a number"),
        ({"pattern": 5}, "is text"),
        ({"uniqueItems": "yes"}, "true or false"),
        ({"required": "a"}, "list of names"),
        ({"dependentRequired": []}, "lists of names"),
        ({"properties": []}, "/properties: a group of schemas"),
        ({"properties": {1: {}}}, "a name is text"),
        ({"allOf": {}}, "allOf is a list"),
        ({"items": "string"}, "/items: a schema is an object, this is str"),
        ({"enum": "a"}, "enum is a list"),
        ({"enum": [{1}]}, "no JSON"),
        ({"const": float("nan")}, "no JSON"),
        ({"enum": [{1: 2}]}, "no JSON"),
        ({"enum": [[[0] * 3_000, [0] * 3_000]]}, "no JSON, or too much of it"),
        ({"$dynamicRef": "#a"}, "$dynamicRef is not supported"),
        ({"$ref": 5}, "a $ref is a string"),
        ({"$ref": "#"}, "by anchor or to the document itself"),
        ({"$ref": "#name"}, "by anchor"),
        ({"$ref": "#/components/schemas/No"}, "leads nowhere"),
        ({"$ref": "#/components/parameters/3/x"}, "leads nowhere"),
        ({"$ref": "other.json#/A"}, "refers outside the document: 'other.json#/A'; bundle the documents"),
        ({"$ref": "#/" + "a" * 3_000}, "more than 2,000 characters"),
        ({"$ref": "#/info", "$id": "https://example.com/a"}, "beside an $id"),
        ({"pattern": "(("}, "not a usable regular expression"),
    ],
)
def test_a_schema_that_cannot_be_read_skips_its_operation_with_the_place(stated: Any, told: str) -> None:
    for opened in (with_output(stated), with_body({"type": "array", "items": stated})):
        reason = skip_one(opened)
        assert told in reason
        assert "/paths/~1things/" in reason


class TestReferences:
    """Only what an operation reaches comes with it."""

    def test_what_is_reached_is_bundled_and_nothing_else(self) -> None:
        found = read_output(
            {"$ref": REF + "A"},
            A={"type": "object", "properties": {"b": {"$ref": REF + "B"}}},
            B={"type": "string"},
            C={"type": "integer"},
        )
        assert found["$ref"] == "#/$defs/A"
        assert set(found["$defs"]) == {"A", "B"}

    def test_a_component_that_contains_itself_stays_a_reference(self) -> None:
        node = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": REF + "Node"}}}}
        found = read_input({"type": "object", "properties": {"root": {"$ref": REF + "Node"}}}, Node=node)
        validator = Validator(found)
        assert validator.accepts({"root": {"kids": [{"kids": []}]}})
        assert not validator.accepts({"root": {"kids": [{"kids": 5}]}})

    @pytest.mark.parametrize(
        ("reference", "name"),
        [
            (REF + "A%20B", "A B"),
            (REF + "a~1b", "a/b"),
            (REF + "a~0b", "a~b"),
            (REF + "%E5%90%8D", "名"),
            (REF + "", ""),
            (REF + "a%25b", "a%b"),
            (REF + "Page%5BItem%5D", "Page[Item]"),
        ],
    )
    def test_names_may_be_escaped_in_either_way(self, reference: str, name: str) -> None:
        found = read_output({"$ref": reference}, **{name: {"type": "integer", "minimum": 3}})
        check_schema(found)
        assert not Validator(found).accepts(2)

    def test_two_names_that_become_the_same_stay_apart(self) -> None:
        found = read_output(
            {"type": "array", "prefixItems": [{"$ref": REF + "a b"}, {"$ref": REF + "a_b"}, {"$ref": REF + "a-b"}]},
            **{"a b": {"const": 1}, "a_b": {"const": 2}, "a-b": {"const": 3}},
        )
        assert Validator(found).accepts([1, 2, 3])
        assert len(found["$defs"]) == 3

    def test_a_name_made_to_look_like_another_stays_apart(self) -> None:
        mark = hashlib.sha256(b"/components/schemas/a b").hexdigest()[:8]
        stated = {"type": "array", "prefixItems": [{"$ref": f"{REF}a_b_{mark}"}, {"$ref": REF + "a b"}]}
        found = read_output(stated, **{"a b": {"const": 1}, f"a_b_{mark}": {"const": 2}})
        assert Validator(found).accepts([2, 1])
        assert not Validator(found).accepts([1, 2])

    def test_any_place_of_the_document_can_be_referred_to(self) -> None:
        opened = with_output({"$ref": "#/paths/~1things/get/parameters/0/schema"})
        parameter = {"name": "q", "in": "query", "schema": {"type": "string", "maxLength": 5}}
        opened["paths"]["/things"]["get"]["parameters"] = [parameter]
        (definition,) = import_one(opened)["output_schema"]["$defs"].values()
        assert definition == {"type": "string", "maxLength": 5}

    def test_definitions_inside_a_schema_are_reached_by_pointer(self) -> None:
        found = read_output({"$ref": REF + "A/$defs/B"}, A={"$defs": {"B": {"type": "integer"}}})
        assert list(found["$defs"].values()) == [{"type": "integer"}]

    def test_siblings_of_a_reference_count_since_3_1(self) -> None:
        stated = {"$ref": REF + "A", "description": "An A.", "maxLength": 3}
        assert read_output(stated, A={"type": "string"})["maxLength"] == 3
        old = read_output(stated, version="3.0.3", A={"type": "string"})
        assert "maxLength" not in old
        assert old["description"] == "An A."

    def test_null_beside_a_reference_is_taken_as_meant(self) -> None:
        found = read_output({"$ref": REF + "A", "nullable": True}, version="3.0.3", A={"type": "string"})
        assert Validator(found).accepts(None)
        assert Validator(found).accepts("a")
        assert not Validator(found).accepts(3)

    @pytest.mark.parametrize("length", [1, 2, 5])
    def test_a_circle_of_references_is_refused(self, length: int) -> None:
        circle = {f"C{number}": {"$ref": f"{REF}C{(number + 1) % length}"} for number in range(length)}
        assert "in a circle" in skip_one(with_output({"$ref": REF + "C0"}, components={"schemas": circle}))

    def test_a_long_chain_of_references_is_refused_rather_than_followed(self) -> None:
        chain = {f"C{number}": {"$ref": f"{REF}C{number + 1}"} for number in range(200)}
        assert "in a circle" in skip_one(with_output({"$ref": REF + "C0"}, components={"schemas": chain}))

    def test_deep_inline_schemas_become_components_of_their_own(self) -> None:
        """Ours: a schema may be 32 levels deep, what people nest may be deeper."""
        stated: dict[str, Any] = {"type": "integer"}
        for _ in range(25):
            stated = {"type": "object", "properties": {"inner": stated}, "required": ["inner"]}
        found = read_output(stated)
        check_schema(found)
        value: Any = 5
        for _ in range(25):
            value = {"inner": value}
        assert Validator(found).accepts(value)
        assert not Validator(found).accepts(json.loads(json.dumps(value).replace("5", '"five"')))


class TestDirections:
    """A request has no readOnly members, a response no writeOnly ones."""

    PERSON = {  # noqa: RUF012  # read only
        "type": "object",
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "name": {"type": "string"},
            "password": {"type": "string", "writeOnly": True},
            "stamp": {"$ref": REF + "Stamp"},
        },
        "required": ["id", "name", "password", "stamp"],
    }
    STAMP = {"type": "string", "readOnly": True}  # noqa: RUF012  # read only

    def test_each_direction_leaves_out_what_does_not_travel_in_it(self) -> None:
        components = {"Person": self.PERSON, "Stamp": self.STAMP}
        taken = read_input({"$ref": REF + "Person"}, **components)
        assert set(taken["properties"]) == {"name", "password"}
        assert set(taken["required"]) == {"name", "password"}
        given = read_output({"$ref": REF + "Person"}, **components)["$defs"]["Person"]
        assert set(given["properties"]) == {"id", "name", "stamp"}
        assert set(given["required"]) == {"id", "name", "stamp"}

    def test_what_one_part_of_an_object_hides_another_does_not_demand(self) -> None:
        base = {"type": "object", "properties": {"id": {"type": "string", "readOnly": True}}}
        stated = {"allOf": [{"$ref": REF + "Base"}, {"required": ["id", "name"], "properties": {"name": {}}}]}
        taken = read_input(stated, Base=base)
        assert taken["required"] == ["name"]
        assert set(taken["properties"]) == {"name"}

    def test_an_object_that_is_part_of_itself_hides_what_it_hides(self) -> None:
        stated = {**self.PERSON, "allOf": [{"$ref": REF + "Person"}]}
        components = {"Person": stated, "Stamp": self.STAMP}
        taken = import_openapi(
            with_body({"type": "array", "items": {"$ref": REF + "Person"}}, components={"schemas": components}),
            source="x",
        )
        assert "id" not in json.dumps(taken.imported[0].document["input_schema"]["$defs"]["Person"]["properties"])


class TestDiscriminators:
    """They help to choose; they must not make what overlaps impossible."""

    CHOICE = {  # noqa: RUF012  # read only
        "oneOf": [{"$ref": REF + "Cat"}, {"$ref": REF + "Dog"}],
        "discriminator": {"propertyName": "kind", "mapping": {"cat": REF + "Cat", "dog": "Dog", "odd": 5}},
    }
    ANIMAL = {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}  # noqa: RUF012

    def test_an_answer_that_fits_both_branches_is_valid(self) -> None:
        found = read_output(self.CHOICE, Cat=self.ANIMAL, Dog=self.ANIMAL)
        assert Validator(found).accepts({"kind": "cat"})

    def test_a_request_names_the_values_a_mapping_ties_to_each_branch(self) -> None:
        found = read_input({"type": "array", "items": self.CHOICE}, Cat=self.ANIMAL, Dog=self.ANIMAL)
        validator = Validator(found)
        assert validator.accepts({"body": [{"kind": "cat"}, {"kind": "dog"}]})
        assert not validator.accepts({"body": [{"kind": "fish"}]})

    @pytest.mark.parametrize("choice", [{"propertyName": 5}, {"propertyName": "kind"}, {"mapping": {}}])
    def test_a_discriminator_that_says_nothing_more_only_widens(self, choice: Any) -> None:
        stated = {**self.CHOICE, "discriminator": choice}
        found = read_input({"type": "array", "items": stated}, Cat=self.ANIMAL, Dog=self.ANIMAL)
        assert Validator(found).accepts({"body": [{"kind": "fish"}]})

    def test_a_discriminator_on_a_plain_object_changes_nothing(self) -> None:
        stated = {**self.ANIMAL, "discriminator": self.CHOICE["discriminator"]}
        found = read_input({"type": "array", "items": stated})
        assert found["properties"]["body"]["items"] == self.ANIMAL
