"""Read the rows of a file by its mapping: the credit of each, and what it says about its tonnes.

The columns are bound once for all rows with the same headers. Rows of our own files are read in
``own_records``; nothing here looks at the ledger.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from webapp.domain.canonical_json import Number
from webapp.domain.credit import FIELDS, REPLACES, CanonicalCredit, Credit, parse_credit
from webapp.domain.errors import InvalidFields, Problem, UnreadableFile
from webapp.domain.facts import FACTS_OF
from webapp.domain.import_row import ImportRow, StatedEnd
from webapp.domain.lifecycle import EventType, Status
from webapp.imports.column_names import Column, Role, column_of, plain_words
from webapp.imports.formats.format import (
    CREDIT_FACT_FIELDS,
    END_TEXT_FIELDS,
    OTHER_BENEFICIARY,
    OWN_FIELDS,
    STATUS,
    FileMeaning,
    header_key,
)
from webapp.imports.inactive_status import (
    InactiveMark,
    MarkFinder,
    is_active_status,
    problem_of,
    says_inactive,
)
from webapp.imports.mapping import ColumnMapping, flattened
from webapp.imports.own_records import lot_of, read_own_row
from webapp.imports.readers.source import FileKind, NotAnObject, Source, SourceRow
from webapp.imports.row_values import (
    Columns,
    Reading,
    end_data,
    end_texts,
    read_credit,
    read_facts,
    read_occurred_on,
)
from webapp.imports.stated_end import (
    EITHER_NOTE,
    Fate,
    default_reason,
    fate_of,
    programme_converted_to,
)
from webapp.imports.tonnes_parts import TonnesColumns, rows_of_parts

# Different fields that a credit does not have, and how much of the name of each is kept.
UNKNOWN_FIELDS_MAX: Final = 1000
_NAME_KEPT_MAX: Final = 80
# How many characters the canonical texts of all credits may have: an allowance, and so many for each
# character of the texts themselves. Nearly all have as many as their text, but a single character can
# have eighteen in canonical form, which then lie in memory and in the database several times.
_CANONICAL_ALLOWED: Final = 100_000
_CANONICAL_FOR_EACH: Final = 2

_NO_FIELDS: Final = "A row must be an object with the fields of a credit."
_STATUS_NOT_UNDERSTOOD: Final = "“{}” is no status that is understood."
_ENDS: Final = (EventType.RETIRED, EventType.WITHDRAWN)
_OWN_STATUSES: Final = (Status.SOLD, Status.SPLIT)
_STRICT: Final = frozenset(spec.name for spec in (*FIELDS, REPLACES))
_SERIAL_MISSING_MAX: Final = 20
_ISSUANCES: Final = frozenset({"issuance", "issued", "issue", "issuances"})


def read_rows(source: Source, mapping: ColumnMapping) -> list[ImportRow]:
    """Return the rows of the file. A row whose tonnes are in several states becomes several rows.

    A list of events has none. Raises UnreadableFile as `parse_rows`.
    """
    return list(parse_rows(source, mapping))


def parse_rows(source: Source, mapping: ColumnMapping) -> Iterator[ImportRow]:
    """Yield the rows of the file.

    Raises UnreadableFile if the file would need far more memory than its size: by too many different field
    names, or by texts that are much longer in canonical form.
    """
    if mapping.meaning is FileMeaning.EVENTS:
        return
    reader = _Reader(source, mapping)
    names: set[str] = set()
    recorded, compared = 0, 0
    for source_row in source.rows:
        for row in reader.read(source_row):
            new = row.unknown_fields
            if new:
                new = [name for name in new if name not in names]
                names.update(new)
                if len(names) > UNKNOWN_FIELDS_MAX:
                    raise UnreadableFile(
                        f"Row {row.number}: there are more than {UNKNOWN_FIELDS_MAX:,} different fields in "
                        "this file that a credit does not have."
                    )
            if row.credit:
                recorded += _length_of_texts(row.credit)
                compared += _length_of_texts(row.credit.canonical)
            if compared > _CANONICAL_ALLOWED + _CANONICAL_FOR_EACH * recorded:
                raise UnreadableFile(
                    f"Row {row.number}: in the form in which they are compared, the texts up to here have "
                    f"{compared:,} characters, and as they are written {recorded:,}. A file may have at "
                    "most about twice as many."
                )
            yield replace(row, unknown_fields=new) if new != row.unknown_fields else row


def _length_of_texts(credit: Credit | CanonicalCredit) -> int:
    return len(credit.project_name) + len(credit.registry) + len(credit.serial_number or "")


class _Reader:
    """The mapping of one file, bound to the headers of its rows."""

    def __init__(self, source: Source, mapping: ColumnMapping) -> None:
        self._source = source
        self._mapping = mapping
        self._bound: dict[tuple[str, ...], _Bound] = {}

    def read(self, row: SourceRow) -> Sequence[ImportRow]:
        """Return the row, or the rows of its parts."""
        if not row.values or isinstance(row.values, NotAnObject):
            return [ImportRow(row.number, None, [Problem("", _NO_FIELDS)], values=row.values)]
        if self._mapping.meaning is FileMeaning.OWN:
            own = read_own_row(row, self._source.kind)
            unknown = self._bind(tuple(row.values)).unknown
            return [replace(own, unknown_fields=unknown) if unknown else own]
        values = row.values
        for value in values.values():
            if type(value) is dict:
                values = flattened(values)
                break
        return self._bind(tuple(values)).read(row, values)

    def _bind(self, headers: tuple[str, ...]) -> "_Bound":
        bound = self._bound.get(headers)
        if bound is None:
            bound = _Bound(headers, self._mapping, self._source.kind)
            if len(self._bound) < UNKNOWN_FIELDS_MAX:
                self._bound[headers] = bound
        return bound


class _Bound:
    """The columns of rows with the same headers."""

    def __init__(self, headers: Sequence[str], mapping: ColumnMapping, kind: FileKind) -> None:
        self._mapping = mapping
        form = mapping.format
        self._targets = {header: mapping.columns.get(header, "") for header in headers}
        self._columns = Columns(
            {name: header for header, name in self._targets.items() if name},
            mapping.registry,
            mapping.decimals,
            mapping.date_orders,
            form,
            is_json=kind in {FileKind.JSON, FileKind.NDJSON},
        )
        named = self._columns.header_of
        self._facts = [name for name in CREDIT_FACT_FIELDS if name in named]
        self._end_texts = [name for name in (*END_TEXT_FIELDS, OTHER_BENEFICIARY) if name in named]
        self._end_facts = {
            kind: [spec.name for spec in FACTS_OF[kind] if spec.name in named] for kind in _ENDS
        }
        self._tonnes = TonnesColumns(self._columns, self._targets, mapping)
        self._status = named.get(STATUS)
        self._parent = "parent" if "parent" in headers else None
        spoken = self._spoken_columns(headers)
        self._finder = MarkFinder(spoken)
        self._kinds = [
            header
            for header, column in spoken.items()
            if column.role is Role.STATUS and not column.is_own_status
        ]
        self.unknown = self._unknown_fields(headers)
        self._strict = {
            name: named[name] for name in (spec.name for spec in (*FIELDS, REPLACES)) if name in named
        }
        self._is_plain = (
            _STRICT.issuperset(self._columns.header_of)
            and not mapping.registry
            and form is None
            and self._parent is None
            and all(column.role is Role.SERIAL_NUMBER for column in spoken.values())
        )

    def read(self, row: SourceRow, values: Mapping[str, object]) -> Sequence[ImportRow]:
        """Return the row, or the rows of its parts."""
        said = self._finder.find(values)
        if self._is_plain and not said and (credit := self._strict_credit(values)):
            return [ImportRow(row.number, credit, unknown_fields=self.unknown, values=row.values)]
        reading = Reading()
        facts = read_facts(self._columns, values, self._facts, reading)
        credit = read_credit(self._columns, values, facts, reading)
        if credit and self._parent and values.get(self._parent) is not None:
            credit = lot_of(credit, values, reading.problems)
        status = self._read_status(values, reading)
        parts, refused = self._tonnes.read(values, credit, said, reading)
        end = None
        others = [mark for mark in said if mark.header not in self._tonnes.headers]
        if refused is None and len(parts) <= 1 and (others or not parts):
            # One column of tonnes that are all tonnes of the row only repeats what the others say.
            end, refused = self._read_end(values, others, reading)
            parts = [] if refused else [(amount, end or stated) for amount, stated in parts]
        elif parts and self._finder.says_active(values) and all(stated for _, stated in parts):
            refused, parts = problem_of(said), []
        problems = reading.problems
        if refused and problems:
            problems.insert(0, refused)
        whole_row = ImportRow(
            row.number,
            None if problems else credit,
            problems,
            self.unknown,
            status,
            refused,
            end,
            facts,
            is_issuance=end is None and refused is None and self._is_issuance(values),
            notes=tuple(reading.notes),
            values=row.values,
            named=(credit or reading.named) if problems else None,
        )
        if not parts or whole_row.credit is None:
            return [whole_row]
        return rows_of_parts(whole_row, parts)

    def _spoken_columns(self, headers: Sequence[str]) -> dict[str, Column]:
        """Return the columns that may say something about tonnes that are not active."""
        spoken: dict[str, Column] = {}
        for header in headers:
            column = column_of(header)
            target = self._targets[header]
            if column.role in {Role.OTHER, Role.SILENT}:
                if target == STATUS:
                    column = Column(Role.STATUS, is_own_status=True)
                elif target == "serial_number":
                    column = Column(Role.SERIAL_NUMBER)
            if column.role is not Role.SILENT and not (target in _STRICT and column.role is Role.OTHER):
                spoken[header] = column
        return spoken

    def _unknown_fields(self, headers: Sequence[str]) -> list[str]:
        """Return the columns that are not recorded, and that neither a person nor the format left out."""
        form = self._mapping.format
        if self._mapping.is_confirmed or self._mapping.is_public_export:
            return []
        left_out = {header_key(header) for header in form.columns} if form else set()
        names = (
            header[:_NAME_KEPT_MAX]
            for header in headers
            if not self._targets[header] and header not in OWN_FIELDS and header_key(header) not in left_out
        )
        return list(dict.fromkeys(names))

    def _strict_credit(self, values: Mapping[str, object]) -> Credit | None:
        """Return the credit of a row with our own fields in the form of the API, None for any other row."""
        given = {name: values.get(header) for name, header in self._strict.items()}
        quantity, serial = given.get("quantity"), given.get("serial_number")
        if type(quantity) is not Number:
            return None
        if serial is not None and (not isinstance(serial, str) or len(serial) <= _SERIAL_MISSING_MAX):
            return None
        try:
            return parse_credit(given)
        except InvalidFields:
            return None

    def _read_status(self, values: Mapping[str, object], reading: Reading) -> Status:
        """Return SOLD or SPLIT if the status of the row says so; adds a problem for an unknown status."""
        given = None if self._status is None else values.get(self._status)
        if given is None or is_active_status(given) or says_inactive(given):
            return Status.ACTIVE
        if isinstance(given, str):
            words = plain_words(given).upper()
            if words in _OWN_STATUSES:
                return Status(words)
        text = " ".join(str(given).split())[:_NAME_KEPT_MAX]
        reading.problems.append(Problem(STATUS, _STATUS_NOT_UNDERSTOOD.format(text)))
        return Status.ACTIVE

    def _is_issuance(self, values: Mapping[str, object]) -> bool:
        if self._mapping.meaning is FileMeaning.ISSUANCES:
            return True
        return any(plain_words(str(values.get(header))) in _ISSUANCES for header in self._kinds)

    def _read_end(
        self, values: Mapping[str, object], said: Sequence[InactiveMark], reading: Reading
    ) -> tuple[StatedEnd | None, Problem | None]:
        """Return how the tonnes of the row ended, or the problem of a row that is not understood."""
        if not said and self._mapping.meaning not in {FileMeaning.RETIREMENTS, FileMeaning.CANCELLATIONS}:
            return None, None
        meaning = self._mapping.meaning
        texts = end_texts(self._columns, values, self._end_texts)
        is_active = self._finder.says_active(values)
        fate = fate_of(said, meaning, self._targets, texts, says_active=is_active)
        if fate is Fate.ACTIVE:
            return None, None
        if fate is Fate.NOT_UNDERSTOOD:
            return None, problem_of(said)
        is_retirement = fate is not Fate.WITHDRAWN
        if fate is Fate.EITHER:
            reading.notes.append(EITHER_NOTE)
        occurred_on = read_occurred_on(self._columns, values, reading)
        data = end_data(texts, is_retirement=is_retirement, reading=reading)
        if not is_retirement and "reason" not in data and (reason := default_reason(said, meaning)):
            data["reason"] = reason
        kind = EventType.RETIRED if is_retirement else EventType.WITHDRAWN
        facts = read_facts(self._columns, values, self._end_facts[kind], reading)
        if not is_retirement and (
            programme := programme_converted_to([data.get("reason", ""), data.get("note", "")])
        ):
            facts.setdefault("converted_to", programme)
        return StatedEnd(kind, occurred_on, data, facts), None
