"""Lists to be downloaded: all credits or events of a list, each with everything that it means.

A row stands alone: a credit has its facts and the present words of the event that gave it its status; an
event has the credit that it is about. Memory stays constant: rows are read some hundred at a time, from one
snapshot. Read an iterator to its end without delay, because the read transaction stays open until then.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final, TypeVar

from sqlalchemy import Connection

from webapp.domain.amendment import amendments_of, present_data, present_facts
from webapp.domain.event import Data
from webapp.domain.lifecycle import STATUS_AFTER, EventType
from webapp.ledger import listing
from webapp.ledger.listing import FeedItem, LoggedType
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import fetch
from webapp.ledger.views import CreditView, EntryView, Origin, credit_of_row

T = TypeVar("T")

# How many ids one statement has; older versions of SQLite take at most 999.
_READ: Final = 500


@dataclass(frozen=True)
class ExportedCredit:
    """A credit with its origin, its facts, and the data of the event that gave it its status, as amended."""

    credit: CreditView
    origin: Origin
    facts: Mapping[str, str]
    data: Data


@dataclass(frozen=True)
class ExportedEvent:
    """An event, and of an event of a credit the credit as it is now, with its facts."""

    event: FeedItem
    credit: CreditView | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _History:
    """The events of a credit that say what it is: its own, and facts of those that it was split from."""

    own: list[tuple[int, EventType, Data]] = field(default_factory=list)
    above: list[tuple[EventType, Data]] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, str]:
        return present_facts(chain(self.above, ((kind, data) for _, kind, data in self.own)))

    @property
    def data(self) -> Data:
        """The data of the last event that gave the credit its status, overlaid by amendments."""
        seq, _, data = next(event for event in reversed(self.own) if event[1] in STATUS_AFTER)
        return present_data(data, amendments_of(seq, ((kind, own) for _, kind, own in self.own)))


def every_credit(wanted: CreditFilter) -> Iterator[ExportedCredit]:
    """Yield all credits of the list in order."""
    with reading() as connection:
        for some in _in_parts(listing.every_record(wanted)):
            histories = _histories(connection, [credit.id for credit, _ in some])
            for credit, origin in some:
                history = histories[credit.id]
                yield ExportedCredit(credit, origin, history.facts, history.data)


def every_event(
    event_type: LoggedType | None, is_wanted: Callable[[FeedItem], bool]
) -> Iterator[ExportedEvent]:
    """Yield all events of the feed of this type, None for any, that are wanted; the newest first."""
    with reading() as connection:
        for some in _in_parts(filter(is_wanted, listing.every_event(event_type))):
            ids = {event.credit_id for event in some if not isinstance(event, EntryView)}
            credits, histories = _credits(connection, ids), _histories(connection, ids)
            for event in some:
                if isinstance(event, EntryView):
                    yield ExportedEvent(event)
                else:
                    own = event.credit_id
                    yield ExportedEvent(event, credits[own], histories[own].facts)


def _credits(connection: Connection, credit_ids: Iterable[str]) -> dict[str, CreditView]:
    ids = [bytes.fromhex(credit_id) for credit_id in credit_ids]
    rows = fetch(connection, statements.CREDITS_OF.format(_marks(ids)), *ids) if ids else []
    return {credit.id: credit for credit, _ in map(credit_of_row, rows)}


def _histories(connection: Connection, credit_ids: Iterable[str]) -> dict[str, _History]:
    ids = [bytes.fromhex(credit_id) for credit_id in credit_ids]
    rows = fetch(connection, statements.PATHS_OF.format(_marks(ids)), *ids) if ids else []
    found: dict[str, _History] = {}
    for digest, depth, seq, body in rows:
        history = found.setdefault(bytes(digest).hex(), _History())
        event = json.loads(body)
        kind, data = EventType(event["type"]), event["data"]
        if depth:
            history.above.append((kind, data))
        else:
            history.own.append((seq, kind, data))
    return found


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _in_parts(items: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(items)
    while part := list(islice(remaining, _READ)):
        yield part
