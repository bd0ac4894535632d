"""Strict schemas: every call that fits the schema has a strict form, and it comes back as it was."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from orchestra_tools.compile import Tool, compile_ledger
from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.exports import Strict, define, to_strict
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.schema import Validator, check_schema, escape, resolve
from orchestra_tools.schema.engine import Parts
from orchestra_tools.schema.generate import Extent, Generator
from orchestra_tools.schema.limits import iter_subschemas
from tests.contract.cases import CASES
from tests.exports.schemas import closed, members

TOOLS = list(compile_ledger(packaged_ledger()).tools.values())
EXTENTS: tuple[Extent, ...] = ("required", "documented", "all")
Schema = dict[str, Any]


class Original:
    """A schema and a model that knows what it wants to call: the way out, as `restore` is the way back."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = dict(schema)
        self.parts = Parts(self.schema)

    def strict_form(self, value: Any) -> Any:
        """The arguments as a model has to write them: null for what is left out."""
        return self._walk("", self.schema, value, fill=True)

    def said(self, value: Any) -> Any:
        """The arguments without the nulls that say no more than leaving them out."""
        return self._walk("", self.schema, value, fill=False)

    def _walk(self, at: str, node: Any, value: Any, *, fill: bool) -> Any:
        if "$ref" in node:
            target = node["$ref"][1:]
            return self._walk(target, resolve(self.schema, target), value, fill=fill)
        for keyword in ("anyOf", "oneOf", "allOf"):
            for index, branch in enumerate(node.get(keyword, ())):
                if self.parts.accept(f"{at}/{keyword}/{index}", value):
                    return self._walk(f"{at}/{keyword}/{index}", branch, value, fill=fill)
        if isinstance(value, list):
            return [self._walk(f"{at}/items", node["items"], item, fill=fill) for item in value]
        if not isinstance(value, dict):
            return value
        optional = node.get("properties", {}).keys() - set(node.get("required", ()))
        kept = {name: member for name, member in value.items() if member is not None or name not in optional}
        inner = {
            name: self._walk(f"{at}/properties/{escape(name)}", node["properties"][name], member, fill=fill)
            for name, member in kept.items()
        }
        return {name: inner.get(name) for name in node.get("properties", ())} if fill else inner


def holds(schema: Mapping[str, Any], strict: Strict, arguments: Mapping[str, Any]) -> None:
    """The law, for one call."""
    original = Original(schema)
    form = original.strict_form(arguments)
    before = copy.deepcopy(form)
    assert strict.schema is not None
    assert Validator(dict(strict.schema)).accepts(form), (form, strict.schema)
    assert strict.restore(form) == original.said(arguments)
    assert form == before


def is_strict(schema: Mapping[str, Any]) -> None:
    """The published rules, read from the schema alone."""
    check_schema(schema)
    assert schema["type"] == "object"
    for pointer, node in iter_subschemas(schema):
        described = node.keys() - {"title", "description", "$defs"}
        if "$ref" in node:
            assert set(node) == {"$ref"}, pointer
            assert node["$ref"] == "#" or node["$ref"].startswith("#/$defs/")
        elif "anyOf" in node:
            assert described == {"anyOf"}, pointer
        elif node["type"] == "object":
            assert described == {"type", "properties", "required", "additionalProperties"}, pointer
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
        elif node["type"] == "array":
            assert {"type", "items"} <= described <= {"type", "items", "minItems", "maxItems"}, pointer
        else:
            assert described <= {
                "type", "enum", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
            }, pointer  # fmt: skip


def reasons(schema: Mapping[str, Any]) -> list[str]:
    strict = to_strict(schema)
    assert (strict.schema is None) == bool(strict.reasons)
    return [str(reason) for reason in strict.reasons]


TEXT = {"type": "string"}
COUNT = {"type": "integer"}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_the_law_holds_for_the_packaged_tools(tool: Tool) -> None:
    """Every real schema, or it says why not."""
    schema = define(tool).input_schema
    before = copy.deepcopy(schema)
    strict = to_strict(schema)
    assert schema == before
    for reason in strict.reasons:
        resolve(schema, reason.pointer)
    if strict.schema is None:
        return
    assert not strict.reasons
    is_strict(strict.schema)
    assert json.loads(json.dumps(strict.schema)) == strict.schema
    generator = Generator(dict(tool.input_schema))
    for extent in EXTENTS:
        holds(schema, strict, generator.generate(extent, extent=extent, also={"type": "object"}))


@pytest.mark.parametrize("name", CASES)
def test_the_law_holds_for_the_hard_cases(name: str) -> None:
    """As they are, and closed."""
    case = CASES[name]
    root = {key: value for key, value in case.schema.items() if key != "oneOf"}
    for schema in (root, closed(root)):
        strict = to_strict(schema)
        if strict.schema is not None:
            is_strict(strict.schema)
            holds(schema, strict, case.good)
    assert {name for name in CASES if reasons(closed(CASES[name].schema))} == {"root_choice", "prefix_items", "single"}


SCALARS = st.sampled_from(
    [
        TEXT,
        COUNT,
        {"type": "null"},
        {"type": "boolean"},
        {"type": "number", "minimum": -2, "exclusiveMaximum": 3, "default": 0},
        {"type": "string", "minLength": 2, "description": "Two or more.", "default": "ab"},
        {"type": "string", "format": "date"},
        {"type": "string", "format": "uri", "pattern": "^h"},
        {"type": ["string", "null"], "maxLength": 1},
        {"type": ["integer", "string"], "minimum": 1, "default": None},
        {"type": "integer", "multipleOf": 2, "maximum": 4},
        {"enum": ["a", 1, None]},
        {"enum": ["a", True, 2.5], "title": "Kind"},
        {"const": "a"},
        {"const": "b"},
        {"type": "string", "enum": ["a", "b", 3]},
        {"$ref": "#/$defs/n"},
        {"$ref": "#/$defs/n", "description": "One of those."},
        {"$ref": "#"},
    ]
)


def composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["a", "b", "kind", "a/b~c"])
    objects = st.builds(
        lambda properties, required, more: {"type": "object", "properties": properties} | more
        | {"required": sorted(set(properties) & required)},
        st.dictionaries(names, inner, max_size=3),
        st.sets(names),
        st.sampled_from([{"additionalProperties": False}] * 9 + [{}]),
    )  # fmt: skip
    arrays = st.builds(
        lambda items, more: {"type": "array", "items": items} | more,
        inner,
        st.sampled_from([{}, {"minItems": 1}, {"maxItems": 2, "uniqueItems": True}]),
    )
    choices = st.builds(
        lambda keyword, branches, more: {keyword: branches} | more,
        st.sampled_from(["anyOf", "anyOf", "oneOf"]),
        st.lists(inner, min_size=1, max_size=3),
        st.sampled_from([{}, {"description": "One of these.", "default": {}}]),
    )
    twins = st.builds(
        lambda one, other, required: {"anyOf": [members(**one), members(**other) | {"required": sorted(required)}]},
        st.fixed_dictionaries({"a": inner, "b_": inner}),
        st.fixed_dictionaries({"a": inner, "b": inner}),
        st.sets(st.sampled_from(["a", "b"])),
    )
    return st.one_of(objects, objects, arrays, choices, twins)


ROOTS = st.builds(
    lambda properties, required, node: members(**properties) | {"required": sorted(set(properties) & required)}
    | {"$defs": {"n": node}},
    st.dictionaries(st.sampled_from(["x", "y", "z"]), st.recursive(SCALARS, composed, max_leaves=8), max_size=3),
    st.sets(st.sampled_from(["x", "y", "z"])),
    st.recursive(SCALARS, composed, max_leaves=5),
)  # fmt: skip
SAMPLES = {
    "string": ["", "a", "b", "ab", "https://example.com", "2026-02-08"],
    "integer": [-1, 0, 1, 2, 4],
    "number": [0, 1.5, 2],
    "boolean": [True, False],
    "null": [None],
}


def draw_value(draw: st.DrawFn, root: Schema, node: Any, depth: int = 0) -> Any:
    """Something that is likely to fit."""
    if "$ref" in node:
        assume(depth < 12)
        return draw_value(draw, root, resolve(root, node["$ref"][1:]), depth + 1)
    if branches := node.get("anyOf", node.get("oneOf")):
        return draw_value(draw, root, draw(st.sampled_from(branches)), depth + 1)
    if listed := node.get("enum", [node["const"]] if "const" in node else None):
        return draw(st.sampled_from(listed))
    kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
    kind = draw(st.sampled_from(kinds))
    if kind == "object":
        given_ = [
            name for name in node["properties"] if name in node["required"] or (depth < 8 and draw(st.booleans()))
        ]
        return {name: draw_value(draw, root, node["properties"][name], depth + 1) for name in given_}
    if kind == "array":
        least = node.get("minItems", 0)
        size = draw(st.integers(least, max(least, 2))) if depth < 8 else least
        return [draw_value(draw, root, node["items"], depth + 1) for _ in range(size)]
    return draw(st.sampled_from(SAMPLES[kind]))


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(ROOTS, st.data())
def test_the_law_holds_for_any_schema(schema: Schema, data: st.DataObject) -> None:
    """Ours; this is where the rewrite was wrong most often."""
    try:
        check_schema(schema)
    except SchemaRefusedError:
        assume(False)
    strict = to_strict(schema)
    for reason in strict.reasons:
        resolve(schema, reason.pointer)
    assume(strict.schema is not None)
    assert strict.schema is not None
    is_strict(strict.schema)
    validator = Validator(schema)
    for _ in range(3):
        value = data.draw(st.composite(lambda draw: draw_value(draw, schema, schema))())
        if validator.accepts(value):
            holds(schema, strict, value)


def test_what_is_optional_may_be_null() -> None:
    """And what is required may not, unless it could be null before."""
    schema = members(
        plain=TEXT,
        nothing={"type": "null"},
        left_={"type": "string", "format": "date"},
        choice_={"enum": ["a", "b"], "description": "One of two."},
        list_={"type": "array", "items": COUNT, "title": "Numbers"},
        either_={"anyOf": [TEXT, COUNT]},
        both={"type": ["integer", "null"]},
        both_={"type": ["integer", "null"], "minimum": 3},
    )
    strict = to_strict(schema)
    assert strict.schema == {
        "type": "object",
        "properties": {
            "plain": {"type": "string"},
            "nothing": {"type": "null"},
            "left": {"type": ["string", "null"], "format": "date"},
            "choice": {
                "description": "One of two.",
                "anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}],
            },
            "list": {
                "title": "Numbers",
                "anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}],
            },
            "either": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            "both": {"type": ["integer", "null"], "minimum": 3},
        },
        "required": ["plain", "nothing", "left", "choice", "list", "either", "both"],
        "additionalProperties": False,
    }


def test_null_is_absence_where_absence_is_allowed_and_null_elsewhere() -> None:
    """Ours: models write null for what they have nothing to say about, also where there is a default to be kept."""
    item = members(a_=TEXT, b={"type": ["string", "null"]})
    schema = members(
        must={"type": ["string", "null"]},
        may_={"type": ["string", "null"]},
        default_={"type": ["integer", "null"], "default": 300},
        items_={"type": "array", "items": {"anyOf": [item, {"type": "null"}]}},
    )
    strict = to_strict(schema)
    written = {"must": None, "may": None, "default": None, "items": [None, {"a": None, "b": None}]}
    assert strict.restore(written) == {"must": None, "items": [None, {"b": None}]}
    assert strict.restore({"must": None, "may": None, "default": 1, "items": None}) == {"must": None, "default": 1}


def test_dropped_constraints_stand_in_the_description() -> None:
    """What the model can no longer be held to it can still read; a list of values says it all by itself."""
    schema = members(
        name={"type": "string", "description": "Who.", "minLength": 1, "pattern": "^[a-z]+$", "format": "uri"},
        tags={"type": "array", "items": TEXT, "uniqueItems": True, "minItems": 2, "default": []},
        count_={**COUNT, "default": 0, "exclusiveMinimum": -1},
        flag_={"type": "boolean", "default": False},
        long={"type": "string", "default": "x" * 201, "examples": ["a"], "deprecated": True},
        either={"anyOf": [TEXT, COUNT], "minimum": 2},
    )
    strict = to_strict(schema)
    assert strict.schema is not None
    assert strict.schema["properties"] == {
        "name": {"type": "string", "description": 'Who. (format: "uri"; pattern: "^[a-z]+$"; minLength: 1)'},
        "tags": {
            "type": "array",
            "minItems": 2,
            "items": {"type": "string"},
            "description": "(default: []; uniqueItems: true)",
        },
        "count": {"type": ["integer", "null"], "exclusiveMinimum": -1, "description": "(default: 0)"},
        "flag": {"type": ["boolean", "null"], "description": "(default: false)"},
        "long": {"type": "string"},
        "either": {"description": "(minimum: 2)", "anyOf": [{"type": "string"}, {"type": "integer"}]},
    }


def test_references_lead_to_definitions_with_plain_names() -> None:
    """OpenAI follows references to the root and to definitions only, and wants them to stand alone."""
    schema = members(
        a={"$ref": "#/$defs/node"},
        b_={"$ref": "#/$defs/node", "description": "Another."},
        c={"$ref": "#/properties/d"},
        d=members(again_={"$ref": "#"}),
        e={"$ref": "#/$defs/no~1de%20"},
    ) | {
        "$defs": {
            "node": members(children={"type": "array", "items": {"$ref": "#/$defs/node"}}),
            "no/de ": TEXT,
            "unused": {"not": {}},
        }
    }
    strict = to_strict(schema)
    assert strict.schema is not None
    is_strict(strict.schema)
    properties = strict.schema["properties"]
    assert properties["a"] == {"$ref": "#/$defs/node"}
    assert properties["b"] == {"description": "Another.", "anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
    assert properties["c"] == {"$ref": "#/$defs/d"}
    assert properties["d"]["properties"]["again"] == {"anyOf": [{"$ref": "#"}, {"type": "null"}]}
    assert properties["e"] == {"$ref": "#/$defs/no_de_"}
    assert list(strict.schema["$defs"]) == ["node", "d", "no_de_"]


def test_definitions_of_one_name_stay_two() -> None:
    schema = members(a={"$ref": "#/$defs/x y"}, b={"$ref": "#/$defs/x-y"}, c={"$ref": "#/$defs/x_y"})
    schema["$defs"] = {"x y": TEXT, "x-y": COUNT, "x_y": {"type": "boolean"}}
    strict = to_strict(json.loads(json.dumps(schema).replace("defs/x y", "defs/x%20y")))
    assert strict.schema is not None
    found = [strict.schema["$defs"][strict.schema["properties"][name]["$ref"][8:]]["type"] for name in "abc"]
    assert found == ["string", "integer", "boolean"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object"}, ["(root): takes members it does not name"]),
        (members(a={"type": "object"}), ["/properties/a: takes members it does not name"]),
        (members(a=members() | {"additionalProperties": TEXT}), ["/properties/a: takes members it does not name"]),
        (members(a={}), ["/properties/a: does not say of what type it is"]),
        (members(a=True), ["/properties/a: does not say of what type it is"]),
        (members(a={"description": "Anything."}), ["/properties/a: does not say of what type it is"]),
        (members(a={"type": "array"}), ["/properties/a/items: does not say of what type it is"]),
        (members(a={"type": "string", "enum": [1]}), ["/properties/a: is a list of values of which none fits"]),
        (members(a={"enum": [{"b": 1}]}), ["/properties/a: lists objects or arrays as values"]),
        (members(a={**TEXT, "not": {"const": "b"}}), ["/properties/a/not: not has no strict form"]),
        (members(a={**TEXT, "if": {}, "then": {}}), ["/properties/a/if: if has no strict form"]),
        (members(a={"allOf": [TEXT, TEXT]}), ["/properties/a/allOf: several schemas at once have no strict form"]),
        (members(a={"anyOf": [TEXT], "oneOf": [TEXT]}), ["/properties/a: has rules beside its alternatives"]),
        (members(a={"anyOf": [TEXT], "enum": ["b"]}), ["/properties/a: has rules beside its alternatives"]),
        (members(a=TEXT) | {"patternProperties": {}}, ["/patternProperties: patternProperties has no strict form"]),
        (members(a=TEXT) | {"anyOf": [{"required": ["a"]}]}, ["(root): is not plainly an object"]),
        ({"type": "string", "additionalProperties": False}, ["(root): is not plainly an object"]),
        (
            members(a={"$ref": "#/$defs/x"}) | {"$defs": {"x": {"anyOf": [TEXT, {"$ref": "#/$defs/x"}]}}},
            ["/$defs/x: refers to itself before it says anything"],
        ),
        (
            members(a={"type": "array", "prefixItems": [TEXT]}, b={}, c={}),
            [
                "/properties/a/prefixItems: prefixItems has no strict form",
                "/properties/a/items: does not say of what type it is",
                "/properties/b: does not say of what type it is",
                "/properties/c: does not say of what type it is",
            ],
        ),
    ],
)
def test_what_has_no_strict_form_says_where_and_why(schema: Schema, expected: list[str]) -> None:
    """All of it, not the first only."""
    check_schema(schema)
    assert [reason.split(" (set")[0] for reason in reasons(schema)] == expected
    arguments = {"a": None}
    assert to_strict(schema).restore(arguments) is arguments


def test_a_single_alternative_is_what_it_is() -> None:
    """`allOf` with one schema is how OpenAPI 3.0 puts words beside a reference."""
    schema = members(a={"allOf": [{"$ref": "#/$defs/x"}], "description": "It."}, b={"oneOf": [TEXT]})
    strict = to_strict(schema | {"$defs": {"x": TEXT}})
    assert strict.schema is not None
    assert strict.schema["properties"] == {
        "a": {"description": "It.", "anyOf": [{"$ref": "#/$defs/x"}]},
        "b": {"type": "string"},
    }


def test_every_value_of_a_list_keeps_its_type() -> None:
    """The API holds each listed value against the type beside it, and refuses the request where it does not fit."""
    listed = {"enum": ["a", 1, 2.5, None, True]}
    strict = to_strict(
        members(a=listed, b={"type": ["number", "string"], **listed}, c={"const": 4.0}, d={"const": None})
    )
    assert strict.schema is not None
    number = {"type": "number", "enum": [1, 2.5]}
    assert strict.schema["properties"] == {
        "a": {
            "anyOf": [
                {"type": "string", "enum": ["a"]},
                {"type": "integer", "enum": [1]},
                {"type": "number", "enum": [1, 2.5]},
                {"type": "boolean", "enum": [True]},
                {"type": "null"},
            ]
        },
        "b": {"anyOf": [number, {"type": "string", "enum": ["a"]}]},
        "c": {"type": "integer", "enum": [4.0]},
        "d": {"type": "null"},
    }


A = {"const": "a"}
B = {"const": "b"}


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (members(x=TEXT), members(x=TEXT, y_=TEXT), True),
        (members(x=A, y_=TEXT), members(x=B, y_=TEXT), True),
        (members(x=COUNT, y_=TEXT), members(x=TEXT, y=TEXT), True),
        (members(x=COUNT, y_=TEXT), members(x={"type": "number"}, y=TEXT), False),
        (members(x_=A), members(x_=B), False),
        (members(x_=TEXT), members(x={"type": ["string", "null"]}), False),
        (members(x={"enum": [1]}, y_=TEXT), members(x={"enum": [True]}, y=TEXT), True),
        (members(x={"enum": [1]}, y_=TEXT), members(x={"enum": [1.0]}, y=TEXT), False),
        (members(x={"anyOf": [A, B]}, y_=TEXT), members(x={"enum": ["c", "d"]}, y=TEXT), True),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": members(x_=TEXT)}, True),
        ({"type": "array", "items": members(x_=A)}, {"type": "array", "items": members(x=TEXT)}, False),
        ({"$ref": "#/$defs/n"}, {"$ref": "#/$defs/m"}, False),
        ({"$ref": "#/$defs/o"}, {"$ref": "#/$defs/o"}, True),
        ({"$ref": "#/$defs/twice"}, TEXT, True),
        (TEXT, members(x_=TEXT), True),
        (TEXT, TEXT, True),
    ],
)
def test_alternatives_have_to_be_told_apart(one: Schema, other: Schema, *, apart: bool) -> None:
    """Else nobody knows which of them a null is for. Where that is not sure there is no strict form."""
    schema = members(a={"anyOf": [one, other]}) | {
        "$defs": {
            "n": {"type": "array", "items": {"$ref": "#/$defs/m"}},
            "m": {"type": "array", "items": {"$ref": "#/$defs/n"}},
            "o": members(x_=TEXT),
            "twice": {"anyOf": [{"$ref": "#/$defs/o"}, {"$ref": "#/$defs/o"}]},
        }
    }
    check_schema(schema)
    problem = "/properties/a: has alternatives that look alike once null stands for what is left out"
    assert reasons(schema) == ([] if apart else [problem])


def test_a_value_is_restored_as_the_alternative_it_fits() -> None:
    """Which may be any, with different members left out; a discriminated union of OpenAPI is one."""
    one = members(kind={"const": "one"}, limit_=COUNT, near={"type": ["string", "null"]})
    two = members(kind={"const": "two"}, limit={"type": ["integer", "null"]}, near_=TEXT)
    schema = members(by={"oneOf": [one, two, {"type": "array", "items": one}]}) | {"$defs": {}}
    strict = to_strict(schema)
    one_written, two_written = ({"kind": kind, "limit": None, "near": None} for kind in ("one", "two"))
    assert strict.restore({"by": one_written}) == {"by": {"kind": "one", "near": None}}
    assert strict.restore({"by": two_written}) == {"by": {"kind": "two", "limit": None}}
    assert strict.restore({"by": [one_written, one_written]}) == {"by": [{"kind": "one", "near": None}] * 2}


@pytest.mark.parametrize(
    ("written", "restored"),
    [
        ({}, {}),
        ({"a": None, "b": None}, {"b": None}),
        ({"a": 1, "bogus": None}, {"a": 1, "bogus": None}),
        ({"c": {"x": None, "bogus": 1}}, {"c": {"bogus": 1}}),
        ({"c": [{"y": None}, {"y": 3, "x": None}, 7]}, {"c": [{}, {"y": 3, "x": None}, 7]}),
        ({"c": {"nothing": "known"}}, {"c": {"nothing": "known"}}),
        ({"d": [None, {"a": None}]}, {"d": [None, {"a": None}]}),
        ({"c": {"x": {1, 2}}}, {"c": {"x": {1, 2}}}),
        ([None], [None]),
        ("text", "text"),
        (None, None),
    ],
)
def test_what_fits_no_schema_comes_back_for_validation(written: Any, restored: Any) -> None:
    """Servers that say they are strict are not always. Nothing raises, and nothing is lost but nulls."""
    schema = members(
        a_=TEXT, b=TEXT, c_={"anyOf": [members(x_=TEXT), {"type": "array", "items": members(y_=TEXT)}]}, d_=TEXT
    )
    assert to_strict(schema).restore(written) == restored


def test_deep_arguments_come_back_as_they_are() -> None:
    """They are refused when called, and must not fill the stack before."""
    schema = members(a_={"$ref": "#"})
    arguments: dict[str, Any] = {}
    for _ in range(5_000):
        arguments = {"a": arguments}
    assert to_strict(schema).restore(arguments) is arguments


def test_recursion_does_not_multiply_the_work() -> None:
    """A choice on each of many levels, and a value that fits none of them."""
    tree = members(l_={"$ref": "#/$defs/tree"}, r_={"$ref": "#/$defs/tree"}, v=COUNT)
    schema = members(tree={"$ref": "#/$defs/tree"}) | {
        "$defs": {"tree": {"anyOf": [tree, members(l={"$ref": "#/$defs/tree"}), {"type": "array", "items": tree}]}}
    }
    value: Any = {"l": None, "r": None, "v": "wrong"}
    for _ in range(40):
        value = {"l": value, "r": None, "v": 1}
    restored = to_strict(schema).restore({"tree": value})
    assert "r" not in json.dumps(restored).replace("tree", "").replace("wrong", "")


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (members(**{f"p{number}": TEXT for number in range(5_001)}), "has more than 5,000 properties"),
        (members(a={"enum": [f"v{number}" for number in range(1_001)]}), "lists more than 1,000 values"),
        (
            members(a={"enum": [f"{'v' * 60}{number}" for number in range(251)]}),
            "has a list of more than 250 values with more than 15,000 characters",
        ),
        (
            members(**{f"{'p' * 120_001}": TEXT}),
            "has more than 120,000 characters of names and listed values",
        ),
    ],
)
def test_the_published_limits_are_kept(schema: Schema, problem: str) -> None:
    """OpenAI's; one schema beyond them fails the whole request."""
    assert reasons(schema) == [f"(root): {problem}"]


def test_objects_are_nested_ten_levels_deep_at_most() -> None:
    """Counted as the API does: lists and choices are no levels, and references are not followed."""
    schema = TEXT
    for _ in range(10):
        schema = members(a_={"type": "array", "items": {"anyOf": [schema, COUNT]}})
    assert reasons(schema) == []
    assert reasons(members(a=schema)) == ["(root): nests objects deeper than 10 levels"]
    assert reasons(members(a={"$ref": "#/$defs/x"}) | {"$defs": {"x": schema}}) == []
