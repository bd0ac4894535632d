"""Progress of one call: values only rise, as MCP demands, over retries and byte counts too."""

from __future__ import annotations

import logging
import math

from orchestra_tools.calls.wire import ProgressReporter

TOTAL = 3.0  # steps: asked, answered, checked
_HALF_WAY = 1024 * 1024  # bytes at which the second step counts as half done: nobody knows how many will come
_LOG = logging.getLogger(__name__)


class Progress:
    """Tells a reporter of the steps of one call. A reporter that fails is not told again, and the call goes on."""

    def __init__(self, reporter: ProgressReporter | None) -> None:
        self._reporter = reporter
        self._last = 0.0

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return self._reporter is not None

    async def asking(self, subnet: str, attempt: int) -> None:
        """An attempt is about to be made."""
        again = f" (attempt {attempt})" if attempt > 1 else ""
        await self._tell(1.0, f"asking {subnet}{again}")

    async def received(self, size: int) -> None:
        """So many bytes have come in."""
        await self._tell(2.0 + size / (size + _HALF_WAY), f"{size:,} bytes received")

    async def checked(self) -> None:
        """The answer was read and checked."""
        await self._tell(TOTAL, "checked")

    async def _tell(self, done: float, message: str) -> None:
        if self._reporter is None:
            return
        self._last = done if done > self._last else math.nextafter(self._last, math.inf)
        try:
            await self._reporter(self._last, TOTAL, message)
        except Exception as error:  # noqa: BLE001  # whoever listens may be gone; the answer may have been paid for
            _LOG.warning("progress could not be reported (%s)", type(error).__name__)
            self._reporter = None
