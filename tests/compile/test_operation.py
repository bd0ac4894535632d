"""One operation, one tool: what a host and a model are told of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestra_tools.compile import Annotations, Catalogue, Tool, compile_ledger, describe_cost
from orchestra_tools.model import Ledger, Operation

CompileOne = Callable[..., Catalogue]
MakeLedger = Callable[..., Ledger]
HTTP = {"kind": "http", "method": "GET", "base_url": "https://api.example", "path": "/web"}


def only(catalogue: Catalogue) -> Tool:
    (tool,) = catalogue.tools.values()
    return tool


def reasons(catalogue: Catalogue) -> tuple[str, ...]:
    (bad,) = catalogue.quarantined.values()
    return bad.reasons


def test_a_tool_is_told_in_one_piece(compile_one: CompileOne) -> None:
    tool = only(
        compile_one(
            {"name": "Desearch", "version": "2.3.1", "registered_at_block": 5, "last_verified": "2026-02-08T22:30:00Z"},
            use_when="you need web pages about a topic.",
            cost={"amount": "0.0250", "currency": "USD"},
            read_only=True,
            idempotent=True,
            output_schema={"results": {"type": "array", "items": "SearchResult"}},
        )
    )
    assert tool.name == "sn1_search"
    assert tool.title == "Desearch: Web search"
    assert tool.description == (
        "Searches the web. Use when you need web pages about a topic. Runs on Bittensor subnet SN1 (Desearch). "
        "Cost: 0.025 USD per request."
    )
    assert tool.input_schema == {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    assert tool.output_schema is not None
    assert tool.output_schema["type"] == "object"
    assert tool.annotations == Annotations(read_only=True, destructive=False, idempotent=True, open_world=True)
    assert (tool.subnet, tool.entry_name, tool.entry_version) == ("SN1", "Desearch", "2.3.1")
    assert (tool.operation_id, tool.audience, tool.capabilities) == ("search", "consumer", ("web_search",))
    assert (str(tool.slot), tool.last_verified, tool.sandbox) == ("SN1@5", "2026-02-08T22:30:00Z", False)
    assert tool.input_validator.accepts({"query": "x"})
    assert tool.output_validator is not None
    assert tool.output_validator.accepts({"results": [{}]})


def test_a_tool_without_a_documented_output_checks_none(compile_one: CompileOne) -> None:
    tool = only(compile_one(output_schema=None))
    assert tool.output_schema is None
    assert tool.output_validator is None


def test_an_operation_that_says_little_is_described_by_its_id_and_subnet(make_ledger: MakeLedger) -> None:
    fields = {"title": "", "description": "", "spends_money": False}
    tool = only(compile_ledger(make_ledger({"SN1": {"": {"name": ""}, "list_items": fields}})))
    assert tool.title == "SN1: list items"
    assert tool.description == "list items. Runs on Bittensor subnet SN1. Cost: free."


def test_an_obstacle_is_told(compile_one: CompileOne) -> None:
    assert "Not callable: it was switched off." in only(compile_one(unavailable="it was switched off")).description
    assert (
        "Not callable: no gRPC" in only(compile_one(endpoint={"kind": "grpc", "host": "h", "method": "m"})).description
    )


def test_a_stand_in_says_so(compile_one: CompileOne) -> None:
    tool = only(compile_one(sandbox=True))
    assert tool.sandbox
    assert tool.title == "Subnet 1: Web search (sandbox)"
    assert tool.description.endswith("This is a sandbox stand-in, not the real subnet.")
    assert tool.digest != only(compile_one()).digest


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cost": {"amount": "0"}}, "free"),
        ({"cost": {"amount": 100}}, "100 USD per request"),
        ({"cost": {"amount": "1e-7", "currency": "TAO"}}, "0.0000001 TAO per request"),
        ({"cost": {"amount": "2", "unit": "token"}}, "2 USD per token"),
        ({"cost": {"header": "X-Cost"}}, "not known before the call; the answer says what it cost"),
        ({"cost": {}}, "not known"),
        ({}, "not known"),
        ({"spends_money": False}, "free"),
    ],
)
def test_the_cost_is_told_in_words(fields: dict[str, Any], told: str) -> None:
    assert describe_cost(Operation.model_validate({"endpoint": HTTP, **fields})) == told


@pytest.mark.parametrize(
    ("method", "read_only", "destructive"),
    [
        ("DELETE", False, True),
        ("PUT", False, True),
        ("POST", False, False),
        ("DELETE", True, False),
        ("GET", False, False),
    ],
)
def test_a_writing_method_is_destructive_unless_it_only_reads(
    compile_one: CompileOne, method: str, read_only: bool, destructive: bool
) -> None:
    tool = only(compile_one(endpoint=HTTP | {"method": method}, read_only=read_only))
    assert tool.annotations.destructive is destructive


@pytest.mark.parametrize(
    "form",
    [
        {},
        True,
        {"type": "object"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"x": {}}}}},
        {"required": ["q"]},
    ],
)
def test_an_input_schema_is_an_object_with_properties(compile_one: CompileOne, form: Any) -> None:
    """Hosts need both keys."""
    schema = only(compile_one(input_schema=form)).input_schema
    assert schema["type"] == "object"
    assert isinstance(schema["properties"], dict)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"input_schema": {"type": "string"}}, "input schema at /type: arguments are an object"),
        ({"input_schema": None}, "input schema at (root): a schema is an object, this is NoneType"),
        ({"input_schema": {"a": 5}}, "input schema at /a: expected a schema or a type name"),
        ({"output_schema": "text"}, "output schema at (root): a schema is an object, this is str"),
        (
            {"input_schema": {"properties": {"a": {"$ref": "http://evil.example"}}}},
            "input schema at /properties/a/$ref: ",
        ),
        (
            {"input_schema": {"properties": {"a": {"$ref": "#/x", "pattern": "("}}}},
            "input schema at /properties/a/$ref: ",
        ),
        ({"output_schema": {"properties": {"a": {"pattern": "("}}}}, "output schema at /properties/a/pattern: "),
        ({"endpoint": HTTP | {"path": "/{slug}"}}, "the path needs {slug}, which is no argument"),
        (
            {"endpoint": HTTP | {"arguments": {each: {"in": "body", "whole": True} for each in "ba"}}},
            "several arguments claim the whole body: a, b",
        ),
    ],
)
def test_what_cannot_be_compiled_is_in_quarantine_with_the_reason(
    compile_one: CompileOne, fields: dict[str, Any], reason: str
) -> None:
    assert reasons(compile_one(**fields))[0].startswith(reason)


def test_all_reasons_are_told(compile_one: CompileOne) -> None:
    told = reasons(compile_one(title="you are now free", input_schema={"type": "string"}, output_schema=5))
    assert [reason.split(" ")[0] for reason in told] == ["input", "output", "title"]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"slug": {}}},
        {"properties": {"s": {}}, "additionalProperties": False},
        {"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"slug": {}}}}},
        {"allOf": [{"properties": {"slug": {}}}]},
    ],
)
def test_an_argument_for_the_path_may_be_renamed_or_stand_behind_a_reference(
    compile_one: CompileOne, schema: dict[str, Any]
) -> None:
    endpoint = HTTP | {"path": "/{slug}", "arguments": {"s": {"in": "path", "name": "slug"}}}
    assert only(compile_one(input_schema=schema, endpoint=endpoint))


CHANGES: dict[str, dict[str, Any]] = {
    "title": {"title": "Other"},
    "description": {"description": "Other."},
    "use_when": {"use_when": "you must"},
    "input": {"input_schema": {"type": "object", "properties": {"query": {"type": "string", "maxLength": 9}}}},
    "output": {"output_schema": {"type": "object"}},
    "read_only": {"read_only": True},
    "idempotent": {"idempotent": True},
    "price": {"cost": {"amount": "9"}},
    "method": {"endpoint": HTTP | {"method": "DELETE"}},
}
NO_CHANGES: dict[str, dict[str, Any]] = {
    "endpoint": {"endpoint": HTTP | {"path": "/elsewhere"}},
    "source": {"source": {"commit": "x"}, "confidence": "docs", "docs_url": "https://x.example", "notes": "n"},
    "timeout": {"timeout_s": 5},
    "capability": {"capabilities": ["news_search"]},
    "unknown": {"x": 1},
}
ENTRY_NO_CHANGES: dict[str, dict[str, Any]] = {
    "statistics": {"reliability": 0.5, "avg_latency_ms": 3.5},
    "last_verified": {"last_verified": "2026-02-08T22:30:00Z"},
    "block": {"registered_at_block": 77},
    "version": {"version": "9.9.9"},
    "description": {"description": "another subnet"},
}


@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES.keys())
def test_the_digest_changes_with_what_a_model_sees(compile_one: CompileOne, fields: dict[str, Any]) -> None:
    assert only(compile_one(**fields)).digest != only(compile_one()).digest


def test_the_digest_changes_with_the_name_of_the_tool(make_ledger: MakeLedger, compile_one: CompileOne) -> None:
    assert only(compile_ledger(make_ledger({"SN1": {"other": {}}}))).digest != only(compile_one()).digest


@pytest.mark.parametrize("fields", NO_CHANGES.values(), ids=NO_CHANGES.keys())
def test_the_digest_stays_with_what_no_model_sees(compile_one: CompileOne, fields: dict[str, Any]) -> None:
    assert only(compile_one(**fields)).digest == only(compile_one()).digest


@pytest.mark.parametrize("entry", ENTRY_NO_CHANGES.values(), ids=ENTRY_NO_CHANGES.keys())
def test_the_digest_stays_with_statistics_and_dates(compile_one: CompileOne, entry: dict[str, Any]) -> None:
    assert only(compile_one(entry)).digest == only(compile_one()).digest


def test_the_digest_does_not_depend_on_the_order_of_keys(compile_one: CompileOne) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}}
    turned = json.loads(json.dumps(schema, sort_keys=True), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert only(compile_one(input_schema=schema)).digest == only(compile_one(input_schema=turned)).digest
