"""sandbox: a real process that serves until it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SANDBOX = [sys.executable, "-m", "orchestra_tools.cli.main", "sandbox"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_ends_cleanly(run, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*SANDBOX, "--json", "--fault", "sn22_web_crawl=status:500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["url"].startswith("http://127.0.0.1:")
        assert run("call", "sn22_web_search", "query=tao", "--ledger", ready["ledger"]).exit_code == 0
    finally:
        process.send_signal(number)
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert (out, errors) == ("", "")
    assert not Path(ready["ledger"]).exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_it_says_how_to_use_it_and_keeps_a_ledger_that_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    process = subprocess.Popen([*SANDBOX, "--out", str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert f"ORCHESTRA_LEDGER={file} orchestra call" in lines[3]
    assert json.loads(file.read_text())["sandbox"]["url"].startswith("http://127.0.0.1:")


def test_what_cannot_be_is_refused_before_anything_is_served(run, sandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    taken = run("sandbox", "--port", port)
    assert taken.exit_code == 2
    assert "it is taken" in taken.stderr
    assert run("sandbox", "--fault", "nonsense").exit_code == 2
    assert run("sandbox", "--fault", "sn22_web_search=nonsense").exit_code == 2
    assert run("sandbox", "--fault", "sn22_nothing=timeout").exit_code == 2
