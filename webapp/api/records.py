"""Create, read and list records. The API calls a credit a record."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import credit_filters, operations, query_parameters, request_body, schemas
from webapp.api.etags import etag
from webapp.api.operation import describes
from webapp.api.serializers import changed_body, json_response, record_body, record_url, summary_body
from webapp.authorization import allows
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.ledger import commands, listing, queries

api = Blueprint("api_records", __name__)

_CREATED: Final = "Record created"
_EXISTING: Final = "Record already exists"


@api.post("/register/", endpoint="create_record_by_older_name")
@api.post("/records")
@describes(operations.CREATE_RECORD)
@allows(Role.OPERATOR)
def create_record() -> Response:
    query_parameters.read()
    result = commands.create_credit(request_body.read_object(), actor(), request_key())
    note_replay(is_replay=result.is_replay)
    body = changed_body(result.record, _CREATED if result.is_new else _EXISTING)
    tag = etag(result.record)
    if not result.is_new:
        return json_response(body, etag=tag)
    return json_response(body, HTTPStatus.CREATED, location=record_url(result.credit_id), etag=tag)


@api.get("/records")
@describes(operations.LIST_RECORDS)
@allows(Role.VIEWER)
def list_records() -> Response:
    values = query_parameters.read(*operations.LIST_RECORDS.query)
    page = listing.list_records(
        credit_filters.filter_of(values.all),
        values[query_parameters.CURSOR],
        values[query_parameters.LIMIT_OF_PAGE],
    )
    items = [summary_body(credit, origin) for credit, origin in page.items]
    return json_response(schemas.RecordPage(items, query_parameters.next_url(page.next)))


@api.get("/records/<record_id>")
@describes(operations.GET_RECORD)
@allows(Role.VIEWER)
def get_record(record_id: str) -> Response:
    query_parameters.read()
    record = queries.record(record_id)
    return json_response(record_body(record), etag=etag(record))
