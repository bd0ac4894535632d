"""`docs/cli.md`, made from the commands themselves: `python -m orchestra_tools.cli.docs > docs/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from orchestra_tools.cli.main import orchestra

WIDTH = 100  # characters of help text, whatever the terminal
_HEAD = """\
# The command line

Generated from `--help`; after a change run `python -m orchestra_tools.cli.docs > docs/cli.md`.

## Conventions

- With `--json` a command prints JSON on stdout and nothing else there. Only the server `mcp` has no `--json`.
- Commands that read a ledger take `--ledger PATH|URL`; without it `ORCHESTRA_LEDGER` counts, then the packaged ledger.
- On a terminal there are tables and progress, in a pipe plain text. `NO_COLOR` is respected.
- Errors go to stderr: `error: …`, then what to do about it. With `--json` they are one JSON object with `error`,
  `message`, `remedy` and the facts.
- Control characters in what subnets say are shown as escapes.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | unexpected; `ORCHESTRA_DEBUG=1` shows where |
| 2 | wrong input, configuration or usage |
| 3 | refused by policy (no key, budget, quarantine, pin, private address); nothing was sent |
| 4 | the call was made and failed |
| 5 | something signed does not hold |
| 130 | interrupted |
| 141 | whoever read the output went away |
"""


def render_docs() -> str:
    """The page."""
    return "\n".join([_HEAD, *_sections(orchestra, click.Context(orchestra, info_name="orchestra"))])


def _sections(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or (command.short_help or "").startswith("Unavailable"):
            continue
        inner = click.Context(
            command, context, info_name=name, terminal_width=WIDTH, help_option_names=["-h", "--help"]
        )
        yield f"## `{inner.command_path}`\n\n```text\n{command.get_help(inner)}\n```\n"
        if isinstance(command, click.Group):
            yield from _sections(command, inner)


if __name__ == "__main__":
    click.echo(render_docs(), nl=False)
