"""An event loop in a thread of its own, for those who wait without one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from orchestra_tools.errors import ConfigurationError

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for synchronous code. The thread is started by the first of them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, waiting: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and wait for what it gives. Interrupting the wait cancels it.

        Raises:
            ConfigurationError: The thread was closed.
        """
        with self._lock:
            if self._closed:
                waiting.close()
                raise ConfigurationError("this client is closed", remedy="Open another one")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run_and_close, args=(self._loop,), name="orchestra-calls", daemon=True
                )
                self._thread.start()
            future = asyncio.run_coroutine_threadsafe(waiting, self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C while waiting cancels the call, down to the wire.
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread, and with it whatever belongs to its loop. Closing again does nothing."""
        with self._lock:
            loop, thread, self._closed = self._loop, self._thread, True
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            # The garbage collector may close a client in any thread, the loop's own included.
            thread.join()


def _run_and_close(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        _cancel_tasks(loop)
        # Connections are closed here: see `HttpTransport`.
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    if tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
