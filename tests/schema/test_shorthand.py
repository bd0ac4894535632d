"""The seed's shorthand and JSON Schema: both ways, and what is neither."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import Validator, check_schema, contract, expand, is_json_schema

KEYWORDS = ["type", "properties", "items", "required", "enum", "$ref", "default", "additionalProperties", "title"]
NAMES = st.sampled_from([*KEYWORDS, "query", "a/b", "~", "日本", ""]) | st.text(max_size=6).filter(
    lambda name: name not in ("not", "$defs", "patternProperties")  # their schemas look like the keywords' values
)
TYPE_NAMES = st.sampled_from(["SearchResult", "Tweet", "Ω"])
SCALARS = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "default": 10},
        {"type": "number", "minimum": 0.5, "description": "How much of it"},
        {"type": ["string", "null"]},
        {"enum": ["web", "news"]},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "string", "format": "date-time", "examples": ["x"]},
    ]
)


def flagged(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas of properties, some of them marked as required."""
    return st.builds(
        lambda schema, required: {**schema, "required": True} if required and isinstance(schema, dict) else schema,
        schemas,
        st.booleans(),
    )


PROPERTIES = st.recursive(
    SCALARS | TYPE_NAMES,
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(
            lambda properties: {"type": "object", "properties": properties},
            st.dictionaries(
                NAMES.filter(lambda name: name != "type"),
                flagged(inner.filter(lambda sub: isinstance(sub, dict))),
                max_size=3,
            ),
        )
    ),
    max_leaves=5,
)
FORMS = st.dictionaries(NAMES, flagged(PROPERTIES), max_size=4)
SAMPLES = st.recursive(
    st.sampled_from(["str", "int", "float", "bool", "dict", "list", "any", "none", "Result"]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=1)
        | st.dictionaries(st.sampled_from(["name", "type", "items", "kind", "default"]), inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(FORMS)
def test_contract_undoes_expand_for_the_seeds_forms(form: dict[str, Any]) -> None:
    assert contract(expand(form)) == form


@settings(deadline=None)
@given(FORMS | st.dictionaries(st.sampled_from(["a", "b", "items"]), SAMPLES, max_size=3))
def test_what_expand_gives_is_let_in_and_stays_as_it_is(form: dict[str, Any]) -> None:
    schema = expand(form)
    assert is_json_schema(schema)
    assert expand(schema) is schema
    check_schema(schema)


@settings(deadline=None)
@given(FORMS)
def test_expand_undoes_contract(form: dict[str, Any]) -> None:
    schema = expand(form)
    again = expand(contract(schema))
    assert again == schema


@pytest.mark.parametrize("form", [True, False, {}, {"not": {}}])
def test_expanding_twice_changes_nothing(form: Any) -> None:
    once = expand(form)
    assert expand(once) == once
    check_schema(once)


def test_a_boolean_is_a_schema_and_other_values_are_not() -> None:
    assert is_json_schema(True)
    assert is_json_schema(False)
    assert not any(map(is_json_schema, (None, 1, "object", [], {}, {"type": "str"}, {"type": []})))


def test_the_schemas_true_and_false_keep_their_meaning() -> None:
    assert Validator(expand(True)).accepts("anything")
    assert not Validator(expand(False)).accepts("anything")


def test_the_target_of_an_objective_is_a_sample_of_types() -> None:
    """The seed's `target_schema`."""
    form = {
        "competitors": [{"name": "str", "pricing": "dict"}],
        "recommendation": {"price_point": "float", "rationale": "str"},
    }
    assert expand(form) == {
        "type": "object",
        "properties": {
            "competitors": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": {"type": "string"}, "pricing": {"type": "object"}}},
            },
            "recommendation": {
                "type": "object",
                "properties": {"price_point": {"type": "number"}, "rationale": {"type": "string"}},
            },
        },
    }


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_property_may_be_named_like_a_keyword(keyword: str) -> None:
    schema = expand({keyword: {"type": "string", "required": True}, "other": {"type": "integer"}})
    assert schema["required"] == [keyword]
    assert schema["properties"] == {keyword: {"type": "string"}, "other": {"type": "integer"}}
    check_schema(schema)


def test_all_keywords_together_are_properties() -> None:
    schema = expand({keyword: {"type": "string"} for keyword in KEYWORDS})
    assert list(schema["properties"]) == KEYWORDS


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ({"type": "str", "required": True}, {"type": "string"}),
        ({"type": "int", "default": 3}, {"type": "integer", "default": 3}),
        ({"type": "str", "description": "What to look for"}, {"type": "string", "description": "What to look for"}),
        ({"type": "any", "required": True}, {}),
        ({"type": "Tweet", "required": True}, {"$ref": "#/$defs/Tweet"}),
        ({"required": True}, {}),
        ({"required": False, "default": None}, {"default": None}),
        ({"description": "text"}, {"description": "text"}),
        ({"type": "str"}, {"type": "object", "properties": {"type": {"type": "string"}}}),
        (
            {"type": "str", "size": "int"},
            {"type": "object", "properties": {"type": {"type": "string"}, "size": {"type": "integer"}}},
        ),
        ({"type": ["str"]}, {"type": "object", "properties": {"type": {"type": "array", "items": {"type": "string"}}}}),
        ({"items": {"required": ["a"]}}, {"type": "object", "properties": {"items": {"required": ["a"]}}}),
        ({"default": "web"}, {"default": "web"}),
        ({"best": "Tweet"}, {"type": "object", "properties": {"best": {"$ref": "#/$defs/Tweet"}}}),
        (True, True),
        (["Tweet"], {"type": "array", "items": {"$ref": "#/$defs/Tweet"}}),
        (
            {"type": "object", "properties": {"a": "str", "b": {"required": True}}, "required": ["a"]},
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "b"]},
        ),
    ],
)
def test_one_property_is_read_for_what_it_most_likely_means(form: Any, schema: Any) -> None:
    """Ours: where a form could be a schema or an object of samples."""
    assert expand({"x": form})["properties"]["x"] == schema


def test_a_named_type_is_an_open_object() -> None:
    schema = expand({"results": {"type": "array", "items": "SearchResult"}})
    assert schema["$defs"] == {"SearchResult": {"title": "SearchResult", "type": "object"}}
    assert Validator(schema).accepts({"results": [{"anything": 1}]})
    assert not Validator(schema).accepts({"results": ["text"]})


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (None, "(root): a schema is an object, this is NoneType"),
        (["str"], "(root): a schema is an object, this is list"),
        ("str", "(root): a schema is an object, this is str"),
        ({"a": 3}, "/a: expected a schema or a type name, got int"),
        ({"a": None}, "/a: expected a schema or a type name, got NoneType"),
        ({"a": []}, "/a: a list names the type of its items: one element, not 0"),
        ({"a/b": [{"c": ["str", "int"]}]}, "/a~1b/0/c: a list names the type of its items"),
        ({"a": {"b": ["not a type"]}}, "/a/b/0: 'not a type' is no type"),
        ({"a": {"type": "not a type"}}, "/a/type: 'not a type' is no type"),
        ({"a": {"type": "array", "items": "not a type"}}, "/a/items: 'not a type' is no type"),
        ({"a": {"type": "object", "properties": {"b": 3}}}, "/a/properties/b: expected a schema"),
    ],
)
def test_nonsense_is_refused_with_the_place(form: Any, told: str) -> None:
    with pytest.raises(SchemaRefusedError) as caught:
        expand(form)
    assert told in str(caught.value)


def test_a_form_nested_without_end_is_refused() -> None:
    form: Any = "str"
    for _ in range(100_000):
        form = [form]
    with pytest.raises(SchemaRefusedError, match="nested deeper than 32 levels"):
        expand({"a": form})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "object", "properties": {"a": True}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/T"}}, "$defs": {"T": {"type": "integer"}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#/$defs/T"}]}}, "$defs": {"T": {"type": "object"}}},
        {"type": "object", "properties": {"a": {}}, "required": ["b"]},
        {"type": "object", "properties": {"a": {"title": "string"}}},
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/T"}},
            "required": ["a"],
            "$defs": {"T": {"title": "T", "type": "object"}},
        },
        {"type": "object", "properties": {"not": {"type": "string"}}},
        {"type": "object", "properties": {}, "$defs": {"Unused": {"type": "object", "title": "Unused"}}},
    ],
)
def test_what_shorthand_cannot_say_is_refused_and_not_bent(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaRefusedError, match="keep it as JSON Schema"):
        contract(schema)


def test_the_order_of_required_names_does_not_matter() -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {"type": "string"}}, "required": ["b", "a"]}
    assert contract(schema) == {"a": {"required": True}, "b": {"type": "string", "required": True}}
    assert contract({"type": "object"}) == {}
