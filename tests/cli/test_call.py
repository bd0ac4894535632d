"""call and verify, against the sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestra_tools.calls.transports.port import Transport
from orchestra_tools.calls.wire import WireResponse
from orchestra_tools.client import Session, open_session
from orchestra_tools.testing import Sandbox, example_arguments

TOOL = "sn22_web_search"


def test_the_answer_is_on_stdout_and_the_facts_are_on_stderr(run, place: Sandbox) -> None:
    done = run("call", TOOL, "query=tao", "start=1")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["data"]
    receipt, facts = done.stderr.splitlines()
    assert receipt.startswith("receipt ")
    assert "schema valid" in facts
    assert "sandbox" in facts


def test_json_has_data_receipt_observation_and_drift(run, place: Sandbox) -> None:
    done = run("call", TOOL, "--arguments", '{"query": "tao"}', "--json")
    answer = json.loads(done.stdout)
    assert set(answer) == {"data", "receipt", "observation", "drift"}
    assert answer["receipt"]["outcome"] == "ok"
    assert answer["drift"] == []
    assert done.stderr == ""


@pytest.mark.parametrize("args", [("-",), ("--arguments", "-")])
def test_arguments_come_from_stdin(run, place: Sandbox, args: tuple[str, ...]) -> None:
    assert run("call", TOOL, *args, stdin='{"query": "tao"}').exit_code == 0


def test_arguments_come_from_a_file(run, place: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"query": "tao"}')
    assert run("call", TOOL, "--arguments", f"@{file}").exit_code == 0
    assert run("call", TOOL, "--arguments", f"@{tmp_path / 'absent'}").exit_code == 2


def test_arguments_that_do_not_fit_are_refused_with_every_fault(run, place: Sandbox) -> None:
    done = run("call", TOOL, "qery=tao", "--json")
    assert done.exit_code == 2
    error = json.loads(done.stderr)
    assert {fault["pointer"] for fault in error["faults"]} == {"/query", "/qery"}
    assert run("call", TOOL, "-", stdin="[").exit_code == 2


def test_an_unknown_tool_is_an_input_error(run, place: Sandbox) -> None:
    assert run("call", "sn22_nothing").exit_code == 2


def test_without_a_key_nothing_is_sent(run) -> None:
    done = run("call", TOOL, "query=tao")
    assert done.exit_code == 3
    assert "orchestra keys set SN22" in done.stderr


def test_a_cost_limit_is_kept(run, place: Sandbox) -> None:
    priced = next(
        tool for tool in place.ledger.tools() if tool.operation.price and tool.operation.cost.currency == "USD"
    )
    done = run(
        "call", priced.name, "--max-cost", "0", "--arguments", json.dumps(example_arguments(dict(priced.input_schema)))
    )
    assert done.exit_code == 3
    assert "budget" in done.stderr


def test_a_failed_call_exits_with_4_and_names_its_receipt(run, place: Sandbox, tmp_path: Path) -> None:
    place.faults.set(TOOL, "status:400")
    receipt = tmp_path / "r.json"
    done = run("call", TOOL, "query=tao", "--receipt", str(receipt))
    assert done.exit_code == 4
    assert done.stdout == ""
    written = json.loads(receipt.read_text())
    assert written["outcome"] == "rejected"
    assert f"receipt {written['id']}" in done.stderr
    place.faults.set(TOOL, "rate_limit:7200")
    error = json.loads(run("call", TOOL, "query=tao", "--json").stderr)
    assert (error["error"], error["retry_after_s"]) == ("rate_limited", 7200)


def test_drift_is_a_warning_and_the_answer_is_still_there(run, place: Sandbox) -> None:
    place.faults.set(TOOL, "drift")
    done = run("call", TOOL, "query=tao")
    assert done.exit_code == 0
    assert json.loads(done.stdout) is not None
    assert "warning: the answer is not as the ledger says at " in done.stderr
    assert json.loads(run("call", TOOL, "query=tao", "--json").stdout)["drift"]


def test_a_folder_that_is_not_there_is_noticed_before_the_call(run, place: Sandbox, tmp_path: Path) -> None:
    before = place.calls.get(TOOL, 0)
    assert run("call", TOOL, "query=tao", "--receipt", str(tmp_path / "absent" / "r.json")).exit_code == 2
    assert place.calls.get(TOOL, 0) == before


@pytest.fixture
def called(run, place: Sandbox, tmp_path: Path) -> Path:
    """A folder with the receipt, the body and the arguments of a call."""
    files = ("--receipt", str(tmp_path / "r.json"), "--body", str(tmp_path / "b"))
    assert run("call", TOOL, "query=tao", *files).exit_code == 0
    (tmp_path / "a.json").write_text('{"query": "tao"}')
    return tmp_path


def test_a_receipt_is_verified_with_its_body_and_arguments(run, called: Path) -> None:
    """The arguments are given as typed; the defaults that were sent along are filled in from the ledger."""
    done = run(
        "verify", str(called / "r.json"), "--body", str(called / "b"), "--arguments", str(called / "a.json"), "--json"
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["signer"]["this_installation"] is True
    assert "the body given is the one recorded" in report["proven"]
    assert "the arguments given are the ones recorded" in report["proven"]


def test_what_is_not_proven_is_said(run, called: Path) -> None:
    text = run("verify", str(called / "r.json")).stdout
    assert "signed by this installation's own key" in text
    assert "Not proven:" in text
    assert "only the caller signed" in text


def test_receipts_are_found_in_the_journal(run, called: Path) -> None:
    receipt = json.loads((called / "r.json").read_text())
    assert receipt["id"] in run("verify", "latest").stdout
    assert run("verify", receipt["id"]).exit_code == 0
    assert run("verify", "0" * 32).exit_code == 2
    assert run("verify", "no-such-file.json").exit_code == 2
    assert run("verify", "x" * 5000).exit_code == 2


def test_the_output_of_call_is_verified_as_it_is(run, place: Sandbox) -> None:
    printed = run("call", TOOL, "query=tao", "--json").stdout
    assert run("verify", "-", stdin=printed).exit_code == 0


@pytest.mark.parametrize("change", [{"tool": "sn22_other"}, {"cost": "0"}, {"signature": "00"}, {"id": "0" * 32}])
def test_a_changed_receipt_exits_with_5(run, called: Path, change: dict[str, str]) -> None:
    receipt = json.loads((called / "r.json").read_text()) | change
    done = run("verify", "-", "--json", stdin=json.dumps(receipt))
    assert done.exit_code == 5
    assert json.loads(done.stderr)["error"] == "receipt"


def test_another_body_other_arguments_or_another_key_do_not_hold(run, called: Path) -> None:
    (called / "b").write_bytes(b"{}")
    (called / "a.json").write_text('{"query": "other"}')
    receipt = str(called / "r.json")
    assert run("verify", receipt, "--body", str(called / "b")).exit_code == 5
    assert run("verify", receipt, "--arguments", str(called / "a.json")).exit_code == 5
    assert run("verify", receipt, "--key", "ab" * 32).exit_code == 5
    assert run("verify", receipt, "--key", "self").exit_code == 0
    assert run("verify", receipt, "--key", "nonsense").exit_code == 2


def test_somebody_elses_key_stays_unproven_and_looking_makes_no_key(
    run, called: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "elsewhere"))
    done = run("verify", str(called / "r.json"))
    assert done.exit_code == 0
    assert "who holds the key" in done.stdout
    assert not (tmp_path / "elsewhere").exists()
    assert run("verify", "latest").exit_code == 2


def test_what_is_no_receipt_is_not_verified(run) -> None:
    assert run("verify", "-", stdin="not json").exit_code == 2
    assert run("verify", "-", stdin="[]").exit_code == 2
    assert run("verify", "-", stdin="{}").exit_code == 5


class EchoingTransport(Transport):
    """Answers with the key it was sent."""

    async def send(self, request, *, policy, limits, secret, on_bytes=None) -> WireResponse:
        body = json.dumps({"data": [{"title": request.headers["authorization"], "snippet": "s", "link": "l"}]}).encode()
        return WireResponse(200, {"content-type": "application/json"}, body, len(body))

    async def close(self) -> None:
        """Nothing is open."""


def test_a_key_that_is_echoed_reaches_neither_the_screen_nor_a_file(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-live-0123456789"
    monkeypatch.setenv("ORCHESTRA_KEY_SN22", key)
    monkeypatch.setenv("ORCHESTRA_ALLOW_UNKNOWN_PRICE", "SN22")

    def open_echoing(ledger: str | None) -> Session:
        session = open_session(ledger)
        session.executor.transport = EchoingTransport()
        return session

    monkeypatch.setattr("orchestra_tools.cli.call.open_session", open_echoing)
    done = run("call", TOOL, "query=tao", "--receipt", str(tmp_path / "r.json"), "--body", str(tmp_path / "b"))
    assert done.exit_code == 0, done.stderr
    assert "[redacted]" in done.stdout
    assert "repeats your key" in done.stderr
    assert not (tmp_path / "b").exists()
    assert key not in done.output + (tmp_path / "r.json").read_text()


def test_a_file_that_cannot_be_written_costs_nobody_the_answer(run, place: Sandbox, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    done = run("call", TOOL, "query=tao", "--receipt", str(loop))
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)
    assert "cannot be written" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
def test_on_a_terminal_progress_is_drawn_on_stderr_and_goes_away(place: Sandbox) -> None:
    """stdout is a pipe here and stays clean."""
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "orchestra_tools.cli.main", "call", TOOL, "query=tao"]
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, stdin=subprocess.DEVNULL)
    os.close(slave)
    out, _ = done.communicate(timeout=30)
    drawn = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(master, 65536):
            drawn += chunk
    os.close(master)
    assert done.returncode == 0
    assert json.loads(out)["data"]
    assert b"asking SN22" in drawn
    assert b"schema valid" in drawn


def test_every_way_to_fail_is_one_json_error(run, place: Sandbox) -> None:
    for fault, code in (("reset", 4), ("garbage", 4), ("html", 4), ("redirect:http://example.com/", 4)):
        place.faults.set(TOOL, fault)
        done = run("call", TOOL, "query=tao", "--json")
        assert done.exit_code == code, (fault, done.stderr)
        assert json.loads(done.stderr)["error"]
