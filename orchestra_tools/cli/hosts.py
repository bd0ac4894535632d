"""MCP hosts: where each keeps its configuration, what it wants to find there, what to do next. Pure.

config_path(HOSTS["cursor"], "user", Machine("linux", {}, PurePosixPath("/home/ada"), PurePosixPath("/work")))
# /home/ada/.cursor/mcp.json
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from orchestra_tools.errors import ConfigurationError

Scope = Literal["user", "project"]
SERVER_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
OUR_PROGRAMS = ("mcp-server-orchestra", "mcp_server_orchestra")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_NAME = re.compile(
    r"ORCHESTRA_KEY_.*|.*(API_?KEY|TOKEN|SECRET|PASSW(OR)?D|PASSPHRASE|CREDENTIAL|PRIVATE_?KEY|MNEMONIC).*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What paths depend on.

    Attributes:
        platform: As `sys.platform` says: darwin, win32, linux, …
        environment: Variables.
        home: The user's home folder.
        folder: The current folder: the project.
    """

    platform: str
    environment: Mapping[str, str]
    home: PurePath
    folder: PurePath


@dataclass(frozen=True, slots=True)
class Host:
    """An MCP host.

    Attributes:
        title: What people call it.
        section: Key of the object that has the servers.
        scopes: Which configurations it has; the first is the default.
        typed: Whether it wants `"type": "stdio"`.
        comments: Whether it reads JSON with comments and trailing commas.
    """

    title: str
    section: str
    scopes: tuple[Scope, ...]
    typed: bool = False
    comments: bool = False


HOSTS: Mapping[str, Host] = {
    "claude-desktop": Host("Claude Desktop", "mcpServers", ("user",)),
    "claude-code": Host("Claude Code", "mcpServers", ("project", "user")),
    "cursor": Host("Cursor", "mcpServers", ("user", "project")),
    "vscode": Host("VS Code", "servers", ("project", "user"), typed=True, comments=True),
    "windsurf": Host("Windsurf", "mcpServers", ("user",)),
    "cline": Host("Cline", "mcpServers", ("user",)),
    "zed": Host("Zed", "context_servers", ("user", "project"), comments=True),
    "gemini-cli": Host("Gemini CLI", "mcpServers", ("user", "project"), comments=True),
}
# Where a host keeps what it has below the home folder, and below a project's.
_HOME_FILES: Mapping[str, str] = {
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "cline": ".cline/data/settings/cline_mcp_settings.json",
    "gemini-cli": ".gemini/settings.json",
}
_PROJECT_FILES: Mapping[str, str] = {
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "zed": ".zed/settings.json",
    "gemini-cli": ".gemini/settings.json",
}


_NEXT_STEPS: Mapping[str, tuple[str, str]] = {
    "cursor": (
        "Quit Cursor fully and start it again; its MCP settings show the server.",
        'Its log: the panel Output, "MCP Logs"',
    ),
    "vscode": (
        'Run "MCP: List Servers" in the command palette and start the server; reload open windows first.',
        'Its log: the same command, "Show Output"',
    ),
    "windsurf": ("Refresh the MCP servers in Cascade's settings, or start Windsurf again.", "Errors show there."),
    "cline": ("Open Cline's MCP servers: it reads the file anew and starts the server.", "Errors show there."),
    "zed": ("Zed reads the file anew; the agent's settings show the server.", 'Its log: "zed: open log"'),
    "gemini-cli": ("Start Gemini CLI again; /mcp shows the server.", "Its log: gemini --debug"),
}


def config_path(name: str, scope: Scope, machine: Machine) -> PurePath:
    """The file in which a host looks for its MCP servers.

    Raises:
        ConfigurationError: The host has no such configuration.
    """
    if scope not in HOSTS[name].scopes:
        raise ConfigurationError(
            f"{HOSTS[name].title} has no {scope} configuration", remedy=f"Leave --{scope} out", host=name
        )
    if scope == "project":
        return machine.folder / _PROJECT_FILES[name]
    match name:
        case "claude-desktop":
            return _applications(machine) / "Claude" / "claude_desktop_config.json"
        case "vscode":
            return _applications(machine) / "Code" / "User" / "mcp.json"
        case "zed":
            if machine.platform == "win32":
                return _applications(machine) / "Zed" / "settings.json"
            return _configuration(machine) / "zed" / "settings.json"
    return machine.home / _HOME_FILES[name]


def server_entry(
    host: Host,
    command: Sequence[str],
    *,
    existing: Mapping[str, Any] | None = None,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the host starts us with. Keys somebody has added to an entry of ours stay.

    Args:
        host: For whom.
        command: Program and its first arguments.
        existing: Our entry as it is now.
        options: Further arguments.
        environment: Settings, none of them secret.
    """
    entry: dict[str, Any] = dict(existing or {})
    if host.typed:
        entry = {"type": "stdio"} | entry | {"type": "stdio"}
    entry |= {"command": command[0], "args": [*command[1:], *options]}
    if environment:
        held = entry.get("env")
        entry["env"] = (held if isinstance(held, dict) else {}) | dict(environment)
    return entry


def is_ours(entry: Any) -> bool:
    """Whether a host's entry starts our server."""
    if not isinstance(entry, Mapping):
        return False
    arguments = entry.get("args")
    words = [entry.get("command"), *(arguments if isinstance(arguments, list) else ())]
    return any(program in word for word in words if isinstance(word, str) for program in OUR_PROGRAMS)


def check_setting(name: str) -> None:
    """Refuse a variable whose value does not belong into a host's file.

    Raises:
        ConfigurationError: It is no name, or the name of a secret.
    """
    if not _VARIABLE_NAME.fullmatch(name):
        raise ConfigurationError(f"{name[:60]!r} is no name of a variable", remedy="Write --env NAME=VALUE")
    if _SECRET_NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name[:60]} looks like a secret, and a host's file is no place for one",
            remedy="Store keys with `orchestra keys set SUBNET`; the server finds them in the keyring",
            variable=name[:60],
        )


def next_steps(name: str, scope: Scope, server: str, machine: Machine) -> tuple[str, ...]:
    """What the user does now, and where to look if it does not work."""
    match name:
        case "claude-desktop":
            logs = _claude_logs(machine) / f"mcp-server-{server}.log"
            return (
                "Quit Claude Desktop fully (closing its window is not enough) and start it again.",
                f"Its log: {logs}",
            )
        case "claude-code":
            approve = ("Claude Code asks once whether to trust this project's servers.",) if scope == "project" else ()
            return ("Start Claude Code again; /mcp shows the server.", *approve, "Its log: claude --debug")
    return _NEXT_STEPS[name]


def _applications(machine: Machine) -> PurePath:
    """Where applications keep a user's settings."""
    match machine.platform:
        case "darwin":
            return machine.home / "Library" / "Application Support"
        case "win32":
            given = machine.environment.get("APPDATA")
            return machine.home / "AppData" / "Roaming" if not given else type(machine.home)(given)
    return _configuration(machine)


def _configuration(machine: Machine) -> PurePath:
    """Where programs of Unix keep a user's settings; some do so on macOS as well, where the variable does not count."""
    given = "" if machine.platform == "darwin" else machine.environment.get("XDG_CONFIG_HOME", "")
    # XDG Base Directory Specification: an empty value counts as unset, a relative one is ignored.
    path = type(machine.home)(given)
    return path if given and path.is_absolute() else machine.home / ".config"


def _claude_logs(machine: Machine) -> PurePath:
    if machine.platform == "darwin":
        return machine.home / "Library" / "Logs" / "Claude"
    return _applications(machine) / "Claude" / "logs"
