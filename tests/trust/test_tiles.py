"""Tiles: their paths, how a tree grows into them, and that a server cannot lie with them."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import ProofError, TamperedError
from orchestra_tools.trust.bundles import decode_bundle
from orchestra_tools.trust.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from orchestra_tools.trust.tiles import (
    Bundle,
    Tile,
    TileHashes,
    authenticate_leaves,
    grow,
    parse_path,
    tiles_of,
)

LEAVES = [leaf_hash(str(number).encode()) for number in range(70_000)]
SIZES = [0, 1, 2, 15, 255, 256, 257, 511, 512, 1_000, 65_535, 65_536, 65_537, 66_000, 70_000]


@cache
def tiles_at(size: int) -> dict[Tile, bytes]:
    return grow(0, LEAVES[:size], nothing_to_read)


@cache
def root_at(size: int) -> bytes:
    return root_of(LEAVES[:size])


def nothing_to_read(tile: Tile) -> bytes:
    raise AssertionError(tile)


def flip(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")


# Paths


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(7, 1_000, 1), "tile/7/x001/000.p/1"),
        (Tile(63, 0, 255), "tile/63/000.p/255"),
        (Tile(0, 2**63 - 1, 256), "tile/0/x009/x223/x372/x036/x854/x775/807"),
        (Bundle(1_234_067, 256), "tile/entries/x001/x234/067"),
        (Bundle(67, 9), "tile/entries/067.p/9"),
    ],
)
def test_paths_are_spelled_as_specified(where: Tile | Bundle, path: str) -> None:
    """C2SP tlog-tiles."""
    assert where.path == path
    assert parse_path(path) == where


@given(st.integers(0, 63), st.integers(0, 2**63 - 1) | st.integers(0, 10_000), st.integers(1, 256))
def test_a_path_leads_back_to_its_tile(level: int, index: int, width: int) -> None:
    assert parse_path(Tile(level, index, width).path) == Tile(level, index, width)
    assert parse_path(Bundle(index, width).path) == Bundle(index, width)


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "checkpoint", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000", "tiles/0/000",
        "tile/00/000", "tile/01/000", "tile/64/000", "tile/100/000", "tile/-1/000", "tile/+1/000", "tile/ 1/000",
        "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/x000/x001/001", "tile/0/001/234",
        "tile/0/x001/x234", "tile/0/x001/x234/x067", "tile/0/X001/234", "tile/0/x1/234", "tile/0/x0001/234",
        "tile/0/-01", "tile/0/1e1", "tile/0/1_0", "tile/0/\u0660\u0660\u0661", "tile/0/000\n", "tile/0/000 ",
        "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/00", "tile/0/000.p/01", "tile/0/000.p/256",
        "tile/0/000.p/999", "tile/0/000.p/1000", "tile/0/000.p/-1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1",
        "tile/0/000.p1", "tile/0/000p/1", "tile/entries", "tile/entries/1", "tile/Entries/001",
        "tile/entries/001.p/256",
        "tile/0/x009/x223/x372/x036/x854/x775/808", "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
        "tile/0/../0/000", "tile/0/./000", "tile/0/%30%30%30", "tile\\0\\000", "tile/0/000?", "tile/0/000#",
        "tile/" + "9" * 5000 + "/000", "tile/0/000.p/" + "9" * 5000,
    ],
    ids=lambda path: path[:40],
)  # fmt: skip
def test_any_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"not the path|fewer than|as many|levels end"):
        parse_path(path)


@given(st.text("tile/entrisx.p0123456789", max_size=30).map(lambda text: f"tile/{text}") | st.text())
def test_whatever_can_be_read_has_one_spelling(path: str) -> None:
    try:
        where = parse_path(path)
    except ValueError:
        return
    assert where.path == path


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**63, 1), (0, 0, 0), (0, 0, 257)]
)
def test_no_path_is_spelled_for_what_is_no_tile(level: int, index: int, width: int) -> None:
    with pytest.raises(ValueError, match="there is no tile"):
        _ = Tile(level, index, width).path


# Layout


def test_the_layouts_are_those_of_the_specification(test_data: Path) -> None:
    """C2SP tlog-tiles, "Partial Tiles"."""
    examples = json.loads((test_data / "vectors" / "c2sp" / "c2sp_examples.json").read_text("utf-8"))["tile_layout"]
    for expected in examples:
        size = expected.pop("size")
        layout = Counter[str]()
        for level, _, width in tiles_of(size):
            layout[f"full_l{level}" if width == 256 else f"partial_l{level}"] += 1 if width == 256 else width
        assert dict(layout) == expected, size
    assert len(examples) == 2


@pytest.mark.parametrize("size", SIZES)
def test_a_tree_grown_at_once_has_just_its_tiles(size: int) -> None:
    tiles = tiles_at(size)
    assert sorted(tiles) == list(tiles_of(size))
    for (level, index, width), data in tiles.items():
        leaves = 256**level
        first = index * 256
        assert len(data) == 32 * width
        for position in {0, width // 2, width - 1}:
            start = (first + position) * leaves
            assert data[32 * position : 32 * position + 32] == root_of(LEAVES[start : start + leaves])


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=8))
def test_a_tree_grown_in_any_batches_is_the_same_tree(batches: list[int]) -> None:
    size, kept = 0, dict[Tile, bytes]()
    for batch in batches:
        before = set(tiles_of(size))
        grown = grow(size, LEAVES[size : size + batch], {tile: kept[tile] for tile in before}.__getitem__)
        size += batch
        assert set(grown) == set(tiles_of(size)) - before
        kept |= grown
    whole = tiles_at(size)
    assert {tile: kept[tile] for tile in whole} == whole
    assert tree_root(size, TileHashes(size, kept.__getitem__)) == root_of(LEAVES[:size])


@pytest.mark.parametrize("at", [65_279, 65_280, 65_535, 65_536, 65_537])
def test_a_tree_grows_past_the_end_of_a_full_tile_of_any_level(at: int) -> None:
    grown = grow(at, LEAVES[at:70_000], tiles_at(at).__getitem__)
    assert tiles_at(70_000).items() <= (tiles_at(at) | grown).items()


def test_growing_refuses_what_is_no_tree() -> None:
    with pytest.raises(ValueError, match="not a number of leaves"):
        grow(-1, LEAVES[:1], nothing_to_read)
    with pytest.raises(ValueError, match="not a number of leaves"):
        grow(2**63 - 1, LEAVES[:1], nothing_to_read)
    with pytest.raises(ValueError, match="32 bytes"):
        grow(0, [b"short"], nothing_to_read)
    with pytest.raises(ValueError, match="not a number of leaves"):
        list(tiles_of(-1))
    assert grow(5, [], nothing_to_read) == {}


@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_growing_from_a_tile_of_another_length_is_refused(change: int) -> None:
    held = (b"\0" * 40 + tiles_at(15)[Tile(0, 0, 15)])[40 : 40 + 15 * 32 + change].ljust(15 * 32 + change, b"\0")
    with pytest.raises(TamperedError, match=r"tile tile/0/000\.p/15 has .* in place of 480") as caught:
        grow(15, LEAVES[15:16], lambda _: held)
    assert caught.value.facts == {"part": "tile", "path": "tile/0/000.p/15"}


# A published log


@pytest.fixture(scope="module")
def tessera(test_data: Path) -> Path:
    """transparency-dev/tessera testdata: a log of 15 entries that grew one by one."""
    return test_data / "vectors" / "tessera-testlog" / "testdata" / "log"


def published_root(log: Path, size: int) -> bytes:
    lines = (log / f"checkpoint.{size}").read_text("utf-8").splitlines()
    assert lines[1] == str(size)
    return base64.b64decode(lines[2])


def published_tiles(log: Path, size: int) -> dict[Tile, bytes]:
    return {tile: (log / tile.path).read_bytes() for tile in tiles_of(size)}


def published_leaves(log: Path, size: int) -> list[bytes]:
    data = (log / Bundle(0, size).path).read_bytes()
    return [leaf_hash(entry) for entry in decode_bundle(data, width=size)]


def test_all_16_published_roots_come_from_the_tiles_and_from_the_entries(tessera: Path) -> None:
    assert published_root(tessera, 0) == tree_root(0, TileHashes(0, nothing_to_read)) == root_of([])
    for size in range(1, 16):
        read = TileHashes(size, published_tiles(tessera, size).__getitem__)
        leaves = published_leaves(tessera, size)
        assert published_root(tessera, size) == tree_root(size, read) == root_of(leaves)
        authenticate_leaves(leaves, start=0, size=size, root=published_root(tessera, size), read=read)


def test_the_published_tiles_come_from_the_entries_whatever_the_batches(tessera: Path) -> None:
    """Every way to append 15 entries is a chain of these 120 steps."""
    leaves = published_leaves(tessera, 15)
    for old in range(15):
        for new in range(old + 1, 16):
            grown = grow(old, leaves[old:new], published_tiles(tessera, old).__getitem__)
            assert grown == published_tiles(tessera, new)


def test_published_roots_are_proven_to_be_consistent(tessera: Path) -> None:
    for new in range(1, 16):
        read = TileHashes(new, published_tiles(tessera, new).__getitem__)
        roots = {"new_size": new, "new_root": published_root(tessera, new)}
        for old in range(1, new + 1):
            proof = prove_consistency(old, new, read)
            verify_consistency(old_size=old, old_root=published_root(tessera, old), proof=proof, **roots)


# Hashes from tiles


@pytest.mark.parametrize("size", SIZES[1:])
def test_proofs_come_from_tiles(size: int) -> None:
    read = TileHashes(size, tiles_at(size).__getitem__)
    assert tree_root(size, read) == root_at(size)
    for index in {0, 1, 254, 255, 256, 65_535, 65_536, size // 2, size - 1} & set(range(size)):
        proof = prove_inclusion(index, size, read)
        verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=root_at(size))
        grown = prove_consistency(index + 1, size, read)
        verify_consistency(
            old_size=index + 1,
            new_size=size,
            proof=grown,
            old_root=root_of(LEAVES[: index + 1]),
            new_root=root_at(size),
        )


def test_a_proof_asks_for_each_tile_once_and_for_none_that_the_tree_lacks() -> None:
    asked = Counter[Tile]()

    def read_tile(tile: Tile) -> bytes:
        asked[tile] += 1
        return tiles_at(70_000)[tile]

    read = TileHashes(70_000, read_tile)
    for _ in range(3):
        prove_inclusion(12_345, 70_000, read)
    partial = {tile for tile in tiles_of(70_000) if tile.width < 256}
    assert asked == dict.fromkeys({Tile(0, 48, 256), Tile(1, 0, 256), *partial} - {Tile(2, 0, 1)}, 1)


@pytest.mark.parametrize(("level", "index"), [(-1, 0), (0, -1), (0, 1_000), (8, 3), (9, 1), (10, 0), (3, 125)])
def test_a_subtree_that_is_not_complete_is_a_mistake_to_ask_for(level: int, index: int) -> None:
    with pytest.raises(ValueError, match="no complete subtree"):
        TileHashes(1_000, nothing_to_read)(level, index)


def test_a_tile_of_another_length_is_refused() -> None:
    """A partial tile wider than the tree included."""
    for wrong in (b"", b"\0" * 32 * 231, b"\0" * 32 * 256, b"\0" * (32 * 232 - 1), b"\0" * (32 * 232 + 1)):
        with pytest.raises(TamperedError) as caught:
            tree_root(1_000, TileHashes(1_000, lambda _, wrong=wrong: wrong))
        assert caught.value.facts["part"] == "tile"


# Leaves from a server nobody trusts


def authenticate(
    start: int, stop: int, size: int, read_tile: Callable[[Tile], bytes], *, leaves: list[bytes] | None = None
) -> None:
    authenticate_leaves(
        LEAVES[start:stop] if leaves is None else leaves,
        start=start,
        size=size,
        root=root_at(size),
        read=TileHashes(size, read_tile),
    )


def tiles_between(start: int, stop: int, size: int) -> list[Tile]:
    """The tiles a reader of these leaves must trust: those above them, and the last one of each level."""
    return [
        tile
        for tile in tiles_of(size)
        if tile.width < 256
        or (tile.index << 8 * (tile.level + 1) < stop and (tile.index + 1) << 8 * (tile.level + 1) > start)
    ]


RANGES = st.sampled_from([each for each in SIZES if each]).flatmap(
    lambda size: st.tuples(
        st.integers(0, size - 1), st.integers(1, 600), st.just(size), st.randoms(use_true_random=False)
    )
)


@settings(deadline=None)
@given(RANGES)
def test_any_leaves_of_any_tree_are_authenticated(case: tuple[int, int, int, random.Random]) -> None:
    start, length, size, _ = case
    authenticate(start, min(size, start + length), size, tiles_at(size).__getitem__)


@settings(deadline=None)
@given(RANGES)
def test_one_flipped_bit_of_a_tile_is_found_and_the_tile_named(case: tuple[int, int, int, random.Random]) -> None:
    start, length, size, chance = case
    stop = min(size, start + length)
    spoilt = chance.choice(tiles_between(start, stop, size))
    data = flip(tiles_at(size)[spoilt], chance.randrange(8 * 32 * spoilt.width))
    with pytest.raises(TamperedError) as caught:
        authenticate(start, stop, size, lambda tile: data if tile == spoilt else tiles_at(size)[tile])
    assert caught.value.facts == {"part": "tile", "path": spoilt.path}
    assert spoilt.path in str(caught.value)


@settings(deadline=None)
@given(RANGES)
def test_one_flipped_bit_of_a_leaf_is_found_and_the_leaf_named(case: tuple[int, int, int, random.Random]) -> None:
    start, length, size, chance = case
    leaves = LEAVES[start : min(size, start + length)]
    index = start + chance.randrange(len(leaves))
    leaves[index - start] = flip(leaves[index - start], chance.randrange(256))
    with pytest.raises(TamperedError, match=f"leaf {index} is not the one that the log vouches for") as caught:
        authenticate(start, start + len(leaves), size, tiles_at(size).__getitem__, leaves=leaves)
    assert caught.value.facts == {"part": "leaf", "index": index}


@pytest.mark.parametrize("size", [300, 1_000, 70_000])
def test_each_hash_of_each_tile_between_the_leaves_and_the_root_is_checked(size: int) -> None:
    """The 256th of a full tile included."""
    for spoilt in tiles_between(5, 6, size):
        for position in range(spoilt.width):
            data = flip(tiles_at(size)[spoilt], 8 * 32 * position + 7)
            with pytest.raises(TamperedError) as caught:
                authenticate(
                    5, 6, size, lambda tile, data=data, spoilt=spoilt: data if tile == spoilt else tiles_at(size)[tile]
                )
            assert caught.value.facts["path"] == spoilt.path


def test_a_leaf_and_the_tiles_above_it_forged_alike_are_refused() -> None:
    """The server changes entry 7 and everything that follows from it, up to where a signature would be needed."""
    forged = [*LEAVES[:7], LEAVES[69_999], *LEAVES[8:1_000]]
    tiles = grow(0, forged, nothing_to_read)
    with pytest.raises(TamperedError) as caught:
        authenticate(0, 10, 1_000, tiles.__getitem__, leaves=forged[:10])
    assert caught.value.facts["part"] == "tile"
    for kept_level in (0, 1):
        mixed = {tile: (tiles_at(1_000) if tile.level == kept_level else tiles)[tile] for tile in tiles}
        with pytest.raises(TamperedError):
            authenticate(0, 10, 1_000, mixed.__getitem__, leaves=forged[:10])


@pytest.mark.parametrize("honest_answers", range(4))
def test_a_server_that_answers_differently_the_second_time_gains_nothing(honest_answers: int) -> None:
    """Every hash is asked for by itself here, with nothing kept in between."""
    forged = [*LEAVES[:7], LEAVES[69_999], *LEAVES[8:1_000]]
    answers = Counter[tuple[int, int]]()

    def read(level: int, index: int) -> bytes:
        answers[level, index] += 1
        tiles = tiles_at(1_000) if answers[level, index] <= honest_answers else grow(0, forged, nothing_to_read)
        return TileHashes(1_000, tiles.__getitem__)(level, index)

    with pytest.raises(TamperedError):
        authenticate_leaves(forged[5:9], start=5, size=1_000, root=root_at(1_000), read=read)


@pytest.mark.parametrize(("size", "other"), [(256, 255), (512, 511), (65_536, 65_535)])
def test_tiles_that_agree_with_each_other_but_not_with_the_root_are_a_broken_proof(size: int, other: int) -> None:
    with pytest.raises(ProofError, match=f"the tiles of {size} leaves agree with each other, but not with the root"):
        authenticate_leaves(
            LEAVES[:9],
            start=0,
            size=size,
            root=root_at(other),
            read=TileHashes(size, tiles_at(size).__getitem__),
        )


def test_no_leaves_are_authenticated_as_well() -> None:
    authenticate_leaves([], start=0, size=0, root=EMPTY_ROOT, read=TileHashes(0, nothing_to_read))
    authenticate(1_000, 1_000, 1_000, tiles_at(1_000).__getitem__)
    with pytest.raises(ProofError):
        authenticate_leaves([], start=0, size=0, root=root_at(1), read=TileHashes(0, nothing_to_read))


@pytest.mark.parametrize(("start", "size"), [(-1, 15), (True, 15), (0, -1), (0, 2**63), (13, 15), (16, 15), (0, 1)])
def test_leaves_beyond_the_tree_are_a_broken_proof(start: int, size: int) -> None:
    with pytest.raises(ProofError, match="no such leaves"):
        authenticate_leaves(LEAVES[:3], start=start, size=size, root=root_at(15), read=TileHashes(15, nothing_to_read))
