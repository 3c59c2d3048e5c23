"""What a person chose about an import: how the file is read, what its columns mean, what is recorded."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from webapp.domain.action_fields import EARLIEST_DAY
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.fields import FieldError, PastDateField, TextField
from webapp.domain.import_row import ImportRow
from webapp.domain.text import canonical
from webapp.imports.formats.format import header_key
from webapp.imports.mapping import ColumnMapping, flattened
from webapp.imports.plan import PlanOptions
from webapp.imports.readers.source import ReadAs
from webapp.ledger import clock

_WHERE: Final = TextField("where", "where", max_length=700)
_HEADERS_SHOWN: Final = 30


@dataclass(frozen=True)
class Where:
    """The rows that are recorded: those with this value in this column, compared in canonical form."""

    column: str
    value: str

    @staticmethod
    def parse(text: str) -> "Where":
        """Return what `column=value` says. Raises FieldError."""
        column, separator, value = (_WHERE.parse(text) or "").partition("=")
        if not (separator and column.strip() and value.strip()):
            raise FieldError("Must be a column, an equals sign and a value.")
        return Where(column.strip(), value.strip())

    def has(self, row: ImportRow) -> bool:
        """Return whether the row is one of them."""
        key, value = header_key(self.column), canonical(self.value)
        return any(
            isinstance(cell, str) and header_key(header) == key and canonical(cell) == value
            for header, cell in flattened(row.values).items()
        )

    def require_column(self, headers: Sequence[str]) -> None:
        """Raise InvalidFields if the file has no such column, since all rows would be left out."""
        if header_key(self.column) not in {header_key(header) for header in headers}:
            shown = ", ".join(headers[:_HEADERS_SHOWN])
            message = f"The file has no column “{self.column}”. It has: {shown}."
            raise InvalidFields([Problem("where", message)])


def parse_end_date(value: object) -> str | None:
    """Return the day for retirements that state none, in ISO form. Raises FieldError."""
    field = PastDateField("end_date", "Date", earliest=EARLIEST_DAY, latest=clock.latest_day())
    return field.parse(value)


@dataclass(frozen=True)
class ImportOptions:
    """The choices of a person. Without a `mapping`, it follows from the headers.

    `is_compare_only`: nothing is recorded. `end_date` is the day of retirements that state none, as ISO
    text; with `is_undated` they have no date. `is_chosen`: the person said whose tonnes to record.
    `adds_facts`: facts that recorded credits do not have are added to them.
    """

    read_as: ReadAs = field(default_factory=ReadAs)
    mapping: ColumnMapping | None = None
    where: Where | None = None
    is_compare_only: bool = False
    is_chosen: bool = False
    end_date: str | None = None
    is_undated: bool = False
    as_additional: bool = False
    adds_facts: bool = True

    def to_json(self) -> str:
        """Return the choices as JSON."""
        facts = asdict(replace(self, mapping=None))
        facts["mapping"] = self.mapping and self.mapping.to_json()
        return json.dumps(facts, ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(text: str | None) -> "ImportOptions":
        """Return the choices that `to_json` wrote, or none."""
        if not text:
            return ImportOptions()
        facts = json.loads(text)
        mapping = facts.pop("mapping")
        where = facts.pop("where")
        return ImportOptions(
            **{**facts, "read_as": ReadAs(**facts["read_as"])},
            mapping=ColumnMapping.from_json(mapping) if mapping else None,
            where=Where(**where) if where else None,
        )

    def for_plan(self, rows: Sequence[ImportRow]) -> PlanOptions:
        """Return the options of the plan for these rows."""
        if self.is_compare_only:
            left_out = frozenset(range(len(rows)))
        elif self.where:
            left_out = frozenset(place for place, row in enumerate(rows) if not self.where.has(row))
        else:
            left_out = frozenset()
        return PlanOptions(left_out, self.as_additional, self.end_date)
