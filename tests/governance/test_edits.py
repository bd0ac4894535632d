"""What each kind of proposal makes of an entry, and of its version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestra_tools.errors import ProposalRefusedError
from orchestra_tools.governance.applying import KINDS, Applied, apply_proposal
from orchestra_tools.governance.bumps import AUTH_REMOVED, HOST_CHANGED, PRICE_RAISED
from orchestra_tools.governance.edits import WIDENED
from orchestra_tools.importers.entry_bytes import entry_bytes, entry_from_bytes
from orchestra_tools.model import Entry
from orchestra_tools.model.proposal import Proposal, UpdateType
from orchestra_tools.schema import expand
from tests.governance.examples import OPERATION, SEED_ENTRY, SEED_PROPOSAL, SLOT, entry_with, flat_entry, packaged, wish

STAMP = {"type": "string", "format": "date-time"}
OUTPUT: dict[str, Any] = OPERATION["output_schema"]


def apply(kind: UpdateType, field: str, old: Any, new: Any, *, entry: Entry | None = None) -> Applied:
    entry = entry or entry_with()
    return apply_proposal(wish(kind, field, old, new, subnet=entry.key), entry, slot=str(entry.slot))


def reason(kind: UpdateType, field: str, old: Any, new: Any, *, entry: Entry | None = None) -> str:
    with pytest.raises(ProposalRefusedError) as refused:
        apply(kind, field, old, new, entry=entry)
    assert refused.value.remedy
    assert refused.value.faults
    return str(refused.value.facts["reason"])


def operation(applied: Applied, name: str = "find") -> dict[str, Any]:
    assert applied.entry is not None
    made: dict[str, Any] = applied.entry.to_json()["operations"][name]
    return made


@pytest.mark.parametrize("entry", [packaged("SN13"), flat_entry(registered_at_block=5)], ids=["operations", "flat"])
def test_the_seeds_proposal_is_taken_verbatim(entry: Entry) -> None:
    proposal = Proposal.model_validate_json(json.dumps({**SEED_PROPOSAL, "subnet": entry.key}))

    applied = apply_proposal(proposal, entry, slot=str(entry.slot))

    assert applied.entry is not None
    main = expand(next(iter(applied.entry.operations.values())).output_form)
    assert main["properties"]["metadata"] == {
        "type": "object",
        "properties": {"scrape_timestamp": STAMP},
    }
    assert applied.bump == "minor"
    assert applied.version == {"SN13": "1.1.0", "SN22": "2.4.0"}[entry.key]
    assert any("metadata" in change for change in applied.changes)
    assert proposal.to_json() == {**SEED_PROPOSAL, "subnet": entry.key}
    with pytest.raises(ProposalRefusedError) as again:
        apply_proposal(proposal, applied.entry, slot=str(entry.slot))
    assert again.value.facts["reason"] == "stale"
    assert "date-time" in str(again.value)


def test_the_same_proposal_makes_the_same_bytes_wherever_it_is_applied() -> None:
    entry, proposal = packaged("SN13"), Proposal.model_validate(SEED_PROPOSAL)
    slot = str(entry.slot)
    reread = entry_from_bytes(slot, entry_bytes(entry))

    first, second = (apply_proposal(proposal, each, slot=slot).entry for each in (entry, reread))

    assert first is not None
    assert second is not None
    assert entry_bytes(first) == entry_bytes(second)
    # All but the one field and the version is as it was, in its order.
    before, after = entry.to_json(), first.to_json()
    del after["operations"]["query_data"]["output_schema"]["properties"]["metadata"]
    assert json.dumps({**after, "version": "1.0.0"}) == json.dumps(before)


class TestSchemaChange:
    @pytest.mark.parametrize(
        ("field", "old", "new", "bump"),
        [
            ("output_schema.total", None, {"type": "integer"}, "minor"),
            ("output_schema.results", OUTPUT["properties"]["results"], None, "major"),
            ("output_schema.results[].url", {"type": "string"}, {"type": ["string", "null"]}, "major"),
            ("output_schema.results[].url", {"type": "string"}, {"type": "string", "format": "uri"}, "minor"),
            ("output_schema.results[].url", {"type": "string"}, {"type": "string", "description": "Where."}, "patch"),
            ("input_schema.query", {"type": "string"}, {"type": ["string", "null"]}, "minor"),
            ("input_schema.query", {"type": "string"}, {"type": "string", "maxLength": 9}, "major"),
            ("input_schema.lang", None, {"type": "string"}, "minor"),
            ("input_schema.lang", None, {"type": "string", "required": True}, "major"),
            ("/operations/find/input_schema/additionalProperties", False, None, "minor"),
            ("/operations/find/output_schema/additionalProperties", None, False, "minor"),
        ],
    )
    def test_direction_decides_the_bump(self, field: str, old: Any, new: Any, bump: str) -> None:
        applied = apply("schema_change", field, old, new)

        assert applied.bump == bump
        assert applied.version == {"patch": "1.0.1", "minor": "1.1.0", "major": "2.0.0"}[bump]
        assert applied.comparison is not None
        assert applied.changes

    def test_the_whole_schema_is_replaced_in_the_form_it_is_given_in(self) -> None:
        new = {"hits": {"type": "array", "items": "Hit"}, "at": {"type": "string", "format": "iso8601"}}

        applied = apply("schema_change", "output_schema", OUTPUT, new)

        assert operation(applied)["output_schema"] == {**new, "at": STAMP}
        assert applied.bump == "major"

    def test_the_old_value_may_be_in_either_form(self) -> None:
        entry = flat_entry(registered_at_block=5)
        expanded = {"type": "object", "properties": {"total_found": {"type": "integer"}, "results": {"type": "array"}}}
        shorthand = SEED_ENTRY["output_schema"]

        assert reason("schema_change", "output_schema", expanded, {"a": "str"}, entry=entry) == "stale"
        assert apply("schema_change", "output_schema", shorthand, {"a": "str"}, entry=entry).bump == "major"
        assert apply("schema_change", "output_schema.total_found", "int", "str", entry=entry).bump == "major"

    def test_an_old_value_that_is_not_current_is_stale_and_the_current_one_is_told(self) -> None:
        with pytest.raises(ProposalRefusedError, match='"string"') as refused:
            apply("schema_change", "input_schema.query", {"type": "integer"}, {"type": "number"})
        assert refused.value.facts["reason"] == "stale"
        text = {"type": "string"}
        for old in (None, 7, {**text, "required": False}):
            assert reason("schema_change", "input_schema.query", old, {"type": "number"}) == "stale"
        assert reason("schema_change", "output_schema.x", {"type": "string"}, {"type": "number"}) == "stale"
        assert (
            apply("schema_change", "input_schema.query", {**text, "required": True}, {"type": "number"}).bump == "major"
        )

    def test_what_stands_there_already_is_nothing(self) -> None:
        text = {"type": "string"}
        for new in (text, {**text, "required": True}):
            assert reason("schema_change", "input_schema.query", text, new) == "nothing"
        shuffled = {"required": ["results"], **{key: OUTPUT[key] for key in ("properties", "type")}}
        assert reason("schema_change", "output_schema", OUTPUT, shuffled) == "nothing"
        assert reason("schema_change", "output_schema.absent", None, None) == "nothing"

    def test_becoming_required_is_a_change(self) -> None:
        entry = entry_with({"output_schema": {"type": "object", "properties": {"a": {"type": "string"}}}})

        applied = apply(
            "schema_change", "output_schema.a", {"type": "string"}, {"type": "string", "required": True}, entry=entry
        )

        assert operation(applied)["output_schema"]["required"] == ["a"]
        assert applied.bump == "minor"

    @pytest.mark.parametrize(
        "new",
        [
            {"type": "string", "minLength": "one"},
            {"$ref": "https://example.com/x"},
            {"type": "string", "pattern": "("},
            7,
            [],
        ],
    )
    def test_what_is_no_schema_is_refused(self, new: Any) -> None:
        assert reason("schema_change", "output_schema.x", None, new) == "invalid"
        assert reason("schema_change", "output_schema", OUTPUT, new) == "invalid"

    def test_a_value_without_end_is_refused(self) -> None:
        deep: Any = {}
        for _ in range(3_000):
            deep = {"properties": {"a": deep}}

        assert reason("schema_change", "output_schema.x", None, deep) == "invalid"
        assert reason("schema_change", "output_schema.x", deep, {"type": "string"}) == "invalid"

    def test_a_schema_that_cannot_be_read_is_replaced_as_a_whole(self) -> None:
        broken = {"type": "object", "properties": {"a": {"$ref": "#/none"}}}
        entry = entry_with({"output_schema": broken})

        assert reason("schema_change", "output_schema.b", None, {"type": "string"}, entry=entry) == "invalid"
        assert reason("schema_change", "output_schema", None, OUTPUT, entry=entry) == "stale"
        applied = apply("schema_change", "output_schema", broken, OUTPUT, entry=entry)
        assert (applied.bump, applied.comparison) == ("major", None)

    def test_a_schema_may_come_and_go(self) -> None:
        undocumented = entry_with({"output_schema": None})

        assert apply("schema_change", "output_schema", None, OUTPUT, entry=undocumented).bump == "minor"
        gone = apply("schema_change", "output_schema", OUTPUT, None)
        assert (gone.bump, gone.flags) == ("major", (WIDENED,))
        assert "output_schema" not in operation(gone)


class TestOtherChanges:
    HTTP = OPERATION["endpoint"]

    @pytest.mark.parametrize(
        ("kind", "field", "old", "new", "bump", "flags"),
        [
            ("endpoint_change", "endpoint.path", "/find", "/v2/find", "major", ()),
            (
                "endpoint_change",
                "endpoint.base_url",
                "https://api.example.com",
                "https://b.example",
                "major",
                (HOST_CHANGED,),
            ),
            ("endpoint_change", "endpoint", HTTP, "Synapse.Find", "major", (HOST_CHANGED,)),
            ("endpoint_change", "auth", OPERATION["auth"], None, "major", (AUTH_REMOVED,)),
            ("endpoint_change", "auth", OPERATION["auth"], {"scheme": "undocumented"}, "major", (AUTH_REMOVED,)),
            ("endpoint_change", "auth.name", "X-API-Key", "X-Key", "major", ()),
            ("endpoint_change", "operations.find.timeout_s", None, 30, "patch", ()),
            ("endpoint_change", "operations.find.read_only", True, False, "major", ()),
            ("endpoint_change", "operations.find.idempotent", True, None, "major", ()),
            ("cost_change", "cost.amount", "0.002", "0.001", "minor", ()),
            ("cost_change", "cost.amount", "0.002", "0.0020", "patch", ()),
            ("cost_change", "cost.amount", "0.002", "0.003", "major", (PRICE_RAISED,)),
            ("cost_change", "cost.currency", "USD", "TAO", "major", ()),
            ("cost_change", "cost", OPERATION["cost"], None, "major", ()),
            ("cost_change", "operations.find.cost.amount", "0.002", "0", "minor", ()),
            ("cost_change", "cost_per_query", None, 0.5, "minor", ()),
            ("capability_change", "capabilities", ["web_search"], ["web_search", "news_search"], "minor", ()),
            ("capability_change", "capabilities", ["web_search"], None, "major", ()),
            ("capability_change", "operations.find.capabilities", ["web_search"], ["news_search"], "major", ()),
            ("capability_change", "operations.find.audience", None, "operator", "minor", ()),
            ("identity_change", "name", "Seven", "The Seven", "patch", ()),
            ("identity_change", "links.website", None, "https://seven.example", "patch", ()),
            ("identity_change", "operations.find.description", OPERATION["description"], "Finds.", "patch", ()),
            ("deprecation", "status", "active", "deprecated", "minor", ()),
            ("deprecation", "", "1.0.0", None, "minor", ()),
            ("deprecation", "", "active", "deprecated", "minor", ()),
            ("deprecation", "operations.find", "1.0.0", True, "minor", ()),
            ("deprecation", "operations.find", False, None, "minor", ()),
            ("deprecation", "operations.find.unavailable", None, "It is switched off.", "major", ()),
            ("withdrawal", "operations.find", "1.0.0", None, "major", ()),
        ],
    )
    def test_has_the_bump_of_what_it_does_to_callers(
        self, kind: UpdateType, field: str, old: Any, new: Any, bump: str, flags: tuple[str, ...]
    ) -> None:
        applied = apply(kind, field, old, new)

        assert (applied.bump, applied.flags) == (bump, flags)
        assert applied.changes
        assert applied.entry is not None
        assert not applied.entry.unreadable

    @pytest.mark.parametrize(
        ("before", "field", "new", "bump"),
        [
            ({"cost": None}, "cost", {"amount": "1"}, "minor"),
            ({"cost": None}, "cost", {"header": "X-Cost"}, "patch"),
            ({"cost": None, "spends_money": False}, "cost", {"amount": "1"}, "major"),
            ({"cost": {"amount": "0"}}, "cost.amount", "0.1", "major"),
            ({"cost": None, "spends_money": False}, "operations.find.spends_money", True, "major"),
            ({"cost": {"header": "X-Cost"}, "spends_money": True}, "operations.find.spends_money", False, "minor"),
        ],
    )
    def test_a_price_that_was_free_or_unknown(self, before: Any, field: str, new: Any, bump: str) -> None:
        entry = entry_with(before)
        document = entry.to_json()["operations"]["find"]
        old = {"cost": document["cost"], "cost.amount": (document["cost"] or {}).get("amount")}.get(
            field, document.get("spends_money")
        )

        assert apply("cost_change", field, old, new, entry=entry).bump == bump

    def test_a_flat_price_is_the_operations_price(self) -> None:
        entry = flat_entry(registered_at_block=5)

        assert apply("cost_change", "cost_per_query", 0.002, 0.001, entry=entry).bump == "minor"
        assert apply("cost_change", "cost_per_query", 0.002, 0.003, entry=entry).flags == (PRICE_RAISED,)
        assert apply("cost_change", "cost_per_query", 0.002, None, entry=entry).bump == "major"

    def test_what_was_not_known_before_breaks_nobody(self) -> None:
        nowhere = entry_with({"endpoint": {"kind": "http", "method": "GET"}, "auth": {"scheme": "undocumented"}})

        assert apply("endpoint_change", "endpoint.base_url", None, "https://a.example", entry=nowhere).bump == "minor"
        told = apply("endpoint_change", "auth", {"scheme": "undocumented"}, OPERATION["auth"], entry=nowhere)
        assert (told.bump, told.flags) == ("minor", ())
        off = entry_with({"unavailable": "Off."})
        assert apply("deprecation", "operations.find.unavailable", "Off.", None, entry=off).bump == "minor"

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_field_of_another_kind_is_refused_with_the_right_kind(self, kind: UpdateType) -> None:
        fields = ["input_schema", "endpoint", "capabilities", "cost", "name", "status", "operations.find"]
        wrong = [field for field in fields if not _fits(kind, field)]

        for field in wrong if kind != "new_subnet" else []:
            with pytest.raises(ProposalRefusedError, match="Propose it as") as refused:
                apply(kind, field, None, None)
            assert refused.value.facts["reason"] == "kind"

    @pytest.mark.parametrize(
        ("kind", "field", "old", "new", "why"),
        [
            ("endpoint_change", "endpoint", HTTP, {"kind": "http", "method": "FETCH"}, "invalid"),
            ("endpoint_change", "endpoint", HTTP, None, "invalid"),
            ("endpoint_change", "auth", OPERATION["auth"], {"scheme": "magic"}, "invalid"),
            ("cost_change", "cost.amount", "0.002", "-1", "invalid"),
            ("cost_change", "cost.amount", 0.002, "1", "stale"),
            ("cost_change", "cost_per_query", None, "much", "invalid"),
            ("capability_change", "capabilities", ["web_search"], "web_search", "invalid"),
            ("identity_change", "name", "Six", "Eight", "stale"),
            ("identity_change", "name", "Seven", "Seven", "nothing"),
            ("identity_change", "name", "Seven", 7, "invalid"),
            ("identity_change", "operations.gone.title", None, "x", "field"),
            ("endpoint_change", "endpoint.path.more", None, "x", "field"),
            ("deprecation", "status", "active", "gone", "invalid"),
            ("deprecation", "", "active", "withdrawn", "invalid"),
            ("deprecation", "operations.find", "active", None, "stale"),
            ("withdrawal", "", None, None, "stale"),
            ("withdrawal", "", "0.9.0", None, "stale"),
            ("withdrawal", "", "1.0.0", {}, "invalid"),
            ("withdrawal", "operations.gone", None, None, "stale"),
            ("new_operation", "operations.find", None, OPERATION, "stale"),
            ("new_subnet", "", None, {"name": "Seven"}, "stale"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, kind: UpdateType, field: str, old: Any, new: Any, why: str) -> None:
        assert reason(kind, field, old, new) == why

    def test_another_operation_that_cannot_be_read_does_not_stand_in_the_way(self) -> None:
        entry = entry_with(operations={"find": OPERATION, "odd": {"endpoint": 7}})

        assert apply("identity_change", "name", "Seven", "Eight", entry=entry).bump == "patch"
        assert reason("identity_change", "operations.odd.title", None, "Odd", entry=entry) == "invalid"


def _fits(kind: UpdateType, field: str) -> bool:
    part = {"operations.find": "operation", "name": "text", "status": "availability"}.get(field, field)
    return part in KINDS[kind]


class TestWithdrawal:
    def test_of_the_whole_entry_leaves_none_and_its_version_goes_on(self) -> None:
        entry = entry_with()

        for old in ("1.0.0", entry.to_json()):
            applied = apply("withdrawal", "", old, None)
            assert (applied.entry, applied.version, applied.bump) == (None, "2.0.0", "major")
        with pytest.raises(ProposalRefusedError, match="new_subnet"):
            apply_proposal(wish("identity_change", "name", None, "x"), None, slot=SLOT)
        again = apply_proposal(wish("new_subnet", "", None, {"name": "Seven"}), None, slot=SLOT, former="2.0.0")
        assert again.version == "3.0.0"

    def test_of_one_of_several_operations(self) -> None:
        entry = entry_with(operations={"find": OPERATION, "other": OPERATION})

        applied = apply("withdrawal", "operations.other", OPERATION, None, entry=entry)

        assert applied.entry is not None
        assert list(applied.entry.operations) == ["find"]
        flat = flat_entry(registered_at_block=5)
        assert reason("withdrawal", "operations.web_search", "2.3.1", None, entry=flat) == "invalid"


class TestNewThings:
    def test_a_new_operation_stands_beside_the_others(self) -> None:
        applied = apply("new_operation", "operations.crawl", None, {**OPERATION, "title": "Crawl"})

        assert applied.entry is not None
        assert list(applied.entry.operations) == ["find", "crawl"]
        assert applied.bump == "minor"

    def test_a_flat_entry_keeps_its_operation_under_its_id_beside_a_new_one(self) -> None:
        entry = flat_entry(registered_at_block=5)

        applied = apply("new_operation", "operations.crawl", None, OPERATION, entry=entry)

        assert applied.entry is not None
        assert list(applied.entry.operations) == ["web_search", "crawl"]
        assert applied.entry.operations["web_search"] == entry.operations["web_search"]
        assert any("flat" in change for change in applied.changes)
        marked = apply("deprecation", "operations.web_search", "2.3.1", None, entry=entry)
        assert operation(marked, "web_search")["deprecated"] is True

    def test_the_first_operation_of_an_entry_without_any(self) -> None:
        entry = Entry.from_document("SN7", {"registered_at_block": 70, "name": "Seven", "version": "0.1.0"})

        assert apply("new_operation", "operations.find", None, OPERATION, entry=entry).version == "0.2.0"

    @pytest.mark.parametrize(
        ("name", "new", "why"),
        [
            ("FIND", OPERATION, "confusable"),
            ("f1nd", OPERATION, ""),
            ("crawl", {**OPERATION, "surprise": 1}, "invalid"),
            ("crawl", "https://a.example", "invalid"),
            ("crawl", {"title": "Crawl"}, "invalid"),
            ("crawl", {**OPERATION, "output_schema": {"type": "string", "minLength": "one"}}, "invalid"),
        ],
    )
    def test_an_operation_is_read_strictly(self, name: str, new: Any, why: str) -> None:
        if why:
            assert reason("new_operation", f"operations.{name}", None, new) == why
        else:
            assert apply("new_operation", f"operations.{name}", None, new).bump == "minor"

    def test_the_seeds_entry_is_a_new_subnet_without_what_nobody_measured(self) -> None:
        proposal = wish("new_subnet", "", None, SEED_ENTRY, subnet="SN22")

        applied = apply_proposal(proposal, None, slot="SN22@2009702")

        assert applied.entry is not None
        document = applied.entry.to_json()
        assert (document["netuid"], document["registered_at_block"], document["version"]) == (22, 2009702, "1.0.0")
        assert {"reliability", "avg_latency_ms", "last_verified"}.isdisjoint(document)
        assert len([change for change in applied.changes if "is left out" in change]) == 4
        assert applied.bump == "minor"

    @pytest.mark.parametrize(
        ("new", "why"),
        [
            ("Seven", "invalid"),
            ({}, "invalid"),
            ({"name": "  "}, "invalid"),
            ({"name": "Seven", "netuid": 8}, "slot"),
            ({"name": "Seven", "registered_at_block": 71}, "slot"),
            ({"name": "Seven", "surprise": 1}, "invalid"),
            ({"name": "Seven", "operations": {"find": {"title": "x"}}}, "invalid"),
            ({"name": "Seven", "operations": {"find": 7}}, "invalid"),
            ({"name": "Seven", "operations": 7}, "invalid"),
            ({"name": "Seven", "links": 7}, "invalid"),
        ],
    )
    def test_an_entry_is_read_strictly(self, new: Any, why: str) -> None:
        with pytest.raises(ProposalRefusedError) as refused:
            apply_proposal(wish("new_subnet", "", None, new), None, slot=SLOT)
        assert refused.value.facts["reason"] == why

    def test_a_slot_whose_block_nobody_looked_up_keeps_its_question_mark(self) -> None:
        entry = Entry.from_document("SN7", {"name": "Seven"})

        applied = apply("identity_change", "name", "Seven", "Eight", entry=entry)

        assert applied.entry is not None
        assert (str(applied.entry.slot), applied.version) == ("SN7@?", "0.0.1")


@pytest.mark.parametrize(
    ("version", "after"),
    [("1.2.3", "2.0.0"), ("0.3.1", "0.4.0"), ("v1.0.0", "2.0.0"), ("1.2.3-rc.1+b", "2.0.0"), ("2026-01", "1.0.0")],
)
def test_versions_go_up_and_what_is_none_starts_anew(version: str, after: str) -> None:
    entry = entry_with(version=version)

    assert apply("endpoint_change", "endpoint.path", "/find", "/x", entry=entry).version == after


def test_a_version_that_cannot_be_raised_is_refused() -> None:
    assert reason("identity_change", "name", "Seven", "x", entry=entry_with(version=f"{'9' * 30}.0.0")) == "version"
