"""Tiles of C2SP tlog-tiles: how a Merkle tree lies in files, grows, and is read from a server nobody trusts. No I/O.

A tile at level `l` holds up to 256 hashes, each the root of 256**l leaves. Full tiles never change; the last one of a
level may be partial. A tile is worth nothing until its hashes were followed up to a root that somebody signed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from orchestra_tools.errors import ProofError, TamperedError
from orchestra_tools.trust.merkle import (
    HASH_BYTES,
    MAX_SIZE,
    HashReader,
    check_size,
    hash_pairs,
    is_count,
    join_hashes,
    node_hash,
    root_of,
    tree_root,
)

TILE_HEIGHT = 8
TILE_WIDTH = 256
_MAX_LEVEL = 63  # tlog-tiles, "Merkle Tree"
_ROWS_KEPT = 4_096  # at most 8 kB each
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)"
    r"/(?P<index>(?:(?!x000)(?:x[0-9]{3}/){1,6})?[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """Which tile: its level, its index within the level, and how many hashes it holds."""

    level: int
    index: int  # type: ignore[assignment]  # the field's own term; nobody searches these tuples
    width: int

    @property
    def path(self) -> str:
        """Where it lies below the log's prefix."""
        if not 0 <= self.level <= _MAX_LEVEL:
            raise ValueError(f"there is no tile at level {self.level}")
        return f"tile/{self.level}/{_spell(self.index, self.width)}"


class Bundle(NamedTuple):
    """Which entry bundle: its index, and how many entries it holds."""

    index: int  # type: ignore[assignment]  # as in Tile
    width: int

    @property
    def path(self) -> str:
        """Where it lies below the log's prefix."""
        return f"tile/entries/{_spell(self.index, self.width)}"


TileReader = Callable[[Tile], bytes]
"""Gives a tile's bytes, exactly as many as its width says: a full tile in place of a partial one is cut to it."""


def parse_path(path: str) -> Tile | Bundle:
    """Which tile or entry bundle a path below the log's prefix means.

    Raises:
        ValueError: It means none, or there is a shorter way to write it.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise ValueError(f"not the path of a tile or an entry bundle: {path[:80]!r}")
    level, groups, spelled_width = found["level"], found["index"], found["width"]
    index = int(groups.replace("x", "").replace("/", ""))
    width = int(spelled_width or TILE_WIDTH)
    if spelled_width and width >= TILE_WIDTH:
        raise ValueError(f"a partial tile has fewer than {TILE_WIDTH} hashes, not {width}")
    if index > MAX_SIZE:
        raise ValueError("no log has as many tiles as that")
    if level == "entries":
        return Bundle(index, width)
    if int(level) > _MAX_LEVEL:
        raise ValueError(f"levels end at {_MAX_LEVEL}, not at {level}")
    return Tile(int(level), index, width)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` leaves, from the leaves up."""
    check_size(size)
    level, hashes = 0, size
    while hashes:
        full, partial = divmod(hashes, TILE_WIDTH)
        for index in range(full):
            yield Tile(level, index, TILE_WIDTH)
        if partial:
            yield Tile(level, full, partial)
        level, hashes = level + 1, full


class TileHashes:
    """The hashes of a tree of `size` leaves, read from its tiles: a `HashReader`.

    It checks that a tile has the length it must have, and nothing else: see `authenticate_leaves`.
    """

    def __init__(self, size: int, read_tile: TileReader) -> None:
        check_size(size)
        self._size = size
        self._read_tile = read_tile
        self._row = lru_cache(maxsize=_ROWS_KEPT)(self._make_row)

    def __call__(self, level: int, index: int) -> bytes:
        """Root of the complete subtree of 2**level leaves that starts at leaf index * 2**level.

        Raises:
            TamperedError: A tile is not as long as it must be; `path` says which.
        """
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise ValueError(f"a tree of {self._size} leaves has no complete subtree {index} at level {level}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, position = divmod(index, TILE_WIDTH >> height)
        start = position * HASH_BYTES
        return self._row(_tile_at(tile_level, tile_index, self._size), height)[start : start + HASH_BYTES]

    def _make_row(self, tile: Tile, height: int) -> bytes:
        if height:
            return hash_pairs(self._row(tile, height - 1))
        return _read_whole(tile, self._read_tile)


def grow(size: int, leaves: Sequence[bytes], read_tile: TileReader) -> dict[Tile, bytes]:
    """The tiles that come to be when leaves are appended to a tree: full ones and new partial ones, of all levels.

    Args:
        size: Leaves in the tree so far.
        leaves: Leaf hashes to append.
        read_tile: Asked only for the last, partial tiles of the tree so far.

    Raises:
        TamperedError: A tile is not as long as it must be; `path` says which.
    """
    check_size(size)
    check_size(size + len(leaves))
    grown: dict[Tile, bytes] = {}
    level, hashes, row = 0, size, join_hashes(leaves)
    while row:
        full, partial = divmod(hashes, TILE_WIDTH)
        if partial:
            row = _read_whole(Tile(level, full, partial), read_tile) + row
        above = []
        for number, start in enumerate(range(0, len(row), TILE_WIDTH * HASH_BYTES)):
            data = row[start : start + TILE_WIDTH * HASH_BYTES]
            tile = Tile(level, full + number, len(data) // HASH_BYTES)
            grown[tile] = data
            if tile.width == TILE_WIDTH:
                above.append(_root_of_row(data))
        level, hashes, row = level + 1, full, b"".join(above)
    return grown


def authenticate_leaves(leaves: Sequence[bytes], *, start: int, size: int, root: bytes, read: HashReader) -> None:
    """Check that leaves are those of the tree of `size` leaves under `root`, by tiles from a server nobody trusts.

    Every tile between these leaves and the root is followed up to the root, whole and once, and each of its hashes is
    read once: a server gains nothing by answering differently the second time.

    Args:
        leaves: Leaf hashes, one after the other.
        start: Index of the first.
        size: Leaves in the tree.
        root: What a checkpoint of that size vouches for.
        read: The tree's hashes, such as `TileHashes`.

    Raises:
        TamperedError: A leaf or a tile is not what the root vouches for: `part` is "leaf", with its `index`, or "tile",
            with its `path`.
        ProofError: There are no such leaves in the tree, or its tiles agree with each other but not with the root.
    """
    if not (is_count(start) and is_count(size) and start + len(leaves) <= size):
        raise ProofError("there are no such leaves in a tree of that size", remedy="Do not rely on it", fact="size")
    stop = start + len(leaves)
    tiles = _AuthenticTiles(size, root, read)
    first = start - start % TILE_WIDTH
    for tile_start in range(first, stop, TILE_WIDTH):
        hashes = tiles.read_hashes(0, tile_start // TILE_WIDTH)
        for index in range(max(start, tile_start), min(stop, tile_start + TILE_WIDTH)):
            if leaves[index - start] != hashes[index - tile_start]:
                raise _tampered(f"leaf {index} is not the one", part="leaf", index=index)


class _AuthenticTiles:
    """Tiles whose hashes were followed up to a root.

    The last, partial tile of each level is in no tile above it: together these make up the root, so they come first.
    """

    def __init__(self, size: int, root: bytes, read: HashReader) -> None:
        self._size = size
        self._read = read
        self._known: dict[tuple[int, int], tuple[bytes, ...]] = {}
        for level in range(size.bit_length() // TILE_HEIGHT + 1):
            last, width = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
            if width:
                self._known[level, last] = self._read_tile(level, last)
        if tree_root(size, self._read_known) != root:
            raise self._find_fault()

    def read_hashes(self, level: int, index: int) -> tuple[bytes, ...]:
        """The hashes of a tile; those above the leaves are kept."""
        if (known := self._known.get((level, index))) is not None:
            return known
        above, position = divmod(index, TILE_WIDTH)
        expected = self.read_hashes(level + 1, above)[position]
        hashes = self._read_tile(level, index)
        if root_of(hashes) != expected:
            raise self._blame(level, index)
        if level:
            self._known[level, index] = hashes
        return hashes

    def _read_tile(self, level: int, index: int) -> tuple[bytes, ...]:
        first = index * TILE_WIDTH
        width = _tile_at(level, index, self._size).width
        return tuple(self._read(TILE_HEIGHT * level, each) for each in range(first, first + width))

    def _read_known(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, start = divmod(index << height, TILE_WIDTH)
        return root_of(self._known[tile_level, tile_index][start : start + (1 << height)])

    def _find_fault(self) -> TamperedError | ProofError:
        """Which of the last tiles is at fault: the one with a hash that the tile below it does not have for root.

        Where they all agree it is the last tile of leaves, with nothing below it, or there is none and the root is.
        """
        for (level, tile_index), hashes in self._known.items():
            for index, expected in enumerate(hashes, tile_index * TILE_WIDTH) if level else ():
                half = TILE_HEIGHT * level - 1
                if node_hash(self._read(half, 2 * index), self._read(half, 2 * index + 1)) != expected:
                    return self._blame(level, tile_index)
        if self._size % TILE_WIDTH:
            return self._blame(0, self._size // TILE_WIDTH)
        return ProofError(
            f"the tiles of {self._size} leaves agree with each other, but not with the root",
            remedy="Do not rely on it",
            fact="root",
        )

    def _blame(self, level: int, index: int) -> TamperedError:
        path = _tile_at(level, index, self._size).path
        return _tampered(f"tile {path} is not the one", part="tile", path=path)


def _tile_at(level: int, index: int, size: int) -> Tile:
    return Tile(level, index, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH))


def _read_whole(tile: Tile, read_tile: TileReader) -> bytes:
    data = read_tile(tile)
    if len(data) != tile.width * HASH_BYTES:
        raise TamperedError(
            f"tile {tile.path} has {len(data)} bytes in place of {tile.width * HASH_BYTES}",
            remedy="Do not rely on it",
            part="tile",
            path=tile.path,
        )
    return data


def _root_of_row(row: bytes) -> bytes:
    for _ in range(TILE_HEIGHT):
        row = hash_pairs(row)
    return row


def _spell(index: int, width: int) -> str:
    if not (0 <= index <= MAX_SIZE and 1 <= width <= TILE_WIDTH):
        raise ValueError(f"there is no tile {index} of width {width}")
    *leading, last = (group.zfill(3) for group in f"{index:,}".split(","))
    return "".join(f"x{group}/" for group in leading) + last + ("" if width == TILE_WIDTH else f".p/{width}")


def _tampered(problem: str, **facts: str | int) -> TamperedError:
    return TamperedError(f"{problem} that the log vouches for", remedy="Do not rely on it", **facts)
