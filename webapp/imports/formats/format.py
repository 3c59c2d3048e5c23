"""What a recognised file format is: its kind, the headers that identify it, and what its columns mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from webapp.domain.credit import FIELDS, REPLACES
from webapp.domain.facts import CREDIT_FACTS, FACTS, RETIREMENT_FACTS, WITHDRAWAL_FACTS
from webapp.domain.lifecycle import EventType
from webapp.domain.text import canonical
from webapp.imports.cell_values import DecimalSign, Order

# Longer than any header that is recognised.
_HEADER_MAX: Final = 200
_SEPARATORS: Final = re.compile(r"[\W_]+")

CREDIT_FIELDS: Final = tuple(spec.name for spec in FIELDS)
CREDIT_FACT_FIELDS: Final = tuple(spec.name for spec in CREDIT_FACTS)
# How the tonnes of a row ended.
OCCURRED_ON: Final = "occurred_on"
END_TEXT_FIELDS: Final = ("beneficiary", "reason", "reference", "note")
END_FACT_FIELDS: Final = tuple(dict.fromkeys(spec.name for spec in (*RETIREMENT_FACTS, *WITHDRAWAL_FACTS)))
END_FIELDS: Final = (OCCURRED_ON, *END_TEXT_FIELDS, *END_FACT_FIELDS)
# The beneficiary of a row that has none in the column of the beneficiary, such as an airline.
OTHER_BENEFICIARY: Final = "other_beneficiary"
# The block of a serial number in columns of its own.
SERIAL_FIRST: Final = "serial_first"
SERIAL_LAST: Final = "serial_last"
# Columns of tonnes: what part of the quantity of the row was retired or withdrawn, or is still active.
RETIRED_TONNES: Final = "retired_tonnes"
WITHDRAWN_TONNES: Final = "withdrawn_tonnes"
ACTIVE_TONNES: Final = "active_tonnes"
TONNES_FIELDS: Final = (RETIRED_TONNES, WITHDRAWN_TONNES, ACTIVE_TONNES)
STATUS: Final = "status"
# A column that is read only for what it says about tonnes that are no longer active, such as a flag.
LIFE: Final = "life"
# Fields of our own records, beside those of a credit.
OWN_FIELDS: Final = (
    "id",
    STATUS,
    "created_at",
    "parent",
    "offset",
    "lots",
    "replaced_by",
    "rest",
    "events",
    FACTS,
)
# What a column can be mapped to.
FIELD_NAMES: Final = (
    *CREDIT_FIELDS,
    REPLACES.name,
    *CREDIT_FACT_FIELDS,
    STATUS,
    *END_FIELDS,
    OTHER_BENEFICIARY,
    SERIAL_FIRST,
    SERIAL_LAST,
    *TONNES_FIELDS,
    LIFE,
)
# Fields to which several columns may be mapped.
SHARED_FIELDS: Final = (*TONNES_FIELDS, LIFE)
QUANTITY_FIELDS: Final = ("quantity", *TONNES_FIELDS)
DATE_FIELDS: Final = (
    OCCURRED_ON,
    "vintage_start",
    "vintage_end",
    "monitoring_start",
    "monitoring_end",
    "issued_on",
    "acquired_on",
)


class FileMeaning(StrEnum):
    """What the rows of a file say: the kinds of file in docs/imports.md."""

    STATE = "state"
    ISSUANCES = "issuances"
    RETIREMENTS = "retirements"
    CANCELLATIONS = "cancellations"
    OWN = "own records"
    EVENTS = "events"


@dataclass(frozen=True)
class Part:
    """A column of tonnes that ended: how, with which reason, and into which programme's units."""

    type: EventType
    reason: str
    converted_to: str = ""


BUFFER: Final = Part(EventType.WITHDRAWN, "Buffer pool")
MONTH_FIRST: Final[Order] = "mdy"


@dataclass(frozen=True)
class Format:
    """A recognised file format.

    `identified_by` are headers that every file of this format has. `columns` maps headers to fields.
    `parts` are the columns of tonnes that are part of the quantity. `date_order` and `decimal` are
    those of the format, for columns that can be read in several ways. `has_verra_serials`: the serial
    number states country, project type and project id; `has_cercarbono_serials`: the project id.
    """

    key: str
    name: str
    meaning: FileMeaning
    identified_by: Sequence[str]
    columns: Mapping[str, str]
    registry: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict)
    is_public_export: bool = True
    date_order: Order | None = None
    decimal: DecimalSign = "."
    has_verra_serials: bool = False
    has_cercarbono_serials: bool = False

    @property
    def states_project_in_serial(self) -> bool:
        """Whether the project id is in the serial number."""
        return self.has_verra_serials or self.has_cercarbono_serials


def header_key(header: str) -> str:
    """Return the header without case, spaces, separators and invisible characters."""
    return _key_of(header[:_HEADER_MAX])


@lru_cache(maxsize=4096)
def _key_of(header: str) -> str:
    return _SEPARATORS.sub("", canonical(header))


def best_match(formats: Iterable[Format], headers: Iterable[str]) -> Format | None:
    """Return the format with the most identifying headers among those that the file has all of."""
    keys = {header_key(header) for header in headers}
    fitting = [form for form in formats if all(header_key(name) in keys for name in form.identified_by)]
    return max(fitting, key=lambda form: len(form.identified_by), default=None)
