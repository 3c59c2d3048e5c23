"""The fields of a sale, a retirement and a void: what forms and requests state, and how it is parsed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

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
)
ACTION_FIELDS: Final[dict[EventType, tuple[Field, ...]]] = {
    EventType.CANCELLED: CANCELLATION_FIELDS,
    EventType.SOLD: SALE_FIELDS,
    EventType.RETIRED: RETIREMENT_FIELDS,
}


# There are no carbon credits of before this day.
EARLIEST_DAY: Final = date(1990, 1, 1)


def parse_action(
    action: EventType,
    values: Mapping[str, object],
    today: date,
    latest: date | None = None,
    earliest: date = EARLIEST_DAY,
) -> dict[str, str | int]:
    """Return the data of a SOLD, RETIRED or CANCELLED event from the values of a request.

    A sale or retirement always has `occurred_on`, by default `today`. The quantity is never included.
    Raises InvalidFields with all invalid fields, among them a day before `earliest` or after `latest`,
    which is `today` if it is None.
    """
    fields = [
        replace(field, earliest=earliest, latest=latest or today)
        if isinstance(field, PastDateField)
        else field
        for field in ACTION_FIELDS[action]
    ]
    parsed = parse_fields(fields, values)
    if "occurred_on" in parsed:
        parsed["occurred_on"] = parsed["occurred_on"] or today.isoformat()
    return {name: value for name, value in parsed.items() if value is not None and name != PART_QUANTITY.name}


def parse_part_quantity(values: Mapping[str, object]) -> int | None:
    """Return the quantity to act on in ten-thousandths of a tonne, None for all. Raises InvalidFields."""
    parsed = parse_fields([PART_QUANTITY], {PART_QUANTITY.name: values.get(PART_QUANTITY.name)})[
        PART_QUANTITY.name
    ]
    return None if parsed is None else int(parsed)
