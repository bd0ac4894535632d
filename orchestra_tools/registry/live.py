"""A ledger that may change while it is used: loaded, compiled, watched.

What is in use is always one whole catalogue. When the document changes it is loaded, and the entries that changed are
compiled anew; when the user's pins change, they are held against what is compiled. What cannot be read is not taken
over, what was in use stays, and the error is kept for whoever asks. Without readable pins no ledger is taken over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from orchestra_tools.compile import Catalogue, CatalogueDiff, compile_ledger
from orchestra_tools.errors import OrchestraError
from orchestra_tools.registry.pins import PinFile
from orchestra_tools.registry.sources import LedgerSource

_LOG = logging.getLogger(__name__)
PINS_POLL_S = 0.5

Listener = Callable[[Catalogue, CatalogueDiff], None]


class LiveLedger:
    """The current catalogue of a source, and news of its changes."""

    def __init__(
        self,
        source: LedgerSource,
        *,
        pins: PinFile | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load and compile.

        Args:
            source: Where the ledger is.
            pins: Where the user's pins are; None = there are none.
            monotonic: Monotonic seconds.

        Raises:
            LedgerFormatError, ConfigurationError: The ledger or the pins cannot be loaded.
        """
        self.source = source
        self._pin_file = pins
        self._monotonic = monotonic
        self._looked_at = monotonic()
        self._problems: dict[str, OrchestraError] = {}
        self._lock = threading.Lock()
        self._pins_fingerprint = "" if pins is None else pins.fingerprint()
        in_force = () if pins is None else pins.load()
        self._fingerprint = source.fingerprint()
        self._catalogue = compile_ledger(source.load(), pins=in_force)
        self._listeners: dict[object, Listener] = {}

    @property
    def catalogue(self) -> Catalogue:
        """What is in use now."""
        return self._catalogue

    @property
    def problem(self) -> OrchestraError | None:
        """Why the latest change could not be taken over, or None."""
        return next(iter(self._problems.values()), None)

    def refresh(self) -> CatalogueDiff:
        """Take over changed pins and a changed document, and tell the listeners. Empty where nothing changed."""
        return self._take_over(pins=self._take_pins, ledger=self._take_ledger)

    def may_have_changed(self) -> bool:
        """Whether a refresh may find something. Cheap, and asks no other machine.

        A ledger that is far away may have changed once it was not looked at for as long as a watcher would wait.
        """
        if self._pin_file is not None and self._pin_file.fingerprint() != self._pins_fingerprint:
            return True
        if self.source.far:
            return self._monotonic() - self._looked_at >= self.source.poll_s
        return self.source.fingerprint() != self._fingerprint

    def refresh_pins(self) -> CatalogueDiff:
        """Take over changed pins only. Cheap: the ledger, which may be far away, is not looked at."""
        return self._take_over(pins=self._take_pins)

    def _take_pins(self, before: Catalogue) -> Catalogue:
        if self._pin_file is None or (fingerprint := self._pin_file.fingerprint()) == self._pins_fingerprint:
            return before
        after = compile_ledger(before.ledger, previous=before, pins=self._pin_file.load())
        self._pins_fingerprint = fingerprint
        return after

    def _take_ledger(self, before: Catalogue) -> Catalogue:
        self._looked_at = self._monotonic()
        if (fingerprint := self.source.fingerprint()) == self._fingerprint:
            return before
        ledger = self.source.load()
        after = before if ledger is before.ledger else compile_ledger(ledger, previous=before)
        self._fingerprint = fingerprint
        return after

    def _take_over(self, **looks: Callable[[Catalogue], Catalogue]) -> CatalogueDiff:
        with self._lock:
            before = self._catalogue
            for what, look in looks.items():
                try:
                    self._catalogue = look(self._catalogue)
                except OrchestraError as error:
                    # A writer may be halfway through: what is in use stays, and the next look tries again.
                    if str(error) != str(self._problems.get(what)):
                        _LOG.warning("the change of the %s is not used: %s", what, error)
                    self._problems[what] = error
                    break
                self._problems.pop(what, None)
            after = self._catalogue
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
    """Looks for changes in a thread of its own: of a ledger at its own pace, of pins at least twice a second."""

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
        pause_s = min(self._poll_s, PINS_POLL_S)
        waited_s = 0.0
        while not self._stop.wait(pause_s):
            waited_s += pause_s
            due = waited_s >= self._poll_s
            try:
                if due:
                    waited_s = 0.0
                    self._live.refresh()
                else:
                    self._live.refresh_pins()
            except Exception:  # noqa: BLE001  # a watcher that dies in silence would leave a stale ledger in use
                _LOG.exception("looking for changes of the ledger failed")
