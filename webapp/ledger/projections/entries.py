"""Apply entries about other subjects than credits to the projections."""

from sqlalchemy import Connection

from webapp.domain.entry import Entry
from webapp.domain.joined_names import KINDS, REGISTRIES, NameHistory
from webapp.domain.text import canonical
from webapp.ledger.projections import registry_claims
from webapp.ledger.projections.joined_names import joined_names, set_joined


def apply_entry(connection: Connection, entry: Entry) -> None:
    """Update the projections with an entry. One that cannot follow the names so far changes nothing."""
    for kind in KINDS:
        if entry.type not in {kind.joins, kind.separates}:
            continue
        names = NameHistory(kind, joined_names(connection, kind))
        if not names.follow(entry):
            return
        main_key = entry.subject.removeprefix(kind.subject)
        alias_key = canonical(entry.data[kind.alias.name])
        if kind is REGISTRIES and entry.type is kind.joins:
            registry_claims.unite(connection, main_key, alias_key)
        set_joined(connection, kind, alias_key, names.joined.get(alias_key))
        if kind is REGISTRIES and entry.type is kind.separates:
            registry_claims.separate(connection, main_key, alias_key)
