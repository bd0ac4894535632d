"""Which keys of an object are field names, and which are data: identifiers, addresses, dates, numbers."""

from __future__ import annotations

import re

MAX_NAME = 128  # characters; a longer key is nobody's field name
_DATA = re.compile(
    r"""
      [-+]?\d+(\.\d+)?                                        # 0, 17, -3.5: uids, netuids, heights, percentiles
    | \d{4}-\d{2}(-\d{2}([T\x20].*)?)? | \d{4}/\d{2}/\d{2}    # months, days, times
    | [0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}      # UUIDs
    | 0x[0-9a-fA-F]{8,} | [0-9a-fA-F]{16,}                    # hashes, addresses
    | (?=(?:[^0-9]*[0-9]){4})[0-9A-Za-z]{20,}                 # base58 and base62: SS58 addresses, keys
    | [A-Za-z]{1,16}[-_:][0-9]{4,}                            # user_12345
    | \d{1,3}(\.\d{1,3}){3}(:\d+)?                            # IPv4, with or without port
    | @.+ | [^@\s]+@[^@\s]+\.[^@\s]+                          # handles, email addresses
    | [a-z][a-z0-9+.-]*://.*                                  # URLs
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


def is_data(key: str) -> bool:
    """Whether a key looks like data rather than like a field's name."""
    return len(key) > MAX_NAME or _DATA.fullmatch(key) is not None
