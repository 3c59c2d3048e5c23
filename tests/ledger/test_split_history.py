"""The split history of a credit: its lots, their lots, and its replacement."""

import pytest

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.statement_counts import counted
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import UnknownCredit
from webapp.ledger.commands import correct_credit, retire_credit, split_credit
from webapp.ledger.queries import record, split_tree
from webapp.ledger.views import Origin

pytestmark = pytest.mark.usefixtures("ledger_app")


def statements_of_a_split_tree(credit_id: str) -> int:
    """Return the number of SQL statements for the split tree."""
    with counted() as asked:
        split_tree(credit_id)
    return len(asked)


def test_the_tree_of_an_unsplit_credit_has_one_node() -> None:
    credit_id = recorded()
    found = split_tree(credit_id)
    assert [node.credit.id for node in found.nodes] == [credit_id]
    assert (found.root.origin, found.is_whole, found.replaced_by) == (Origin(), True, [])


def test_a_split_tree_is_in_depth_first_order_from_any_of_its_credits() -> None:
    root = recorded()
    first, second = split_credit(root, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    part = retire_credit(second, {"quantity": "25"}, LOCAL)
    whole = split_tree(root)
    assert [(m.credit.id, m.depth, m.start_e4 // 10_000, m.credit.status) for m in whole.nodes] == [
        (root, 0, 0, "SPLIT"),
        (first, 1, 0, "ACTIVE"),
        (second, 1, 40, "SPLIT"),
        (part.credit_id, 2, 40, "RETIRED"),
        (part.rest_id, 2, 65, "ACTIVE"),
    ]
    assert whole.is_whole
    assert split_tree(part.credit_id) == split_tree(first) == whole


def test_a_large_split_tree_is_cut_and_marked_as_incomplete() -> None:
    root = recorded()
    split_credit(root, {"quantities": ["1"] * 100}, LOCAL)
    assert split_tree(root).is_whole
    cut = split_tree(root, limit=100)
    assert (len(cut.nodes), cut.is_whole) == (100, False)


def test_a_deep_split_tree_takes_as_many_statements_as_a_flat_one() -> None:
    root = rest = recorded()
    few = statements_of_a_split_tree(root)
    for _ in range(5):
        rest = retire_credit(rest, {"quantity": "1"}, LOCAL).rest_id or ""
    assert statements_of_a_split_tree(root) == statements_of_a_split_tree(rest) == few


def test_an_unknown_id_has_no_split_tree() -> None:
    with pytest.raises(UnknownCredit):
        split_tree("0" * 64)


def test_a_replacement_and_the_replaced_credit_refer_to_each_other() -> None:
    wrong = recorded()
    right = correct_credit(wrong, a_credit(vintage="2024"), {"reason": "Typo"}, LOCAL).credit_id
    assert record(wrong).relations.replaced_by == split_tree(wrong).replaced_by == [right]
    assert record(right).relations.origin.replaces == split_tree(right).root.origin.replaces == wrong


def test_a_record_names_its_lots_in_their_order() -> None:
    root = recorded()
    lots = split_credit(root, {"quantities": ["1", "2", "97"]}, LOCAL).lot_ids
    assert [lot.id for lot in record(root).relations.lots] == lots
    assert [lot.quantity for lot in record(root).relations.lots] == ["1", "2", "97"]
    assert record(lots[2]).relations.origin == Origin(root, 30_000, None)
