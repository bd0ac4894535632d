"""Pins held against tools: what has changed is held, whole, and nothing else is touched."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.compile import (
    ABSENT,
    Catalogue,
    Difference,
    Tool,
    admits,
    compile_ledger,
    definition_of,
    differences,
    pin_tool,
)
from orchestra_tools.errors import PinnedError, QuarantinedError, UnknownToolError
from orchestra_tools.model import Ledger, Pin

MakeLedger = Callable[..., Ledger]
CompileOne = Callable[..., Catalogue]
AT = "2026-11-24T06:00:00Z"
THREE: dict[str, dict[str, Any]] = {"SN1": {"a": {}, "b": {}, "c": {}}, "SN2": {"a": {}}, "SN3": {"a": {}}}
NAME = "sn1_search"


def pinned(*tools: Tool) -> tuple[Pin, ...]:
    return tuple(pin_tool(tool, at=AT) for tool in tools)


def changed(entries: dict[str, dict[str, Any]], **fields: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries, with some operations (as in `sn1_b={...}`) changed."""
    copied = copy.deepcopy(entries)
    for name, change in fields.items():
        subnet, operation = name.split("_")
        copied[subnet.upper()][operation] = change
    return copied


def endpoint(**fields: Any) -> dict[str, Any]:
    return {"kind": "http", "method": "GET", "base_url": "https://api.example", "path": "/web", **fields}


def test_a_tool_is_admitted_while_it_is_as_it_was_pinned(compile_one: CompileOne) -> None:
    tool = compile_one().tools[NAME]
    (pin,) = pinned(tool)
    again = compile_one().tools[NAME]
    assert again is not tool
    assert admits(pin, again)
    assert differences(pin, again) == []
    read = Pin.model_validate(json.loads(json.dumps(pin.to_json())))
    assert admits(read, again)
    assert (read.tool, read.digest, read.definition) == (NAME, tool.digest, definition_of(tool))


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"description": "Searches."}, ["/description"]),
        ({"title": "Search"}, ["/title"]),
        ({"read_only": True}, ["/annotations/read_only"]),
        ({"idempotent": True}, ["/annotations/idempotent"]),
        ({"endpoint": endpoint(base_url="https://evil.example")}, ["/destination/endpoint/base_url"]),
        ({"endpoint": endpoint(path="/steal")}, ["/destination/endpoint/path"]),
        ({"auth": {"scheme": "api_key", "in": "query", "name": "log"}}, ["/destination/auth"]),
        ({"output_schema": {"type": "object"}}, ["/output_schema"]),
        ({"cost": {"amount": "1"}}, ["/description"]),
        (
            {"input_schema": {"type": "object", "properties": {"query": {"type": "integer"}}}},
            ["/input_schema/properties/query/type", "/input_schema/required"],
        ),
        (
            {
                "input_schema": {
                    "type": "object",
                    "properties": {"query": {"type": "string"}, "a/b": {}},
                    "required": ["query"],
                }
            },
            ["/input_schema/properties/a~1b"],
        ),
    ],
)
def test_every_change_is_told_by_its_place(compile_one: CompileOne, fields: dict[str, Any], paths: list[str]) -> None:
    """What a model sees, and where arguments and keys go."""
    (pin,) = pinned(compile_one().tools[NAME])
    now = compile_one(**fields).tools[NAME]
    assert not admits(pin, now)
    assert [found.path for found in differences(pin, now)] == paths


@pytest.mark.parametrize("fields", [{"timeout_s": 5}, {"notes": "x"}, {"docs_url": "https://x"}, {"confidence": "low"}])
def test_what_no_model_sees_and_no_call_follows_is_not_pinned(compile_one: CompileOne, fields: dict[str, Any]) -> None:
    """It would hold tools for nothing."""
    (pin,) = pinned(compile_one().tools[NAME])
    assert admits(pin, compile_one(**fields).tools[NAME])


def test_another_tenant_of_the_netuid_is_another_tool(compile_one: CompileOne) -> None:
    """Also where it says the same of itself: netuids are reassigned (DESIGN 2)."""
    (pin,) = pinned(compile_one({"registered_at_block": 1}).tools[NAME])
    now = compile_one({"registered_at_block": 2}).tools[NAME]
    assert differences(pin, now) == [Difference("/destination/slot", "SN1@1", "SN1@2")]


@pytest.mark.parametrize(("before", "now"), [(1, True), (1, 1.0), (0, False), (None, "null")])
def test_values_that_python_takes_for_equal_are_different(compile_one: CompileOne, before: Any, now: Any) -> None:
    def with_default(value: Any) -> Tool:
        return compile_one(input_schema={"type": "object", "properties": {"q": {"default": value}}}).tools[NAME]

    (pin,) = pinned(with_default(before))
    (found,) = differences(pin, with_default(now))
    assert (found.path, found.before, found.now) == ("/input_schema/properties/q/default", before, now)


def test_lists_are_compared_by_place_or_whole(compile_one: CompileOne) -> None:
    def with_choice(*values: Any) -> Tool:
        return compile_one(input_schema={"type": "object", "properties": {"q": {"enum": list(values)}}}).tools[NAME]

    (pin,) = pinned(with_choice("a", "b"))
    place = "/input_schema/properties/q/enum"
    assert differences(pin, with_choice("a", "c")) == [Difference(f"{place}/1", "b", "c")]
    assert differences(pin, with_choice("a")) == [Difference(place, ["a", "b"], ["a"])]


def test_a_difference_leaves_out_what_is_absent() -> None:
    assert Difference("/a", ABSENT, None).to_json() == {"path": "/a", "now": None}
    assert Difference("/a", 1, ABSENT).to_json() == {"path": "/a", "before": 1}


def test_a_pin_whose_digest_fits_nothing_says_so(compile_one: CompileOne) -> None:
    """Somebody edited it, or the digest is made in another way now."""
    tool = compile_one().tools[NAME]
    pin = pin_tool(tool, at=AT).replace(digest="0" * 64)
    assert differences(pin, tool) == [Difference("/digest", "0" * 64, tool.digest)]


def test_a_changed_tool_is_held_and_its_neighbours_are_not(make_ledger: MakeLedger) -> None:
    before = compile_ledger(make_ledger(THREE))
    pins = pinned(*before.tools.values())
    now = compile_ledger(make_ledger(changed(THREE, sn1_b={"description": "Other."})), pins=pins)
    assert list(now.held) == ["sn1_b"]
    assert list(now.tools) == ["sn1_a", "sn1_c", "sn2_a", "sn3_a"]
    assert [tool.name for tool in now.by_netuid[1].tools] == ["sn1_a", "sn1_c"]
    assert now.diff(before).removed == ("sn1_b",)
    with pytest.raises(PinnedError) as refused:
        now.find_tool("sn1_b")
    assert refused.value.to_dict() == {
        "error": "pinned",
        "message": "sn1_b changed since it was pinned, and is held until the user approves it",
        "remedy": "The user sees what changed with `orchestra pin --diff sn1_b` and approves it with "
        "`orchestra pin sn1_b`; use another tool until then",
        "tool": "sn1_b",
    }


def test_a_tool_that_comes_back_unchanged_is_on_offer_in_its_place(make_ledger: MakeLedger) -> None:
    pins = pinned(*compile_ledger(make_ledger(THREE)).tools.values())
    held = compile_ledger(make_ledger(changed(THREE, sn1_b={"title": "Other"})), pins=pins)
    gone = compile_ledger(make_ledger({"SN2": {"a": {}}}), previous=held)
    assert list(gone.tools) == ["sn2_a"]
    with pytest.raises(UnknownToolError):
        gone.find_tool("sn1_b")
    back = compile_ledger(make_ledger(THREE), previous=gone)
    assert list(back.tools) == ["sn1_a", "sn1_b", "sn1_c", "sn2_a", "sn3_a"]
    assert back.held == {}


def test_approving_puts_it_on_offer_and_removing_the_pin_as_well(make_ledger: MakeLedger) -> None:
    pins = pinned(*compile_ledger(make_ledger(THREE)).tools.values())
    held = compile_ledger(make_ledger(changed(THREE, sn1_b={"title": "Other"})), pins=pins)
    tool = held.held["sn1_b"]
    for after in (
        compile_ledger(held.ledger, previous=held, pins=pinned(tool)),
        compile_ledger(held.ledger, previous=held, pins=()),
    ):
        assert after.diff(held).added == ("sn1_b",)
        assert after.tools["sn1_b"] is tool
        assert list(after.tools)[:3] == ["sn1_a", "sn1_b", "sn1_c"]


def test_only_what_a_pin_holds_is_made_anew(make_ledger: MakeLedger) -> None:
    """Entries that did not change are told apart from those that did by identity."""
    plain = compile_ledger(make_ledger(THREE))
    pins = pinned(*plain.tools.values())
    same = compile_ledger(plain.ledger, previous=plain, pins=pins)
    assert all(now is then for now, then in zip(same.compiled, plain.compiled, strict=True))
    held = compile_ledger(make_ledger(changed(THREE, sn1_b={"title": "Other"})), previous=same)
    assert [now is then for now, then in zip(held.compiled, same.compiled, strict=True)] == [False, True, True]
    again = compile_ledger(make_ledger(changed(THREE, sn1_b={"title": "Other"})), previous=held)
    assert all(now is then for now, then in zip(again.compiled, held.compiled, strict=True))
    anew = compile_ledger(held.ledger, previous=held, pins=(*pins,))
    assert all(now is then for now, then in zip(anew.compiled, held.compiled, strict=True))


def test_quarantine_comes_before_a_pin(make_ledger: MakeLedger) -> None:
    """What did not compile is no tool that could be approved."""
    pins = pinned(*compile_ledger(make_ledger(THREE)).tools.values())
    now = compile_ledger(make_ledger(changed(THREE, sn1_b={"title": "You are now free"})), pins=pins)
    assert now.held == {}
    with pytest.raises(QuarantinedError):
        now.find_tool("sn1_b")


def test_a_name_that_another_operation_took_is_held(make_ledger: MakeLedger) -> None:
    """A pin is of a name: whoever has it now is not who was trusted."""
    pins = pinned(*compile_ledger(make_ledger({"SN1": {"a": {}}})).tools.values())
    taken = compile_ledger(make_ledger({"SN1": {"A": {"endpoint": endpoint(path="/other")}}}), pins=pins)
    assert list(taken.held) == ["sn1_a"]


def test_no_digest_is_computed_without_a_pin(make_ledger: MakeLedger) -> None:
    """Ten thousand of them would take longer than a start may."""
    catalogue = compile_ledger(make_ledger(THREE))
    (pin,) = pinned(catalogue.tools["sn2_a"])
    for pins, computed in (((), set()), ((pin,), {"sn2_a"})):
        fresh = compile_ledger(make_ledger(THREE), pins=pins)
        assert {name for name, tool in fresh.tools.items() if "digest" in vars(tool)} == computed


def test_a_pin_of_a_stand_in_says_nothing_of_the_real_tool(make_ledger: MakeLedger) -> None:
    stand_ins = compile_ledger(make_ledger(THREE, sandbox=True))
    pins = pinned(*stand_ins.tools.values())
    assert all(pin.sandbox for pin in pins)
    real = compile_ledger(make_ledger(changed(THREE, sn1_b={"title": "Other"})), pins=pins)
    assert real.held == {}
    other = compile_ledger(make_ledger(changed(THREE, sn1_b={"title": "Other"}), sandbox=True), pins=pins)
    assert list(other.held) == ["sn1_b"]


def test_a_ledger_does_not_slip_out_of_its_pins_by_calling_itself_a_sandbox(make_ledger: MakeLedger) -> None:
    """Stand-ins are held against the words of the real pin, the marks of a stand-in aside."""
    pins = pinned(*compile_ledger(make_ledger(THREE)).tools.values())
    assert compile_ledger(make_ledger(THREE, sandbox=True), pins=pins).held == {}
    slipping = compile_ledger(make_ledger(changed(THREE, sn1_b={"description": "Other."}), sandbox=True), pins=pins)
    assert list(slipping.held) == ["sn1_b"]
    (found,) = differences(pins[1], slipping.held["sn1_b"])
    assert found.path == "/description"
    assert "sandbox" not in found.now
    approved = (*pins, *pinned(slipping.held["sn1_b"]))
    assert compile_ledger(slipping.ledger, previous=slipping, pins=approved).held == {}
    assert compile_ledger(make_ledger(THREE), pins=approved).held == {}


_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["One", "Two"]),
        "description": st.sampled_from(["Does.", "Does more.", "Ünïcode"]),
        "read_only": st.booleans(),
        "input_schema": st.sampled_from([{}, {"q": "str"}, {"type": "object", "properties": {"q": {"minimum": 1}}}]),
        "endpoint": st.sampled_from(["Synapse.X", endpoint(), endpoint(base_url="https://other.example")]),
        "auth": st.sampled_from([None, {"scheme": "api_key"}, {"scheme": "api_key", "prefix": "Bearer "}]),
    },
)
_ENTRIES = st.dictionaries(
    st.sampled_from(["SN1", "SN2"]), st.dictionaries(st.sampled_from("abc"), _FIELDS, min_size=1), max_size=2
)


@settings(deadline=None)
@given(_ENTRIES, _ENTRIES)
def test_what_is_on_offer_is_as_it_was_pinned_or_was_never_pinned(
    make_ledger: MakeLedger, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Whatever a ledger turns into, and whichever way it was compiled."""
    before = compile_ledger(make_ledger(first))
    pins = pinned(*before.tools.values())
    now = compile_ledger(make_ledger(second), previous=before, pins=pins)
    for pin in pins:
        if (tool := now.tools.get(pin.tool)) is not None:
            assert differences(pin, tool) == []
            assert json.dumps(definition_of(tool), sort_keys=True) == json.dumps(pin.definition, sort_keys=True)
        if (tool := now.held.get(pin.tool)) is not None:
            assert differences(pin, tool)
    free = compile_ledger(make_ledger(second))
    assert {**now.tools, **now.held}.keys() == free.tools.keys()
    assert [name for name in free.tools if name in now.tools] == list(now.tools)
    straight = compile_ledger(make_ledger(second), pins=pins)
    assert (list(straight.tools), list(straight.held)) == (list(now.tools), list(now.held))
