"""The Merkle tree of RFC 6962 and RFC 9162, 2.1, over SHA-256: roots, proofs, and whether a proof holds. No I/O.

A tree over the leaves `[start, stop)` splits at the largest power of two below its size, so everything to the left of a
split is complete. Whoever keeps a tree lends its complete subtrees through a `HashReader`; whoever checks a proof needs
nothing but the proof.

    proof = prove_inclusion(5, 8, read)
    verify_inclusion(leaf_hash(entry), index=5, size=8, proof=proof, root=root)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from orchestra_tools.errors import ProofError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()
MAX_SIZE = 2**63 - 1  # leaves: what other implementations can count
HashReader = Callable[[int, int], bytes]
"""(level, index) -> root of the complete subtree of 2**level leaves that starts at leaf index * 2**level."""

_LEAF, _NODE = b"\x00", b"\x01"  # RFC 6962, 2.1: without them a leaf could pass for an inner node


class _Span(NamedTuple):
    """The leaves `[start, stop)`."""

    start: int
    stop: int


def leaf_hash(data: bytes) -> bytes:
    """Hash of an entry, as a leaf."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(_NODE + left + right).digest()


def hash_pairs(row: bytes) -> bytes:
    """The row of nodes above a row of hashes, both without gaps; an odd last hash has none."""
    sha256 = hashlib.sha256
    pair = 2 * HASH_BYTES
    return b"".join([sha256(_NODE + row[at : at + pair]).digest() for at in range(0, len(row) // pair * pair, pair)])


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes."""
    row = join_hashes(leaf_hashes)
    while len(row) > HASH_BYTES:
        above = hash_pairs(row)
        row = above + row[2 * len(above) :]
    return row or EMPTY_ROOT


def join_hashes(hashes: Sequence[bytes]) -> bytes:
    """The hashes one after the other, as a row."""
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ValueError(f"a hash is {HASH_BYTES} bytes long")
    return b"".join(hashes)


def tree_root(size: int, read: HashReader) -> bytes:
    """Root of a tree of `size` leaves."""
    check_size(size)
    return _root_of_span(_Span(0, size), read) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, read: HashReader) -> tuple[bytes, ...]:
    """The hashes that lead from leaf `index` to the root of a tree of `size` leaves (RFC 9162, 2.1.3.1)."""
    check_size(size)
    if not (is_count(index) and index < size):
        raise ValueError(f"a tree of {size} leaves has no leaf {index!r}")
    path, _ = _climb(index, size)
    return tuple(_root_of_span(sibling, read) for sibling in path)


def prove_consistency(old_size: int, new_size: int, read: HashReader) -> tuple[bytes, ...]:
    """The hashes that show a tree of `old_size` leaves to be the beginning of one of `new_size` (RFC 9162, 2.1.4.1)."""
    check_size(new_size)
    if not (is_count(old_size) and 0 < old_size <= new_size):
        raise ValueError(f"no proof leads from {old_size!r} leaves to {new_size}")
    path, bottom = _climb(old_size - 1, new_size, old_size=old_size)
    needed = path if bottom.start == 0 else [bottom, *path]
    return tuple(_root_of_span(span, read) for span in needed)


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that leaf `index` of the tree of `size` leaves under `root` is this one (RFC 9162, 2.1.3.2).

    Args:
        leaf: Its leaf hash.
        index: Its position, counted from 0.
        size: Leaves in the tree.
        proof: Sibling hashes, from the leaf to the root.
        root: What a checkpoint of that size vouches for.

    Raises:
        ProofError: The proof does not lead from the leaf to the root; `fact` says what is wrong with it.
    """
    _check_counts(index, size)
    if index >= size:
        raise _broken("size", f"there is no leaf {index} in a tree of {size} leaves")
    path, _ = _climb(index, size)
    _check_shape(proof, len(path), "inclusion")
    _check_hashes(leaf=leaf, root=root)
    computed = leaf
    for (_, stop), sibling in zip(path, proof, strict=True):
        computed = node_hash(sibling, computed) if stop <= index else node_hash(computed, sibling)
    if computed != root:
        raise _broken("root", f"it does not lead from leaf {index} to the root of the {size} leaves")


def verify_consistency(
    *, old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that the tree under `old_root` is the beginning of the one under `new_root` (RFC 9162, 2.1.4.2).

    An empty tree is the beginning of any, so there is nothing to prove and `old_size` 0 is refused.

    Args:
        old_size: Leaves in the old tree.
        new_size: Leaves in the new tree.
        proof: The hashes; none where both sizes are one.
        old_root: What a checkpoint of the old size vouches for.
        new_root: What a checkpoint of the new size vouches for.

    Raises:
        ProofError: The proof does not lead to both roots; `fact` says what is wrong with it.
    """
    _check_counts(old_size, new_size)
    if not 0 < old_size <= new_size:
        raise _broken("size", f"no proof leads from {old_size} leaves to {new_size}")
    path, bottom = _climb(old_size - 1, new_size, old_size=old_size)
    grows_on_old_root = bottom.start == 0
    _check_shape(proof, len(path) + (not grows_on_old_root), "consistency")
    if old_size == new_size:
        # The published vectors take any two equal byte strings here; a root is compared, and hashed into nothing.
        if not isinstance(old_root, bytes) or old_root != new_root:
            raise _broken("new_root", f"two trees of {old_size} leaves have different roots")
        return
    _check_hashes(old_root=old_root, new_root=new_root)
    old, siblings = (old_root, proof) if grows_on_old_root else (proof[0], proof[1:])
    new = old
    for (_, stop), sibling in zip(path, siblings, strict=True):
        if stop < old_size:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if old != old_root:
        raise _broken("old_root", f"it does not lead to the root of the first {old_size} leaves")
    if new != new_root:
        raise _broken("new_root", f"it does not lead to the root of the {new_size} leaves")


def check_size(size: int) -> None:
    """Refuse what is not a number of leaves, with a ValueError."""
    if not is_count(size):
        raise ValueError(f"not a number of leaves: {size!r}")


def is_count(value: Any) -> bool:
    """Whether something is a number of leaves, or an index of one."""
    return type(value) is int and 0 <= value <= MAX_SIZE


def _climb(leaf: int, size: int, *, old_size: int | None = None) -> tuple[list[_Span], _Span]:
    """The siblings on the way from a leaf to the root, and where the way begins.

    It begins at the leaf, or higher up: at the first subtree with which the old tree ends, if one is given.
    """
    start, stop = 0, size
    siblings = []
    while stop - start > 1 and stop != old_size:
        middle = _split(start, stop)
        if leaf < middle:
            siblings.append(_Span(middle, stop))
            stop = middle
        else:
            siblings.append(_Span(start, middle))
            start = middle
    return siblings[::-1], _Span(start, stop)


def _root_of_span(span: _Span, read: HashReader) -> bytes:
    """Root of a subtree: of the complete subtrees it consists of, joined from the right."""
    start, stop = span
    complete = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        complete.append(read(level, start >> level))
        start += 1 << level
    root = complete.pop()
    while complete:
        root = node_hash(complete.pop(), root)
    return root


def _split(start: int, stop: int) -> int:
    return start + (1 << ((stop - start - 1).bit_length() - 1))


def _check_counts(*counts: Any) -> None:
    if not all(map(is_count, counts)):
        raise _broken("size", f"an index and a size are whole numbers from 0 to {MAX_SIZE}")


def _check_shape(proof: Sequence[bytes], length: int, kind: str) -> None:
    if len(proof) != length:
        raise _broken("length", f"this {kind} proof takes {length} hashes and has {len(proof)}")
    for position, each in enumerate(proof):
        _check_hashes(**{f"proof[{position}]": each})


def _check_hashes(**hashes: Any) -> None:
    for name, each in hashes.items():
        if not isinstance(each, bytes) or len(each) != HASH_BYTES:
            raise _broken("hash", f"{name} is not a hash of {HASH_BYTES} bytes")


def _broken(fact: str, problem: str) -> ProofError:
    return ProofError(f"the proof does not hold: {problem}", remedy="Do not rely on it", fact=fact)
