"""A field inside a schema, by the names that people use."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.compile import ABSENT
from orchestra_tools.errors import ProposalRefusedError, SchemaRefusedError
from orchestra_tools.governance.paths import ITEMS
from orchestra_tools.governance.schema_fields import (
    expand_field,
    is_required,
    plain_formats,
    read_field,
    same_schema,
    write_field,
)
from orchestra_tools.schema import check_schema, expand

TEXT = {"type": "string"}


def read(form: Any, *steps: Any) -> Any:
    return read_field(form, steps, "output_schema")


def write(form: Any, *steps: Any, new: Any) -> Any:
    return write_field(form, steps, new, "output_schema")


def test_what_is_missing_on_the_way_is_made_an_open_object() -> None:
    changed = write({"type": "object", "properties": {}}, "metadata", "tags", ITEMS, "name", new=TEXT)

    assert changed["properties"] == {
        "metadata": {
            "type": "object",
            "properties": {
                "tags": {"type": "array", "items": {"type": "object", "properties": {"name": TEXT}}},
            },
        }
    }


def test_a_schema_that_nobody_documented_begins_as_an_open_object() -> None:
    assert write(None, "a", new=TEXT) == {"type": "object", "properties": {"a": TEXT}}
    assert read(None, "a") is read(ABSENT) is ABSENT


def test_a_node_that_is_there_gets_no_type_it_did_not_have() -> None:
    form = {"type": "object", "properties": {"a": {"properties": {"b": TEXT}}}}

    assert write(form, "a", "c", new=TEXT)["properties"]["a"] == {"properties": {"b": TEXT, "c": TEXT}}
    assert write({"type": "object", "properties": {"a": True}}, "a", "c", new=TEXT)["properties"]["a"] == {
        "properties": {"c": TEXT}
    }


def test_a_field_of_something_that_may_be_null_is_found_behind_the_choice() -> None:
    form = {
        "type": "object",
        "properties": {"rows": {"anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "null"}]}},
    }

    changed = write(form, "rows", ITEMS, "title", new=TEXT)

    assert changed["properties"]["rows"]["anyOf"] == [
        {"type": "array", "items": {"type": "object", "properties": {"title": TEXT}}},
        {"type": "null"},
    ]
    assert read(changed, "rows", ITEMS, "title") == TEXT
    assert read(changed, "rows", "title") is ABSENT


def test_conditions_beside_an_object_are_no_choice_of_where_its_properties_stand() -> None:
    form = {"type": "object", "properties": {}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}

    assert write(form, "a", new=TEXT)["properties"] == {"a": TEXT}
    both = {"allOf": [{"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}]}
    assert read(both, "b") == TEXT
    assert write(both, "b", new={"type": "integer"})["allOf"][1]["properties"]["b"] == {"type": "integer"}


@pytest.mark.parametrize(
    ("form", "steps", "why"),
    [
        ({"anyOf": [{"type": "object"}, {"type": "object"}]}, ("a",), "several alternatives"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ("a",), "another type"),
        ({"type": "object", "properties": {"a": TEXT}}, ("a", "b"), "another type"),
        ({"type": "object", "properties": {"a": False}}, ("a", "b"), "nothing is allowed"),
        ({"type": "object", "properties": {"a": TEXT}}, ("a", ITEMS), "another type"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}, ("a", "b"), "leads nowhere"),
    ],
)
def test_where_a_field_cannot_stand_is_said(form: Any, steps: tuple[Any, ...], why: str) -> None:
    with pytest.raises(ProposalRefusedError, match=why):
        write(form, *steps, new=TEXT)


def test_references_in_a_circle_are_refused() -> None:
    circle = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    doubling = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}

    with pytest.raises(ProposalRefusedError, match="circle"):
        write(circle, "x", new=TEXT)
    with pytest.raises(ProposalRefusedError, match="too many alternatives"):
        read(doubling, "x")


def test_a_shared_definition_is_copied_so_its_other_users_stay_as_they_are() -> None:
    page = {"type": "object", "properties": {"url": TEXT}}
    form = {
        "type": "object",
        "properties": {
            "best": {"$ref": "#/$defs/Page"},
            "others": {"type": "array", "items": {"$ref": "#/$defs/Page"}},
        },
        "$defs": {"Page": page},
    }
    before = copy.deepcopy(form)

    changed = write(form, "best", "title", new=TEXT)

    assert form == before
    assert changed["$defs"] == {"Page": page}
    assert changed["properties"]["others"] == before["properties"]["others"]
    assert changed["properties"]["best"] == {"type": "object", "properties": {"url": TEXT, "title": TEXT}}
    assert read(changed, "others", ITEMS, "url") == TEXT
    check_schema(changed)


def test_a_definition_that_nothing_refers_to_any_more_goes() -> None:
    form = {"type": "object", "properties": {"best": {"$ref": "#/$defs/Page"}}, "$defs": {"Page": {"type": "object"}}}

    assert "$defs" not in write(form, "best", "title", new=TEXT)
    unused = form | {"$defs": {**form["$defs"], "Never": TEXT}}  # type: ignore[dict-item]  # a schema like the others
    assert write(unused, "best", "title", new=TEXT)["$defs"] == {"Never": TEXT}


def test_what_stands_beside_a_reference_is_kept_unless_it_contradicts_it() -> None:
    form = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A", "description": "The first."}},
        "$defs": {"A": {"type": "object"}},
    }

    assert write(form, "a", "b", new=TEXT)["properties"]["a"]["description"] == "The first."
    form["properties"]["a"]["type"] = ["object", "null"]  # type: ignore[index]  # a schema
    with pytest.raises(ProposalRefusedError, match="has more beside it"):
        write(form, "a", "b", new=TEXT)


def test_definitions_of_the_new_field_come_with_it() -> None:
    form = {"type": "object", "properties": {}}
    new = {"type": "array", "items": {"$ref": "#/$defs/Hit"}, "$defs": {"Hit": TEXT}}

    changed = write(form, "hits", new=new)

    assert changed["$defs"] == {"Hit": TEXT}
    assert "$defs" not in changed["properties"]["hits"]
    check_schema(changed)
    with pytest.raises(ProposalRefusedError, match="another definition 'Hit'"):
        write(changed, "more", new={"$ref": "#/$defs/Hit", "$defs": {"Hit": {"type": "integer"}}})


def test_shorthand_stays_shorthand_where_it_can_say_the_change() -> None:
    form = {"results": {"type": "array", "items": "SearchResult"}, "total_found": {"type": "integer"}}

    assert write(form, "metadata", "at", new=TEXT) == {
        **form,
        "metadata": {"type": "object", "properties": {"at": TEXT}},
    }
    assert write(form, "total_found", new=None) == {"results": form["results"]}
    assert write(form, "title", new={"type": "string", "required": True})["title"] == {
        "type": "string",
        "required": True,
    }
    samples = {"competitors": [{"name": "str"}]}
    changed = write(samples, "competitors", ITEMS, "price", new="float")
    assert expand(changed)["properties"]["competitors"]["items"]["properties"]["price"] == {"type": "number"}


def test_whether_a_property_is_required_changes_only_where_it_is_said() -> None:
    form = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]}
    number = {"type": "integer"}

    assert write(form, "a", new=number)["required"] == ["a", "b"]
    assert write(form, "a", new={**number, "required": False})["required"] == ["b"]
    assert write(form, "c", new={**number, "required": True})["required"] == ["a", "b", "c"]
    assert write(form, "a", new=None)["required"] == ["b"]
    assert is_required(form, ("a",), "output_schema")
    assert not is_required(form, ("c",), "output_schema")
    assert not is_required(None, ("a",), "output_schema")
    assert not is_required({"type": "object"}, ("a", "b"), "output_schema")


def test_a_changed_property_keeps_its_place() -> None:
    form = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}

    assert list(write(form, "a", new={"type": "integer"})["properties"]) == ["a", "b"]


def test_items_are_set_and_taken_out() -> None:
    form = {"type": "array"}

    assert write(form, ITEMS, new=TEXT) == {"type": "array", "items": TEXT}
    assert write(write(form, ITEMS, new=TEXT), ITEMS, new=None) == form
    assert write(form, ITEMS, new=None) == form


def test_a_pointer_reaches_what_dots_cannot() -> None:
    form = {"anyOf": [TEXT, {"type": "object", "additionalProperties": False}]}
    steps = ("anyOf", "1", "additionalProperties")

    assert read_field(form, steps, "f", exact=True) is False
    assert write_field(form, steps, True, "f", exact=True)["anyOf"][1]["additionalProperties"] is True
    assert write_field(form, steps, None, "f", exact=True)["anyOf"][1] == {"type": "object"}
    with pytest.raises(ProposalRefusedError, match="no parts"):
        write_field(form, ("anyOf", "7"), TEXT, "f", exact=True)


def test_formats_get_the_word_that_json_schema_has() -> None:
    form = {
        "type": "object",
        "properties": {"at": {"type": "string", "format": "iso8601"}, "format": {"enum": ["iso8601"]}},
    }

    assert plain_formats(form)["properties"]["at"] == {"type": "string", "format": "date-time"}
    assert plain_formats(form)["properties"]["format"] == {"enum": ["iso8601"]}
    assert plain_formats([{"type": "string", "format": "ISO8601"}]) == [{"type": "string", "format": "date-time"}]


def test_a_field_as_people_write_it() -> None:
    assert expand_field("str") == (TEXT, None, {})
    assert expand_field({"type": "string", "required": True}) == (TEXT, True, {})
    assert expand_field("Result") == (
        {"$ref": "#/$defs/Result"},
        None,
        {"Result": {"title": "Result", "type": "object"}},
    )
    with pytest.raises(SchemaRefusedError):
        expand_field(7)


def test_order_makes_no_other_schema() -> None:
    one = {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": ["string", "null"]}}}
    other = {"properties": {"a": {"type": ["null", "string"]}}, "required": ["b", "a"], "type": "object"}

    assert same_schema(one, other)
    assert same_schema(one | {"required": []}, {key: one[key] for key in ("type", "properties")})
    assert not same_schema(one, None)
    assert same_schema(None, None)
    assert same_schema(
        {"a": {"type": "string", "required": True}}, {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}
    )


_STEPS = st.lists(st.sampled_from(["a", "b", "c.d", "", "properties", "items", ITEMS]), min_size=1, max_size=6)


@settings(deadline=None)
@given(
    writes=st.lists(
        st.tuples(_STEPS, st.sampled_from([TEXT, {"type": "integer"}, {"type": "object"}, True])), max_size=6
    )
)
def test_what_is_written_is_read_and_stays_a_schema(writes: list[tuple[list[Any], Any]]) -> None:
    form: Any = {"type": "object"}
    for steps, new in writes:
        try:
            form = write(form, *steps, new=new)
        except ProposalRefusedError:
            continue
        assert read(form, *steps) == new
        check_schema(form)
        gone = write(form, *steps, new=None)
        assert read(gone, *steps) is ABSENT
        check_schema(gone)
