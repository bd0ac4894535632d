"""Random schemas and random edits of them: no value refutes "compatible", and each witness is one."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import jsoncompat
import jsonschema_rs
import pytest
from hypothesis_jsonschema import from_schema

from bench.compatibility_pairs import ask_jsoncompat, edited, random_document, random_schema, refutation, signed
from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import compare
from tests.debian import REPOSITORY
from tests.environments import run


def _check(one: Any, other: Any, random: Random) -> Counter[str]:
    found = Counter[str]()
    one, other = signed(one), signed(other)
    for direction in ("input", "output"):
        try:
            comparison = compare(one, other, direction)  # type: ignore[arg-type]  # one of the two
        except SchemaRefusedError:
            return found
        sub, whole = (one, other) if direction == "input" else (other, one)
        found[comparison.verdict] += 1
        if comparison.compatible:
            assert refutation(sub, whole, random) == [], (sub, whole)
            if comparison.bump in ("none", "patch"):
                assert refutation(whole, sub, random) == [], (whole, sub)
        elif comparison.verdict == "incompatible":
            value = json.loads(json.dumps(comparison.witness))
            assert _valid(sub, value), (sub, whole, value)
            assert not _valid(whole, value), (sub, whole, value)
    return found


def _valid(schema: Any, value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value)


def pairs(start: int, count: int) -> Counter[str]:
    """The verdicts on so many random differences, none of which a value refutes."""
    found = Counter[str]()
    for seed in range(start, start + count):
        random = Random(seed)
        document = random_document(random)
        found += _check(document, edited(document, random), random)
        one, other = random_schema(random, 2), random_schema(random, 2)
        found += _check(one, {random.choice(("anyOf", "oneOf", "allOf")): [edited(one, random), other]}, random)
    return found


def test_nothing_refutes_a_proof() -> None:
    found = pairs(0, 250)
    assert found["undecided"] < 0.1 * found.total()
    assert min(found["compatible"], found["incompatible"]) > 200


@pytest.mark.slow
def test_nothing_refutes_a_proof_in_ten_thousand_differences() -> None:
    """In a process of its own: counting lines would take longer than the proofs."""
    program = f"import json; from {__name__} import pairs; print(json.dumps(pairs(1_000, 3_000)))"
    found = Counter[str](json.loads(run([sys.executable, "-c", program], REPOSITORY)))
    print(f"generated: {dict(found)}")
    assert found.total() >= 10_000
    assert found["undecided"] < 0.1 * found.total()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_independent_generators_refute_no_proof() -> None:
    """Instances by hypothesis-jsonschema and by jsoncompat, which share no code with ours."""
    tried = Counter[str]()
    for seed in range(200):
        random = Random(f"independent {seed}")
        one = signed(random_schema(random, 2))
        other = signed(edited(one, random))
        for sub, whole in ((one, other), (other, one)):
            try:
                comparison = compare(sub, whole, "input")
            except SchemaRefusedError:
                continue
            if comparison.compatible and comparison.bump != "none":
                for source, value in _independent_values(sub):
                    tried[source] += _valid(sub, value)
                    assert not (_valid(sub, value) and not _valid(whole, value)), (sub, whole, value)
    print(f"independent values: {dict(tried)}")
    assert min(tried["hypothesis"], tried["jsoncompat"]) > 50


def _independent_values(schema: Any) -> Iterator[tuple[str, Any]]:
    # Both have no answer for some of our schemas, and say so in many ways.
    for _ in range(10):
        try:
            yield "jsoncompat", json.loads(ask_jsoncompat(lambda: jsoncompat.generate_value(json.dumps(schema), 4)))
        except ValueError:
            break
    try:
        value = from_schema(schema).example()
    except Exception:  # noqa: BLE001 - see above
        return
    yield "hypothesis", value
