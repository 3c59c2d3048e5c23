"""The operation of ``reports``. See ``operations``."""

from http import HTTPStatus
from typing import Final

from webapp.api import query_parameters as parameters
from webapp.api import report_schemas as schemas
from webapp.api.operation import Answer, Operation
from webapp.api.query_parameters import Parameter
from webapp.domain.fields import QUANTITY_PATTERN, VINTAGE_MAX, VINTAGE_MIN
from webapp.reports.question import (
    CONTRACTED,
    CONTRACTED_SOURCE,
    PARTIES_MAX,
    PARTY,
    YEAR,
    Kind,
)

# The texts are parsed all together by ``reports.question``.
_YEAR: Final = Parameter(
    YEAR.name,
    "The year in which the retirements happened. Required.",
    {"type": "integer", "minimum": VINTAGE_MIN, "maximum": VINTAGE_MAX},
    str,
    "",
    is_required=True,
)
_PARTY: Final = Parameter[tuple[str, ...]](
    PARTY.name,
    "A beneficiary that counts, in any letter case and spacing; repeat it for each. Required: a retirement "
    "for a client is never one's own.",
    {"type": "array", "items": {"type": "string", "maxLength": 300}, "minItems": 1, "maxItems": PARTIES_MAX},
    lambda text: (text,),
    (),
    is_list=True,
    is_required=True,
)
_COMPARED_WITH: Final = Parameter(
    "compared_with",
    "An earlier `known_at`. `changes` then has what left, entered, was late or was restated since.",
    parameters.KNOWN_AT.schema,
    str,
    "",
)
_CONTRACTED: Final = Parameter(
    CONTRACTED.name,
    f"Of `{Kind.ESRS}`: tonnes that are to be cancelled under contracts. Printed, and not recorded.",
    {"type": "string", "pattern": f"^{QUANTITY_PATTERN}$"},
    str,
    "",
)
_SOURCE: Final = Parameter(
    CONTRACTED_SOURCE.name, "The source of that figure.", {"type": "string", "maxLength": 300}, str, ""
)

GET_REPORT: Final = Operation(
    tag="Reports",
    summary="Read a yearly report",
    description=f"`kind` is one of {', '.join(f'`{kind}`' for kind in Kind)}. `address` has the report "
    "again, the same byte for byte.",
    path={"kind": {"type": "string", "enum": list(map(str, Kind))}},
    query=(_YEAR, _PARTY, parameters.KNOWN_AT, _COMPARED_WITH, _CONTRACTED, _SOURCE),
    answers={HTTPStatus.OK: Answer("The report.", schemas.Report)},
    problems={
        HTTPStatus.NOT_FOUND: "There is no such report.",
        HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long: name fewer parties.",
    },
)
