"""The hostile suite: each attack is refused by name, its neighbours are served, memory and computing are bounded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MAX_MEMORY_MB = 300
MAX_CPU_S = 2


@pytest.mark.slow
def test_every_attack_is_refused_within_bounds() -> None:
    """In a process of its own: its peak of memory is that of the suite alone."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.hostile", "--json"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.stdout, ran.stderr
    result = json.loads(ran.stdout)
    print(f"{result['tried']} tried, {result['refused']} refused, peak memory {result['peak_memory_mb']} MB")
    assert [case for case in result["cases"] if case["unstopped"]] == []
    assert result["tried"] > 250
    assert result["peak_memory_mb"] < MAX_MEMORY_MB
    assert result["slowest_cpu_s"] < MAX_CPU_S
