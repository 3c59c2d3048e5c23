"""The mapping of a file: which column is which field, proposed by its headers or made by a person.

``formats`` has the recognised formats, ``synonyms`` the names of columns in other files. A mapping also
has the decimal sign of each column of numbers and the order of each column of dates, as the whole column
shows them, or a question where the column can be read in several ways.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from typing import Final

from webapp.domain.credit import FIELDS
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.text import without_surrogates
from webapp.imports.cell_values import (
    DecimalSign,
    Order,
    column_reading,
    date_column_reading,
    is_missing,
)
from webapp.imports.formats.acr_car_art import ACR_CAR_ART_FORMATS
from webapp.imports.formats.format import (
    DATE_FIELDS,
    FIELD_NAMES,
    LIFE,
    QUANTITY_FIELDS,
    RETIRED_TONNES,
    SHARED_FIELDS,
    WITHDRAWN_TONNES,
    FileMeaning,
    Format,
    best_match,
    header_key,
)
from webapp.imports.formats.own import FORMATS_BY_HEADERS, OTHER_LEDGER_RECORDS, OWN_RECORDS
from webapp.imports.formats.registries import REGISTRY_FORMATS
from webapp.imports.own_records import has_own_ids
from webapp.imports.readers.source import FileKind, Source
from webapp.imports.stated_end import tonnes_field_of
from webapp.imports.synonyms import match_headers

FORMATS: Final = {
    form.key: form for form in (*REGISTRY_FORMATS, *ACR_CAR_ART_FORMATS, *FORMATS_BY_HEADERS, OWN_RECORDS)
}
DECIMAL: Final = "decimal sign"
DATE_ORDER: Final = "order of dates"
SAMPLE_VALUES: Final = 5
_NUMBER: Final = re.compile(r"[0-9][0-9.,' \u00a0\u202f]*(?:t|tco2e?)?", re.IGNORECASE)
_NUMBER_LENGTH_MAX: Final = 40
_FLAGS: Final = frozenset({"0", "1"})
_REGISTRY_LENGTH_MAX: Final = 50
# Rows that are looked at for the names of nested fields, and for samples of values.
_ROWS_LOOKED_AT: Final = 200
_LABELS: Final = {spec.name: spec.label for spec in FIELDS}


@dataclass(frozen=True)
class Question:
    """A column that can be read in several ways: `about` its decimal sign or its order of dates."""

    header: str
    field: str
    about: str
    examples: Sequence[str] = ()


@dataclass(frozen=True)
class ColumnMapping:
    """What the columns of a file mean.

    `columns` has a field name for every header, empty for a column that is not recorded. `registry` is the
    text of all rows where no column has it. `decimals` and `date_orders` have what is known of each such
    column by header. `missing` are the required fields that no column has. `is_confirmed`: a person made
    or checked it.
    """

    columns: Mapping[str, str]
    registry: str = ""
    meaning: FileMeaning = FileMeaning.STATE
    format_key: str = ""
    decimals: Mapping[str, DecimalSign] = field(default_factory=dict)
    date_orders: Mapping[str, Order] = field(default_factory=dict)
    questions: Sequence[Question] = ()
    is_confirmed: bool = False

    @property
    def format(self) -> Format | None:
        """The recognised format, None for another file."""
        return FORMATS.get(self.format_key)

    @property
    def is_public_export(self) -> bool:
        """Whether the file is a registry's export of the whole market."""
        return self.format is not None and self.format.is_public_export

    @property
    def headers_key(self) -> str:
        """The fingerprint of the headers, in any order and spelling of case and spaces."""
        return headers_key(self.columns)

    @property
    def missing(self) -> list[str]:
        """The required fields that no column has, in order."""
        if self.meaning is FileMeaning.EVENTS:
            return []
        fields = set(self.columns.values())
        has = {
            "project_name": not fields.isdisjoint({"project_name", "project_id"})
            or (self.format is not None and self.format.states_project_in_serial),
            "registry": bool(self.registry) or "registry" in fields,
            "vintage": not fields.isdisjoint({"vintage", "vintage_start", "vintage_end"}),
            "quantity": "quantity" in fields,
        }
        return [name for name, is_there in has.items() if not is_there]

    def header_of(self, name: str) -> str | None:
        """Return the header that is mapped to the field, None if there is none."""
        return next((header for header, mapped in self.columns.items() if mapped == name), None)

    def to_json(self) -> str:
        """Return what a person decided, for the next file with these headers.

        The columns stay in their order, by which a form numbers them.
        """
        kept = {
            "columns": dict(self.columns),
            "registry": self.registry,
            "meaning": self.meaning,
            "format": self.format_key,
            "decimals": dict(self.decimals),
            "date_orders": dict(self.date_orders),
            "is_confirmed": self.is_confirmed,
        }
        return json.dumps(kept, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "ColumnMapping":
        """Return the mapping that `to_json` wrote, without questions: `settle` asks them again."""
        kept = json.loads(text)
        return ColumnMapping(
            columns=kept["columns"],
            registry=kept["registry"],
            meaning=FileMeaning(kept["meaning"]),
            format_key=kept["format"],
            decimals=kept["decimals"],
            date_orders=kept["date_orders"],
            is_confirmed=kept["is_confirmed"],
        )


def propose(source: Source) -> ColumnMapping:
    """Return the mapping of a recognised format, otherwise the one that the names of the columns suggest."""
    headers = headers_of(source)
    form = best_match(FORMATS.values(), [*source.headers, *headers])
    if form is OWN_RECORDS or form is OTHER_LEDGER_RECORDS:
        form = OWN_RECORDS if has_own_ids(source) else OTHER_LEDGER_RECORDS
    if form is None:
        return settle(ColumnMapping(_with_tonnes(match_headers(headers), source)), source)
    proposed = ColumnMapping(_columns_of(form, headers), form.registry, form.meaning, form.key)
    return settle(proposed, source)


def settle(mapping: ColumnMapping, source: Source) -> ColumnMapping:
    """Return a mapping for this file: its own headers, and how its columns are read.

    The mapping may be one that was kept for other spellings of the same headers. What a whole column shows
    counts; where it can be read in several ways, what the mapping has, then what the format has or, of a
    recognised format, the other columns of dates; otherwise it becomes a question.
    """
    by_key = {header_key(header): name for header, name in mapping.columns.items()}
    kept_signs = {header_key(header): sign for header, sign in mapping.decimals.items()}
    kept_orders = {header_key(header): order for header, order in mapping.date_orders.items()}
    columns = {
        header: mapping.columns[header] if header in mapping.columns else by_key.get(header_key(header), "")
        for header in headers_of(source)
    }
    decimals: dict[str, DecimalSign] = {}
    date_orders: dict[str, Order] = {}
    questions: list[Question] = []
    form = mapping.format
    readings = {
        header: date_column_reading(_values_of(source, header))
        for header, name in columns.items()
        if name in DATE_FIELDS
    }
    # A registry writes all dates of an export alike, so a column that can be read in one way tells.
    shown_orders = {order for order in readings.values() if order and order != "ambiguous"}
    of_format = form and (form.date_order or (shown_orders.pop() if len(shown_orders) == 1 else None))
    for header, name in columns.items():
        key = header_key(header)
        if name in QUANTITY_FIELDS:
            default = form.decimal if form else _strict_decimal(source, header)
            shown = column_reading(_values_of(source, header))
            kept = kept_signs.get(key)
            sign = kept or default if shown == "ambiguous" else shown or kept
            if sign:
                decimals[header] = sign
            elif shown:
                questions.append(_question(source, header, name, DECIMAL))
        elif name in DATE_FIELDS:
            order = readings[header]
            usual = kept_orders.get(key)
            known = usual or of_format if order == "ambiguous" else order or usual
            if known:
                date_orders[header] = known
            elif order:
                questions.append(_question(source, header, name, DATE_ORDER))
    return replace(
        mapping, columns=columns, decimals=decimals, date_orders=date_orders, questions=tuple(questions)
    )


def validate(mapping: ColumnMapping) -> None:
    """Raise InvalidFields if a person's mapping cannot be used, with every reason."""
    problems: list[Problem] = []
    headers_by_field: dict[str, str] = {}
    for header, name in mapping.columns.items():
        if name and name not in FIELD_NAMES:
            problems.append(Problem(header, f"There is no field {name}."))
        elif name and name not in SHARED_FIELDS:
            first = headers_by_field.setdefault(name, header)
            if first != header:
                problems.append(Problem(header, f"{name} is the column {first} already."))
    if len(mapping.registry) > _REGISTRY_LENGTH_MAX:
        problems.append(Problem("registry", f"At most {_REGISTRY_LENGTH_MAX} characters."))
    problems += [
        Problem(name, f"Choose the column that has the {_LABELS[name].lower()}.") for name in mapping.missing
    ]
    if problems:
        raise InvalidFields(problems)


def headers_key(headers: Iterable[str]) -> str:
    """Return the fingerprint of the headers, in any order and spelling of case and spaces."""
    return sha256("\n".join(sorted({header_key(header) for header in headers})).encode()).hexdigest()


def headers_of(source: Source) -> list[str]:
    """Return the headers of the file; those of nested objects are paths such as `beneficiary.name`."""
    headers = dict.fromkeys(source.headers)
    nested: set[str] = set()
    plain: set[str] = set()
    for row in source.rows[:_ROWS_LOOKED_AT]:
        for name, value in row.values.items():
            if isinstance(value, dict):
                nested.add(name)
            elif value is not None:
                plain.add(name)
        if nested:
            headers |= dict.fromkeys(flattened(row.values))
    # An object in a column of plain values is a problem of its row.
    return [header for header in headers if header in plain or header not in nested]


def flattened(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values with those of nested objects under paths such as `beneficiary.name`."""
    return dict(_flat_items(values, ""))


def _flat_items(values: Mapping[str, object], path: str) -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat_items(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def samples(source: Source, count: int = SAMPLE_VALUES) -> dict[str, list[str]]:
    """Return up to `count` different values of each column, for a page."""
    found: dict[str, dict[str, None]] = {header: {} for header in headers_of(source)}
    for row in source.rows[:_ROWS_LOOKED_AT]:
        for header, value in flattened(row.values).items():
            values = found.get(header)
            if values is not None and len(values) < count and isinstance(value, str) and value.strip():
                values[without_surrogates(value[:_REGISTRY_LENGTH_MAX])] = None
    return {header: list(values) for header, values in found.items()}


def _columns_of(form: Format, headers: Sequence[str]) -> dict[str, str]:
    """Return the columns of a recognised format; other columns are read for what they say of tonnes."""
    named = {header_key(header): name for header, name in form.columns.items()}
    for header, part in form.parts.items():
        is_retired = part.type == "RETIRED"
        named[header_key(header)] = RETIRED_TONNES if is_retired else WITHDRAWN_TONNES
    guessed = match_headers(headers)
    columns: dict[str, str] = {}
    for header in headers:
        name = named.get(header_key(header))
        if name is None:
            is_guess_kept = form is OTHER_LEDGER_RECORDS or guessed[header] in SHARED_FIELDS
            name = guessed[header] if is_guess_kept else ""
        taken = name in columns.values() and name not in SHARED_FIELDS
        columns[header] = "" if taken else name
    return columns


def _with_tonnes(columns: Mapping[str, str], source: Source) -> dict[str, str]:
    """Return the columns with those mapped whose values are tonnes that were retired or withdrawn."""
    found = dict(columns)
    for header, name in columns.items():
        if name == LIFE and (target := tonnes_field_of(header)):
            texts = [
                str(value)
                for row in source.rows
                if isinstance(value := row.values.get(header), str) and not is_missing(value)
            ]
            if all(map(_is_number, texts)) and not _FLAGS.issuperset(texts):
                found[header] = target
    return found


def _is_number(text: str) -> bool:
    return len(text) <= _NUMBER_LENGTH_MAX and _NUMBER.fullmatch(text.strip()) is not None


def _values_of(source: Source, header: str) -> Iterator[object]:
    return (row.values.get(header) for row in source.rows)


def _strict_decimal(source: Source, header: str) -> DecimalSign | None:
    """Return the decimal sign of our own JSON fields, which are those of the API."""
    is_json = source.kind in {FileKind.JSON, FileKind.NDJSON}
    return "." if is_json and header == "quantity" else None


def _question(source: Source, header: str, name: str, about: str) -> Question:
    texts = (str(value) for value in _values_of(source, header) if not is_missing(value))
    examples = dict.fromkeys(islice(texts, _ROWS_LOOKED_AT))
    return Question(header, name, about, tuple(examples)[:SAMPLE_VALUES])
