"""Read the values of a row into the fields of a credit, its facts, and the data of its end."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from webapp.domain.action_fields import RETIREMENT_FIELDS
from webapp.domain.canonical_json import Number
from webapp.domain.credit import NEW_FIELDS, Credit, parse_credit
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.facts import CREDIT_FACTS, RETIREMENT_FACTS, WITHDRAWAL_FACTS
from webapp.domain.fields import Field, FieldError, PastDateField, TextField
from webapp.domain.serial_number import parse_range
from webapp.imports.cell_values import (
    Ambiguous,
    DecimalSign,
    Order,
    is_missing,
    read_date,
    read_quantity,
    read_vintage,
)
from webapp.imports.formats.format import (
    END_TEXT_FIELDS,
    OCCURRED_ON,
    OTHER_BENEFICIARY,
    SERIAL_FIRST,
    SERIAL_LAST,
    Format,
)

MISSING_SERIAL: Final = "The serial number “{}” is read as missing."
_SHOWN_MAX: Final = 80
_MISSING_MAX: Final = 20
_DIGITS: Final = frozenset("123456789")
# How many texts of facts are remembered, and how long each may be.
_REMEMBERED_MAX: Final = 500
_REMEMBERED_LENGTH: Final = 300
# Longer texts are no serial numbers, and would take long to search.
_SERIAL_MAX: Final = 200
_COUNTRIES: Final = frozenset({"country", "beneficiary_country"})
_YEAR: Final = re.compile(r"[0-9]{4}")
_ORDER: Final = tuple(spec.name for spec in NEW_FIELDS)
_FACTS: Final = {spec.name: spec for spec in CREDIT_FACTS}
_END_FACTS: Final = {spec.name: spec for spec in (*WITHDRAWAL_FACTS, *RETIREMENT_FACTS)}
_END_TEXTS: Final = {spec.name: spec for spec in RETIREMENT_FIELDS if spec.name in END_TEXT_FIELDS}
# Verra's serial number: batch-first-last-VCS-VCU-VVB-VER-country-type-project-from-to-flag, and the older
# one of twelve parts without VCS.
_VERRA: Final = re.compile(
    r"\d+-\d+-\d+-(?:VCS-)?VCU-\d+-[A-Z]+-([A-Z]{2})-(\d+)-(\d+)-(\d{8})-(\d{8})-\w+", re.IGNORECASE
)
_CERCARBONO: Final = re.compile(r"CDC_(\d+)_", re.IGNORECASE)


@dataclass
class Reading:
    """What has been read of a row so far: its problems and the sentences about it."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # The credit as far as it can be read, where it has problems. Never recorded.
    named: Credit | None = None


@dataclass(frozen=True)
class Columns:
    """The header of each field, and how the numbers and dates of its column are written."""

    header_of: Mapping[str, str]
    registry: str = ""
    decimals: Mapping[str, DecimalSign] = field(default_factory=dict)
    date_orders: Mapping[str, Order] = field(default_factory=dict)
    format: Format | None = None
    is_json: bool = False
    # The facts of texts, by field and text, since most columns of facts repeat few texts.
    remembered: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def is_strict(self, name: str) -> bool:
        """Return whether the field is one of our own JSON fields, in which a number is no text."""
        return self.is_json and self.header_of.get(name) == name

    def raw(self, values: Mapping[str, object], name: str) -> object:
        """Return the value of the field, None if no column has it or the value means "missing"."""
        header = self.header_of.get(name)
        value = None if header is None else values.get(header)
        if value is None or value == "":
            return None
        # Texts that mean "missing" are short, and no number or date is one.
        if type(value) is str and (len(value) > _MISSING_MAX or value[0] in _DIGITS):
            return value
        return None if is_missing(value, is_country=name in _COUNTRIES) else value

    def text(self, values: Mapping[str, object], name: str) -> str:
        """Return the value of the field as text, empty if it is missing."""
        return as_text(self.raw(values, name))

    def tonnes(self, header: str, value: object) -> str | None:
        """Return the tonnes in a cell as plain decimal text, None if missing. Raises FieldError."""
        try:
            return read_quantity(value)
        except Ambiguous:
            return read_quantity(value, self.decimals.get(header))

    def day(self, name: str, value: object) -> str | None:
        """Return the day in a cell in ISO form, None if missing. Raises FieldError."""
        return _day(value, self.date_orders.get(self.header_of[name]))


@lru_cache(maxsize=4096, typed=True)
def _day_of_text(text: str, order: Order | None) -> str | None:
    return read_date(text, order)


def _day(value: object, order: Order | None) -> str | None:
    is_short = type(value) is str and len(value) <= _SHOWN_MAX
    return _day_of_text(str(value), order) if is_short else read_date(value, order)


def as_text(value: object) -> str:
    """Return a value as text: the elements of a list separated by semicolons, nothing for an object."""
    if isinstance(value, str):
        return str(value).strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(text for element in value if (text := as_text(element)))
    return ""


def shown(value: object) -> str:
    """Return the value for a message, on one line."""
    text = " ".join("".join(c if c.isprintable() else " " for c in as_text(value)[:300]).split())
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


# What stands for a value that cannot be read, so that the others of its row can.
_UNREAD: Final[dict[str, object]] = {
    "project_name": "?",
    "registry": "?",
    "vintage": Number("2000"),
    "quantity": Number("1"),
    "serial_number": None,
    "replaces": None,
}


def read_credit(
    columns: Columns, values: Mapping[str, object], facts: dict[str, str], reading: Reading
) -> Credit | None:
    """Return the credit of a row, None with problems; adds to the facts what its fields state beside."""
    given: dict[str, object] = {}
    failed: dict[str, Problem] = {}
    given["project_name"] = columns.raw(values, "project_name") or columns.raw(values, "project_id")
    given["registry"] = columns.raw(values, "registry") or columns.registry or None
    serial = _serial(columns, values, reading)
    given["serial_number"] = serial
    _add_facts_of_serial(columns, serial, facts)
    if given["project_name"] is None and (project_id := facts.get("project_id")):
        given["project_name"] = project_id
    for name, read in (("vintage", _vintage), ("quantity", _quantity)):
        try:
            given[name] = read(columns, values, facts)
        except FieldError as refusal:
            failed[name] = Problem(name, str(refusal))
            given[name] = Number("2000" if name == "vintage" else "1")
    replaces = columns.raw(values, "replaces")
    if replaces is not None:
        given["replaces"] = replaces
    for name in ("project_name", "registry", "serial_number"):
        if isinstance(given[name], Number) and not columns.is_strict(name):
            given[name] = str(given[name])
    try:
        credit = parse_credit(given)
    except InvalidFields as refusal:
        for problem in refusal.problems:
            value = columns.raw(values, problem.field)
            failed[problem.field] = Problem(problem.field, _with_value(problem.message, value))
        credit = None
    reading.problems += sorted(failed.values(), key=lambda problem: _ORDER.index(problem.field))
    if not failed:
        return credit
    with suppress(InvalidFields):
        reading.named = parse_credit({**given, **{name: _UNREAD[name] for name in failed if name in _UNREAD}})
    return None


def read_facts(
    columns: Columns, values: Mapping[str, object], names: Sequence[str], reading: Reading
) -> dict[str, str]:
    """Return the facts that the row states; one that cannot be read is left out with a note."""
    facts: dict[str, str] = {}
    for name in names:
        value = columns.raw(values, name)
        if value is None:
            continue
        text = value if type(value) is str and len(value) <= _REMEMBERED_LENGTH else None
        known = None if text is None else columns.remembered.get((name, text))
        if known is None:
            known = _read_fact(columns, name, value)
            if text is not None and len(columns.remembered) < _REMEMBERED_MAX:
                columns.remembered[name, text] = known
        fact, note = known
        if fact:
            facts[name] = fact
        elif note:
            reading.notes.append(note)
    return facts


def _read_fact(columns: Columns, name: str, value: object) -> tuple[str, str]:
    """Return the fact, or empty and the note that says why it is not recorded."""
    spec = _FACTS.get(name) or _END_FACTS[name]
    try:
        return str(spec.parse(_fact_text(columns, spec, value)) or ""), ""
    except FieldError as refusal:
        return "", f"{spec.label}: “{shown(value)}” is not recorded. {refusal}"


def read_occurred_on(columns: Columns, values: Mapping[str, object], reading: Reading) -> str | None:
    """Return the day on which the tonnes ended, None if it is not stated; adds a problem if unreadable."""
    value = columns.raw(values, OCCURRED_ON)
    if value is None:
        return None
    try:
        return columns.day(OCCURRED_ON, value)
    except FieldError as refusal:
        reading.problems.append(Problem(OCCURRED_ON, str(refusal)))
        return None


def end_texts(columns: Columns, values: Mapping[str, object], names: Sequence[str]) -> dict[str, str]:
    """Return the texts of the fields of an end that the row states."""
    return {name: text for name in names if (text := columns.text(values, name))}


def end_data(texts: Mapping[str, str], *, is_retirement: bool, reading: Reading) -> dict[str, str]:
    """Return the data of a RETIRED or WITHDRAWN event: texts that are too long go into the note."""
    data: dict[str, str] = {}
    more: list[str] = []
    beneficiary = texts.get("beneficiary")
    other = texts.get(OTHER_BENEFICIARY)
    wanted = {name: texts[name] for name in ("reason", "reference") if name in texts}
    if is_retirement:
        wanted["beneficiary"] = beneficiary or other or ""
        if beneficiary and other and other != beneficiary:
            more.append(other)
    else:
        more += [text for text in (beneficiary, other) if text]
    for name, text in wanted.items():
        spec = _END_TEXTS[name]
        try:
            value = spec.parse(text)
        except FieldError:
            more.insert(0, text)
        else:
            if value is not None:
                data[name] = str(value)
    note = _note([texts.get("note", ""), *more], reading)
    return {**data, "note": note} if note else data


def _note(texts: Sequence[str], reading: Reading) -> str:
    spec = _END_TEXTS["note"]
    text = "\n".join(text for text in texts if text)
    longest = spec.max_length if isinstance(spec, TextField) else len(text)
    if len(text) > longest:
        reading.notes.append(f"The note is cut after {longest:,} characters.")
        text = text[:longest]
    try:
        return str(spec.parse(text) or "")
    except FieldError as refusal:
        reading.notes.append(f"Note: “{shown(text)}” is not recorded. {refusal}")
        return ""


def _serial(columns: Columns, values: Mapping[str, object], reading: Reading) -> object:
    header = columns.header_of.get("serial_number")
    value = None if header is None else values.get(header)
    if not isinstance(value, str) or value == "":
        return None if value == "" else value
    text = value.strip()
    if len(text) <= _MISSING_MAX and is_missing(value, is_serial_number=True):
        if text:
            reading.notes.append(MISSING_SERIAL.format(shown(text)))
        return None
    first, last = columns.text(values, SERIAL_FIRST), columns.text(values, SERIAL_LAST)
    if first and last and len(text) <= _SERIAL_MAX and _is_without_range(text, first, last):
        return f"{text}-{first} to {last}"
    return value


def _is_without_range(text: str, first: str, last: str) -> bool:
    """Return whether the serial number does not state the block of the two columns itself."""
    stated = parse_range(text)
    return stated is None or (str(stated.first), str(stated.last)) != (first, last)


def _add_facts_of_serial(columns: Columns, serial: object, facts: dict[str, str]) -> None:
    form = columns.format
    if form is None or not isinstance(serial, str) or len(serial) > _SERIAL_MAX:
        return
    if form.has_verra_serials and (found := _VERRA.search(serial)):
        country, kind, project, start, end = found.groups()
        stated = {"country": country.upper(), "project_type": kind, "project_id": project}
        for name, digits in (("vintage_start", start), ("vintage_end", end)):
            stated[name] = f"{digits[4:]}-{digits[2:4]}-{digits[:2]}"
        for name, value in stated.items():
            if name not in facts and _is_fact(name, value):
                facts[name] = value
    if form.has_cercarbono_serials and (found := _CERCARBONO.match(serial)):
        facts.setdefault("project_id", found[1])


def _is_fact(name: str, value: str) -> bool:
    try:
        return _FACTS[name].parse(value) is not None
    except FieldError:
        return False


def _vintage(columns: Columns, values: Mapping[str, object], facts: dict[str, str]) -> object:
    value = columns.raw(values, "vintage")
    if value is None:
        end = facts.get("vintage_end") or facts.get("vintage_start")
        return end[:4] if end else None
    text = as_text(value)
    if _YEAR.fullmatch(text):
        return text
    found = read_vintage(value)
    if found is None:
        return None
    if found.start:
        facts.setdefault("vintage_start", found.start)
    if found.end:
        facts.setdefault("vintage_end", found.end)
    return str(found.year)


def _quantity(columns: Columns, values: Mapping[str, object], _facts: dict[str, str]) -> object:
    value = columns.raw(values, "quantity")
    if value is None or isinstance(value, Number) or not isinstance(value, str):
        return value
    return columns.tonnes(columns.header_of["quantity"], value)


def _fact_text(columns: Columns, spec: Field, value: object) -> str | None:
    return columns.day(spec.name, value) if isinstance(spec, PastDateField) else as_text(value)


def _with_value(message: str, value: object) -> str:
    """Return the message with the value in it."""
    text = shown(value)
    return message if not text or f"“{text}”" in message else f"“{text}”: {message}"
