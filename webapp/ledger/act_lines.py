"""The acts that moved certain tonnes, such as those of a party or of a project, newest first.

They are found by the cells of the tonnes and the days on which something entered them, so by index, and
never by reading all credits. A page of them ends with a day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.event import ACT_KEY, IMPORT_KEY, Event
from webapp.domain.lifecycle import EventType
from webapp.domain.standing import History, zone_named
from webapp.ledger.as_of import Cut, Where
from webapp.ledger.event_log import parse_stored
from webapp.ledger.parties import spellings
from webapp.ledger.project_keys import ProjectKey, ProjectNames, project_names
from webapp.ledger.projections.joined_names import registry_names_at
from webapp.ledger.queries import CARRIED_SEQ
from webapp.ledger.standings import histories_of
from webapp.ledger.storage import project_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import Row, as_json, fetch

# The key of a credit and the seq of an event of it.
Origin = tuple[int, int]
# About how many credits one page of acts reads. One day can have more; then this many of it are shown.
ROWS: Final = 50
# The events that move tonnes which are recorded.
MOVING: Final = (EventType.RETIRED, EventType.SOLD, EventType.SALE_REVERSED, EventType.WITHDRAWN)
_NO_DAY: Final = date.max.toordinal()


@dataclass(frozen=True)
class ActLine:
    """What one act, or one import in a day, did to the tonnes in question.

    `position` is the feed position of one of its events, which finds the act. `import_number` is set where an
    import recorded it. `party` is empty if no party is named. Without `is_dated`, `day` is that of the
    recording.
    """

    position: int
    event_type: EventType
    day: str
    is_dated: bool
    party: str
    import_number: str | None
    actor: str
    recorded_at: str
    projects: Sequence[ProjectNames]
    credits: int
    quantity_e4: int


class ActLines(NamedTuple):
    """A page of acts. `older` is the day before which the next page is, None if there is none.

    `left_out` is the number of credits of the last day that are not in its lines.
    """

    lines: Sequence[ActLine]
    older: str | None
    left_out: int


def act_lines(cut: Cut, where: Where, before: str | None = None) -> ActLines:
    """Return the acts that moved these tonnes, before a day if one is given. `where` must limit something."""
    condition, parameters = where.condition(cut)
    end = min(date.fromisoformat(before).toordinal() if before else _NO_DAY, cut.day + 1)
    with reading() as connection:
        days = fetch(connection, project_sql.DAYS.format(condition), *parameters, end, ROWS + 1)
        if not days:
            return ActLines([], None, 0)
        first, is_last = _first_day(days)
        rows = fetch(
            connection,
            project_sql.ENTERED.format(condition),
            *(*parameters, first, days[0][0], cut.position, cut.position, ROWS + 1),
        )
        shown, left_out = rows[:ROWS], 0
        if len(rows) > ROWS:
            left_out = int(days[0][1]) - ROWS
        lines = _lines(connection, shown, cut)
    return ActLines(lines, None if is_last else _day_text(first), max(left_out, 0))


def _first_day(days: Sequence[Row]) -> tuple[int, bool]:
    """Return the first day of a page, and whether there is none before it."""
    count = 0
    for place, (_, entered) in enumerate(days):
        count += int(entered)
        if count > ROWS and place:
            return days[place - 1][0], False
        if place == ROWS:
            return days[place - 1][0], False
    return days[-1][0], True


def _lines(connection: Connection, rows: Sequence[Row], cut: Cut) -> list[ActLine]:
    """Return the rows by act."""
    registries = registry_names_at(connection, cut.position)
    keys = sorted({row[0] for row in rows})
    histories = {
        history.key: history
        for history in histories_of(connection, keys, cut.position, zone_named(cut.time_zone))
    }
    origins = _origins(connection, histories, rows)
    found: dict[Origin, tuple[int, Event]] = {
        (key, seq): (position, parse_stored(body))
        for key, seq, position, body in fetch(connection, project_sql.EVENTS, as_json(sorted(set(origins))))
    }
    groups: dict[tuple[object, ...], list[tuple[int, Event, Row]]] = {}
    for origin, row in zip(origins, rows, strict=True):
        position, event = found[origin]
        groups.setdefault(_act_of(position, event, row), []).append((position, event, row))
    parties = spellings(connection, {row[8] for row in rows})
    keys_of = {
        act: dict.fromkeys(ProjectKey.of(registries, *row[4:7]) for _, _, row in group)
        for act, group in groups.items()
    }
    projects = project_names(registries, {key for own in keys_of.values() for key in own})
    lines = [
        _line(group, [projects[key] for key in keys_of[act]], parties.get(str(group[0][2][8]), ""))
        for act, group in groups.items()
    ]
    return sorted(lines, key=lambda line: (line.day, line.position), reverse=True)


def _origins(connection: Connection, histories: Mapping[int, History], rows: Sequence[Row]) -> list[Origin]:
    """Return the (credit key, seq) of each row's event; for one that a split carried over, the sale's."""
    steps = [histories[key].steps[step] for key, step, *_ in rows]
    carried = {step.origin for step in steps if step.type is EventType.SOLD and step.origin[1] == CARRIED_SEQ}
    sales: dict[Origin, Origin] = {}
    if carried:
        lots = as_json(sorted(key for key, _ in carried))
        for lot, key, seq in fetch(connection, project_sql.CARRIED, lots):
            sales[lot, CARRIED_SEQ] = (key, seq)
    return [sales.get(step.origin, step.origin) for step in steps]


def _act_of(position: int, event: Event, row: Row) -> tuple[object, ...]:
    """Return what the rows of one line have in common."""
    _, _, day, _, _, _, _, event_type, party, is_dated = row
    of = (day, event_type, party, is_dated)
    if IMPORT_KEY in event.data:
        return "import", event.data[IMPORT_KEY], *of
    return "act", event.data.get(ACT_KEY, str(position)), *of


def _line(group: Sequence[tuple[int, Event, Row]], projects: Sequence[ProjectNames], party: str) -> ActLine:
    position, event, row = min(group, key=lambda each: each[0])
    _, _, day, _, _, _, _, event_type, _, is_dated = row
    return ActLine(
        position=position,
        event_type=EventType(event_type),
        day=_day_text(day),
        is_dated=bool(is_dated),
        party=party,
        import_number=str(event.data[IMPORT_KEY]) if IMPORT_KEY in event.data else None,
        actor=event.actor,
        recorded_at=event.recorded_at,
        projects=projects,
        credits=len(group),
        quantity_e4=sum(each[3] for _, _, each in group),
    )


def _day_text(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
