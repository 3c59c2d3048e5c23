"""The demo data of `make demo`: the sample credits with sales and retirements, one of them partial.

The companies are fictitious. Loading the data again adds nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webapp.config import ROOT
from webapp.domain.errors import ActionNotAllowed
from webapp.imports import jobs
from webapp.imports.file_rows import read_file
from webapp.imports.options import ImportOptions
from webapp.ledger import queries
from webapp.ledger.commands import retire_credit, sell_credit

SAMPLE: Final = ROOT / "sample-registry.json"

# By serial number, in order of their dates.
SALES: Final[dict[str, Mapping[str, str]]] = {
    "GS-2002": {
        "buyer": "Fjordline Ferries",
        "occurred_on": "2024-03-14",
        "reference": "FF-2024-017",
    },
    "ACR-3005": {
        "buyer": "Lindqvist Shipping",
        "occurred_on": "2024-06-03",
        "reference": "Contract 8841",
    },
    "ACR-4021": {"buyer": "Aurora Data Centres", "occurred_on": "2025-02-20"},
    "GS-1001": {
        "buyer": "Casa Verde Hotels",
        "occurred_on": "2025-09-11",
        "reference": "PO 2025/311",
        "note": "First of two deliveries.",
    },
    "VCS-0777": {"buyer": "Lindqvist Shipping", "occurred_on": "2026-04-28", "reference": "Contract 9120"},
}
RETIREMENTS: Final[dict[str, Mapping[str, str]]] = {
    "VCS-2220": {
        "beneficiary": "Hartmann Steelworks",
        "reason": "Residual emissions of 2023",
        "occurred_on": "2024-01-31",
    },
    "GS-2002": {
        "beneficiary": "Fjordline Ferries",
        "reason": "Summer crossings of 2024",
        "occurred_on": "2024-11-05",
        "reference": "FF-RET-2024",
    },
    "ACR-3005": {
        "beneficiary": "Lindqvist Shipping",
        "reason": "Voyages of 2024",
        "occurred_on": "2025-01-15",
    },
    "GS-3055": {
        "quantity": "120",
        "beneficiary": "Monsoon Textiles",
        "reason": "Dye works of 2025",
        "occurred_on": "2026-01-22",
        "note": "A part of the batch; the rest stays active.",
    },
    "VCS-0456": {
        "beneficiary": "City of Oakmere",
        "reason": "Bus fleet of 2025",
        "occurred_on": "2026-02-09",
        "note": "Decided by the council on 2 February 2026.",
    },
}


@dataclass(frozen=True)
class Added:
    """The numbers of credits, sales and retirements that `load` added."""

    credits: int = 0
    sales: int = 0
    retirements: int = 0


def load(actor: str, sample: Path = SAMPLE) -> Added:
    """Record the demo data that is not recorded yet. Raises OSError if the sample cannot be read."""
    content = sample.read_bytes()
    credits = [row.credit for row in read_file(content, ImportOptions()).rows if row.credit]
    recorded = queries.find_credits([credit.id for credit in credits])
    written = 0
    if len(recorded) < len(credits):
        written = jobs.import_now(content, sample.name, actor, skip_invalid=True).view.written
    ids = {credit.serial_number or "": credit.id for credit in credits}
    sales = sum(_sell(ids[serial], values, actor) for serial, values in SALES.items())
    retirements = sum(_retire(ids[serial], values, actor) for serial, values in RETIREMENTS.items())
    return Added(written, sales, retirements)


def _sell(credit_id: str, values: Mapping[str, str], actor: str) -> bool:
    """Sell the credit. Return False if its status does not allow it."""
    try:
        sell_credit(credit_id, values, actor)
    except ActionNotAllowed:
        return False
    return True


def _retire(credit_id: str, values: Mapping[str, str], actor: str) -> bool:
    """Retire the credit. Return False if its status does not allow it."""
    try:
        retire_credit(credit_id, values, actor)
    except ActionNotAllowed:
        return False
    return True
