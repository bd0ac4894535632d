"""Validation: every fault told with its place, defaults filled in, nothing fetched, no value repeated, bounded time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import InvalidArgumentsError, SchemaRefusedError
from orchestra_tools.schema import Validator, apply_defaults, check_schema, resolve


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    check_schema(schema)
    told = Validator(schema).faults(value)
    assert Validator(schema).accepts(value) == (not told)
    return [str(fault) for fault in told]


def check(schema: dict[str, Any], arguments: Any) -> dict[str, Any]:
    check_schema(schema)
    return Validator(schema).check(arguments, tool="sn1_x")


def nest(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = {"n": inner}
    return inner


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "integer"}, "x", "(root): is not of type integer"),
        ({"type": ["integer", "null"]}, "x", "(root): is not of type null or integer"),
        ({"properties": {"a/b": {"type": "integer"}}}, {"a/b": "x"}, "/a~1b: is not of type integer"),
        ({"required": ["a", "b"]}, {"b": 1}, "/a: is required and missing"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "/b: is required and missing"),
        ({"enum": ["web", None, True, 1.5]}, "x", '(root): is not one of "web", null, true, 1.5'),
        ({"enum": list(range(20))}, "x", "(root): is not one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 … (20 in all)"),
        ({"enum": ["y" * 500]}, "x", f'(root): is not one of "{"y" * 118}…'),
        ({"const": {"a": None}}, "x", '(root): is not {"a": null}'),
        ({"format": "date-time"}, "x", "(root): is not a valid date-time"),
        ({"format": "email"}, "x", "(root): is not a valid email"),
        ({"format": "uri"}, "x y", "(root): is not a valid uri"),
        ({"format": "uuid"}, "x", "(root): is not a valid uuid"),
        ({"format": "ipv4"}, "999.1.1.1", "(root): is not a valid ipv4"),
        ({"pattern": "^[0-9]+$"}, "x", "(root): does not match the pattern ^[0-9]+$"),
        ({"pattern": "^(a+)+(?=b)$"}, "a" * 100_000 + "!", "(root): takes its pattern too long to match"),
        ({"minimum": 2}, 1, "(root): is less than 2"),
        ({"maximum": 2.5}, 3, "(root): is more than 2.5"),
        ({"exclusiveMinimum": 2}, 2, "(root): is not more than 2"),
        ({"exclusiveMaximum": 2}, 2, "(root): is not less than 2"),
        ({"multipleOf": 0.5}, 0.3, "(root): is not a multiple of 0.5"),
        ({"minLength": 2}, "x", "(root): is shorter than 2 characters"),
        ({"maxLength": 2}, "xyz", "(root): is longer than 2 characters"),
        ({"minItems": 2}, [1], "(root): has fewer than 2 items"),
        ({"maxItems": 1}, [1, 2], "(root): has more than 1 items"),
        ({"uniqueItems": True}, [1, 1.0], "(root): has items that are equal"),
        ({"minProperties": 2}, {"a": 1}, "(root): has fewer than 2 properties"),
        ({"maxProperties": 0}, {"a": 1}, "(root): has more than 0 properties"),
        ({"properties": {"a": False}}, {"a": 1}, "/a: must not be there"),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["x", 1], "/1: must not be there"),
        ({"prefixItems": [{"type": "string"}]}, [1], "/0: is not of type string"),
        ({"items": {"type": "string"}}, ["x", 1], "/1: is not of type string"),
        ({"contains": {"const": 1}}, [2], "(root): holds 0 items of the kind it has to contain"),
        ({"contains": {"const": 1}, "maxContains": 1}, [1, 1], "(root): holds 2 items of the kind it has to contain"),
        ({"not": {"type": "string"}}, "x", "(root): is what it must not be"),
        ({"propertyNames": {"maxLength": 2}}, {"abc": 1}, "/abc: is not a name allowed here"),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"xa": 1}, "/xa: is not of type string"),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}, "/a: is not of type string"),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}, "/b: is required and missing"),
        ({"if": {"type": "string"}, "then": {"minLength": 3}}, "x", "(root): is shorter than 3 characters"),
        ({"if": {"type": "string"}, "else": {"minimum": 3}}, 1, "(root): is less than 3"),
        ({"allOf": [{"type": "string"}, {"minLength": 3}]}, "x", "(root): is shorter than 3 characters"),
        ({"$defs": {"s": {"type": "string"}}, "items": {"$ref": "#/$defs/s"}}, [1], "/0: is not of type string"),
        (
            {"$defs": {"a b%": {"minimum": 3}}, "properties": {"a b%": {"$ref": "#/$defs/a%20b%25"}}},
            {"a b%": 1},
            "/a b%: is less than 3",
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            1,
            "(root): fits none of its alternatives: (root): is not of type string | (root): is not of type null",
        ),
        (
            {"oneOf": [{"required": ["a"]}, {"properties": {"b": {"type": "string"}}}]},
            {"b": 1},
            "(root): fits none of its alternatives: /a: is required and missing | /b: is not of type string",
        ),
        (
            {"oneOf": [{"type": "integer"}, {"type": "number"}]},
            1,
            "(root): fits more than one of its alternatives; exactly one may fit",
        ),
        (
            {"anyOf": [{"anyOf": [{"type": "string"}]}]},
            1,
            "(root): fits none of its alternatives: (root): fits none of its alternatives",
        ),
        ({"unevaluatedItems": False}, [1], "(root): does not fit its schema"),
    ],
)
def test_every_fault_says_where_it_is_and_what_would_be_right(schema: dict[str, Any], value: Any, told: str) -> None:
    assert faults(schema, value) == [told]


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"properties": {"query": {}}, "additionalProperties": False}, "did you mean 'query'?"),
        ({"properties": {"b": {}, "c": {}}, "additionalProperties": False}, "known: b, c"),
        ({"additionalProperties": False}, "it takes none"),
        ({"properties": {"query": {}}, "unevaluatedProperties": False}, "did you mean 'query'?"),
        ({"allOf": [{"properties": {"query": {}}}], "unevaluatedProperties": False}, "did you mean 'query'?"),
        ({"if": {"properties": {"query": {}}}, "unevaluatedProperties": False}, "did you mean 'query'?"),
        (
            {"$ref": "#/$defs/q", "$defs": {"q": {"properties": {"query": {}}}}, "unevaluatedProperties": False},
            "did you mean 'query'?",
        ),
    ],
)
def test_an_unknown_argument_is_answered_with_the_closest_known(schema: dict[str, Any], told: str) -> None:
    assert faults(schema, {"qeury": 1}) == [f"/qeury: is not an argument ({told})"]


def test_the_closest_name_is_looked_for_in_the_object_the_argument_is_in() -> None:
    inner = {"properties": {"country": {}}, "patternProperties": {"^x-": {}}, "additionalProperties": False}
    schema = {"$defs": {"place": inner}, "properties": {"place": {"$ref": "#/$defs/place"}, "contry": {}}}
    assert faults(schema, {"place": {"contry": 1, "x-ok": 1}}) == [
        "/place/contry: is not an argument (did you mean 'country'?)"
    ]


def test_properties_that_an_alternative_would_allow_are_not_called_unknown() -> None:
    schema = {"anyOf": [{"properties": {"a": {"const": 1}}}, {}], "unevaluatedProperties": False}
    assert faults(schema, {"a": 2}) == ["(root): has properties that may not stand together"]


def test_all_faults_are_told_once_and_a_long_list_is_cut() -> None:
    schema = {
        "properties": {"a": {"type": "string"}, "b": {"minimum": 3}},
        "required": ["c"],
        "allOf": [{"required": ["c"]}],
    }
    assert sorted(set(faults(schema, {"a": 1, "b": 1}))) == [
        "/a: is not of type string", "/b: is less than 3", "/c: is required and missing",
    ]  # fmt: skip
    assert len(faults({"items": {"type": "string"}}, [1] * 100)) == 20


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, "\ud800", object(), [b"x"], {"a": (x for x in "")}])
def test_what_is_not_json_is_a_fault(value: Any) -> None:
    assert faults({"type": "integer"}, value) == ["(root): holds something that is not JSON, or is nested too deeply"]


# What a fault may tell of the schema, and a value that must not be told, wherever it stands.
CANARY = "canary-7f3a"
RULES = st.recursive(
    st.sampled_from(
        [
            {"type": "integer"}, {"type": "null"}, {"enum": ["a", 1]}, {"const": "b"}, {"format": "date"},
            {"minLength": 99},
            {"maxLength": 3}, {"pattern": "^[0-9]+$"}, {"pattern": "^(?=x)y"}, {"maxItems": 0}, {"uniqueItems": True},
            {"maxProperties": 0}, {"required": ["z"]}, {"additionalProperties": False}, {"not": {}}, {"minimum": 5},
            {"unevaluatedItems": False}, {"unevaluatedProperties": False}, {"contains": {"const": 5}},
            {"propertyNames": {"maxLength": 0}}, {"multipleOf": 7}, {"items": False},
        ]
    ),
    lambda inner: st.builds(
        lambda keyword, subs: {keyword: subs},
        st.sampled_from(["anyOf", "oneOf", "allOf", "prefixItems"]),
        st.lists(inner, min_size=1, max_size=3),
    )
    | st.builds(
        lambda keyword, sub: {keyword: sub},
        st.sampled_from(["items", "additionalProperties", "not", "contains", "propertyNames", "if", "then"]),
        inner,
    )
    | st.builds(lambda sub: {"properties": {"k": sub}}, inner),
    max_leaves=4,
)  # fmt: skip
VALUES = st.recursive(
    st.sampled_from([CANARY, 1, None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["k", "l"]), inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None)
@given(RULES, VALUES)
def test_no_fault_repeats_the_value(schema: dict[str, Any], value: Any) -> None:
    """Ours: an argument or an answer may hold a secret."""
    for fault in faults(schema, value):
        assert CANARY not in fault
    with pytest.raises(InvalidArgumentsError) as caught:
        check({"properties": {"v": {"allOf": [schema, False]}}}, {"v": value})
    assert CANARY not in str(caught.value)
    assert CANARY not in json.dumps(caught.value.to_dict())


@settings(deadline=None)
@given(RULES, VALUES)
def test_every_pointer_leads_to_the_value_or_to_what_it_lacks(schema: dict[str, Any], value: Any) -> None:
    for fault in Validator(schema).faults(value):
        if fault.problem == "is required and missing":
            assert isinstance(resolve(value, fault.pointer.rpartition("/")[0]), dict)
        else:
            resolve(value, fault.pointer)


_RECURSIVE = {"$ref": "#/$defs/n"}


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
def test_a_recursive_choice_is_told_in_bounded_time(keyword: str) -> None:
    """A known gap of jsonschema-rs: its list of errors doubles with each level."""
    branch = {"properties": {"n": _RECURSIVE}}
    schema = {**_RECURSIVE, "$defs": {"n": {"type": "object", keyword: [branch, branch]}}}
    assert faults(schema, nest(40))
    assert faults(schema, nest(400))


def test_overlapping_recursion_is_told_in_bounded_time() -> None:
    node = {"type": "object", "properties": {"n": _RECURSIVE}, "patternProperties": {"n": _RECURSIVE, "^n": _RECURSIVE}}
    assert faults({**_RECURSIVE, "$defs": {"n": node}}, nest(60))


def test_choices_that_multiply_are_told_in_bounded_time() -> None:
    chain = {f"a{i}": {"anyOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(12)}
    assert faults({"$ref": "#/$defs/a0", "$defs": {**chain, "a12": {"type": "string"}}}, 1)


def test_a_long_answer_is_told_in_bounded_time() -> None:
    """A known gap of jsonschema-rs: it makes all errors before the first is read."""
    rows = [{"a": 1}] * 300_000
    assert len(faults({"items": {"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}}, rows)) == 20
    assert len(faults({"additionalProperties": False}, {str(i): i for i in range(100_000)})) == 20


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a+)+(?=b)$", r"^(.*)(.*)(.*)(.*)(?<=x)b\1$", r"(a*)*\1b"]
)
def test_patterns_that_explode_elsewhere_are_bounded(pattern: str) -> None:
    assert faults({"pattern": pattern}, "a" * 50_000 + "!")


def test_endless_references_end() -> None:
    for schema in ({"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}):
        assert faults(schema, 1) == []


def test_an_absurdly_deep_value_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert Validator({"type": "object"}).faults(deep) == Validator({"type": "object"}).faults(deep) != []
    with pytest.raises(InvalidArgumentsError, match="nested too deeply"):
        check({"type": "object"}, {"a": deep})


@pytest.fixture
def counting_server() -> Iterator[tuple[str, list[str]]]:
    """A loopback server, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_nothing_is_ever_fetched(counting_server: tuple[str, list[str]]) -> None:
    url, asked = counting_server
    for schema in (
        {"$ref": f"{url}/a"},
        {"properties": {"a": {"$ref": f"{url}/b#/c"}}},
        {"$id": f"{url}/base", "$ref": "other.json"},
        {"properties": {"a": {"$id": f"{url}/base/", "$ref": "other.json"}}},
        {"$schema": f"{url}/dialect", "type": "string"},
        {"properties": {"a": {"$schema": f"{url}/dialect", "type": "string"}}},
        {"$ref": "#/default", "default": {"$ref": f"{url}/d"}},
        {"$ref": "file:///etc/passwd"},
        {"$dynamicRef": f"{url}/e"},
    ):
        with suppress(SchemaRefusedError):
            check_schema(schema)
        with suppress(SchemaRefusedError):
            Validator(schema).faults({"a": 1})
    assert asked == []


def test_a_schema_that_was_not_let_in_is_refused_when_compiled() -> None:
    with pytest.raises(SchemaRefusedError, match=r"/a/pattern|cannot be compiled"):
        Validator({"properties": {"a": {"pattern": "("}}})
    with pytest.raises(SchemaRefusedError, match="cannot be compiled"):
        Validator({"$ref": "http://127.0.0.1:9/"})


OBJECT = {"type": "object"}


@pytest.mark.parametrize(
    ("schema", "given", "filled"),
    [
        ({"properties": {"n": {"default": 10}}}, {}, {"n": 10}),
        ({"properties": {"n": {"default": 10}}}, {"n": 3}, {"n": 3}),
        ({"properties": {"n": {"default": 10}}}, {"n": None}, {"n": None}),
        ({"properties": {"n": {"default": None}}}, {}, {}),
        ({"properties": {"n": {"default": False}, "m": {"default": 0}}}, {}, {"n": False, "m": 0}),
        ({"properties": {"o": {"properties": {"n": {"default": 1}}}}}, {"o": {}}, {"o": {"n": 1}}),
        ({"properties": {"o": {"properties": {"n": {"default": 1}}}}}, {}, {}),
        ({"properties": {"o": {"default": {}, "properties": {"n": {"default": 1}}}}}, {}, {"o": {"n": 1}}),
        ({"properties": {"o": {"properties": {"n": {"default": 1}}}}}, {"o": [1]}, {"o": [1]}),
        ({"properties": {"n": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"default": 1}}}, {}, {"n": 1}),
        ({"properties": {"n": {"$ref": "#/$defs/n", "default": 2}}, "$defs": {"n": {"default": 1}}}, {}, {"n": 2}),
        ({"$ref": "#/$defs/o", "$defs": {"o": {"properties": {"n": {"default": 1}}}}}, {}, {"n": 1}),
        (
            {
                "$ref": "#/$defs/o",
                "properties": {"m": {"default": 2}},
                "$defs": {"o": {"properties": {"n": {"default": 1}}}},
            },
            {},
            {"m": 2, "n": 1},
        ),
        ({"allOf": [{"properties": {"n": {"default": 1}}}]}, {}, {"n": 1}),
        ({"anyOf": [{"properties": {"n": {"default": 1}}}]}, {}, {}),
        ({"properties": {"n": {"anyOf": [{"default": 1}]}}}, {}, {}),
        ({"properties": {"n": {"default": 10}}, "required": ["n"]}, {}, {"n": 10}),
        ({"properties": {"bad": {"type": "integer", "default": "x"}, "good": {"default": 1}}}, {}, {"good": 1}),
        (
            {"properties": {"o": {"properties": {"bad": {"type": "integer", "default": "x"}, "good": {"default": 1}}}}},
            {"o": {}},
            {"o": {"good": 1}},
        ),
        ({"properties": {"o": {"properties": {"bad": {"type": "integer"}}, "default": {"bad": "x"}}}}, {}, {}),
        ({"properties": {"a": {"default": 1}}, "maxProperties": 0}, {}, {}),
        ({"properties": {"a": {"default": 1}, "b": {}}, "dependentRequired": {"a": ["b"]}}, {}, {}),
    ],
)  # fmt: skip
def test_defaults_are_filled_in_where_that_is_certain(schema: Any, given: Any, filled: Any) -> None:
    before = json.dumps(given)
    assert check(OBJECT | schema, given) == filled
    assert json.dumps(given) == before


def test_many_broken_defaults_are_left_out() -> None:
    broken = {f"p{index}": {"type": "integer", "default": "x"} for index in range(90)}
    assert check({"properties": broken | {"good": {"default": 1}}}, {}) == {"good": 1}


def test_a_recursive_default_ends() -> None:
    schema = {"properties": {"n": {"$ref": "#", "default": {}}}}
    filled = apply_defaults(schema, {})
    assert len(json.dumps(filled)) < 1000


def test_faults_are_told_of_the_arguments_with_their_defaults() -> None:
    schema = {
        "properties": {"n": {"default": 10}, "bad": {"type": "integer", "default": "x"}, "q": {"type": "string"}},
        "required": ["n", "q"],
    }
    with pytest.raises(InvalidArgumentsError) as caught:
        check(schema, {})
    assert [str(fault) for fault in caught.value.faults] == ["/q: is required and missing"]
    assert caught.value.facts["tool"] == "sn1_x"
    assert "Mend the arguments" in caught.value.remedy


@pytest.mark.parametrize("arguments", [None, [], "x", 1])
def test_arguments_are_an_object(arguments: Any) -> None:
    with pytest.raises(InvalidArgumentsError, match="is not of type object"):
        check({}, arguments)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x"])
def test_arguments_are_json(value: Any) -> None:
    with pytest.raises(InvalidArgumentsError, match="not JSON"):
        check({}, {"a": value})


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b"]), st.integers() | st.text(max_size=3)))
def test_filling_in_twice_changes_nothing(value: dict[str, Any]) -> None:
    schema = {"properties": {"a": {"default": 1}, "b": {"default": {"x": 1}}, "c": {"allOf": [{"default": 5}]}}}
    once = apply_defaults(schema, value)
    assert apply_defaults(schema, once) == once
    assert value.items() <= once.items()
