"""`orchestra attach`: puts our MCP server into a host's configuration, and takes it out again."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import click

from orchestra_tools.cli.config_file import ConfigFile
from orchestra_tools.cli.hosts import (
    HOSTS,
    SERVER_NAME,
    Machine,
    Scope,
    check_setting,
    config_path,
    is_ours,
    next_steps,
    server_entry,
)
from orchestra_tools.cli.json_edit import read_member, remove_member, set_member
from orchestra_tools.cli.options import json_option, ledger_option, split_pair
from orchestra_tools.cli.output import note, print_json, print_line
from orchestra_tools.errors import ConfigurationError

PROGRAM = "mcp-server-orchestra"
MODULE = "mcp_server_orchestra.main"
SURFACES = ("auto", "search", "operations")


@dataclass(frozen=True, slots=True)
class _Wish:
    host: str
    scope: Scope
    name: str
    remove: bool
    options: tuple[str, ...]
    environment: Mapping[str, str]


@click.command()
@click.argument("host", type=click.Choice(list(HOSTS)), metavar="HOST")
@click.option("--user", "scope", flag_value="user", help="The configuration for all projects.")
@click.option("--project", "scope", flag_value="project", help="The configuration of the project in this folder.")
@click.option("--name", default="orchestra", show_default=True, help="What the host calls the server.")
@click.option("--surface", type=click.Choice(SURFACES), help="Which tools the host sees.")
@click.option("--sandbox", is_flag=True, help="Call loopback stand-ins instead of the subnets.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="A setting for the server; no secrets.")
@click.option("--remove", is_flag=True, help="Take the server out again.")
@click.option("--dry-run", is_flag=True, help="Show the change without making it.")
@ledger_option
@json_option
def attach(
    host: str,
    scope: Scope | None,
    name: str,
    surface: str | None,
    sandbox: bool,
    variables: tuple[str, ...],
    remove: bool,
    dry_run: bool,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Put the MCP server into a host's configuration.

    HOST is claude-desktop, claude-code, cursor, vscode, windsurf, cline, zed or gemini-cli.

    Everything else in the file stays as it is, a backup is made before a change, and a second run changes nothing. Keys
    do not go into the file: store them with `orchestra keys set`.
    """
    if not SERVER_NAME.fullmatch(name):
        raise ConfigurationError(f"{name[:80]!r} is no name for a server", remedy="Use letters, digits, _ and -")
    options = [*(("--ledger", _lasting(ledger)) if ledger else ()), *(("--surface", surface) if surface else ())]
    options += ["--sandbox"] if sandbox else []
    environment = dict(split_pair(each, option="--env") for each in variables)
    for variable in environment:
        check_setting(variable)
    machine = Machine(sys.platform, os.environ, Path.home(), Path.cwd())
    wish = _Wish(host, scope or HOSTS[host].scopes[0], name, remove, tuple(options), environment)
    path = Path(config_path(host, wish.scope, machine))
    new_folder = not path.parent.is_dir()
    file = ConfigFile.read(path)
    text = file.edited(lambda before: _edit(before, wish, path))
    changed = text != file.text
    backup = None
    if changed and not dry_run:
        backup = file.write(text, now=datetime.now(UTC))
    steps = next_steps(host, wish.scope, name, machine) if changed else ()
    warnings = _warnings(wish, ledger, new_folder=new_folder and not remove)
    if as_json:
        facts = {"file": str(path), "changed": changed, "dry_run": dry_run, "backup": str(backup) if backup else None}
        diff = _diff(file.text, text, path) if dry_run else None
        print_json(facts | {"diff": diff, "warnings": warnings, "next": [] if dry_run else steps})
        return
    for warning in warnings:
        note(warning)
    if dry_run:
        print_line(_diff(file.text, text, path) or f"{path} would not change.")
        return
    _print_outcome(wish, path, backup, changed=changed)
    for step in steps:
        print_line(step)


def server_command(executable: str, *, scripts: Sequence[Path]) -> tuple[str, ...]:
    """How a host starts our server from any folder: our program where it is installed, else the module."""
    suffix = ".exe" if os.name == "nt" else ""
    for folder in scripts:
        program = folder / f"{PROGRAM}{suffix}"
        if program.is_file():
            return (str(program.absolute()),)
    return (executable, "-m", MODULE)


def _edit(text: str, wish: _Wish, path: Path) -> str:
    host = HOSTS[wish.host]
    existing = read_member(text, host.section, wish.name, comments=host.comments)
    if existing is not None and not is_ours(existing):
        raise ConfigurationError(
            f"{path} has a server {wish.name!r} already, and it is not ours",
            remedy="Choose another --name",
            file=str(path),
        )
    if wish.remove:
        return remove_member(text, host.section, wish.name, comments=host.comments)
    # The interpreter may be a link into a virtual environment: following it would lead out of that.
    scripts = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    command = server_command(sys.executable, scripts=scripts)
    entry = server_entry(host, command, existing=existing, options=wish.options, environment=wish.environment)
    return set_member(text, host.section, wish.name, entry, comments=host.comments)


def _lasting(ledger: str) -> str:
    """A ledger's place in a form that means the same from any folder."""
    if "://" in ledger:
        if "@" in urlsplit(ledger).netloc:
            raise ConfigurationError(
                "the URL of the ledger has a password in it, and a host's file is no place for one",
                remedy="Leave it out of the URL",
            )
        return ledger
    path = Path(ledger).expanduser().absolute()
    if not path.is_file():
        raise ConfigurationError(f"there is no ledger {path}", remedy="Check --ledger")
    return str(path)


def _warnings(wish: _Wish, ledger: str | None, *, new_folder: bool) -> list[str]:
    host = HOSTS[wish.host]
    found: list[str] = []
    if wish.remove:
        return found
    if new_folder and wish.scope == "user":
        found.append(f"{host.title} seems not to be installed: it has no folder for its settings yet.")
    if find_spec("mcp") is None:
        found.append('The server needs the extra "mcp": pip install "orchestra-tools[mcp]"')
    if os.environ.get("ORCHESTRA_LEDGER") and not ledger:
        found.append("ORCHESTRA_LEDGER is set here, but the host does not see it; give --ledger to use that ledger.")
    return found


def _diff(before: str, after: str, path: Path) -> str:
    """The change and nothing beside it, not even of the same line: there may be other servers' secrets."""
    if before == after:
        return ""
    start = _count_shared(before, after)
    end = _count_shared(before[start:][::-1], after[start:][::-1])
    line = before.count("\n", 0, start) + 1
    gone = [f"-{each}" for each in before[start : len(before) - end].splitlines()]
    new = [f"+{each}" for each in after[start : len(after) - end].splitlines()]
    return "\n".join([f"--- {path}", f"+++ {path}", f"@@ line {line} @@", *gone, *new])


def _count_shared(one: str, other: str) -> int:
    """With how many characters both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _print_outcome(wish: _Wish, path: Path, backup: Path | None, *, changed: bool) -> None:
    title = HOSTS[wish.host].title
    if not changed:
        state = "does not have" if wish.remove else "has already"
        print_line(f"{title} {state} the server {wish.name}; nothing was changed in {path}.")
        return
    print_line(
        f"{'Removed' if wish.remove else 'Put'} the server {wish.name} {'from' if wish.remove else 'into'} {path}."
    )
    if backup:
        print_line(f"The file as it was: {backup}")
