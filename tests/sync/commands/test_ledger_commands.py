"""`orchestra ledger`: a store of one's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestra_tools.trust.policy import TrustPolicy
from tests.sync.commands.conftest import ORIGIN, Run
from tests.sync.commands.test_worked_example import output


def test_a_ledger_begins_once_with_a_key_that_stays_secret(run: Run, begun: Path) -> None:
    """The key is readable by its owner only, and never replaced."""
    key = begun / "home" / "operator" / "log.key"
    assert key.stat().st_mode & 0o077 == 0
    again = run("ledger", "init", "--origin", ORIGIN)
    assert again.exit_code == 2
    assert "has a log already" in again.output
    other = run("ledger", "init", "--origin", "other.example/log", "--ledger", "sqlite:///other.sqlite")
    assert other.exit_code == 2, other.output
    status = json.loads(output(run("ledger", "status", "--json")))
    assert (status["origin"], status["entries"], status["validators"]) == (ORIGIN, 1, 3)
    assert "origin: ledger.example/subnets" in output(run("ledger", "status"))
    assert key.read_text().strip() not in run("ledger", "status").output


def test_what_is_no_store_or_has_no_log_is_said(run: Run, begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is made by looking."""
    assert "is no ledger store" in run("ledger", "status", "--ledger", "ledger.json").output
    absent = run("ledger", "status", "--ledger", "sqlite:///absent.sqlite")
    assert absent.exit_code != 0
    assert not Path("absent.sqlite").exists()
    monkeypatch.delenv("ORCHESTRA_LEDGER")
    assert run("ledger", "status").exit_code != 0


def test_a_log_is_published_checked_rebuilt_and_exported(run: Run, begun: Path) -> None:
    """Everything a stranger needs to verify it, and everything an operator needs to trust the store."""
    assert json.loads(output(run("ledger", "publish", "public", "--json")))["size"] == 3
    assert "0 files" in output(run("ledger", "publish", "public"))
    assert json.loads(output(run("ledger", "fsck", "--published", "public", "--json")))["clean"]
    assert "1 entries were derived" in output(run("ledger", "rebuild"))
    assert json.loads(output(run("ledger", "rebuild", "--json")))["differences"] == []
    assert "SN13" in json.loads(output(run("ledger", "export")))["entries"]
    assert "stand in copy.json" in run("ledger", "export", "--out", "copy.json").output
    assert "SN13" in json.loads(Path("copy.json").read_text())["entries"]
    assert output(run("ledger", "manifest")) == "no manifest is due\n"
    (begun / "public" / "checkpoint").write_text("nonsense")
    damaged = run("ledger", "fsck", "--published", "public")
    assert damaged.exit_code == 5 or "published" in damaged.output


def test_who_takes_part_is_read_from_a_file(run: Run, begun: Path) -> None:
    """A list that makes no sense changes nothing."""
    assert len(json.loads(output(run("ledger", "participants", "--json")))) == 4
    for text in ("{}", '[{"hotkey": 1}]', '[{"hotkey": "a", "coldkey": "b"}, {"hotkey": "a", "coldkey": "b"}]'):
        assert run("ledger", "participants", "-", stdin=text).exit_code == 2
    assert "yes" in output(run("ledger", "participants"))
    rules = begun / "rules.json"
    rules.write_text('{"minor": {"least": 0}}')
    refused = run("ledger", "init", "--origin", "x.example/y", "--policy", str(rules), "--ledger", "sqlite:///x.sqlite")
    assert "the rules" in refused.output


def test_a_validator_is_a_witness_that_readers_demand(run: Run, begun: Path) -> None:
    """Its key is certified by its hotkey; its cosignature makes the head fresh."""
    certify = ("ledger", "certify", "--origin", ORIGIN, "--name")
    Path("certificate.json").write_text(output(run(*certify, "v1.example/witness", who="validator-1")))
    assert "is the witness of" in output(run("ledger", "admit", "certificate.json"))
    assert "handed in before" in run("ledger", "admit", "certificate.json").output
    stranger = output(run(*certify, "m.example/witness", who="miner"))
    assert "no registered validator" in run("ledger", "admit", "-", stdin=stranger).output
    Path("trust.policy").write_text(output(run("ledger", "trust")))
    policy = TrustPolicy.parse(Path("trust.policy").read_text())
    assert [key.name for key in policy.quorum.keys] == ["v1.example/witness"]
    output(run("ledger", "publish", "public"))
    assert run("verify", "public", "--trust", "trust.policy").exit_code != 0
    log_key = Path("trust.policy").read_text().split("log ")[1].split("\n")[0]
    with witness_of("validator-1", begun, log_key) as url:
        done = output(run("ledger", "cosign", "--witness", f"{policy.quorum.keys[0]}={url}", "--publish", "public"))
    assert "has cosigned" in done
    assert "witnesses saw it" in output(run("verify", "public", "--trust", "trust.policy"))
    gone = run("ledger", "cosign", "--witness", f"{policy.quorum.keys[0]}={url}", "--json")
    assert "cannot be reached" in gone.output
    assert run("ledger", "cosign").exit_code == 2


@contextmanager
def witness_of(name: str, folder: Path, log_key: str) -> Iterator[str]:
    """The URL of a witness in a process of its own, with the key of one of the people."""
    home = folder / "home" / name
    arguments = ["ledger", "witness", "--log", log_key, "--name", "v1.example/witness", "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from orchestra_tools.cli.main import main; main()", *arguments],
        env={**os.environ, "ORCHESTRA_HOME": str(home)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = ""
        while "listens on" not in line:
            line = process.stderr.readline()
            assert line, "it ended"
        yield line.split("listens on ")[1].split("add-checkpoint")[0]
    finally:
        process.terminate()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
