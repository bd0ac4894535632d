"""Fuzzing finds nothing: whatever the bytes, a parser gives a value or its own typed error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import SEEDS, write_seeds

RUNS = 3_000  # for each target; `python -m tests.fuzz TARGET` goes on for as long as one likes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="atheris is made for Linux: the platform cannot run it"),
]


@pytest.mark.parametrize("target", SEEDS)
def test_nothing_but_a_typed_error_comes_out(target: str, tmp_path: Path) -> None:
    """3,000 inputs, guided by coverage; the same ones each time."""
    write_seeds(target, tmp_path)
    # Coverage of the tests themselves would only slow it down.
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        target,
        f"-runs={RUNS}",
        "-seed=1",
        "-max_len=2000",
        "-rss_limit_mb=600",
    ]
    ran = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert f"Done {RUNS} runs" in ran.stderr
