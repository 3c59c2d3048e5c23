"""The history of a credit as its page shows it: present words, with the earlier ones below."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from webapp.domain.amendment import AMENDABLE, AMENDS, WHY
from webapp.domain.event import Datum
from webapp.domain.facts import FACTS, FACTS_OF, facts_in
from webapp.domain.lifecycle import EventType
from webapp.ledger.views import EventView, Record, Restatement
from webapp.web import labels

# The data that pages show with other data.
_LEFT_OUT: Final = frozenset({"offset", FACTS, AMENDS})


@dataclass(frozen=True)
class Amended:
    """An amendment as it is shown below the event: the AMENDED event, and each word with what it said."""

    event: EventView
    words: Sequence[tuple[str, str | Markup]]

    @property
    def why(self) -> str:
        """The reason for the amendment, empty if none was given."""
        return str(self.event.data.get(WHY.name, ""))


@dataclass(frozen=True)
class HistoryItem:
    """An event with its present words, and its amendments, oldest first.

    `data` has the name, label and value of each of its data.
    """

    event: EventView
    data: Sequence[tuple[str, str, Datum]]
    amendments: Sequence[Amended]

    @property
    def is_amendable(self) -> bool:
        """Whether an amendment can restate its words."""
        return self.event.event_type in AMENDABLE


def history_of(record: Record) -> list[HistoryItem]:
    """Return the events of a credit, oldest first."""
    return [_item(record, event) for event in record.events]


def _item(record: Record, event: EventView) -> HistoryItem:
    amendments = [_amended(event.event_type, each) for each in record.amendments_of(event)]
    present = replace(event, data=record.present_data(event)) if amendments else event
    return HistoryItem(present, _data_of(present, record.events), amendments)


def _amended(amended: EventType, restatement: Restatement) -> Amended:
    return Amended(restatement.event, labels.restated_words(amended, restatement.before))


def _data_of(event: EventView, history: Sequence[EventView]) -> list[tuple[str, str, Datum]]:
    """Return the name, label and value of the data of an event, and of each of its facts.

    `offset` is shown with `parent`. `history` has the events of the credit, one of them amended.
    """
    about = event.event_type
    rows: list[tuple[str, str, Datum]] = []
    if about is EventType.AMENDED:
        amended = next(each for each in history if each.seq == event.data[AMENDS])
        about = amended.event_type
        rows.append((AMENDS, "Amends", f"{labels.event_label(about)}, number {amended.seq}"))
    known = labels.data_labels(about)
    ordered = [name for name in known if name in event.data]
    unknown = [name for name in event.data if name not in known and name not in _LEFT_OUT]
    rows += [(name, known.get(name, name), event.data[name]) for name in [*ordered, *unknown]]
    facts = labels.labelled_facts(FACTS_OF.get(about, ()), facts_in(event.data))
    return rows + [(FACTS, label, value) for label, value in facts]
