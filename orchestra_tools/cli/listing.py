"""What the list of commands says of each, read from its source: listing imports none of them.

Importing every command to show one line of each would make `orchestra --help` wait for servers and toolkits.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

GROUP = "orchestra.commands"
INSTALL_ALL = 'pip install "orchestra-tools[all]"'


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as it is listed.

    Attributes:
        summary: One line; "" where it cannot be read without importing.
        missing: A module it needs that is not installed, or None.
    """

    summary: str
    missing: str | None = None


def installed_commands() -> dict[str, EntryPoint]:
    """The entry points of all commands, by name. Of two with one name, the last counts."""
    found = entry_points(group=GROUP)
    return {point.name: point for point in sorted(found, key=lambda point: point.name)}


def load_command(point: EntryPoint) -> click.Command:
    """Import a command.

    Raises:
        ImportError: It needs something that is not installed; the message names what to install.
    """
    try:
        command: Any = point.load()
    except ModuleNotFoundError as error:
        if error.name and _is_ours(point, error.name):
            raise ImportError(f"{point.value} is not installed; reinstall orchestra-tools") from error
        raise ImportError(f"it needs {error.name}; install it: {INSTALL_ALL}") from error
    except AttributeError as error:
        raise ImportError(f"{point.value} does not exist") from error
    if not isinstance(command, click.Command):
        raise ImportError(f"{point.value} is no command")
    return command


def list_command(point: EntryPoint) -> Listed:
    """What to say of a command in a list."""
    sources = list(_sources(point.module))
    if not sources:
        return Listed("", missing=point.module)
    trees = [ast.parse(path.read_text("utf-8")) for path in sources]
    needed = {name for tree in trees for name in _imported(tree.body)}
    missing = next((name for name in sorted(needed) if find_spec(name) is None), None)
    return Listed(_summary(trees[-1], point.attr), missing)


def _sources(module: str) -> Iterator[Path]:
    """The files that importing a module runs, its own last; nothing where one is absent."""
    top, *inner = module.split(".")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return
    folder = Path(next(iter(spec.submodule_search_locations)))
    files = [folder / "__init__.py"]
    for name in inner[:-1]:
        folder /= name
        files.append(folder / "__init__.py")
    own = folder / f"{inner[-1]}.py" if inner else files[0]
    if own.is_file():
        yield from (file for file in files if file.is_file() and file != own)
        yield own


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    """Top-level names of the packages that a module imports as it runs."""
    for statement in body:
        match statement:
            case ast.Import(names=names):
                yield from (each.name.partition(".")[0] for each in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Try(body=inner):
                yield from _imported(inner)


def _summary(tree: ast.Module, name: str) -> str:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == name:
            given = dict(_text_options(statement.decorator_list))
            text = given.get("short_help") or given.get("help") or ast.get_docstring(statement) or ""
            return " ".join(text.partition("\n\n")[0].split())
    return ""


def _text_options(decorators: list[ast.expr]) -> Iterator[tuple[str, str]]:
    for decorator in decorators:
        if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
            continue
        if decorator.func.attr not in ("command", "group"):
            continue
        for keyword in decorator.keywords:
            if keyword.arg and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
                yield keyword.arg, keyword.value.value


def _is_ours(point: EntryPoint, missing: str) -> bool:
    return missing.partition(".")[0] == point.module.partition(".")[0]
