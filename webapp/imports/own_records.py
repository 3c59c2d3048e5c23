"""Rows of this ledger's own files: credits with the id, status and place that this ledger gave them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from webapp.domain.credit import NEW_FIELDS, Credit, is_credit_id, parse_credit
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.facts import CREDIT_FACTS, FACTS, parse_facts
from webapp.domain.fields import FieldError, IdField, QuantityField
from webapp.domain.import_row import ImportRow
from webapp.domain.lifecycle import Status
from webapp.domain.spreadsheet_cells import original
from webapp.imports.inactive_status import not_active, says_inactive
from webapp.imports.readers.source import FileKind, Source, SourceRow

_PARENT: Final = IdField("parent", "Parent", required=True)
_OFFSET: Final = QuantityField("offset", "Offset", required=True)
_NAMES: Final = tuple(spec.name for spec in NEW_FIELDS)
_ROWS_LOOKED_AT: Final = 200
_FACT_NAMES: Final = tuple(spec.name for spec in CREDIT_FACTS)
_CSV_ONLY: Final = "changed_at"
_NOT_COMPUTED: Final = (
    "This row is a lot of another credit, and this CSV file does not say of which. Download it again, or "
    "move whole histories with flask export and flask restore."
)


def has_own_ids(source: Source) -> bool:
    """Return whether the ids of a file with our fields are those of this ledger.

    They are if a row has the id of its fields. Older CSV files of ours may have lots only, whose ids follow
    from more than their fields; our files are told by the column `changed_at`.
    """
    rows = source.rows[:_ROWS_LOOKED_AT]
    ids = [row.values.get("id") for row in rows]
    if not ids or not all(isinstance(given, str) and is_credit_id(given) for given in ids):
        return False
    if _CSV_ONLY in source.headers:
        return True
    return any(_has_own_id(row) for row in rows)


def read_own_row(row: SourceRow, kind: FileKind) -> ImportRow:
    """Return a row of our own file, as strict as the API: its id must be that of its fields."""
    values = row.values if kind in {FileKind.JSON, FileKind.NDJSON} else _cells(row.values)
    problems: list[Problem] = []
    credit = None
    try:
        credit = parse_credit({name: values[name] for name in _NAMES if name in values})
    except InvalidFields as refusal:
        problems += refusal.problems
    if credit and values.get("parent") is not None:
        credit = lot_of(credit, values, problems)
    facts: dict[str, str] = {}
    stated_facts = values.get(FACTS)
    if stated_facts is None:  # our downloads have a column for each
        stated_facts = {name: values[name] for name in _FACT_NAMES if values.get(name) is not None}
    if stated_facts:
        try:
            facts = parse_facts(CREDIT_FACTS, stated_facts)
        except InvalidFields as refusal:
            problems += refusal.problems
    status = status_of(values, problems)
    inactive = not_active(values)
    stated = values.get("id")
    stated_id = None
    if credit and stated not in (None, credit.id):
        if _CSV_ONLY in values and isinstance(stated, str) and is_credit_id(stated):
            stated_id = stated
            inactive = inactive or Problem("id", _NOT_COMPUTED)
        else:
            problems.append(Problem("id", f"This is not the id of these fields, which is {credit.id}."))
    if inactive and problems:
        problems.insert(0, inactive)
    return ImportRow(
        row.number,
        None if problems else credit,
        problems,
        status=status,
        not_active=inactive,
        facts=facts,
        stated_id=stated_id,
        values=row.values,
    )


def lot_of(credit: Credit, values: Mapping[str, object], problems: list[Problem]) -> Credit:
    """Return the lot of a row with `parent` and `offset`, from which its id is computed."""
    place: dict[str, str | int | None] = {"offset": 0}
    for spec in (_PARENT, _OFFSET):
        if spec is _OFFSET and values.get("offset") == "0":  # where the first lot begins
            continue
        try:
            place[spec.name] = spec.parse(values.get(spec.name))
        except FieldError as refusal:
            problems.append(Problem(spec.name, str(refusal)))
            return credit
    return replace(credit, parent=str(place["parent"]), offset_e4=int(place["offset"] or 0))


def status_of(values: Mapping[str, object], problems: list[Problem]) -> Status:
    """Return the value of our field `status`, by default ACTIVE."""
    given = values.get("status")
    if given is None:
        return Status.ACTIVE
    try:
        return Status(str(given))
    except ValueError:
        if not says_inactive(given):  # then the row is refused for what it says
            problems.append(Problem("status", f"Must be one of {', '.join(Status)}."))
        return Status.ACTIVE


def _has_own_id(row: SourceRow) -> bool:
    values = row.values
    try:
        credit = parse_credit({name: values[name] for name in _NAMES if name in values})
    except InvalidFields:
        return False
    problems: list[Problem] = []
    if values.get("parent") is not None:
        credit = lot_of(credit, values, problems)
    return not problems and values.get("id") == credit.id


def _cells(values: Mapping[str, object]) -> dict[str, object]:
    """Return the cells of a CSV file as they were before spreadsheets were kept from evaluating them."""
    return {
        name: None if value == "" else original(value) if isinstance(value, str) else value
        for name, value in values.items()
    }
