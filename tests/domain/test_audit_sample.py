"""Positions drawn from the root of a checkpoint."""

from collections import Counter
from hashlib import sha256
from itertools import islice

from webapp.domain.audit_sample import drawn_positions

ROOT = sha256(b"a root").digest()


def test_positions_are_drawn_by_the_stated_rule() -> None:
    expected: list[int] = []
    number = 0
    while len(expected) < 50:
        digest = sha256(ROOT + number.to_bytes(8, "big")).digest()
        value = int.from_bytes(digest[:8], "big")
        number += 1
        if value < 2**64 // 1000 * 1000:
            expected.append(value % 1000 + 1)
    assert list(islice(drawn_positions(ROOT, 1000), 50)) == expected


def test_every_position_is_as_likely() -> None:
    counts = Counter(islice(drawn_positions(ROOT, 10), 20_000))
    assert sorted(counts) == list(range(1, 11))
    assert all(1_800 < count < 2_200 for count in counts.values())


def test_numbers_that_would_favour_some_positions_are_passed_over() -> None:
    # Half of all numbers are at or above the only multiple of this size.
    size = 2**63 + 1
    assert all(1 <= position <= size for position in islice(drawn_positions(ROOT, size), 100))
    passed = [
        int.from_bytes(sha256(ROOT + number.to_bytes(8, "big")).digest()[:8], "big") for number in range(10)
    ]
    assert next(drawn_positions(ROOT, size)) == next(value for value in passed if value < size) + 1
