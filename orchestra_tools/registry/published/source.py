"""A ledger loaded from a published log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from orchestra_tools.errors import ConfigurationError
from orchestra_tools.model import Ledger
from orchestra_tools.registry.current import CurrentEntries
from orchestra_tools.registry.published.cache import KeptBlobs
from orchestra_tools.registry.published.files import LogFiles, LogFolder
from orchestra_tools.registry.published.heads import KeptHeads
from orchestra_tools.registry.published.log import PublishedLog
from orchestra_tools.registry.published.site import LogSite
from orchestra_tools.registry.sources import LedgerSource, LogTrust, refuse_foreign_sandbox
from orchestra_tools.trust.policy import TrustPolicy
from orchestra_tools.trust.policy_lines import MAX_POLICY_BYTES

_RECHECK_S = 60  # how often the age of a head is looked at


class LogSource(LedgerSource):
    """The current entries of a published log. What does not hold is not loaded; what was in use stays."""

    def __init__(self, log: PublishedLog) -> None:
        """Read nothing yet.

        Args:
            log: The log.
        """
        self._log = log
        self._current = CurrentEntries(log)
        self.poll_s = log.files.poll_s
        self.far = log.files.far

    @property
    def record(self) -> PublishedLog:
        return self._log

    @property
    def name(self) -> str:
        return self._log.files.name

    def load(self) -> Ledger:
        self._log.refresh()
        ledger = self._current.ledger({slot: latest.entry_sha256 for slot, latest in self._log.latest().items()})
        refuse_foreign_sandbox(ledger, self.name, foreign=self._log.files.foreign)
        return ledger

    def fingerprint(self) -> str:
        # A log that does not grow may still become stale.
        return f"{self._log.files.fingerprint()} {int(self._log.now().timestamp() // _RECHECK_S)}"


def open_log(where: Path | str, *, api_key: SecretStr | None = None, trust: LogTrust | None = None) -> LogSource:
    """The source for a published log, in a folder or behind a URL.

    Raises:
        ConfigurationError: No keys are pinned for it, or they cannot be read.
    """
    files: LogFiles = LogFolder(where) if isinstance(where, Path) else LogSite(where, api_key=api_key)
    if trust is None or trust.policy is None:
        raise ConfigurationError(
            f"{files.name} is the place of a published log, and no keys are pinned to hold it against",
            remedy="Set ORCHESTRA_TRUST to a file with its operator's trust policy; see docs/trust.md",
        )
    policy = trust.policy if isinstance(trust.policy, TrustPolicy) else read_policy(trust.policy)
    if files.far and trust.blobs is not None:
        files = KeptBlobs(files, trust.blobs)
    return LogSource(PublishedLog(files, policy, KeptHeads(trust.heads), now=lambda: datetime.now(UTC)))


def read_policy(path: Path) -> TrustPolicy:
    """The trust policy in a file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_POLICY_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise ConfigurationError(
            f"the trust policy {path} cannot be read: {reason}", remedy="Check ORCHESTRA_TRUST; see docs/trust.md"
        ) from error
    try:
        return TrustPolicy.parse(data)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error.problem}", remedy=error.remedy, **error.facts) from error
