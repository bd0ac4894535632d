"""Inference: whatever counted is valid, the order of the samples decides nothing, and little is claimed from few."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.schema import Validator, check_schema
from orchestra_tools.schema.generate import Generator
from orchestra_tools.schema.infer import Inference, Samples, infer
from orchestra_tools.schema.responses import Response, ResponseKind, judge_value
from orchestra_tools.schema.specificity import specificity
from orchestra_tools.testing import Sandbox

KEYS = st.one_of(
    st.sampled_from(
        ["a", "b", "items", "__proto__", "constructor", "", "$ref", "properties", "ключ", "a/b~c", "*", "17"]
    ),
    st.text(max_size=6),
    st.uuids().map(str),
    st.integers().map(str),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 1.0, -0.0, 2**53, 2**53 + 1, 2**64, -(2**70), 10**400, 5e-324, 1.7e308]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.sampled_from(["", "ok", "ERROR", "2026-11-22", "2026-11-22T10:00:00Z", "https://a.example/b", "1.2.3.4", "::1"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
SAMPLES = st.lists(VALUES, max_size=8)


def _result(inference: Inference) -> tuple[Any, ...]:
    return (
        json.dumps(inference.schema),
        inference.samples,
        inference.left_out,
        inference.confidence,
        inference.notes,
    )


def _infer_eagerly(samples: Samples) -> Inference:
    """Everything that can be claimed is claimed at once."""
    return samples.infer(required_after=1, format_after=1, enum_after=1)


@given(SAMPLES)
def test_every_sample_that_counted_is_valid(values: list[Any]) -> None:
    """Ours."""
    for inference in (infer(values), _infer_eagerly(Samples(values))):
        check_schema(inference.schema)
        validator = Validator(inference.schema)
        counted = [value for value in values if judge_value(value).is_sample]
        assert all(validator.accepts(value) for value in counted)
        assert inference.samples == len(counted)
        assert sum(inference.left_out.values()) == len(values) - len(counted)


@given(SAMPLES, st.randoms(use_true_random=False), st.integers(1, 4), st.integers(1, 12))
def test_order_and_parts_decide_nothing(values: list[Any], random: Any, max_keys: int, max_places: int) -> None:
    """Ours: so validators who share their samples come to the same schema, within any limits."""

    def samples(some: list[Any]) -> Samples:
        return Samples(some, max_keys=max_keys, max_places=max_places)

    whole = _result(_infer_eagerly(samples(values)))
    shuffled = random.sample(values, len(values))
    assert _result(_infer_eagerly(samples(shuffled))) == whole
    first, second = sorted(random.randint(0, len(values)) for _ in range(2))
    parts = [samples(values[:first]), samples(values[first:second]), samples(values[second:])]
    left = parts[0].merged(parts[1]).merged(parts[2])
    right = parts[2].merged(parts[1]).merged(parts[0])
    nested = parts[0].merged(parts[1].merged(parts[2]))
    assert [_result(_infer_eagerly(each)) for each in (left, right, nested)] == [whole] * 3
    assert _result(_infer_eagerly(left.merged(samples([])))) == whole


@given(SAMPLES, st.integers(1, 4), st.integers(1, 12))
def test_limits_are_never_silent_and_never_refuse_a_sample(values: list[Any], max_keys: int, max_places: int) -> None:
    """Ours."""
    limited = _infer_eagerly(Samples(values, max_keys=max_keys, max_places=max_places))
    accepts = Validator(limited.schema).accepts
    assert all(accepts(value) for value in values if judge_value(value).is_sample)
    assert len(limited.confidence) <= max_places
    if limited.schema != _infer_eagerly(Samples(values)).schema:
        assert any("described" in note for note in limited.notes)


SHAPE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "price": {"type": "number"},
        "rank": {"type": ["integer", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "inner": {"type": "object", "properties": {"seen": {"type": "boolean"}}, "required": ["seen"]},
    },
    "required": ["name", "price", "tags", "inner"],
}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.integers(0, 10**6))
def test_more_of_the_same_shape_only_widens(seeds: list[int], other: int) -> None:
    """Ours. It holds once nothing waits for more evidence: thresholds are where a schema narrows."""
    generator = Generator(SHAPE)
    values = [generator.generate(str(seed), extent="all") for seed in (0, *seeds)]
    before = Samples(values).infer(required_after=1, enum_after=None)
    more = [*values, generator.generate(str(other), extent="required"), generator.generate(str(other))]
    after = Samples(more).infer(required_after=1, enum_after=None)
    makes, accepts = Generator(before.schema), Validator(after.schema).accepts
    assert all(accepts(makes.generate(str(seed), extent=extent)) for seed in range(5) for extent in ("all", "required"))


def test_a_sample_is_described_with_its_types() -> None:
    """Ours: the whole schema, once."""
    inference = infer(
        [
            {"id": 1, "price": 1, "name": "a", "ok": True, "tags": [], "at": None, "inner": {"x": [1, "y"]}},
            {"id": 2, "price": 1.5, "name": None, "ok": False, "tags": ["x"], "at": None, "extra": [[1], []]},
        ],
        required_after=2,
    )
    assert inference.schema == {
        "type": "object",
        "properties": {
            "at": {},
            "extra": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            "id": {"type": "integer"},
            "inner": {
                "type": "object",
                "properties": {"x": {"type": "array", "items": {"type": ["integer", "string"]}}},
            },
            "name": {"type": ["null", "string"]},
            "ok": {"type": "boolean"},
            "price": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["at", "id", "name", "ok", "price", "tags"],
    }


def test_no_sample_means_no_claim() -> None:
    """Ours."""
    inference = infer([])
    assert (inference.schema, inference.samples) == ({}, 0)
    assert "no sample counted, so any value is taken" in inference.notes


def test_an_empty_list_first_does_not_make_a_full_one_drift() -> None:
    """Ours: bad input 26."""
    schema = infer([[]]).schema
    assert schema == {"type": "array"}
    assert Validator(schema).accepts([1])
    assert infer([[], [1]]).schema == {"type": "array", "items": {"type": "integer"}}
    assert infer([[], [1], ["x"]]).schema == {"type": "array", "items": {"type": ["integer", "string"]}}


def test_null_alone_says_nothing_of_the_type() -> None:
    """Ours."""
    inference = infer([{"a": None}] * 5)
    assert Validator(inference.schema).accepts({"a": "later"})
    assert inference.confidence["/properties/a"].nulls == 5
    assert any(note.startswith("/properties/a: only null was seen") for note in inference.notes)


def test_numbers_get_no_bounds() -> None:
    """Ours: and it is said."""
    inference = infer([{"n": number} for number in range(500)])
    assert inference.schema["properties"]["n"] == {"type": "integer"}
    assert any("ranges of numbers" in note for note in inference.notes)


def test_objects_stay_open() -> None:
    """Ours: a new field is news, not drift."""
    schema = infer([{"a": 1}] * 300).schema
    assert Validator(schema).accepts({"a": 1, "new": "x"})


class TestLeftOut:
    """What is no answer teaches nothing."""

    def test_it_is_counted_by_what_it_was(self) -> None:
        """Ours."""
        json_type = "application/json"
        inference = infer(
            [
                Response(200, json_type, b'{"a": 1}'),
                Response(429, json_type, b'{"a": "x"}'),
                Response(200, "text/html", b"<html>hello</html>"),
                Response(200, json_type, b'{"a": '),
                {"error": "no"},
                {"a": float("nan")},
            ]
        )
        assert inference.schema == {"type": "object", "properties": {"a": {"type": "integer"}}}
        assert inference.samples == 1
        assert inference.left_out == {
            ResponseKind.RATE_LIMITED: 1,
            ResponseKind.HTML: 1,
            ResponseKind.TRUNCATED: 1,
            ResponseKind.ERROR_OBJECT: 1,
            ResponseKind.NOT_JSON: 1,
        }
        assert "1 left out: a web page in place of JSON" in inference.notes

    def test_hostile_values_are_left_out(self) -> None:
        """Ours: bad inputs 16 to 18; none of them is a traceback."""
        deep: Any = 1
        for _ in range(100_000):
            deep = [deep]
        endless: list[Any] = []
        endless += [endless, endless]
        samples = Samples()
        assert samples.add(deep) is ResponseKind.TOO_DEEP
        assert samples.add(endless) in (ResponseKind.TOO_DEEP, ResponseKind.TOO_LARGE)
        assert samples.add([0] * 300_000) is ResponseKind.TOO_LARGE
        for odd in (float("inf"), "\ud800", {"\ud800": 1}, {1: 2}, (1,), b"x", 10**5000, {"a": {1}}):
            assert samples.add(odd) is ResponseKind.NOT_JSON
        assert len(samples) == 0


def test_what_a_real_server_answers_on_bad_days_teaches_nothing(sandbox: Sandbox) -> None:
    """Ours: over HTTP, the faults of the sandbox are left out, each as what it is."""
    samples = Samples()
    faults = {
        "html": ResponseKind.HTML,
        "garbage": ResponseKind.TRUNCATED,
        "rate_limit": ResponseKind.RATE_LIMITED,
        "status:503": ResponseKind.ERROR_STATUS,
        "status:204": ResponseKind.EMPTY,
    }
    with httpx.Client(base_url=sandbox.url, headers={"Authorization": "sandbox"}, timeout=10) as client:

        def ask(query: str) -> ResponseKind:
            got = client.get(f"/sn22/api.desearch.ai/web?query={query}")
            return samples.add(Response(got.status_code, got.headers.get("content-type", ""), got.content))

        for fault, kind in faults.items():
            with sandbox.faults("sn22_web_search", fault):
                assert ask("tao") is kind
        answers = [ask(query) for query in ("tao", "alpha", "subnet")]
    assert answers == [ResponseKind.SAMPLE] * 3
    schema = samples.infer().schema
    assert schema["type"] == "object"
    assert specificity(schema, [_one_more_answer(sandbox)]).is_enough


def _one_more_answer(sandbox: Sandbox) -> Any:
    """One more answer of the same operation."""
    return httpx.get(
        f"{sandbox.url}/sn22/api.desearch.ai/web?query=root", headers={"Authorization": "sandbox"}, timeout=10
    ).json()


class TestLimits:
    """Memory and schema are bounded, and what was given up is said."""

    def test_a_schema_of_everything_may_be_too_large(self) -> None:
        """Ours: the intake limits hold for our own schemas."""
        value = {f"name{'x' * 60}{a}x": {f"inner{'y' * 60}{b}y": 1 for b in range(30)} for a in range(60)}
        inference = infer([value])
        check_schema(inference.schema)
        assert Validator(inference.schema).accepts(value)
        assert len(inference.schema["properties"]) == 60
        assert any("too large" in note for note in inference.notes)

    def test_too_many_places_give_up_the_deepest_levels(self) -> None:
        """Ours."""
        values = [
            {"top": {f"key{chr(97 + number)}x": {f"inner{step}_{number}x": step for step in range(200)}}}
            for number in range(26)
        ]
        inference = Samples(values, max_places=1_000).infer()
        assert inference.schema["properties"]["top"]["properties"]["keyax"] == {"type": "object"}
        assert any("1,000 places" in note for note in inference.notes)

    def test_values_deeper_than_a_schema_may_be_are_described_as_far_as_it_goes(self) -> None:
        """Ours."""
        value: Any = 1
        for _ in range(100):
            value = {"n": value}
        inference = infer([value])
        assert Validator(inference.schema).accepts(value)
        assert len(inference.confidence) > 10
        assert any("too deep" in note for note in inference.notes)

    def test_long_lists_of_remarks_are_cut(self) -> None:
        """Ours: hostile keys do not flood whoever reads the notes."""
        inference = infer([{f"name{'x' * 100}{number}x": {"a": 1} for number in range(100)}])
        assert all(len(note) < 1_800 for note in inference.notes)
        assert any("and 96 more: no property is required" in note for note in inference.notes)


def test_dicts_and_lists_of_other_classes_are_objects_and_lists() -> None:
    """Ours: parsers return their own; strings of other classes the engine does not take."""

    class Text(str):
        __slots__ = ()

    class Row(list[int]):
        pass

    sample = OrderedDict(a=Row([1]))
    schema = infer([sample, {"a": [Text("x")]}]).schema
    assert schema["properties"]["a"] == {"type": "array", "items": {"type": "integer"}}
    assert Validator(schema).accepts(sample)
