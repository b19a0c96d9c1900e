"""The tree of RFC 6962: roots and proofs, and a verifier that believes nothing but them (H47)."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.ledger import tree

LARGEST = 130
# The leaves and roots that implementations of certificate transparency test each other with.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
]


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


LEAVES = [leaf(b"%d" % number) for number in range(LARGEST + 1)]


def by_the_book(leaves: list[bytes]) -> bytes:
    """The definition of the tree's root, as the RFC writes it down."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = by_the_book(leaves[:split]), by_the_book(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


ROOTS = [hashlib.sha256(b"").digest(), *(by_the_book(LEAVES[:n]) for n in range(1, LARGEST + 1))]


def spoiled(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Each field of a proof flipped, dropped, swapped with the next, repeated; and more besides."""
    for at, each in enumerate(proof):
        yield [*proof[:at], bytes([each[0] ^ 1]) + each[1:], *proof[at + 1 :]]
        yield [*proof[:at], each[:31] + bytes([each[31] ^ 128]), *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[: at + 1], *proof[at:]]
        if at + 1 < len(proof):
            yield [*proof[:at], proof[at + 1], each, *proof[at + 2 :]]
    if proof:
        yield []
        yield proof[::-1] if len(proof) > 1 else [*proof, *proof]
    yield [*proof, bytes(32)]
    yield [LEAVES[-1], *proof]


def test_the_roots_are_those_of_other_implementations():
    leaves = [leaf(bytes.fromhex(each)) for each in CT_LEAVES]

    assert [tree.root(leaves[: n + 1]).hex() for n in range(len(leaves))] == CT_ROOTS
    assert tree.root([]) == tree.EMPTY


def test_the_proofs_are_those_that_the_rfc_gives_as_an_example():
    """RFC 6962 2.1.3: the tree of seven leaves."""
    a, b, c, d, e, f, j = LEAVES[:7]
    g, h, i = tree.node(a, b), tree.node(c, d), tree.node(e, f)
    k, el = tree.node(g, h), tree.node(i, j)
    leaves = LEAVES[:7]

    assert tree.inclusion_proof(leaves, 0) == [b, h, el]
    assert tree.inclusion_proof(leaves, 3) == [c, g, el]
    assert tree.inclusion_proof(leaves, 4) == [f, j, k]
    assert tree.inclusion_proof(leaves, 6) == [i, k]
    assert tree.consistency_proof(leaves, 3) == [c, d, g, el]
    assert tree.consistency_proof(leaves, 4) == [el]
    assert tree.consistency_proof(leaves, 6) == [i, j, k]


def test_a_tree_that_grows_leaf_by_leaf_has_every_root_of_the_definition():
    grown = tree.Frontier()
    for size in range(LARGEST + 1):
        assert grown.root() == tree.root(LEAVES, size) == ROOTS[size]
        taken_up = tree.Frontier(size, tree.peaks_of(LEAVES, size))
        assert taken_up.root() == ROOTS[size]
        grown.add(LEAVES[size])


def test_H47_no_proof_but_the_right_one_is_believed(measured):
    accepted = refused = 0
    wrong: list[object] = []
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = tree.inclusion_proof(LEAVES, index, size)
            here = (LEAVES[index], index, size)
            if not tree.verify_inclusion(*here, proof, ROOTS[size]):
                wrong.append(("refused", here))
            accepted += 1
            bad = [(*here, each, ROOTS[size]) for each in spoiled(proof)]
            bad += [
                (LEAVES[(index + 1) % LARGEST], index, size, proof, ROOTS[size]),
                (LEAVES[index], index, size, proof, ROOTS[size - 1]),
                (LEAVES[index], index, size, proof, ROOTS[size][:31]),
                (LEAVES[index], index, size + 1, proof, ROOTS[(size + 1) % LARGEST]),
                (LEAVES[index], size, size, proof, ROOTS[size]),
                (LEAVES[index], index, size * 2, proof, ROOTS[size]),  # a size that is trusted
                (LEAVES[index], -1, size, proof, ROOTS[size]),
                (LEAVES[index], index, 0, [], ROOTS[size]),
                (b"", index, size, proof, ROOTS[size]),
            ]
            if size > 1:
                # As its own neighbour the leaf would stand on the other side of the first hash.
                bad.append((LEAVES[index], index ^ 1, size, proof, ROOTS[size]))
            refused += len(bad)
            wrong += [("accepted", each) for each in bad if tree.verify_inclusion(*each)]
    measured("H47", trials=accepted + refused, failures=len(wrong), what="inclusion")
    assert wrong == []
    assert refused >= 100_000


def test_H47_no_consistency_but_the_right_one_is_believed(measured):
    accepted = refused = 0
    wrong: list[object] = []
    for new in range(1, LARGEST + 1):
        for old in range(1, new + 1):
            proof = tree.consistency_proof(LEAVES, old, new)
            if not tree.verify_consistency(old, ROOTS[old], new, ROOTS[new], proof):
                wrong.append(("refused", old, new))
            accepted += 1
            bad = [(old, ROOTS[old], new, ROOTS[new], each) for each in spoiled(proof)]
            bad += [
                (old, ROOTS[old - 1], new, ROOTS[new], proof),
                (old, ROOTS[old], new, ROOTS[new - 1], proof),
                (old, ROOTS[old][:31], new, ROOTS[new], proof),
                (0, tree.EMPTY, new, ROOTS[new], []),
                (new + 1, ROOTS[new], new, ROOTS[new], proof),
            ]
            if old != new:
                bad += [
                    (new, ROOTS[new], old, ROOTS[old], proof),  # a tree that shrank
                    (old, ROOTS[new], new, ROOTS[new], proof),
                    (old, ROOTS[old], new, ROOTS[old], proof),
                    (old, ROOTS[old], old, ROOTS[new], []),  # one size, two roots: a fork
                ]
            refused += len(bad)
            wrong += [("accepted", each) for each in bad if tree.verify_consistency(*each)]
    measured("H47", trials=accepted + refused, failures=len(wrong), what="consistency")
    assert wrong == []
    assert refused >= 100_000


@given(st.integers(1, 400), st.data())
def test_a_leaf_that_is_not_in_the_tree_has_no_proof(size, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = [leaf(b"%d" % number) for number in range(size)]
    proof = tree.inclusion_proof(leaves, index)
    other = leaf(b"not there")

    assert tree.verify_inclusion(leaves[index], index, size, proof, tree.root(leaves))
    assert not tree.verify_inclusion(other, index, size, proof, tree.root(leaves))


def test_what_is_no_number_and_no_hash_is_refused_and_never_an_error():
    proof, root = tree.inclusion_proof(LEAVES, 3, 7), ROOTS[7]
    assert tree.verify_inclusion(LEAVES[3], 3, 7, proof, root)
    for bad in (
        (LEAVES[3], True, 7, proof, root),
        (LEAVES[3], 3.0, 7, proof, root),
        (LEAVES[3], 3, "7", proof, root),
        (LEAVES[3].hex(), 3, 7, proof, root),
        (LEAVES[3], 3, 7, [each.hex() for each in proof], root),
        (LEAVES[3], 3, 7, [*proof[:-1], b""], root),
        (LEAVES[3], 3, 7, proof, None),
    ):
        assert not tree.verify_inclusion(*bad)
    assert not tree.verify_consistency(3, ROOTS[3], 7, ROOTS[7], [None])
    assert not tree.verify_consistency("3", ROOTS[3], 7, ROOTS[7], [])


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, 200)])
def test_no_proof_is_made_of_what_is_not_there(index, size):
    with pytest.raises(ValueError, match=r"leaves|no leaf"):
        tree.inclusion_proof(LEAVES[:130], index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5)])
def test_no_consistency_is_made_of_nothing_or_backwards(old, new):
    with pytest.raises(ValueError, match="does not grow"):
        tree.consistency_proof(LEAVES, old, new)
