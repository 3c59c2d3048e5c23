"""Parse the rows of an import file into credits, without looking at the ledger."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from webapp.domain.canonical_json import NotJson, decode_text
from webapp.domain.credit import NEW_FIELDS, CanonicalCredit, Credit, parse_credit
from webapp.domain.errors import (
    InvalidFields,
    Problem,
    UnreadableFile,
)
from webapp.domain.fields import FieldError, IdField, QuantityField, unknown
from webapp.domain.import_row import ImportRow
from webapp.domain.lifecycle import Status
from webapp.imports.inactive_status import not_active, says_inactive
from webapp.imports.readers.json_file import row_texts

_TOLD_EVERY: Final = 100

# Different fields that a credit does not have, and how much of the name of each is kept.
UNKNOWN_FIELDS_MAX: Final = 1000
_NAME_KEPT_MAX: Final = 80
# How many characters the canonical texts of all credits may have: an allowance, and so many for each
# character of the texts themselves. Nearly all have as many as their text, but a single character can
# have eighteen in canonical form, which then lie in memory and in the database several times.
_CANONICAL_ALLOWED: Final = 100_000
_CANONICAL_FOR_EACH: Final = 2

# What our own API adds to the fields of a credit. An import may carry it; of these only `id`,
# `status`, `parent` and `offset` are read.
OWN_FIELDS: Final = (
    "id",
    "status",
    "created_at",
    "parent",
    "offset",
    "lots",
    "replaced_by",
    "rest",
    "events",
)
_PARENT: Final = IdField("parent", "Parent", required=True)
_OFFSET: Final = QuantityField("offset", "Offset", required=True)


def read_rows(
    content: bytes, limit: int | None = None, progress: Callable[[int], None] = lambda _done: None
) -> list[ImportRow]:
    """Return the first `limit` rows of a file. `progress` is called with the number of rows read.

    Raises UnsupportedFile, UnreadableFile and TooManyRows.
    """
    rows = []
    for row in parse_rows(row_texts(content)[:limit]):
        rows.append(row)
        if row.number % _TOLD_EVERY == 0:
            progress(row.number)
    return rows


def parse_rows(texts: Iterable[str]) -> Iterator[ImportRow]:
    """Yield each parsed row.

    Raises UnreadableFile if a row is not JSON, or if the file would need far more memory than its size:
    by too many different field names, or by texts that are much longer in canonical form.
    """
    names: set[str] = set()
    recorded, compared = 0, 0
    for number, text in enumerate(texts, start=1):
        row = parse_row(number, text)
        new = [name for name in row.unknown_fields if name not in names]
        names.update(new)
        if len(names) > UNKNOWN_FIELDS_MAX:
            raise UnreadableFile(
                f"Row {number}: there are more than {UNKNOWN_FIELDS_MAX:,} different fields in this file "
                "that a credit does not have."
            )
        if row.credit:
            recorded += _length_of_texts(row.credit)
            compared += _length_of_texts(row.credit.canonical)
        if compared > _CANONICAL_ALLOWED + _CANONICAL_FOR_EACH * recorded:
            raise UnreadableFile(
                f"Row {number}: in the form in which they are compared, the texts up to here have "
                f"{compared:,} characters, and as they are written {recorded:,}. A file may have at most "
                "about twice as many."
            )
        yield replace(row, unknown_fields=new) if new != row.unknown_fields else row


def _length_of_texts(credit: Credit | CanonicalCredit) -> int:
    return len(credit.project_name) + len(credit.registry) + len(credit.serial_number or "")


def parse_row(number: int, text: str) -> ImportRow:
    """Parse one row. Raises UnreadableFile if the text is not JSON."""
    try:
        value = decode_text(text)
    except NotJson as error:
        raise UnreadableFile(f"Row {number}: {error}") from None
    if not isinstance(value, dict):
        problem = Problem("", "A row must be an object with the fields of a credit.")
        return ImportRow(number, None, [problem])
    others = (name[:_NAME_KEPT_MAX] for name in unknown(NEW_FIELDS, value) if name not in OWN_FIELDS)
    unknown_fields = list(dict.fromkeys(others))
    problems: list[Problem] = []
    credit = None
    try:
        names = {spec.name for spec in NEW_FIELDS}
        credit = parse_credit({name: item for name, item in value.items() if name in names})
    except InvalidFields as refusal:
        problems += refusal.problems
    if credit and value.get("parent") is not None:
        credit = _lot(credit, value, problems)
    if credit and value.get("id") not in (None, credit.id):
        problems.append(Problem("id", f"This is not the id of these fields, which is {credit.id}."))
    status = _status(value, problems)
    inactive = not_active(value)
    if inactive and problems:
        problems.insert(0, inactive)
    return ImportRow(number, None if problems else credit, problems, unknown_fields, status, inactive)


def _lot(credit: Credit, value: Mapping[str, object], problems: list[Problem]) -> Credit:
    """Return the lot of a row with `parent` and `offset`, from which its id is computed."""
    place: dict[str, str | int | None] = {"offset": 0}
    for spec in (_PARENT, _OFFSET):
        if spec is _OFFSET and value.get("offset") == "0":  # where the first lot begins
            continue
        try:
            place[spec.name] = spec.parse(value.get(spec.name))
        except FieldError as refusal:
            problems.append(Problem(spec.name, str(refusal)))
            return credit
    return replace(credit, parent=str(place["parent"]), offset_e4=int(place["offset"] or 0))


def _status(value: Mapping[str, object], problems: list[Problem]) -> Status:
    given = value.get("status")
    if given is None:
        return Status.ACTIVE
    try:
        return Status(str(given))
    except ValueError:
        if not says_inactive(given):  # then the row is refused for what it says
            problems.append(Problem("status", f"Must be one of {', '.join(Status)}."))
        return Status.ACTIVE
