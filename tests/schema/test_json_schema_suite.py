"""The JSON-Schema-Test-Suite, draft 2020-12: what we let in is judged as it says; what not is refused on purpose."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import Validator, check_schema

# Why a schema of the suite is not let in: DESIGN 5.1 allows pointers into the schema itself, and nothing else.
POLICY = (
    "refers outside the schema", "refers to an anchor", "is not supported", "unknown dialect",
    "leads to something that is no schema",
)  # fmt: skip
# What those schemas are about. A schema of another file that is refused is a bug.
REFUSED_FILES = {
    "anchor.json", "defs.json", "dynamicRef.json", "optional/anchor.json", "optional/cross-draft.json",
    "optional/dynamicRef.json", "optional/format-assertion.json", "optional/id.json",
    "optional/refOfUnknownKeyword.json",
    "optional/unknownKeyword.json", "ref.json", "refRemote.json", "unevaluatedItems.json", "unevaluatedProperties.json",
    "vocabulary.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def suite(test_data: Path) -> dict[str, list[dict[str, Any]]]:
    root = test_data / "vectors" / "json-schema-test-suite" / "tests" / "draft2020-12"
    return {str(path.relative_to(root)): json.loads(path.read_text("utf-8")) for path in sorted(root.rglob("*.json"))}


def test_what_is_let_in_is_judged_as_the_suite_does(suite: dict[str, list[dict[str, Any]]]) -> None:
    judged = Counter[bool]()
    wrong = []
    for file, groups in suite.items():
        for group in groups:
            try:
                check_schema(group["schema"])
            except SchemaRefusedError:
                continue
            validator = Validator(group["schema"])
            for case in group["tests"]:
                # Ours: formats are asserted; the suite's format.json takes them as annotations.
                if file == "format.json" and "only an annotation" in case["description"]:
                    continue
                agrees = validator.accepts(case["data"]) == case["valid"] == (not validator.faults(case["data"]))
                judged[agrees] += 1
                wrong += [] if agrees else [(file, group["description"], case["description"])]
    assert wrong == []
    assert judged[True] > 2000


def test_what_is_refused_is_refused_by_policy(suite: dict[str, list[dict[str, Any]]]) -> None:
    refused = Counter[str]()
    for file, groups in suite.items():
        for group in groups:
            try:
                check_schema(group["schema"])
            except SchemaRefusedError as error:
                refused[file] += 1
                reasons = [fault.problem for fault in error.faults]
                assert any(word in reason for reason in reasons for word in POLICY), (
                    file,
                    group["description"],
                    reasons,
                )
    assert set(refused) == REFUSED_FILES
    assert sum(refused.values()) < 75


def test_formats_are_asserted(suite: dict[str, list[dict[str, Any]]]) -> None:
    """Ours, where the specification leaves the choice."""
    for group in suite["format.json"]:
        rejected = [case for case in group["tests"] if "only an annotation" in case["description"]]
        assert all(not Validator(group["schema"]).accepts(case["data"]) for case in rejected)
