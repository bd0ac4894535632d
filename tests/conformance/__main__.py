"""`make conformance`: runs the official suite for both revisions, and says how it went."""

from __future__ import annotations

import sys
import tempfile

from tests.conformance.suite import (
    FIXTURES,
    PACKAGED,
    REVISIONS,
    WITHOUT_FIXTURES,
    complaints,
    required_scenarios,
    run_requirements,
    run_suite,
    running_server,
)


def main() -> int:
    """Run everything; 1 if anything is not as it should be."""
    wrong: list[str] = []
    with running_server(*FIXTURES) as url:
        for revision in REVISIONS:
            run = run_requirements(url, revision)
            required = required_scenarios(revision)
            failed = sum(map(len, run.failures.values()))
            print(
                f"{revision}  required scenarios: {len(required & run.passing)} of {len(required)} pass;"
                f"  all that ran: {len(run.passing)} of {len(run.failures)} scenarios,"
                f" {run.passed} checks passed, {failed} failed"
            )
            wrong += [f"{revision}: {each}" for each in complaints(run, revision)]
    with (
        tempfile.TemporaryDirectory(prefix="orchestra-conformance-") as home,
        running_server(*PACKAGED, ORCHESTRA_HOME=home) as url,
    ):
        for revision in REVISIONS:
            run = run_suite(url, "--requirements", revision)
            expected = WITHOUT_FIXTURES[revision]
            print(f"{revision}  packaged ledger, no fixtures: {len(expected & run.passing)} of {len(expected)} pass")
            wrong += [f"{revision}: {name} fails without fixtures" for name in sorted(expected - run.passing)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
