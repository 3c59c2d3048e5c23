"""Check the history of each credit: its hash chain, and the rows derived from its events.

That is each event against its text, its hash and the previous event, then its positions, the row in
credits and the rows in the projections. A range of keys is checked independently, by a few statements,
so ranges can be checked in several processes and memory use does not grow with the ledger. Reads only.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.credit import Credit
from webapp.domain.errors import UnknownCredit
from webapp.domain.event import Event, EventHead, PositionedEvent, credit_from_event, text_hash
from webapp.domain.event_validation import InvalidEvent, chain_errors, read_event, stated_credit
from webapp.domain.lifecycle import FIRST, EventType
from webapp.ledger.audit.ancestors import Ancestors
from webapp.ledger.audit.check_workers import KeyRange
from webapp.ledger.audit.findings import Finding, differences
from webapp.ledger.audit.projection_check import Expected
from webapp.ledger.audit.serial_check import NamedSerials, SerialsOfCredit, add_serials, serials_of
from webapp.ledger.projections import standing_acts
from webapp.ledger.projections.apply import changes, first_state
from webapp.ledger.projections.serial_index import block_row
from webapp.ledger.storage import statements
from webapp.ledger.storage.statements import Row

_TYPES: Final = frozenset(EventType)
_EVENTS: Final = (
    "SELECT events.subject, events.seq, events.type, events.hash, events.body, feed.position, feed.type"
    " FROM events LEFT JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE events.subject BETWEEN ? AND ? ORDER BY events.subject, events.seq"
)
_CREDITS: Final = (
    "SELECT credits.key, credits.id, credits.project_name, credits.registry, credits.vintage,"
    " credits.quantity_e4, credits.serial_number, credits.offset_e4, credits.parent, whole.id,"
    " credits.replaces, replaced.id FROM credits"
    " LEFT JOIN credits AS whole ON whole.key = credits.parent"
    " LEFT JOIN credits AS replaced ON replaced.key = credits.replaces"
    " WHERE credits.key BETWEEN ? AND ?"
)
_CREDIT_COLUMNS: Final = (
    "id",
    "project_name",
    "registry",
    "vintage",
    "quantity_e4",
    "serial_number",
    "offset_e4",
    "parent",
    "replaces",
)
_STATE_COLUMNS: Final = (
    "created_position",
    "status",
    "vintage",
    "quantity_e4",
    "project_key",
    "registry_key",
    "serial_key",
    "search_text",
    "created_at",
    "changed_at",
    "buyer",
    "beneficiary",
    "party_key",
    "happened_on",
)
_BLOCK_COLUMNS: Final = ("credit", "series", "first", "last", "size_class")
# The tables with at most one row for each credit. The credit's key is the first column.
_BY_CREDIT: Final = {
    "credits": _CREDITS,
    "credit_states": "SELECT credit, created_position, status, vintage, quantity_e4, project_key,"
    " registry_key, serial_key, search_text, created_at, changed_at, buyer, beneficiary, party_key,"
    " happened_on FROM credit_states WHERE credit BETWEEN ? AND ?",
    "serial_claims": "SELECT credit, registry_key, serial_key FROM serial_claims"
    " WHERE credit BETWEEN ? AND ?",
    "contested_claims": "SELECT credit, registry_key, serial_key FROM contested_claims"
    " WHERE credit BETWEEN ? AND ?",
    "serial_blocks": "SELECT credit, series, first, last, size_class, is_held FROM serial_blocks"
    " WHERE credit BETWEEN ? AND ?",
}


class RangeEvents(NamedTuple):
    """The events of a range, for other checks of it.

    `roots` has those of each credit that is no lot and whose history is whole, by its key. `others` are the
    keys of the other credits, of which a check reads the events itself, with those of the credits above.
    """

    roots: Mapping[int, Sequence[PositionedEvent]]
    others: Sequence[int]


@dataclass
class Histories:
    """The result for a range: findings, number of events, and the contents expected in other tables."""

    findings: list[Finding] = field(default_factory=list)
    events: int = 0
    expected: Expected = field(default_factory=Expected)
    named: NamedSerials = field(default_factory=NamedSerials)


def check_histories(connection: Connection, keys: KeyRange) -> tuple[Histories, RangeEvents]:
    """Check the histories of a range of keys, and the rows of these credits. Also return their events."""
    check = _RangeCheck(connection, keys)
    return check.run(), check.events_read


class _RangeCheck:
    """The check of one range. A row is removed when its credit is checked; what remains is an error."""

    def __init__(self, connection: Connection, keys: KeyRange) -> None:
        self._result = Histories()
        self._ancestors = Ancestors(connection)
        self._events = statements.fetch(connection, _EVENTS, *keys)
        self._credits, self._states, self._claims, self._contested, self._blocks = (
            self._by_key(table, statements.fetch(connection, query, *keys))
            for table, query in _BY_CREDIT.items()
        )
        self._ids = {key: row[1] for key, row in self._credits.items()}
        self._roots: dict[int, Sequence[PositionedEvent]] = {}

    def run(self) -> Histories:
        for key, rows in groupby(self._events, key=itemgetter(0)):
            if key >= 0:  # entries about other subjects are checked in ``entry_check``
                self._check_credit(key, list(rows))
        self._report_strays()
        self._result.events = len(self._events)
        return self._result

    @property
    def events_read(self) -> RangeEvents:
        """The events of the range, after `run`."""
        return RangeEvents(self._roots, [key for key in self._ids if key not in self._roots])

    def _by_key(self, table: str, rows: Sequence[Row]) -> dict[int, Row]:
        """Return the rows by the key of their credit. Reports duplicate keys."""
        found = {row[0]: row for row in rows}
        if len(found) < len(rows):  # possible only if a unique index is missing
            for key, count in Counter(row[0] for row in rows).items():
                if count > 1:
                    self._report(f"credit of key {key}", f"table {table}: there are {count} rows for it")
        return found

    def _report(self, place: str, wrong: str) -> None:
        self._result.findings.append(Finding(place, wrong))

    def _id(self, key: int) -> str:
        """Return the id of a credit for a finding, or its key if there is no id."""
        return str(_hex(self._ids[key])) if key in self._ids else f"of key {key}"

    def _check_credit(self, key: int, rows: Sequence[Row]) -> None:
        """Check all events of one credit, then its rows."""
        history = _History(key)
        for row in rows:
            for wrong in history.add(row):
                self._report(f"credit {history.credit_id or self._id(key)}, event {row[1]}", wrong)
            if row[5] is not None and row[6] != row[2]:
                self._report(f"position {row[5]}", f"it says {row[6]}, but its event is {row[2]}")
        if history.credit is not None and history.is_whole:
            self._result.expected.add(history.credit, history.placed)
            if history.credit.parent is None:
                self._roots[key] = history.placed
            self._check_rows(history.credit_id, history.credit, history.placed)
        else:
            self._result.expected.is_whole = False
            for rows_by_key in (self._credits, self._states, self._claims, self._contested, self._blocks):
                rows_by_key.pop(key, None)

    def _check_rows(self, credit_id: str, credit: Credit, placed: Sequence[PositionedEvent]) -> None:
        key, state = placed[0].key, first_state(placed[0], credit)
        reversals = [e.event.seq for e in placed if e.event.type is EventType.SALE_REVERSED]
        for each in placed[1:]:
            if each.event.type is not FIRST:
                state |= changes(each.event, reversals)
        history = [(e.event.seq, e.event.type, e.event.data, e.event.recorded_at) for e in placed]
        state |= standing_acts.columns_after(history)
        row = self._credits.pop(key, None)
        expected = _credit_row(credit_id, credit)
        self._compare(credit_id, "credits", row and _as_stated(row), expected, _CREDIT_COLUMNS)
        row = self._states.pop(key, None)
        expected = tuple(map(state.get, _STATE_COLUMNS))
        self._compare(credit_id, "credit_states", row and row[1:], expected, _STATE_COLUMNS)
        try:
            naming = serials_of(credit, placed, self._ancestors)
        except UnknownCredit as missing:
            self._report(f"credit {credit_id}", f"it is a lot of {missing.credit_id}, which is not recorded")
            return
        found = self._find_claim(key, credit, naming), self._find_block(key, credit_id, naming)
        add_serials(self._result.named, credit, placed, naming, found)

    def _compare(
        self, credit_id: str, table: str, found: Row | None, expected: Row, columns: Sequence[str]
    ) -> None:
        if found is None:
            self._report(f"credit {credit_id}", f"table {table}: its row is missing")
        elif found != expected:
            one, other = (dict(zip(columns, row, strict=True)) for row in (found, expected))
            for wrong in differences(one, other, "its events give"):
                self._report(f"credit {credit_id}", f"table {table}: {wrong}")

    def _find_claim(self, key: int, credit: Credit, naming: SerialsOfCredit) -> str | None:
        """Return the registry of the credit's claim (see ``serial_check.ClaimRow``), None without one.

        A claim on another serial number is reported later.
        """
        for mark, rows in (("", self._claims), ("contested ", self._contested)):
            row = rows.get(key)
            if row is not None and naming.claims_serial and row[2] == credit.serial_claim[1]:
                del rows[key]
                return f"{mark}{row[1]}"
        return None

    def _find_block(self, key: int, credit_id: str, naming: SerialsOfCredit) -> int | None:
        """Compare the credit's row of serial_blocks; return its `is_held`, None if there is no row."""
        if naming.numbers is None:
            return None
        place = f"table serial_blocks, {credit_id}"
        row = self._blocks.pop(key, None)
        if row is None:
            self._report(place, "this row is missing")
            return None
        expected = block_row(key, naming.numbers)
        if row[:-1] != expected:
            one, other = (dict(zip(_BLOCK_COLUMNS, values, strict=True)) for values in (row[:-1], expected))
            for wrong in differences(one, other, "the log gives"):
                self._report(place, wrong)
        return int(row[-1])

    def _report_strays(self) -> None:
        """Report the rows that no history accounts for."""
        for key in sorted(self._credits.keys() | self._states.keys()):
            for table, rows in (("credits", self._credits), ("credit_states", self._states)):
                if key in rows:
                    wrong = f"table {table} has a row, but this credit has no events"
                    self._report(f"credit {self._id(key)}", wrong)
        for table, claims in (("serial_claims", self._claims), ("contested_claims", self._contested)):
            for _, registry_key, serial_key in claims.values():
                self._report(
                    f"table {table}, {registry_key} / {serial_key}", "the log does not give this row"
                )
        for key in self._blocks:
            self._report(f"table serial_blocks, {self._id(key)}", "the log does not give this row")


class _History:
    """The events of one credit so far. `is_whole` is false if one is unreadable or has no position."""

    def __init__(self, key: int) -> None:
        self.placed: list[PositionedEvent] = []
        self.credit: Credit | None = None
        self.credit_id = ""
        self.is_whole = True
        self._key = key
        self._last: EventHead | None = None
        self._position = 0

    def add(self, row: Row) -> list[str]:
        """Add the next event; return the errors found in it."""
        _, seq, event_type, event_hash, body, position, _ = row
        wrongs = [] if text_hash(body) == event_hash.hex() else ["its hash is not the hash of its text"]
        recorded_at = self._last.recorded_at if self._last else ""
        try:
            event = read_event(body)
        except InvalidEvent as error:
            self.is_whole = False
            wrongs.append(str(error))
        else:
            recorded_at = event.recorded_at
            wrongs += self._follow(row, event)
        if position is None:
            self.is_whole = False
            wrongs.append("it has no position in the feed")
        elif position <= self._position:
            before = self._position
            wrongs.append(f"its position {position} is not after that of the event before it, {before}")
        self._position = position or self._position
        if event_type in _TYPES:
            types = (*(self._last.types if self._last else ()), EventType(event_type))
            self._last = EventHead(seq, event_hash.hex(), recorded_at, types)
        return wrongs

    def _follow(self, row: Row, event: Event) -> Iterator[str]:
        """Add a readable event; yield its differences from its row, and its chain errors."""
        _, seq, event_type, _, _, position, _ = row
        self.credit_id = self.credit_id or event.credit_id
        if event.credit_id != self.credit_id:
            yield f"its text is about another credit, {event.credit_id}"
        if event.seq != seq:
            yield "column seq does not match its text"
        if event.type != event_type:
            yield "column type does not match its text"
        yield from chain_errors(self._last, event)
        stated = None
        try:
            stated = stated_credit(event)
        except InvalidEvent as error:
            yield str(error)
            with suppress(KeyError, ValueError):
                stated = credit_from_event(event) if event.type is FIRST else None
        if event.type is FIRST:
            self.credit = stated
        elif not self.placed:
            self.is_whole = False
        self.placed.append(PositionedEvent(position or 0, self._key, event, stated))


def _credit_row(credit_id: str, credit: Credit) -> Row:
    return (
        credit_id,
        credit.project_name,
        credit.registry,
        credit.vintage,
        credit.quantity_e4,
        credit.serial_number,
        credit.offset_e4,
        credit.parent,
        credit.replaces,
    )


def _as_stated(row: Row) -> Row:
    """Return a row of credits with ids in place of keys. The key of an unknown credit stays a key."""
    _, credit_id, *own, parent, parent_id, replaces, replaced_id = row
    return (_hex(credit_id), *own, _hex(parent_id or parent), _hex(replaced_id or replaces))


def _hex(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
