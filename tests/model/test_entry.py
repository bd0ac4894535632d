"""An entry: what the ledger says of a slot, read without losing anything, written back as it was."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from orchestra_tools.model import (
    Entry,
    GrpcEndpoint,
    HttpEndpoint,
    Operation,
    Slot,
    SynapseEndpoint,
    Timestamp,
    UndocumentedAuth,
)

SEED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "documents" / "seed_sn22.json").read_text("utf-8"))
HTTP = {"kind": "http", "method": "GET", "base_url": "https://api.example", "path": "/web"}


def entry(**fields: Any) -> Entry:
    return Entry.from_document("SN7", {"name": "Seven", **fields})


def operation(**fields: Any) -> Operation:
    return Operation.model_validate({"endpoint": HTTP, **fields})


def test_the_seeds_flat_entry_has_one_operation_named_after_its_first_capability() -> None:
    seed = Entry.from_document("SN22", SEED["SN22"])
    assert list(seed.operations) == ["web_search"]
    search = seed.operations["web_search"]
    assert search.title == "Web search"
    assert search.description == "Web and social search"
    assert search.capabilities == ("web_search", "news_search", "social_search")
    assert search.endpoint == SynapseEndpoint(name="Desearch")
    assert search.price == Decimal("0.002")
    assert search.cost is not None
    assert search.cost.currency == "TAO"
    assert search.input_form == SEED["SN22"]["input_schema"]


def test_the_seeds_entry_is_verified_and_an_entry_without_a_date_is_not() -> None:
    assert Entry.from_document("SN22", SEED["SN22"]).verified
    assert not entry(reliability=0.99, last_verified=None).verified


def test_a_flat_entry_keeps_its_own_authentication_and_price() -> None:
    flat = entry(input_schema={}, auth={"scheme": "api_key"}, cost={"amount": "3"}, cost_per_query=0.5)
    query = flat.operations["query"]
    assert query.auth is not None
    assert query.price == 3
    assert query.endpoint.kind == "http"
    assert query.obstacle == "no public base URL is documented"


def test_a_flat_entry_that_cannot_be_read_is_set_aside_with_the_reason() -> None:
    flat = entry(input_schema={}, endpoint={"kind": "http", "method": "SHOUT"})
    assert not flat.operations
    assert [fault.pointer for fault in flat.unreadable["query"].faults] == ["/endpoint/method"]


def test_an_entry_without_operations_and_flat_fields_has_none() -> None:
    assert not entry().operations
    assert not entry(operations={}).stated


def test_unreadable_operations_leave_their_neighbours_alone_and_keep_their_place() -> None:
    mixed = entry(operations={"a": {"endpoint": HTTP}, "b": {"title": 5}, "c": "nonsense", "d": {"endpoint": HTTP}})
    assert list(mixed.operations) == ["a", "d"]
    assert list(mixed.unreadable) == ["b", "c"]
    assert list(mixed.stated) == ["a", "b", "c", "d"]
    assert {fault.pointer for fault in mixed.unreadable["b"].faults} == {"/title", "/endpoint"}
    assert mixed.unreadable["c"].document == "nonsense"


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"endpoint": {"kind": "http"}}, "/endpoint/method"),
        ({"endpoint": {"kind": "pigeon"}}, "/endpoint"),
        ({"endpoint": HTTP | {"arguments": {"a/b": {"in": "pocket"}}}}, "/endpoint/arguments/a~1b/in"),
        ({"endpoint": HTTP, "auth": {"scheme": "api_key", "in": "body"}}, "/auth/in"),
        ({"endpoint": HTTP, "cost": {"amount": -1}}, "/cost/amount"),
        ({"endpoint": HTTP, "timeout_s": 0}, "/timeout_s"),
        ({"endpoint": HTTP, "audience": "everybody"}, "/audience"),
    ],
)
def test_the_fault_of_an_operation_points_to_the_place_in_the_document(document: Any, pointer: str) -> None:
    (bad,) = entry(operations={"x": document}).unreadable.values()
    assert [fault.pointer for fault in bad.faults] == [pointer]


def test_unknown_fields_survive_everywhere_even_when_named_like_our_attributes() -> None:
    document = {
        "name": "Seven",
        "declared": 1,
        "replace": 2,
        "x-anything": {"deep": [1, 1.0, "1"]},
        "links": {"github": "https://example.org", "x": 1},
        "operations": {
            "a": {
                "endpoint": HTTP | {"x": 1, "address": "a", "arguments": {"q": {"in": "query", "x": 1, "location": 2}}},
                "auth": {"scheme": "api_key", "x": 1, "location": "shadow"},
                "cost": {"amount": 0.1, "x": 1},
                "input_form": "unknown",
                "price": "unknown",
            }
        },
    }
    read = Entry.from_document("SN7", document)
    assert not read.unreadable
    assert json.dumps(read.to_json()) == json.dumps(document)
    assert read.operations["a"].to_json()["input_form"] == "unknown"
    assert read.operations["a"].input_form == {}


@pytest.mark.parametrize("amount", [0.1, "0.1", 1, 1.0, "1", "1.00", 0, None])
def test_numbers_are_written_back_as_they_were_spelled(amount: Any) -> None:
    document = {"operations": {"a": {"endpoint": HTTP, "cost": {"amount": amount}}}, "avg_latency_ms": 1}
    assert json.dumps(entry(**document).to_json()) == json.dumps({"name": "Seven", **document})


def test_a_change_makes_a_new_entry_under_the_same_key() -> None:
    old = Entry.from_document("SN7@40", {"name": "Seven", "x": 1})
    new = old.replace(description="changed")
    assert (old.description, new.description) == ("", "changed")
    assert new.to_json() == {"name": "Seven", "x": 1, "description": "changed"}
    assert new.slot == old.slot == Slot(7, 40)


def test_an_entry_made_in_python_is_written_with_the_fields_that_were_set() -> None:
    made = Entry(netuid=7, name="Seven")
    assert made.to_json() == {"netuid": 7, "name": "Seven"}
    assert made.document_key == "SN7"


def test_an_operation_changes_by_its_json_names() -> None:
    changed = operation(title="Old", x=1).replace(title="New", input_schema={"q": "str"})
    assert changed.title == "New"
    assert changed.input_form == {"q": "str"}
    assert changed.to_json()["x"] == 1
    with pytest.raises(ValidationError):
        changed.replace(endpoint=None)


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError):
        entry().name = "Eight"  # type: ignore[misc]  # what the test is about


@pytest.mark.parametrize("key", ["22", "sn22", "SN", "SN022", "SN22@", "SN22@-1", "SN22 ", "SN99999999", "SN22@1@2"])
def test_a_key_is_sn_and_a_number(key: str) -> None:
    with pytest.raises(ValueError, match="not a subnet key"):
        Entry.from_document(key, {})


def test_a_netuid_has_16_bits() -> None:
    assert Entry.from_document("SN65535", {}).netuid == 65_535
    with pytest.raises(ValidationError):
        Entry.from_document("SN65536", {})


def test_a_key_that_contradicts_the_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="another netuid"):
        Entry.from_document("SN7", {"netuid": 8})
    with pytest.raises(ValueError, match="another registration block"):
        Entry.from_document("SN7@5", {"registered_at_block": 6})


def test_a_block_in_the_key_is_the_entrys_block() -> None:
    assert Entry.from_document("SN7@5", {}).slot == Slot(7, 5)
    assert str(Slot(7, 5)) == "SN7@5"
    assert str(Slot(7, None)) == "SN7@?"


@pytest.mark.parametrize("moment", ["2026-02-08", "yesterday", "2026-02-08T22:30:00"])
def test_a_time_without_a_zone_is_refused(moment: Timestamp) -> None:
    with pytest.raises(ValidationError):
        entry(last_verified=moment)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", -1, "1e999999", "1e-999999", "9" * 29, [], "much"])
def test_a_cost_is_a_finite_number_of_sensible_length(amount: Any) -> None:
    with pytest.raises(ValidationError):
        operation(cost={"amount": amount})


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({"cost": {"amount": "0.1"}}, Decimal("0.1")),
        ({"cost": {"amount": "0.1", "unit": "token"}}, None),
        ({"cost": {"amount": "0.1", "unit": "token"}, "spends_money": False}, Decimal(0)),
        ({"cost": {"amount": None, "header": "X-Cost"}}, None),
        ({"spends_money": False}, Decimal(0)),
        ({}, None),
    ],
)
def test_the_price_of_a_call_is_known_zero_or_unknown(fields: dict[str, Any], price: Decimal | None) -> None:
    assert operation(**fields).price == price


@pytest.mark.parametrize(
    ("fields", "obstacle"),
    [
        ({}, None),
        ({"auth": {"scheme": "api_key"}}, None),
        ({"auth": {"scheme": "btauth/1"}}, None),
        ({"unavailable": "it was switched off"}, "it was switched off"),
        ({"endpoint": {"kind": "grpc", "host": "h:443", "method": "a.B/C"}}, "no gRPC transport yet"),
        (
            {"endpoint": "Synapse.Desearch"},
            "synapse endpoints need the metagraph of a running sync daemon",
        ),
        ({"endpoint": {"kind": "http", "method": "GET"}}, "no public base URL is documented"),
        ({"auth": UndocumentedAuth().model_dump()}, "its authentication is not documented"),
    ],
)
def test_an_operation_says_why_it_cannot_be_called(fields: dict[str, Any], obstacle: str | None) -> None:
    assert operation(**fields).obstacle == obstacle


def test_endpoints_are_shown_to_people() -> None:
    assert operation().endpoint.address == "GET https://api.example/web"
    assert operation(endpoint={"kind": "http", "method": "GET", "path": "/x"}).endpoint.address == "GET /x"
    assert GrpcEndpoint(host="h:443", method="a.B/C").address == "gRPC h:443/a.B/C"
    assert SynapseEndpoint(name="Desearch").address == "Synapse.Desearch"


def test_the_seeds_endpoint_texts_are_read() -> None:
    assert operation(endpoint="Synapse.Desearch").endpoint == SynapseEndpoint(name="Desearch")
    assert operation(endpoint="Desearch").endpoint == SynapseEndpoint(name="Desearch")
    address = operation(endpoint="https://api.example/search").endpoint
    assert isinstance(address, HttpEndpoint)
    assert address.address == "POST https://api.example/search"


@pytest.mark.parametrize(
    ("method", "argument", "location"),
    [("GET", "q", "query"), ("DELETE", "q", "query"), ("POST", "q", "body"), ("PATCH", "q", "body")]
    + [(method, "slug", "path") for method in ("GET", "POST")]
    + [(method, "stated", "header") for method in ("GET", "POST")],
)
def test_an_argument_without_a_stated_place_goes_where_the_method_puts_it(
    method: str, argument: str, location: str
) -> None:
    endpoint = HttpEndpoint.model_validate(
        {"method": method, "path": "/x/{slug}", "arguments": {"stated": {"in": "header"}}}
    )
    assert endpoint.place_of(argument).location == location
    assert endpoint.placeholders == {"slug"}
