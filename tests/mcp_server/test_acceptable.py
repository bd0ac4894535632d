"""Listed schemas are in words that every client takes, and refuse nothing that the full ones let through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.inbound import find_invalid_x_mcp_header

from mcp_server_orchestra.acceptable import acceptable_input, acceptable_output
from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import Validator, check_schema
from orchestra_tools.schema.limits import iter_subschemas
from tests.clients.hard import ANSWERS, SCHEMAS

TEXT = {"type": "string"}


def of_the_suite(test_data: Path) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Each schema of the JSON-Schema-Test-Suite that is let in, and the values of its tests."""
    root = test_data / "vectors" / "json-schema-test-suite" / "tests" / "draft2020-12"
    for path in sorted(root.rglob("*.json")):
        for group in json.loads(path.read_text("utf-8")):
            if isinstance(schema := group["schema"], dict):
                try:
                    check_schema(schema)
                except SchemaRefusedError:
                    continue
                yield schema, [test["data"] for test in group["tests"]]


def test_a_listed_output_schema_accepts_whatever_the_full_one_does(test_data: Path) -> None:
    """Ours: what is left out is only ever a constraint."""
    judged = 0
    for schema, values in of_the_suite(test_data):
        full, listed = Validator(schema), Validator(acceptable_output(schema))
        fitting = [value for value in values if full.accepts(value)]
        assert all(map(listed.accepts, fitting)), schema
        judged += len(fitting)
    assert judged > 700


def test_a_listed_input_schema_says_all_that_the_full_one_does(test_data: Path) -> None:
    """Ours: a model is told every rule, in other words where some clients refuse the first."""
    judged = 0
    for schema, values in of_the_suite(test_data):
        full, listed = Validator(schema), Validator(acceptable_input(schema))
        assert [*map(listed.accepts, values)] == [*map(full.accepts, values)], schema
        judged += len(values)
    assert judged > 1_500


@pytest.mark.parametrize("name", [*SCHEMAS, *ANSWERS])
def test_a_listed_output_schema_has_only_words_that_all_read_alike(name: str) -> None:
    """Ours: one that is not costs a client the whole list."""
    schema = {**SCHEMAS, **ANSWERS}[name]
    if schema is True:
        return
    for _, node in iter_subschemas(acceptable_output(schema)):
        assert not {"pattern", "nullable", "id", "$id", "$schema", "multipleOf", "contains"} & node.keys()


@pytest.mark.parametrize(
    ("schema", "listed"),
    [
        ({"properties": {"a": True, "b": False}}, {"properties": {"a": {}, "b": {"not": {}}}}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        ({"prefixItems": [TEXT], "items": False}, {"prefixItems": [TEXT], "maxItems": 1}),
        ({"items": False, "maxItems": 3}, {"maxItems": 0}),
        ({"prefixItems": [TEXT], "items": TEXT}, {"prefixItems": [TEXT]}),
        ({"type": "string", "pattern": "^a", "format": "email"}, {"type": "string"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"oneOf": [{"pattern": "a"}, TEXT]}, {"allOf": [{"anyOf": [{}, TEXT]}]}),
        ({"oneOf": [TEXT, {"type": "null"}]}, {"oneOf": [TEXT, {"type": "null"}]}),
        ({"not": {"pattern": "a"}, "if": TEXT, "then": {"maxLength": 3}}, {}),
        ({"not": TEXT}, {"not": TEXT}),
        ({"patternProperties": {"^x": TEXT}, "additionalProperties": False}, {}),
        ({"properties": {"valueOf": TEXT}, "additionalProperties": False}, {"properties": {}}),
        ({"$ref": "#/components/X", "components": {"X": TEXT}}, {"type": "object"}),
        ({"enum": []}, {}),
    ],
)
def test_what_is_left_out_of_an_output_schema(schema: dict[str, Any], listed: dict[str, Any]) -> None:
    """Ours, one rule each."""
    assert acceptable_output(schema) == listed


def test_an_argument_that_clients_cannot_list_is_described_in_another_place() -> None:
    """Ours: the TypeScript SDK v1 takes an object with a member `constructor` for none."""
    schema = {"type": "object", "properties": {"constructor": TEXT, "b": TEXT}, "additionalProperties": False}
    listed = acceptable_input(schema)
    assert listed["properties"] == {"b": TEXT}
    assert Validator(listed).accepts({"constructor": "McLaren"})
    assert not Validator(listed).accepts({"constructor": 1})


@pytest.mark.parametrize("header", ["bad header", "", 7])
def test_a_header_that_clients_refuse_is_not_asked_for(header: Any) -> None:
    """Spec 2026-07-28: clients drop a tool whose annotation is wrong."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": header}, "b": TEXT}}
    listed = acceptable_input(schema)
    assert find_invalid_x_mcp_header(listed) is None
    assert listed["properties"]["a"] == TEXT


def test_a_header_that_clients_send_is_asked_for() -> None:
    """Spec 2026-07-28, and the conformance suite's http-custom-header-server-validation."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "Region"}}}
    assert acceptable_input(schema) == schema
