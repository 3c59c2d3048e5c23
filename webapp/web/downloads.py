"""CSV files of the list of credits and of the activity: all rows of the list with its filter.

The format is RFC 4180: lines end in CRLF. The file is UTF-8 with a byte-order mark, because Excel assumes
a legacy encoding without it and garbles names that are not ASCII.
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
from webapp.domain.action_fields import ACTION_FIELDS, PART_QUANTITY
from webapp.domain.amendment import AMENDS, WHY
from webapp.domain.event import ACT_KEY, IMPORT_KEY
from webapp.ledger import clock, listing
from webapp.ledger.views import CreditView, EntryView, EventView
from webapp.web import activity, query_parameters
from webapp.web.credit_list import PARAMETERS, CreditList

pages = Blueprint("downloads", __name__)

Cell = str | int | None

# Spreadsheets evaluate cells that begin with one of these as formulas. The last four are the full-width
# forms of the first four, from Japanese and Chinese keyboards.
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
# The data of actions and amendments. The quantity of a part is not among them: it is the quantity of the
# lot.
DATA_COLUMNS: Final = (
    *dict.fromkeys(
        field.name for fields in ACTION_FIELDS.values() for field in fields if field is not PART_QUANTITY
    ),
    AMENDS,
    WHY.name,
    IMPORT_KEY,
    ACT_KEY,
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
    "subject",
)


@pages.get("/credits.csv")
@allows(Role.VIEWER)
@query_parameters.reads(*PARAMETERS)
def credits_file() -> Response:
    """Send all credits that match the filter, in the order of the list."""
    wanted = CreditList.read(request.args).filter
    return send_csv("credits", CREDIT_COLUMNS, map(_credit_row, listing.every_credit(wanted)))


@pages.get("/activity.csv")
@allows(Role.VIEWER)
@query_parameters.reads("type")
def activity_file() -> Response:
    """Send all events of the type in the address, newest first."""
    event_type = activity.event_type_of(request.args.get("type", ""))
    return send_csv("activity", EVENT_COLUMNS, map(_event_row, listing.every_event(event_type)))


def neutral(cell: Cell) -> Cell:
    """Return the cell, with a leading apostrophe if a spreadsheet would evaluate it as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _credit_row(credit: CreditView) -> Iterator[Cell]:
    return (getattr(credit, name) for name in CREDIT_COLUMNS)


def _event_row(event: EventView | EntryView) -> Iterator[Cell]:
    for name in EVENT_COLUMNS:
        # An entry has no credit, and an event of a credit has no other subject.
        yield _of_data(event, name) if name in DATA_COLUMNS else getattr(event, name, None)


def _of_data(event: EventView | EntryView, name: str) -> Cell:
    value = event.data.get(name)
    return value if isinstance(value, str | int) else None


def send_csv(name: str, columns: Sequence[str], rows: Iterable[Iterable[Cell]]) -> Response:
    """Write the file to temporary storage, then send it.

    If the database fails half-way, the response is an error and not a truncated file. The database is
    also released before a slow client starts to read.
    """
    with ExitStack() as cleanup:
        file = cleanup.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(map(neutral, row) for row in rows)
        text.detach()
        cleanup.pop_all()
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
