"""Entry bundles of C2SP tlog-tiles: up to 256 entries, each after its length as a big-endian uint16. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra_tools.errors import TamperedError
from orchestra_tools.trust.tiles import TILE_WIDTH

MAX_ENTRY_BYTES = 65_535
_LENGTH_BYTES = 2


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle of 1 to 256 entries."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise ValueError(f"a bundle has 1 to {TILE_WIDTH} entries, not {len(entries)}")
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError(f"an entry of {len(entry)} bytes; the most is {MAX_ENTRY_BYTES}")
    return b"".join([len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries])


def decode_bundle(data: bytes, *, width: int) -> tuple[bytes, ...]:
    """The entries of a bundle.

    Args:
        data: Its bytes.
        width: How many entries it must have.

    Raises:
        TamperedError: The bytes are not that many entries, or more follow; `entry` says at which one it fails.
    """
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"a bundle has 1 to {TILE_WIDTH} entries, not {width}")
    entries = []
    at = 0
    for number in range(width):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise _cut(f"it ends within entry {number} of {width}", number)
        entries.append(data[start:at])
    if at != len(data):
        raise _cut(f"{len(data) - at} bytes follow its {width} entries", width)
    return tuple(entries)


def _cut(problem: str, entry: int) -> TamperedError:
    return TamperedError(
        f"an entry bundle cannot be read: {problem}", remedy="Do not rely on it", part="bundle", entry=entry
    )
