"""The parties that events name, which are buyers and beneficiaries: the commands that change their aliases.

An alias is confirmed by a JOINED entry of the log and undone by a SEPARATED one. No event changes: the
figures of an alias are added to those of the party when they are read.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection

from webapp.domain.entry import PARTY, PARTY_NAME, EntryType
from webapp.domain.fields import TextField, parse_fields
from webapp.domain.text import canonical
from webapp.ledger import event_log
from webapp.ledger.group_commit import Transaction
from webapp.ledger.idempotency_store import IdempotencyKey
from webapp.ledger.name_changes import NameChange, refused, require_alias, require_free, run_once
from webapp.ledger.projections.joined_names import party_names
from webapp.ledger.storage import party_sql
from webapp.ledger.storage.statements import as_json, fetch

# The main name of a party, to which another name is joined.
MAIN_NAME: Final = TextField("party", "Party", required=True, example="Hilltop Tools AG")


def join_names(values: Mapping[str, object], actor: str, key: IdempotencyKey | None = None) -> NameChange:
    """Record that `name` is another name of `party`. Raises InvalidFields."""
    party, name = _parse(values)

    def action(transaction: Transaction) -> NameChange:
        names = party_names(transaction.connection)
        party_key, alias_key = names.key(canonical(party)), canonical(name)
        spelling = spellings(transaction.connection, [party_key, alias_key, names.key(alias_key)])
        for field, each_key, text in ((MAIN_NAME, party_key, party), (PARTY_NAME, alias_key, name)):
            if each_key not in spelling:
                raise refused(field.name, f"No sale or retirement names {text}.")
        require_free(names, spelling, party_key, alias_key)
        data = {PARTY_NAME.name: spelling[alias_key]}
        event_log.append_entry(transaction, f"{PARTY}{party_key}", EntryType.JOINED, data, actor)
        return NameChange(spelling[party_key], spelling[alias_key])

    return run_once(action, key, "join parties")


def separate_names(values: Mapping[str, object], actor: str, key: IdempotencyKey | None = None) -> NameChange:
    """Record that `name` is no longer another name of `party`. Raises InvalidFields."""
    party, name = _parse(values)

    def action(transaction: Transaction) -> NameChange:
        names = party_names(transaction.connection)
        alias_key = canonical(name)
        require_alias(names, (canonical(party), party), (alias_key, name))
        party_key = names.key(alias_key)
        spelling = spellings(transaction.connection, [party_key, alias_key])
        data = {PARTY_NAME.name: spelling[alias_key]}
        event_log.append_entry(transaction, f"{PARTY}{party_key}", EntryType.SEPARATED, data, actor)
        return NameChange(spelling[party_key], spelling[alias_key])

    return run_once(action, key, "separate parties")


def spellings(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Return the first spelling of each of these names that an event states, by canonical name."""
    rows = fetch(connection, party_sql.SPELLING, as_json(sorted(set(keys))))
    return dict(map(tuple, rows))


def _parse(values: Mapping[str, object]) -> tuple[str, str]:
    stated = parse_fields((MAIN_NAME, PARTY_NAME), values)
    return str(stated[MAIN_NAME.name]), str(stated[PARTY_NAME.name])
