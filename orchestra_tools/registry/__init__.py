"""The ledger as stored, and as it changes."""

from orchestra_tools.registry.live import Listener, LiveLedger, Watcher
from orchestra_tools.registry.pins import PinFile
from orchestra_tools.registry.sources import LedgerSource, LogTrust, open_source, packaged_ledger

__all__ = ["LedgerSource", "Listener", "LiveLedger", "LogTrust", "PinFile", "Watcher", "open_source", "packaged_ledger"]
