"""Acts on a record: sell, retire, split, cancel and correct."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import field_schemas, query_parameters, request_body, schemas
from webapp.api.etags import etag, expected_seqs
from webapp.api.operations import Answer, Operation, describes
from webapp.api.serializers import action_body, json_response, record_body, record_url, summary_body
from webapp.authorization import allows
from webapp.domain.credit import FIELDS
from webapp.domain.errors import ActNotAllowed, IdempotencyKeyReused, InvalidFields, Problem
from webapp.domain.event import CANCELLATION_FIELDS, RETIREMENT_FIELDS, SALE_FIELDS
from webapp.domain.fields import Field, parse_fields
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.ledger import commands
from webapp.ledger.commands import ActionResult

api = Blueprint("api_actions", __name__)

_UNKNOWN: Final = "No record has this id."
_PART: Final = (
    "With a `quantity` that is less than the whole, that much is split off first, in the same "
    "transaction: the answer is the lot that the act is on, and `rest` the lot that stays."
)
# Where in the body of a correction the fields of the new record stand.
_RECORD: Final = "record"
_CORRECTED: Final = "CORRECTED"


@api.post("/records/<record_id>/sell")
@describes(
    Operation(
        tag="Records",
        summary="Record a sale",
        description=f"Only an ACTIVE record can be sold, once. The body may be missing. {_PART}",
        body=request_body.described("Sale", field_schemas.example(SALE_FIELDS), required=False),
        takes_if_match=True,
        answers={
            HTTPStatus.OK: Answer("Sold. The record with its whole history.", "ActedRecord", has_etag=True)
        },
        problems={
            HTTPStatus.NOT_FOUND: _UNKNOWN,
            HTTPStatus.CONFLICT: "The record was sold, retired, split or cancelled before.",
        },
        conflicts=("ActNotAllowed",),
    )
)
@allows(Role.OPERATOR)
def sell_record(record_id: str) -> Response:
    query_parameters.read()
    values = request_body.read_object_if_any()
    return _action_response(commands.sell_credit(record_id, values, actor(), expected_seqs(), request_key()))


@api.post("/records/<record_id>/retire")
@describes(
    Operation(
        tag="Records",
        summary="Retire a record, for ever",
        description="An ACTIVE or a SOLD record can be retired, once; nothing follows. "
        f"The body may be missing. {_PART}",
        body=request_body.described("Retirement", field_schemas.example(RETIREMENT_FIELDS), required=False),
        takes_if_match=True,
        answers={
            HTTPStatus.OK: Answer("Retired. The record with its whole history.", "ActedRecord", has_etag=True)
        },
        problems={
            HTTPStatus.NOT_FOUND: _UNKNOWN,
            HTTPStatus.CONFLICT: "The record was retired, split or cancelled before.",
        },
        conflicts=("ActNotAllowed",),
    )
)
@allows(Role.OPERATOR)
def retire_record(record_id: str) -> Response:
    query_parameters.read()
    values = request_body.read_object_if_any()
    return _action_response(
        commands.retire_credit(record_id, values, actor(), expected_seqs(), request_key())
    )


@api.post("/records/<record_id>/split")
@describes(
    Operation(
        tag="Records",
        summary="Split a record into lots",
        description="The quantities must add up to the whole, in the order in which the lots lie in it. "
        "The record is SPLIT then, for ever, and its lots hold its tonnes and its serial numbers. "
        "The lots of a SOLD record are sold to the same buyer.",
        takes_if_match=True,
        body=request_body.described("Split", field_schemas.SPLIT_EXAMPLE),
        answers={
            HTTPStatus.CREATED: Answer(
                "Split. The lots in order; `Location` is the record that was split.",
                "Lots",
                has_location=True,
            )
        },
        problems={
            HTTPStatus.NOT_FOUND: _UNKNOWN,
            HTTPStatus.CONFLICT: "The record was retired, split or cancelled before.",
        },
        conflicts=("ActNotAllowed",),
    )
)
@allows(Role.OPERATOR)
def split_record(record_id: str) -> Response:
    query_parameters.read()
    result = commands.split_credit(
        record_id, request_body.read_object(), actor(), expected_seqs(), request_key()
    )
    note_replay(is_replay=result.is_replay)
    items = [summary_body(lot, origin) for lot, origin in result.lots]
    return json_response(schemas.Lots(items), HTTPStatus.CREATED, location=record_url(record_id))


@api.post("/records/<record_id>/cancel")
@describes(
    Operation(
        tag="Records",
        summary="Cancel a record that was a mistake",
        description="It says that the record should never have been made. Only an ACTIVE record can be "
        "cancelled. It leaves the totals and frees its serial number or block; nothing follows. Of a split "
        "record, each lot can be cancelled by itself.",
        body=request_body.described("Cancellation", field_schemas.example(CANCELLATION_FIELDS)),
        takes_if_match=True,
        answers={
            HTTPStatus.OK: Answer("Cancelled. The record with its whole history.", "Record", has_etag=True)
        },
        problems={
            HTTPStatus.NOT_FOUND: _UNKNOWN,
            HTTPStatus.CONFLICT: "The record was sold, retired, split or cancelled before.",
        },
        conflicts=("ActNotAllowed",),
    )
)
@allows(Role.OPERATOR)
def cancel_record(record_id: str) -> Response:
    query_parameters.read()
    result = commands.cancel_credit(
        record_id, request_body.read_object(), actor(), expected_seqs(), request_key()
    )
    note_replay(is_replay=result.is_replay)
    return json_response(record_body(result.record), etag=etag(result.record))


@api.post("/records/<record_id>/correct")
@describes(
    Operation(
        tag="Records",
        summary="Cancel a record and record the right one",
        description="Both in one transaction. `record` has every field of the right one, not only what "
        "changes; it `replaces` the cancelled one. In place of a lot it is a record of its own, and no lot.",
        takes_if_match=True,
        body=request_body.described("Correction", field_schemas.CORRECTION_EXAMPLE),
        answers={
            HTTPStatus.CREATED: Answer(
                "Recorded in place of the cancelled one.", "Record", has_location=True, has_etag=True
            )
        },
        problems={
            HTTPStatus.NOT_FOUND: _UNKNOWN,
            HTTPStatus.CONFLICT: "The record was sold, retired, split or cancelled before; "
            "or another record holds the serial number, or some numbers of the block, of the right one.",
        },
        conflicts=("ActNotAllowed", "SerialHeld", "BlockHeld"),
    )
)
@allows(Role.OPERATOR)
def correct_record(record_id: str) -> Response:
    query_parameters.read()
    cancellation = request_body.read_object()
    values = cancellation.pop(_RECORD, None)
    problems = _problems(CANCELLATION_FIELDS, cancellation)
    if not isinstance(values, dict):
        raise InvalidFields([*problems, Problem(_RECORD, "Must be an object with the fields of the record.")])
    problems += _in_record(_problems(FIELDS, values))
    if problems:
        raise InvalidFields(problems)
    follows = expected_seqs()
    try:
        result = commands.correct_credit(record_id, values, cancellation, actor(), follows, request_key())
    except ActNotAllowed as refusal:
        # It is the cancellation that was refused, but not what was asked for.
        raise type(refusal)(refusal.credit_id, refusal.status, _CORRECTED, refusal.since) from refusal
    except IdempotencyKeyReused:
        raise
    except InvalidFields as refusal:
        raise InvalidFields(_in_record(refusal.problems)) from None
    note_replay(is_replay=result.is_replay)
    location = record_url(result.credit_id)
    return json_response(
        record_body(result.record), HTTPStatus.CREATED, location=location, etag=etag(result.record)
    )


def _action_response(result: ActionResult) -> Response:
    note_replay(is_replay=result.is_replay)
    return json_response(action_body(result.record, result.rest), etag=etag(result.record))


def _problems(fields: Sequence[Field], values: Mapping[str, object]) -> list[Problem]:
    try:
        parse_fields(fields, values)
    except InvalidFields as refusal:
        return refusal.problems
    return []


def _in_record(problems: Sequence[Problem]) -> list[Problem]:
    return [
        Problem(f"{_RECORD}.{problem.field}" if problem.field else _RECORD, problem.message)
        for problem in problems
    ]
