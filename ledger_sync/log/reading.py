"""What writing, publishing and checking read alike."""

from __future__ import annotations

from collections.abc import Iterator

from orchestra_tools.registry.store import StoredLeaf, StoreReader
from orchestra_tools.trust.tiles import TILE_WIDTH


def leaves_backwards(reader: StoreReader, size: int) -> Iterator[StoredLeaf]:
    """The first `size` leaves, the last one first, read a few at a time."""
    for stop in range(size, 0, -TILE_WIDTH):
        yield from reversed(reader.leaves(max(stop - TILE_WIDTH, 0), stop))
