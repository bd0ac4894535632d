"""Whether every pattern of wanted operations matched one of the document. Pure.

    selection = Selection(["tag:search", "-/v1/admin*"])
    wanted = [each for each in operations if selection(each)]
    selection.check()

What a pattern is stands in `importers.openapi.select_by`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from orchestra_tools.compile.hygiene import printable
from orchestra_tools.errors import InputError
from orchestra_tools.importers.openapi import Listed, select_by

_CLOSE = 5  # names told for a pattern that matches nothing
_SIMILAR = 0.4  # of 1; a pattern is short, and a wrong guess costs nothing
_MAX_COMPARED = 5_000  # names that are held against it
_MAX_SHOWN = 120  # characters of a name


class Selection:
    """Says of each operation whether it is wanted. Without patterns all are."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(dict.fromkeys(pattern.strip() for pattern in patterns))
        self._wanted = select_by(self.patterns)
        self._unmatched = {pattern: select_by([pattern.removeprefix("-")]) for pattern in self.patterns}
        self._names: dict[str, None] = {}

    def __call__(self, operation: Listed) -> bool:
        """Whether the operation is wanted."""
        if self._unmatched:
            for pattern in [each for each, matches in self._unmatched.items() if matches(operation)]:
                del self._unmatched[pattern]
        if self.patterns and len(self._names) < _MAX_COMPARED:
            self._names |= dict.fromkeys(_names_of(operation))
        return self._wanted(operation)

    def check(self) -> None:
        """Make sure that every pattern matched an operation.

        Raises:
            InputError: One matched none; the message names close ones.
        """
        for pattern in self._unmatched:
            names = {name.lower(): name for name in self._names}
            found = difflib.get_close_matches(pattern.removeprefix("-").lower(), names, n=_CLOSE, cutoff=_SIMILAR)
            close = [printable(names[name], limit=_MAX_SHOWN) for name in found]
            shown = printable(pattern, limit=_MAX_SHOWN)
            raise InputError(
                f"--select {shown!r} matches no operation of the document",
                remedy=f"Close to it: {', '.join(close)}" if close else "Without --select all operations are imported",
                pattern=shown,
                close=close,
            )


def _names_of(operation: Listed) -> Iterable[str]:
    yield from (operation.key, operation.path, *(f"tag:{tag}" for tag in operation.tags))
    if operation.operation_id:
        yield operation.operation_id
