"""A ledger whose addresses all lead to a sandbox; follows the changes of the ledger behind it."""

from __future__ import annotations

from orchestra_tools.model import Ledger
from orchestra_tools.registry import LedgerSource
from orchestra_tools.sandbox.server import SandboxServer


class SandboxSource(LedgerSource):
    """Puts a sandbox between a source and whoever reads it."""

    def __init__(self, inner: LedgerSource, server: SandboxServer) -> None:
        """Stand in for a ledger.

        Args:
            inner: Where the ledger is kept.
            server: A running sandbox; it is given each version of the ledger.
        """
        self.inner = inner
        self.server = server
        self.poll_s = inner.poll_s

    @property
    def name(self) -> str:
        return f"{self.inner.name} (sandbox)"

    def load(self) -> Ledger:
        return self.server.stand_in_for(self.inner.load())

    def fingerprint(self) -> str:
        return self.inner.fingerprint()
