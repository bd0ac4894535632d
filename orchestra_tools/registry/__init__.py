"""The ledger as stored, and as it changes."""

from orchestra_tools.registry.live import LiveLedger, Watcher
from orchestra_tools.registry.pins import PinFile
from orchestra_tools.registry.sources import LedgerSource, open_source, packaged_ledger

__all__ = ["LedgerSource", "LiveLedger", "PinFile", "Watcher", "open_source", "packaged_ledger"]
