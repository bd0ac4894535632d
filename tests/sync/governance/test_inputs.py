"""What validators ask: valid, never the same for two of them, and always the same for one seed."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_sync.governance.inputs import arguments_for
from orchestra_tools.compile import Tool, compile_ledger
from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.schema import Validator
from tests.calls.recording import ledger_of

TOOLS = list(compile_ledger(packaged_ledger()).tools.values())


def tool_of(schema: Any) -> Tool:
    document = ledger_of({"input_schema": schema}, url="https://api.example.com", sandbox=False)
    return compile_ledger(ledger_from_document(document, source="test")).tools["sn22_ask"]


def test_arguments_of_every_packaged_operation_are_valid_and_repeatable() -> None:
    for tool in TOOLS:
        made = arguments_for(tool, "seed:0")
        assert tool.input_validator.check(made, tool=tool.name) is not None
        assert made == arguments_for(tool, "seed:0")


def test_two_validators_ask_different_things_wherever_anything_is_left_open() -> None:
    """Issue, 5: "its own inputs". An operation whose arguments are not described leaves nothing open."""
    open_ = [tool for tool in TOOLS if any(each != {} for each in tool.input_schema.get("properties", {}).values())]
    same = [tool.name for tool in open_ if len({str(arguments_for(tool, f"{seed}:0")) for seed in range(6)}) == 1]
    assert len(same) <= 0.06 * len(open_), same


def test_texts_are_such_as_people_write() -> None:
    schema = {
        "type": "object",
        "properties": {"query": {"type": "string"}, "title": {"type": "string"}},
        "required": ["query", "title"],
    }
    made = arguments_for(tool_of(schema), "seed")
    assert all(len(text) > 3 for text in made.values())
    coded = {"type": "object", "properties": {"kind": {"type": "string", "enum": ["a", "b"]}}, "required": ["kind"]}
    assert {arguments_for(tool_of(coded), str(seed))["kind"] for seed in range(9)} == {"a", "b"}


def test_wanted_arguments_are_looked_for_and_else_taken_from_an_example() -> None:
    schema = {"type": "object", "properties": {"depth": {"type": "integer"}}}
    tool = tool_of(schema)
    assert "depth" in arguments_for(tool, "seed", wanted=lambda arguments: "depth" in arguments)
    rare = Validator({"properties": {"depth": {"const": 123_456_789}}, "required": ["depth"]}).accepts
    example = {"depth": 123_456_789}
    assert arguments_for(tool, "seed", wanted=rare, example=example) == example
    assert not rare(arguments_for(tool, "seed", wanted=rare))
    assert not rare(arguments_for(tool, "seed", wanted=rare, example={"depth": "deep"}))


def test_what_nothing_fits_cannot_be_asked() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "enum": ["x"], "minLength": 5}},
        "required": ["a"],
    }
    with pytest.raises(SchemaRefusedError):
        arguments_for(tool_of(schema), "seed")
