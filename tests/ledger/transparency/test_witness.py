"""A witness cosigns what follows from the last checkpoint of a log, and nothing else (C2SP tlog-witness)."""

import time
from collections.abc import Sequence
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

import pytest

from webapp.domain import merkle
from webapp.domain.merkle import Node
from webapp.domain.signed_note import Checkpoint, InvalidNote, Note
from webapp.domain.witness_request import WitnessRequest
from webapp.ledger.transparency.keys import SigningKey, verify
from webapp.ledger.transparency.witness import Witness, WitnessRefused

KEY = SigningKey.generate("log.example/1")
LEAVES = [sha256(bytes([number])).digest() for number in range(20)]
FORKED = [*LEAVES[:5], *LEAVES[6:], LEAVES[5]]


def reads(leaves: Sequence[bytes]) -> merkle.Reader:
    def read(nodes: Sequence[Node]) -> list[bytes]:
        ranges = [(node.place << node.level, (node.place + 1) << node.level) for node in nodes]
        return [merkle.root_of(leaves[start:end]) for start, end in ranges]

    return read


def request(old: int, size: int, leaves: Sequence[bytes] = LEAVES, key: SigningKey = KEY) -> WitnessRequest:
    """Return the request of a log of these leaves, signed by a key."""
    text = Checkpoint("log.example/1", size, merkle.root(size, reads(leaves))).text
    proof = merkle.consistency_proof(old, size, reads(leaves)) if 0 < old < size else []
    return WitnessRequest(old, tuple(proof), Note(text, (key.sign(text),)))


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "keys", "witness.example/w", [KEY.verifier])


def refusal(witness: Witness, refused: WitnessRequest) -> tuple[HTTPStatus, int | None]:
    with pytest.raises(WitnessRefused) as caught:
        witness.cosign(refused)
    return caught.value.status, caught.value.size


def test_what_follows_is_cosigned_with_the_time(witness: Witness) -> None:
    verifier = witness.key().cosignature_verifier
    for old, new in ((0, 3), (3, 3), (3, 11), (11, 20)):
        signature = witness.cosign(request(old, new))
        assert verify(verifier, request(old, new).note.text, signature)
        assert abs(int.from_bytes(signature.signature[:8], "big") - time.time()) < 60
    again = Witness(witness.folder, witness.name, witness.logs)
    assert again.key() == witness.key()
    assert again.last("log.example/1") == request(11, 20).checkpoint


def test_a_forked_log_is_refused_at_every_size_and_changes_nothing(witness: Witness) -> None:
    witness.cosign(request(0, 10))
    for size in range(10, 21):
        assert refusal(witness, request(10, size, FORKED)) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
    assert witness.last("log.example/1") == request(0, 10).checkpoint


@pytest.mark.parametrize(
    ("asked", "status", "size"),
    [
        (request(0, 12), HTTPStatus.CONFLICT, 10),
        (request(9, 12), HTTPStatus.CONFLICT, 10),
        (request(11, 12), HTTPStatus.CONFLICT, 10),
        (request(10, 9), HTTPStatus.BAD_REQUEST, None),
        (WitnessRequest(10, (), request(10, 12).note), HTTPStatus.UNPROCESSABLE_ENTITY, None),
        (WitnessRequest(10, (LEAVES[0],), request(10, 10).note), HTTPStatus.UNPROCESSABLE_ENTITY, None),
        (request(10, 12, key=SigningKey.generate("log.example/1")), HTTPStatus.FORBIDDEN, None),
    ],
)
def test_a_request_that_does_not_fit_is_refused_with_its_status(
    witness: Witness, asked: WitnessRequest, status: HTTPStatus, size: int | None
) -> None:
    witness.cosign(request(0, 10))
    assert refusal(witness, asked) == (status, size)


def test_a_proof_for_the_first_checkpoint_and_another_log_are_refused(witness: Witness) -> None:
    first = WitnessRequest(0, (LEAVES[0],), request(0, 5).note)
    assert refusal(witness, first)[0] == HTTPStatus.UNPROCESSABLE_ENTITY
    stranger = Witness(witness.folder, witness.name, [SigningKey.generate("other.example").verifier])
    assert refusal(stranger, request(0, 5))[0] == HTTPStatus.NOT_FOUND


def test_a_wrong_signature_beside_a_right_one_of_a_known_key_is_refused(witness: Witness) -> None:
    note = request(0, 5).note
    wrong = KEY.sign("another text\n")
    both = WitnessRequest(0, (), Note(note.text, (*note.signatures, wrong)))
    assert refusal(witness, both)[0] == HTTPStatus.FORBIDDEN


def test_a_request_is_read_as_it_is_written_and_nothing_else_is_read() -> None:
    asked = request(3, 11)
    assert WitnessRequest.parse(str(asked)) == asked
    for wrong in (
        str(asked).replace("old 3", "old 03"),
        str(asked).replace("old 3", "old -3"),
        str(asked).replace("\n\n", "\n", 1),
        str(asked).replace("old 3\n", "old 3\nAA==\n"),
        str(asked).replace("old 3\n", "old 3\n" + "\n".join(["A" * 43 + "="] * 64) + "\n"),
        str(asked)[:-1],
        "",
    ):
        with pytest.raises(InvalidNote):
            WitnessRequest.parse(wrong)
