"""Actions on a record: sell it or reverse its sale, retire, split, cancel, correct and amend it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import operations, query_parameters, request_body, schemas
from webapp.api.etags import etag, expected_seqs
from webapp.api.operation import describes
from webapp.api.serializers import action_body, changed_body, json_response, record_url, summary_body
from webapp.authorization import allows
from webapp.domain.action_fields import CANCELLATION_FIELDS
from webapp.domain.action_warnings import same_serial_warnings
from webapp.domain.credit import FIELDS
from webapp.domain.errors import ActionNotAllowed, IdempotencyKeyReused, InvalidFields, LedgerError, Problem
from webapp.domain.fields import Field, parse_fields
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.ledger import commands, registries
from webapp.ledger.commands import ActionResult

api = Blueprint("api_actions", __name__)

# The member of a correction that has the fields of the new record.
_RECORD: Final = "record"
_CORRECTED: Final = "CORRECTED"


@api.post("/records/<record_id>/sell")
@describes(operations.SELL_RECORD)
@allows(Role.OPERATOR)
def sell_record(record_id: str) -> Response:
    query_parameters.read()
    values = request_body.read_object_if_any()
    result = commands.sell_credit(record_id, values, actor(), expected_seqs(), request_key())
    return _action_response(result, "Record sold")


@api.post("/records/<record_id>/reverse-sale")
@describes(operations.REVERSE_SALE)
@allows(Role.OPERATOR)
def reverse_sale(record_id: str) -> Response:
    query_parameters.read()
    values = request_body.read_object()
    result = commands.reverse_sale(record_id, values, actor(), expected_seqs(), request_key())
    return _action_response(result, "Sale reversed")


@api.post("/records/<record_id>/retire")
@describes(operations.RETIRE_RECORD)
@allows(Role.OPERATOR)
def retire_record(record_id: str) -> Response:
    query_parameters.read()
    values = request_body.read_object_if_any()
    result = commands.retire_credit(record_id, values, actor(), expected_seqs(), request_key())
    contested: Sequence[object] = ()
    with suppress(LedgerError):  # the retirement is committed: a warning must not become an error
        contested = registries.same_serial_number(record_id)
    return _action_response(result, "Record retired", same_serial_warnings(1) if contested else [])


@api.post("/records/<record_id>/split")
@describes(operations.SPLIT_RECORD)
@allows(Role.OPERATOR)
def split_record(record_id: str) -> Response:
    query_parameters.read()
    values = request_body.read_object()
    result = commands.split_credit(record_id, values, actor(), expected_seqs(), request_key())
    note_replay(is_replay=result.is_replay)
    lots = schemas.Lots([summary_body(lot, origin) for lot, origin in result.lots], "Record split")
    return json_response(lots, HTTPStatus.CREATED, location=record_url(record_id))


@api.post("/records/<record_id>/cancel")
@describes(operations.CANCEL_RECORD)
@allows(Role.OPERATOR)
def cancel_record(record_id: str) -> Response:
    query_parameters.read()
    values = request_body.read_object()
    result = commands.cancel_credit(record_id, values, actor(), expected_seqs(), request_key())
    note_replay(is_replay=result.is_replay)
    return json_response(changed_body(result.record, "Record cancelled"), etag=etag(result.record))


@api.post("/records/<record_id>/correct")
@describes(operations.CORRECT_RECORD)
@allows(Role.OPERATOR)
def correct_record(record_id: str) -> Response:
    query_parameters.read()
    values, cancellation = _read_correction()
    expected, key = expected_seqs(), request_key()
    with _errors_of_correction():
        result = commands.correct_credit(record_id, values, cancellation, actor(), expected, key)
    note_replay(is_replay=result.is_replay)
    body, location = changed_body(result.record, "Record corrected"), record_url(result.credit_id)
    return json_response(body, HTTPStatus.CREATED, location=location, etag=etag(result.record))


@api.post("/records/<record_id>/amend")
@describes(operations.AMEND_RECORD)
@allows(Role.OPERATOR)
def amend_record(record_id: str) -> Response:
    query_parameters.read()
    values = request_body.read_object()
    result = commands.amend_credit(record_id, values, actor(), expected_seqs(), request_key())
    note_replay(is_replay=result.is_replay)
    return json_response(changed_body(result.record, "Record amended"), etag=etag(result.record))


def _action_response(result: ActionResult, message: str, warnings: Sequence[str] = ()) -> Response:
    note_replay(is_replay=result.is_replay)
    body = action_body(result.record, message, result.rest, warnings)
    return json_response(body, etag=etag(result.record))


def _read_correction() -> tuple[dict[str, object], dict[str, object]]:
    """Return the fields of the right record and those of the cancellation. Raises InvalidFields."""
    cancellation = request_body.read_object()
    values = cancellation.pop(_RECORD, None)
    problems = _problems(CANCELLATION_FIELDS, cancellation)
    if not isinstance(values, dict):
        raise InvalidFields([*problems, Problem(_RECORD, "Must be an object with the fields of the record.")])
    problems += _in_record(_problems(FIELDS, values))
    if problems:
        raise InvalidFields(problems)
    return values, cancellation


@contextmanager
def _errors_of_correction() -> Iterator[None]:
    """Raise errors in terms of the request: a correction, with the fields of the record in `record`."""
    try:
        yield
    except ActionNotAllowed as refusal:
        raise type(refusal)(refusal.credit_id, refusal.status, _CORRECTED, refusal.since) from refusal
    except IdempotencyKeyReused:
        raise
    except InvalidFields as refusal:
        raise InvalidFields(_in_record(refusal.problems)) from None


def _problems(fields: Sequence[Field], values: Mapping[str, object]) -> list[Problem]:
    try:
        parse_fields(fields, values)
    except InvalidFields as refusal:
        return refusal.problems
    return []


def _in_record(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems with their fields named as members of `record`."""
    return [
        Problem(f"{_RECORD}.{problem.field}" if problem.field else _RECORD, problem.message)
        for problem in problems
    ]
