"""News of a ledger's log: each change once, in its order, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from orchestra_tools.client.queries import Change
from orchestra_tools.client.record import Revisions, is_about, next_index, subnet_of
from orchestra_tools.compile import CatalogueDiff, Tool, compile_entry, diff_tools
from orchestra_tools.errors import LedgerFormatError, OrchestraError
from orchestra_tools.importers.entry_bytes import entry_from_bytes
from orchestra_tools.model import Entry
from orchestra_tools.registry.record import LedgerRecord, Recorded

_LOG = logging.getLogger(__name__)


class Feed:
    """Tells every change of a log after an index, those that were missed and those that come.

    What cannot be read now is tried again, and nothing after it is told before it.
    """

    def __init__(
        self,
        record: LedgerRecord,
        subnet: str | None,
        since: int,
        tell: Callable[[Change], None],
        *,
        sandbox: bool,
        retry_s: float,
    ) -> None:
        """Tell nothing yet.

        Args:
            record: The log.
            subnet: Key of one subnet; None = all.
            since: Index of the last change that was told before; -1 = none was.
            tell: Called with each change.
            sandbox: Whether the ledger is a sandbox's.
            retry_s: When to try again after the log could not be read.

        Raises:
            InputError: The log has no such index.
        """
        self._record = record
        self._subnet = subnet
        self._tell = tell
        self._sandbox = sandbox
        self._retry_s = retry_s
        self._next = next_index(record, since)
        self._revisions = Revisions(record)
        self._news = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="orchestra-ledger-changes", daemon=True)

    def start(self) -> None:
        """Begin with what was missed."""
        self._thread.start()

    def wake(self) -> None:
        """The log may have grown."""
        self._news.set()

    def end(self) -> None:
        """Tell nothing more, but for what is being told now."""
        self._ended = True
        self._news.set()

    def join(self) -> None:
        """Wait until the last is told."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        told = ""
        while not self._ended:
            self._news.clear()
            try:
                self._advance()
            except OrchestraError as error:
                if str(error) != told:
                    _LOG.warning("changes of the ledger cannot be told now: %s", error)
                told = str(error)
                self._news.wait(self._retry_s)
            else:
                told = ""
                self._news.wait()

    def _advance(self) -> None:
        for recorded in self._record.walk(self._next, self._record.size()):
            if self._ended:
                return
            if is_about(recorded.event, self._subnet):
                self._tell_one(self._change(recorded))
            self._revisions.add(recorded)
            self._next = recorded.index + 1

    def _tell_one(self, change: Change) -> None:
        try:
            self._tell(change)
        except Exception:  # noqa: BLE001  # one change that cannot be handled must not hold up all that follow
            _LOG.exception("a listener to ledger changes failed")

    def _change(self, recorded: Recorded) -> Change:
        event, before = recorded.event, self._revisions.before(recorded)
        stated = [None if each is None else each.entry_sha256 for each in (before, event)]
        blobs = self._record.find_blobs([sha256 for sha256 in stated if sha256 is not None])
        entries = [None if sha256 is None else _read_entry(event.slot, blobs.get(sha256)) for sha256 in stated]
        diff = CatalogueDiff((), (), ())
        if all((entry is None) == (sha256 is None) for entry, sha256 in zip(entries, stated, strict=True)):
            diff = diff_tools(*map(self._tools, entries))
        return Change(subnet_of(event.slot), entries[1], diff.added, diff.changed, diff.removed, index=recorded.index)

    def _tools(self, entry: Entry | None) -> Mapping[str, Tool]:
        compiled = None if entry is None else compile_entry(entry, sandbox=self._sandbox)
        return {} if compiled is None else {tool.name: tool for tool in compiled.tools}


def _read_entry(slot: str, data: bytes | None) -> Entry | None:
    """An entry; None where its place has dropped it, or this version of the program cannot read it."""
    try:
        return None if data is None else entry_from_bytes(slot, data)
    except LedgerFormatError:
        return None
