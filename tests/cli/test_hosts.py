"""Where each host keeps its configuration on each platform, and what it finds there."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest

from orchestra_tools.cli.hosts import (
    HOSTS,
    Machine,
    Scope,
    check_setting,
    config_path,
    is_ours,
    next_steps,
    server_entry,
)
from orchestra_tools.errors import ConfigurationError

MAC = Machine("darwin", {}, PurePosixPath("/Users/ada"), PurePosixPath("/project"))
LINUX = Machine("linux", {}, PurePosixPath("/home/ada"), PurePosixPath("/project"))
WINDOWS = Machine("win32", {"APPDATA": r"D:\Roaming"}, PureWindowsPath(r"C:\Users\ada"), PureWindowsPath(r"C:\work"))


@pytest.mark.parametrize(
    ("host", "scope", "machine", "path"),
    [
        ("claude-desktop", "user", MAC, "/Users/ada/Library/Application Support/Claude/claude_desktop_config.json"),
        ("claude-desktop", "user", LINUX, "/home/ada/.config/Claude/claude_desktop_config.json"),
        ("claude-desktop", "user", WINDOWS, r"D:\Roaming\Claude\claude_desktop_config.json"),
        ("claude-code", "project", LINUX, "/project/.mcp.json"),
        ("claude-code", "project", WINDOWS, r"C:\work\.mcp.json"),
        ("claude-code", "user", MAC, "/Users/ada/.claude.json"),
        ("claude-code", "user", WINDOWS, r"C:\Users\ada\.claude.json"),
        ("cursor", "user", LINUX, "/home/ada/.cursor/mcp.json"),
        ("cursor", "user", WINDOWS, r"C:\Users\ada\.cursor\mcp.json"),
        ("cursor", "project", MAC, "/project/.cursor/mcp.json"),
        ("vscode", "project", LINUX, "/project/.vscode/mcp.json"),
        ("vscode", "user", MAC, "/Users/ada/Library/Application Support/Code/User/mcp.json"),
        ("vscode", "user", LINUX, "/home/ada/.config/Code/User/mcp.json"),
        ("vscode", "user", WINDOWS, r"D:\Roaming\Code\User\mcp.json"),
        ("windsurf", "user", MAC, "/Users/ada/.codeium/windsurf/mcp_config.json"),
        ("windsurf", "user", WINDOWS, r"C:\Users\ada\.codeium\windsurf\mcp_config.json"),
        ("cline", "user", LINUX, "/home/ada/.cline/data/settings/cline_mcp_settings.json"),
        ("zed", "user", MAC, "/Users/ada/.config/zed/settings.json"),
        ("zed", "user", LINUX, "/home/ada/.config/zed/settings.json"),
        ("zed", "user", WINDOWS, r"D:\Roaming\Zed\settings.json"),
        ("zed", "project", LINUX, "/project/.zed/settings.json"),
        ("gemini-cli", "user", LINUX, "/home/ada/.gemini/settings.json"),
        ("gemini-cli", "project", WINDOWS, r"C:\work\.gemini\settings.json"),
    ],
)
def test_each_host_is_found_on_each_platform(host: str, scope: Scope, machine: Machine, path: str) -> None:
    assert str(config_path(host, scope, machine)) == path


@pytest.mark.parametrize(
    ("value", "folder"), [("/cfg", "/cfg"), ("", "/home/ada/.config"), ("relative", "/home/ada/.config")]
)
def test_an_empty_or_relative_xdg_folder_counts_as_unset(value: str, folder: str) -> None:
    """XDG Base Directory Specification."""
    machine = Machine("linux", {"XDG_CONFIG_HOME": value}, LINUX.home, LINUX.folder)
    assert config_path("claude-desktop", "user", machine) == PurePosixPath(folder, "Claude/claude_desktop_config.json")


def test_windows_without_appdata_uses_its_usual_place() -> None:
    machine = Machine("win32", {}, WINDOWS.home, WINDOWS.folder)
    assert str(config_path("claude-desktop", "user", machine)).startswith(r"C:\Users\ada\AppData\Roaming\Claude")


def test_a_scope_that_a_host_has_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no project configuration"):
        config_path("claude-desktop", "project", LINUX)


def test_an_entry_starts_the_program_with_its_options() -> None:
    entry = server_entry(HOSTS["cursor"], ["/bin/x"], options=["--sandbox"])
    assert entry == {"command": "/bin/x", "args": ["--sandbox"]}
    entry = server_entry(HOSTS["vscode"], ["/bin/py", "-m", "m"], environment={"A": "b"})
    assert entry == {"type": "stdio", "command": "/bin/py", "args": ["-m", "m"], "env": {"A": "b"}}


def test_what_somebody_added_to_our_entry_stays() -> None:
    existing = {"command": "/old", "args": ["--old"], "env": {"A": "1", "B": "2"}, "disabled": True}
    entry = server_entry(HOSTS["cursor"], ["/new"], existing=existing, environment={"B": "3"})
    assert entry == {"command": "/new", "args": [], "env": {"A": "1", "B": "3"}, "disabled": True}


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        ({"command": "/v/bin/mcp-server-orchestra"}, True),
        ({"command": "/py", "args": ["-m", "mcp_server_orchestra.main"]}, True),
        ({"command": "uvx", "args": ["--from", "orchestra-tools[mcp]", "mcp-server-orchestra"]}, True),
        ({"command": "/bin/other-orchestra"}, False),
        ({"url": "https://example.com"}, False),
        ("text", False),
    ],
)
def test_our_own_entry_is_recognised(entry: object, ours: bool) -> None:
    assert is_ours(entry) is ours


@pytest.mark.parametrize(
    "name",
    ["ORCHESTRA_KEY_SN22", "OPENAI_API_KEY", "openai_apikey", "GITHUB_TOKEN", "MY_SECRET", "DB_PASSWORD", "A B", ""],
)
def test_secrets_and_non_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        check_setting(name)


@pytest.mark.parametrize("name", ["ORCHESTRA_MAX_COST_PER_DAY", "ORCHESTRA_HOME", "ORCHESTRA_ALLOW_UNKNOWN_PRICE"])
def test_settings_are_let_through(name: str) -> None:
    check_setting(name)


@pytest.mark.parametrize(
    ("machine", "log"),
    [
        (MAC, PurePosixPath("/Users/ada/Library/Logs/Claude/mcp-server-orchestra.log")),
        (WINDOWS, PureWindowsPath(r"D:\Roaming\Claude\logs\mcp-server-orchestra.log")),
    ],
)
def test_claude_desktop_is_to_be_quit_fully_and_its_log_is_named(machine: Machine, log: PurePath) -> None:
    quit_it, where = next_steps("claude-desktop", "user", "orchestra", machine)
    assert "fully" in quit_it
    assert str(log) in where


def test_every_host_has_next_steps() -> None:
    for name, host in HOSTS.items():
        for scope in host.scopes:
            assert len(next_steps(name, scope, "orchestra", LINUX)) >= 2
