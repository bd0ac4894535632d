"""Schemas as hosts take them: whatever fits the full schema fits the portable one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestra_tools.compile import Tool, compile_ledger
from orchestra_tools.exports.portable import portable_input, portable_output, wraps_result
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.schema import Validator, check_schema
from orchestra_tools.schema.generate import Generator

TOOLS = list(compile_ledger(packaged_ledger()).tools.values())
CHOICES = {"anyOf", "oneOf", "allOf", "not", "if", "then", "else", "enum", "const"}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_the_packaged_tools_are_portable(tool: Tool) -> None:
    """Law, on every real tool: no choices at the root, an object out, and nothing that fits is refused."""
    schema, _ = portable_input(tool.input_schema)
    check_schema(schema)
    assert CHOICES.isdisjoint(schema)
    example = Generator(dict(tool.input_schema)).generate("example", also={"type": "object"})
    assert Validator(schema).accepts(example)
    if tool.output_schema is None:
        return
    answer = Generator(dict(tool.output_schema)).generate("example")
    structured = {"result": answer} if wraps_result(tool.output_schema) else answer
    for limit in (None, 2_000, 10):
        output = portable_output(tool.output_schema, max_bytes=limit)
        assert output is not None
        check_schema(output)
        assert output["type"] == "object"
        assert Validator(output).accepts(structured)


def test_a_schema_without_choices_stays_as_it_is() -> None:
    """And needs no words."""
    schema = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"]}
    assert portable_input(schema) == (schema, "")


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"oneOf": [{"required": ["a"]}, {"required": ["b", "c"]}]}, "Give exactly one of: a; b and c."),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, "Give at least one of: a; b."),
        ({"anyOf": [{"properties": {"a": {"const": 1}}}]}, "Further rules apply"),
        ({"not": {"required": ["a"]}}, "Further rules apply"),
        ({"oneOf": []}, "Further rules apply"),
    ],
)
def test_choices_at_the_root_become_words(choice: dict[str, Any], words: str) -> None:
    """Model APIs refuse the whole request for one of them."""
    schema = {"type": "object", "properties": {"a": {}}, **choice}
    kept, rule = portable_input(schema)
    assert kept == {"type": "object", "properties": {"a": {}}}
    assert rule.startswith(words)


def test_an_answer_that_is_no_object_stands_under_result() -> None:
    """With its definitions where references look for them."""
    schema = {"type": "array", "items": {"$ref": "#/$defs/Row"}, "$defs": {"Row": {"type": "integer"}}}
    output = portable_output(schema)
    assert output == {
        "type": "object",
        "properties": {"result": {"type": "array", "items": {"$ref": "#/$defs/Row"}}},
        "required": ["result"],
        "$defs": {"Row": {"type": "integer"}},
    }
    assert portable_output(schema, max_bytes=10) == {
        "type": "object",
        "properties": {"result": {"type": "array"}},
        "required": ["result"],
    }
    assert portable_output(None) is None
    assert (wraps_result(None), wraps_result({}), wraps_result({"type": "object"})) == (False, True, False)


@pytest.mark.parametrize("reference", ["#", "#/items", "#/anyOf/0", "#/properties/x", "#anchor"])
def test_references_to_the_root_are_let_go(reference: str) -> None:
    """They would point elsewhere once the schema stands deeper."""
    schema = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": reference}}]}
    output = portable_output(schema)
    assert output == {"type": "object", "properties": {"result": {}}, "required": ["result"]}


def test_a_large_object_keeps_its_names() -> None:
    """And what is required of them."""
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "description": "x" * 50, "minLength": 3}, "b": True},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert portable_output(schema, max_bytes=len(json.dumps(schema))) == schema
    assert portable_output(schema, max_bytes=50) == {
        "type": "object",
        "properties": {"a": {"type": "string", "description": "x" * 50}, "b": {}},
        "required": ["a"],
    }
    assert portable_output({**schema, "required": []}, max_bytes=50) == {
        "type": "object",
        "properties": {"a": {"type": "string", "description": "x" * 50}, "b": {}},
    }
