"""The official conformance suite passes: with the fixtures it asks for, and where it asks for none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.suite import (
    FIXTURES,
    PACKAGED,
    REVISIONS,
    WITHOUT_FIXTURES,
    Run,
    complaints,
    known_failures,
    required_scenarios,
    run_requirements,
    run_suite,
    running_server,
)

pytestmark = pytest.mark.slow
# How many the suite requires; it says so itself, and a mistake in reading that must not pass for success.
REQUIRED = {"2025-11-25": 30, "2026-07-28": 37}


@pytest.fixture(scope="module")
def with_fixtures() -> Iterator[str]:
    with running_server(*FIXTURES) as url:
        yield url


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(*PACKAGED, ORCHESTRA_HOME=str(tmp_path_factory.mktemp("home"))) as url:
        yield url


@pytest.mark.parametrize("revision", REVISIONS)
def test_all_that_a_revision_requires_passes(with_fixtures: str, revision: str) -> None:
    """The suite's promise: a server that passes all required scenarios conforms to the revision."""
    run = run_requirements(with_fixtures, revision)
    assert complaints(run, revision) == []
    assert len(required_scenarios(revision) & run.passing) == REQUIRED[revision]


def test_the_suite_passes_without_any_option(with_fixtures: str) -> None:
    """Ours: whoever runs it as it is sees no failure either."""
    run = run_suite(with_fixtures)
    assert (run.returncode, run.failures.keys() - run.passing) == (0, set())


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_packaged_ledger_passes_what_needs_no_fixture(packaged: str, revision: str) -> None:
    """Ours: the server that users start, with nothing added to it."""
    run = run_suite(packaged, "--requirements", revision)
    assert run.passing >= WITHOUT_FIXTURES[revision]


def test_a_failure_nobody_knows_and_one_that_is_mended_are_both_told() -> None:
    """Ours: the suite itself looks at neither where a scenario is not scored."""
    revision = REVISIONS[-1]
    as_known = dict.fromkeys(required_scenarios(revision), frozenset[str]())
    for known in known_failures(revision):
        name, _, check = known.partition(":")
        as_known[name] = as_known.get(name, frozenset()) | {check or "any"}

    def told(failures: dict[str, frozenset[str]], returncode: int = 0) -> list[str]:
        return complaints(Run(returncode, failures, 0, ""), revision)

    assert told(as_known) == []
    assert told(as_known | {"tasks-lifecycle": frozenset()}) == ["tasks-lifecycle is known to fail, and does not"]
    assert told(as_known | {"http-header-validation": frozenset({"new"})}) == [
        "http-header-validation:new fails, and is not known to"
    ]
    assert told(as_known | {"tools-list": frozenset({"name"})}) == [
        "tools-list is required, and fails",
        "tools-list:name fails, and is not known to",
    ]
    assert "caching is required, and was not run" in told({k: v for k, v in as_known.items() if k != "caching"})
    assert told(as_known, returncode=1) == ["the suite ended with 1:\n"]
