"""Whether a ledger survives kill -9, again and again.

    python bench/crash.py [--rounds N] [--seed N] [--folder DIR] [--postgresql] [--json]

See `tests/sync/log/crashing.py` for what a round does. 1,000 rounds unless told otherwise.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(given: list[str]) -> int:
    """The command."""
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tests.sync.log import crashing  # found there, and not before

    return crashing.main(given if any(each.startswith("--rounds") for each in given) else ["--rounds=1000", *given])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
