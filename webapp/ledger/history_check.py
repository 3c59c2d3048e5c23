"""The histories, credit by credit: each event against its text, its hash and the one before it.

And with each history what hangs on it: its positions, the credit's row, and its rows in the tables
that are derived. All of them are read in the order of credit ids, side by side, so the memory
this takes does not grow with the number of credits. Nothing is written here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Table, select

from webapp.domain.credits import Credit
from webapp.domain.events import Event, text_hash
from webapp.domain.lifecycle import FIRST, STATUS_AFTER, EventType
from webapp.domain.soundness import Link, Unsound, breaks, read_event, stated_credit
from webapp.domain.text import canonical
from webapp.ledger import tables
from webapp.ledger.findings import Finding, Progress, Report, differences
from webapp.ledger.projections import PARTY_FIELD, Positioned, Sums, changes, credit_of, first_state

BATCH: Final = 1000

# Executes a statement and yields its rows without holding all of them in memory.
Stream = Callable[[Select[Any]], Iterator[Row[Any]]]

_TYPES: Final = frozenset(EventType)
_COLUMNS: Final = ("seq", "type", "actor", "recorded_at", "prev_hash")


@contextmanager
def streaming(connection: Connection) -> Iterator[Stream]:
    """Give a way to stream rows, and close every cursor at the end, also where it comes early."""
    with ExitStack() as results:

        def stream(statement: Select[Any]) -> Iterator[Row[Any]]:
            result = connection.execute(statement, execution_options={"yield_per": BATCH})
            return iter(results.enter_context(result))

        yield stream


class Expected:
    """What the histories give for the derived tables that are not by credit."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.sums = Sums()
        self.registries: dict[str, tuple[int, str]] = {}  # first position and spelling, by key
        self.parties: dict[tuple[str, str], tuple[int, str, int]] = {}  # first, spelling, last position
        # Ten-thousandths that were recorded, and that are in a leaf or in a cancelled credit.
        self.recorded_e4 = 0
        self.accounted_e4 = 0
        self.is_whole = True

    def add(self, credit: Credit, entries: Sequence[Positioned]) -> None:
        """Add the history of one credit."""
        key, place = credit.canonical.registry, (entries[0].position, credit.registry)
        self.registries[key] = min(place, self.registries.get(key, place))
        if credit.parent is None:
            self.recorded_e4 += credit.quantity_e4
        if entries[-1].event.type is not EventType.SPLIT:
            self.accounted_e4 += credit.quantity_e4
        before: str | None = None
        for entry in entries:
            status = STATUS_AFTER[entry.event.type]
            if before is not None:
                self.sums.add((key, credit.vintage, before), -1, -credit.quantity_e4)
            self.sums.add((key, credit.vintage, status), 1, credit.quantity_e4)
            before = status
            if entry.event.type is not FIRST:
                self._add_party(entry)

    def _add_party(self, entry: Positioned) -> None:
        name = entry.event.data.get(PARTY_FIELD.get(entry.event.type, ""))
        if name is None:
            return
        key, here = (str(entry.event.type), canonical(str(name))), (entry.position, str(name))
        first, spelling, last = self.parties.get(key, (*here, entry.position))
        self.parties[key] = (*min(here, (first, spelling)), max(last, entry.position))


class Beside:
    """The rows of another table, walked along in the order of credit ids."""

    def __init__(self, stream: Stream, table: Table, key: str, report: Report) -> None:
        """Take the table and the name of its column that holds the credit's id."""
        rows = stream(select(table).order_by(table.c[key]))
        self.table, self._report = table, report
        self.columns = table.columns.keys()
        self._key = self.columns.index(key)
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def take(self, credit_id: str) -> list[Row[Any]]:
        """Return the credit's rows; those of credits before it belong to none, and are reported."""
        found: list[Row[Any]] = []
        while self._next is not None and self._next[self._key] <= credit_id:
            if self._next[self._key] == credit_id:
                found.append(self._next)
            else:
                self._report_stray(self._next[self._key])
            self._next = next(self._rows, None)
        return found

    def finish(self) -> None:
        """Report the rows after the last credit."""
        while self._next is not None:
            self._report_stray(self._next[self._key])
            self._next = next(self._rows, None)

    def _report_stray(self, credit_id: str) -> None:
        wrong = f"table {self.table.name} has a row, and there is no event of this credit"
        self._report(Finding(f"credit {credit_id}", wrong))


class HistoryCheck:
    """One pass over all histories. `expected` holds what follows from them when it is over."""

    def __init__(self, stream: Stream, report: Report) -> None:
        """Read with `stream`, all of it on one snapshot."""
        self.expected = Expected()
        self._stream = stream
        self._report = report
        self._credits = Beside(stream, tables.credits, "id", report)
        self._states = Beside(stream, tables.credit_states, "credit_id", report)

    def run(self, progress: Progress) -> None:
        """Check every history."""
        events, feed = tables.events, tables.feed
        statement = (
            select(events, feed.c.position, feed.c.type.label("feed_type"))
            .join_from(
                events,
                feed,
                (feed.c.credit_id == events.c.credit_id) & (feed.c.seq == events.c.seq),
                isouter=True,
            )
            .order_by(events.c.credit_id, events.c.seq)
        )
        done = 0
        for credit_id, history in groupby(self._stream(statement), key=attrgetter("credit_id")):
            done += self._check_credit(credit_id, list(history))
            progress(done)
        for walk in (self._credits, self._states):
            walk.finish()

    def _check_credit(self, credit_id: str, rows: Sequence[Row[Any]]) -> int:
        entries: list[Positioned] = []
        credit: Credit | None = None
        last: Link | None = None
        position = 0
        for row in rows:
            place = f"credit {credit_id}, event {row.seq}"
            event = self._read(place, row)
            if event is not None:
                for wrong in breaks(last, event):
                    self._report(Finding(place, wrong))
                entries.append(Positioned(row.position or 0, event))
                if event.type is FIRST:
                    credit = self._stated(place, event)
                else:
                    self._stated(place, event)
            self._check_position(place, row, position)
            position = row.position or position
            if row.type in _TYPES:
                last = Link(row.seq, EventType(row.type), row.hash, row.recorded_at)
        beside = [walk.take(credit_id) for walk in (self._credits, self._states)]
        is_whole = len(entries) == len(rows) and all(row.position for row in rows)
        if credit is not None and is_whole and entries[0].event.type is FIRST:
            self.expected.add(credit, entries)
            self._check_rows(credit, entries, beside)
        else:
            self.expected.is_whole = False
        return len(rows)

    def _read(self, place: str, row: Row[Any]) -> Event | None:
        """Return the event of the text, having compared the text with its hash and its columns."""
        if text_hash(row.body) != row.hash:
            self._report(Finding(place, "its hash is not the hash of its text"))
        try:
            event = read_event(row.body)
        except Unsound as error:
            self._report(Finding(place, str(error)))
            return None
        if event.credit_id != row.credit_id:
            self._report(Finding(place, f"its text is about another credit, {event.credit_id}"))
        for column in _COLUMNS:
            if getattr(row, column) != getattr(event, column):
                self._report(Finding(place, f"column {column} does not agree with its text"))
        return event

    def _stated(self, place: str, event: Event) -> Credit | None:
        try:
            return stated_credit(event)
        except Unsound as error:
            self._report(Finding(place, str(error)))
        try:
            return credit_of(event) if event.type is FIRST else None
        except (KeyError, ValueError):
            return None

    def _check_position(self, place: str, row: Row[Any], before: int) -> None:
        if row.position is None:
            self._report(Finding(place, "it has no position in the feed"))
        elif row.position <= before:
            wrong = f"its position {row.position} is not after that of the event before it, {before}"
            self._report(Finding(place, wrong))
        if row.position is not None and row.feed_type != row.type:
            self._report(Finding(f"position {row.position}", f"says {row.feed_type}, its event {row.type}"))

    def _check_rows(
        self, credit: Credit, entries: Sequence[Positioned], beside: Sequence[list[Row[Any]]]
    ) -> None:
        credit_id = entries[0].event.credit_id
        state = first_state(entries[0], credit)
        for entry in entries[1:]:
            if entry.event.type is not FIRST:
                state |= changes(entry.event)
        row = {
            "id": credit_id,
            "project_name": credit.project_name,
            "registry": credit.registry,
            "vintage": credit.vintage,
            "quantity_e4": credit.quantity_e4,
            "serial_number": credit.serial_number,
            "parent": credit.parent,
            "offset_e4": credit.offset_e4,
            "replaces": credit.replaces,
        }
        for walk, rows, expected in zip((self._credits, self._states), beside, (row, state), strict=True):
            self._compare(f"credit {credit_id}", walk, rows, expected)

    def _compare(
        self, place: str, walk: Beside, rows: list[Row[Any]], expected: Mapping[str, object]
    ) -> None:
        table = walk.table.name
        if len(rows) != 1:
            wrong = "its row is missing" if not rows else f"there are {len(rows)} rows of it"
            self._report(Finding(place, f"table {table}: {wrong}"))
        elif rows[0] != tuple(expected[name] for name in walk.columns):
            found = dict(zip(walk.columns, rows[0], strict=True))
            for wrong in differences(found, expected, "its events give"):
                self._report(Finding(place, f"table {table}: {wrong}"))
