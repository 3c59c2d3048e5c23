"""Files of this ledger and of the programs that it came from, and the template that can be downloaded."""

import csv
import io
from typing import Final

from webapp.domain.credit import FIELDS, REPLACES
from webapp.imports.formats.format import (
    CREDIT_FACT_FIELDS,
    END_FIELDS,
    OWN_FIELDS,
    FileMeaning,
    Format,
)

_RECORD: Final = ("id", "project_name", "registry", "vintage", "quantity", "serial_number")
_RECORD_COLUMNS: Final = {spec.name: spec.name for spec in (*FIELDS, REPLACES)}

OWN_RECORDS: Final = Format(
    key="own-records",
    name="credits of this ledger",
    meaning=FileMeaning.OWN,
    identified_by=_RECORD,
    columns={
        **dict.fromkeys((*OWN_FIELDS, "changed_at", "buyer", *END_FIELDS, *CREDIT_FACT_FIELDS), ""),
        **_RECORD_COLUMNS,
        "status": "status",
    },
    is_public_export=False,
)
# The records of the programs whose data and scripts people bring: ids of their own, which mean nothing
# here, and `events` or a `message` beside the fields.
OTHER_LEDGER_RECORDS: Final = Format(
    key="other-ledger-records",
    name="records of another ledger program",
    meaning=FileMeaning.STATE,
    identified_by=_RECORD,
    columns={**dict.fromkeys((*OWN_FIELDS, "message"), ""), **_RECORD_COLUMNS, "status": "status"},
    is_public_export=False,
)
OWN_ACTIVITY: Final = Format(
    key="own-activity",
    name="our list of events",
    meaning=FileMeaning.EVENTS,
    identified_by=("position", "event_type", "credit_id", "seq", "hash"),
    columns={},
    is_public_export=False,
)
OWN_FEED: Final = Format(
    key="own-feed",
    name="our list of events",
    meaning=FileMeaning.EVENTS,
    identified_by=("position", "event_type", "record_id", "seq", "hash"),
    columns={},
    is_public_export=False,
)
OTHER_LEDGER_EVENTS: Final = Format(
    key="other-ledger-events",
    name="the events of another ledger program",
    meaning=FileMeaning.EVENTS,
    identified_by=("id", "record_id", "event_type", "payload", "created_at"),
    columns={},
    is_public_export=False,
)

# OWN_RECORDS is not among them: only the ids tell our own records from those of other programs.
FORMATS_BY_HEADERS: Final = (OTHER_LEDGER_RECORDS, OWN_ACTIVITY, OWN_FEED, OTHER_LEDGER_EVENTS)

_TEMPLATE: Final = (
    ("project_name", "Example Project"),
    ("registry", "VCS"),
    ("vintage", "2023"),
    ("quantity", "100"),
    ("serial_number", "EXAMPLE-1"),
    ("project_id", "EXAMPLE"),
    ("country", "Indonesia"),
    ("project_type", "Blue carbon"),
    ("status", "Retired"),
    ("occurred_on", "2026-01-31"),
    ("beneficiary", "Acme Airlines"),
    ("reason", "Flights of 2025"),
)


def template_csv() -> str:
    """Return a CSV file with the headers that need no mapping and one example row."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([name for name, _ in _TEMPLATE])
    writer.writerow([value for _, value in _TEMPLATE])
    return text.getvalue()
