"""The present words of events of many credits: what they say, with their amendments."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from webapp.domain.amendment import AMENDS, WHY, present_data
from webapp.domain.event import ACT_KEY, IMPORT_KEY, Data, Event
from webapp.domain.facts import facts_in
from webapp.domain.lifecycle import EventType
from webapp.ledger.event_log import parse_stored
from webapp.ledger.storage import act_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import as_json, fetch

# Data of an event that are no words of a person.
_NOT_WORDS: Final = frozenset({AMENDS, WHY.name, ACT_KEY, IMPORT_KEY, "facts"})


def words_of(data: Data) -> dict[str, str]:
    """Return what the data of an event say: its words and its facts, by name."""
    words = {name: value for name, value in data.items() if isinstance(value, str)}
    return {name: value for name, value in (words | facts_in(data)).items() if name not in _NOT_WORDS}


def words_of_last(keys: Sequence[int], event_type: EventType) -> list[Mapping[str, str]]:
    """Return the present words of the last event of a type of each credit, by name; the facts of CREATED.

    `keys` are those of the credits.
    """
    with reading() as connection:
        present = PresentWords(connection, as_json(list(keys)))
        if event_type is EventType.CREATED:
            return [present.facts_of(key) for key in keys]
        rows = fetch(connection, act_sql.EVENTS_OF_TYPE, as_json(list(keys)), event_type)
        bodies: dict[int, str] = {row[0]: row[1] for row in rows}
    return [present.words_of_event(key, parse_stored(bodies[key])) if key in bodies else {} for key in keys]


class PresentWords:
    """The facts of credits and the amendments of their events as they are now, read at once."""

    def __init__(self, connection: Connection, keys: str) -> None:
        """Read it for the credits with the keys in a JSON array, and for what they were split from."""
        self._parents: dict[int, int | None] = {}
        self._events: dict[int, list[tuple[int, Event]]] = {}
        self._facts: dict[int, dict[str, str]] = {}
        self.contested = {key for (key,) in fetch(connection, act_sql.CONTESTED, keys)}
        for key, parent, position, body in fetch(connection, act_sql.SAID_OF, keys):
            self._parents[key] = parent
            if body is not None:
                self._events.setdefault(key, []).append((position, parse_stored(body)))

    def amendments(self, key: int, seq: int) -> list[tuple[int, Event]]:
        """Return the amendments of an event of a credit, with their positions."""
        return [(at, event) for at, event in self._events.get(key, []) if event.data.get(AMENDS) == seq]

    def facts_of(self, key: int) -> dict[str, str]:
        """Return the facts of a credit as they are now. Paths can be long, so there is no recursion."""
        path = []
        at: int | None = key
        while at is not None and at not in self._facts:
            path.append(at)
            at = self._parents[at]
        for each in reversed(path):
            above = self._parents[each]
            stated = dict(self._facts[above]) if above is not None else {}
            for _, event in self._events.get(each, []):
                if event.type is EventType.CREATED or event.data.get(AMENDS) == 1:
                    stated |= facts_in(event.data)
            self._facts[each] = stated
        return {name: value for name, value in self._facts[key].items() if value}

    def words_of_event(self, key: int, event: Event) -> dict[str, str]:
        """Return the words of an event of a credit as they are now."""
        amending = [amendment.data for _, amendment in self.amendments(key, event.seq)]
        return words_of(present_data(event.data, amending))
