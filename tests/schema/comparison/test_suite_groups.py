"""The JSON-Schema-Test-Suite: no verdict contradicts any of its instances."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import Validator, check_schema, compare

Group = dict[str, Any]


@pytest.fixture(scope="module")
def files(test_data: Path) -> dict[str, list[Group]]:
    """The groups of each file whose schema is let in."""
    root = test_data / "vectors" / "json-schema-test-suite" / "tests" / "draft2020-12"
    found: dict[str, list[Group]] = {}
    for path in sorted(root.rglob("*.json")):
        for group in json.loads(path.read_text("utf-8")):
            try:
                check_schema(group["schema"])
            except SchemaRefusedError:
                continue
            found.setdefault(str(path.relative_to(root)), []).append(group)
    return found


def test_every_schema_is_itself(files: dict[str, list[Group]]) -> None:
    """Also where its twin is written so that the two cannot be told to be the same."""
    compared = Counter[str]()
    for groups in files.values():
        for group in groups:
            schema = group["schema"]
            assert compare(schema, schema, "input").bump == "none"
            if "$ref" in json.dumps(schema):
                continue
            for twin in ({"allOf": [{"title": "again"}], "anyOf": [schema]}, {"not": {"not": schema}}):
                verdict = compare(schema, twin, "input").verdict
                assert verdict != "incompatible", (group["description"], twin)
                compared[verdict] += 1
    print(f"twins: {dict(compared)}")
    assert compared["compatible"] > 0.9 * compared.total()


def test_no_instance_refutes_a_verdict(files: dict[str, list[Group]]) -> None:
    verdicts, missed = Counter[str](), 0
    for groups in files.values():
        neighbours = [*pairwise(groups), *zip(groups, groups[3:], strict=False)]
        for first, second in neighbours:
            for one, other in ((first, second), (second, first)):
                comparison = compare(one["schema"], other["schema"], "input")
                verdicts[comparison.verdict] += 1
                sub, whole = Validator(one["schema"]), Validator(other["schema"])
                for case in [*one["tests"], *other["tests"]]:
                    refutes = sub.accepts(case["data"]) and not whole.accepts(case["data"])
                    assert not (refutes and comparison.compatible), (one["description"], other["description"], case)
                    missed += refutes and comparison.compatible is None
    print(f"neighbours: {dict(verdicts)}; instances that refute an undecided pair: {missed}")
    assert verdicts["undecided"] < 0.1 * verdicts.total()
