"""Servers on the command line run until Ctrl-C, or until they are asked to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal


def stopped_by_signal() -> asyncio.Event:
    """An event of the running loop that is set by SIGINT and SIGTERM."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers: there Ctrl-C ends the loop.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
