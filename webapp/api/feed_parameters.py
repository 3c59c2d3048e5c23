"""The query parameters of the feed. See ``query_parameters``."""

from typing import Final

from webapp.api.query_parameters import IMPORT, Parameter, number_of, parse_number, text_parameter
from webapp.domain.fields import FieldError, PastDateField


def _parse_position(text: str) -> int:
    number = number_of(text)
    if number is None:
        raise FieldError("Must be a position: a number from 0.")
    return number


def _day(name: str, description: str) -> Parameter[str | None]:
    field = PastDateField(name, name)
    return Parameter(name, description, {"type": "string", "format": "date"}, field.parse, None)


PARTY: Final = text_parameter(
    "party",
    "Events whose data name this buyer or beneficiary, in any letter case and spacing, or under a name "
    "joined to it.",
    300,
)
SUBJECT: Final = text_parameter(
    "subject",
    "Events of this record (its id), or about this import, registry or party, such as `import/12`.",
    300,
)
IMPORT_OF_EVENT: Final = Parameter(
    "import",
    "The number of an import: the events that it recorded, and those about it.",
    IMPORT.schema,
    parse_number,
    None,
)
RECORDED_FROM: Final = _day("recorded_from", "Events recorded on this day or later (UTC).")
RECORDED_TO: Final = _day("recorded_to", "Events recorded on this day or earlier (UTC).")
_HAPPENED: Final = (
    "An event happened on the day that it states (`occurred_on`); the creation of a record on its "
    "`acquired_on`, else its `issued_on`; any other event when it was recorded."
)
HAPPENED_FROM: Final = _day("happened_from", f"Events that happened on this day or later. {_HAPPENED}")
HAPPENED_TO: Final = _day("happened_to", f"Events that happened on this day or earlier. {_HAPPENED}")
AFTER: Final = Parameter(
    "after",
    "Only events after this position. A `cursor` takes its place.",
    {**IMPORT.schema, "minimum": 0},
    _parse_position,
    0,
)
