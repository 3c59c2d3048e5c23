"""Facts that a file adds to credits that are recorded already.

A fact that the ledger does not have is added by an amendment of the credit's CREATED event, unless the
person does not want that. A fact that it has differently is a difference, and is never overwritten. Only
rows that say what the tonnes are count; a row about their end is about the end.
"""

from dataclasses import replace

from sqlalchemy import Connection

from webapp.domain.text import canonical
from webapp.imports.plan import Difference, Kind, Plan
from webapp.ledger import holdings


def add_facts(connection: Connection, plan: Plan, *, is_wanted: bool) -> None:
    """Turn pieces that are recorded already into additions of facts where the row has new ones."""
    candidates = {
        number: piece.credit_id
        for number, piece in enumerate(plan.pieces)
        if piece.kind is Kind.EXISTING
        and piece.credit_id
        and plan.rows[piece.place].facts
        and plan.rows[piece.place].end is None
        and piece.credit_id not in plan.ends
    }
    present = holdings.facts_of(connection, candidates.values())
    for number, credit_id in candidates.items():
        piece, here = plan.pieces[number], present.get(credit_id, {})
        facts = plan.rows[piece.place].facts
        for name, text in facts.items():
            if name in here and canonical(here[name]) != canonical(text):
                what = name.replace("_", " ")
                plan.differences.append(
                    Difference(piece.place, credit_id, what, here[name], text, piece.quantity_e4)
                )
        known = plan.additions.get(credit_id, {})
        new = {name: text for name, text in facts.items() if name not in here and name not in known}
        if new and is_wanted:
            plan.additions[credit_id] = {**known, **new}
            plan.pieces[number] = replace(piece, kind=Kind.ADDS_FACTS)
