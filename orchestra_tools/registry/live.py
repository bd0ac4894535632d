"""A ledger that may change while it is used: loaded, compiled, watched.

What is in use is always one whole catalogue. When the document changes it is loaded, and the entries that changed are
compiled anew; when the new one cannot be read, the old one stays and the error is kept for whoever asks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from orchestra_tools.compile import Catalogue, CatalogueDiff, compile_ledger
from orchestra_tools.errors import OrchestraError
from orchestra_tools.registry.sources import LedgerSource

_LOG = logging.getLogger(__name__)

Listener = Callable[[Catalogue, CatalogueDiff], None]


class LiveLedger:
    """The current catalogue of a source, and news of its changes."""

    def __init__(self, source: LedgerSource) -> None:
        """Load and compile.

        Raises:
            LedgerFormatError, ConfigurationError: The ledger cannot be loaded.
        """
        self.source = source
        self.problem: OrchestraError | None = None
        """Why the latest change could not be taken over, or None."""
        self._lock = threading.Lock()
        self._fingerprint = source.fingerprint()
        self._catalogue = compile_ledger(source.load())
        self._listeners: dict[object, Listener] = {}

    @property
    def catalogue(self) -> Catalogue:
        """What is in use now."""
        return self._catalogue

    def refresh(self) -> CatalogueDiff:
        """Take over a changed document, and tell the listeners. The diff is empty where nothing changed."""
        with self._lock:
            before, fingerprint = self._catalogue, self.source.fingerprint()
            if fingerprint == self._fingerprint:
                self.problem = None
                return CatalogueDiff((), (), ())
            try:
                ledger = self.source.load()
                after = before if ledger is before.ledger else compile_ledger(ledger, previous=before)
            except OrchestraError as error:
                # A writer may be halfway through: the old catalogue stays, and the next look tries again.
                if str(error) != str(self.problem):
                    _LOG.warning("the changed ledger is not used: %s", error)
                self.problem = error
                return CatalogueDiff((), (), ())
            self._fingerprint, self.problem, self._catalogue = fingerprint, None, after
        if after is before:
            return CatalogueDiff((), (), ())
        diff = after.diff(before)
        for listener in list(self._listeners.values()):
            try:
                listener(after, diff)
            except Exception:  # noqa: BLE001  # one listener that raises must not keep the news from the others
                _LOG.exception("a listener to ledger changes failed")
        return diff

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call a listener after each change; returns what ends that."""
        token = object()
        self._listeners[token] = listener

        def unsubscribe() -> None:
            self._listeners.pop(token, None)

        return unsubscribe


class Watcher:
    """Looks for changes in a thread of its own."""

    def __init__(self, live: LiveLedger, *, poll_s: float | None = None) -> None:
        """Watch a ledger, at the pace of its source unless another is given."""
        self._live = live
        self._poll_s = live.source.poll_s if poll_s is None else poll_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orchestra-ledger-watcher", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; returns when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._poll_s):
            try:
                self._live.refresh()
            except Exception:  # noqa: BLE001  # a watcher that dies in silence would leave a stale ledger in use
                _LOG.exception("looking for changes of the ledger failed")
