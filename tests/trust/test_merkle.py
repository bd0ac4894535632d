"""The Merkle tree: published vectors, and the laws that proofs keep at any size."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.errors import ProofError
from orchestra_tools.trust.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    HashReader,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(str(number).encode()) for number in range(301)]
SUBTREES = {
    (level, index): root_of(LEAVES[index << level : (index + 1) << level])
    for level in range(9)
    for index in range(len(LEAVES) >> level)
}
ROOTS = [root_of(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
IMPOSSIBLE = [-1, True, 2**63, 10**5000, 1.0, "1", None]


def read(level: int, index: int) -> bytes:
    return SUBTREES[level, index]


def rfc_root(leaves: Sequence[bytes]) -> bytes:
    """MTH, as RFC 6962 2.1 defines it."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY_ROOT
    k = largest_power_below(len(leaves))
    return node_hash(rfc_root(leaves[:k]), rfc_root(leaves[k:]))


def rfc_path(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """PATH, as RFC 6962 2.1.1 defines it."""
    if len(leaves) == 1:
        return ()
    k = largest_power_below(len(leaves))
    if index < k:
        return (*rfc_path(index, leaves[:k]), rfc_root(leaves[k:]))
    return (*rfc_path(index - k, leaves[k:]), rfc_root(leaves[:k]))


def rfc_subproof(old_size: int, leaves: Sequence[bytes], *, is_known: bool = True) -> tuple[bytes, ...]:
    """SUBPROOF, as RFC 6962 2.1.2 defines it."""
    if old_size == len(leaves):
        return () if is_known else (rfc_root(leaves),)
    k = largest_power_below(len(leaves))
    if old_size <= k:
        return (*rfc_subproof(old_size, leaves[:k], is_known=is_known), rfc_root(leaves[k:]))
    return (*rfc_subproof(old_size - k, leaves[k:], is_known=False), rfc_root(leaves[:k]))


def largest_power_below(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def spoil(proof: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """A proof with a node too many, too few or in the wrong place, in every way there is."""
    nodes = tuple(proof)
    spoilt = [nodes[:at] + nodes[at + 1 :] for at in range(len(nodes))]
    spoilt += [(*nodes[:at], extra, *nodes[at:]) for at in range(len(nodes) + 1) for extra in (*nodes, LEAVES[300])]
    spoilt += [
        (*nodes[:one], nodes[other], *nodes[one + 1 : other], nodes[one], *nodes[other + 1 :])
        for other in range(len(nodes))
        for one in range(other)
    ]
    spoilt += [
        (*nodes[:at], wrong, *nodes[at + 1 :]) for at in range(len(nodes)) for wrong in cut_and_stretched(nodes[at])
    ]
    return spoilt


def cut_and_stretched(node: bytes) -> tuple[bytes, bytes, bytes]:
    return node[:-1], node + b"\0", b""


def flip(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")


def holds(check: Callable[..., None], *leaf: bytes, **facts: Any) -> bool:
    try:
        check(*leaf, **facts)
    except ProofError:
        return False
    return True


# Published vectors


def load_vectors(test_data: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    folder = test_data / "vectors" / "transparency-dev-merkle" / "testdata" / kind
    return [(str(path.relative_to(folder)), json.loads(path.read_text("utf-8"))) for path in folder.rglob("*.json")]


def decode(spelled: str | None) -> bytes:
    return base64.b64decode(spelled or "")


def decode_proof(vector: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(each) for each in vector["proof"] or []]


def test_all_98_inclusion_vectors_are_judged_as_published(test_data: Path) -> None:
    """transparency-dev/merkle."""
    judged = Counter[bool]()
    for name, vector in load_vectors(test_data, "inclusion"):
        accepted = holds(
            verify_inclusion,
            decode(vector["leafHash"]),
            index=vector["leafIdx"],
            size=vector["treeSize"],
            proof=decode_proof(vector),
            root=decode(vector["root"]),
        )
        assert accepted is not vector["wantErr"], name
        judged[accepted] += 1
    assert judged == {True: 6, False: 92}


def test_all_98_consistency_vectors_are_judged_as_published(test_data: Path) -> None:
    """transparency-dev/merkle."""
    judged = Counter[bool]()
    for name, vector in load_vectors(test_data, "consistency"):
        accepted = holds(
            verify_consistency,
            old_size=vector["size1"],
            new_size=vector["size2"],
            proof=decode_proof(vector),
            old_root=decode(vector["root1"]),
            new_root=decode(vector["root2"]),
        )
        assert accepted is not vector["wantErr"], name
        judged[accepted] += 1
    assert judged == {True: 6, False: 92}


def test_the_subtree_vectors_that_come_down_to_our_proofs_are_judged_as_published(test_data: Path) -> None:
    """transparency-dev/merkle: a subtree is a tree; consistency is ours where it starts at 0 and is not empty."""
    judged = Counter[str]()
    for name, vector in load_vectors(test_data, "subtreeinclusion"):
        accepted = holds(
            verify_inclusion,
            decode(vector["leafHash"]),
            index=vector["leafIdx"] - vector["start"],
            size=vector["end"] - vector["start"],
            proof=decode_proof(vector),
            root=decode(vector["root"]),
        )
        assert accepted is not vector["wantErr"], name
        judged["inclusion"] += 1
    for name, vector in load_vectors(test_data, "subtreeconsistency"):
        if vector["start"] or not vector["end"]:
            judged["not ours"] += 1
            continue
        accepted = holds(
            verify_consistency,
            old_size=vector["end"],
            new_size=vector["size"],
            proof=decode_proof(vector),
            old_root=decode(vector["root1"]),
            new_root=decode(vector["root2"]),
        )
        assert accepted is not vector["wantErr"], name
        judged["consistency"] += 1
    assert judged["inclusion"] == 204
    assert judged["consistency"] + judged["not ours"] == 118
    assert judged["consistency"] >= 90


def test_the_hashes_and_the_root_of_the_reference_leaves_are_the_published_ones(test_data: Path) -> None:
    """transparency-dev/merkle rfc6962_test.go; the eight leaves are Certificate Transparency's."""
    facts = json.loads((test_data / "vectors" / "transparency-dev-merkle" / "rfc6962_hashes.json").read_text("utf-8"))
    assert EMPTY_ROOT.hex() == facts["empty_root"]
    assert leaf_hash(b"").hex() == facts["leaf_empty"]
    assert leaf_hash(b"L123456").hex() == facts["leaf_L123456"]
    assert node_hash(b"N123", b"N456").hex() == facts["node_N123_N456"]
    assert (
        root_of([leaf_hash(bytes.fromhex(each)) for each in facts["ct_ref_leaves_hex"]]).hex() == facts["ct_ref_root8"]
    )


# Agreement with the definitions, and round trips


def test_roots_and_proofs_are_those_of_the_definitions() -> None:
    """RFC 6962, 2.1 to 2.1.2, written down once more as they stand there."""
    for size in range(1, 66):
        leaves = LEAVES[:size]
        assert root_of(leaves) == tree_root(size, read) == rfc_root(leaves)
        for index in range(size):
            assert prove_inclusion(index, size, read) == rfc_path(index, leaves)
            assert prove_consistency(index + 1, size, read) == rfc_subproof(index + 1, leaves)


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]) == tree_root(0, read) == EMPTY_ROOT


def test_every_leaf_of_every_tree_up_to_300_is_proven() -> None:
    for size in range(1, 301):
        for index in range(size):
            proof = prove_inclusion(index, size, read)
            verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=ROOTS[size])


def test_every_tree_up_to_300_is_proven_to_be_the_beginning_of_every_larger_one() -> None:
    for size in range(1, 301):
        for old in range(1, size + 1):
            proof = prove_consistency(old, size, read)
            verify_consistency(old_size=old, new_size=size, proof=proof, old_root=ROOTS[old], new_root=ROOTS[size])


@given(st.data())
def test_proofs_in_trees_as_large_as_can_be_have_their_full_length(data: st.DataObject) -> None:
    """The trees are made up: every leaf is the same, so the root of a complete subtree depends on its level only."""
    by_level = [LEAVES[0]]
    for _ in range(63):
        by_level.append(node_hash(by_level[-1], by_level[-1]))

    def read_alike(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        return by_level[level]

    size = data.draw(st.integers(1, 2**63 - 1) | st.just(2**63 - 1))
    index = data.draw(st.integers(0, size - 1))
    root, old_root = tree_root(size, read_alike), tree_root(index + 1, read_alike)
    proof = prove_inclusion(index, size, read_alike)
    verify_inclusion(LEAVES[0], index=index, size=size, proof=proof, root=root)
    grown = prove_consistency(index + 1, size, read_alike)
    verify_consistency(old_size=index + 1, new_size=size, proof=grown, old_root=old_root, new_root=root)
    assert len(proof) <= 63
    assert len(grown) <= 64


# What must not hold


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13])
def test_an_inclusion_proof_with_any_one_change_fails(size: int) -> None:
    for index in range(size):
        leaf, proof = LEAVES[index], prove_inclusion(index, size, read)

        def accepted(leaf: bytes = leaf, proof: Any = proof, root: bytes = ROOTS[size], at: int = index) -> bool:
            return holds(verify_inclusion, leaf, index=at, size=size, proof=proof, root=root)

        assert accepted()
        for bit in range(8 * HASH_BYTES):
            assert not accepted(leaf=flip(leaf, bit))
            assert not accepted(root=flip(ROOTS[size], bit))
            for at, node in enumerate(proof):
                assert not accepted(proof=(*proof[:at], flip(node, bit), *proof[at + 1 :]))
        assert not any(accepted(proof=spoilt) for spoilt in spoil(proof))
        assert not any(accepted(leaf=wrong) or accepted(root=wrong) for wrong in cut_and_stretched(leaf))
        assert [at for at in range(-1, size + 2) if accepted(at=at)] == [index]


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 7), (6, 8), (8, 13), (11, 13)])
def test_a_consistency_proof_with_any_one_change_fails(old: int, new: int) -> None:
    proof, roots = prove_consistency(old, new, read), (ROOTS[old], ROOTS[new])

    def accepted(proof: Any = proof, old_root: bytes = roots[0], new_root: bytes = roots[1]) -> bool:
        return holds(verify_consistency, old_size=old, new_size=new, proof=proof, old_root=old_root, new_root=new_root)

    assert accepted()
    assert not accepted(old_root=roots[1], new_root=roots[0])
    for bit in range(8 * HASH_BYTES):
        assert not accepted(old_root=flip(roots[0], bit))
        assert not accepted(new_root=flip(roots[1], bit))
        for at, node in enumerate(proof):
            assert not accepted(proof=(*proof[:at], flip(node, bit), *proof[at + 1 :]))
    assert not any(accepted(proof=spoilt) for spoilt in spoil(proof))
    assert not any(accepted(old_root=wrong) or accepted(new_root=wrong) for wrong in cut_and_stretched(roots[0]))


@given(st.integers(1, 300), st.data())
def test_a_proof_from_another_place_fails(size: int, data: st.DataObject) -> None:
    index, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    proof = prove_inclusion(other, size, read)
    accepted = holds(verify_inclusion, LEAVES[index], index=index, size=size, proof=proof, root=ROOTS[size])
    assert accepted is (index == other)


def test_a_history_that_was_rewritten_has_no_proof() -> None:
    """Whichever old leaf was changed, and whichever of the two trees the proof is taken from."""
    for old, new in [(1, 3), (4, 9), (5, 8), (6, 7)]:
        proof = prove_consistency(old, new, read)
        for changed in range(old):
            forged = [*LEAVES[:changed], LEAVES[300], *LEAVES[changed + 1 : new]]
            for nodes in (proof, rfc_subproof(old, forged)):
                assert not holds(
                    verify_consistency,
                    old_size=old,
                    new_size=new,
                    proof=nodes,
                    old_root=ROOTS[old],
                    new_root=rfc_root(forged),
                )


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    """A log of one entry that is two hashes is not the log of two entries, nor does their node stand for an entry."""
    left, right = LEAVES[:2]
    for entry in (left + right, b"\x01" + left + right):
        assert leaf_hash(entry) != node_hash(left, right)
        assert not holds(verify_inclusion, leaf_hash(entry), index=0, size=1, proof=(), root=ROOTS[2])
    shortened = prove_inclusion(0, 4, read)[1:]
    assert not holds(verify_inclusion, node_hash(left, right), index=0, size=4, proof=shortened, root=ROOTS[4])


def test_an_empty_tree_needs_no_proof_and_has_none() -> None:
    for new in (0, 1, 8):
        assert not holds(
            verify_consistency, old_size=0, new_size=new, proof=(), old_root=EMPTY_ROOT, new_root=ROOTS[new]
        )


@pytest.mark.parametrize("impossible", IMPOSSIBLE, ids=lambda value: repr(value) if value != 10**5000 else "huge")
def test_what_is_not_a_size_is_a_broken_proof(impossible: Any) -> None:
    hashes = {"old_root": ROOTS[1], "new_root": ROOTS[1]}
    for index, size in [(impossible, 8), (0, impossible)]:
        with pytest.raises(ProofError, match="whole numbers from 0"):
            verify_inclusion(LEAVES[0], index=index, size=size, proof=(), root=ROOTS[1])
    for old, new in [(impossible, 8), (1, impossible)]:
        with pytest.raises(ProofError, match="whole numbers from 0"):
            verify_consistency(old_size=old, new_size=new, proof=(), **hashes)


@pytest.mark.parametrize("impossible", IMPOSSIBLE, ids=lambda value: repr(value) if value != 10**5000 else "huge")
def test_asking_for_what_no_tree_has_is_a_mistake(impossible: Any) -> None:
    calls: list[Callable[[HashReader], Any]] = [
        lambda read: tree_root(impossible, read),
        lambda read: prove_inclusion(impossible, 8, read),
        lambda read: prove_inclusion(0, impossible, read),
        lambda read: prove_consistency(impossible, 8, read),
        lambda read: prove_consistency(1, impossible, read),
    ]
    for call in calls:
        with pytest.raises(ValueError):  # noqa: PT011  # for a huge one the message is Python's
            call(read)


def test_asking_beyond_a_tree_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a tree of 8 leaves has no leaf 8"):
        prove_inclusion(8, 8, read)
    for old, new in [(0, 8), (9, 8)]:
        with pytest.raises(ValueError, match=f"no proof leads from {old} leaves to {new}"):
            prove_consistency(old, new, read)
    with pytest.raises(ValueError, match="a hash is 32 bytes long"):
        root_of([LEAVES[0] + b"\0", LEAVES[1][:-1]])


def test_an_error_says_what_is_wrong_with_the_proof() -> None:
    proof = prove_inclusion(5, 8, read)
    facts = {"index": 5, "size": 8, "proof": proof, "root": ROOTS[8]}
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"proof": proof[:-1]}, "length", "this inclusion proof takes 3 hashes and has 2"),
        ({"proof": (*proof[:2], "x" * 32)}, "hash", "proof[2] is not a hash of 32 bytes"),
        ({"root": None}, "hash", "root is not a hash of 32 bytes"),
        ({"index": 8}, "size", "there is no leaf 8 in a tree of 8 leaves"),
        ({"root": ROOTS[7]}, "root", "it does not lead from leaf 5 to the root of the 8 leaves"),
    ]
    for change, fact, problem in wrong:
        with pytest.raises(ProofError) as caught:
            verify_inclusion(LEAVES[5], **(facts | change))
        assert caught.value.facts == {"fact": fact}
        assert caught.value.problem == f"the proof does not hold: {problem}"
    for old_root, new_root, fact in [(ROOTS[2], ROOTS[8], "old_root"), (ROOTS[3], ROOTS[7], "new_root")]:
        with pytest.raises(ProofError) as caught:
            verify_consistency(
                old_size=3, new_size=8, proof=prove_consistency(3, 8, read), old_root=old_root, new_root=new_root
            )
        assert caught.value.facts == {"fact": fact}
