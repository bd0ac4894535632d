"""Intake: what a schema must be to be let in. Every fault is listed, with its place, in bounded time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import Validator, check_schema
from orchestra_tools.schema.limits import MAX_BYTES, MAX_NODES, iter_subschemas


def refusal(schema: Any) -> list[str]:
    with pytest.raises(SchemaRefusedError) as caught:
        check_schema(schema)
    return [str(fault) for fault in caught.value.faults]


def nested(levels: int, inner: Any = True) -> Any:
    for _ in range(levels):
        inner = {"items": inner}
    return inner


def doubling(levels: int, keyword: str = "anyOf") -> dict[str, Any]:
    chain: dict[str, Any] = {
        f"a{level}": {keyword: [{"$ref": f"#/$defs/a{level + 1}"}, {"$ref": f"#/$defs/a{level + 1}"}]}
        for level in range(levels)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**chain, f"a{levels}": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        True,
        False,
        {},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/b~1c%20d"}}, "$defs": {"b/c d": {}}},
        {"$ref": "#"},
        {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"},
        {"properties": {"children": {"type": "array", "items": {"$ref": "#"}}}},
        {"$defs": {"a": True}, "properties": {"x": {"$ref": "#/$defs/a"}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/s"},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
        {"enum": [{"$ref": "http://evil.example"}], "default": {"$id": "x"}, "const": {"$anchor": "y"}},
        {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}, "$anchor": {}}},
        doubling(12),
    ],
)
def test_sound_schemas_are_let_in(schema: Any) -> None:
    check_schema(schema)


@pytest.mark.parametrize("value", [[], "string", 1, None, (), 1.5])
def test_a_schema_is_an_object_or_a_boolean(value: Any) -> None:
    assert refusal(value) == [f"(root): a schema is an object or a boolean, this is {type(value).__name__}"]


def test_a_schema_has_at_most_64_kilobytes() -> None:
    check_schema({"description": "x" * (MAX_BYTES - 100)})
    assert refusal({"description": "é" * (MAX_BYTES // 2)}) == ["(root): 65,554 bytes, the limit is 65,536"]


def test_a_schema_has_at_most_5000_nodes() -> None:
    check_schema({"enum": list(range(MAX_NODES - 2))})
    assert refusal({"enum": list(range(MAX_NODES))}) == ["(root): more than 5,000 nodes"]


def test_a_schema_has_at_most_32_levels() -> None:
    check_schema(nested(31, {"type": "string"}))
    assert refusal(nested(32, {})) == [f"{'/items' * 32}: nested deeper than 32 levels"]
    assert len(refusal({"k" * 5000: nested(40)})[0]) < 300


def test_depth_and_size_are_measured_without_recursion() -> None:
    assert "nested deeper" in refusal(nested(100_000))[0]
    listed: Any = []
    for _ in range(100_000):
        listed = [listed]
    assert "nested deeper" in refusal({"enum": listed})[0]


def test_long_names_cost_no_memory() -> None:
    """Pointers to all nodes under one long name would take 100 MB."""
    schema = {"properties": {"n" * 30_000: {"properties": {f"{index:x}": {} for index in range(2000)}}}}
    check_schema(schema)
    assert "bytes" in refusal({"n" * 1_000_000: {str(index): {} for index in range(4000)}})[0]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "/properties/a/default: not JSON: nan"),
        (float("-inf"), "/properties/a/default: not JSON: -inf"),
        ({1, 2}, "/properties/a/default: not JSON: set"),
        (b"x", "/properties/a/default: not JSON: bytes"),
        ((1,), "/properties/a/default: not JSON: tuple"),
        ({1: 2}, "/properties/a/default: not JSON: a key is int, not text"),
        ("\ud800", "(root): not JSON: it holds half a character"),
        ([10**5000], "/properties/a/default/0: not JSON: an integer of thousands of digits"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_json_is_no_schema(value: Any, told: str) -> None:
    (fault,) = refusal({"properties": {"a": {"default": value}}})
    assert fault.startswith(told)


@pytest.mark.parametrize(
    "target",
    ["http://evil.example/s", "https://evil.example/s#/a", "file:///etc/passwd", "//evil.example/s", "other.json",
     "/etc/passwd", "urn:uuid:1", "", "?x", "javascript:1", "https://json-schema.org/draft/2020-12/schema"],
)  # fmt: skip
def test_references_outside_are_refused(target: str) -> None:
    (fault,) = refusal({"properties": {"a/b": {"$ref": target}}})
    assert fault.startswith(f"/properties/a~1b/$ref: refers outside the schema: {target!r}")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"$ref": "#/$defs/a"}, "/$ref: leads nowhere: '#/$defs/a'"),
        ({"$ref": "#/allOf/01", "allOf": [{}, {}]}, "/$ref: leads nowhere"),
        ({"$ref": "#/allOf/9", "allOf": [{}]}, "/$ref: leads nowhere"),
        ({"$ref": "#/$comment/x", "$comment": "text"}, "/$ref: leads nowhere"),
        ({"$ref": "#anchor"}, "/$ref: refers to an anchor: '#anchor'"),
        ({"$ref": 5}, "/$ref: a reference is a string"),
        ({"$ref": "#/default", "default": {"$ref": "http://x"}}, "/$ref: leads to something that is no schema"),
        ({"$ref": "#/$defs", "$defs": {}}, "/$ref: leads to something that is no schema"),
        ({"$ref": "#/$defs/Ω", "$defs": {"Ω": {}}}, "/$ref: not a URI reference: '#/$defs/Ω' (percent-encode it)"),
        ({"items": {"$dynamicRef": "#x"}}, "/items/$dynamicRef: $dynamicRef is not supported"),
        ({"items": {"$recursiveRef": "#"}}, "/items/$recursiveRef: $recursiveRef is not supported"),
        ({"items": {"$id": "http://evil.example"}}, "/items/$id: $id is not supported"),
        ({"$anchor": "x"}, "/$anchor: $anchor is not supported"),
        ({"$dynamicAnchor": "x"}, "/$dynamicAnchor: $dynamicAnchor is not supported"),
    ],
)  # fmt: skip
def test_references_that_are_not_plain_pointers_are_refused(schema: Any, told: str) -> None:
    assert refusal(schema)[0].startswith(told)


@pytest.mark.parametrize("schema", [doubling(25), doubling(25, "allOf"), doubling(600)])
def test_references_that_multiply_are_refused(schema: Any) -> None:
    assert refusal(schema) == ["(root): its references expand to more than 100,000 nodes, or 256 deep"]


def test_a_bomb_behind_a_long_chain_is_found() -> None:
    bomb = doubling(25)["$defs"]
    chain = {f"c{step}": {"$ref": f"#/$defs/c{step + 1}"} for step in range(300)}
    schema = {"$ref": "#/$defs/c0", "$defs": {**chain, "c300": {"$ref": "#/$defs/a0"}, **bomb}}
    assert "expand to more" in refusal(schema)[0]


def test_mutual_recursion_is_no_bomb() -> None:
    names = "abcdefgh"
    check_schema(
        {
            "$defs": {name: {"properties": {other: {"$ref": f"#/$defs/{other}"} for other in names}} for name in names},
            "$ref": "#/$defs/a",
        }
    )


@pytest.mark.parametrize("pattern", ["(", "[", "(?<x", "((a{1000}){1000}){1000}", "(?=x)((a{1000}){1000}){1000}"])
def test_patterns_that_cannot_be_used_are_refused_with_their_place(pattern: str) -> None:
    faults = refusal({"properties": {"a": {"pattern": pattern}, "b": {"patternProperties": {pattern: {}}}}})
    assert any(fault.startswith("/properties/a/pattern: not a usable regular expression") for fault in faults)
    assert any(fault.startswith("/properties/b/patternProperties/") for fault in faults)


@pytest.mark.parametrize(
    "dialect", ["http://evil.example/schema", "https://json-schema.org/draft/next/schema", 5, "", None]
)
def test_unknown_dialects_are_refused(dialect: Any) -> None:
    assert any(fault.startswith("/$schema: unknown dialect") for fault in refusal({"$schema": dialect}))


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "strin"}, "/type"),
        ({"properties": {"q": {"type": "string", "required": True}}}, "/properties/q/required"),
        ({"properties": {"r": {"type": "array", "items": "SearchResult"}}}, "/properties/r/items"),
        ({"properties": []}, "/properties"),
        ({"patternProperties": 3}, "/patternProperties"),
        ({"pattern": 3}, "/pattern"),
        ({"minLength": -1}, "/minLength"),
        ({"enum": "x"}, "/enum"),
        ({"$ref": "#/x", "x": {"type": 12}}, "/x/type"),
    ],
)
def test_what_is_not_json_schema_is_refused_with_its_place(schema: Any, pointer: str) -> None:
    assert any(fault.startswith(f"{pointer}: ") for fault in refusal(schema))


def test_all_faults_are_listed_together() -> None:
    faults = refusal(
        {
            "$schema": "http://evil.example",
            "properties": {
                "a": {"$ref": "http://evil.example"},
                "b": {"$ref": "#/nowhere"},
                "c": {"type": "strin"},
                "d": {"pattern": "("},
                "e": {"$id": "x"},
            },
        }
    )
    assert {fault.split(":")[0] for fault in faults} == {
        "/$schema", "/properties/a/$ref", "/properties/b/$ref", "/properties/c/type", "/properties/d/pattern",
        "/properties/e/$id",
    }  # fmt: skip


def test_a_long_list_of_faults_is_cut() -> None:
    assert len(refusal({"properties": {f"p{index}": {"type": "strin"} for index in range(500)}})) == 20


def test_the_error_says_which_schema() -> None:
    with pytest.raises(SchemaRefusedError, match=r"^the input schema is refused: "):
        check_schema(5, what="input schema")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["#", "#/$defs/a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$ref", "$defs", "a", "properties", "items", "anyOf", "type", "pattern", "default", "$id"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(_VALUES)
def test_whatever_is_let_in_compiles_and_is_json(value: Any) -> None:
    try:
        check_schema(value)
    except SchemaRefusedError:
        return
    json.dumps(value, allow_nan=False)
    if isinstance(value, dict):
        Validator(value).faults("x")


def test_subschemas_are_walked_without_their_data() -> None:
    schema = {
        "properties": {"properties": {"enum": [{"not": "a schema"}]}, "enum": {"items": [{}]}},
        "default": {"properties": {}},
        "anyOf": [{"const": {}}, {"x": {"y": 1}}],
    }
    assert {pointer for pointer, _ in iter_subschemas(schema)} == {
        "", "/properties/properties", "/properties/enum", "/properties/enum/items/0", "/anyOf/0", "/anyOf/1",
        "/anyOf/1/x",
    }  # fmt: skip
