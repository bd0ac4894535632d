"""`orchestra demo` is the first thing anybody runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from mcp_server_orchestra import demo

pytestmark = pytest.mark.slow


def test_every_step_of_the_demo_passes() -> None:
    """`make demo` runs exactly this."""
    result = subprocess.run(
        [sys.executable, "-m", "orchestra_tools.cli.main", "demo", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ,
    )
    assert result.returncode == 0, result.stderr
    steps = [json.loads(line) for line in result.stdout.splitlines()]
    assert [step["step"] for step in steps] == list(range(1, len(demo.STEPS) + 1))


def test_a_step_that_fails_ends_the_demo_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that cannot fail shows nothing."""

    async def fail(stage: object) -> list[str]:
        raise demo.StepFailedError("on purpose")

    monkeypatch.setattr(demo, "STEPS", (demo.Step("A step that fails", fail),))
    result = CliRunner().invoke(demo.demo)
    assert result.exit_code == 1
    assert "on purpose" in result.output
