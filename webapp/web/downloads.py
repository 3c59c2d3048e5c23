"""Files of lists: all rows of the list with its filter, as CSV and as JSON.

A `Table` is what both formats need: add one to have a list as files. CSV is RFC 4180: lines end in CRLF.
The file is UTF-8 with a byte-order mark, because Excel assumes a legacy encoding without it and garbles
names that are not ASCII. JSON is an array with an object on each line.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final, TypeVar

import msgspec
from flask import Blueprint, Response, request, send_file

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.action_fields import ACTION_FIELDS, PART_QUANTITY
from webapp.domain.amendment import AMENDS, WHY
from webapp.domain.errors import InvalidFields
from webapp.domain.event import ACT_KEY, IMPORT_KEY
from webapp.domain.facts import CREDIT_FACTS, RETIREMENT_FACTS, WITHDRAWAL_FACTS, facts_in
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import Status
from webapp.domain.registry_names import display_name
from webapp.domain.spreadsheet_cells import neutral
from webapp.domain.text import canonical
from webapp.imports import views as import_views
from webapp.imports.views import ImportView
from webapp.ledger import clock, exports, registries
from webapp.ledger.activity import Lot, event_test, words_test
from webapp.ledger.exports import ExportedCredit, ExportedEvent
from webapp.ledger.registries import RegistryView
from webapp.web import activity, query_parameters
from webapp.web.credit_list import PARAMETERS, REPEATED, CreditList

pages = Blueprint("downloads", __name__)

Cell = str | int | None
View = TypeVar("View", bound=Callable[[str], Response])

IN_MEMORY_BYTES: Final = 1_000_000
CSV: Final = "csv"
JSON: Final = "json"
MEDIA_TYPES: Final = {CSV: "text/csv", JSON: "application/json"}
_NAME_LENGTH_MAX: Final = 80
_BATCH: Final = 500
# Tonnes are numbers in JSON, with exactly the decimals that were recorded.
_NUMBERS: Final = ("quantity", "offset")

_END_WORDS: Final = ("reason", "reference", "note")
_FACTS: Final = tuple(field.name for field in CREDIT_FACTS)
_END_FACTS: Final = tuple(
    dict.fromkeys(field.name for field in (*RETIREMENT_FACTS, *WITHDRAWAL_FACTS) if field.name not in _FACTS)
)
CREDIT_COLUMNS: Final = (
    "id",
    "project_name",
    "registry",
    "project_id",
    "vintage",
    "quantity",
    "serial_number",
    "status",
    "occurred_on",
    "buyer",
    "beneficiary",
    *_END_WORDS,
    "created_at",
    "changed_at",
    "parent",
    "offset",
    "replaces",
    *(name for name in _FACTS if name != "project_id"),
    *_END_FACTS,
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
    "registry",
    "project_id",
    "vintage",
    "quantity",
    "serial_number",
    "recorded_at",
    "actor",
    *DATA_COLUMNS,
    "hash",
    "subject",
)
IMPORT_COLUMNS: Final = (
    "id",
    "filename",
    "state",
    "total",
    "new",
    "existing",
    "conflicting",
    "invalid",
    "written",
    "uploaded_at",
    "finished_at",
    "actor",
    "size_bytes",
    "sha256",
    "message",
)
REGISTRY_COLUMNS: Final = (
    "name",
    "display_name",
    "alias_of",
    *(f"{status.lower()}_{what}" for status in Status for what in ("credits", "tonnes")),
)


@dataclass(frozen=True)
class Table:
    """A list to be downloaded: the name of its file without date, its columns, and its rows in order."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Iterable[Cell]]


def both_files(address: str) -> Callable[[View], View]:
    """Decorate a view that sends a list as a file: its addresses end in the formats."""

    def register(view: View) -> View:
        for file_format in (CSV, JSON):
            rule = f"{address}.{file_format}"
            pages.add_url_rule(rule, view_func=view, defaults={"file_format": file_format})
        return view

    return register


@both_files("/credits")
@allows(Role.VIEWER)
@query_parameters.reads(*PARAMETERS, repeated=REPEATED)
def credits_file(file_format: str) -> Response:
    """Send all credits that match the filter, in the order of the list."""
    credit_list = CreditList.read(request.args)
    # The statuses stand first, because they say what the file is.
    found = sorted(credit_list.filter_parameters, key=lambda each: each[0] != "status")
    name = file_name("credits", [value for _, value in found])
    rows = map(_credit_row, exports.every_credit(credit_list.filter))
    return send_table(Table(name, CREDIT_COLUMNS, rows), file_format)


@both_files("/activity")
@allows(Role.VIEWER)
@query_parameters.reads(*activity.NAMES)
def activity_file(file_format: str) -> Response:
    """Send all events that the filter in the address wants, newest first."""
    wanted, problems = activity.read_filter()
    if problems:
        raise InvalidFields(problems)
    name = file_name("activity", [request.args.get(each, "") for each in activity.NAMES])
    has_words = words_test(wanted)
    found = exports.every_event(wanted.type, event_test(wanted))
    rows = (_event_row(each) for each in found if not wanted.q or has_words(each.event, _lot_of(each)))
    return send_table(Table(name, EVENT_COLUMNS, rows), file_format)


@both_files("/imports")
@allows(Role.VIEWER)
@query_parameters.reads()
def imports_file(file_format: str) -> Response:
    """Send all imports, newest first."""
    rows = (_import_row(found) for found in _every_import())
    return send_table(Table("imports", IMPORT_COLUMNS, rows), file_format)


@both_files("/registries")
@allows(Role.VIEWER)
@query_parameters.reads()
def registries_file(file_format: str) -> Response:
    """Send all names of registries with their sums."""
    rows = map(_registry_row, registries.list_registries())
    return send_table(Table("registries", REGISTRY_COLUMNS, rows), file_format)


def file_name(name: str, filters: Iterable[str]) -> str:
    """Return the name of a file: that of the list, and the values of its filter in ASCII."""
    plain = (unicodedata.normalize("NFKD", canonical(value)).encode("ascii", "ignore") for value in filters)
    words = [re.sub(r"[^a-z0-9]+", "-", value.decode()).strip("-") for value in plain]
    return "-".join(filter(None, [name, *words]))[:_NAME_LENGTH_MAX].rstrip("-")


def _credit_row(exported: ExportedCredit) -> Iterator[Cell]:
    credit, origin, facts = exported.credit, exported.origin, exported.facts
    end_facts = facts_in(exported.data)
    own: Mapping[str, Cell] = {
        "offset": None if origin.offset_e4 is None else quantity_text(origin.offset_e4),
        "parent": origin.parent,
        "replaces": origin.replaces,
        "occurred_on": _text(exported.data.get("occurred_on")),
        **{name: _text(exported.data.get(name)) for name in _END_WORDS},
        **{name: facts.get(name) for name in _FACTS},
        **{name: end_facts.get(name) for name in _END_FACTS},
    }
    return (own[name] if name in own else getattr(credit, name) for name in CREDIT_COLUMNS)


def _lot_of(exported: ExportedEvent) -> Lot | None:
    credit = exported.credit
    if credit is None:
        return None
    values = (credit.id, credit.project_name, credit.registry, credit.vintage, credit.quantity_e4)
    return Lot(*values, credit.serial_number)


def _event_row(exported: ExportedEvent) -> Iterator[Cell]:
    event, credit = exported.event, exported.credit
    for name in EVENT_COLUMNS:
        if name == "project_id":
            yield exported.facts.get(name)
        elif name in DATA_COLUMNS:
            yield _text(event.data.get(name))
        else:  # an entry has no credit, and an event of a credit has no other subject
            yield getattr(event, name, getattr(credit, name, None))


def _import_row(found: ImportView) -> Iterator[Cell]:
    return (getattr(found, name) for name in IMPORT_COLUMNS)


def _every_import() -> Iterator[ImportView]:
    before: int | None = None
    while batch := import_views.list_imports(before, _BATCH):
        yield from batch
        before = batch[-1].id


def _registry_row(registry: RegistryView) -> Iterator[Cell]:
    yield from (registry.name, display_name(registry.name), registry.alias_of)
    for status in Status:
        yield from (registry.sums[status].credits, registry.sums[status].quantity)


def _text(value: object) -> Cell:
    return value if isinstance(value, str | int) else None


def send_table(table: Table, file_format: str) -> Response:
    """Write the file to temporary storage, then send it.

    If the database fails half-way, the response is an error and not a truncated file. The database is
    also released before a slow client starts to read.
    """
    write = {CSV: _write_csv, JSON: _write_json}[file_format]
    with ExitStack() as cleanup:
        file = cleanup.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))
        write(table, file)
        cleanup.pop_all()
    size = file.tell()
    file.seek(0)
    response = send_file(
        file,
        mimetype=MEDIA_TYPES[file_format],
        as_attachment=True,
        download_name=f"{table.name}-{clock.now().date().isoformat()}.{file_format}",
        etag=False,
        max_age=None,
    )
    response.content_length = size
    response.headers["Cache-Control"] = "no-store"
    return response


def _write_csv(table: Table, file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row])
    text.detach()


def _write_json(table: Table, file: IO[bytes]) -> None:
    encode = msgspec.json.Encoder().encode
    before = b"[\n"
    for row in table.rows:
        file.write(
            before + encode(dict(zip(table.columns, map(_json_value, table.columns, row), strict=True)))
        )
        before = b",\n"
    file.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _json_value(name: str, cell: Cell) -> object:
    is_number = name in _NUMBERS or name.endswith("_tonnes")
    return msgspec.Raw(str(cell).encode()) if is_number and cell is not None else cell
