"""What is kept of an import beside its file: how it was read, its counts, and why it cannot be written."""

import json
import re
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Row

from webapp.domain.event import time_text
from webapp.imports import staging
from webapp.imports.file_rows import FileRows
from webapp.imports.formats.format import FileMeaning
from webapp.imports.options import ImportOptions
from webapp.imports.plan import Kind, Plan
from webapp.imports.views import State
from webapp.ledger import clock
from webapp.ledger.row_decisions import Outcome

FILENAME_LENGTH_MAX: Final = 200
_NOT_RECORDED_SHOWN: Final = 100
_NOTES_KEPT: Final = 20
PROBLEMS: Final = "Nothing was written: some rows are invalid or in conflict."
UNKNOWN: Final = "Nothing was written: some fields of the file would not be recorded."
_UNMAPPED: Final = "Nothing was written: the columns of the file are not known. {}"
_ISSUANCES: Final = (
    "This is a list of issuances: its tonnes may have been retired since. Import the registry's list of "
    "retirements as well."
)


def facts_of_file(content: bytes, filename: str, actor: str, not_recorded: list[str]) -> dict[str, object]:
    """Return the columns of an import that follow from its file and its actor."""
    return {
        "actor": actor,
        "filename": display_name(filename),
        "sha256": sha256(content).hexdigest(),
        "size_bytes": len(content),
        "uploaded_at": time_text(clock.now()),
        "not_recorded": not_recorded_of(not_recorded),
    }


def not_recorded_of(names: list[str]) -> str:
    """Return the column with the names of fields that are not recorded, as JSON."""
    return json.dumps(names[:_NOT_RECORDED_SHOWN], ensure_ascii=False)


def facts_of_plan(found: FileRows, options: ImportOptions, plan: Plan) -> dict[str, Any]:
    """Return the columns of an import that follow from its plan."""
    chosen = replace(options, mapping=found.mapping)
    return {
        **staging.counts_of(plan),
        "total": len(found.source.rows),
        "state": State.CHECKED if found.is_mapped else State.UNMAPPED,
        "options": chosen.to_json(),
        "summary": json.dumps(
            {"kinds": staging.summary_of(plan), **_how_read(found, plan)}, ensure_ascii=False
        ),
    }


def _how_read(found: FileRows, plan: Plan) -> dict[str, object]:
    """Return how the file was read, for the page."""
    source, mapping = found.source, found.mapping
    notes = list(source.notes)
    if mapping.meaning is FileMeaning.ISSUANCES and any(piece.kind is Kind.NEW for piece in plan.pieces):
        notes.append(_ISSUANCES)
    if _is_all_invalid(plan) and found.columns_note:
        notes.append(found.columns_note)
    return {
        "kind": source.kind,
        "encoding": source.encoding,
        "delimiter": source.delimiter,
        "sheet": source.sheet,
        "sheets": list(source.sheets),
        "notes": notes,
        "format": mapping.format.name if mapping.format else "",
        "meaning": mapping.meaning,
        "is_public_export": mapping.is_public_export,
        "undated": found.undated,
        "row_notes": dict(Counter(note for row in found.rows for note in row.notes).most_common(_NOTES_KEPT)),
    }


def _is_all_invalid(plan: Plan) -> bool:
    """Return whether no row of the file is one of a credit. Its columns then say more than the problems."""
    return set(plan.outcomes()) == {Outcome.INVALID}


def kinds_of(row: Row[Any]) -> object:
    return json.loads(row.summary)["kinds"] if row.summary else None


def why_not(found: FileRows, plan: Plan, *, skip_invalid: bool, ignore_unknown: bool) -> str | None:
    """Return the reason why nothing can be written, None if there is none."""
    if not found.is_mapped:
        missing = ", ".join(found.mapping.missing)
        asked = ", ".join(f"{each.header} ({each.about})" for each in found.mapping.questions)
        what = [f"No column has: {missing}." if missing else "", f"To be chosen: {asked}." if asked else ""]
        return _UNMAPPED.format(" ".join(part for part in [*what, found.columns_note] if part))
    if plan.refused and not skip_invalid:
        return f"{PROBLEMS} {found.columns_note}".strip() if _is_all_invalid(plan) else PROBLEMS
    if found.unknown_fields and not ignore_unknown:
        return UNKNOWN
    return None


def display_name(filename: str) -> str:
    """Return the last part of a path as printable text of at most FILENAME_LENGTH_MAX characters."""
    last = re.split(r"[/\\]", filename)[-1]
    printable = "".join(character for character in last if character.isprintable())
    return printable.strip()[:FILENAME_LENGTH_MAX] or "unnamed"
