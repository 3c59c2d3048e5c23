"""What is derived from events: written only by applying events that have their feed position.

`apply` is called by ``webapp.ledger.log`` alone, in feed order and by one writer at a time, so
nothing here needs a lock or can meet another writer. `rebuild` makes all of it again from the
log; a test proves that rebuilt equals live.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.domain.credits import Credit
from webapp.domain.events import Event
from webapp.domain.fields import quantity_from_text
from webapp.domain.lifecycle import STATUS_AFTER, EventType
from webapp.domain.text import canonical
from webapp.ledger import holdings, tables
from webapp.ledger.bulk import insert_rows

BATCH: Final = 1000

# In the order of a life: a sale cannot follow any other act.
ACTS: Final = (EventType.SOLD, EventType.RETIRED, EventType.SPLIT, EventType.CANCELLED)

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

    def text(name: str) -> str | None:
        return None if name not in data else str(data[name])

    return Credit(
        project_name=str(data["project_name"]),
        registry=str(data["registry"]),
        vintage=int(str(data["vintage"])),
        quantity_e4=quantity_from_text(str(data["quantity"])),
        serial_number=text("serial_number"),
        replaces=text("replaces"),
        parent=text("parent"),
        offset_e4=None if "offset" not in data else quantity_from_text(str(data["offset"])),
    )


def apply(connection: Connection, entries: Sequence[Positioned], *, is_replay: bool = False) -> None:
    """Bring everything derived up to these events, which are in feed order.

    A new credit that names what another holds gets sqlalchemy.exc.IntegrityError; in a replay of
    what was recorded before there was a rule, the one that came first holds it.
    """
    for run in _runs(entries):
        holdings.release(connection, run[0].event)
        created = [entry for entry in run if entry.event.type is EventType.CREATED]
        if created:
            _apply_created(connection, created, is_replay=is_replay)
        acts = [entry for entry in run if entry.event.type is not EventType.CREATED]
        for start in range(0, len(acts), BATCH):
            _apply_acts(connection, acts[start : start + BATCH])


def _runs(entries: Sequence[Positioned]) -> Iterator[Sequence[Positioned]]:
    """Cut the entries before every event that lets go of serial numbers others may then hold.

    Within a run the credits can be made first and the acts applied after them, many at once.
    """
    starts = [place for place, entry in enumerate(entries) if entry.event.type in holdings.RELEASING]
    for start, end in pairwise(sorted({0, *starts, len(entries)})):
        yield entries[start:end]


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
        apply(connection, batch, is_replay=True)
        done += len(batch)
        progress(done)
    return done


class Sums(dict[tuple[str, int, str], tuple[int, int]]):
    """By registry, vintage and status: a number of credits and ten-thousandths of tonnes."""

    def add(self, key: tuple[str, int, str], credits: int, quantity_e4: int) -> None:
        """Add to one of the sums; what a credit leaves is added as a negative."""
        before = self.get(key, (0, 0))
        self[key] = (before[0] + credits, before[1] + quantity_e4)


def first_state(entry: Positioned, credit: Credit) -> dict[str, object]:
    """Return the row of credit_states that a CREATED event makes."""
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


def changes(event: Event) -> dict[str, object]:
    """Return what an act changes in its credit's row of credit_states."""
    changed: dict[str, object] = {
        "status": STATUS_AFTER[event.type],
        "changed_at": event.recorded_at,
    }
    if event.type in PARTY_FIELD:
        changed[PARTY_FIELD[event.type]] = event.data.get(PARTY_FIELD[event.type])
    return changed


def _apply_created(connection: Connection, entries: Sequence[Positioned], *, is_replay: bool) -> None:
    created: list[Credit] = []
    names: dict[str, str] = {}
    states: list[dict[str, object]] = []
    sums = Sums()
    for entry in entries:
        credit = credit_of(entry.event)
        keys = credit.canonical
        created.append(credit)
        names.setdefault(keys.registry, credit.registry)
        states.append(first_state(entry, credit))
        sums.add((keys.registry, credit.vintage, STATUS_AFTER[EventType.CREATED]), 1, credit.quantity_e4)
    holdings.hold(connection, created, is_replay=is_replay)
    connection.execute(
        _insert(connection, tables.registries).on_conflict_do_nothing(index_elements=["registry_key"]),
        [{"registry_key": key, "name": name} for key, name in sorted(names.items())],
    )
    insert_rows(connection, tables.credit_states, states)
    _index_for_search(connection, states)
    _add_to_totals(connection, sums)


def _apply_acts(connection: Connection, entries: Sequence[Positioned]) -> None:
    states = tables.credit_states
    credit_ids = {entry.event.credit_id for entry in entries}
    rows = connection.execute(
        select(
            states.c.credit_id, states.c.registry_key, states.c.vintage, states.c.status, states.c.quantity_e4
        ).where(states.c.credit_id.in_(credit_ids))
    )
    found = {row.credit_id: row for row in rows}
    status: dict[str, str] = {credit_id: row.status for credit_id, row in found.items()}
    sums = Sums()
    for entry in entries:
        row, event = found[entry.event.credit_id], entry.event
        sums.add((row.registry_key, row.vintage, status[event.credit_id]), -1, -row.quantity_e4)
        status[event.credit_id] = STATUS_AFTER[event.type]
        sums.add((row.registry_key, row.vintage, status[event.credit_id]), 1, row.quantity_e4)
    for act in ACTS:
        _change_states(connection, [entry.event for entry in entries if entry.event.type is act])
    _add_to_totals(connection, sums)
    _remember_parties(connection, entries)


def _change_states(connection: Connection, acts: Sequence[Event]) -> None:
    """Apply acts that are all of one type."""
    if acts:
        states = tables.credit_states
        connection.execute(
            update(states).where(states.c.credit_id == bindparam("of_credit")),
            [{"of_credit": event.credit_id, **changes(event)} for event in acts],
        )


def _add_to_totals(connection: Connection, sums: Sums) -> None:
    insert = _insert(connection, tables.totals)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["registry_key", "vintage", "status"],
            set_={
                "credits": tables.totals.c.credits + insert.excluded.credits,
                "quantity_e4": tables.totals.c.quantity_e4 + insert.excluded.quantity_e4,
            },
        ),
        [
            {
                "registry_key": registry_key,
                "vintage": vintage,
                "status": status,
                "credits": credits,
                "quantity_e4": quantity_e4,
            }
            for (registry_key, vintage, status), (credits, quantity_e4) in sorted(sums.items())
        ],
    )


def _remember_parties(connection: Connection, entries: Sequence[Positioned]) -> None:
    named: dict[tuple[str, str], dict[str, object]] = {}
    for entry in entries:
        name = entry.event.data.get(PARTY_FIELD.get(entry.event.type, ""))
        if name is not None:
            role, key = entry.event.type, canonical(str(name))
            row = named.setdefault((role, key), {"role": role, "name_key": key, "name": name})
            row["last_position"] = entry.position
    if named:
        insert = _insert(connection, tables.parties)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["role", "name_key"],
                set_={"last_position": insert.excluded.last_position},
            ),
            [row for _, row in sorted(named.items())],
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
