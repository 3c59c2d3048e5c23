"""The filters of records: query parameters of `GET /records`, and members of `filter` in `POST /acts`."""

from collections.abc import Mapping
from typing import Any, Final

from webapp.api.query_parameters import (
    COUNTRY,
    IMPORT,
    PROJECT_ID,
    PROJECT_TYPE,
    SERIAL,
    VINTAGE,
    VINTAGE_FROM,
    VINTAGE_TO,
    Parameter,
    Q,
)
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.fields import QUANTITY_PATTERN, FieldError, PastDateField, QuantityField, TextField
from webapp.domain.lifecycle import COUNTED, Status
from webapp.ledger.search.credit_filter import STATUS_WORDS, CreditFilter

_NAME_MAX: Final = 300
_TONNES: Final = {"type": "string", "pattern": f"^{QUANTITY_PATTERN}$"}
_DAY: Final = {"type": "string", "format": "date"}
_ANY: Final = "May be given several times; a record has one of them."


def _names(name: str, description: str, max_length: int) -> Parameter[tuple[str, ...]]:
    field = TextField(name, name, max_length=max_length)

    def parse(text: str) -> tuple[str, ...]:
        parsed = field.parse(text)
        return (parsed,) if parsed else ()

    schema = {"type": "array", "items": {"type": "string", "maxLength": max_length}}
    return Parameter(name, f"{description} {_ANY}", schema, parse, (), is_list=True)


def _statuses(text: str) -> tuple[Status, ...]:
    try:
        return STATUS_WORDS[text]
    except KeyError:
        raise FieldError(f"Must be one of {', '.join(STATUS_WORDS)}.") from None


def _tonnes(name: str, description: str) -> Parameter[int | None]:
    return Parameter(name, description, _TONNES, QuantityField(name, name).parse, None)


def _day(name: str, description: str) -> Parameter[str]:
    field = PastDateField(name, name)
    return Parameter(name, description, _DAY, lambda text: field.parse(text) or "", "")


REGISTRIES: Final = _names("registry", "The registry, in any letter case and spacing.", 50)
STATUSES: Final = Parameter[tuple[Status, ...]](
    "status",
    f"The current status. By default, and with CURRENT, the list has the records that are"
    f" {', '.join(COUNTED)}; with ALL, those of every status. {_ANY}",
    {"type": "array", "items": {"type": "string", "enum": list(STATUS_WORDS)}},
    _statuses,
    (),
    is_list=True,
)
PARTIES: Final = _names(
    "party",
    "The buyer of a record that is SOLD, or the beneficiary of one that is RETIRED; apart from case and"
    " Unicode form.",
    _NAME_MAX,
)
QUANTITY_FROM: Final = _tonnes("quantity_from", "The smallest quantity in tonnes.")
QUANTITY_TO: Final = _tonnes("quantity_to", "The largest quantity in tonnes.")
_HAPPENED: Final = (
    "on which it was sold, retired or cancelled at the registry; where that is not stated, on which that"
    " was recorded (UTC). Records without such an act are left out."
)
HAPPENED_FROM: Final = _day("happened_from", f"The first day {_HAPPENED}")
HAPPENED_TO: Final = _day("happened_to", f"The last day {_HAPPENED}")
RECORDED_FROM: Final = _day("recorded_from", "The first day (UTC) on which the record was created.")
RECORDED_TO: Final = _day("recorded_to", "The last day (UTC) on which the record was created.")
FILTERS: Final[tuple[Parameter[Any], ...]] = (
    REGISTRIES,
    VINTAGE,
    VINTAGE_FROM,
    VINTAGE_TO,
    STATUSES,
    PARTIES,
    Q,
    SERIAL,
    PROJECT_ID,
    COUNTRY,
    PROJECT_TYPE,
    QUANTITY_FROM,
    QUANTITY_TO,
    HAPPENED_FROM,
    HAPPENED_TO,
    RECORDED_FROM,
    RECORDED_TO,
    IMPORT,
)


def filter_of(values: Mapping[Parameter[Any], Any], place: str = "") -> CreditFilter:
    """Return the filter of these values, with those that are missing left out.

    Raises InvalidFields, with the `place` before the name of a parameter.
    """
    found = {parameter: values.get(parameter, parameter.missing) for parameter in FILTERS}
    vintage = found[VINTAGE]
    if vintage is not None and (found[VINTAGE_FROM], found[VINTAGE_TO]) != (None, None):
        message = "State either the vintage, or the first and the last one."
        raise InvalidFields([Problem(f"{place}{VINTAGE.name}", message)])
    return CreditFilter(
        q=found[Q],
        registries=found[REGISTRIES],
        vintage_from=found[VINTAGE_FROM] if vintage is None else vintage,
        vintage_to=found[VINTAGE_TO] if vintage is None else vintage,
        statuses=found[STATUSES] or COUNTED,
        parties=found[PARTIES],
        serial=found[SERIAL],
        project_id=found[PROJECT_ID],
        country=found[COUNTRY],
        project_type=found[PROJECT_TYPE],
        quantity_from_e4=found[QUANTITY_FROM],
        quantity_to_e4=found[QUANTITY_TO],
        happened_from=found[HAPPENED_FROM],
        happened_to=found[HAPPENED_TO],
        recorded_from=found[RECORDED_FROM],
        recorded_to=found[RECORDED_TO],
        import_number=found[IMPORT],
    )
