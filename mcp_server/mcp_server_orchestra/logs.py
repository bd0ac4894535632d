"""Where log lines go: to stderr, for stdout belongs to the protocol. The same in every process."""

from __future__ import annotations

import logging
import sys


def configure_logging(*, verbose: bool) -> None:
    """Send log lines to stderr: warnings, or with `verbose` more."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    # httpx logs whole URLs, and a key may stand in a query.
    logging.getLogger("httpx").setLevel(logging.WARNING)
