"""What users write type-checks, and what they should not write does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
def test_the_public_interface_type_checks(tmp_path: Path) -> None:
    """Strictly; an ignore that is not needed is an error too."""
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path)]
    result = subprocess.run([*command, str(HERE / "api.py")], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
