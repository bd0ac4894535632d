"""The 63 pairs of jsoncompat, each both ways: as data of others, which we do not have to agree with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.schema import Comparison, Validator, compare

ROLES = {"serializer": "output", "deserializer": "input"}
# Where the expectation is not what our validator, or the meaning of the schemas, says.
OURS = {
    ("format_annotation_changed", "serializer"): (
        "incompatible",
        "formats are assertions here: a UUID is no e-mail address",
    ),
    ("format_annotation_changed", "deserializer"): (
        "incompatible",
        "formats are assertions here: an e-mail address is no UUID",
    ),
    ("pattern_properties_fall_back_to_additional_properties", "deserializer"): (
        "incompatible",
        "the fixture's own example of an old value, {'x': 'text'}, does not fit the new schema",
    ),
    ("unsupported_subset_pattern_properties_additional_fallback", "serializer"): (
        "compatible",
        r"they do not look into the pattern ^\cC$; 'x' does not match it, so no new value has it",
    ),
}


@pytest.fixture(scope="module")
def fixtures(test_data: Path) -> dict[str, dict[str, Any]]:
    root = test_data / "vectors" / "jsoncompat-fixtures" / "tests" / "fixtures" / "backcompat"
    return {
        folder.name: {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
        for folder in sorted(root.iterdir())
    }


@pytest.fixture(scope="module")
def verdicts(fixtures: dict[str, dict[str, Any]]) -> dict[tuple[str, str], Comparison]:
    return {
        (name, role): compare(each["old"], each["new"], direction=direction)  # type: ignore[arg-type]  # from ROLES
        for name, each in fixtures.items()
        for role, direction in ROLES.items()
    }


def test_verdicts_are_those_of_the_fixtures(
    fixtures: dict[str, dict[str, Any]], verdicts: dict[tuple[str, str], Comparison]
) -> None:
    assert len(verdicts) == 126
    wrong = {}
    for (name, role), comparison in verdicts.items():
        expected = "compatible" if fixtures[name]["expect"][role] else "incompatible"
        expected, _ = OURS.get((name, role), (expected, ""))
        if comparison.verdict not in (expected, "undecided"):
            wrong[name, role] = (comparison.verdict, expected)
    assert wrong == {}


def test_at_least_nine_of_ten_are_decided(verdicts: dict[tuple[str, str], Comparison]) -> None:
    decided = [key for key, comparison in verdicts.items() if comparison.compatible is not None]
    print(f"jsoncompat fixtures decided: {len(decided)} of {len(verdicts)}")
    assert len(decided) >= 0.9 * len(verdicts)


def test_examples_of_the_fixtures_refute_no_proof(
    fixtures: dict[str, dict[str, Any]], verdicts: dict[tuple[str, str], Comparison]
) -> None:
    """Whatever they list as valid on one side only."""
    tried = 0
    for (name, role), comparison in verdicts.items():
        sides = Validator(fixtures[name]["old"]), Validator(fixtures[name]["new"])
        sub, whole = sides if role == "deserializer" else (sides[1], sides[0])
        for values in fixtures[name].get("examples", {}).values():
            for value in values:
                tried += 1
                refutes = sub.accepts(value) and not whole.accepts(value)
                assert not (refutes and comparison.compatible), (name, role, value)
    assert tried > 150


def test_witnesses_are_what_they_are_said_to_be(
    fixtures: dict[str, dict[str, Any]], verdicts: dict[tuple[str, str], Comparison]
) -> None:
    for (name, role), comparison in verdicts.items():
        if comparison.verdict == "incompatible":
            sides = Validator(fixtures[name]["old"]), Validator(fixtures[name]["new"])
            sub, whole = sides if role == "deserializer" else (sides[1], sides[0])
            value = json.loads(json.dumps(comparison.witness))
            assert sub.accepts(value), (name, role)
            assert not whole.accepts(value), (name, role)
