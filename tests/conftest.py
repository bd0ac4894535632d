"""What all tests share: a home of their own, the packaged sandbox, and the rule that CI skips nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra_tools.testing import Sandbox

REPOSITORY = Path(__file__).resolve().parent.parent
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell: programs under test would ignore Ctrl-C as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Asked for when Haystack is imported, which would write to the developer's home and tell its makers of test runs.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the developer's own settings, keys or journal."""
    for name in [name for name in os.environ if name.startswith("ORCHESTRA_") and name != "ORCHESTRA_TEST_DATA"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "orchestra-home"))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of the packaged ledger, shared; whoever sets a fault clears it."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of recorded facts and vectors that stay outside the project."""
    folder = Path(os.environ.get("ORCHESTRA_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("test data folder not found (ORCHESTRA_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that users install, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """In CI a skip is a failure, unless the platform is the reason."""
    for report in _unexcused(terminalreporter):
        terminalreporter.write_line(f"skipped in CI without a platform reason: {report.nodeid}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """See `pytest_terminal_summary`."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter is not None and _unexcused(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unexcused(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    if os.environ.get("CI") != "true":
        return []
    return [
        report
        for report in reporter.stats.get("skipped", [])
        if "platform"
        not in (report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)).lower()
    ]
