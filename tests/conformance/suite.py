"""The official conformance suite, run against a server, and held against what is known of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from tests.npm_packages import REPOSITORY, run_node

REVISIONS = ("2025-11-25", "2026-07-28")
BASELINE = Path(__file__).with_name("expected-failures.yml")
FIXTURES = (sys.executable, "-m", "tests.conformance.serve")
PACKAGED = (sys.executable, "-m", "mcp_server_orchestra.main", "--sandbox", "--http", "127.0.0.1:0")
# Scenarios that need nothing of a fixed name: the packaged ledger passes them as it is served to everybody.
WITHOUT_FIXTURES = {
    "2025-11-25": frozenset(
        {
            "server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "server-sse-multiple-streams",
            "dns-rebinding-protection", "server-session-lifecycle",
        }
    ),
    "2026-07-28": frozenset(
        {
            "tools-list", "resources-list", "prompts-list", "caching", "server-sse-multiple-streams",
            "sep-2164-resource-not-found", "dns-rebinding-protection", "input-required-result-unsupported-methods",
            "http-header-validation",
        }
    ),
}  # fmt: skip
_PROGRAM = "@modelcontextprotocol/conformance/dist/index.js"
_START_S = 60.0
_RESULT = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


@dataclass(frozen=True)
class Run:
    """One run of the suite.

    Attributes:
        returncode: The suite's own.
        failures: The checks that failed, by scenario; every scenario that was run stands here.
        passed: How many checks passed.
        output: What the suite printed.
    """

    returncode: int
    failures: Mapping[str, frozenset[str]]
    passed: int
    output: str

    @property
    def passing(self) -> frozenset[str]:
        """Scenarios without a failed check."""
        return frozenset(name for name, failed in self.failures.items() if not failed)


def run_suite(url: str, *arguments: str) -> Run:
    """Run server scenarios against a URL."""
    with tempfile.TemporaryDirectory(prefix="orchestra-conformance-") as folder:
        ran = run_node(_PROGRAM, "server", "--url", url, "--output-dir", folder, *arguments)
        failures: dict[str, frozenset[str]] = {}
        passed = 0
        for path in sorted(Path(folder).glob("server-*/checks.json")):
            checks = json.loads(path.read_text("utf-8"))
            named = _RESULT.fullmatch(path.parent.name)
            assert named is not None, path.parent.name
            failures[named[1]] = frozenset(check["id"] for check in checks if check["status"] == "FAILURE")
            passed += sum(check["status"] == "SUCCESS" for check in checks)
    return Run(ran.returncode, failures, passed, ran.stdout + ran.stderr)


def run_requirements(url: str, revision: str) -> Run:
    """Run what a revision requires.

    The suite waits half a second for some messages, which a machine busy with other tests may miss: what is found
    wrong is looked at a second time.
    """
    arguments = ("--requirements", revision, "--expected-failures", str(BASELINE))
    run = run_suite(url, *arguments)
    return run_suite(url, *arguments) if complaints(run, revision) else run


def complaints(run: Run, revision: str) -> list[str]:
    """What is not as it should be: a required scenario that fails, a failure nobody knows, one that is no longer."""
    required = required_scenarios(revision)
    found = [f"{name} is required, and was not run" for name in sorted(required - run.failures.keys())]
    found += [f"{name} is required, and fails" for name in sorted(required & run.failures.keys() - run.passing)]
    known = known_failures(revision)
    for name, failed in run.failures.items():
        expected = failed if name in known else {check for check in failed if f"{name}:{check}" in known}
        found += [f"{name}:{check} fails, and is not known to" for check in sorted(failed - expected)]
    found += [f"{each} is known to fail, and does not" for each in sorted(known) if not _fails(run, each)]
    if run.returncode:
        found.append(f"the suite ended with {run.returncode}:\n{run.output[run.output.find('Total:') :]}")
    return found


@cache
def required_scenarios(revision: str) -> frozenset[str]:
    """The server scenarios that a revision requires, as the suite has it."""
    listed = run_node(_PROGRAM, "list", "--requirements", revision).stdout
    section = listed.partition("Server scenarios")[2].partition("Client scenarios")[0]
    return frozenset(re.findall(r"^ +- (\S+)$", section, re.MULTILINE))


def known_failures(revision: str) -> frozenset[str]:
    """What is expected to fail, by scenario or by `scenario:check`. The suite itself looks at scored ones only."""
    return (
        frozenset(yaml.safe_load(BASELINE.read_text("utf-8"))["server"]) if revision == REVISIONS[-1] else frozenset()
    )


@contextmanager
def running_server(*command: str, **environment: str) -> Iterator[str]:
    """A server in a process of its own; gives its URL, and ends it by its pid.

    Raises:
        RuntimeError: It did not start.
    """
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    overdue = threading.Timer(_START_S, process.kill)
    overdue.start()
    said: list[str] = []
    try:
        for line in process.stderr:
            said.append(line)
            if line.startswith("listening on "):
                break
        else:
            raise RuntimeError(f"the server did not start:\n{''.join(said)}")
        overdue.cancel()
        # A pipe that nobody reads fills up, and stops whoever writes to it.
        reading = threading.Thread(target=process.stderr.read, daemon=True)
        reading.start()
        yield line.split()[-1]
        process.terminate()
        reading.join()
    finally:
        overdue.cancel()
        process.terminate()
        process.wait()
        process.stderr.close()


def _fails(run: Run, known: str) -> bool:
    name, _, check = known.partition(":")
    failed = run.failures.get(name, frozenset())
    return check in failed if check else bool(failed)
