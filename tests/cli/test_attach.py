"""attach: files of other programs are changed with care."""

from __future__ import annotations

import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestra_tools.cli import attach as attach_module
from orchestra_tools.cli.attach import server_command
from orchestra_tools.cli.config_file import MAX_BYTES, ConfigFile
from orchestra_tools.cli.hosts import HOSTS, Machine, config_path
from orchestra_tools.errors import ConfigurationError
from tests.environments import REPOSITORY

BACKUP = re.compile(r"mcp\.json\.orchestra-backup-\d{8}T\d{6}Z(-\d+)?")
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder and the project of somebody, on Linux."""
    folder = tmp_path / "user"
    project = tmp_path / "project"
    folder.mkdir()
    project.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(project)
    return folder


@pytest.fixture
def cursor(user: Path) -> Path:
    """Cursor's file, with somebody else's server in it."""
    path = user / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text(
        '{\n    "other": 1.0,\n    "mcpServers": {\n        "github": {"env": {"TOKEN": "theirs"}}\n    }\n}\n'
    )
    path.chmod(0o600)
    return path


def backups(path: Path) -> list[Path]:
    return [each for each in path.parent.iterdir() if BACKUP.fullmatch(each.name)]


def count_shared(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def test_our_server_joins_the_others_and_the_file_is_kept(run, cursor: Path) -> None:
    before = cursor.read_text()
    done = run("attach", "cursor", "--surface", "search", "--sandbox", "--env", "ORCHESTRA_MAX_CALLS=5")
    assert done.exit_code == 0, done.stderr
    document = json.loads(cursor.read_text())
    assert document["mcpServers"]["github"] == {"env": {"TOKEN": "theirs"}}
    ours = document["mcpServers"]["orchestra"]
    assert Path(ours["command"]).is_absolute()
    assert ours["args"][-3:] == ["--surface", "search", "--sandbox"]
    assert ours["env"] == {"ORCHESTRA_MAX_CALLS": "5"}
    assert cursor.read_text().startswith(before[: before.index("\n    }\n}")])
    (backup,) = backups(cursor)
    assert backup.read_text() == before
    assert {cursor.stat().st_mode & 0o777, backup.stat().st_mode & 0o777} == {0o600}
    assert "start it again" in done.stdout
    assert str(backup) in done.stdout


def test_a_second_run_changes_nothing_and_makes_no_backup(run, cursor: Path) -> None:
    run("attach", "cursor")
    before, stamp = cursor.read_bytes(), cursor.stat().st_mtime_ns
    done = run("attach", "cursor", "--json")
    assert json.loads(done.stdout)["changed"] is False
    assert (cursor.read_bytes(), cursor.stat().st_mtime_ns) == (before, stamp)
    assert len(backups(cursor)) == 1
    assert "nothing was changed" in run("attach", "cursor").stdout


def test_removing_restores_the_file(run, cursor: Path) -> None:
    before = cursor.read_text()
    run("attach", "cursor")
    assert run("attach", "cursor", "--remove").exit_code == 0
    assert cursor.read_text() == before
    assert len(backups(cursor)) == 2
    assert "does not have" in run("attach", "cursor", "--remove").stdout
    assert len(backups(cursor)) == 2


def test_a_dry_run_shows_the_change_without_others_secrets_and_makes_none(run, cursor: Path) -> None:
    before = cursor.read_text()
    done = run("attach", "cursor", "--dry-run")
    assert done.stdout.startswith("--- ")
    assert '+        "orchestra": {' in done.stdout
    assert cursor.read_text() == before
    assert backups(cursor) == []
    facts = json.loads(run("attach", "cursor", "--dry-run", "--json").stdout)
    assert facts["changed"]
    assert facts["diff"].startswith("--- ")


@pytest.mark.parametrize(
    ("args", "place", "section"),
    [
        (("claude-desktop",), "user/.config/Claude/claude_desktop_config.json", "mcpServers"),
        (("claude-code",), "project/.mcp.json", "mcpServers"),
        (("claude-code", "--user"), "user/.claude.json", "mcpServers"),
        (("cursor", "--project"), "project/.cursor/mcp.json", "mcpServers"),
        (("vscode",), "project/.vscode/mcp.json", "servers"),
        (("vscode", "--user"), "user/.config/Code/User/mcp.json", "servers"),
        (("windsurf",), "user/.codeium/windsurf/mcp_config.json", "mcpServers"),
        (("cline",), "user/.cline/data/settings/cline_mcp_settings.json", "mcpServers"),
        (("zed",), "user/.config/zed/settings.json", "context_servers"),
        (("zed", "--project"), "project/.zed/settings.json", "context_servers"),
        (("gemini-cli",), "user/.gemini/settings.json", "mcpServers"),
        (("gemini-cli", "--project"), "project/.gemini/settings.json", "mcpServers"),
    ],
)
def test_every_host_gets_its_file(run, tmp_path: Path, args: tuple[str, ...], place: str, section: str) -> None:
    done = run("attach", *args, "--name", "subnets")
    assert done.exit_code == 0, done.stderr
    entry = json.loads((tmp_path / place).read_text())[section]["subnets"]
    assert entry.get("type") == ("stdio" if section == "servers" else None)
    assert "orchestra-backup" not in done.stdout


def test_a_host_that_seems_absent_is_pointed_out(run) -> None:
    done = run("attach", "claude-desktop")
    assert done.exit_code == 0
    assert "seems not to be installed" in done.stderr
    assert "seems not" not in run("attach", "claude-desktop", "--name", "again").stderr


def test_the_help_and_the_docs_name_every_host(run) -> None:
    told = run("attach", "--help").stdout
    page = (REPOSITORY / "docs" / "hosts" / "mcp-hosts.md").read_text("utf-8")
    for name, host in HOSTS.items():
        assert name in told
        assert f"\n## {host.title}\n" in page
        assert f"orchestra attach {name}" in page


@pytest.mark.parametrize("host", ["vscode", "zed", "gemini-cli"])
def test_comments_stay_where_a_host_reads_them(run, tmp_path: Path, host: str) -> None:
    scope = HOSTS[host].scopes[0]
    path = Path(config_path(host, scope, Machine("linux", {}, tmp_path / "user", tmp_path / "project")))
    path.parent.mkdir(parents=True)
    before = (
        f'// my settings\n{{\n  "{HOSTS[host].section}": {{\n    // theirs\n    "a": {{}}, // the first\n  }},\n}}\n'
    )
    path.write_text(before)
    assert run("attach", host).exit_code == 0
    assert re.findall("//.*", path.read_text()) == re.findall("//.*", before)
    assert run("attach", host, "--remove").exit_code == 0
    assert path.read_text() == before


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1}',
        b'\xef\xbb\xbf{\r\n\t"mcpServers" : { \r\n\t\t"x" : {"command":"y"} } }\r\n',
        b'{"mcpServers": {"x": 1}, "mcpServers": {"y": 2}}',
        '{"mcpServers": {"käse": {"n": 1.50e+3, "s": "\\u00e9é😀"}}}'.encode(),
        b"[\n",
        b'{"mcpServers": null}',
        b'{"mcpServers": []}',
        b'{"mcpServers": "x"}',
        b"null",
        b"\xff\xfe{\x00}\x00",
        b"\x00" * 20,
        b'{"a": 1' + b"0" * 5_000 + b"}",
        b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"a": "' + b"x" * 5_000_000 + b'"}',
        "\u00a0".encode(),
    ],
    ids=lambda content: content[:12],
)
def test_a_file_is_changed_by_our_entry_alone_or_not_at_all(run, cursor: Path, content: bytes) -> None:
    cursor.write_bytes(content)
    done = run("attach", "cursor")
    changed = cursor.read_bytes()
    if done.exit_code:
        assert done.exit_code == 2
        assert "error: " in done.stderr
        assert "Traceback" not in done.stderr
        assert changed == content
        return
    start = count_shared(content, changed)
    end = count_shared(content[start:][::-1], changed[start:][::-1])
    assert start + end == len(content)
    assert run("attach", "cursor").exit_code == 0
    assert cursor.read_bytes() == changed
    json.loads(changed.decode("utf-8-sig"))


def test_a_dry_run_of_a_file_in_one_line_shows_no_secret_beside_the_change(run, cursor: Path) -> None:
    cursor.write_text('{"mcpServers": {"github": {"env": {"TOKEN": "hunter2"}}}, "z": "hunter2"}')
    for options in ((), ("--json",)):
        done = run("attach", "cursor", "--dry-run", *options)
        assert "orchestra" in done.stdout
        assert "hunter2" not in done.output
    assert run("attach", "cursor").exit_code == 0
    assert "hunter2" not in run("attach", "cursor", "--remove", "--dry-run").output


def test_a_read_only_file_is_not_replaced(run, cursor: Path) -> None:
    before = cursor.read_bytes()
    cursor.chmod(0o444)
    done = run("attach", "cursor")
    assert done.exit_code == 2
    assert "read-only" in done.stderr
    assert cursor.read_bytes() == before
    assert backups(cursor) == []


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop"])
def test_what_is_no_file_is_refused(run, cursor: Path, kind: str) -> None:
    cursor.unlink()
    match kind:
        case "folder":
            cursor.mkdir()
        case "pipe":
            os.mkfifo(cursor)
        case "loop":
            cursor.symlink_to(cursor)
    done = run("attach", "cursor")
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr


def test_an_absurdly_large_file_is_not_read(run, cursor: Path) -> None:
    with cursor.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    done = run("attach", "cursor")
    assert done.exit_code == 2
    assert "bytes" in done.stderr


def test_a_link_to_a_file_that_is_not_there_yet_makes_that_file(run, cursor: Path, tmp_path: Path) -> None:
    cursor.unlink()
    cursor.symlink_to(tmp_path / "dotfiles" / "cursor.json")
    assert run("attach", "cursor").exit_code == 0
    assert cursor.is_symlink()
    assert "orchestra" in json.loads((tmp_path / "dotfiles" / "cursor.json").read_text())["mcpServers"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="the platform lets only root give files away")
def test_a_file_keeps_its_owner_when_root_changes_it(run, cursor: Path) -> None:
    os.chown(cursor, 12_345, 12_345)
    assert run("attach", "cursor").exit_code == 0
    (backup,) = backups(cursor)
    assert {(each.stat().st_uid, each.stat().st_gid) for each in (cursor, backup)} == {(12_345, 12_345)}


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b'{\n  "mcpServers": {\n', 3, 1),
        (b'{\n  // mine\n  "a": 1\n}', 2, 3),
        (b"\n[]", 2, 1),
        (b'{\n "mcpServers": []\n}', 2, 16),
        (b'{\n "a": "\xff"\n}', 2, 8),
    ],
)
def test_a_file_that_cannot_be_understood_stays_as_it_was(
    run, cursor: Path, content: bytes, line: int, column: int
) -> None:
    cursor.write_bytes(content)
    done = run("attach", "cursor", "--json")
    assert done.exit_code == 2
    error = json.loads(done.stderr)
    assert (error["error"], error["file"]) == ("configuration", str(cursor))
    assert (error["line"], error["column"]) == (line, column)
    assert f"{cursor}, line {line}, column {column}" in error["message"]
    assert cursor.read_bytes() == content
    assert sorted(each.name for each in cursor.parent.iterdir()) == ["mcp.json"]


def test_an_empty_file_and_a_byte_order_mark_are_fine(run, cursor: Path) -> None:
    cursor.write_bytes(b"")
    assert run("attach", "cursor").exit_code == 0
    assert "orchestra" in json.loads(cursor.read_text())["mcpServers"]
    cursor.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert run("attach", "cursor").exit_code == 0
    assert cursor.read_bytes().startswith(b'\xef\xbb\xbf{"a": 1, ')


def test_somebody_elses_server_of_our_name_is_left_alone(run, cursor: Path) -> None:
    cursor.write_text('{"mcpServers": {"orchestra": {"command": "/bin/other"}}}')
    for args in ((), ("--remove",)):
        done = run("attach", "cursor", *args)
        assert done.exit_code == 2
        assert "--name" in done.stderr
    assert run("attach", "cursor", "--name", "subnets").exit_code == 0


@pytest.mark.parametrize("bad", ["ORCHESTRA_KEY_SN22=x", "OPENAI_API_KEY=x", "GH_TOKEN=x", "A_SECRET=x", "NAME"])
def test_secrets_are_refused_and_never_repeated(run, cursor: Path, bad: str) -> None:
    before = cursor.read_text()
    done = run("attach", "cursor", "--env", bad.replace("=x", "=hunter2"))
    assert done.exit_code == 2
    assert "hunter2" not in done.output
    assert cursor.read_text() == before


def test_a_ledger_is_passed_on_in_a_form_that_lasts(run, cursor: Path, tmp_path: Path) -> None:
    (tmp_path / "project" / "mine.json").write_text("{}")
    run("attach", "cursor", "--ledger", "mine.json")
    assert json.loads(cursor.read_text())["mcpServers"]["orchestra"]["args"][-2:] == [
        "--ledger",
        str(tmp_path / "project" / "mine.json"),
    ]
    assert run("attach", "cursor", "--ledger", "absent.json").exit_code == 2
    assert run("attach", "cursor", "--ledger", "https://ada:pw@example.com/l.json").exit_code == 2


def test_a_ledger_of_the_environment_is_pointed_out(run, cursor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_LEDGER", "/somewhere.json")
    assert "ORCHESTRA_LEDGER is set here" in run("attach", "cursor").stderr


def test_bad_names_and_scopes_are_refused(run) -> None:
    assert run("attach", "cursor", "--name", "a b").exit_code == 2
    assert run("attach", "claude-desktop", "--project").exit_code == 2
    assert run("attach", "emacs").exit_code == 2


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
def test_a_link_stays_a_link(run, cursor: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    cursor.replace(real)
    cursor.symlink_to(real)
    assert run("attach", "cursor").exit_code == 0
    assert cursor.is_symlink()
    assert "orchestra" in json.loads(real.read_text())["mcpServers"]


def test_the_program_beside_the_interpreter_is_preferred(tmp_path: Path) -> None:
    assert server_command("/py", scripts=[tmp_path]) == ("/py", "-m", "mcp_server_orchestra.main")
    program = tmp_path / (attach_module.PROGRAM + (".exe" if os.name == "nt" else ""))
    program.touch()
    assert server_command("/py", scripts=[tmp_path / "absent", tmp_path]) == (str(program),)


def test_a_file_that_changed_meanwhile_is_not_overwritten(cursor: Path) -> None:
    file = ConfigFile.read(cursor)
    cursor.write_text('{"theirs": true}')
    with pytest.raises(ConfigurationError, match="changed meanwhile"):
        file.write("{}", now=NOW)
    assert cursor.read_text() == '{"theirs": true}'
    assert not [each for each in cursor.parent.iterdir() if each.name.startswith(".mcp.json")]


def test_backups_of_one_second_do_not_overwrite_each_other(cursor: Path) -> None:
    first = ConfigFile.read(cursor).write("{}", now=NOW)
    second = ConfigFile.read(cursor).write('{"a": 1}', now=NOW)
    assert first != second
    assert first is not None
    assert "github" in first.read_text()
    assert second is not None
    assert second.read_text() == "{}"


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="the platform runs this as root, who may write everywhere"
)
def test_a_folder_without_rights_is_a_typed_error(run, cursor: Path) -> None:
    cursor.parent.chmod(0o500)
    try:
        assert run("attach", "cursor").exit_code == 2
    finally:
        cursor.parent.chmod(0o700)
