"""Records histories of every kind, for tests of invariants."""

from tests.fixtures.credits import (
    a_credit,
    acted,
    recorded,
    recorded_with_facts,
    sale_reversed,
    sold,
    withdrawn,
    withdrawn_part,
)
from tests.fixtures.entries import aliased, entered, imported, joined, recorded_by_import
from webapp.accounts.actors import CLI, LOCAL
from webapp.domain.entry import EntryType
from webapp.domain.lifecycle import EventType
from webapp.ledger import commands


def record_histories() -> None:
    """Record credits of every status, with every kind of text, by more than one actor."""
    both = sold(project_name="Straße ﬁne", registry="Gold Standard", quantity="2765.37")
    recorded(project_name="Cañón\u00a0Wind 風", serial_number=None)
    alone = recorded(serial_number="VCS-0002", registry="vcs", vintage="1990", quantity="0.0001")
    note = 'Two\nlines, a "quote", a \\ and \u2028 too'
    commands.retire_credit(both, {"beneficiary": "Łódź Airlines", "note": note}, CLI)
    commands.retire_credit(alone, {"reason": "Flights of 2025"}, LOCAL)
    commands.create_credit(a_credit(serial_number="VCS-0003"), CLI)


def record_split_trees() -> None:
    """Record splits of splits, of a sold credit and of a block, and a correction."""
    block = recorded(registry="ACR", quantity="1000", serial_number="ACR-X-2025-1 to 1000")
    retired = commands.retire_credit(block, {"quantity": "250", "beneficiary": "Acme"}, LOCAL)
    rest = str(retired.rest_id)
    both = commands.sell_credit(rest, {"quantity": "700", "buyer": "Zoë"}, CLI)
    commands.split_credit(both.credit_id, {"quantities": ["1", "699"]}, LOCAL)
    plain = sold(serial_number=None, quantity="2.5", vintage="2001")
    part = commands.retire_credit(plain, {"quantity": "0.0001"}, LOCAL)
    commands.split_credit(str(part.rest_id), {"quantities": ["1", "0.5", "0.9999"]}, CLI)
    typo = recorded(registry="ACR", quantity="5", serial_number="ACR-Y-2025-1 to 5", vintage="2002")
    right = a_credit(registry="ACR", quantity="9", serial_number="ACR-Y-2025-1 to 9", vintage="2003")
    commands.correct_credit(typo, right, {"reason": "Wrong vintage"}, LOCAL)
    wrong = recorded(serial_number="VCS-0009", vintage="2004")
    commands.cancel_credit(wrong, {"reason": "Never issued", "note": "See\nmail"}, CLI)
    recorded(serial_number="VCS-0009", vintage="2005")


def record_entries() -> None:
    """Record entries about imports, registries and parties between events, by more than one actor."""
    imported("3")
    credit_id = recorded_by_import("3", registry="ART", serial_number="ART-1", vintage="2008")
    aliased("art trees", "ART")
    joined("łódź airlines", "Lodz")
    entered("registry/art trees", EntryType.UNALIASED, {"alias": "ART"}, CLI)
    joined("łódź airlines", "ŁÓDŹ")
    entered("party/łódź airlines", EntryType.SEPARATED, {"name": "Lodz"}, CLI)
    commands.amend_credit(credit_id, {"amends": "2", "reason": "Reversal"}, LOCAL)
    imported("4", filename="Größe 風.csv")
    aliased("art trees", "ART")


def record_amended_trees() -> None:
    """Record facts, withdrawals and amendments, above and below splits, by more than one actor."""
    root = recorded_with_facts(registry="ACR", quantity="60", serial_number="ACR-Z-2025-1 to 60")
    commands.amend_credit(root, {"amends": "1", "facts": {"country": "Peru", "developer": "B"}}, CLI)
    lot, rest = withdrawn_part(root, "20", "40")
    commands.amend_credit(lot, {"amends": "2", "reason": "", "facts": {"purpose": "Buffer"}}, LOCAL)
    commands.sell_credit(rest, {"buyer": "Acne", "note": "Two\nlines"}, CLI)
    commands.amend_credit(rest, {"amends": "2", "buyer": "Acme", "note": "", "why": "Misspelt"}, LOCAL)
    part = commands.retire_credit(rest, {"quantity": "15", "beneficiary": "Zoe"}, LOCAL)
    commands.amend_credit(part.credit_id, {"amends": "3", "beneficiary": "Zoë"}, LOCAL)
    commands.amend_credit(root, {"amends": "1", "facts": {"developer": ""}}, LOCAL)
    acted(str(part.rest_id), EventType.RETIRED, {"facts": {"claimed_year": "2025"}})
    void = recorded(registry="ACR", quantity="7", serial_number=None, vintage="2006")
    commands.cancel_credit(void, {"reason": "Twise"}, LOCAL)
    commands.amend_credit(void, {"amends": "2", "reason": "Twice"}, CLI)
    withdrawn(data={}, registry="ACR", quantity="7", serial_number="VCS-0010", vintage="2007")


def record_reversed_sales() -> None:
    """Record sales that were reversed, sold again, amended and split, by more than one actor."""
    block = sale_reversed(registry="ACR", quantity="60", serial_number="ACR-R-2025-1 to 60")
    commands.amend_credit(block, {"amends": "2", "buyer": "Acne"}, LOCAL)
    plain, rest = commands.split_credit(block, {"quantities": ["20", "40"]}, CLI).lot_ids
    commands.sell_credit(plain, {"buyer": "Zoë"}, LOCAL)
    commands.sell_credit(rest, {"buyer": "Łódź"}, LOCAL)
    part = commands.reverse_sale(rest, {"quantity": "15", "reason": "Too many"}, CLI)
    commands.amend_credit(part.credit_id, {"amends": "2", "buyer": "Lodz"}, LOCAL)
    commands.sell_credit(part.credit_id, {"buyer": "Acme"}, LOCAL)
    commands.amend_credit(part.credit_id, {"amends": "5", "buyer": "Acme Ltd"}, LOCAL)
    commands.amend_credit(part.credit_id, {"amends": "3", "reason": "Fifteen too many"}, LOCAL)
    commands.retire_credit(sale_reversed(serial_number="VCS-0011"), {"beneficiary": "Zoë"}, CLI)
    commands.cancel_credit(sale_reversed(serial_number="VCS-0012"), {"reason": "Typo"}, LOCAL)
