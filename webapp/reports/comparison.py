"""What differs between a report and the same report as known at an earlier time.

A retirement *left* if it no longer counts, *entered* if it was recorded before and counts now, is *late*
if it was recorded after the earlier report, and is *restated* if its words, facts or names differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from webapp.domain.text import canonical
from webapp.ledger import retirements
from webapp.ledger.as_of import Cut
from webapp.ledger.retirements import KnownNames, Retirement
from webapp.reports import listed
from webapp.reports.content import Column, Report, Section, TableRow
from webapp.reports.listed import cells_of

COLUMNS: Final = (
    Column("act", "No.", "count"),
    Column("occurred_on", "Date", "day"),
    Column("recorded_at", "Recorded", "time"),
    Column("beneficiary", "Beneficiary"),
    Column("project_name", "Project"),
    Column("vintage", "Vintage"),
    Column("tonnes", "Tonnes", "tonnes"),
    Column("why", "What differs"),
)
_TONNES: Final = [column.name for column in COLUMNS].index("tonnes")
_SUM_COLUMNS: Final = (
    Column("line", "Figure"),
    Column("retirements", "Retirements", "count"),
    Column("tonnes", "Tonnes", "tonnes"),
)


def compared(report: Report) -> Report:
    """Return the report with what differs from the earlier one, or as it is if its question names none."""
    question = report.question
    before, now = question.compared_with, question.cut
    if before is None:
        return report
    names_before = retirements.names_at(before.position, question.party_keys)
    keys_before = retirements.keys_retired(before, names_before.party_keys, question.year)
    here, there = set(report.keys), set(keys_before)
    left = [key for key in keys_before if key not in here]
    new = [key for key in report.keys if key not in there]
    kept = [key for key in report.keys if key in there]
    late: list[TableRow] = []
    entered: list[int] = []
    for each in retirements.retirements(now, new):
        if each.position > before.position:
            late.append(_row(each, "Recorded after the earlier report"))
        else:
            entered.append(each.key)
    sections = [
        Section("left", "Left", COLUMNS, list(_left(before, now, left))),
        Section("entered", "Entered", COLUMNS, list(_entered(before, now, entered))),
        Section("late", "Late", COLUMNS, late),
        Section("restated", "Restated", COLUMNS, list(_restated(before, now, kept, names_before, report))),
    ]
    amounts = [sum(int(row.cells[_TONNES] or 0) for row in section.rows) for section in sections]
    # No event changes the quantity of a credit, so the earlier sum follows from what differs.
    e4_before = report.quantity_e4 + amounts[0] - amounts[1] - amounts[2]
    rows = [
        TableRow(("In the earlier report", len(keys_before), e4_before)),
        TableRow(("Left", len(left), -amounts[0])),
        TableRow(("Entered", len(entered), amounts[1])),
        TableRow(("Late", len(late), amounts[2])),
        TableRow(("In this report", len(report.keys), report.quantity_e4)),
        TableRow(("Restated, with the same tonnes", len(sections[3].rows), amounts[3])),
    ]
    return replace(report, changes=[Section("changes", "What changed", _SUM_COLUMNS, rows), *sections])


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


def _restated(
    before: Cut, now: Cut, keys: Sequence[int], names_before: KnownNames, report: Report
) -> Iterator[TableRow]:
    """Yield the retirements that count in both reports, but say something else now."""
    earlier = retirements.retirements(before, keys)
    for was, each in zip(earlier, retirements.retirements(now, keys), strict=True):
        said = [
            f"{column.label}: {old or 'not stated'} \u2192 {new or 'not stated'}"
            for column, old, new in zip(listed.COLUMNS, cells_of(was), cells_of(each), strict=True)
            if old != new
        ]
        key = canonical(each.registry)
        old_key, new_key = names_before.registries.key(key), report.names.registries.key(key)
        if old_key != new_key:
            said.append(f"Registry: a name of {old_key} \u2192 of {new_key}")
        if said:
            yield _row(each, "; ".join(said))
