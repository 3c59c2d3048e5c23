"""A statement as PDF, made by typst from the template ``statement.typ``.

All texts reach the template as JSON, never as its source. The same statement gives the same bytes: the
date of the document is that of its last event, and fonts of the machine (PDF_FONTS) are only used for
characters that those of the library lack. The file is PDF/A-3a and PDF/UA-1 with the data of the statement
attached, unless a text has characters that no font has: they are drawn as boxes, and the document says so.

typst works in a process of its own, ``typst_process``, whose memory and time are bounded by the system.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final

from webapp.domain.errors import LedgerBusy
from webapp.domain.fields import tonnes
from webapp.ledger.storage.engine import end_read_transaction
from webapp.statements.content import Group, Lot, Restated, Statement, data_of
from webapp.statements.proof import Proof
from webapp.statements.qr_code import qr_code

TEMPLATE: Final = Path(__file__).with_name("statement.typ")
_PROGRAM: Final = Path(__file__).with_name("typst_process.py")
# A document of more lots has the tonnes by project, and all lots in the attached data only; of more
# projects, the first ones and the sum of the others. 2,000 lots take 2 s and 300 MB.
LOTS_MAX: Final = 2000
GROUPS_MAX: Final = 500
MEMORY_BYTES_MAX: Final = 1_000_000_000
CPU_SECONDS_MAX: Final = 30
_WAIT_SECONDS: Final = 60
_PATIENCE_SECONDS: Final = 5
# How many documents this process makes at once; others wait.
_PLACES: Final = BoundedSemaphore(2)
# Each thread of typst, one for each processor by default, would take address space of its own.
_FEW_THREADS: Final = {"RAYON_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "2"}
# Fonts of the machine, for characters that those of the library lack. See `use_fonts`.
FONT_FOLDERS: Final[list[str]] = []
_BUSY: Final = "The PDF could not be made now. Try again in a moment."
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()
)


def use_fonts(folders: Sequence[str]) -> None:
    """Use these folders of fonts in all PDFs of this process, for characters that no other font has."""
    FONT_FOLDERS[:] = folders


def pdf_of(statement: Statement, proof: Proof | None) -> bytes:
    """Return the PDF, with its proof attached if there is one.

    Raises LedgerBusy if it takes too long or too much memory.
    """
    data = json.dumps(data_of(statement), ensure_ascii=False, indent=1)
    attached = {"proof": proof.document.decode()} if proof else {}
    return compiled(TEMPLATE, data, page_of(statement, proof), attached)


def compiled(
    template: Path, data: str, page: Mapping[str, Any], attached: Mapping[str, str] | None = None
) -> bytes:
    """Return the PDF that a template makes of the page that it shows and the texts that it attaches.

    Raises LedgerBusy if it takes too long or too much memory. The read transaction of the request ends
    before: no connection waits for a document.
    """
    end_read_transaction()
    inputs = {"data": data, "page": json.dumps(page, ensure_ascii=False), **(attached or {})}
    limits = (MEMORY_BYTES_MAX, CPU_SECONDS_MAX)
    if not _PLACES.acquire(timeout=_PATIENCE_SECONDS):
        raise LedgerBusy(_BUSY)
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM), str(template), *map(str, limits), *FONT_FOLDERS],
            input=json.dumps(inputs).encode(),
            stdout=subprocess.PIPE,
            env=_FEW_THREADS,
            timeout=_WAIT_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        raise LedgerBusy(_BUSY) from None
    finally:
        _PLACES.release()
    if ended.returncode:
        raise LedgerBusy(_BUSY)
    return ended.stdout


def day_text(text: str) -> str:
    """Return a date (`YYYY-MM-DD…`) in words: "20 November 2026"."""
    year, month, day = text[:10].split("-")
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"


def page_of(statement: Statement, proof: Proof | None) -> dict[str, Any]:
    """Return what the template shows, every value as the text that it prints."""
    updated = statement.updated_at
    is_listed = statement.number_of_lots <= LOTS_MAX
    shown = statement.groups if is_listed else statement.groups[:GROUPS_MAX]
    return {
        "number": str(statement.position),
        "quantity": tonnes(statement.quantity_e4).removesuffix(" t"),
        "lots": statement.number_of_lots,
        "is_listed": is_listed,
        "beneficiaries": [
            {"name": name, "quantity": tonnes(quantity_e4)} for name, quantity_e4 in statement.beneficiaries
        ],
        "facts": _facts_of(statement),
        "groups": [_group_of(group, is_listed=is_listed) for group in shown],
        "others": _others(statement.groups[len(shown) :]),
        "restated": [_restated_of(each, statement.number_of_lots) for each in statement.restated],
        "proof": _proof_of(proof) if proof else None,
        "address": statement.address,
        "qr": qr_code(statement.address) if statement.address else None,
        "updated": [*updated.timetuple()[:6]],
    }


def _proof_of(proof: Proof) -> list[tuple[str, str]]:
    checkpoint = proof.checkpoint
    return [
        ("Log", checkpoint.origin),
        ("Events", f"{checkpoint.size:,}"),
        ("Fingerprint", checkpoint.root.hex()),
        ("Key", proof.key),
    ]


def _facts_of(statement: Statement) -> list[tuple[str, list[str]]]:
    days = statement.days
    shown_days = [day_text(days[0])] if len(days) == 1 else [f"{day_text(days[0])} to {day_text(days[-1])}"]
    facts = [
        ("Reason", statement.said("reason")),
        ("Retired on", shown_days if days else ["not known"]),
        ("Recorded on", [f"{day_text(statement.act.recorded_at)}, {statement.act.recorded_at[11:16]} UTC"]),
        ("Reference", statement.said("reference")),
        ("Evidence", [f"{file.name}, SHA-256 {file.sha256}" for file in statement.evidence]),
    ]
    return [(label, values) for label, values in facts if values]


def _group_of(group: Group, *, is_listed: bool) -> dict[str, Any]:
    return {
        "project": group.project_name,
        "registry": group.registry,
        "project_id": group.project_id,
        "vintage": str(group.vintage),
        "quantity": tonnes(group.quantity_e4),
        "count": len(group.lots),
        "lots": [_lot_of(lot) for lot in group.lots] if is_listed else [],
    }


def _others(groups: Sequence[Group]) -> dict[str, Any] | None:
    if not groups:
        return None
    quantity_e4 = sum(group.quantity_e4 for group in groups)
    return {
        "groups": len(groups),
        "count": sum(len(group.lots) for group in groups),
        "quantity": tonnes(quantity_e4),
    }


def _lot_of(lot: Lot) -> dict[str, Any]:
    credit, event = lot.acted.credit, lot.acted.event
    return {
        "serial": credit.serial_number or "",
        "quantity": tonnes(credit.quantity_e4),
        "id": credit.id,
        "position": str(event.position),
        "hash": event.hash,
        "own": [(word.label, _text_of(word.text, is_day=word.is_day)) for word in lot.own],
    }


def _text_of(text: str, *, is_day: bool) -> str:
    return day_text(text) if is_day and text else text


def _restated_of(each: Restated, lots: int) -> dict[str, str]:
    of = "" if each.lots == lots else f" of {each.lots:,} of {lots:,} lots"
    return {
        "day": day_text(each.amended_at),
        "label": f"{each.label}{of}",
        "before": _text_of(each.was, is_day=each.is_day),
        "after": _text_of(each.is_now, is_day=each.is_day),
    }
