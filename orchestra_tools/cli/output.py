"""What commands print: JSON for machines, tables for people, plain text into pipes.

Names, descriptions and answers come from strangers, so control and direction-changing characters are shown as escapes:
a terminal never acts on them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

UNKNOWN = "-"
_LEAST_LAST = 24  # characters for the last column, which may wrap
# Control characters but tab and newline, then zero-width and direction marks, then tag characters.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with unsafe characters written as escapes; JSON text stays the same JSON."""
    return _UNSAFE.sub(lambda match: _escape(match[0]), text)


def to_json_text(value: Any, *, indent: int | None = 2, encoding: str = "utf-8") -> str:
    """A value as JSON text that the encoding can carry."""
    text = visible(json.dumps(value, ensure_ascii=False, indent=indent, default=str))
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, default=str)
    return text


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """One JSON value on stdout."""
    click.echo(to_json_text(value, indent=indent, encoding=sys.stdout.encoding or "utf-8"))


def print_line(text: str = "") -> None:
    """One line on stdout."""
    click.echo(visible(text))


def note(text: str) -> None:
    """One line beside the output, on stderr."""
    click.echo(visible(text), err=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table: aligned columns in a pipe; on a terminal drawn, or as records where it is too wide to be read."""
    cells = [[" ".join(visible(cell).split()) for cell in row] for row in rows]
    if not on_terminal(sys.stdout):
        _print_aligned([[heading.upper() for heading in columns], *cells])
        return
    console = console_on(sys.stdout)
    *firsts, _ = _widths([columns, *cells])
    if sum(firsts) + 2 * len(firsts) + _LEAST_LAST > console.width:
        _print_records(console, columns, cells)
    else:
        _draw(console, columns, cells)


def print_fields(fields: Mapping[str, str | None]) -> None:
    """Labelled values, one below the other; those that are None are left out."""
    shown = {label: visible(value) for label, value in fields.items() if value is not None}
    if not on_terminal(sys.stdout):
        for label, value in shown.items():
            click.echo(f"{label}: {value}")
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for label, value in shown.items():
        grid.add_row(Text(label, style="bold"), Text(value))
    console_on(sys.stdout).print(grid)


def on_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at the stream."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def console_on(stream: TextIO) -> Console:
    """A rich console that prints text as it is; `NO_COLOR` and `TERM=dumb` are rich's to respect."""
    from rich.console import Console

    return Console(file=stream, markup=False, highlight=False, emoji=False)


def _print_aligned(rows: Sequence[Sequence[str]]) -> None:
    widths = _widths(rows)
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _draw(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in columns:
        table.add_column(heading, no_wrap=heading != columns[-1], overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _print_records(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    label_width = 2 + max(map(len, columns[1:]))
    for row in rows:
        console.print(Text(row[0], style="bold"))
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(min_width=label_width, no_wrap=True)
        grid.add_column(overflow="fold")
        for heading, cell in zip(columns[1:], row[1:], strict=True):
            if cell != UNKNOWN:
                grid.add_row(Text(f"  {heading}", style="dim"), Text(cell))
        console.print(grid)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
