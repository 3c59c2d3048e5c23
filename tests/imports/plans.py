"""Rows, plans and their results for the tests of the planner."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from sqlalchemy import select, true

from webapp.accounts.actors import LOCAL
from webapp.domain.credit import parse_credit
from webapp.domain.fields import E4
from webapp.domain.import_row import ImportRow, StatedEnd
from webapp.domain.lifecycle import EventType
from webapp.imports.plan import Plan, PlanOptions
from webapp.imports.planner import make_plan
from webapp.imports.recording import RecordedFile, record_plan
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.projection_tables import credit_states, serial_blocks

_numbers = count(1)
SERIES = "GS1-1-KE-GS99603-16-2025-30256"
RETIRED = StatedEnd(EventType.RETIRED, "2026-04-10", {"beneficiary": "Acme Tools"})
WITHDRAWN = StatedEnd(EventType.WITHDRAWN, "2026-04-11", {"reason": "Buffer pool"})


_VALUES = {"project_name": "Lake Shore Stoves", "registry": "gold-standard", "vintage": "2025"}


def row(
    first: int,
    last: int,
    end: StatedEnd | None = None,
    *,
    issued: bool = False,
    series: str = SERIES,
    vintage: str = "2025",
) -> ImportRow:
    """Return a row that names the numbers `first` to `last`."""
    block = {"serial_number": f"{series}-{first}-{last}", "quantity": str(last - first + 1)}
    credit = parse_credit({**_VALUES, **block, "vintage": vintage})
    return ImportRow(1, credit, end=end, is_issuance=issued)


def plain(changes: Mapping[str, str], end: StatedEnd | None = None) -> ImportRow:
    """Return a row that names no numbers."""
    return ImportRow(1, parse_credit({**_VALUES, **changes}), end=end)


def numbered(rows: Iterable[ImportRow]) -> list[ImportRow]:
    """Return the rows with their numbers in the file."""
    return [replace(each, number=number) for number, each in enumerate(rows, start=1)]


def planned(rows: Sequence[ImportRow], **options: object) -> Plan:
    """Return the plan of rows."""
    with reading() as connection:
        return make_plan(connection, numbered(rows), PlanOptions(**options))  # type: ignore[arg-type]


def imported(rows: Sequence[ImportRow], **options: object) -> Plan:
    """Plan the rows and write the plan."""

    def action(transaction: Transaction) -> Plan:
        plan = make_plan(transaction.connection, numbered(rows), PlanOptions(**options))  # type: ignore[arg-type]
        record_plan(transaction, plan, LOCAL, RecordedFile(next(_numbers), "rows.csv", "0" * 64))
        return plan

    return commit(action, is_exclusive=True)


def tonnes(plan: Plan) -> dict[str, float]:
    """Return the tonnes of each kind that has any."""
    return {str(kind): e4 / E4 for kind, e4 in plan.tonnes().items() if e4}


def status_of_numbers(of: ImportRow | None = None) -> dict[int, str]:
    """Return the status of each number that the ledger holds, in the series of a row if one is given."""
    block = of and of.credit and of.credit.block
    with reading() as connection:
        found = connection.execute(
            select(serial_blocks.c.first, serial_blocks.c.last, credit_states.c.status)
            .join(credit_states, credit_states.c.credit == serial_blocks.c.credit)
            .where(serial_blocks.c.is_held == 1, serial_blocks.c.series == block.series if block else true())
        )
        return {number: status for first, last, status in found for number in range(first, last + 1)}
