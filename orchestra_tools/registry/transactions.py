"""What the transactions of all stores share: one at a time, of no use once they ended, and never half done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestra_tools.errors import StoreError

DEFAULT_WAIT_S = 30.0


class Turns:
    """Gives the writers of one process their turns."""

    def __init__(self, name: str, *, wait_s: float) -> None:
        self._name = name
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for one's turn, and have it for the length of a block.

        Raises:
            StoreError: Another thread held it too long, or this one has it already.
        """
        thread = threading.get_ident()
        if self._holder == thread:
            raise StoreError(
                f"this thread is in the middle of a transaction of {self._name}",
                remedy="End it before the next, or go on in the same one",
                reason="nested",
            )
        if not self._lock.acquire(timeout=self._wait_s):
            raise waited_too_long(self._name, self._wait_s)
        self._holder = thread
        try:
            yield
        finally:
            self._holder = None
            self._lock.release()


class Transaction:
    """Whether a transaction goes on, and whether it may still be committed."""

    def __init__(self) -> None:
        self._ended = False
        self._failed = False

    def check_open(self) -> None:
        """Refuse what comes after its end."""
        if self._ended:
            raise StoreError("the transaction has ended", remedy="Begin another one", reason="ended")

    @contextmanager
    def step(self) -> Iterator[None]:
        """One change. Where it fails, what was changed before it must not be kept either."""
        self.check_open()
        try:
            yield
        except BaseException:
            self._failed = True
            raise

    def check_whole(self) -> None:
        """Refuse to commit where a step failed and its error was passed over."""
        if self._failed:
            raise StoreError(
                "a step of the transaction failed, so all of it was undone",
                remedy="Let the error of the step end the transaction",
                reason="failed",
            )

    def end(self) -> None:
        """Nothing comes after it."""
        self._ended = True


def waited_too_long(name: str, wait_s: float) -> StoreError:
    """The error of a writer whose turn did not come."""
    return StoreError(
        f"another writer held {name} for more than {wait_s:g} s",
        remedy="Try again; if that does not help, find the program that holds it",
        reason="busy",
        store=name,
    )
