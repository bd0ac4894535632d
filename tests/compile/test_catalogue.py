"""A whole ledger compiled: incremental, stable, and never taken down by one bad part."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.compile import Catalogue, compile_ledger
from orchestra_tools.errors import QuarantinedError, UnknownToolError
from orchestra_tools.importers import ledger_document, ledger_from_document
from orchestra_tools.model import Ledger
from orchestra_tools.registry import packaged_ledger

MakeLedger = Callable[..., Ledger]
THREE: dict[str, dict[str, Any]] = {"SN1": {"a": {}, "b": {}}, "SN2": {"a": {}}, "SN3": {"a": {}}}


def seen(catalogue: Catalogue) -> Any:
    """All that a catalogue holds, to be compared."""
    return (
        [
            (tool.name, tool.title, tool.description, json.dumps([tool.input_schema, tool.output_schema]), tool.digest,
             tool.annotations, tool.slot, tool.entry_version, tool.last_verified, tool.sandbox, tool.operation)
            for tool in catalogue.tools.values()
        ],
        list(catalogue.quarantined.values()),
    )  # fmt: skip


def test_tools_come_in_the_order_of_netuids_and_documents(make_ledger: MakeLedger) -> None:
    catalogue = compile_ledger(make_ledger({"SN20": {"z": {}, "a": {}}, "SN3": {"m": {}}}))
    assert list(catalogue.tools) == ["sn3_m", "sn20_z", "sn20_a"]


def test_names_do_not_depend_on_other_entries(make_ledger: MakeLedger) -> None:
    names = set(compile_ledger(make_ledger(THREE)).tools)
    turned = dict(reversed(THREE.items()))
    assert set(compile_ledger(make_ledger(turned)).tools) == names
    assert set(compile_ledger(make_ledger({"SN9": {"a": {}}, **turned})).tools) == names | {"sn9_a"}


def test_compiling_again_makes_the_same(make_ledger: MakeLedger) -> None:
    assert seen(compile_ledger(make_ledger(THREE))) == seen(compile_ledger(make_ledger(THREE)))


def test_only_a_changed_entry_is_compiled_again(make_ledger: MakeLedger) -> None:
    before = compile_ledger(make_ledger(THREE))
    changed = copy.deepcopy(THREE)
    changed["SN2"]["a"] = {"title": "Other"}
    after = compile_ledger(make_ledger(changed), previous=before)
    assert after.by_netuid[1] is before.by_netuid[1]
    assert after.by_netuid[3] is before.by_netuid[3]
    assert after.tools["sn1_a"] is before.tools["sn1_a"]
    assert after.by_netuid[2] is not before.by_netuid[2]
    assert after.diff(before).changed == ("sn2_a",)


def test_a_diff_says_what_was_added_changed_and_removed(make_ledger: MakeLedger) -> None:
    before = compile_ledger(make_ledger(THREE))
    after = compile_ledger(make_ledger({"SN1": {"a": {"timeout_s": 5}, "c": {}}, "SN3": {"a": {}}}), previous=before)
    diff = after.diff(before)
    assert (diff.added, diff.changed, diff.removed) == (("sn1_c",), ("sn1_a",), ("sn1_b", "sn2_a"))
    assert diff
    assert not after.diff(after)
    assert not compile_ledger(make_ledger(THREE)).diff(before)


@pytest.mark.parametrize("fields", [{"version": "2.0.0"}, {"registered_at_block": 9}, {"x": True}, {"x": 1.0}])
def test_any_change_of_an_entry_compiles_it_again(make_ledger: MakeLedger, fields: dict[str, Any]) -> None:
    before = compile_ledger(make_ledger({"SN1": {"": {"x": 1}, "a": {}}}))
    after = compile_ledger(make_ledger({"SN1": {"": {"x": 1, **fields}, "a": {}}}), previous=before)
    assert after.by_netuid[1] is not before.by_netuid[1]


def test_a_sandbox_is_not_taken_for_the_real_ledger(make_ledger: MakeLedger) -> None:
    real = compile_ledger(make_ledger(THREE))
    stand_ins = compile_ledger(make_ledger(THREE, sandbox=True), previous=real)
    assert all(tool.sandbox for tool in stand_ins.tools.values())
    assert set(stand_ins.diff(real).changed) == set(real.tools)


def test_a_new_tenant_of_a_netuid_replaces_the_old(make_ledger: MakeLedger) -> None:
    old = {"SN5": {"": {"registered_at_block": 10, "name": "Old"}, "a": {}}}
    before = compile_ledger(make_ledger(old))
    after = compile_ledger(make_ledger({**old, "SN5@20": {"": {"name": "New"}, "a": {}}}), previous=before)
    assert after.tools["sn5_a"].entry_name == "New"
    assert after.diff(before).changed == ("sn5_a",)


def test_unreadable_operations_are_in_quarantine_under_their_names(make_ledger: MakeLedger) -> None:
    catalogue = compile_ledger(
        make_ledger({"SN1": {"bad": "nonsense", "Bad": {}, "worse": {"endpoint": 5}, "good": {}}})
    )
    assert list(catalogue.tools)[-1] == "sn1_good"
    assert list(catalogue.quarantined) == ["sn1_bad", "sn1_worse"]
    assert catalogue.quarantined["sn1_worse"].reasons[0].startswith("/endpoint: ")


def test_a_tool_is_found_by_name_or_refused_with_the_reason(make_ledger: MakeLedger) -> None:
    catalogue = compile_ledger(make_ledger({"SN1": {"good": {}, "bad": {"input_schema": {"type": "string"}}}}))
    assert catalogue.find_tool("sn1_good").operation_id == "good"
    with pytest.raises(QuarantinedError, match="arguments are an object") as quarantined:
        catalogue.find_tool("sn1_bad")
    assert quarantined.value.facts["reasons"]
    with pytest.raises(UnknownToolError) as unknown:
        catalogue.find_tool("x" * 10_000)
    assert len(str(unknown.value)) < 300


_FORMS = st.sampled_from(
    [
        {}, {"q": "str"}, {"type": "string"}, 5, None, {"properties": {"a": {"$ref": "http://x"}}}, {"$ref": "#"},
        {"a": {"b": ["?", "?"]}}, {"properties": {"a": {"pattern": "("}}}, {"properties": {"you are now": {}}},
        {"enum": [[[[]]]]},
    ]
)  # fmt: skip
_OPERATION = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["", "Fine", "you are now", "x" * 500, "\u202e"]) | st.text(max_size=5),
        "description": st.text(max_size=20),
        "input_schema": _FORMS,
        "output_schema": _FORMS,
        "capabilities": st.lists(st.text(max_size=9), max_size=2),
        "cost": st.none() | st.fixed_dictionaries({"amount": st.sampled_from(["1", 0.1, "1e999999", "x"])}),
        "endpoint": st.sampled_from([5, "Synapse.X", {"kind": "http", "method": "GET", "path": "/{x}"}]),
        "read_only": st.booleans(),
    },
)
_ENTRIES = st.dictionaries(
    st.sampled_from(["SN1", "SN2", "SN3"]), st.dictionaries(st.text(min_size=1, max_size=6), _OPERATION, max_size=4)
)


@settings(deadline=None)
@given(_ENTRIES, _ENTRIES)
def test_compiling_what_changed_gives_the_same_as_compiling_all(
    make_ledger: MakeLedger, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Whatever strangers wrote: each operation is a tool or in quarantine, and nothing raises."""
    before = compile_ledger(make_ledger(first))
    after = compile_ledger(make_ledger(second), previous=before)
    assert seen(after) == seen(compile_ledger(make_ledger(second)))
    assert len(after.tools) + len(after.quarantined) == sum(map(len, second.values()))
    assert all(bad.reasons for bad in after.quarantined.values())


def test_the_packaged_ledger_compiles_whole_and_the_same_after_a_round_trip() -> None:
    ledger = packaged_ledger()
    catalogue = compile_ledger(ledger)
    again = compile_ledger(ledger_from_document(ledger_document(ledger), source="again"), previous=catalogue)
    assert all(now is then for now, then in zip(again.compiled, catalogue.compiled, strict=True))


def test_one_changed_entry_among_many_is_compiled_alone() -> None:
    before = compile_ledger(packaged_ledger())
    changed = [entry.replace(version="9.9.9") if entry.netuid == 22 else entry for entry in before.ledger]
    after = compile_ledger(Ledger(changed), previous=before)
    pairs = zip(after.compiled, before.compiled, strict=True)
    assert [now.entry.netuid for now, then in pairs if now is not then] == [22]
    assert set(after.diff(before).changed) == {tool.name for tool in before.by_netuid[22].tools}
