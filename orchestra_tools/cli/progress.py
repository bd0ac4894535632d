"""A progress bar on stderr, where somebody looks at it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestra_tools.cli.output import console_on, on_terminal, visible


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yields what tells how many are done, and of how many."""
    if not on_terminal(sys.stderr):
        yield lambda done, total: None
        return
    from rich.progress import Progress

    with Progress(console=console_on(sys.stderr), transient=True) as bar:
        task = bar.add_task(visible(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
