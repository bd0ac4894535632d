"""A tree as its leaves come: the root at every size, and every tile. It keeps a few hashes, not the tree."""

from __future__ import annotations

from collections.abc import Iterator

from orchestra_tools.trust.merkle import EMPTY_ROOT, node_hash, root_of
from orchestra_tools.trust.tiles import TILE_WIDTH, Tile


class GrowingTree:
    """Leaf hashes go in one by one, full tiles come out."""

    def __init__(self) -> None:
        self.size = 0
        self._complete: list[bytes] = []  # roots of the complete subtrees, from the left
        self._rows: list[list[bytes]] = []  # the last tile of each level
        self._full: list[int] = []  # full tiles of each level

    def push(self, leaf: bytes) -> list[tuple[Tile, bytes]]:
        """Add a leaf hash; the tiles that it fills."""
        self._complete.append(leaf)
        count = self.size
        while count & 1:
            right = self._complete.pop()
            self._complete[-1] = node_hash(self._complete[-1], right)
            count >>= 1
        self.size += 1
        return self._fill(leaf)

    @property
    def root(self) -> bytes:
        """The root now."""
        if not self._complete:
            return EMPTY_ROOT
        root = self._complete[-1]
        for left in reversed(self._complete[:-1]):
            root = node_hash(left, root)
        return root

    def partial_tiles(self) -> Iterator[tuple[Tile, bytes]]:
        """The last tile of each level that is not full."""
        for level, (row, full) in enumerate(zip(self._rows, self._full, strict=True)):
            if row:
                yield Tile(level, full, len(row)), b"".join(row)

    def _fill(self, node: bytes) -> list[tuple[Tile, bytes]]:
        filled = []
        for level in range(len(self._rows) + 1):
            if level == len(self._rows):
                self._rows.append([])
                self._full.append(0)
            row = self._rows[level]
            row.append(node)
            if len(row) < TILE_WIDTH:
                break
            filled.append((Tile(level, self._full[level], TILE_WIDTH), b"".join(row)))
            node = root_of(row)
            row.clear()
            self._full[level] += 1
        return filled
