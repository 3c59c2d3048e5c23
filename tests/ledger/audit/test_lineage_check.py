"""Verify compares splits, lots, blocks and replacements with the events."""

from collections.abc import Callable

import pytest

from tests.fixtures.credits import a_credit, recorded, retired, sold
from tests.fixtures.ledger import RawClient
from tests.ledger.audit.tampering import findings, rewrite, tamper
from tests.ledger.histories import record_amended_trees, record_reversed_sales, record_split_trees
from tests.ledger.triggers.rows import key_of
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import amend_credit, cancel_credit, create_credit, split_credit

pytestmark = pytest.mark.usefixtures("ledger_app")
Edit = Callable[[RawClient, str, list[str]], None]


def a_split() -> tuple[str, list[str]]:
    """Record a block of 10 and split it; return the credit and its lots."""
    credit_id = recorded(registry="ACR", quantity="10", serial_number="ACR-X-2025-1 to 10")
    return credit_id, split_credit(credit_id, {"quantities": ["4", "6"]}, LOCAL).lot_ids


def change_lot(name: str, value: object) -> Edit:
    def edit(raw: RawClient, _: str, lots: list[str]) -> None:
        rewrite(raw, lots[1], 1, lambda facts: facts["data"].update({name: value}))

    return edit


def remove_lot(raw: RawClient, _: str, lots: list[str]) -> None:
    key = key_of(raw, lots[1])
    for statement in (
        "DELETE FROM feed WHERE subject = ?",
        "DELETE FROM events WHERE subject = ?",
        "DELETE FROM credits WHERE key = ?",
    ):
        tamper(raw, statement, key)


def statement(sql: str) -> Edit:
    def edit(raw: RawClient, *_: object) -> None:
        tamper(raw, sql)

    return edit


EDITS: dict[str, tuple[Edit, str]] = {
    "a lot's quantity": (
        change_lot("quantity", "5"),
        "credit {whole}: event 1 of its lot {lot} does not match the split",
    ),
    "a lot's offset": (
        change_lot("offset", "5"),
        "credit {whole}: event 1 of its lot {lot} does not match the split",
    ),
    "a lot's serial number": (
        change_lot("serial_number", "ACR-X-2025-5 to 11"),
        "credit {whole}: event 1 of its lot {lot} does not match the split",
    ),
    "a lot's project": (
        change_lot("project_name", "Another"),
        "credit {whole}: event 1 of its lot {lot} does not match the split",
    ),
    "a lot without its parent": (
        lambda raw, _, lots: tamper(
            raw, "UPDATE credits SET parent = NULL WHERE key = ?", key_of(raw, lots[1])
        ),
        "credit {whole}: event 1 of its lot {lot} does not match the split",
    ),
    "a lot of another parent": (
        lambda raw, _, lots: tamper(
            raw, "UPDATE credits SET parent = key, offset_e4 = 0 WHERE key = ?", key_of(raw, lots[1])
        ),
        "credit {lot}: table credits: parent is {lot}, but its events give {whole}",
    ),
    "a lot of no credit": (
        lambda raw, _, lots: tamper(
            raw, "UPDATE credits SET parent = 99 WHERE key = ?", key_of(raw, lots[1])
        ),
        "credit {lot}: table credits: parent is 99, but its events give {whole}",
    ),
    "a missing lot": (remove_lot, "credit {whole}: event 1 of its lot {lot} does not match the split"),
    "the quantities of the split": (
        lambda raw, whole, _: rewrite(
            raw, whole, 2, lambda facts: facts["data"].update(quantities=["4", "5"])
        ),
        "credit {whole}: its lots do not partition it: quantities: They add up to 9 t",
    ),
    "a changed envelope": (
        statement("UPDATE splits SET envelope = replace(envelope, '\"hash\"', '\"Hash\"')"),
        "credit {whole}: table splits: its row does not match its events",
    ),
    "a missing envelope": (
        statement("DELETE FROM splits"),
        "credit {whole}: it was split, but table splits has no row for it",
    ),
    "lots of no split": (
        statement("DELETE FROM splits"),
        "credit {lot}: it is a lot of {whole}, but table splits has no row for that",
    ),
    "an envelope of no split": (
        statement("INSERT INTO splits SELECT key, '[]' FROM credits WHERE quantity_e4 = 60000"),
        "credit {lot}: table splits has a row for it, but its events do not give its lots",
    ),
    "a block taken away": (
        statement("DELETE FROM serial_blocks WHERE first = 5"),
        "table serial_blocks, {lot}: this row is missing",
    ),
    "a block moved": (
        statement("UPDATE serial_blocks SET last = 11 WHERE first = 5"),
        "table serial_blocks, {lot}: last is 11, but the log gives 10",
    ),
    "the block of a split credit taken away": (
        statement("DELETE FROM serial_blocks WHERE is_held = 0"),
        "table serial_blocks, {whole}: this row is missing",
    ),
    "a block given up": (
        statement("UPDATE serial_blocks SET is_held = 0 WHERE first = 5"),
        "table serial_blocks, {lot}: is_held is 0, but the log gives 1",
    ),
    "a block kept by a split credit": (
        statement("UPDATE serial_blocks SET is_held = 1, series = 'x' WHERE last = 10 AND first = 1"),
        "table serial_blocks, {whole}: is_held is 1, but the log gives 0",
    ),
    "a block in the wrong class of sizes": (
        statement("UPDATE serial_blocks SET size_class = 9 WHERE first = 5"),
        "table serial_blocks, {lot}: size_class is 9, but the log gives 3",
    ),
    "a block of no credit": (
        statement("INSERT INTO serial_blocks VALUES (99, 'x', 1, 1, 0, 1)"),
        "table serial_blocks, of key 99: the log does not give this row",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_split_that_was_changed_is_named(raw: RawClient, name: str) -> None:
    whole, lots = a_split()
    assert findings() == []
    edit, wrong = EDITS[name]
    edit(raw, whole, lots)
    expected = wrong.format(whole=whole, lot=lots[1])
    assert [line for line in findings() if line.startswith(expected)]


def test_a_lost_carried_sale_is_named(raw: RawClient) -> None:
    whole = sold()
    lots = split_credit(whole, {"quantities": ["1", "99"]}, LOCAL).lot_ids
    key = key_of(raw, lots[1])
    for table in ("feed", "events"):
        tamper(raw, f"DELETE FROM {table} WHERE subject = ? AND seq = 2", key)
    assert f"credit {whole}: event 2 of its lot {lots[1]} does not match the split" in findings()


def test_a_carried_sale_with_other_words_than_the_amended_ones_is_named(raw: RawClient) -> None:
    credit_id = sold()
    amend_credit(credit_id, {"amends": "2", "buyer": "Zoë"}, LOCAL)
    lots = split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    rewrite(raw, lots[0], 2, lambda facts: facts["data"].update(buyer="Acme Airlines"))
    assert f"credit {credit_id}: event 2 of its lot {lots[0]} does not match the split" in findings()


def test_lots_with_more_tonnes_than_their_credit_are_named(raw: RawClient) -> None:
    _, lots = a_split()
    rewrite(raw, lots[1], 1, lambda facts: facts["data"].update(quantity="7"))
    assert "ledger: 10 t were recorded, but leaves and cancelled credits hold 11 t" in findings()


def test_a_replacement_of_a_credit_that_is_not_cancelled_is_named(raw: RawClient) -> None:
    wrong, other = recorded(vintage="2020"), retired(serial_number="VCS-0002")
    cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
    right = create_credit(a_credit(vintage="2021", replaces=wrong), LOCAL).credit_id
    assert findings() == []
    tamper(raw, "UPDATE credits SET replaces = ? WHERE key = ?", key_of(raw, other), key_of(raw, right))
    found = findings()
    assert f"credit {right}: it replaces {other}, which was not cancelled before" in found
    assert f"credit {right}: table credits: replaces is {other}, but its events give {wrong}" in found


def test_a_credit_that_is_replaced_twice_is_named(raw: RawClient) -> None:
    first, second = recorded(vintage="2020"), recorded(serial_number="VCS-0002")
    for wrong in (first, second):
        cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
    create_credit(a_credit(vintage="2021", replaces=first), LOCAL)
    other = create_credit(a_credit(serial_number="VCS-0003", replaces=second), LOCAL).credit_id
    raw.execute("DROP INDEX uq_credits_replaces")
    tamper(raw, "UPDATE credits SET replaces = ? WHERE key = ?", key_of(raw, first), key_of(raw, other))
    assert f"credit {first}: it is replaced more than once" in findings()


def test_split_trees_of_every_kind_have_no_findings() -> None:
    record_split_trees()
    record_amended_trees()
    record_reversed_sales()
    assert findings() == []
