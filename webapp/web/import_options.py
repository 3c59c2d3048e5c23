"""The forms about an open import: how the file is read, what its columns mean, and what is recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from werkzeug.datastructures import MultiDict

from webapp.domain.credit import NEW_FIELDS
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.facts import CREDIT_FACTS, RETIREMENT_FACTS
from webapp.domain.fields import FieldError, TextField
from webapp.imports.cell_values import DecimalSign, Order
from webapp.imports.file_rows import FileRows
from webapp.imports.formats import format as fields
from webapp.imports.mapping import DATE_ORDER, DECIMAL, ColumnMapping, samples, validate
from webapp.imports.options import ImportOptions, Where, parse_end_date
from webapp.imports.readers.source import ReadAs

ENCODINGS: Final = ("utf-8", "utf-16", "windows-1252")
DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
DECIMALS: Final[dict[DecimalSign, str]] = {".": "a point: 1.5", ",": "a comma: 1,5"}
DATE_ORDERS: Final[dict[Order, str]] = {
    "dmy": "day first: 31/01/2026",
    "mdy": "month first: 01/31/2026",
    "ymd": "year first: 2026/01/31",
}
ALL, SOME, NONE = "all", "some", "none"
_TEXT: Final = TextField("value", "Value", max_length=300)
# What a column can be, in groups, with the labels of the domain's fields.
_OTHER_LABELS: Final = {
    fields.STATUS: "Status",
    fields.OCCURRED_ON: "Retirement or cancellation date",
    "beneficiary": "Beneficiary",
    "reason": "Reason",
    "reference": "Reference",
    "note": "Note",
    fields.OTHER_BENEFICIARY: "Beneficiary, where there is no other",
    fields.SERIAL_FIRST: "First serial number",
    fields.SERIAL_LAST: "Last serial number",
    fields.RETIRED_TONNES: "Tonnes of them retired",
    fields.WITHDRAWN_TONNES: "Tonnes of them cancelled, in a buffer or converted",
    fields.ACTIVE_TONNES: "Tonnes of them active",
    fields.LIFE: "Read only for whether the tonnes are still active",
}
# Columns by which a person chooses the rows to record.
_WHOSE_FIELDS: Final = ("account_holder", "beneficiary", "project_id", "project_name", "developer")


@dataclass(frozen=True)
class Column:
    """A column of the file on the form: its index, header, samples, field, and what is asked about it."""

    index: int
    header: str
    field: str
    samples: Sequence[str]
    decimal: str | None = None
    order: str | None = None


def field_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the fields that a column can have, in groups, each as (name, label)."""
    labels = {field.name: field.label for field in (*NEW_FIELDS, *CREDIT_FACTS, *RETIREMENT_FACTS)}
    labels |= {name: label for name, label in _OTHER_LABELS.items() if name in fields.FIELD_NAMES}
    credit = [field.name for field in NEW_FIELDS]
    facts = [field.name for field in CREDIT_FACTS]
    groups = {
        "The credit": [*credit, fields.SERIAL_FIRST, fields.SERIAL_LAST],
        "What happened to it": [name for name in fields.FIELD_NAMES if name not in {*credit, *facts}],
        "Facts": facts,
    }
    shown: set[str] = set()
    choices = []
    for title, names in groups.items():
        own = [name for name in names if name in fields.FIELD_NAMES and name not in shown]
        shown.update(own)
        choices.append((title, [(name, labels.get(name, name.replace("_", " "))) for name in own]))
    return choices


def columns_of(file: FileRows) -> list[Column]:
    """Return the columns of a file for the form."""
    found, mapping = samples(file.source), file.mapping
    asked = {(question.header, question.about) for question in mapping.questions}
    columns = []
    for index, (header, name) in enumerate(mapping.columns.items()):
        decimal = "" if (header, DECIMAL) in asked else mapping.decimals.get(header)
        order = "" if (header, DATE_ORDER) in asked else mapping.date_orders.get(header)
        columns.append(Column(index, header, name, found.get(header, []), decimal, order))
    return columns


def read_as_chosen(options: ImportOptions, form: MultiDict[str, str]) -> ImportOptions:
    """Return the options with how the file is read. Another reading has other columns."""
    read_as = ReadAs(form.get("encoding", ""), form.get("delimiter", ""), form.get("sheet", ""))
    return replace(options, read_as=read_as, mapping=None, where=None)


def mapped_as_chosen(options: ImportOptions, form: MultiDict[str, str]) -> ImportOptions:
    """Return the options with the mapping of the form. Raises InvalidFields."""
    mapping = posted_mapping(options, form)
    validate(mapping)
    return replace(options, mapping=mapping)


def posted_mapping(options: ImportOptions, form: MultiDict[str, str]) -> ColumnMapping:
    """Return the mapping of the form as it was sent, valid or not."""
    known = options.mapping or ColumnMapping({})
    columns = {header: form.get(f"column-{index}", "") for index, header in enumerate(known.columns)}
    decimals: dict[str, DecimalSign] = {}
    orders: dict[str, Order] = {}
    for index, header in enumerate(known.columns):
        for sign in DECIMALS:
            if form.get(f"decimal-{index}") == sign:
                decimals[header] = sign
        for order in DATE_ORDERS:
            if form.get(f"order-{index}") == order:
                orders[header] = order
    return replace(
        known,
        columns=columns,
        registry=form.get("registry", "").strip(),
        format_key=known.format_key if columns == dict(known.columns) else "",
        decimals=decimals,
        date_orders=orders,
        is_confirmed=True,
    )


def recorded_as_chosen(options: ImportOptions, form: MultiDict[str, str]) -> ImportOptions:
    """Return the options with what is recorded. Raises InvalidFields."""
    problems: list[Problem] = []
    whose = form.get("whose", ALL)
    where = None
    if whose == SOME:
        value = _parsed(_TEXT.parse, form.get("value"), "value", problems)
        if value is None and not problems:
            problems.append(Problem("value", "Enter the value of the rows to record."))
        where = Where(form.get("column", ""), value or "")
    if form.get("end_date") and form.get("is_undated"):
        problems.append(Problem("end_date", "Give a date, or say that it is not known, not both."))
    end_date = _parsed(parse_end_date, form.get("end_date"), "end_date", problems)
    if problems:
        raise InvalidFields(problems)
    return replace(
        options,
        where=where,
        is_compare_only=whose == NONE,
        is_chosen=True,
        end_date=end_date,
        is_undated=bool(form.get("is_undated")) and end_date is None,
        as_additional=bool(form.get("as_additional")),
        adds_facts=bool(form.get("adds_facts")) or "facts_shown" not in form,
    )


def whose_columns(mapping: ColumnMapping | None) -> list[str]:
    """Return the columns by which the rows to record can be chosen."""
    columns = mapping.columns if mapping else {}
    return [header for name in _WHOSE_FIELDS for header, mapped in columns.items() if mapped == name]


def _parsed(
    parse: Callable[[str | None], str | None], text: str | None, name: str, problems: list[Problem]
) -> str | None:
    try:
        return parse(text)
    except FieldError as error:
        problems.append(Problem(name, str(error)))
        return None


Section = Callable[[ImportOptions, MultiDict[str, str]], ImportOptions]
COLUMNS: Final = "columns"
SECTIONS: Final[Mapping[str, Section]] = {
    "read": read_as_chosen,
    COLUMNS: mapped_as_chosen,
    "record": recorded_as_chosen,
}
