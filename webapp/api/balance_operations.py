"""The operations of ``balances``. See ``operations``."""

from http import HTTPStatus
from typing import Final

from webapp.api import balance_schemas as schemas
from webapp.api import query_parameters as parameters
from webapp.api.operation import Answer, Operation
from webapp.domain.lifecycle import EventType

_OF_BALANCES: Final = (
    "registry", "project", "project_id", "vintage", "status", "event_type", "party", "is_dated",
)  # fmt: skip
_OF_TIME: Final = ("day", "month", "year")
_BY: Final = "Names, separated by commas: what the sums are by. By default {}. Any of {}."
_CUTS: Final = (
    "`as_of` cuts by what had happened, `known_at` by what was recorded. `cut` has both, and the address at "
    "which this very answer can be had again. "
)

BY: Final = parameters.names_of(
    "by", _BY.format("`status`", ", ".join(_OF_BALANCES)), _OF_BALANCES, ("status",)
)
BY_TIME: Final = parameters.names_of(
    "by",
    _BY.format("`event_type` and `year`", ", ".join((*_OF_BALANCES, *_OF_TIME)))
    + " At most one of day, month and year.",
    (*_OF_BALANCES, *_OF_TIME),
    ("event_type", "year"),
    one_of=_OF_TIME,
)
EVENT_TYPE: Final = parameters.choice(
    "event_type", "Only what an event of this type gave its status.", EventType
)
_FILTER: Final = (
    parameters.STATUS,
    EVENT_TYPE,
    parameters.REGISTRY,
    parameters.PROJECT,
    parameters.PROJECT_ID,
    parameters.PARTY,
    parameters.VINTAGE_FROM,
    parameters.VINTAGE_TO,
)
# The days of movements, and their earlier names, which are still accepted.
DAYS: Final = (parameters.HAPPENED_FROM, parameters.HAPPENED_TO)
EARLIER_DAYS: Final = (parameters.FROM_DAY, parameters.TO_DAY)
_CUT: Final = (parameters.AS_OF, parameters.KNOWN_AT)

GET_BALANCES: Final = Operation(
    tag="As of a day",
    summary="Read balances",
    description=f"The tonnes that stood at the end of a day. {_CUTS}",
    query=(*_CUT, BY, *_FILTER),
    answers={HTTPStatus.OK: Answer("The sums.", schemas.Amounts)},
)

GET_MOVEMENTS: Final = Operation(
    tag="As of a day",
    summary="Read movements",
    description="What was created, sold, reversed, retired or withdrawn between two days, by the day on "
    f"which it happened. {_CUTS}",
    query=(*_CUT, *DAYS, *EARLIER_DAYS, BY_TIME, *_FILTER),
    answers={HTTPStatus.OK: Answer("The sums.", schemas.Amounts)},
)

LIST_STANDINGS: Final = Operation(
    tag="As of a day",
    summary="List records as they were",
    description=f"The record that was recorded last comes first. {_CUTS}",
    query=(*_CUT, *_FILTER, parameters.LIMIT_OF_PAGE, parameters.CURSOR_NUMBER),
    answers={HTTPStatus.OK: Answer("A page of records.", schemas.StandingRecordPage)},
)
