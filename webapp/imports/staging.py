"""Keep the plan of an import: its counts and tonnes, its rows and their problems.

The rows are working data. While the import is open, all are kept; afterwards those that were left out,
refused or differ from the ledger.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, insert

from webapp.domain.errors import numbers_text
from webapp.domain.event import Data
from webapp.domain.fields import tonnes
from webapp.domain.import_row import ImportRow
from webapp.domain.text import without_surrogates
from webapp.imports.plan import WRITING, Kind, Piece, Plan
from webapp.imports.reconciliation import NO_ROW
from webapp.ledger.holdings import Holding
from webapp.ledger.row_decisions import Outcome
from webapp.ledger.storage.import_tables import import_problems, import_rows

DIFFERENCE: Final = "difference"
# The kinds of the rows that are kept.
ROW_KINDS: Final = [*map(str, Kind), DIFFERENCE]
# The kinds that are the ledger's own once they are written.
PLAIN_KINDS: Final = (Kind.NEW, Kind.EXISTING)
_NO_SERIAL: Final = (
    "Neither row has a serial number. If they are different batches, choose the column that tells them apart "
    "as the serial number."
)
_CELL_MAX: Final = 300
_CELLS_MAX: Final = 60


def summary_of(plan: Plan) -> dict[str, dict[str, int]]:
    """Return the rows and the ten-thousandths of a tonne of each kind that has any, and of differences."""
    counts, sums = plan.counts(), plan.tonnes()
    found = {str(kind): {"rows": counts[kind], "e4": sums[kind]} for kind in Kind if counts[kind]}
    if plan.differences:
        quantity_e4 = sum(difference.quantity_e4 for difference in plan.differences)
        found[DIFFERENCE] = {"rows": len(plan.differences), "e4": quantity_e4}
    return found


def counts_of(plan: Plan) -> dict[str, int]:
    """Return the number of rows: `total`, and one count for each outcome of a row as a whole."""
    counts = {str(outcome): 0 for outcome in Outcome}
    for outcome in plan.outcomes():
        counts[outcome] += 1
    return {"total": len(plan.rows), **counts}


def keep_plan(connection: Connection, import_id: int, plan: Plan, *, is_open: bool) -> None:
    """Keep the rows and problems of a plan in place of those of an earlier one."""
    for table in (import_rows, import_problems):
        connection.execute(delete(table).where(table.c.import_id == import_id))
    dropped = () if is_open else PLAIN_KINDS
    insert_rows(connection, import_id, rows_of(plan, lambda kind: kind not in dropped), 1)
    insert_problems(connection, import_id, plan, 1)


def insert_rows(
    connection: Connection, import_id: int, rows: Iterable[Mapping[str, object]], first: int
) -> None:
    """Keep rows, with numbers from `first`."""
    kept = [{"import_id": import_id, "number": number, **facts} for number, facts in enumerate(rows, first)]
    if kept:
        connection.execute(insert(import_rows), kept)


def insert_problems(connection: Connection, import_id: int, plan: Plan, first: int) -> int:
    """Keep the problems of a plan, with numbers from `first`, and return how many there are."""
    problems = [
        {"import_id": import_id, "number": number, **facts}
        for number, facts in enumerate(_problems(plan), first)
    ]
    if problems:
        connection.execute(insert(import_problems), problems)
    return len(problems)


def rows_of(plan: Plan, is_kept: Callable[[str], bool]) -> Iterator[Mapping[str, object]]:
    """Yield the rows of a plan that are kept, by their kinds, and its differences."""
    # The row that writes the tonnes of a credit, or some of its numbers: others are equal to it.
    writing = {_tonnes_of(plan, piece): piece.place for piece in plan.pieces if piece.kind in WRITING}
    for piece in sorted(plan.pieces, key=lambda piece: piece.place):
        if is_kept(piece.kind):
            row = plan.rows[piece.place]
            yield {
                "row": row.number,
                "kind": piece.kind,
                "quantity_e4": piece.quantity_e4,
                "credit": piece.credit_id or _holder(plan, piece),
                "detail": _detail(plan, piece, writing.get(_tonnes_of(plan, piece))),
                **_shown(row),
            }
    for difference in plan.differences:
        found = plan.rows[difference.place] if difference.place != NO_ROW else None
        yield {
            "row": found.number if found else 0,
            "kind": DIFFERENCE,
            "quantity_e4": difference.quantity_e4,
            "credit": difference.credit_id,
            "detail": difference.text,
            **(_shown_holder(difference.holder) if difference.holder else _shown(found)),
        }


def _shown(row: ImportRow | None) -> dict[str, Any]:
    if row is None:
        return {"project_name": None, "serial_number": None, "cells": "{}"}
    cells = {
        name[:_CELL_MAX]: _cell(value)
        for name, value in list(row.values.items())[:_CELLS_MAX]
        if value is not None
    }
    credit = row.credit or row.named
    return {
        "project_name": credit and credit.project_name,
        "serial_number": credit and credit.serial_number,
        "cells": json.dumps(cells, ensure_ascii=False),
    }


def _shown_holder(holder: Holding) -> dict[str, Any]:
    return {"project_name": holder.project_name, "serial_number": holder.serial_number, "cells": "{}"}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return without_surrogates(text if len(text) <= _CELL_MAX else text[: _CELL_MAX - 1] + "…")


def _tonnes_of(plan: Plan, piece: Piece) -> tuple[object, ...]:
    """Return what the tonnes of a piece have in common with those of other rows that name the same ones."""
    credit = plan.rows[piece.place].credit
    block = credit and credit.block
    return (block.series, *piece.numbers) if block and piece.numbers else (piece.credit_id,)


def _detail(plan: Plan, piece: Piece, writing: int | None) -> str:
    """Return what happens with the tonnes, as a sentence; empty if the kind says all.

    `writing` is the index of the row that writes these tonnes, if it is known.
    """
    row = plan.rows[piece.place]
    sentences = []
    if piece.place in plan.refused:
        sentences = [
            f"{problem.field}: {problem.message}" if problem.field else problem.message
            for problem in plan.refused[piece.place].problems
        ]
    elif piece.kind in {Kind.NEW_RETIRED, Kind.NEW_WITHDRAWN, Kind.RETIRED, Kind.WITHDRAWN}:
        sentences = [end_text(plan.end_data[piece.place])]
    elif piece.kind is Kind.ADDS_FACTS:
        added = plan.additions.get(piece.credit_id or "", {})
        sentences = [
            "Adds " + ", ".join(f"{name.replace('_', ' ')}: {text}" for name, text in added.items()) + "."
        ]
    elif piece.kind is Kind.EQUAL:
        sentences = [_equal_text(plan, piece, writing)]
    if row.credit and piece.quantity_e4 != row.credit.quantity_e4:
        numbers = "" if piece.numbers is None else f", {numbers_text(*piece.numbers).lower()}"
        sentences.append(f"{tonnes(piece.quantity_e4)} of {tonnes(row.credit.quantity_e4)}{numbers}.")
    return " ".join([*(sentence for sentence in sentences if sentence), *row.notes])


def _holder(plan: Plan, piece: Piece) -> str | None:
    return plan.refused[piece.place].holder if piece.place in plan.refused else None


def _equal_text(plan: Plan, piece: Piece, writing: int | None) -> str:
    other = plan.row_of_new.get(piece.credit_id or "") if writing is None else writing
    if other is None or other == piece.place:
        return "Another row of the file names these tonnes too."
    text = f"The same tonnes as in row {plan.rows[other].number}."
    credit = plan.rows[piece.place].credit
    return f"{text} {_NO_SERIAL}" if credit and credit.serial_number is None else text


def end_text(data: Data) -> str:
    """Return for whom and when tonnes ended, as a sentence."""
    parts = [
        f"for {data['beneficiary']}" if "beneficiary" in data else "",
        f"on {data['occurred_on']}" if "occurred_on" in data else "without a date",
        f"({data['reason']})" if "reason" in data else "",
    ]
    text = " ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}."


def _problems(plan: Plan) -> Iterator[Mapping[str, object]]:
    for place in sorted(plan.refused):
        decision = plan.refused[place]
        for problem in decision.problems:
            yield {
                "row": decision.row.number,
                "field": problem.field[:80],
                "message": problem.message,
                "holder": decision.holder,
                "first": decision.stated and decision.stated.first,
                "last": decision.stated and decision.stated.last,
            }


def has_problems(summary: Mapping[str, object]) -> bool:
    """Return whether a plan has rows that cannot be recorded."""
    return any(str(kind) in summary for kind in (Kind.CONFLICTING, Kind.INVALID))


def rows_with(plan: Plan, kinds: Sequence[Kind]) -> int:
    """Return the number of rows with tonnes of these kinds."""
    return len({piece.place for piece in plan.pieces if piece.kind in kinds})
