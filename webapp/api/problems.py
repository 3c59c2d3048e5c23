"""Errors of the API as problem details (RFC 9457)."""

from contextlib import suppress
from functools import singledispatch
from typing import Any, Final

from flask import Response

from webapp.api import schemas
from webapp.api.serializers import json_response, lot_body, record_url, split_members
from webapp.domain.errors import (
    ActionNotAllowed,
    ActsNotAllowed,
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
from webapp.http.observability import request_id
from webapp.ledger import queries
from webapp.ledger.readiness import NotReady
from webapp.ledger.serial_conflicts import SerialConflict, conflict_from_error

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "about:blank"  # RFC 9457: the title says no more than the HTTP status
_SPELLED_OUT_MAX: Final = 5
_REFUSED_MAX: Final = 100


def render(answer: ErrorResponse) -> Response:
    """Return the problem document of an error."""
    return json_response(_problem(answer.refusal, answer), answer.status, content_type=MEDIA_TYPE)


def _members(answer: ErrorResponse, detail: str | None = None) -> dict[str, Any]:
    """Return the members that every problem document has."""
    return {
        "type": TYPE,
        "title": answer.title,
        "status": int(answer.status),
        "detail": answer.detail if detail is None else detail,
        "request_id": request_id(),
    }


@singledispatch
def _problem(refusal: LedgerError | None, answer: ErrorResponse) -> schemas.Problem:
    """Return the body for an error: the implementation of the error's nearest class."""
    del refusal
    return schemas.Problem(**_members(answer))


@_problem.register
def _invalid_fields(refusal: InvalidFields, answer: ErrorResponse) -> schemas.InvalidFields:
    problems = refusal.problems
    detail = (
        f"{len(problems)} fields are not valid; `errors` lists them."
        if len(problems) > _SPELLED_OUT_MAX
        else " ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems)
    )
    errors = [schemas.FieldProblem(p.field, p.message) for p in problems]
    return schemas.InvalidFields(**_members(answer, detail), errors=errors)


@_problem.register
def _cursor_mismatch(refusal: CursorMismatch, answer: ErrorResponse) -> schemas.InvalidFields:
    errors = [schemas.FieldProblem("cursor", str(refusal))]
    return schemas.InvalidFields(**_members(answer), errors=errors)


@_problem.register
def _too_many_rows(refusal: TooManyRows, answer: ErrorResponse) -> schemas.TooManyRows:
    return schemas.TooManyRows(**_members(answer), rows_max=refusal.limit)


@_problem.register
def _not_ready(refusal: NotReady, answer: ErrorResponse) -> schemas.NotReady:
    failed = [schemas.FailedCheck(check.name, check.reason) for check in refusal.failed]
    return schemas.NotReady(**_members(answer), failed=failed)


@_problem.register
def _serial_held(refusal: SerialHeld, answer: ErrorResponse) -> schemas.SerialHeld:
    return schemas.SerialHeld(**_members(answer), **_holder(refusal))


@_problem.register
def _block_held(refusal: BlockHeld, answer: ErrorResponse) -> schemas.BlockHeld:
    conflict = _serial_conflict(refusal)
    detail = f"{answer.detail}. {conflict.advice}" if conflict else f"{answer.detail}."
    return schemas.BlockHeld(
        **_members(answer, detail),
        **_holder(refusal),
        first=refusal.first,
        last=refusal.last,
        is_inside=refusal.is_inside,
        **split_members(conflict),
    )


@_problem.register
def _act_not_allowed(refusal: ActionNotAllowed, answer: ErrorResponse) -> schemas.ActNotAllowed:
    return schemas.ActNotAllowed(**_members(answer), **_status(refusal))


@_problem.register
def _already_split(refusal: AlreadySplit, answer: ErrorResponse) -> schemas.ActNotAllowed:
    detail = f"{answer.detail} Act on one of its lots."
    return schemas.ActNotAllowed(**_members(answer, detail), **_status(refusal), **_lots(refusal))


@_problem.register
def _acts_not_allowed(refusal: ActsNotAllowed, answer: ErrorResponse) -> schemas.ActsNotAllowed:
    refused = [
        schemas.RefusedRecord(each.credit_id, each.status, str(each))
        for each in refusal.refused[:_REFUSED_MAX]
    ]
    return schemas.ActsNotAllowed(**_members(answer), refused=refused)


@_problem.register
def _credit_moved(refusal: CreditMoved, answer: ErrorResponse) -> schemas.RecordMoved:
    url = record_url(refusal.credit_id)
    return schemas.RecordMoved(**_members(answer), seq=refusal.seq, record_url=url)


@_problem.register
def _cancelled_before(refusal: CancelledBefore, answer: ErrorResponse) -> schemas.CancelledBefore:
    url = record_url(refusal.credit_id)
    return schemas.CancelledBefore(**_members(answer), replaces=refusal.credit_id, record_url=url)


@_problem.register
def _replaced_before(refusal: ReplacedBefore, answer: ErrorResponse) -> schemas.ReplacedBefore:
    return schemas.ReplacedBefore(
        **_members(answer),
        replaced=refusal.replaced,
        replaced_by=refusal.credit_id,
        record_url=record_url(refusal.credit_id),
    )


def _holder(refusal: SerialHeld) -> dict[str, Any]:
    return {"holder": refusal.holder, "holder_url": record_url(refusal.holder)}


def _status(refusal: ActionNotAllowed) -> dict[str, Any]:
    # `status` is taken: it is the HTTP status.
    return {
        "record_status": refusal.status,
        "since": refusal.since,
        "record_url": record_url(refusal.credit_id),
    }


def _lots(refusal: AlreadySplit) -> dict[str, Any]:
    """Return the lots of the record, so that a client can act on them without another request."""
    with suppress(LedgerError):  # The database may fail now; the first error is still the answer.
        return {"lots": [lot_body(lot) for lot in queries.lots_of(refusal.credit_id)]}
    return {}


def _serial_conflict(refusal: BlockHeld) -> SerialConflict | None:
    with suppress(LedgerError):  # The database may fail now; the first error is still the answer.
        return conflict_from_error(queries.credit(refusal.holder), refusal)
    return None
