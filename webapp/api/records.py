"""Records: create, read and list. (A record is a credit; it is this API's word.)"""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import field_schemas, query_parameters, request_body, schemas
from webapp.api.etags import etag
from webapp.api.operations import Answer, Operation, describes
from webapp.api.serializers import json_response, record_body, record_url, summary_body
from webapp.authorization import allows
from webapp.domain.credit import NEW_FIELDS
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.ledger import commands, listing, queries
from webapp.ledger.search.credit_filter import CreditFilter

api = Blueprint("api_records", __name__)

_FILTERS: Final = (
    query_parameters.REGISTRY,
    query_parameters.VINTAGE,
    query_parameters.STATUS,
    query_parameters.Q,
    query_parameters.SERIAL,
    query_parameters.LIMIT_OF_PAGE,
    query_parameters.CURSOR,
)


@api.post("/register/", endpoint="create_record_by_older_name")
@api.post("/records")
@describes(
    Operation(
        tag="Records",
        summary="Record a credit",
        description="The same input always gives the same id, so sending it again is safe: the record "
        "that exists is answered, and nothing is appended. A serial number that states a block holds "
        "all of its numbers. `replaces` names a cancelled record in whose place this one is recorded, which "
        "is done once at most.",
        body=request_body.described("NewRecord", field_schemas.example(NEW_FIELDS)),
        answers={
            HTTPStatus.CREATED: Answer("Recorded.", "Record", has_location=True, has_etag=True),
            HTTPStatus.OK: Answer("The same credit was recorded before.", "Record", has_etag=True),
        },
        problems={
            HTTPStatus.CONFLICT: "Another record holds this serial number in the registry, or some numbers "
            "of this block; or this very credit was recorded before and cancelled; or what it replaces was "
            "replaced before.",
        },
        conflicts=("SerialHeld", "BlockHeld", "CancelledBefore", "ReplacedBefore"),
    )
)
@allows(Role.OPERATOR)
def create_record() -> Response:
    query_parameters.read()
    result = commands.create_credit(request_body.read_object(), actor(), request_key())
    note_replay(is_replay=result.is_replay)
    body, tag = record_body(result.record), etag(result.record)
    if not result.is_new:
        return json_response(body, etag=tag)
    return json_response(body, HTTPStatus.CREATED, location=record_url(result.credit_id), etag=tag)


@api.get("/records")
@describes(
    Operation(
        tag="Records",
        summary="List records",
        description="Newest first. `next` is the address of the page that follows, all filters kept. "
        "Each tonne is listed once: a record that was split is there only with `status=SPLIT`.",
        query=_FILTERS,
        answers={HTTPStatus.OK: Answer("A page of records, without their events.", "RecordPage")},
    )
)
@allows(Role.VIEWER)
def list_records() -> Response:
    values = query_parameters.read(*_FILTERS)
    wanted = CreditFilter(
        q=values[query_parameters.Q],
        registry=values[query_parameters.REGISTRY],
        vintage=values[query_parameters.VINTAGE],
        status=values[query_parameters.STATUS],
        serial=values[query_parameters.SERIAL],
    )
    page = listing.list_records(
        wanted, values[query_parameters.CURSOR], values[query_parameters.LIMIT_OF_PAGE]
    )
    items = [summary_body(credit, origin) for credit, origin in page.items]
    return json_response(schemas.RecordPage(items, query_parameters.next_address(page.next)))


@api.get("/records/<record_id>")
@describes(
    Operation(
        tag="Records",
        summary="Read a record",
        answers={
            HTTPStatus.OK: Answer("The record with its whole history and its lots.", "Record", has_etag=True)
        },
        problems={HTTPStatus.NOT_FOUND: "No record has this id."},
    )
)
@allows(Role.VIEWER)
def get_record(record_id: str) -> Response:
    query_parameters.read()
    record = queries.record(record_id)
    return json_response(record_body(record), etag=etag(record))
