# ruff: noqa: E501 - a table of schemas is read line by line
"""The generator: whatever it returns fits, it is repeatable, and it always comes back."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import Validator
from orchestra_tools.schema.generate import generate

SATISFIABLE = {
    "anything": {},
    "true": True,
    "recursive_ref": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"next": {"$ref": "#/$defs/node"}, "children": {"type": "array", "items": {"$ref": "#"}}},
                "required": ["children"],
            }
        },
    },
    "recursion_that_must_choose": {
        "$defs": {
            "e": {
                "anyOf": [
                    {"type": "object", "properties": {"l": {"$ref": "#/$defs/e"}, "r": {"$ref": "#/$defs/e"}}, "required": ["l", "r"]},
                    {"type": "number"},
                ]
            }
        },
        "$ref": "#/$defs/e",
    },
    "mutual_recursion": {
        "$defs": {
            name: {"type": "object", "properties": {other: {"$ref": f"#/$defs/{other}"} for other in "abcdefgh"}}
            for name in "abcdefgh"
        },
        "$ref": "#/$defs/a",
    },
    "ref_with_siblings": {
        "$defs": {"s": {"type": "string", "minLength": 3}},
        "properties": {"x": {"$ref": "#/$defs/s", "maxLength": 4, "description": "d"}},
        "required": ["x"],
    },
    "ref_to_property": {"properties": {"a": {"type": "integer"}, "b": {"$ref": "#/properties/a"}}, "required": ["b"]},
    "escaped_ref": {"$defs": {"a/b~c %": {"const": 7}}, "$ref": "#/$defs/a~1b~0c%20%25"},
    "ref_through_itself": {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "string"}]}}, "$ref": "#/$defs/a"},
    "one_of_overlapping": {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 5}]},
    "one_of_by_constant": {
        "type": "object",
        "oneOf": [
            {"properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind", "n"]},
            {"properties": {"kind": {"const": "b"}, "s": {"type": "string"}}, "required": ["kind", "s"]},
        ],
    },
    "any_of_all_of": {"allOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}]},
    "all_of_objects": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]},
            {"type": "object", "properties": {"a": {"maximum": 3}, "b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "if_then_else": {
        "type": "object",
        "properties": {"country": {"enum": ["US", "NL"]}, "code": {"type": "string"}},
        "required": ["country", "code"],
        "if": {"properties": {"country": {"const": "US"}}},
        "then": {"properties": {"code": {"pattern": "^[0-9]{5}(-[0-9]{4})?$"}}},
        "else": {"properties": {"code": {"pattern": "^[0-9]{4} [A-Z]{2}$"}}},
    },
    "if_else_only": {"type": "integer", "if": {"minimum": 10}, "then": False, "else": {"maximum": 4}},
    "not_type": {"not": {"type": ["string", "object"]}},
    "not_const": {"type": "boolean", "not": {"const": True}},
    "not_enum": {"enum": ["a", "b", None], "not": {"enum": ["a", None]}},
    "not_required": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "not": {"required": ["a"]}},
    "not_any_of": {"type": "integer", "not": {"anyOf": [{"minimum": 10}, {"maximum": 5}]}},
    "not_properties": {"type": "object", "not": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}},
    "not_not": {"not": {"not": {"type": "integer"}}},
    "not_unique": {"type": "array", "not": {"uniqueItems": True}},
    "not_integer_number": {"type": "number", "not": {"type": "integer"}},
    "not_ref": {"$defs": {"s": {"type": "string"}}, "not": {"$ref": "#/$defs/s"}},
    "dependent_required": {
        "type": "object",
        "properties": {"card": {"type": "string"}},
        "required": ["card"],
        "dependentRequired": {"card": ["address"], "address": ["zip"]},
    },
    "dependent_schemas": {
        "type": "object",
        "properties": {"card": {"type": "string"}},
        "required": ["card"],
        "dependentSchemas": {"card": {"properties": {"cvc": {"type": "integer"}}, "required": ["cvc"]}},
    },
    "const_null": {"const": None},
    "enum_null": {"enum": [None]},
    "enum_mixed": {"enum": [None, 1, "x", {"a": [1]}]},
    "const_object": {"type": "object", "properties": {"a": {"const": {"b": [1, 2.5, None]}}}, "required": ["a"]},
    "type_list": {"type": ["null", "integer"]},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 90}, "minContains": 2, "maxContains": 2, "minItems": 4},
    "two_contains": {"contains": {"const": 1}, "allOf": [{"contains": {"const": "x"}}], "type": "array"},
    "unique_booleans": {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 2},
    "unique_enum": {"type": "array", "items": {"enum": ["a", "b", "c", "d"]}, "uniqueItems": True, "minItems": 4},
    "unique_objects": {
        "type": "array",
        "items": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["n"]},
        "uniqueItems": True,
        "minItems": 6,
    },
    "many_items": {"type": "array", "items": {"type": "integer"}, "minItems": 2000, "uniqueItems": False},
    "pattern_properties": {
        "type": "object",
        "patternProperties": {"^x-[a-z]+$": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 3,
    },
    "pattern_and_named": {"properties": {"x-a": {"minimum": 5}}, "patternProperties": {"^x-": {"type": "integer", "maximum": 6}}, "required": ["x-a"]},
    "property_names": {"type": "object", "propertyNames": {"pattern": "^[A-Z]{3}$"}, "minProperties": 4, "additionalProperties": {"type": "number"}},
    "property_names_enum": {"type": "object", "propertyNames": {"enum": ["a", "b"]}, "minProperties": 2},
    "additional_false": {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
    "additional_schema": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}, "minProperties": 7},
    "max_properties": {"type": "object", "properties": {name: {"type": "string"} for name in "abcdef"}, "required": ["f"], "maxProperties": 2},
    "required_without_schema": {"type": "object", "required": ["a", "b c", "ü/~"]},
    "required_by_additional": {"type": "object", "required": ["a"], "additionalProperties": {"type": "integer"}},
    "unevaluated": {"allOf": [{"properties": {"a": {"type": "string"}}}], "properties": {"b": {}}, "unevaluatedProperties": False, "type": "object"},
    "impossible_optional": {"type": "object", "properties": {"a": False, "b": {"not": {}}, "c": {"type": "integer"}}},
    "untyped_escape": {"properties": {"a": False}, "required": ["a"]},
    "exclusive": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "tight_float": {"type": "number", "minimum": 1.25, "maximum": 1.25},
    "tight_integer": {"type": "integer", "exclusiveMinimum": -8, "exclusiveMaximum": -6},
    "integer_between_floats": {"type": "integer", "minimum": 2.2, "maximum": 3.9},
    "multiple_of": {"type": "integer", "multipleOf": 7, "minimum": 50, "maximum": 60},
    "multiple_of_float": {"type": "number", "multipleOf": 0.01, "minimum": 0.02, "maximum": 0.04},
    "two_multiples": {"allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "type": "integer", "minimum": 1},
    "huge_integer": {"type": "integer", "minimum": 10**30},
    "negative_only": {"type": "number", "maximum": -1e300},
    "length": {"type": "string", "minLength": 300, "maxLength": 310},
    "one_character": {"type": "string", "maxLength": 1, "minLength": 1},
    "empty_string": {"type": "string", "maxLength": 0},
    "pattern": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*[a-z0-9]$", "maxLength": 8},
    "pattern_long": {"type": "string", "pattern": "^[a-z]+$", "minLength": 120, "maxLength": 121},
    "pattern_unanchored": {"type": "string", "pattern": "foo", "minLength": 50},
    "pattern_lookahead": {"type": "string", "pattern": r"^(?=.*\d)(?=.*[a-z]).{8,}$"},
    "pattern_unicode": {"type": "string", "pattern": r"^\p{Lu}\p{L}+$"},
    "pattern_hex": {"type": "string", "pattern": "^0x[0-9a-fA-F]{64}$"},
    "two_patterns": {"type": "string", "allOf": [{"pattern": "^a"}, {"pattern": "^[a-z]{4}$"}]},
    "base64": {"type": "string", "contentEncoding": "base64", "minLength": 12},
    "binary": {"type": "string", "format": "binary"},
    "unicode_names": {"type": "object", "properties": {"größe": {"type": "number"}, "名前": {"type": "string"}, "🙂": {"type": "null"}}, "required": ["名前", "🙂"]},
    "a_hundred": {"type": "object", "properties": {f"p{n}": {"type": ["string", "integer"][n % 2]} for n in range(100)}, "required": [f"p{n}" for n in range(100)]},
    "default_that_lies": {"type": "object", "properties": {"a": {"type": "integer", "default": "x", "examples": ["y"]}}, "required": ["a"]},
    "no_type_at_all": {"properties": {"a": {"minimum": 3}, "b": {"minLength": 2}, "c": {"items": {"const": 1}, "minItems": 1}}, "required": ["a", "b", "c"]},
    "with_id": {"$id": "https://example.com/s", "$schema": "https://json-schema.org/draft/2020-12/schema", "oneOf": [{"$ref": "#/$defs/x"}, False], "$defs": {"x": {"const": 1}}},
}  # fmt: skip
FORMAT_LIST = """date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri iri-reference
uri-template uuid regex json-pointer relative-json-pointer something-of-their-own"""
FORMATS = FORMAT_LIST.split()
SATISFIABLE |= {f"format_{name}": {"type": "string", "format": name} for name in FORMATS}
SATISFIABLE |= {
    f"long_{name}": {"type": "string", "format": name, "minLength": 90}
    for name in ("uri", "email", "hostname", "regex")
}

IMPOSSIBLE = {
    "false": (False, ""),
    "not_anything": ({"type": "object", "properties": {"a": {"not": {}}}, "required": ["a"]}, "/properties/a"),
    "contradiction": ({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 5, "maximum": 3}}}, "/properties/n"),
    "empty_enum": ({"allOf": [{"const": 1}, {"const": 2}]}, ""),
    "endless": ({"$defs": {"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]}}, "$ref": "#/$defs/a"}, None),
    "doubling": (
        {
            "$defs": {f"d{n}": {"type": "object", "properties": {x: {"$ref": f"#/$defs/d{n + 1}"} for x in "ab"}, "required": ["a", "b"]} for n in range(30)}
            | {"d30": {"type": "string"}},
            "$ref": "#/$defs/d0",
        },
        None,
    ),
    "too_many_unique": ({"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3}, None),
    "absurd_length": ({"type": "string", "minLength": 10**12}, ""),
    "absurd_pattern": ({"type": "string", "pattern": "^(?:a{1000}){1000}$"}, "/pattern"),
}  # fmt: skip


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("schema", SATISFIABLE.values(), ids=SATISFIABLE)
def test_a_schema_with_values_gets_one_that_fits(schema, full):
    """Ours."""
    value = generate(schema, seed="x", full=full)
    assert Validator(schema if isinstance(schema, dict) else {}).accepts(value)
    assert generate(schema, seed="x", full=full) == value


@pytest.mark.slow
@pytest.mark.parametrize(("schema", "pointer"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_schema_without_values_is_refused_soon_with_the_place(schema, pointer):
    """Ours: bounded work, and the fault says where it gave up."""
    with pytest.raises(SchemaRefusedError) as caught:
        generate(schema)
    if pointer is not None:
        assert caught.value.faults[0].pointer == pointer


def test_only_what_is_required_is_made_when_asked():
    """Ours."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]}
    assert generate(schema, full=False).keys() == {"b"}
    assert generate(schema, full=True).keys() == {"a", "b"}


def test_names_and_formats_make_recognisable_values():
    """Ours: a reader of a sandbox answer sees what each field means."""
    names = ("hotkey", "created_at", "source_url", "email", "title", "sha256", "agent_id")
    value = generate({"type": "object", "properties": {name: {"type": "string"} for name in names}}, seed="s")
    assert value["hotkey"].startswith("5")
    assert len(value["hotkey"]) == 48
    assert value["created_at"].startswith("2026-")
    assert value["source_url"].startswith("https://")
    assert value["email"].endswith("@example.com")
    assert " " in value["title"]
    assert len(value["sha256"]) == 64
    assert value["agent_id"].count("-") == 4


def test_seeds_decide_between_values():
    """Ours."""
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "price": {"type": "number"}}}
    assert len({str(generate(schema, seed=str(number))) for number in range(8)}) > 4


def test_a_hint_is_used_where_it_fits_and_only_there():
    """Ours."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "n": {"type": "integer", "maximum": 9}}}
    value = generate(schema, hint=lambda name, schema, random: {"city": "Lisbon", "n": 500}.get(name))
    assert value["city"] == "Lisbon"
    assert value["n"] <= 9


def test_every_process_makes_the_same_value():
    """Ours: nothing depends on the order of sets or on hash seeds."""
    code = (
        "from orchestra_tools.schema.generate import generate;"
        "print(generate({'type':'object','properties':{'a':{'pattern':'^[^x]{9}[a-z]+$'},'b':{'type':'string'}},"
        "'additionalProperties':{'type':'integer'}},seed='s'))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


NAMES = st.sampled_from(["a", "b", "c", "url", "price", "größe", "$x", "a/b"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-50, 50) | st.floats(-10, 10) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=4,
)
PATTERNS = st.sampled_from(["^a", "b$", "^[a-c]{2,5}$", r"^\d+$", "x?", "^(foo|bar)+$"])


@st.composite
def leaf_schemas(draw):
    kind = draw(st.sampled_from(["string", "number", "integer", "enum", "bare"]))
    if kind == "string":
        return {"type": "string"} | draw(
            st.fixed_dictionaries(
                {},
                optional={"minLength": st.integers(0, 5), "maxLength": st.integers(0, 9), "pattern": PATTERNS, "format": st.sampled_from(FORMATS)},
            )
        )  # fmt: skip
    if kind in ("number", "integer"):
        return {"type": kind} | draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "minimum": st.integers(-20, 20) | st.floats(-5, 5),
                    "exclusiveMaximum": st.integers(-20, 20) | st.floats(-5, 5),
                    "multipleOf": st.sampled_from([1, 2, 3, 0.5, 0.1, 7]),
                },
            )
        )
    if kind == "enum":
        return {"enum": draw(st.lists(VALUES, min_size=1, max_size=3))}
    return draw(st.sampled_from([{}, True, False, {"type": "null"}, {"type": ["boolean", "null"]}, {"$ref": "#/$defs/d"}, {"$ref": "#"}]))  # fmt: skip


def _combine(inner):
    several = st.lists(inner, min_size=1, max_size=3)
    members = st.dictionaries(NAMES, inner, max_size=4)
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={
                "properties": members,
                "required": st.lists(NAMES, max_size=3, unique=True),
                "additionalProperties": inner,
                "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
                "propertyNames": st.fixed_dictionaries({}, optional={"maxLength": st.integers(0, 9), "pattern": PATTERNS}),
                "minProperties": st.integers(0, 3),
                "maxProperties": st.integers(0, 5),
                "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
                "dependentSchemas": st.dictionaries(NAMES, inner, max_size=1),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={
                "items": inner,
                "prefixItems": several,
                "contains": inner,
                "minItems": st.integers(0, 3),
                "maxItems": st.integers(0, 5),
                "uniqueItems": st.booleans(),
            },
        ),
        st.fixed_dictionaries({"anyOf": several}, optional={"type": st.sampled_from(["string", "object"])}),
        st.fixed_dictionaries({"oneOf": several}),
        st.fixed_dictionaries({"allOf": several}),
        st.fixed_dictionaries({"not": inner}, optional={"properties": members}),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
    )  # fmt: skip


SCHEMAS = st.recursive(leaf_schemas(), _combine, max_leaves=8)


def _root(schema, definition):
    return (
        {"$defs": {"d": definition}, **schema}
        if isinstance(schema, dict)
        else {"$defs": {"d": definition}, "allOf": [schema]}
    )


ROOTS = st.builds(_root, SCHEMAS, SCHEMAS)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROOTS, st.text(max_size=3), st.booleans())
def test_whatever_comes_back_fits_and_is_repeatable(schema, seed, full):
    """Ours, for every schema: a value that fits, the same twice, or a typed refusal."""
    try:
        value = generate(schema, seed=seed, full=full)
    except SchemaRefusedError:
        return
    assert Validator(schema).accepts(value)
    assert generate(schema, seed=seed, full=full) == value


@st.composite
def described(draw, value):
    """A schema that `value` fits."""
    if isinstance(value, bool) or value is None:
        options = [{"type": ["boolean", "null"]}, {"const": value}, {"enum": [value, "z"]}]
    elif isinstance(value, int | float):
        options = [{"type": "number", "minimum": value}, {"type": "number", "maximum": value}, {"const": value}]
    elif isinstance(value, str):
        options = [
            {"type": "string", "minLength": len(value)},
            {"maxLength": len(value), "type": "string"},
            {"const": value},
        ]
    elif isinstance(value, list):
        options = [{"type": "array", "maxItems": len(value)}]
        if value:
            options.append(
                {"type": "array", "prefixItems": [draw(described(each)) for each in value], "minItems": len(value)}
            )
            options.append({"type": "array", "contains": draw(described(value[0]))})
    else:
        members = {name: draw(described(each)) for name, each in value.items()}
        options = [
            {
                "type": "object",
                "properties": members,
                "required": sorted(value),
                "additionalProperties": draw(st.booleans()),
            }
        ]
    schema = draw(st.sampled_from(options))
    wrap = draw(st.sampled_from(["plain", "anyOf", "allOf", "oneOf", "not"]))
    if wrap in ("anyOf", "oneOf"):
        return {wrap: [{"type": "string", "pattern": "^impossible", "maxLength": 2}, schema]}
    return {"allOf": [schema, {}]} if wrap == "allOf" else {"not": {"not": schema}} if wrap == "not" else schema


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES.flatmap(described), st.booleans())
def test_a_schema_drawn_from_a_value_is_never_given_up(schema, full):
    """Ours: where a value is known to exist, one is found."""
    assert Validator(schema).accepts(generate(schema, full=full))
