"""The group: finding commands, errors as lines and exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint, version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestra_tools.cli.listing import GROUP, installed_commands
from orchestra_tools.cli.main import OrchestraGroup

ORCHESTRA = [sys.executable, "-m", "orchestra_tools.cli.main"]
BROKEN = '''
import click

@click.command()
@click.option("--json", is_flag=True)
def bug(json):
    """Has a bug."""
    raise RuntimeError("the secret is 42")

@click.command()
def stop():
    """Is interrupted."""
    raise KeyboardInterrupt

@click.command(short_help="Needs more.")
def needy():
    """Never shown."""

not_a_command = 1
'''
EXTRA = """
try:
    import nowhere_to_be_found
except ImportError as error:
    raise ImportError('It needs the extra "more": pip install "orchestra-tools[more]"') from error
"""


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OrchestraGroup:
    """A group with commands that fail in all ways."""
    (tmp_path / "orchestra_failing.py").write_text(BROKEN)
    (tmp_path / "orchestra_failing_package").mkdir()
    (tmp_path / "orchestra_failing_package" / "__init__.py").write_text(EXTRA)
    (tmp_path / "orchestra_failing_package" / "commands.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    places = {
        "bug": "orchestra_failing_package_free.commands:bug",
        "stop": "orchestra_failing_package_free.commands:stop",
        "needy": "orchestra_failing_package.commands:needy",
        "gone": "orchestra_failing_package_free.gone:gone",
        "odd": "orchestra_failing_package_free.commands:not_a_command",
        "absent": "orchestra_failing_package_free.commands:absent",
        "find": "orchestra_tools.cli.find:find",
    }
    (tmp_path / "orchestra_failing_package_free").mkdir()
    (tmp_path / "orchestra_failing_package_free" / "__init__.py").write_text("")
    (tmp_path / "orchestra_failing_package_free" / "commands.py").write_text(BROKEN)
    built = OrchestraGroup("orchestra", context_settings={"help_option_names": ["-h", "--help"]})
    built.points = {name: EntryPoint(name, where, GROUP) for name, where in places.items()}
    return built


def invoke(group: OrchestraGroup, *args: str) -> Result:
    return CliRunner().invoke(group, list(args))


def test_help_lists_every_command_with_a_summary_and_imports_none_of_them() -> None:
    code = (
        "import sys; from orchestra_tools.cli.main import orchestra; orchestra.main(['--help'], standalone_mode=False);"
        "heavy = {'httpx', 'pydantic', 'mcp', 'rich', 'keyring'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = {line.split()[0]: line.split(maxsplit=1)[1:] for line in done.stdout.splitlines() if line.startswith("  ")}
    for name in installed_commands():
        assert lines[name], name


def test_version_is_that_of_the_distribution() -> None:
    done = subprocess.run([*ORCHESTRA, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"orchestra {version('orchestra-tools')}\n"


def test_a_command_without_its_extra_is_listed_with_the_install_command_and_breaks_no_other(
    group: OrchestraGroup,
) -> None:
    listed = invoke(group, "--help")
    assert listed.exit_code == 0
    text = " ".join(listed.output.split())
    assert 'needy Needs more. Unavailable: It needs the extra "more": pip install "orchestra-tools[more]"' in text
    assert "find Find tools by what they do." in text
    assert invoke(group, "find", "--help").exit_code == 0


@pytest.mark.parametrize("name", ["needy", "gone", "odd", "absent"])
def test_a_command_that_cannot_be_imported_says_why_when_it_runs(group: OrchestraGroup, name: str) -> None:
    done = invoke(group, name, "--some-option", "value")
    assert done.exit_code == 2
    assert f"error: the command {name} is unavailable: " in done.stderr
    assert "pip install" in done.stderr


def test_an_unknown_command_is_a_usage_error_with_the_nearest_name(group: OrchestraGroup) -> None:
    done = invoke(group, "fnd")
    assert done.exit_code == 2
    assert "No such command 'fnd'" in done.stderr
    assert "find" in done.stderr.partition("No such")[2]
    assert done.stdout == ""


def test_usage_errors_are_json_with_the_flag(group: OrchestraGroup) -> None:
    done = invoke(group, "find", "--limit", "many", "--json")
    assert done.exit_code == 2
    error = json.loads(done.stderr)
    assert error["error"] == "usage"
    assert error["remedy"] == "Try: orchestra find --help"
    assert done.stdout == ""


def test_an_unexpected_exception_is_no_traceback_and_tells_nothing_of_its_values(group: OrchestraGroup) -> None:
    done = invoke(group, "bug")
    assert done.exit_code == 1
    assert done.stderr == "error: internal error (RuntimeError)\nRun it again with ORCHESTRA_DEBUG=1 to see where\n"
    assert json.loads(invoke(group, "bug", "--json").stderr)["error"] == "internal"


def test_the_traceback_is_there_for_who_asks(group: OrchestraGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_DEBUG", "1")
    done = invoke(group, "bug")
    assert done.exit_code == 1
    assert "Traceback" in done.stderr


def test_without_a_command_there_is_help(group: OrchestraGroup) -> None:
    done = invoke(group)
    assert done.exit_code == 2
    assert done.stderr.startswith("Usage: orchestra")
    assert "error" not in done.stderr


def test_an_interrupt_exits_with_130(group: OrchestraGroup) -> None:
    done = invoke(group, "stop")
    assert done.exit_code == 130
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_of_ours_carry_their_exit_code_and_their_remedy(run) -> None:
    done = run("show", "SN60000")
    assert done.exit_code == 2
    problem, remedy = done.stderr.splitlines()
    assert problem.startswith("error: no subnet 'SN60000'")
    assert remedy
    assert json.loads(run("show", "SN60000", "--json").stderr)["error"] == "unknown_subnet"


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_reader_that_goes_away_is_no_error_anybody_sees() -> None:
    process = subprocess.Popen(
        [*ORCHESTRA, "tools", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Unbuffered text streams of Python lose the error of a write that was cut short.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert errors == b""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_in_a_call_exits_with_130_and_no_traceback(place, home: Path) -> None:
    place.faults.set("sn22_web_search", "timeout")
    before = place.calls.get("sn22_web_search", 0)
    process = subprocess.Popen(
        [*ORCHESTRA, "call", "sn22_web_search", "query=tao"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while place.calls.get("sn22_web_search", 0) == before:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors
