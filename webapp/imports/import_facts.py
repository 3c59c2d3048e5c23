"""What is kept of an import beside its file: how it was read, its counts, and why it cannot be written."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Row

from webapp.domain.event import time_text
from webapp.imports import staging
from webapp.imports.file_rows import FileRows, columns_note, is_complete
from webapp.imports.formats.format import FileMeaning
from webapp.imports.mapping import ColumnMapping
from webapp.imports.options import ImportOptions
from webapp.imports.plan import Kind, Plan
from webapp.imports.readers.source import Source
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


@dataclass(frozen=True)
class PlanFacts:
    """What is kept and shown of a file and its plan.

    `kinds` has `rows` and `e4` (ten-thousandths of a tonne) by kind, `counts` the rows by outcome.
    `undated` are the rows that say that their tonnes ended, and not when. `row_notes` has the number of rows
    for each sentence about rows, `unknown_fields` the fields that are not recorded.
    """

    source: Source
    mapping: ColumnMapping
    kinds: Mapping[str, Mapping[str, int]]
    counts: Mapping[str, int]
    is_all_invalid: bool
    undated: int
    row_notes: Mapping[str, int]
    unknown_fields: Sequence[str]

    @staticmethod
    def of(found: FileRows, plan: Plan) -> "PlanFacts":
        """Return the facts of a file that is in memory."""
        return PlanFacts(
            found.source,
            found.mapping,
            staging.summary_of(plan),
            staging.counts_of(plan),
            is_all_invalid=set(plan.outcomes()) == {Outcome.INVALID},
            undated=found.undated,
            row_notes=Counter(note for row in found.rows for note in row.notes),
            unknown_fields=found.unknown_fields,
        )

    @property
    def not_recorded(self) -> str:
        """The column with the names of fields that are not recorded, as JSON."""
        return json.dumps(list(self.unknown_fields[:_NOT_RECORDED_SHOWN]), ensure_ascii=False)


def facts_of_file(sha256: str, size_bytes: int, filename: str, actor: str) -> dict[str, object]:
    """Return the columns of an import that follow from its file and its actor."""
    return {
        "actor": actor,
        "filename": display_name(filename),
        "sha256": sha256,
        "size_bytes": size_bytes,
        "uploaded_at": time_text(clock.now()),
    }


def facts_of_plan(about: PlanFacts, options: ImportOptions) -> dict[str, Any]:
    """Return the columns of an import that follow from its plan."""
    chosen = replace(options, mapping=about.mapping)
    return {
        **about.counts,
        "total": len(about.source.rows),
        "state": State.CHECKED if is_complete(about.mapping) else State.UNMAPPED,
        "options": chosen.to_json(),
        "summary": json.dumps({"kinds": about.kinds, **_how_read(about)}, ensure_ascii=False),
        "not_recorded": about.not_recorded,
    }


def _how_read(about: PlanFacts) -> dict[str, object]:
    """Return how the file was read, for the page."""
    source, mapping = about.source, about.mapping
    notes = list(source.notes)
    if mapping.meaning is FileMeaning.ISSUANCES and Kind.NEW in about.kinds:
        notes.append(_ISSUANCES)
    # Where no row of the file is one of a credit, its columns say more than the problems.
    if about.is_all_invalid and (note := columns_note(source)):
        notes.append(note)
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
        "undated": about.undated,
        "row_notes": dict(Counter(about.row_notes).most_common(_NOTES_KEPT)),
    }


def kinds_of(row: Row[Any]) -> object:
    """Return the kinds of the plan that an import has stored."""
    return json.loads(row.summary)["kinds"] if row.summary else None


def why_not(about: PlanFacts, *, skip_invalid: bool, ignore_unknown: bool) -> str | None:
    """Return the reason why nothing can be written, None if there is none."""
    if not is_complete(about.mapping):
        missing = ", ".join(about.mapping.missing)
        asked = ", ".join(f"{each.header} ({each.about})" for each in about.mapping.questions)
        note = columns_note(about.source)
        what = [f"No column has: {missing}." if missing else "", f"To be chosen: {asked}." if asked else ""]
        return _UNMAPPED.format(" ".join(part for part in [*what, note] if part))
    if (about.counts[Outcome.CONFLICTING] or about.counts[Outcome.INVALID]) and not skip_invalid:
        return f"{PROBLEMS} {columns_note(about.source)}".strip() if about.is_all_invalid else PROBLEMS
    if about.unknown_fields and not ignore_unknown:
        return UNKNOWN
    return None


def with_advice(reason: str, how_to_skip: str, how_to_ignore: str) -> str:
    """Return the reason why nothing was written, and how the caller leaves such rows or fields out."""
    asked = {PROBLEMS: how_to_skip, UNKNOWN: how_to_ignore}
    advice = next((how for kind, how in asked.items() if reason.startswith(kind)), "")
    return f"{reason} {advice}".strip()


def display_name(filename: str) -> str:
    """Return the last part of a path as printable text of at most FILENAME_LENGTH_MAX characters."""
    last = re.split(r"[/\\]", filename)[-1]
    printable = "".join(character for character in last if character.isprintable())
    return printable.strip()[:FILENAME_LENGTH_MAX] or "unnamed"
