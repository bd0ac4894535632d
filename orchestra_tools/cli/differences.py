"""A difference between two values, for people."""

from __future__ import annotations

from collections.abc import Iterator

from orchestra_tools.cli.output import to_json_text
from orchestra_tools.compile import ABSENT, Difference
from orchestra_tools.compile.hygiene import printable


def lines_of(difference: Difference) -> Iterator[str]:
    """Where it is, and both sides; nothing is cut, since the change that matters may stand at the end."""
    yield _whole(difference.path)
    for mark, value in (("-", difference.before), ("+", difference.now)):
        if value is not ABSENT:
            yield f"  {mark} {_whole(to_json_text(value, indent=None))}"


def _whole(text: str) -> str:
    return printable(text, limit=len(text))
