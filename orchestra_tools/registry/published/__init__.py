"""A ledger whose log was published as files, on disk or behind a URL: read, and verified before it is used."""

from orchestra_tools.registry.published.cache import KeptBlobs
from orchestra_tools.registry.published.files import LogFiles, LogFolder
from orchestra_tools.registry.published.heads import KeptHeads
from orchestra_tools.registry.published.log import PublishedLog
from orchestra_tools.registry.published.site import LogSite
from orchestra_tools.registry.published.source import LogSource, open_log, read_policy

__all__ = [
    "KeptBlobs",
    "KeptHeads",
    "LogFiles",
    "LogFolder",
    "LogSite",
    "LogSource",
    "PublishedLog",
    "open_log",
    "read_policy",
]
