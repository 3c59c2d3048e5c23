"""The two long lists as CSV files, for spreadsheets: the rows that the page shows, on all of its pages.

Lines end in CRLF and cells are quoted as RFC 4180 says. The file is UTF-8 with a byte-order mark,
without which Excel takes it for an older encoding and spoils every name that is not English.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Final

from flask import Blueprint, Response, request, send_file

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.event import ACTION_FIELDS, PART_QUANTITY
from webapp.ledger import clock, listing
from webapp.ledger.views import CreditView, EventView
from webapp.web import activity, query_parameters
from webapp.web.credit_list import PARAMETERS, CreditList

pages = Blueprint("downloads", __name__)

Cell = str | int | None

# A spreadsheet takes a cell that begins so for a formula and computes it; the last four are what a
# Japanese or Chinese keyboard makes of the first four.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
IN_MEMORY_BYTES: Final = 1_000_000

CREDIT_COLUMNS: Final = (
    "id",
    "project_name",
    "registry",
    "vintage",
    "quantity",
    "serial_number",
    "status",
    "created_at",
    "changed_at",
    "buyer",
    "beneficiary",
)
# What the acts say, each once; of a part only the lot remembers the quantity.
DATA_COLUMNS: Final = tuple(
    dict.fromkeys(
        field.name for fields in ACTION_FIELDS.values() for field in fields if field is not PART_QUANTITY
    )
)
EVENT_COLUMNS: Final = (
    "position",
    "event_type",
    "credit_id",
    "seq",
    "project_name",
    "quantity",
    "recorded_at",
    "actor",
    *DATA_COLUMNS,
    "hash",
)


@pages.get("/credits.csv")
@allows(Role.VIEWER)
@query_parameters.reads(*PARAMETERS)
def credits_file() -> Response:
    """Send every credit that the address of the list asks for, in its order."""
    wanted = CreditList.read(request.args).filter
    return _answer("credits", CREDIT_COLUMNS, map(_credit_row, listing.every_credit(wanted)))


@pages.get("/activity.csv")
@allows(Role.VIEWER)
@query_parameters.reads("type")
def activity_file() -> Response:
    """Send every event that the address of the activity asks for, the newest first."""
    event_type = activity.event_type_of(request.args.get("type", ""))
    return _answer("activity", EVENT_COLUMNS, map(_event_row, listing.every_event(event_type)))


def neutral(cell: Cell) -> Cell:
    """Return the cell with an apostrophe before a text that a spreadsheet would compute."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _credit_row(credit: CreditView) -> Iterator[Cell]:
    return (getattr(credit, name) for name in CREDIT_COLUMNS)


def _event_row(event: EventView) -> Iterator[Cell]:
    for name in EVENT_COLUMNS:
        yield _of_data(event, name) if name in DATA_COLUMNS else getattr(event, name)


def _of_data(event: EventView, name: str) -> str | None:
    value = event.data.get(name)
    return value if isinstance(value, str) else None


def _answer(name: str, columns: Sequence[str], rows: Iterable[Iterable[Cell]]) -> Response:
    """Write the file aside, then send it: a database that fails half-way is an error and no short file.

    It also ends the database's work before a slow client begins to read.
    """
    with ExitStack() as unless_sent:
        file = unless_sent.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(map(neutral, row) for row in rows)
        text.detach()
        unless_sent.pop_all()
    size = file.tell()
    file.seek(0)
    response = send_file(
        file,
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"{name}-{clock.now().date().isoformat()}.csv",
        etag=False,
        max_age=None,
    )
    response.content_length = size
    response.headers["Cache-Control"] = "no-store"
    return response
