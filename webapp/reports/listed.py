"""The retirements behind a report as rows of a table, the same for pages and files."""

from typing import Final

from webapp.ledger.retirements import Retirement
from webapp.reports.content import Cell, Column

COLUMNS: Final = (
    Column("act", "No.", "count"),
    Column("occurred_on", "Date", "day"),
    Column("recorded_at", "Recorded", "time"),
    Column("beneficiary", "Beneficiary"),
    Column("claimed_year", "Claimed year"),
    Column("project_name", "Project"),
    Column("registry", "Registry"),
    Column("project_id", "Project ID"),
    Column("vintage", "Vintage"),
    Column("tonnes", "Tonnes", "tonnes"),
    Column("serial_number", "Serial number"),
    Column("programme", "Standard"),
    Column("activity", "Activity"),
    Column("removal_kind", "Kind of removal"),
    Column("country", "Country"),
    Column("methodology", "Methodology"),
    Column("corresponding_adjustment", "Corresponding adjustment"),
    Column("reason", "Reason"),
    Column("reference", "Reference"),
    Column("date_source", "Source of the date"),
    Column("retirement_id", "Retirement ID of the registry"),
    Column("credit", "Credit"),
    Column("hash", "Event hash"),
)
_FACTS: Final = frozenset(
    "project_id programme activity removal_kind country methodology corresponding_adjustment".split()
)


def cells_of(retirement: Retirement) -> tuple[Cell, ...]:
    """Return the cells of a retirement, in the order of COLUMNS. Absent texts are empty."""
    own: dict[str, Cell] = {
        "act": retirement.position,
        "occurred_on": retirement.occurred_on,
        "recorded_at": retirement.recorded_at,
        "beneficiary": retirement.beneficiary,
        "project_name": retirement.project_name,
        "registry": retirement.registry,
        "vintage": str(retirement.vintage),
        "tonnes": retirement.quantity_e4,
        "serial_number": retirement.serial_number,
        "credit": retirement.credit_id,
        "hash": retirement.hash,
    }
    others = (retirement.facts if name in _FACTS else retirement.words for name in _NAMES)
    return tuple(
        own[name] if name in own else words.get(name, "") for name, words in zip(_NAMES, others, strict=True)
    )


_NAMES: Final = tuple(column.name for column in COLUMNS)
