"""Histories of every kind, for what must hold of all of them."""

from tests.fixtures.credits import a_credit, recorded, sold
from webapp.ledger import commands
from webapp.ledger.actors import CLI, LOCAL


def record_histories() -> None:
    """Record credits of every status, with every kind of text, by more than one actor."""
    both = sold(project_name="Straße ﬁne", registry="Gold Standard", quantity="2765.37")
    recorded(project_name="Cañón\u00a0Wind 風", serial_number=None)
    alone = recorded(serial_number="VCS-0002", registry="vcs", vintage="1990", quantity="0.0001")
    note = 'Two\nlines, a "quote", a \\ and \u2028 too'
    commands.retire_credit(both, {"beneficiary": "Łódź Airlines", "note": note}, CLI)
    commands.retire_credit(alone, {"reason": "Flights of 2025"}, LOCAL)
    commands.create_credit(a_credit(serial_number="VCS-0003"), CLI)
