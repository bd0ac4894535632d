"""A ledger document: strict in, nothing lost, written back as it was read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.compile import compile_ledger
from orchestra_tools.errors import InvalidArgumentsError, LedgerFormatError
from orchestra_tools.importers import documents, ledger_document, ledger_from_document, parse_json, read_ledger
from orchestra_tools.model import Entry, Ledger, Slot

DOCUMENTS = Path(__file__).parents[1] / "documents"
SEED = (DOCUMENTS / "seed_sn22.json").read_text("utf-8")
HTTP = {"kind": "http", "method": "GET", "base_url": "https://api.example", "path": "/"}


def written(text: str | bytes) -> dict[str, Any]:
    """The document as it is after being read and written, with its order."""
    return ledger_document(read_ledger(text, source="test"))


def refusal(data: bytes | str) -> LedgerFormatError:
    with pytest.raises(LedgerFormatError) as caught:
        read_ledger(data, source="evil.json")
    assert "evil.json" in str(caught.value)
    assert caught.value.facts["source"] == "evil.json"
    return caught.value


def test_the_seeds_document_is_read_and_written_back_verbatim() -> None:
    """The seed's promise: its SN22 document is valid input."""
    assert json.dumps(written(SEED)["entries"]) == json.dumps(json.loads(SEED))


def test_the_seeds_document_becomes_a_tool_that_requires_a_query_and_fills_in_max_results() -> None:
    tools = compile_ledger(read_ledger(SEED, source="seed")).tools
    assert list(tools) == ["sn22_web_search"]
    tool = tools["sn22_web_search"]
    assert tool.input_schema == {
        "type": "object",
        "properties": {"query": {"type": "string"}, "max_results": {"type": "integer", "default": 10}},
        "required": ["query"],
    }
    assert tool.output_schema is not None
    assert tool.output_schema["properties"]["results"]["items"] == {"$ref": "#/$defs/SearchResult"}
    assert tool.input_validator.check({"query": "tao"}, tool=tool.name) == {"query": "tao", "max_results": 10}
    with pytest.raises(InvalidArgumentsError, match="/query: is required and missing"):
        tool.input_validator.check({"max_results": 3}, tool=tool.name)


@pytest.mark.parametrize(
    "schema",
    [
        {"query": {"type": "string", "required": False}},
        {"results": {"type": "array", "items": "SearchResult"}, "one": "SearchResult"},
        {"competitors": [{"name": "str", "pricing": "dict"}]},
        {"page": {"type": "object", "properties": {"size": {"type": "integer", "required": True}}}},
        {"type": "object", "properties": {"b": True, "a": {"type": ["string", "null"]}}, "required": ["b"]},
        {"limit": {"default": 0.1}, "other": {"default": "0.1"}, "one": {"default": 1}, "float": {"default": 1.0}},
        True,
        None,
        "nonsense",
    ],
)
def test_every_way_to_write_a_schema_survives(schema: Any) -> None:
    flat = {"SN5": {"input_schema": schema, "output_schema": schema, "netuid": 5}}
    nested = {"SN5": {"operations": {"a": {"endpoint": HTTP, "input_schema": schema, "output_schema": schema}}}}
    for document in (flat, nested):
        assert json.dumps(written(json.dumps(document))["entries"]) == json.dumps(document)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.dictionaries(
    st.text(max_size=8) | st.sampled_from(["name", "operations", "links", "capabilities", "version", "netuid"]), _JSON
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["SN1", "SN2", "SN3", "bad key"]), _FIELDS | _JSON))
def test_whatever_stands_in_a_ledger_is_written_back(entries: dict[str, Any]) -> None:
    """Readable or not: nothing is lost, and the good entries are served."""
    document = {"format": "orchestra-ledger/1", "x": 1, "entries": {"SN9": {"name": "Nine"}, **entries}}
    ledger = ledger_from_document(document, source="test")
    assert json.dumps(ledger_document(ledger), sort_keys=True) == json.dumps(document, sort_keys=True)
    assert ledger.find_entry(9).name == "Nine"
    compile_ledger(ledger)


def test_our_form_is_written_back_with_its_order_mark_and_unknown_fields() -> None:
    document = {
        "format": "orchestra-ledger/1",
        "sandbox": {"url": "http://127.0.0.1:9", "key": "sandbox", "x": 1},
        "snapshot": {"index": 7},
        "entries": {"SN9": {"name": "Nine"}, "SN2": {"name": "Two"}},
    }
    assert json.dumps(written(json.dumps(document))) == json.dumps(document)


def test_bad_entries_are_set_aside_with_reasons_and_written_back() -> None:
    document = {
        "SN1": {"name": "One"},
        "SN2": {"name": 5, "reliability": 2},
        "SN3": "not an object",
        "two": {},
        "SN4": {"netuid": 5},
        "SN1@0": {"registered_at_block": 1},
    }
    ledger = ledger_from_document(document, source="test")
    assert [entry.name for entry in ledger] == ["One"]
    told = {key: [str(fault) for fault in bad.faults] for key, bad in ledger.unreadable.items()}
    assert list(told) == ["SN2", "SN3", "two", "SN4", "SN1@0"]
    assert {fault.split(":")[0] for fault in told["SN2"]} == {"/name", "/reliability"}
    assert told["SN3"] == ["(root): an entry is an object, this is str"]
    assert ledger_document(ledger)["entries"] == document


def test_an_entry_that_is_nested_absurdly_is_set_aside_alone() -> None:
    deep: Any = {}
    for _ in range(500):
        deep = {"x": deep}
    ledger = ledger_from_document({"SN1": {"name": "One"}, "SN2": {"x": deep}}, source="test")
    assert [entry.key for entry in ledger] == ["SN1"]
    assert "nested deeper than 64 levels" in str(ledger.unreadable["SN2"].faults[0])


def test_two_slots_of_a_netuid_are_kept_and_a_slot_that_stands_twice_is_set_aside() -> None:
    document = {
        "SN5": {"registered_at_block": 10, "name": "old"},
        "SN5@20": {"registered_at_block": 20, "name": "new"},
        "SN5@10": {"name": "again"},
    }
    ledger = ledger_from_document(document, source="test")
    assert ledger.find_entry(5).name == "new"
    assert set(ledger.by_slot) == {Slot(5, 10), Slot(5, 20)}
    assert "SN5@10 stands twice" in str(ledger.unreadable["SN5@10"].faults[0])
    assert json.dumps(ledger_document(ledger)["entries"]) == json.dumps(document)


def test_entries_that_want_one_key_get_keys_that_can_be_read_again() -> None:
    entries = [Entry(netuid=5, registered_at_block=20), Entry(netuid=5, registered_at_block=10), Entry(netuid=5)]
    document = ledger_document(Ledger(entries))
    assert list(document["entries"]) == ["SN5@20", "SN5@10", "SN5"]
    again = ledger_from_document(document, source="test")
    assert set(again.by_slot) == {Slot(5, 20), Slot(5, 10), Slot(5, None)}
    assert not again.unreadable


def test_a_readable_entry_is_not_lost_to_an_unreadable_one_of_its_key() -> None:
    broken = ledger_from_document({"SN1": {}, "SN5": {"name": 5}}, source="test").unreadable
    document = ledger_document(Ledger([Entry(netuid=5, name="Five")], unreadable=broken))
    assert document["entries"] == {"SN5": {"netuid": 5, "name": "Five"}}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ('{"SN1": {"name": "a", "name": "b"}}', "the key 'name' stands twice in one object"),
        ('{"SN1": {"reliability": NaN}}', "NaN is not JSON"),
        ('{"SN1": {"reliability": -Infinity}}', "-Infinity is not JSON"),
        ('{"SN1": {"x": 1e999}}', "the number 1e999 is too large"),
        ('{"SN1": {"x": ' + "9" * 5000 + "}}", "integer string conversion"),
        ('{"SN1": {"name": "\\ud800"}}', "half of a surrogate pair"),
        ('{"SN1": {"name": "a}\n', "at line 1, column"),
        ('{"SN1": {}}\n\n]', "at line 3, column 1"),
        ('\ufeff{"SN1": {}}', "BOM"),
        (b'\xef\xbb\xbf{"SN1": {}}', "BOM"),
        ('{"SN1": {}}'.encode("utf-16"), "not UTF-8 at byte 0"),
        ('{"SN1": {}}'.encode("utf-16-le"), "at line 1, column"),
        (b'{"SN1": {"name": "\xff"}}', "not UTF-8 at byte 18"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("", "at line 1, column 1"),
        ("[]", "a ledger is an object, this is list"),
        ("null", "a ledger is an object, this is NoneType"),
        ('{"format": "orchestra-ledger/2", "entries": {}}', "unknown format 'orchestra-ledger/2'"),
        ('{"format": "orchestra-ledger/2"}', "unknown format 'orchestra-ledger/2'"),
        ('{"format": "orchestra-ledger/1"}', "/entries: entries are an object"),
        ('{"entries": [1]}', "/entries: entries are an object, this is list"),
        ('{"entries": {"SN1": {"name": 5}}}', "/entries/SN1/name"),
        ('{"a/b": {}}', "/a~1b: 'a/b' is not a subnet key"),
        ('{"entries": {}, "sandbox": {"key": 5}}', "/sandbox/url"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_with_the_reason(data: bytes | str, told: str) -> None:
    assert told in str(refusal(data))


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_json('"\\ud83d\\ude00"', source="test") == "😀"


def test_a_document_has_a_limit_of_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 20)
    assert parse_json('{"SN1": {"x": 123}}', source="test")
    assert "bytes, the limit is 20" in str(refusal('{"SN1": {"x": 1234567}}'))


def test_a_long_list_of_faults_is_cut() -> None:
    document = json.dumps({f"SN{netuid}": {"name": 5} for netuid in range(100)})
    assert len(refusal(document).faults) == 20


def test_an_empty_ledger_is_a_ledger() -> None:
    assert len(read_ledger("{}", source="test")) == 0
    assert ledger_document(read_ledger("{}", source="test")) == {"format": "orchestra-ledger/1", "entries": {}}
