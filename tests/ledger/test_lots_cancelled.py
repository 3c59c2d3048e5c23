"""Lots are cancelled and corrected like other credits, and then their serial numbers are free."""

import json

import pytest
from sqlalchemy import select

from tests.fixtures.credits import a_credit, recorded
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import AlreadyRetired, BlockHeld, CancelledBefore, InvalidFields, SerialHeld
from webapp.imports import jobs, views
from webapp.ledger import queries, summaries
from webapp.ledger.commands import (
    cancel_credit,
    correct_credit,
    create_credit,
    retire_credit,
    split_credit,
)
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.projection_tables import serial_blocks, serial_claims

pytestmark = pytest.mark.usefixtures("ledger_app")
REASON = {"reason": "Typo"}


def block(first: int, last: int, **changes: object) -> dict[str, object]:
    serial = f"ACR-X-2025-{first} to {last}"
    return a_credit(registry="ACR", quantity=str(last - first + 1), serial_number=serial) | changes


def split(credit_id: str, *quantities: str) -> list[str]:
    return split_credit(credit_id, {"quantities": list(quantities)}, LOCAL).lot_ids


def cancel(*credit_ids: str) -> None:
    for credit_id in credit_ids:
        cancel_credit(credit_id, REASON, LOCAL)


def held_numbers() -> list[tuple[int, int]]:
    with reading() as connection:
        held = select(serial_blocks.c.first, serial_blocks.c.last).where(serial_blocks.c.is_held == 1)
        rows = connection.execute(held).all()
    return sorted((row.first, row.last) for row in rows)


def claimed() -> set[str]:
    with reading() as connection:
        return set(connection.scalars(select(serial_claims.c.serial_key)))


def test_a_cancelled_lot_leaves_the_totals_and_frees_its_numbers() -> None:
    first, _ = split(create_credit(block(1, 100), LOCAL).credit_id, "40", "60")
    cancel(first)
    assert summaries.ledger_totals().ledger.all.quantity == "60"
    assert held_numbers() == [(41, 100)]
    assert create_credit(block(1, 40, vintage="2001"), LOCAL).is_new
    with pytest.raises(SerialHeld):  # 60 t of it are counted
        create_credit(block(1, 100, vintage="2001"), LOCAL)
    assert_sound()


def test_a_serial_number_is_free_once_all_lots_are_cancelled() -> None:
    root = recorded()
    first, second = split(root, "40", "60")
    third, fourth = split(second, "10", "50")
    cancel(third, first)
    for serial in ("VCS-0001", "VCS-0001, 41\u2013100 of 100", "VCS-0001, 51\u2013100 of 100"):
        with pytest.raises(SerialHeld):
            create_credit(a_credit(serial_number=serial, vintage="2001"), LOCAL)
    cancel(fourth)
    assert claimed() == set()
    assert create_credit(a_credit(vintage="2001"), LOCAL).is_new
    assert_sound()


def test_a_serial_number_stays_held_while_one_lot_is_retired() -> None:
    acted = retire_credit(recorded(), {"quantity": "40"}, LOCAL)
    cancel(str(acted.rest_id))
    with pytest.raises(SerialHeld):
        create_credit(a_credit(vintage="2001"), LOCAL)
    with pytest.raises(AlreadyRetired):
        cancel(acted.credit_id)
    assert_sound()


def test_a_lot_is_replaced_by_an_ordinary_credit_with_the_same_numbers() -> None:
    root = create_credit(block(1, 100), LOCAL).credit_id
    first, _ = split(root, "40", "60")
    right = correct_credit(first, block(1, 40, vintage="2001"), REASON, LOCAL).credit_id
    origin = queries.record(right).relations.origin
    assert (origin.replaces, origin.parent) == (first, None)
    assert queries.record(first).relations.replaced_by == [right]
    assert held_numbers() == [(1, 40), (41, 100)]
    assert summaries.ledger_totals().ledger.all.quantity == "100"
    part = retire_credit(right, {"quantity": "15"}, LOCAL).credit_id
    assert queries.credit(part).serial_number == "ACR-X-2025-1 to 15"
    assert_sound()


def test_a_correction_of_a_lot_that_changes_nothing_is_refused() -> None:
    first, _ = split(create_credit(block(1, 100), LOCAL).credit_id, "40", "60")
    with pytest.raises(InvalidFields, match="Nothing is changed yet"):
        correct_credit(first, block(1, 40), REASON, LOCAL)
    with pytest.raises(BlockHeld):
        correct_credit(first, block(1, 41), REASON, LOCAL)
    assert queries.credit(first).status == "ACTIVE"


def test_the_last_lot_that_is_counted_can_be_corrected_into_the_whole() -> None:
    first, second = split(recorded(), "40", "60")
    with pytest.raises(SerialHeld):
        correct_credit(second, a_credit(vintage="2001"), REASON, LOCAL)
    cancel(first)
    right = correct_credit(second, a_credit(vintage="2001"), REASON, LOCAL).credit_id
    assert queries.credit(right).serial_number == "VCS-0001"
    assert_sound()


def test_a_credit_whose_lots_are_all_cancelled_is_recorded_again_only_as_a_replacement() -> None:
    root = recorded()
    lots = split(root, "40", "60")
    cancel(lots[1])
    assert not create_credit(a_credit(), LOCAL).is_new
    cancel(lots[0])
    with pytest.raises(CancelledBefore) as refusal:
        create_credit(a_credit(), LOCAL)
    assert refusal.value.credit_id == lots[0]
    number = jobs.receive(json.dumps([a_credit()]).encode(), "rows.json", LOCAL).import_id
    (problem,) = views.problems(number)
    assert (views.find(number).conflicting, problem.holder) == (1, lots[0])
    assert create_credit(a_credit(replaces=lots[0]), LOCAL).is_new
    assert_sound()


def test_the_text_of_a_lot_is_reserved_until_it_is_cancelled() -> None:
    first, second = split(recorded(serial_number="VCS-0009"), "30", "70")
    for serial, lot in (("VCS-0009, 1\u201330 of 100", first), ("vcs-0009, 31\u2013100 OF 100", second)):
        with pytest.raises(SerialHeld) as refusal:
            create_credit(a_credit(serial_number=serial), LOCAL)
        assert refusal.value.holder == lot
    assert create_credit(a_credit(registry="GS", serial_number="VCS-0009, 1\u201330 of 100"), LOCAL).is_new
    cancel(first)
    assert create_credit(a_credit(serial_number="VCS-0009, 1\u201330 of 100"), LOCAL).is_new
    assert_sound()


def test_a_lot_does_not_hold_a_serial_number_that_another_credit_holds() -> None:
    holder = recorded(serial_number="VCS-0009, 1\u201330 of 100")
    split(recorded(serial_number="VCS-0009"), "30", "70")
    with pytest.raises(SerialHeld) as refusal:
        create_credit(a_credit(serial_number="VCS-0009, 1\u201330 of 100", vintage="2001"), LOCAL)
    assert refusal.value.holder == holder
    assert_sound()


def test_the_lots_of_a_credit_without_a_serial_number_claim_nothing() -> None:
    for vintage in ("2001", "2002"):
        lots = split(recorded(serial_number=None, vintage=vintage), "30", "70")
        split(lots[1], "20", "50")
    assert claimed() == set()
    assert create_credit(a_credit(serial_number="1\u201330 of 100"), LOCAL).is_new
    assert_sound()


def test_one_number_split_off_a_pair_of_serials_holds_that_number() -> None:
    pair = a_credit(registry="RW", quantity="10", serial_number="RW-5-11-7014 - RW-5-20-7014")
    lots = split(create_credit(pair, LOCAL).credit_id, "1", "9")
    assert held_numbers() == [(11, 11), (12, 20)]
    overlapping = pair | {"quantity": "6", "serial_number": "RW-5-6-7014 to RW-5-11-7014"}
    with pytest.raises(BlockHeld) as refusal:
        create_credit(overlapping, LOCAL)
    assert refusal.value.holder == lots[0]
    cancel(lots[0])
    assert create_credit(overlapping, LOCAL).is_new
    assert_sound()
