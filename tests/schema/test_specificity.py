"""Specificity: a schema that takes everything scores nothing, one that lists the answers does not hold on others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.schema import Validator, expand
from orchestra_tools.schema.generate import Generator
from orchestra_tools.schema.infer import infer
from orchestra_tools.schema.responses import what_is_unsound
from orchestra_tools.schema.specificity import MAX_SURVIVORS, MIN_SPECIFICITY, holds_on, mutants, specificity

ANSWERS: list[Any] = [
    {
        "query": f"tao {number}",
        "total": number,
        "took": 0.25 + number,
        "cached": number % 2 == 0,
        "results": [
            {
                "title": f"title {number}",
                "url": f"https://a.example/{number}",
                "score": 0.5,
                "tags": ["x", f"y{number}"],
            }
        ],
        "metadata": {"source": "index", "next": None if number % 3 else "abc"},
    }
    for number in range(12)
]
HONEST = infer(ANSWERS).schema
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"additionalProperties": True},
        {"properties": {name: {} for name in ANSWERS[0]}},
        {"anyOf": [HONEST, {}]},
        {"not": {"const": "nothing is this"}},
        {"default": 1, "title": "Answer"},
    ],
    ids=lambda schema: json.dumps(schema)[:40],
)
def test_what_takes_everything_scores_nothing(schema: Any) -> None:
    """Ours: the vacuous schema of a hostile proposal."""
    result = specificity(schema, ANSWERS)
    assert holds_on(schema, ANSWERS) == 1
    assert (result.killed, result.score, result.is_enough) == (0, 0, False)
    assert result.total > 300
    assert len(result.survivors) == MAX_SURVIVORS


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "required": sorted(ANSWERS[0])},
        {"type": "object", "required": sorted(ANSWERS[0]), "properties": {name: {} for name in ANSWERS[0]}},
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        {"type": "object", "minProperties": 2, "maxProperties": 50},
    ],
    ids=lambda schema: json.dumps(schema)[:60],
)
def test_what_says_too_little_is_not_enough(schema: Any) -> None:
    """Ours."""
    result = specificity(schema, ANSWERS)
    assert result.score < MIN_SPECIFICITY
    assert not result.is_enough


@pytest.mark.parametrize("answer", [{"a": 1}, {"ok": True, "id": "x"}, {"token": "x"}])
def test_names_without_types_are_not_enough_in_small_answers(answer: dict[str, Any]) -> None:
    """Ours: there the score alone does not tell."""
    names = {"type": "object", "required": sorted(answer), "properties": {name: {} for name in answer}}
    assert not specificity(names, [answer]).is_enough
    assert specificity(infer([answer]).schema, [answer]).is_enough


def test_an_honest_schema_is_enough() -> None:
    """Ours."""
    result = specificity(HONEST, ANSWERS)
    assert result.is_enough
    assert result.score > 0.7
    assert result.unfit == 0
    assert result.killed == sum(killed for killed, _ in result.kinds.values())
    assert result.kinds["retyped"][0] == result.kinds["retyped"][1]
    assert set(result.kinds) == {"replaced", "retyped", "dropped", "nulled", "reshaped", "spoilt"}


def test_required_makes_it_more_specific() -> None:
    """Ours."""
    strict = infer(ANSWERS, required_after=1).schema
    assert specificity(strict, ANSWERS).score > specificity(HONEST, ANSWERS).score


def test_a_schema_that_refuses_the_answers_has_no_specificity() -> None:
    """Ours: refusing everything is not being specific."""
    for schema in (False, {"type": "array"}):
        result = specificity(schema, ANSWERS)
        assert (result.total, result.score, result.is_enough, result.unfit) == (0, 0, False, len(ANSWERS))
        assert holds_on(schema, ANSWERS) == 0


@pytest.mark.parametrize(
    "overfit",
    [
        {"enum": ANSWERS[:3]},
        {"anyOf": [{"const": answer} for answer in ANSWERS[:3]]},
        {"properties": {"query": {"enum": ["tao 0", "tao 1", "tao 2"]}}},
        {"properties": {"query": {"pattern": "^tao [0-2]$"}}},
        {"properties": {"total": {"maximum": 2}}},
        {"properties": {"results": {"items": {"properties": {"url": {"const": "https://a.example/0"}}}}}},
    ],
    ids=lambda schema: json.dumps(schema)[:50],
)
def test_what_only_knows_its_samples_does_not_hold_on_others(overfit: dict[str, Any]) -> None:
    """Ours: specific it is."""
    schema = HONEST | overfit
    assert holds_on(schema, ANSWERS[:1]) == 1
    assert holds_on(schema, ANSWERS[3:]) == 0
    assert holds_on(HONEST, ANSWERS[3:]) == 1


def test_holding_on_is_a_share() -> None:
    """Ours; of no answers, all are taken."""
    assert holds_on({"type": "integer"}, [1, 2, "x", 3]) == 0.75
    assert holds_on(False, []) == 1


def test_what_varies_among_answers_is_no_corruption() -> None:
    """Ours: a nullable or optional field, or one of two types, is not held against the schema."""
    answers: list[Any] = [{"a": 1, "b": None}, {"a": "x", "b": 2, "c": True}, {"a": 2, "b": 3}]
    result = specificity(infer(answers).schema, answers)
    assert not [
        what for what in result.survivors if what in ("/c is dropped", "/b is null", "/a is string for integer")
    ]


def test_every_documented_operation_can_be_told_from_nothing() -> None:
    """Ours: the thresholds, against the documented output schemas of the packaged ledger."""
    checked = 0
    for entry in packaged_ledger().entries:
        for operation in entry.operations.values():
            if operation.output_form is None:
                continue
            documented = expand(operation.output_form)
            generator = Generator(documented)
            answers = [generator.generate(str(number)) for number in range(5)]
            inferred = infer(answers).schema
            result = specificity(inferred, answers[:2], limit=40)
            assert holds_on(inferred, answers) == 1
            assert result.is_enough, (entry.name, result)
            assert specificity({}, answers[:2], limit=40).score == 0
            checked += 1
    assert checked > 150


@given(VALUES, st.text(max_size=4), st.integers(0, 60))
def test_mutants_are_different_repeatable_and_json(sample: Any, seed: str, limit: int) -> None:
    """Ours."""
    before = json.dumps(sample)
    made = list(mutants(sample, seed=seed, limit=limit))
    texts = [json.dumps(mutant.value, sort_keys=True) for mutant in made]
    assert len(made) <= limit
    assert len(set(texts)) == len(texts)
    assert json.dumps(sample, sort_keys=True) not in texts
    assert json.dumps(sample) == before
    assert not any(what_is_unsound(mutant.value) for mutant in made)
    assert [mutant.what for mutant in mutants(sample, seed=seed, limit=limit)] == [mutant.what for mutant in made]


@settings(max_examples=30)
@given(st.lists(VALUES, min_size=1, max_size=3))
def test_an_inferred_schema_is_more_specific_than_none(answers: list[Any]) -> None:
    """Ours."""
    result = specificity(infer(answers).schema, answers, limit=30)
    nothing = specificity({}, answers, limit=30)
    assert nothing.killed == 0
    assert result.score >= nothing.score


def test_the_kinds_of_corruption_take_turns() -> None:
    """Ours: so that few mutants of a large answer are of every kind."""
    made = list(mutants(ANSWERS[0], limit=12))
    assert {mutant.kind for mutant in made} == {"replaced", "retyped", "dropped", "nulled", "reshaped", "spoilt"}
    assert any(mutant.what.startswith("/results/0/") for mutant in mutants(ANSWERS[0]))


def test_mutants_cannot_be_guessed_without_the_seed() -> None:
    """Ours: else a schema could refuse just them."""
    known = [mutant.value for mutant in mutants(ANSWERS[0], seed="public")]
    evasive = {"not": {"enum": known}}
    assert specificity(evasive, [ANSWERS[0]], seed="secret").score < MIN_SPECIFICITY
    accepts = Validator(evasive).accepts
    assert not any(accepts(value) for value in known)


def test_large_and_hostile_samples_are_bounded() -> None:
    """Ours: bad inputs 16, 17 and 22."""
    deep: Any = 1
    for _ in range(100_000):
        deep = {"n": deep}
    large = {f"field{number}f": [{"x": 1}] * 20 for number in range(3_000)}
    odd = {"n": float("nan")}
    result = specificity({"type": "object"}, [deep, large, odd, {"x" * 10**6: 1}])
    assert result.unfit == 2
    assert 0 < result.total < 100 + 200
    assert all(len(what) < 300 for what in result.survivors)
    assert holds_on({}, [deep, odd, large]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("schema", [{"$ref": "https://a.example/x"}, {"pattern": "("}, 17, {"type": "nothing"}])
def test_a_bad_schema_gets_a_typed_error(schema: Any) -> None:
    """Ours: intake limits come first."""
    with pytest.raises(SchemaRefusedError):
        specificity(schema, ANSWERS)
    with pytest.raises(SchemaRefusedError):
        holds_on(schema, ANSWERS)
