"""The signatures of the script: it judges every vector as ``cryptography`` does."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.verifier.vectors import SMALL_ORDER, Vector, vectors
from verify_statement import L, is_signature


def by_the_library(vector: Vector) -> bool:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(vector.public))
    try:
        key.verify(bytes.fromhex(vector.signature), bytes.fromhex(vector.message))
    except InvalidSignature:
        return False
    return True


def by_the_script(vector: Vector) -> bool:
    return is_signature(*(bytes.fromhex(text) for text in vector[1:4]))


def test_there_are_vectors_of_both_kinds() -> None:
    assert [vector.is_valid for vector in vectors()].count(True) == 92
    assert [vector.is_valid for vector in vectors()].count(False) == 63


@pytest.mark.parametrize("vector", list(vectors()), ids=lambda vector: vector.name)
def test_the_script_and_the_library_judge_a_vector_alike(vector: Vector) -> None:
    assert by_the_script(vector) == by_the_library(vector) == vector.is_valid


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_a_key_of_small_order_signs_nothing(public: str) -> None:
    # Under the neutral point, this would be a signature of every message.
    assert not is_signature(bytes.fromhex(public), b"anything", bytes.fromhex(SMALL_ORDER[0]) + bytes(32))


def test_a_signature_has_one_number_and_not_that_plus_the_order() -> None:
    vector = next(vectors())
    signature = bytes.fromhex(vector.signature)
    larger = int.from_bytes(signature[32:], "little") + L
    assert not is_signature(bytes.fromhex(vector.public), b"", signature[:32] + larger.to_bytes(32, "little"))
