"""Apply events to the projections, and rebuild the projections from the log.

Only ``webapp.ledger.event_log`` calls `apply_events`, in feed order and under the write lock, so this
module takes no locks. A test checks that rebuilt projections equal the live ones.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby, islice, pairwise
from typing import Final

from sqlalchemy import Connection, delete, text

from webapp.domain.amendment import AMENDS
from webapp.domain.credit import Credit
from webapp.domain.entry import Entry
from webapp.domain.event import Event, PositionedEvent
from webapp.domain.lifecycle import STATUS_AFTER, EventType
from webapp.domain.text import canonical
from webapp.ledger.projections import credit_facts, evidence_files, feed_runs, serial_index, standing_acts
from webapp.ledger.projections.entries import apply_entry
from webapp.ledger.projections.log_nodes import add_nodes
from webapp.ledger.projections.standing_acts import PARTY_FIELD
from webapp.ledger.projections.totals import Sums, add_to_totals
from webapp.ledger.storage import log_sql, statements
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.projection_tables import DERIVED, credit_states
from webapp.ledger.storage.search_text import search_text_of
from webapp.ledger.storage.standing_tables import FOLLOWING
from webapp.ledger.storage.transparency_tables import log_nodes

BATCH: Final = 1000


def apply_events(
    connection: Connection, placed: Sequence[PositionedEvent], *, is_replay: bool = False
) -> None:
    """Update the projections with these events, which are in feed order.

    Raises sqlalchemy.exc.IntegrityError if a new credit has serial numbers that another one holds. In
    a replay it does not: the log may be older than the rule, and the first credit keeps the numbers.
    """
    imported = credit_facts.imports_of(each for each in placed if each.credit)
    for run in _runs(placed):
        serial_index.release(connection, run[0])
        created = [each for each in run if each.credit]
        if created:
            _apply_created(connection, created, is_replay=is_replay)
        actions = [each for each in run if not each.credit]
        for start in range(0, len(actions), BATCH):
            _apply_actions(connection, actions[start : start + BATCH], imported)
    feed_runs.add_runs(connection, placed)
    evidence_files.add_files(connection, placed)


def _runs(placed: Sequence[PositionedEvent]) -> Iterator[Sequence[PositionedEvent]]:
    """Cut the events before each one that releases serial numbers.

    Within a run, all new credits can be applied first and all other events after them, in bulk.
    """
    starts = [place for place, each in enumerate(placed) if each.event.type in serial_index.RELEASING]
    for start, end in pairwise(sorted({0, *starts, len(placed)})):
        yield placed[start:end]


def rebuild_projections(
    connection: Connection,
    feed: Iterable[PositionedEvent | Entry],
    progress: Callable[[int], None] = lambda _done: None,
) -> int:
    """Empty the projections and fill them from the feed. Returns the number of events.

    Those that follow the log (``standings``) stay empty until they are needed.
    `progress` is called with the number of events applied so far, after each batch.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO credit_search (credit_search) VALUES ('delete-all')"))
    for table in (*DERIVED, log_nodes, *FOLLOWING):
        connection.execute(delete(table))
    done = 0
    for is_entry, run in groupby(feed, key=lambda logged: isinstance(logged, Entry)):
        while batch := list(islice(run, 1 if is_entry else BATCH)):
            if isinstance(batch[0], Entry):
                apply_entry(connection, batch[0])
            else:
                placed = [logged for logged in batch if isinstance(logged, PositionedEvent)]
                apply_events(connection, placed, is_replay=True)
            done += len(batch)
            progress(done)
    index_for_search(connection, 0)
    for tree in log_sql.SIZE:
        ((size,),) = statements.fetch(connection, log_sql.SIZE[tree])
        add_nodes(connection, tree, size)
    return done


def index_for_search(connection: Connection, first: int) -> None:
    """Add the credits recorded from position `first` on to SQLite's search index.

    Called once for a group of actions, before its commit, because FTS5 writes a new segment at each
    savepoint. PostgreSQL maintains its own index.
    """
    if connection.dialect.name == "sqlite":
        statements.send(connection, statements.INDEX_FOR_SEARCH, [(first,)])


def first_state(placed: PositionedEvent, credit: Credit) -> dict[str, object]:
    """Return the row of credit_states for a CREATED event."""
    keys = credit.canonical
    return {
        "created_position": placed.position,
        "credit": placed.key,
        "status": STATUS_AFTER[EventType.CREATED],
        "vintage": credit.vintage,
        "quantity_e4": credit.quantity_e4,
        "project_key": keys.project_name,
        "registry_key": keys.registry,
        "serial_key": keys.serial_number or None,
        "search_text": search_text_of(keys.project_name, keys.registry, keys.serial_number),
        "created_at": placed.event.recorded_at,
        "changed_at": placed.event.recorded_at,
    }


def changes(event: Event, reversals: Collection[int] = ()) -> dict[str, object]:
    """Return the columns of credit_states that an event other than CREATED changes.

    `reversals` has the `seq` of each SALE_REVERSED event of the credit: an amendment of a sale that was
    reversed before changes nothing. What one restates of the standing act is in ``standing_acts``.
    """
    if event.type is EventType.AMENDED:
        amended = event.data.get(AMENDS)
        if isinstance(amended, int) and any(amended < reversal < event.seq for reversal in reversals):
            return {}
        return {name: event.data[name] or None for name in PARTY_FIELD.values() if name in event.data}
    changed: dict[str, object] = {
        "status": STATUS_AFTER[event.type],
        "changed_at": event.recorded_at,
    }
    if event.type in PARTY_FIELD:
        changed[PARTY_FIELD[event.type]] = event.data.get(PARTY_FIELD[event.type])
    if event.type is EventType.SALE_REVERSED:
        changed[PARTY_FIELD[EventType.SOLD]] = None
    return changed | standing_acts.columns_of(event.type, event.data, event.recorded_at)


def parties_of(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the parties that the event names: their role, which is an event type, and their name."""
    for role, field in PARTY_FIELD.items():
        if event.type in {role, EventType.AMENDED} and event.data.get(field):
            yield str(role), str(event.data[field])


def _apply_created(connection: Connection, placed: Sequence[PositionedEvent], *, is_replay: bool) -> None:
    names: dict[str, str] = {}
    states: list[statements.Parameters] = []
    sums = Sums()
    for each in placed:
        credit = each.credit
        if credit is None:
            continue
        key = credit.canonical.registry
        names.setdefault(key, credit.registry)
        states.append(tuple(first_state(each, credit).values()))
        sums.add((key, credit.vintage, str(STATUS_AFTER[EventType.CREATED])), 1, credit.quantity_e4)
    serial_index.hold(connection, placed, is_replay=is_replay)
    statements.send(connection, statements.INSERT_REGISTRY, sorted(names.items()))
    insert_rows(connection, credit_states, statements.INSERT_STATE, states)
    credit_facts.add_created(connection, placed)
    add_to_totals(connection, sums)


def _apply_actions(
    connection: Connection, placed: Sequence[PositionedEvent], imported: AbstractSet[tuple[int, int]]
) -> None:
    keys = statements.as_json(sorted({each.key for each in placed}))
    found = {key: state for key, *state in statements.fetch(connection, statements.STATES_OF, keys)}
    sums = Sums()
    for each in placed:
        if each.event.type not in STATUS_AFTER:
            continue
        state = found[each.key]
        registry_key, vintage, status, quantity_e4 = state
        sums.add((registry_key, vintage, status), -1, -quantity_e4)
        state[2] = STATUS_AFTER[each.event.type]
        sums.add((registry_key, vintage, state[2]), 1, quantity_e4)
    _change_states(connection, placed)
    add_to_totals(connection, sums)
    _remember_parties(connection, placed)
    credit_facts.add_actions(connection, placed, imported)


def _change_states(connection: Connection, placed: Sequence[PositionedEvent]) -> None:
    """Update the state of each credit once, with what its events change together."""
    reversals = _reversals_of(connection, placed)
    changed: dict[int, dict[str, object]] = {}
    for each in placed:
        own = changes(each.event, reversals.get(each.key, ()))
        changed[each.key] = changed.get(each.key, {}) | own
    for key, columns in standing_acts.restated(connection, placed).items():
        changed[key] |= columns
    rows: dict[tuple[str, ...], list[statements.Parameters]] = {}
    for key, columns in changed.items():
        if columns:
            rows.setdefault(tuple(columns), []).append((*columns.values(), key))
    for names, values in rows.items():
        assignments = ", ".join(f"{name} = ?" for name in names)
        statements.send(connection, statements.CHANGE_STATE.format(assignments), values)


def _reversals_of(connection: Connection, placed: Sequence[PositionedEvent]) -> dict[int, list[int]]:
    """Return the `seq` of each reversal by the key of its credit, of those whose buyer is amended."""
    buyer = PARTY_FIELD[EventType.SOLD]
    amended = {e.key for e in placed if e.event.type is EventType.AMENDED and buyer in e.event.data}
    found: dict[int, list[int]] = {}
    if amended:
        keys = statements.as_json(sorted(amended))
        for key, seq in statements.fetch(connection, statements.REVERSALS_OF, keys):
            found.setdefault(key, []).append(seq)
    return found


def _remember_parties(connection: Connection, placed: Sequence[PositionedEvent]) -> None:
    named: dict[tuple[str, str], tuple[str, int]] = {}
    for each in placed:
        for role, name in parties_of(each.event):
            first, _ = named.get((role, canonical(name)), (name, 0))
            named[role, canonical(name)] = (first, each.position)
    rows = [(*key, name, position) for key, (name, position) in sorted(named.items())]
    statements.send(connection, statements.REMEMBER_PARTY, rows)
