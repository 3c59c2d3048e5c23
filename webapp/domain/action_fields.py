"""The fields of actions: what requests state, and how it is parsed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

from webapp.domain.event import Data
from webapp.domain.evidence import EVIDENCE
from webapp.domain.facts import FACTS, FACTS_OF, parse_facts
from webapp.domain.fields import Field, PastDateField, QuantityField, TextField, parse_fields
from webapp.domain.lifecycle import EventType

_OCCURRED_ON: Final = PastDateField(
    "occurred_on",
    "Date",
    hint="When it happened; today if left empty.",
    example="2026-01-31",
)
_REFERENCE: Final = TextField("reference", "Reference", hint="What the registry or the contract calls it.")
_NOTE: Final = TextField("note", "Note", max_length=2000, newlines=True)
# The quantity to sell or retire. A part is split off first, so that the event is always about a whole
# credit and never states a quantity.
PART_QUANTITY: Final = QuantityField("quantity", "Quantity", hint="Tonnes; all of them if left empty.")

SALE_FIELDS: Final[tuple[Field, ...]] = (
    PART_QUANTITY,
    TextField("buyer", "Buyer", hint="Who bought it.", example="Acme Airlines"),
    _OCCURRED_ON,
    _REFERENCE,
    _NOTE,
    EVIDENCE,
)
REVERSAL_FIELDS: Final[tuple[Field, ...]] = (
    PART_QUANTITY,
    TextField(
        "reason",
        "Reason",
        required=True,
        hint="Why the sale does not stand.",
        example="The buyer withdrew from the contract",
    ),
    _OCCURRED_ON,
    EVIDENCE,
)
RETIREMENT_FIELDS: Final[tuple[Field, ...]] = (
    PART_QUANTITY,
    TextField(
        "beneficiary",
        "Beneficiary",
        hint="On whose behalf the tonnes are retired.",
        example="Acme Airlines",
    ),
    TextField("reason", "Reason", example="Flights of 2025"),
    _OCCURRED_ON,
    _REFERENCE,
    _NOTE,
    EVIDENCE,
)
# A cancellation at the registry that is no retirement. Its day is recorded only if it is known.
WITHDRAWAL_FIELDS: Final[tuple[Field, ...]] = (
    TextField("reason", "Reason", example="Moved to the buffer pool"),
    replace(_OCCURRED_ON, hint="When the registry cancelled it."),
    _REFERENCE,
    _NOTE,
)
CANCELLATION_FIELDS: Final[tuple[Field, ...]] = (
    TextField(
        "reason",
        "Reason",
        required=True,
        hint="Why it should never have been recorded.",
        example="Recorded with the wrong vintage",
    ),
    _NOTE,
    EVIDENCE,
)
ACTION_FIELDS: Final[dict[EventType, tuple[Field, ...]]] = {
    EventType.CANCELLED: CANCELLATION_FIELDS,
    EventType.SOLD: SALE_FIELDS,
    EventType.SALE_REVERSED: REVERSAL_FIELDS,
    EventType.RETIRED: RETIREMENT_FIELDS,
    EventType.WITHDRAWN: WITHDRAWAL_FIELDS,
}
# The actions that happen today if no day is stated.
_DATED: Final = (EventType.SOLD, EventType.SALE_REVERSED, EventType.RETIRED)


# There are no carbon credits of before this day.
EARLIEST_DAY: Final = date(1990, 1, 1)


class DayBounds(NamedTuple):
    """The first and the last day that a field may have."""

    latest: date
    earliest: date = EARLIEST_DAY


def parse_action(
    action: EventType, values: Mapping[str, object], today: date, bounds: DayBounds | None = None
) -> dict[str, str | int]:
    """Return the data of an event of ACTION_FIELDS from the values of a request.

    A sale, its reversal and a retirement always have `occurred_on`, by default `today`. The quantity is
    never included. Raises InvalidFields with all invalid fields, among them a day outside `bounds`, by
    default one after `today`.
    """
    parsed = parse_fields(bounded(bounds or DayBounds(today), ACTION_FIELDS[action]), values)
    if action in _DATED:
        parsed["occurred_on"] = parsed["occurred_on"] or today.isoformat()
    return {name: value for name, value in parsed.items() if value is not None and name != PART_QUANTITY.name}


def parse_event_data(
    action: EventType, values: Mapping[str, object], today: date, bounds: DayBounds | None = None
) -> Data:
    """Return the same as `parse_action`, from values that may also have `facts`.

    Raises InvalidFields.
    """
    if FACTS not in values or action not in FACTS_OF:
        return parse_action(action, values, today, bounds)
    data: Data = parse_action(
        action, {name: value for name, value in values.items() if name != FACTS}, today, bounds
    )
    facts = parse_facts(FACTS_OF[action], values[FACTS])
    return {**data, FACTS: facts} if facts else data


def bounded(bounds: DayBounds, fields: Sequence[Field]) -> list[Field]:
    """Return the fields with their days bounded."""
    return [
        replace(field, earliest=bounds.earliest, latest=bounds.latest)
        if isinstance(field, PastDateField)
        else field
        for field in fields
    ]


def parse_part_quantity(values: Mapping[str, object]) -> int | None:
    """Return the quantity to act on in ten-thousandths of a tonne, None for all. Raises InvalidFields."""
    parsed = parse_fields([PART_QUANTITY], {PART_QUANTITY.name: values.get(PART_QUANTITY.name)})[
        PART_QUANTITY.name
    ]
    return None if parsed is None else int(parsed)
