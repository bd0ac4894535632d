"""What somebody who called an operation can propose, from the answers alone."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_sync.governance.drafting import Drafts, draft_proposals
from ledger_sync.governance.fields import fields_of, spell, values_at
from orchestra_tools.errors import UnknownToolError
from orchestra_tools.governance.applying import apply_proposal
from orchestra_tools.governance.paths import ITEMS
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import Entry
from orchestra_tools.schema import Validator, expand
from tests.calls.recording import ledger_of

FLAT = {"type": "object", "properties": {"answer": {"type": "string"}}}


def entry_of(schema: Any) -> Entry:
    document = ledger_of({"output_schema": schema}, url="https://api.example.com", sandbox=False)
    document["entries"]["SN22"] |= {"registered_at_block": 1000, "capabilities": ["web_search"]}
    return ledger_from_document(document, source="test").find_entry("SN22")


def drafts_of(schema: Any, *answers: Any) -> Drafts:
    return draft_proposals(entry_of(schema), "ask", answers, evidence_hash="0x7a3f", proposed_by="miner_uid_42")


def wishes(schema: Any, *answers: Any) -> dict[str, Any]:
    """What is proposed, by field; every answer fits the schema with all of it in place."""
    entry = entry_of(schema)
    drafts = drafts_of(schema, *answers)
    assert drafts.left_out == {}
    for draft in drafts.proposals:
        applied = apply_proposal(draft, entry, slot=str(entry.slot))
        assert applied.entry is not None
        entry = applied.entry
    form = entry.operations["ask"].output_form
    validator = Validator(expand(form)) if form is not None else None
    assert validator is None or all(validator.accepts(answer) for answer in answers)
    return {draft.field: (draft.old_value, draft.new_value) for draft in drafts.proposals}


def test_answers_that_fit_ask_for_nothing() -> None:
    assert wishes(FLAT, {"answer": "a"}, {"answer": "b"}) == {}
    assert wishes(FLAT) == {}


def test_a_new_field_is_proposed_at_the_highest_level_that_is_new() -> None:
    """The seed's proposal: old_value null, a path into the entry."""
    stamp = {"type": "object", "properties": {"at": {"type": "string"}}}
    assert wishes(FLAT, {"answer": "a", "metadata": {"at": "x"}}) == {"output_schema.metadata": (None, stamp)}
    known = {"type": "object", "properties": {"metadata": {"type": "object"}}}
    assert wishes(known, {"metadata": {"at": "x"}}) == {"output_schema.metadata.at": (None, {"type": "string"})}


def test_each_new_field_is_a_proposal_of_its_own() -> None:
    schema = {"type": "object", "properties": {"found": {"type": "array", "items": {"type": "object"}}}}
    found = wishes(schema, {"found": [{"title": "x", "rank": 1}], "total": 3})
    assert found == {
        "output_schema.found[].rank": (None, {"type": "integer"}),
        "output_schema.found[].title": (None, {"type": "string"}),
        "output_schema.total": (None, {"type": "integer"}),
    }


def test_a_type_that_the_schema_refuses_is_proposed_anew() -> None:
    assert wishes(FLAT, {"answer": 5}) == {"output_schema.answer": ({"type": "string"}, {"type": "integer"})}


def test_an_undocumented_answer_is_proposed_whole() -> None:
    assert wishes(None, {"answer": "a"}) == {"output_schema": (None, FLAT)}


def test_the_shorthand_of_the_seed_is_read() -> None:
    found = wishes({"results": {"type": "array"}}, {"results": [], "total_found": 3})
    assert found == {"output_schema.total_found": (None, {"type": "integer"})}


def test_names_with_dots_and_brackets_are_escaped() -> None:
    assert set(wishes(FLAT, {"answer": "a", "v1.0": 1, "a[0]": 2})) == {r"output_schema.v1\.0", r"output_schema.a\[0\]"}


def test_keys_of_a_map_are_no_fields() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert wishes(schema, {"5Grw": 1}, {"5FHn": 2}) == {}


def test_errors_that_came_with_200_ask_for_nothing() -> None:
    assert wishes(FLAT, {"error": "rate limit exceeded"}, {"detail": "Not Found"}) == {}


def test_what_cannot_be_proposed_is_said() -> None:
    rare = drafts_of(FLAT, {"answer": "a"}, {"answer": "b"}, {"answer": "c", "odd": 1})
    assert rare.proposals == ()
    assert "1 of 3" in rare.left_out["output_schema.odd"]
    trap = drafts_of(FLAT, {"answer": "a", "__proto__": 1})
    assert trap.proposals == ()
    assert "no name of a field" in trap.left_out["output_schema.__proto__"]


def test_an_operation_that_there_is_not_has_no_drafts() -> None:
    with pytest.raises(UnknownToolError, match="no operation 'look'"):
        draft_proposals(entry_of(FLAT), "look", [], evidence_hash="0x7a3f", proposed_by="miner_uid_42")


def test_the_fields_of_a_schema_are_found_through_references_and_alternatives() -> None:
    schema = {
        "$defs": {
            "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "id": {"type": "string"}}}
        },
        "anyOf": [{"$ref": "#/$defs/node"}, {"type": "object", "properties": {"id": {"type": "integer"}, "no": False}}],
        "allOf": [{"properties": {"list": {"items": {"$ref": "#/$defs/nothing"}}}}],
    }
    fields = fields_of(schema)
    assert set(map(spell, fields)) == {"", "id", "next", "no", "list", "list[]"}
    assert fields[("id",)]["anyOf"] == [{"type": "string"}, {"type": "integer"}]
    assert fields[("no",)]["not"] == {}
    assert list(values_at({"list": [1, 2]}, ("list", ITEMS))) == [1, 2]
    assert list(values_at({"list": 5}, ("list", ITEMS))) == []
    assert set(fields_of(True)) == {()}
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"type": "object", "properties": {"a": deep}}
    assert len(fields_of(deep)) < 40
    wide = {"properties": {f"f{number}": {} for number in range(6000)}}
    assert len(fields_of(wide)) == 5000
