"""kill -9 at every named place: what was acknowledged stays, once, and no size ever has two heads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ledger_sync.log.faults import PLACES
from tests.environments import REPOSITORY
from tests.sync.log.crashing import OUTSIDE


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="this platform has no fork and no SIGKILL")
@pytest.mark.parametrize("database", ["--seed=1", "--postgresql"])
def test_a_ledger_survives_kill_9_at_every_place(tmp_path: Path, database: str) -> None:
    """The long version: python bench/crash.py --rounds 1000."""
    rounds = 2 * len(PLACES) + 2
    options = ["--json", f"--rounds={rounds}", f"--folder={tmp_path}", database]

    done = subprocess.run(
        [sys.executable, "-m", "tests.sync.log.crashing", *options],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["killed"].keys() >= {*PLACES, OUTSIDE}
    assert told["promised"] > rounds
    assert list(tmp_path.iterdir()) == []
