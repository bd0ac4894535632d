"""The packaged ledger, as committed: complete, well formed, and honest about what nobody has checked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from orchestra_tools.model.entry import Entry

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGED = REPOSITORY / "orchestra_tools" / "data"
RECORDED = Path(os.environ.get("ORCHESTRA_TEST_DATA") or REPOSITORY.parent / "shared" / "data")

LEDGER: dict[str, Any] = json.loads((PACKAGED / "ledger.json").read_text(encoding="utf-8"))
VOCABULARY: dict[str, str] = json.loads((PACKAGED / "capabilities.json").read_text(encoding="utf-8"))
ENTRIES: dict[str, dict[str, Any]] = LEDGER["entries"]
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{key}.{operation_id}": operation
    for key, entry in ENTRIES.items()
    for operation_id, operation in entry["operations"].items()
}
HTTP = {name: operation for name, operation in OPERATIONS.items() if operation["endpoint"]["kind"] == "http"}

OPERATION_ID = re.compile(r"[a-z][a-z0-9_]{0,47}")
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ARGUMENT = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# Control characters, format characters (zero-width, bidi, tags), surrogates and private use.
UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def _operations_of(key: str) -> dict[str, dict[str, Any]]:
    return ENTRIES[key]["operations"]


def _texts() -> Iterator[tuple[str, str]]:
    """Every text a person or a model may read, with where it stands."""
    for key, entry in ENTRIES.items():
        yield key, entry["name"]
        yield key, entry["description"]
    for name, operation in OPERATIONS.items():
        for field in ("title", "description", "use_when", "notes", "unavailable"):
            yield f"{name} {field}", operation[field] or ""
        for argument, schema in operation["input_schema"]["properties"].items():
            yield f"{name} {argument}", schema.get("description", "")


def _refuse(uri: str) -> Any:
    raise AssertionError(f"the schema fetches {uri}")


def test_it_holds_every_netuid_once_in_order() -> None:
    assert LEDGER["format"] == "orchestra-ledger/1"
    assert list(ENTRIES) == [f"SN{netuid}" for netuid in range(129)]
    assert [entry["netuid"] for entry in ENTRIES.values()] == list(range(129))
    assert len({(entry["netuid"], entry["registered_at_block"]) for entry in ENTRIES.values()}) == 129


def test_it_holds_278_operations_of_22_subnets() -> None:
    assert sum(bool(entry["operations"]) for entry in ENTRIES.values()) == 22
    assert len(OPERATIONS) == 278
    assert len(HTTP) == 260


def test_every_entry_is_read_by_the_model_and_written_back_as_it_was() -> None:
    for key, document in ENTRIES.items():
        assert Entry.from_document(key, document).to_json() == document


def test_grpc_operations_say_that_there_is_no_transport() -> None:
    grpc = [operation for operation in OPERATIONS.values() if operation["endpoint"]["kind"] == "grpc"]
    assert len(grpc) == 18
    assert {operation["unavailable"] for operation in grpc} == {"no gRPC transport yet"}


def test_operations_without_an_address_say_so() -> None:
    without = {name for name, operation in HTTP.items() if operation["endpoint"]["base_url"] is None}
    assert without == {f"SN75.{operation_id}" for operation_id in _operations_of("SN75")}
    assert len(without) == 18
    assert {OPERATIONS[name]["unavailable"] for name in without} == {"no public base URL is documented"}


def test_operations_with_undocumented_authentication_are_unavailable() -> None:
    undocumented = {name for name, op in OPERATIONS.items() if (op["auth"] or {}).get("scheme") == "undocumented"}
    assert undocumented
    assert {OPERATIONS[name]["unavailable"] for name in undocumented} == {"its authentication is not documented"}
    assert all(OPERATIONS[name]["auth"]["note"] for name in undocumented)


def test_the_model_finds_the_same_obstacles() -> None:
    for key, document in ENTRIES.items():
        for operation_id, operation in Entry.from_document(key, document).operations.items():
            assert operation.obstacle == operation.unavailable, f"{key}.{operation_id}"


def test_every_other_operation_has_an_address_to_call() -> None:
    for name, operation in OPERATIONS.items():
        if operation["unavailable"] is None:
            assert operation["endpoint"]["base_url"].startswith("https://"), name
            assert operation["endpoint"]["path"].startswith("/"), name


def test_operation_ids_are_readable_and_their_tool_names_unique() -> None:
    tools = [f"{name.replace('.', '_').lower()}" for name in OPERATIONS]
    assert len(set(tools)) == 278
    assert all(TOOL_NAME.fullmatch(tool) for tool in tools)
    assert all(OPERATION_ID.fullmatch(name.partition(".")[2]) for name in OPERATIONS)


def test_fixed_operation_ids_stay() -> None:
    assert {"web_search", "ai_search", "web_crawl", "x_search"} <= _operations_of("SN22").keys()
    assert "query_data" in _operations_of("SN13")
    assert "list_chutes" in _operations_of("SN64")
    assert "chat_completion" in _operations_of("SN96")
    assert "prediction_percentiles" in _operations_of("SN50")


def test_every_capability_is_in_the_vocabulary_and_every_term_is_used() -> None:
    used = {term for operation in OPERATIONS.values() for term in operation["capabilities"]}
    assert used == VOCABULARY.keys()
    assert all(operation["capabilities"] for operation in OPERATIONS.values())
    assert all(sentence.endswith(".") and len(sentence) <= 120 for sentence in VOCABULARY.values())
    assert all(OPERATION_ID.fullmatch(term) for term in VOCABULARY)


def test_an_entry_can_what_its_operations_can() -> None:
    for key, entry in ENTRIES.items():
        terms = {term for operation in entry["operations"].values() for term in operation["capabilities"]}
        assert len(entry["capabilities"]) == len(terms), key
        assert set(entry["capabilities"]) == terms, key
    assert ENTRIES["SN22"]["capabilities"][:3] == ["web_search", "news_search", "social_search"]


@pytest.mark.parametrize("field", ["input_schema", "output_schema"])
def test_every_schema_is_valid_and_stands_on_its_own(field: str) -> None:
    for name, operation in OPERATIONS.items():
        if (schema := operation[field]) is None:
            assert field == "output_schema", name
            continue
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        jsonschema_rs.Draft202012Validator(schema, retriever=_refuse)
        references = re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema))
        assert all(reference.startswith("#") for reference in references), name


def test_input_schemas_let_nothing_undeclared_through() -> None:
    for name, operation in HTTP.items():
        schema = operation["input_schema"]
        assert schema["type"] == "object", name
        assert schema["additionalProperties"] is False, name
        assert set(schema.get("required", [])) <= schema["properties"].keys(), name


def test_every_argument_has_a_place_in_the_request() -> None:
    for name, operation in HTTP.items():
        places = operation["endpoint"]["arguments"]
        assert places.keys() == operation["input_schema"]["properties"].keys(), name
        assert all(ARGUMENT.fullmatch(argument) for argument in places), name
        wire_names = [(place["in"], place.get("name", argument)) for argument, place in places.items()]
        assert len(set(wire_names)) == len(wire_names), name


def test_path_arguments_are_the_placeholders_of_the_path() -> None:
    for name, operation in HTTP.items():
        endpoint = operation["endpoint"]
        in_path = {argument for argument, place in endpoint["arguments"].items() if place["in"] == "path"}
        assert in_path == set(re.findall(r"{([^{}]+)}", endpoint["path"])), name
        assert in_path <= set(operation["input_schema"].get("required", [])), name


def test_a_body_has_a_media_type_and_a_whole_body_stands_alone() -> None:
    for name, operation in HTTP.items():
        endpoint = operation["endpoint"]
        places = [place for place in endpoint["arguments"].values() if place["in"] == "body"]
        assert (endpoint["request_media_type"] is not None) == bool(places), name
        assert len(places) == 1 or not any(place.get("whole") for place in places), name
        assert not places or endpoint["method"] not in {"GET", "HEAD"}, name


def test_files_are_base64_in_a_multipart_form() -> None:
    with_file = {
        name
        for name, operation in HTTP.items()
        if any(schema.get("contentEncoding") for schema in operation["input_schema"]["properties"].values())
    }
    assert with_file == {"SN15.submit_agent", "SN62.check_agent", "SN62.submit_agent"}
    assert {HTTP[name]["endpoint"]["request_media_type"] for name in with_file} == {"multipart/form-data"}


def test_arguments_consumers_meet_are_described() -> None:
    bare = [
        f"{name} {argument}"
        for name, operation in HTTP.items()
        if operation["audience"] != "operator"
        for argument, schema in operation["input_schema"]["properties"].items()
        if not schema.get("description")
    ]
    assert bare == []


def test_texts_keep_to_their_lengths() -> None:
    for name, operation in OPERATIONS.items():
        assert 0 < len(operation["title"]) <= 60, name
        assert len(operation["description"]) <= 300, name
        assert operation["description"].endswith("."), name
        assert 0 < len(operation["use_when"]) <= 160, name
        assert not operation["use_when"].endswith("."), name
        for argument, schema in operation["input_schema"]["properties"].items():
            assert len(schema.get("description", "")) <= 120, f"{name} {argument}"


def test_texts_hold_no_characters_that_cannot_be_seen() -> None:
    for where, text in _texts():
        unseen = {character for character in text if unicodedata.category(character) in UNSEEN_CATEGORIES}
        assert not unseen, f"{where}: {unseen!r}"


def test_nothing_pretends_to_be_verified() -> None:
    for key, entry in ENTRIES.items():
        measured = ("last_verified", "reliability", "avg_latency_ms", "cost_per_query")
        assert [entry[field] for field in measured] == [None] * 4, key
        assert entry["version"] == "1.0.0", key
    for name, operation in OPERATIONS.items():
        assert operation["confidence"] in {"source", "openapi", "docs"}, name
        assert operation["source"], name


def test_effects_fit_the_method() -> None:
    for name, operation in HTTP.items():
        assert operation["idempotent"] or operation["endpoint"]["method"] in {"POST", "PATCH", "GET"}, name
        assert not operation["read_only"] or operation["endpoint"]["method"] in {"GET", "POST"}, name
    assert HTTP["SN22.ai_search"]["read_only"]
    assert not HTTP["SN96.chat_completion"]["idempotent"]
    assert not HTTP["SN51.rent_executor"]["read_only"]


def test_only_calls_that_may_cost_money_spend_it() -> None:
    spending = {name for name, operation in OPERATIONS.items() if operation["spends_money"]}
    by_operators = {name for name in spending if OPERATIONS[name]["audience"] == "operator"}
    assert by_operators == {"SN15.run_demo", "SN62.submit_agent"}
    assert all(OPERATIONS[name]["auth"] for name in spending - by_operators)
    assert {f"SN22.{operation_id}" for operation_id in _operations_of("SN22")} <= spending
    assert not OPERATIONS["SN96.list_models"]["spends_money"]


def test_costs_are_what_the_sources_state() -> None:
    web_search = OPERATIONS["SN22.web_search"]["cost"]
    assert web_search == {
        "amount": None,
        "currency": "USD",
        "unit": "request",
        "header": "X-Desearch-Cost-Usd",
        "note": None,
    }
    assert OPERATIONS["SN6.create_forecast"]["cost"]["amount"] == "0.1"
    assert OPERATIONS["SN6.get_forecast"]["cost"]["amount"] == "0"
    assert OPERATIONS["SN50.volatility"]["cost"]["currency"] == "credits"
    assert OPERATIONS["SN96.chat_completion"]["cost"]["unit"] == "token"


def test_keys_travel_the_way_each_api_wants_them() -> None:
    headers = {
        name: (operation["auth"]["name"], operation["auth"]["prefix"])
        for name, operation in OPERATIONS.items()
        if (operation["auth"] or {}).get("scheme") == "api_key"
    }
    assert headers["SN22.web_search"] == ("Authorization", "")
    assert headers["SN32.detect_text"] == ("Authorization", "")
    assert headers["SN50.volatility"] == ("Authorization", "Apikey ")
    assert headers["SN64.list_chutes"] == ("Authorization", "Bearer ")
    assert headers["SN62.ban_coldkey"] == ("Authorization", "Bearer ")
    assert headers["SN18.forecast_point"] == ("X-API-Key", "")
    assert OPERATIONS["SN28.messages"]["auth"]["headers"] == {"anthropic-version": "2023-06-01"}


def test_credentials_among_the_arguments_are_marked() -> None:
    secrets = re.compile(r"(api|management|router)_key$|token$|password$|credential$|_auth$")
    for name, operation in HTTP.items():
        assert "authorization" not in operation["input_schema"]["properties"], name
        for argument, schema in operation["input_schema"]["properties"].items():
            if secrets.search(argument):
                assert schema.get("writeOnly") is True, f"{name} {argument}"


def test_the_script_makes_exactly_this_file() -> None:
    if not (RECORDED / "subnets").is_dir():
        pytest.skip("the recorded facts are not here: set ORCHESTRA_TEST_DATA to the folder that holds subnets/")
    script = REPOSITORY / "scripts" / "build_ledger.py"
    checked = subprocess.run(
        [sys.executable, script, "--data", RECORDED, "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_the_script_says_what_differs(tmp_path: Path) -> None:
    if not (RECORDED / "subnets").is_dir():
        pytest.skip("the recorded facts are not here: set ORCHESTRA_TEST_DATA to the folder that holds subnets/")
    changed = tmp_path / "ledger.json"
    packaged = (PACKAGED / "ledger.json").read_text(encoding="utf-8")
    changed.write_text(packaged.replace('"title": "Web search"', '"title": "Best search"'), encoding="utf-8")
    script = REPOSITORY / "scripts" / "build_ledger.py"
    checked = subprocess.run(
        [sys.executable, script, "--data", RECORDED, "--out", changed, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    assert "Best search" in checked.stderr
    assert "Web search" in checked.stderr
