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
        typed: Whether it wants `"type": "stdio"`.
        scopes: Which configurations it has; the first is the default.
    """

    title: str
    section: str
    scopes: tuple[Scope, ...]
    typed: bool = False


HOSTS: Mapping[str, Host] = {
    "claude-desktop": Host("Claude Desktop", "mcpServers", ("user",)),
    "claude-code": Host("Claude Code", "mcpServers", ("project", "user")),
    "cursor": Host("Cursor", "mcpServers", ("user", "project")),
    "vscode": Host("VS Code", "servers", ("project", "user"), typed=True),
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
    match name, scope:
        case "claude-desktop", _:
            return _applications(machine) / "Claude" / "claude_desktop_config.json"
        case "claude-code", "project":
            return machine.folder / ".mcp.json"
        case "claude-code", _:
            return machine.home / ".claude.json"
        case "cursor", "project":
            return machine.folder / ".cursor" / "mcp.json"
        case "cursor", _:
            return machine.home / ".cursor" / "mcp.json"
        case _, "project":
            return machine.folder / ".vscode" / "mcp.json"
    return _applications(machine) / "Code" / "User" / "mcp.json"


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
        case "cursor":
            return (
                "Quit Cursor fully and start it again; its MCP settings show the server.",
                'Its log: the panel Output, "MCP Logs"',
            )
    return (
        'Run "MCP: List Servers" in the command palette and start the server; reload open windows first.',
        'Its log: the same command, "Show Output"',
    )


def _applications(machine: Machine) -> PurePath:
    """Where applications keep a user's settings."""
    match machine.platform:
        case "darwin":
            return machine.home / "Library" / "Application Support"
        case "win32":
            given = machine.environment.get("APPDATA")
            return machine.home / "AppData" / "Roaming" if not given else type(machine.home)(given)
    given = machine.environment.get("XDG_CONFIG_HOME", "")
    # XDG Base Directory Specification: an empty value counts as unset, a relative one is ignored.
    path = type(machine.home)(given)
    return path if given and path.is_absolute() else machine.home / ".config"


def _claude_logs(machine: Machine) -> PurePath:
    if machine.platform == "darwin":
        return machine.home / "Library" / "Logs" / "Claude"
    return _applications(machine) / "Claude" / "logs"
