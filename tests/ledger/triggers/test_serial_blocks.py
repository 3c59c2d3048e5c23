"""The triggers and constraints of both databases refuse invalid blocks of serial numbers."""

import pytest

from tests.ledger.triggers.rows import REFUSALS, Family, assert_refused, insert, key_of, rolled_back


def block_row(family: Family, first: int, last: int, **changes: object) -> dict[str, object]:
    """Return a row of serial_blocks in which another credit holds these numbers."""
    row = {
        "credit": key_of(family.raw, family.active),
        "series": "acr-x-2025-#",
        "first": first,
        "last": last,
    }
    return {**row, "size_class": (last - first).bit_length(), "is_held": 1, **changes}


def assert_block_refused(family: Family, row: dict[str, object]) -> None:
    """Try every kind of INSERT of the row; each must fail and leave the table unchanged."""
    before = family.raw.execute("SELECT * FROM serial_blocks ORDER BY credit")
    for clause in ["", "OR REPLACE", "OR FAIL"] if family.raw.dialect == "sqlite" else [""]:
        with pytest.raises(REFUSALS):
            insert(family.raw, "serial_blocks", row, clause)
    assert family.raw.execute("SELECT * FROM serial_blocks ORDER BY credit") == before


OVERLAPS = [(1, 4), (4, 4), (4, 5), (0, 1), (10, 99), (0, 99), (6, 7)]


@pytest.mark.parametrize(("first", "last"), OVERLAPS)
def test_a_block_that_overlaps_is_refused(family: Family, first: int, last: int) -> None:
    assert_block_refused(family, block_row(family, first, last))
    assert_block_refused(family, block_row(family, first, last, credit=key_of(family.raw, family.lots[0])))


@pytest.mark.parametrize(("first", "last"), OVERLAPS)
def test_numbers_that_are_not_held_do_not_conflict(family: Family, first: int, last: int) -> None:
    with rolled_back(family.raw):
        insert(family.raw, "serial_blocks", block_row(family, first, last, is_held=0))


@pytest.mark.parametrize(("first", "last"), OVERLAPS)
def test_released_numbers_cannot_be_held_again_once_others_hold_them(
    family: Family, first: int, last: int
) -> None:
    with rolled_back(family.raw):
        row = block_row(family, first, last, is_held=0)
        insert(family.raw, "serial_blocks", row)
        with pytest.raises(REFUSALS, match=r"held already|ex_serial_blocks_once"):
            family.raw.execute("UPDATE serial_blocks SET is_held = 1 WHERE credit = ?", row["credit"])


def test_a_block_beside_the_others_or_of_another_series_is_accepted(family: Family) -> None:
    for row in (block_row(family, 11, 20), block_row(family, 1, 10, series="acr-y-2025-#")):
        with rolled_back(family.raw):
            insert(family.raw, "serial_blocks", row)


def test_a_held_block_among_many_released_ones_is_still_guarded(family: Family) -> None:
    with rolled_back(family.raw):
        family.raw.execute("UPDATE serial_blocks SET is_held = 0")
        insert(family.raw, "serial_blocks", block_row(family, 100, 200))
        for credit, first in enumerate(range(100, 200, 10), start=1000):
            given_up = block_row(family, first, first + 5, credit=credit, is_held=0)
            insert(family.raw, "serial_blocks", given_up)
        with pytest.raises(REFUSALS, match=r"held already|ex_serial_blocks_once"):
            insert(family.raw, "serial_blocks", block_row(family, 199, 300, credit=999))


def test_a_block_runs_forwards_and_is_held_or_not(family: Family) -> None:
    for changes in ({"first": 21}, {"is_held": 2}, {"is_held": None}, {"first": None}, {"last": None}):
        assert_block_refused(family, {**block_row(family, 11, 20), **changes})


@pytest.mark.parametrize(
    "change", ["last = 5", "last = 10", "first = 0, last = 99", "first = 5, last = 5", "first = last + 1"]
)
def test_a_block_cannot_be_moved_onto_another(family: Family, change: str) -> None:
    before = family.raw.execute("SELECT * FROM serial_blocks ORDER BY credit")
    assert_refused(family.raw, f"UPDATE serial_blocks SET {change} WHERE first = 1 AND is_held = 1")
    if family.raw.dialect == "sqlite":
        assert_refused(
            family.raw, f"UPDATE OR REPLACE serial_blocks SET {change} WHERE first = 1 AND is_held = 1"
        )
    assert family.raw.execute("SELECT * FROM serial_blocks ORDER BY credit") == before


def test_a_block_cannot_take_the_row_of_another_credit(family: Family) -> None:
    clause = "OR REPLACE" if family.raw.dialect == "sqlite" else ""
    change = f"UPDATE {clause} serial_blocks SET credit = ? WHERE first = 1 AND is_held = 1"
    assert_refused(family.raw, change, key_of(family.raw, family.lots[1]))


def test_a_serial_number_is_claimed_once_in_a_registry(family: Family) -> None:
    claim = {"registry_key": "vcs", "serial_key": "vcs-1", "credit": 99}
    with pytest.raises(REFUSALS):
        insert(family.raw, "serial_claims", claim)
