"""The log as it is written, published and checked."""

from ledger_sync.log.checking import Rebuilt, fsck, rebuild
from ledger_sync.log.findings import Finding, Report
from ledger_sync.log.manifests import ManifestPolicy
from ledger_sync.log.publishing import LogPublisher, Publication
from ledger_sync.log.writing import Appended, Draft, LogWriter

__all__ = [
    "Appended",
    "Draft",
    "Finding",
    "LogPublisher",
    "LogWriter",
    "ManifestPolicy",
    "Publication",
    "Rebuilt",
    "Report",
    "fsck",
    "rebuild",
]
