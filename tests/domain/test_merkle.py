"""The Merkle tree of a log: vectors of the reference implementations, and every size to 200."""

import random
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest

from tests.domain import rfc9162
from webapp.domain import merkle
from webapp.domain.merkle import Node, Reader

SIZES = range(1, 201)
# The leaves and roots of the tests of the reference implementation of RFC 6962.
VECTOR_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
VECTOR_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# Of the second leaf in the tree of eight, and of the trees of six and eight leaves.
VECTOR_INCLUSION = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
VECTOR_CONSISTENCY = (
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
)


def hashed(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def leaves_to(size: int) -> list[bytes]:
    return [hashed(str(number).encode()) for number in range(size)]


def reader_of(leaves: Sequence[bytes]) -> Reader:
    """Read nodes as the root over their leaves; a node that is not complete is an error."""

    def one(node: Node) -> bytes:
        under = list(leaves[node.place << node.level : (node.place + 1) << node.level])
        assert len(under) == 1 << node.level
        return rfc9162.mth(under)

    return lambda nodes: [one(node) for node in nodes]


def test_roots_are_those_of_the_reference_implementation() -> None:
    leaves = [hashed(data) for data in VECTOR_LEAVES]
    found = [merkle.root(size, reader_of(leaves)).hex() for size in range(1, 9)]
    assert tuple(found) == VECTOR_ROOTS
    assert merkle.root(0, reader_of([])).hex() == sha256(b"").hexdigest()


def test_proofs_are_those_of_the_reference_implementation() -> None:
    read = reader_of([hashed(data) for data in VECTOR_LEAVES])
    assert tuple(step.hex() for step in merkle.inclusion_proof(1, 8, read)) == VECTOR_INCLUSION
    assert tuple(step.hex() for step in merkle.consistency_proof(6, 8, read)) == VECTOR_CONSISTENCY


def test_a_leaf_is_hashed_as_its_text_behind_a_zero_byte() -> None:
    assert merkle.leaf_hash("Köln") == hashed("Köln".encode())


def test_every_root_to_200_is_that_of_the_second_implementation() -> None:
    leaves = leaves_to(200)
    for size in SIZES:
        assert merkle.root(size, reader_of(leaves)) == rfc9162.mth(leaves[:size])
        assert merkle.root_of(leaves[:size]) == rfc9162.mth(leaves[:size])


def cached(leaves: list[bytes]) -> Reader:
    read, known = reader_of(leaves), dict[Node, bytes]()

    def one(node: Node) -> bytes:
        if node not in known:
            known[node] = read([node])[0]
        return known[node]

    return lambda nodes: [one(node) for node in nodes]


def test_every_inclusion_to_200_is_proven_and_verified_by_both_implementations() -> None:
    leaves = leaves_to(200)
    read = cached(leaves)
    for size in SIZES:
        root = merkle.root(size, read)
        for leaf in range(size):
            steps = merkle.inclusion_proof(leaf, size, read)
            assert rfc9162.includes(leaves[leaf], leaf, size, steps, root)
            assert merkle.root_from_inclusion(leaves[leaf], leaf, size, steps) == root


def test_every_consistency_to_200_is_proven_and_verified_by_both_implementations() -> None:
    leaves = leaves_to(200)
    read = cached(leaves)
    roots = {size: merkle.root(size, read) for size in SIZES}
    for new in SIZES:
        for old in range(1, new):
            steps = merkle.consistency_proof(old, new, read)
            assert rfc9162.is_consistent(old, roots[old], new, roots[new], steps)
            assert merkle.is_consistent(old, roots[old], new, roots[new], steps)
        assert merkle.is_consistent(new, roots[new], new, roots[new], [])


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 31, 64])
def test_proofs_are_those_of_the_second_implementation(size: int) -> None:
    leaves = leaves_to(size)
    read = reader_of(leaves)
    for number in range(size):
        assert merkle.inclusion_proof(number, size, read) == rfc9162.path(number, leaves)
        old = number + 1
        assert merkle.consistency_proof(old, size, read) == rfc9162.proof(old, leaves)


def mutations(steps: list[bytes], chance: random.Random) -> list[list[bytes]]:
    """Return proofs that differ in one bit, miss a step, or have one more, or two in other order."""
    found = [[*steps, chance.randbytes(32)], [chance.randbytes(32), *steps]]
    for place, step in enumerate(steps):
        bit = chance.randrange(256)
        flipped = (int.from_bytes(step) ^ (1 << bit)).to_bytes(32)
        found += [[*steps[:place], flipped, *steps[place + 1 :]], [*steps[:place], *steps[place + 1 :]]]
    if len(steps) > 1:
        found.append([steps[1], steps[0], *steps[2:]])
    return found


def refusals(prove: Callable[[int, int], list[bytes]], holds: Callable[[int, int, list[bytes]], bool]) -> int:
    """Mutate proofs of random numbers and sizes; return how many were refused, all of them."""
    chance, count = random.Random(9162), 0  # noqa: S311 - the same mutations in each run
    while count < 20_000:
        size = chance.randrange(2, 200)
        number = chance.randrange(1, size)
        steps = prove(number, size)
        assert holds(number, size, steps)
        for mutated in mutations(steps, chance):
            assert not holds(number, size, mutated)
            count += 1
    return count


def test_mutated_inclusion_proofs_are_refused() -> None:
    leaves = leaves_to(200)
    read = cached(leaves)

    def holds(leaf: int, size: int, steps: list[bytes]) -> bool:
        return merkle.root_from_inclusion(leaves[leaf], leaf, size, steps) == merkle.root(size, read)

    assert refusals(lambda leaf, size: merkle.inclusion_proof(leaf, size, read), holds) >= 20_000


def test_mutated_consistency_proofs_are_refused() -> None:
    read = cached(leaves_to(200))

    def holds(old: int, new: int, steps: list[bytes]) -> bool:
        return merkle.is_consistent(old, merkle.root(old, read), new, merkle.root(new, read), steps)

    assert refusals(lambda old, new: merkle.consistency_proof(old, new, read), holds) >= 20_000


def test_a_proof_of_another_leaf_or_size_leads_nowhere() -> None:
    leaves = leaves_to(20)
    steps = merkle.inclusion_proof(3, 20, reader_of(leaves))
    root = rfc9162.mth(leaves)
    assert merkle.root_from_inclusion(leaves[3], 4, 20, steps) != root
    assert merkle.root_from_inclusion(leaves[3], 20, 20, steps) is None
    assert merkle.root_from_inclusion(leaves[3], -1, 20, steps) is None
    assert not merkle.is_consistent(0, merkle.EMPTY_ROOT, 20, root, [])
    assert not merkle.is_consistent(21, root, 20, root, [])
    assert not merkle.is_consistent(20, root, 20, root, [root])
