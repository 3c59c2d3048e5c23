"""The sections of each kind of report."""

from collections.abc import Callable, Mapping
from typing import Final

from webapp.ledger import retirements
from webapp.reports import lines
from webapp.reports.content import Column, Section, TableRow
from webapp.reports.figures import LineSum, Sums, by_size, by_tonnes, figures, joined, rows_of
from webapp.reports.question import Kind, Question

_TONNES: Final = Column("tonnes", "Tonnes", "tonnes")
_RETIREMENTS: Final = Column("retirements", "Retirements", "count")
_FIGURES: Final = (_TONNES, Column("share", "Share", "share"), _RETIREMENTS)
_OF_REMOVALS: Final = "The shares of the kinds of removal are of all removals, not of the total."


def _esrs(sums: Sums, question: Question) -> list[Section]:
    total = sums.all
    activity = sums.by_dimension[lines.ACTIVITY]
    removed_e4 = activity["removal"].quantity_e4 if "removal" in activity else 0
    removals = rows_of(sums, lines.REMOVAL, removed_e4, lines.REMOVALS, level=1)
    by_activity = []
    for row in rows_of(sums, lines.ACTIVITY, total.quantity_e4, lines.ACTIVITIES):
        by_activity += [row, *(removals if row.cells[0] == lines.ACTIVITIES["removal"] else [])]
    name = Column("line", "Activity")
    standard, region, adjustment = (Column("line", lines.LABELS[each]) for each in _OTHER_DIMENSIONS)
    return [
        Section(
            "total",
            "Carbon credits cancelled in the year",
            (Column("line", "Figure"), *_FIGURES),
            [total.row(lines.ALL, figures("Total cancelled", total, total.quantity_e4))],
        ),
        Section("activity", "Reduction and removal", (name, *_FIGURES), by_activity, _OF_REMOVALS),
        Section("standard", "By standard", (standard, *_FIGURES), by_size(sums, lines.STANDARD)),
        Section(
            "eu",
            "From projects in the European Union",
            (region, *_FIGURES),
            rows_of(sums, lines.EU, total.quantity_e4, lines.REGIONS),
        ),
        Section(
            "adjustment",
            "Corresponding adjustment under Article 6, as stated",
            (adjustment, *_FIGURES),
            by_size(sums, lines.ADJUSTMENT),
        ),
        _contracted(question),
    ]


_OTHER_DIMENSIONS: Final = (lines.STANDARD, lines.EU, lines.ADJUSTMENT)


def _contracted(question: Question) -> Section:
    columns = (Column("line", "Figure"), _TONNES, Column("source", "Source"))
    stated = question.contracted
    if stated is None:
        rows = [TableRow(("Not stated", None, "No field of the ledger gives it"))]
    else:
        rows = [TableRow(("Stated for this report", stated.quantity_e4, stated.source))]
    note = "This figure was typed for this report. It is not recorded in the ledger." if stated else ""
    return Section("contracted", "To be cancelled later under contracts that exist", columns, rows, note)


_HSC_COLUMNS: Final = (
    Column("project_name", "Project"),
    Column("project_id", "Project ID"),
    Column("registry", "Registry"),
    Column("seller", "Seller"),
    Column("kind", "Removal, avoided or both"),
    Column("site", "Site"),
    Column("protocol", "Protocol"),
    Column("verification", "Third-party verification"),
    _TONNES,
    _RETIREMENTS,
)
_HSC_KINDS: Final = {"reduction": "Avoided", "removal": "Removal", "mixed": "Both"}
_HSC_NOTE: Final = (
    "The seller is not in the ledger and is to be filled in. So is the verification: no field states it. "
    "The site is the country as recorded."
)


def _hsc(sums: Sums, question: Question) -> list[Section]:
    rows = []
    for key, found in by_tonnes(sums.by_dimension[lines.PROJECT]):
        values = found.values or {}
        activities = values[lines.ACTIVITY]
        kinds = {each: _HSC_KINDS.get(each, label) for each, label in activities.items()}
        cells = (
            found.label,
            joined(values["project_id"]),
            joined(values[lines.REGISTRY]),
            "To be filled in",
            joined(kinds),
            joined(values["site"]),
            joined(values["protocol"]),
            lines.NOT_STATED,
            found.quantity_e4,
            found.retirements,
        )
        rows.append(found.row(f"{lines.PROJECT}:{key}", cells))
    title = f"Credits retired in {question.year}, by project"
    return [Section("projects", title, _HSC_COLUMNS, rows, _HSC_NOTE)]


_VINTAGE_COLUMNS: Final = (
    Column("project_name", "Project"),
    Column("registry", "Registry"),
    Column("project_id", "Project ID"),
    Column("vintage", "Vintage"),
    *_FIGURES,
    Column("claimed_year", "Claimed year"),
)


def _yearly(sums: Sums, question: Question) -> list[Section]:
    total = sums.all
    names = dict(zip(question.party_keys, question.parties, strict=True))
    parties = sums.by_dimension[lines.BENEFICIARY]
    for key, found in parties.items():
        found.label = names.get(key, found.label)
    projects = []
    for key, found in by_tonnes(sums.by_dimension[lines.VINTAGE]):
        values = found.values or {}
        cells = (
            found.label,
            joined(values[lines.REGISTRY]),
            joined(values["project_id"]),
            joined(values["vintage"]),
            *figures("", found, total.quantity_e4)[1:],
            joined(values["claimed_year"]),
        )
        projects.append(found.row(f"{lines.VINTAGE}:{key}", cells))
    months = sums.by_dimension[lines.MONTH]
    by_month = [
        months[key].row(f"{lines.MONTH}:{key}", figures(key, months[key], total.quantity_e4))
        for key in sorted(months)
    ]
    return [
        Section(
            "total",
            f"Retired in {question.year}",
            (Column("line", "Figure"), *_FIGURES),
            [total.row(lines.ALL, figures("Total", total, total.quantity_e4))],
        ),
        *(
            Section(name, title, (Column("line", lines.LABELS[name]), *_FIGURES), by_size(sums, name))
            for name, title in ((lines.BENEFICIARY, "For whom"), (lines.REGISTRY, "By registry"))
        ),
        Section("month", "By month", (Column("line", "Month"), *_FIGURES), by_month),
        Section(
            "projects",
            "By project and vintage",
            _VINTAGE_COLUMNS,
            projects,
            "The claimed year is as stated on the retirements. It changes no figure.",
        ),
    ]


# The columns of all sections, which the API describes.
COLUMNS: Final = (Column("line", "Line"), Column("source", "Source"), *_HSC_COLUMNS, *_VINTAGE_COLUMNS)
SECTIONS: Final[Mapping[Kind, Callable[[Sums, Question], list[Section]]]] = {
    Kind.ESRS: _esrs,
    Kind.HSC: _hsc,
    Kind.YEARLY: _yearly,
}


def not_counted(question: Question, undated: LineSum) -> Section:
    unnamed_e4 = retirements.without_beneficiary(question.cut, question.year)
    rows = [
        undated.row(lines.UNDATED, ("For these parties, date not stated", undated.quantity_e4)),
        TableRow(
            (f"In {question.year}, no beneficiary named", unnamed_e4), lines.UNNAMED if unnamed_e4 else ""
        ),
    ]
    return Section(
        "not_counted",
        "Not counted",
        (Column("line", "Figure"), _TONNES),
        rows,
        "Without a date a retirement counts in no year; without a name it counts for nobody.",
    )
