"""The content of a report: its sections, each a table, with the retirements behind each row.

Pages and files show the same sections (``tables``, ``data``, ``pdf``). The rules are in "Reports" in
docs/ledger.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from webapp.ledger import retirements
from webapp.ledger.retirements import KnownNames, Retirement
from webapp.reports import lines
from webapp.reports.lines import Bucket
from webapp.reports.question import TITLES, Kind, Question

Cell = str | int | None
Form = Literal["text", "tonnes", "share", "count", "day", "time"]


class Column(NamedTuple):
    """A column: its name in data, its heading, and the form of its cells.

    Tonnes are ints of ten-thousandths. A share is a text such as "12.5 %", None of nothing. A day is
    `YYYY-MM-DD`, empty if it is not stated; a time is as in events.
    """

    name: str
    label: str
    form: Form = "text"


class TableRow(NamedTuple):
    """A row: its cells, and what is behind it.

    `line` names the retirements behind it, empty if there are none. `position` is that of the one
    retirement behind it, None for several. `level` is 1 for a part of the row above.
    """

    cells: Sequence[Cell]
    line: str = ""
    position: int | None = None
    level: int = 0


@dataclass(frozen=True)
class Section:
    """A table of a report, with a note below it."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    note: str = ""


@dataclass(frozen=True)
class Party:
    """A chosen party, with all names that were joined to it, in canonical form."""

    name: str
    names: Sequence[str]


@dataclass(frozen=True)
class Report:
    """A report. `keys` are the credits whose retirements count, `undated_keys` those that state no date.

    `changes` are sections about what differs from the earlier report, None without one.
    """

    question: Question
    names: KnownNames
    parties: Sequence[Party]
    quantity_e4: int
    keys: Sequence[int]
    undated_keys: Sequence[int]
    sections: Sequence[Section]
    changes: Sequence[Section] | None = None

    @property
    def title(self) -> str:
        """Its title, with the year."""
        return f"{TITLES[self.question.kind]}, {self.question.year}"

    def retirements(self, line: str = lines.ALL) -> Iterator[Retirement]:
        """Yield the retirements behind a line; by default all that count."""
        keys = self.undated_keys if line == lines.UNDATED else self.keys
        for retirement in retirements.retirements(self.question.cut, keys):
            if lines.counts_in(line, retirement, self.names):
                yield retirement


_TONNES: Final = Column("tonnes", "Tonnes", "tonnes")
_RETIREMENTS: Final = Column("retirements", "Retirements", "count")
_FIGURES: Final = (_TONNES, Column("share", "Share", "share"), _RETIREMENTS)
_OF_REMOVALS: Final = "The kinds of removal are shares of the removals."


@dataclass
class _Sum:
    """What counts in a line."""

    label: str
    quantity_e4: int = 0
    retirements: int = 0
    position: int = 0
    values: Mapping[str, dict[str, str]] | None = None

    def add(self, retirement: Retirement) -> None:
        self.quantity_e4 += retirement.quantity_e4
        self.retirements += 1
        self.position = retirement.position

    def row(self, line: str, cells: Sequence[Cell], level: int = 0) -> TableRow:
        position = self.position if self.retirements == 1 else None
        return TableRow(cells, line if self.retirements else "", position, level)


class Sums:
    """Adds retirements up by line."""

    def __init__(self, names: KnownNames) -> None:
        """Start with nothing."""
        self._names = names
        self.all = _Sum("")
        self.by_dimension: dict[str, dict[str, _Sum]] = {name: {} for name in lines.LABELS}

    def add(self, retirement: Retirement) -> None:
        """Add a retirement to every line in which it counts."""
        self.all.add(retirement)
        counted = list(lines.buckets(retirement, self._names))
        for bucket in counted:
            found = self.by_dimension[bucket.dimension].get(bucket.key)
            if found is None:
                found = self.by_dimension[bucket.dimension][bucket.key] = _Sum(bucket.label)
            found.add(retirement)
            if bucket.dimension in {lines.PROJECT, lines.VINTAGE}:
                _note_values(found, retirement, counted)


# What rows of projects state, by name: the texts of one retirement.
_VALUES: Final[Mapping[str, Callable[[Retirement], str]]] = {
    "project_id": lambda r: r.facts.get("project_id", ""),
    "site": lambda r: r.facts.get("country", ""),
    "protocol": lambda r: r.facts.get("methodology", ""),
    "vintage": lambda r: str(r.vintage),
    "claimed_year": lambda r: r.words.get("claimed_year", ""),
}


def _note_values(found: _Sum, retirement: Retirement, counted: Sequence[Bucket]) -> None:
    if found.values is None:
        found.values = {name: {} for name in (*_VALUES, lines.REGISTRY, lines.ACTIVITY)}
    for name, value_of in _VALUES.items():
        text = value_of(retirement)
        found.values[name].setdefault(text.casefold(), text)
    for bucket in counted:
        if bucket.dimension in {lines.REGISTRY, lines.ACTIVITY}:
            found.values[bucket.dimension].setdefault(bucket.key, bucket.label)


def report_of(question: Question) -> Report:
    """Return the report without a comparison."""
    names = retirements.names_at(question.cut.position, question.party_keys)
    keys = retirements.keys_retired(question.cut, names.party_keys, question.year)
    undated_keys = retirements.keys_retired(question.cut, names.party_keys, None)
    sums, undated = Sums(names), _Sum("Date not stated")
    for retirement in retirements.retirements(question.cut, keys):
        sums.add(retirement)
    for retirement in retirements.retirements(question.cut, undated_keys):
        undated.add(retirement)
    parties = [
        Party(name, names.parties[key])
        for name, key in zip(question.parties, question.party_keys, strict=True)
    ]
    sections = [*_SECTIONS[question.kind](sums, question), _not_counted(question, undated)]
    return Report(question, names, parties, sums.all.quantity_e4, keys, undated_keys, sections)


def share_text(part_e4: int, whole_e4: int) -> str | None:
    """Return a share in percent with at most two decimals, "12.5 %"; None of nothing.

    Only a whole is "100 %", and only nothing is "0 %".
    """
    if not whole_e4:
        return None
    share = (Decimal(100) * part_e4 / whole_e4).quantize(Decimal("0.01"))
    if part_e4 and not share:
        return "< 0.01 %"
    if part_e4 < whole_e4 and share == 100:  # noqa: PLR2004 - percent
        return "> 99.99 %"
    return f"{share.normalize():f} %"


def _esrs(sums: Sums, question: Question) -> list[Section]:
    total = sums.all
    activity = sums.by_dimension[lines.ACTIVITY]
    removed_e4 = activity["removal"].quantity_e4 if "removal" in activity else 0
    removals = _rows(sums, lines.REMOVAL, removed_e4, lines.REMOVALS, level=1)
    by_activity = []
    for row in _rows(sums, lines.ACTIVITY, total.quantity_e4, lines.ACTIVITIES):
        by_activity += [row, *(removals if row.cells[0] == lines.ACTIVITIES["removal"] else [])]
    name = Column("line", "Activity")
    standard, region, adjustment = (Column("line", lines.LABELS[each]) for each in _OTHER_DIMENSIONS)
    return [
        Section(
            "total",
            "Carbon credits cancelled in the year",
            (Column("line", "Figure"), *_FIGURES),
            [total.row(lines.ALL, _figures("Total cancelled", total, total.quantity_e4))],
        ),
        Section("activity", "Reduction and removal", (name, *_FIGURES), by_activity, _OF_REMOVALS),
        Section("standard", "By standard", (standard, *_FIGURES), _by_size(sums, lines.STANDARD)),
        Section(
            "eu",
            "From projects in the European Union",
            (region, *_FIGURES),
            _rows(sums, lines.EU, total.quantity_e4, lines.REGIONS),
        ),
        Section(
            "adjustment",
            "Corresponding adjustment under Article 6, as stated",
            (adjustment, *_FIGURES),
            _by_size(sums, lines.ADJUSTMENT),
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
    for key, found in _sized(sums.by_dimension[lines.PROJECT]):
        values = found.values or {}
        activities = values[lines.ACTIVITY]
        kinds = {each: _HSC_KINDS.get(each, label) for each, label in activities.items()}
        cells = (
            found.label,
            _joined(values["project_id"]),
            _joined(values[lines.REGISTRY]),
            "To be filled in",
            _joined(kinds),
            _joined(values["site"]),
            _joined(values["protocol"]),
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
    for key, found in _sized(sums.by_dimension[lines.VINTAGE]):
        values = found.values or {}
        cells = (
            found.label,
            _joined(values[lines.REGISTRY]),
            _joined(values["project_id"]),
            _joined(values["vintage"]),
            *_figures("", found, total.quantity_e4)[1:],
            _joined(values["claimed_year"]),
        )
        projects.append(found.row(f"{lines.VINTAGE}:{key}", cells))
    months = sums.by_dimension[lines.MONTH]
    by_month = [
        months[key].row(f"{lines.MONTH}:{key}", _figures(key, months[key], total.quantity_e4))
        for key in sorted(months)
    ]
    return [
        Section(
            "total",
            f"Retired in {question.year}",
            (Column("line", "Figure"), *_FIGURES),
            [total.row(lines.ALL, _figures("Total", total, total.quantity_e4))],
        ),
        *(
            Section(name, title, (Column("line", lines.LABELS[name]), *_FIGURES), _by_size(sums, name))
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


_SECTIONS: Final[Mapping[Kind, Callable[[Sums, Question], list[Section]]]] = {
    Kind.ESRS: _esrs,
    Kind.HSC: _hsc,
    Kind.YEARLY: _yearly,
}


def _not_counted(question: Question, undated: _Sum) -> Section:
    unnamed_e4 = retirements.without_beneficiary(question.cut, question.year)
    rows = [
        undated.row(lines.UNDATED, ("For these parties, date not stated", undated.quantity_e4)),
        TableRow((f"In {question.year}, no beneficiary named", unnamed_e4)),
    ]
    return Section(
        "not_counted",
        "Not counted",
        (Column("line", "Figure"), _TONNES),
        rows,
        "Without a date a retirement counts in no year; without a name it counts for nobody.",
    )


def _figures(label: str, found: _Sum, whole_e4: int) -> tuple[Cell, ...]:
    return label, found.quantity_e4, share_text(found.quantity_e4, whole_e4), found.retirements


def _rows(
    sums: Sums, dimension: str, whole_e4: int, fixed: Mapping[str, str], level: int = 0
) -> list[TableRow]:
    """Return the fixed lines of a dimension, also without tonnes, and before "not stated" the others."""
    found = sums.by_dimension[dimension]
    others = {key: each.label for key, each in _sized(found) if key not in fixed}
    labels = {**{key: label for key, label in fixed.items() if key}, **others, "": fixed[""]}
    rows = []
    for key, label in labels.items():
        each = found.get(key, _Sum(label))
        rows.append(each.row(f"{dimension}:{key}", _figures(label, each, whole_e4), level))
    return rows


def _by_size(sums: Sums, dimension: str) -> list[TableRow]:
    """Return the lines of a dimension, most tonnes first and "not stated" last, also without tonnes."""
    found = dict(_sized(sums.by_dimension[dimension]))
    fixed = {"": lines.NOT_STATED} if dimension in {lines.STANDARD, lines.ADJUSTMENT} else {}
    last = {key: found.pop(key, _Sum(label)) for key, label in fixed.items()}
    whole_e4 = sums.all.quantity_e4
    return [
        each.row(f"{dimension}:{key}", _figures(each.label, each, whole_e4))
        for key, each in (found | last).items()
    ]


def _sized(found: Mapping[str, _Sum]) -> list[tuple[str, _Sum]]:
    return sorted(found.items(), key=lambda each: (-each[1].quantity_e4, each[0]))


def _joined(values: Mapping[str, str]) -> str:
    """Return different texts as one; an empty one is "not stated" and comes last."""
    ordered = sorted(values, key=lambda key: (not key, key))
    return "; ".join(values[key] or lines.NOT_STATED for key in ordered)
