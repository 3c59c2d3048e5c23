"""Errors of the API as problem details (RFC 9457)."""

from contextlib import suppress
from typing import Final

from flask import Response

from webapp.api.serializers import conflict_body, lot_body, record_url
from webapp.api.serializers import json_response as encode_answer
from webapp.domain.errors import (
    ActNotAllowed,
    AlreadySplit,
    BlockHeld,
    CancelledBefore,
    CreditMoved,
    CursorMismatch,
    InvalidFields,
    LedgerError,
    ReplacedBefore,
    SerialHeld,
    TooManyRows,
)
from webapp.http.error_status import ErrorResponse
from webapp.ledger import queries
from webapp.ledger.serial_conflicts import SerialConflict, conflict_from_error

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "about:blank"  # the title says no more than the HTTP status does
_SPELLED_OUT_MAX: Final = 5


def render(answer: ErrorResponse) -> Response:
    """Return the problem document of an error."""
    body: dict[str, object] = {
        "type": TYPE,
        "title": answer.title,
        "status": int(answer.status),
        "detail": _detail(answer),
        **_extension_members(answer.refusal),
    }
    return encode_answer(body, answer.status, content_type=MEDIA_TYPE)


def _detail(answer: ErrorResponse) -> str:
    match answer.refusal:
        case InvalidFields(problems=problems) if len(problems) > _SPELLED_OUT_MAX:
            return f"{len(problems)} fields are not accepted; `errors` says why."
        case InvalidFields(problems=problems):
            return " ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems)
        case BlockHeld() as refusal:
            conflict = _serial_conflict(refusal)
            return f"{answer.detail}. {conflict.advice}" if conflict else f"{answer.detail}."
        case AlreadySplit():
            return f"{answer.detail} Act on one of its lots."
        case _:
            return answer.detail


def _extension_members(refusal: LedgerError | None) -> dict[str, object]:
    """Return what the refusal knows, for programs. `status` is taken: it is the HTTP status."""
    match refusal:
        case InvalidFields():
            return {"errors": [{"field": p.field, "message": p.message} for p in refusal.problems]}
        case CursorMismatch():
            return {"errors": [{"field": "cursor", "message": str(refusal)}]}
        case TooManyRows():
            return {"rows_max": refusal.limit}
        case _:
            return _of_record(refusal)


def _of_record(refusal: LedgerError | None) -> dict[str, object]:
    """Return what a refusal knows about the record that is in the way."""
    facts: dict[str, object] = {}
    match refusal:
        case BlockHeld():
            numbers = {"first": refusal.first, "last": refusal.last, "is_inside": refusal.is_inside}
            facts = {**_holder(refusal), **numbers, **conflict_body(_serial_conflict(refusal))}
        case SerialHeld():
            facts = _holder(refusal)
        case AlreadySplit():
            facts = {**_status(refusal), **_lots(refusal)}
        case ActNotAllowed():
            facts = _status(refusal)
        case CreditMoved():
            facts = {"seq": refusal.seq, "record_url": record_url(refusal.credit_id)}
        case CancelledBefore():
            facts = {"replaces": refusal.credit_id, "record_url": record_url(refusal.credit_id)}
        case ReplacedBefore():
            facts = {
                "replaced": refusal.replaced,
                "replaced_by": refusal.credit_id,
                "record_url": record_url(refusal.credit_id),
            }
        case _:
            pass
    return facts


def _holder(refusal: SerialHeld) -> dict[str, object]:
    return {"holder": refusal.holder, "holder_url": record_url(refusal.holder)}


def _status(refusal: ActNotAllowed) -> dict[str, object]:
    return {
        "record_status": refusal.status,
        "since": refusal.since,
        "record_url": record_url(refusal.credit_id),
    }


def _lots(refusal: AlreadySplit) -> dict[str, object]:
    """Say what the record has become, so that the rest can be acted on without another question."""
    with suppress(LedgerError):  # a database in trouble; the first refusal holds all the same
        return {"lots": [lot_body(lot) for lot in queries.lots_of(refusal.credit_id)]}
    return {}


def _serial_conflict(refusal: BlockHeld) -> SerialConflict | None:
    with suppress(LedgerError):  # a database in trouble; the first refusal holds all the same
        holder = queries.credit(refusal.holder)
        return conflict_from_error(holder, refusal)
    return None
