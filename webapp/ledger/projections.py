"""What is derived from events: written only by applying events that have their feed position.

`apply` is called by ``webapp.ledger.log`` alone, in feed order and by one writer at a time, so
nothing here needs a lock or can meet another writer. `rebuild` makes all of it again from the
log; a test proves that rebuilt equals live.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.domain.credits import Credit
from webapp.domain.events import Event
from webapp.domain.fields import quantity_from_text
from webapp.domain.lifecycle import STATUS_AFTER, EventType
from webapp.domain.text import canonical
from webapp.ledger import tables

BATCH: Final = 1000

# The field of an event's data that names another party.
PARTY_FIELD: Final = {EventType.SOLD: "buyer", EventType.RETIRED: "beneficiary"}


@dataclass(frozen=True)
class Positioned:
    """An event with its position in the feed."""

    position: int
    event: Event


def credit_of(event: Event) -> Credit:
    """Return the credit that a CREATED event states."""
    data = event.data
    serial_number = data.get("serial_number")
    return Credit(
        project_name=str(data["project_name"]),
        registry=str(data["registry"]),
        vintage=int(data["vintage"]),
        quantity_e4=quantity_from_text(str(data["quantity"])),
        serial_number=None if serial_number is None else str(serial_number),
    )


def apply(connection: Connection, entries: Sequence[Positioned]) -> None:
    """Bring everything derived up to these events, which are in feed order."""
    created = [entry for entry in entries if entry.event.type is EventType.CREATED]
    if created:
        _apply_created(connection, created)
    for entry in entries:
        if entry.event.type is not EventType.CREATED:
            _apply_act(connection, entry)


def rebuild(
    connection: Connection,
    feed: Iterable[Positioned],
    progress: Callable[[int], None] = lambda _done: None,
) -> int:
    """Drop everything derived and make it again from the feed. Returns the number of events."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO credit_search (credit_search) VALUES ('delete-all')"))
    for table in tables.DERIVED:
        connection.execute(delete(table))
    entries, done = iter(feed), 0
    while batch := list(islice(entries, BATCH)):
        apply(connection, batch)
        done += len(batch)
        progress(done)
    return done


def _apply_created(connection: Connection, entries: Sequence[Positioned]) -> None:
    claims: list[dict[str, object]] = []
    names: dict[str, str] = {}
    states: list[dict[str, object]] = []
    sums: dict[tuple[str, int, str], list[int]] = {}
    for entry in entries:
        credit = credit_of(entry.event)
        keys = credit.canonical
        if credit.serial_number is not None:
            claims.append(
                {
                    "registry_key": keys.registry,
                    "serial_key": keys.serial_number,
                    "credit_id": entry.event.credit_id,
                }
            )
        names.setdefault(keys.registry, credit.registry)
        states.append(_first_state(entry, credit))
        status = STATUS_AFTER[EventType.CREATED]
        sums.setdefault((keys.registry, credit.vintage, status), [0, 0])
        sums[keys.registry, credit.vintage, status][0] += 1
        sums[keys.registry, credit.vintage, status][1] += credit.quantity_e4
    if claims:
        connection.execute(tables.serial_claims.insert(), claims)
    connection.execute(
        _insert(connection, tables.registries).on_conflict_do_nothing(index_elements=["registry_key"]),
        [{"registry_key": key, "name": name} for key, name in sorted(names.items())],
    )
    connection.execute(tables.credit_states.insert(), states)
    _index_for_search(connection, states)
    for key, (credits, quantity_e4) in sums.items():
        _add_to_total(connection, key, credits, quantity_e4)


def _first_state(entry: Positioned, credit: Credit) -> dict[str, object]:
    keys = credit.canonical
    return {
        "created_position": entry.position,
        "credit_id": entry.event.credit_id,
        "status": STATUS_AFTER[EventType.CREATED],
        "project_name": credit.project_name,
        "registry": credit.registry,
        "vintage": credit.vintage,
        "quantity_e4": credit.quantity_e4,
        "serial_number": credit.serial_number,
        "project_key": keys.project_name,
        "registry_key": keys.registry,
        "search_key": f"{keys.project_name} {keys.registry} {keys.serial_number} {credit.id}",
        "created_at": entry.event.recorded_at,
        "changed_at": entry.event.recorded_at,
        "buyer": None,
        "beneficiary": None,
    }


def _apply_act(connection: Connection, entry: Positioned) -> None:
    event, states = entry.event, tables.credit_states
    status = STATUS_AFTER[event.type]
    before = connection.execute(
        select(states.c.registry_key, states.c.vintage, states.c.status, states.c.quantity_e4).where(
            states.c.credit_id == event.credit_id
        )
    ).one()
    party = event.data.get(PARTY_FIELD[event.type])
    connection.execute(
        update(states)
        .where(states.c.credit_id == event.credit_id)
        .values(
            {
                "status": status,
                "changed_at": event.recorded_at,
                PARTY_FIELD[event.type]: party,
            }
        )
    )
    _add_to_total(connection, (before.registry_key, before.vintage, before.status), -1, -before.quantity_e4)
    _add_to_total(connection, (before.registry_key, before.vintage, status), 1, before.quantity_e4)
    if party:
        _remember_party(connection, event.type, str(party), entry.position)


def _add_to_total(connection: Connection, key: tuple[str, int, str], credits: int, quantity_e4: int) -> None:
    registry_key, vintage, status = key
    insert = _insert(connection, tables.totals).values(
        registry_key=registry_key,
        vintage=vintage,
        status=status,
        credits=credits,
        quantity_e4=quantity_e4,
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["registry_key", "vintage", "status"],
            set_={
                "credits": tables.totals.c.credits + insert.excluded.credits,
                "quantity_e4": tables.totals.c.quantity_e4 + insert.excluded.quantity_e4,
            },
        )
    )


def _remember_party(connection: Connection, role: str, name: str, position: int) -> None:
    insert = _insert(connection, tables.parties).values(
        role=role, name_key=canonical(name), name=name, last_position=position
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["role", "name_key"],
            set_={"last_position": insert.excluded.last_position},
        )
    )


def _index_for_search(connection: Connection, states: Sequence[Mapping[str, Any]]) -> None:
    """Fill SQLite's trigram table. PostgreSQL keeps its trigram index by itself."""
    if connection.dialect.name == "sqlite":
        connection.execute(
            text("INSERT INTO credit_search (rowid, search_key) VALUES (:position, :key)"),
            [{"position": s["created_position"], "key": s["search_key"]} for s in states],
        )


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that knows ON CONFLICT, which each dialect has as a class of its own."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
