"""The parsed rows of a large import, as JSON beside their cells, so that each row is parsed once.

A row of the file is a list of rows, one for each part. Of a credit also what takes long to compute is
kept: its id and the numbers in its serial number.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from webapp.domain.credit import Credit
from webapp.domain.errors import Problem
from webapp.domain.import_row import ImportRow, StatedEnd
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.serial_number import SerialBlock

# With escapes for all but ASCII, so that half a surrogate pair can be stored.
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def text_of(rows: Sequence[ImportRow]) -> str:
    """Return the rows that one row of the file is, as JSON."""
    return _ENCODER.encode([_row(row) for row in rows])


def rows_of(
    numbers: Sequence[int], texts: Sequence[str], values: Sequence[Mapping[str, object]]
) -> Iterator[ImportRow]:
    """Yield what `text_of` wrote of some rows of the file, with their numbers and values."""
    parsed = json.loads(f"[{','.join(texts)}]")
    for number, rows, cells in zip(numbers, parsed, values, strict=True):
        for row in rows:
            yield _read_row(number, cells, row)


def _row(row: ImportRow) -> list[object]:
    return [
        row.credit and _credit(row.credit),
        row.named and _credit(row.named),
        [[problem.field, problem.message] for problem in row.problems],
        row.unknown_fields,
        row.status,
        row.not_active and [row.not_active.field, row.not_active.message],
        row.end and [row.end.type, row.end.occurred_on, dict(row.end.data), dict(row.end.facts)],
        dict(row.facts),
        row.is_issuance,
        list(row.notes),
        row.stated_id,
    ]


def _read_row(number: int, values: Mapping[str, object], parts: Any) -> ImportRow:  # noqa: ANN401 - JSON
    credit, named, problems, unknown, status, not_active, end, facts, is_issuance, notes, stated_id = parts
    return ImportRow(
        number,
        _read_credit(credit) if credit else None,
        [Problem(*problem) for problem in problems],
        unknown,
        Status(status),
        Problem(*not_active) if not_active else None,
        StatedEnd(EventType(end[0]), *end[1:]) if end else None,
        facts,
        is_issuance,
        tuple(notes),
        values,
        stated_id,
        _read_credit(named) if named else None,
    )


def _credit(credit: Credit) -> list[object]:
    return [
        [
            credit.project_name,
            credit.registry,
            credit.vintage,
            credit.quantity_e4,
            credit.serial_number,
            credit.replaces,
            credit.parent,
            credit.offset_e4,
            dict(credit.facts),
        ],
        credit.id,
        credit.stated_range and _block(credit.stated_range),
        [None if block is credit.stated_range else _block(block) for block in credit.named_numbers],
    ]


def _read_credit(parts: Any) -> Credit:  # noqa: ANN401 - JSON
    fields, credit_id, stated, named = parts
    stated_range = stated and _read_block(stated)
    credit = Credit(*fields)
    numbers = [_read_block(block) if block else stated_range for block in named]
    credit.remember(credit_id, stated_range, numbers)
    return credit


def _block(block: SerialBlock) -> list[object]:
    return [block.series, block.first, block.last, block.notation, block.is_clear, block.width]


def _read_block(parts: Any) -> SerialBlock:  # noqa: ANN401 - JSON
    series, first, last, notation, is_clear, width = parts
    return SerialBlock(series, first, last, tuple(notation), is_clear, width)
