"""What differs between a report and the same report as known at an earlier time.

A retirement *left* if it no longer counts, *entered* if it was recorded before and counts now, is *late*
if it was recorded after the earlier report, and is *restated* if it counts in other lines now.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from webapp.domain.text import canonical
from webapp.ledger import retirements
from webapp.ledger.as_of import Cut
from webapp.ledger.retirements import KnownNames, Retirement
from webapp.reports import lines
from webapp.reports.content import Column, Report, Section, TableRow

_COLUMNS: Final = (
    Column("act", "No.", "count"),
    Column("occurred_on", "Date", "day"),
    Column("recorded_at", "Recorded", "time"),
    Column("beneficiary", "Beneficiary"),
    Column("project_name", "Project"),
    Column("vintage", "Vintage"),
    Column("tonnes", "Tonnes", "tonnes"),
    Column("why", "What differs"),
)
_SUM_COLUMNS: Final = (
    Column("line", "Figure"),
    Column("retirements", "Retirements", "count"),
    Column("tonnes", "Tonnes", "tonnes"),
)


def compared(report: Report) -> Report:
    """Return the report with what differs from the earlier one, or as it is if its question names none."""
    before = report.question.compared_with
    if before is None:
        return report
    now = report.question.cut
    names_before = retirements.names_at(before.position, report.question.party_keys)
    keys_before = retirements.keys_retired(before, names_before.party_keys, report.question.year)
    here, there = set(report.keys), set(keys_before)
    left = [key for key in keys_before if key not in here]
    new = [key for key in report.keys if key not in there]
    late = [r for r in retirements.retirements(now, new) if r.position > before.position]
    entered_keys = [key for key in new if key not in {r.key for r in late}]
    sections = [
        Section("left", "Left", _COLUMNS, list(_left(before, now, left))),
        Section("entered", "Entered", _COLUMNS, list(_entered(before, now, entered_keys))),
        Section("late", "Late", _COLUMNS, [_row(each, "Recorded after the earlier report") for each in late]),
        Section(
            "restated",
            "Restated",
            _COLUMNS,
            list(_restated(report, names_before, [key for key in report.keys if key in there])),
        ),
    ]
    tonnes_before = sum(r.quantity_e4 for r in retirements.retirements(before, keys_before))
    rows = [TableRow(("In the earlier report", len(keys_before), tonnes_before))]
    for section, sign in zip(sections, (-1, 1, 1, 0), strict=True):
        amount = sum(int(row.cells[6] or 0) for row in section.rows)
        label = section.title if sign else "Restated, with the same tonnes"
        rows.append(TableRow((label, len(section.rows), amount * (sign or 1))))
    rows.append(TableRow(("In this report", len(report.keys), report.quantity_e4)))
    summary = Section("changes", "What changed", _SUM_COLUMNS, rows)
    return replace(report, changes=[summary, *sections])


def _pairs(one: Cut, other: Cut, keys: Sequence[int]) -> Iterator[tuple[Retirement, Retirement | None]]:
    """Yield the retirements of these credits as known at one cut, with what is known of each at the other."""
    others = {retirement.key: retirement for retirement in retirements.retirements(other, keys)}
    for retirement in retirements.retirements(one, keys):
        yield retirement, others.get(retirement.key)


def _left(before: Cut, now: Cut, keys: Sequence[int]) -> Iterator[TableRow]:
    for was, other in _pairs(before, now, keys):
        yield _row(was, _difference(was, other, "Is now", "Its name was separated from the party"))


def _entered(before: Cut, now: Cut, keys: Sequence[int]) -> Iterator[TableRow]:
    for each, was in _pairs(now, before, keys):
        yield _row(each, _difference(each, was, "Was", "Its name was joined to the party"))


def _row(retirement: Retirement, why: str) -> TableRow:
    cells = (
        retirement.position,
        retirement.occurred_on,
        retirement.recorded_at,
        retirement.beneficiary,
        retirement.project_name,
        str(retirement.vintage),
        retirement.quantity_e4,
        why,
    )
    return TableRow(cells, "", retirement.position)


def _difference(one: Retirement, other: Retirement | None, verb: str, otherwise: str) -> str:
    said = []
    if other and other.occurred_on != one.occurred_on:
        said.append(f"dated {other.occurred_on}" if other.occurred_on else "without a date")
    if other and canonical(other.beneficiary) != canonical(one.beneficiary):
        said.append(f"for {other.beneficiary}" if other.beneficiary else "for nobody named")
    return f"{verb} {', '.join(said)}" if said else otherwise


def _restated(report: Report, names_before: KnownNames, keys: Sequence[int]) -> Iterator[TableRow]:
    """Yield the retirements that count in both reports, but in other lines."""
    before = retirements.retirements(_cut_before(report), keys)
    for was, now in zip(before, retirements.retirements(report.question.cut, keys), strict=True):
        if was == now:
            continue
        old = {each.dimension: each for each in lines.buckets(was, names_before)}
        new = {each.dimension: each for each in lines.buckets(now, report.names)}
        said = [
            f"{lines.LABELS[name]}: {_label(old, name)} \u2192 {_label(new, name)}"
            for name in lines.LABELS
            if _key(old, name) != _key(new, name)
        ]
        if said:
            yield _row(now, "; ".join(said))


def _cut_before(report: Report) -> Cut:
    before = report.question.compared_with
    return report.question.cut if before is None else before


def _key(found: Mapping[str, lines.Bucket], dimension: str) -> str | None:
    return found[dimension].key if dimension in found else None


def _label(found: Mapping[str, lines.Bucket], dimension: str) -> str:
    return found[dimension].label if dimension in found else "none"
