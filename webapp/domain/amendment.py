"""Amendments: AMENDED events, which restate words of an earlier event of the same credit.

The data of an amendment are `amends` (the seq of the event), some descriptive keys of that event, and
optionally `why`. An empty text removes a value. No quantity, status or identity changes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from webapp.domain.action_fields import ACTION_FIELDS, PART_QUANTITY, DayBounds, bounded
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import ACT_KEY, IMPORT_KEY, Data, Datum, Event, without_act
from webapp.domain.facts import FACTS, FACTS_OF, NOT_FACTS, facts_in
from webapp.domain.fields import Field, FieldError, TextField
from webapp.domain.lifecycle import EventType, sale_in_force

AMENDS: Final = "amends"
WHY: Final = TextField("why", "Why", hint="The reason for the amendment.", max_length=2000, newlines=True)
# The keys of an amendment that restate no word.
NOT_WORDS: Final = (AMENDS, WHY.name, IMPORT_KEY, ACT_KEY)
# The descriptive fields of each event that can be amended, without `facts`.
AMENDABLE: Final[dict[EventType, tuple[Field, ...]]] = {
    EventType.CREATED: (),
    **{
        action: tuple(field for field in fields if field is not PART_QUANTITY)
        for action, fields in ACTION_FIELDS.items()
    },
}
_NO_SUCH_FIELD: Final = "There is no such field."
NO_SUCH_EVENT: Final = "Must be the number of an event of this credit that can be amended."
_SEQ: Final = re.compile(r"[1-9][0-9]{0,8}")
NOTHING: Final = "State at least one value to amend."


def descriptive_keys(amended: EventType) -> list[str]:
    """Return the keys of the data that an amendment of such an event may have, besides `why`."""
    return [field.name for field in AMENDABLE[amended]] + ([FACTS] if amended in FACTS_OF else [])


def amended_type(values: Mapping[str, object], types: Sequence[EventType]) -> EventType:
    """Return the type of the event that `amends` names. `types` has those of all events of the credit.

    Raises InvalidFields if there is no such event, or if it cannot be amended.
    """
    text = str(values.get(AMENDS, ""))
    seq = int(text) if _SEQ.fullmatch(text) else 0
    if not 1 <= seq <= len(types) or types[seq - 1] not in AMENDABLE:
        raise InvalidFields([Problem(AMENDS, NO_SUCH_EVENT)])
    return types[seq - 1]


def parse_amendment(values: Mapping[str, object], types: Sequence[EventType], bounds: DayBounds) -> Data:
    """Return the data of an AMENDED event. `types` has the types of all events of the credit.

    A missing value is not amended, an empty text removes it. Raises InvalidFields with all invalid
    fields: the bounds are those of entry.
    """
    amended = amended_type(values, types)
    data: dict[str, Datum] = {}
    problems: list[Problem] = []
    named = {name: value for name, value in values.items() if name not in {AMENDS, WHY.name, FACTS}}
    data.update(_amended(bounded(bounds, AMENDABLE[amended]), named, "", problems))
    facts = values.get(FACTS)
    if facts is not None and amended not in FACTS_OF:
        problems.append(Problem(FACTS, _NO_SUCH_FIELD))
    elif facts is not None and not isinstance(facts, Mapping):
        problems.append(Problem(FACTS, NOT_FACTS))
    elif facts and (parsed := _amended(FACTS_OF[amended], facts, f"{FACTS}.", problems)):
        data[FACTS] = parsed
    if not data and not problems:
        problems.append(Problem("", NOTHING))
    data.update(_amended((WHY,), {WHY.name: values.get(WHY.name)}, "", problems))
    if problems:
        raise InvalidFields(problems)
    return {AMENDS: int(str(values[AMENDS])), **{n: v for n, v in data.items() if (n, v) != (WHY.name, "")}}


def present_data(data: Data, amendments: Iterable[Data]) -> Data:
    """Return the data of an event, overlaid by its amendments in their order."""
    present: dict[str, Datum] = dict(data)
    for amendment in amendments:
        facts = facts_in(present) | facts_in(amendment)
        present |= {name: value for name, value in amendment.items() if name not in NOT_WORDS}
        if facts:
            present[FACTS] = {name: value for name, value in facts.items() if value}
    return {name: value for name, value in present.items() if value or name not in _REMOVABLE}


def words_of(amendment: Data, data: Data, facts: Mapping[str, str]) -> dict[str, str]:
    """Return what the words that an amendment restates say in the data and facts of an event, by name.

    Empty where there is no such word. Facts are among them, by their own names.
    """
    names = [name for name in amendment if name not in NOT_WORDS and name != FACTS]
    words = {name: str(data.get(name, "")) for name in names}
    return words | {name: facts.get(name, "") for name in facts_in(amendment)}


def amendments_of(seq: int, events: Iterable[tuple[EventType, Data]]) -> Iterator[Data]:
    """Yield the data of the amendments of the event with this seq, from the events of its credit."""
    for event_type, data in events:
        if event_type is EventType.AMENDED and data.get(AMENDS) == seq:
            yield data


def sale_of(history: Sequence[Event]) -> Event | None:
    """Return the SOLD event of a credit with its present data, which the lots of a split carry over.

    None if the credit was not sold, or the sale was reversed. The lots do not carry over the act that it
    names: it stands elsewhere in the feed.
    """
    place = sale_in_force([event.type for event in history])
    if place is None:
        return None
    sale = history[place]
    amendments = amendments_of(sale.seq, ((each.type, each.data) for each in history))
    data = without_act(present_data(sale.data, amendments))
    return sale if data == sale.data else replace(sale, data=data)


def present_facts(path: Iterable[tuple[EventType, Data]]) -> dict[str, str]:
    """Return the facts of a credit, from its events and those of the credits it was split from.

    `path` begins with the events of the root. An amendment further down outweighs one above it.
    """
    facts: dict[str, str] = {}
    for event_type, data in path:
        # The CREATED event is the first of each credit.
        if event_type is EventType.CREATED or (event_type is EventType.AMENDED and data.get(AMENDS) == 1):
            facts |= facts_in(data)
    return {name: value for name, value in facts.items() if value}


_REMOVABLE: Final = frozenset(
    {FACTS, *(field.name for fields in AMENDABLE.values() for field in fields if not field.required)}
)


def _amended(
    fields: Sequence[Field], values: Mapping[str, object], prefix: str, problems: list[Problem]
) -> dict[str, str]:
    """Return the values that are given, as recorded; add what is wrong with them to `problems`."""
    known = {field.name: field for field in fields}
    amended: dict[str, str] = {}
    problems += [Problem(f"{prefix}{name}", _NO_SUCH_FIELD) for name in values if name not in known]
    for name, value in values.items():
        try:
            if name in known and value is not None:
                amended[name] = str(known[name].parse(value) or "")
        except FieldError as refusal:
            problems.append(Problem(f"{prefix}{name}", str(refusal)))
    return amended
