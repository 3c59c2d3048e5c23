"""The rows of an import by what the plan does with them: labels, order, and files to fix and drop again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flask import Response

from webapp.domain.fields import quantity_text
from webapp.imports import views
from webapp.imports.file_rows import LEDGER_COLUMNS
from webapp.imports.formats.own import template_csv
from webapp.imports.plan import Kind
from webapp.imports.staging import DIFFERENCE
from webapp.imports.views import ImportView, RowView
from webapp.web import downloads
from webapp.web.downloads import Table

_BATCH: Final = 1000
# In the order of the page: what needs a look first.
KIND_LABELS: Final = {
    Kind.CONFLICTING: "In conflict",
    Kind.INVALID: "Not valid",
    DIFFERENCE: "Differences, nothing to record",
    Kind.NEW: "New",
    Kind.NEW_RETIRED: "New and retired",
    Kind.NEW_WITHDRAWN: "New and cancelled at the registry",
    Kind.RETIRED: "Retirement of what is held",
    Kind.WITHDRAWN: "Cancellation at the registry of what is held",
    Kind.ADDS_FACTS: "Already recorded, and the file adds facts",
    Kind.EXISTING: "Already recorded",
    Kind.EQUAL: "Named by another row",
    Kind.LEFT_OUT: "Left out",
}
_NOTES: Final = {
    Kind.CONFLICTING: "refused, because the ledger or another row contradicts them",
    Kind.INVALID: "refused, because a value is not valid",
    DIFFERENCE: "the file and the ledger say different things about tonnes that are recorded",
    Kind.NEW: "recorded as active",
    Kind.NEW_RETIRED: "recorded, and retired in the same step",
    Kind.NEW_WITHDRAWN: "recorded, and never counted as active, sold or retired",
    Kind.RETIRED: "active or sold here, and retired by this import",
    Kind.WITHDRAWN: "active or sold here, and cancelled at the registry",
    Kind.ADDS_FACTS: "what the ledger does not know yet is added by an amendment",
    Kind.EXISTING: "unchanged",
    Kind.EQUAL: "counted once, with the other row",
    Kind.LEFT_OUT: "not recorded, as chosen, and compared with the ledger",
}


@dataclass(frozen=True)
class KindView:
    """One line of the plan."""

    kind: str
    label: str
    note: str
    rows: int
    quantity_e4: int


def kinds_of(found: ImportView) -> list[KindView]:
    """Return the lines of the plan: the kinds that have rows."""
    return [
        KindView(str(kind), label, _NOTES[kind], counted["rows"], counted["e4"])
        for kind, label in KIND_LABELS.items()
        if (counted := found.summary.kinds.get(str(kind)))
    ]


def first_kind(found: ImportView) -> str | None:
    """Return the kind whose rows are shown first; rows that are the ledger's now are not kept."""
    kept = [
        line.kind for line in kinds_of(found) if found.is_open or line.kind not in {Kind.NEW, Kind.EXISTING}
    ]
    return kept[0] if kept else None


def send(found: ImportView, kind: str | None) -> Response:
    """Send the rows of a kind, or of all, with the columns of the file and a reason."""
    headers = list(dict.fromkeys(header for row in _all_rows(found.id, kind) for header in row.cells))
    columns = [*headers, *LEDGER_COLUMNS]
    name = f"import-{found.id}-{kind or 'rows'}"
    return downloads.send_table(Table(name, columns, _cells(found.id, kind, headers)), downloads.CSV)


def send_template() -> Response:
    """Send the template of a file that needs no mapping."""
    response = Response(template_csv(), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=credits-template.csv"
    return response


def _cells(import_id: int, kind: str | None, headers: list[str]) -> Iterator[list[downloads.Cell]]:
    for row in _all_rows(import_id, kind):
        label = KIND_LABELS[Kind(row.kind) if row.kind != DIFFERENCE else DIFFERENCE]
        told: list[downloads.Cell] = [row.row or None, label, quantity_text(row.quantity_e4), row.detail]
        yield [*(row.cells.get(header) for header in headers), *told]


def _all_rows(import_id: int, kind: str | None) -> Iterator[RowView]:
    after = 0
    while batch := views.rows(import_id, kind, after, _BATCH):
        yield from batch
        after = batch[-1].number
