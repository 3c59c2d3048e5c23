"""Records: create, read, list, sell and retire. (A record is a credit; it is this API's word.)"""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, url_for

from webapp.api import bodies, query, schemas
from webapp.api.encoding import answer, record_body, summary_body
from webapp.api.operations import Answer, Body, Operation, describes
from webapp.domain.credits import FIELDS
from webapp.domain.events import RETIREMENT_FIELDS, SALE_FIELDS
from webapp.domain.fields import Field
from webapp.ledger import commands, lists, queries
from webapp.ledger.actors import LOCAL

api = Blueprint("api_records", __name__)

_FILTERS: Final = (query.REGISTRY, query.VINTAGE, query.STATUS, query.Q, query.LIMIT_OF_PAGE, query.CURSOR)


def _body(schema: str, fields: tuple[Field, ...], *, required: bool) -> Body:
    content = {bodies.JSON_TYPE: {"$ref": f"#/components/schemas/{schema}"}}
    return Body(content, required=required, example=schemas.example(fields))


@api.post("/register/", endpoint="create_record_by_older_name")
@api.post("/records")
@describes(
    Operation(
        tag="Records",
        summary="Record a credit",
        description="The same input always gives the same id, so sending it again is safe: the record "
        "that exists is answered, and nothing is appended.",
        body=_body("NewRecord", FIELDS, required=True),
        answers={
            HTTPStatus.CREATED: Answer("Recorded.", "Record", has_location=True),
            HTTPStatus.OK: Answer("The same credit was recorded before.", "Record"),
        },
        problems={
            HTTPStatus.CONFLICT: "Another record holds this serial number in the registry.",
        },
    )
)
def create_record() -> Response:
    query.read()
    recorded = commands.create_credit(bodies.read_object(), LOCAL)
    body = record_body(queries.record(recorded.credit_id))
    if not recorded.is_new:
        return answer(body)
    location = url_for(".get_record", record_id=recorded.credit_id)
    return answer(body, HTTPStatus.CREATED, location=location)


@api.get("/records")
@describes(
    Operation(
        tag="Records",
        summary="List records",
        description="Newest first. `next` is the address of the page that follows, all filters kept.",
        query=_FILTERS,
        answers={HTTPStatus.OK: Answer("A page of records, without their events.", "RecordPage")},
    )
)
def list_records() -> Response:
    values = query.read(*_FILTERS)
    wanted = lists.CreditFilter(
        q=values[query.Q],
        registry=values[query.REGISTRY],
        vintage=values[query.VINTAGE],
        status=values[query.STATUS],
    )
    page = lists.list_credits(wanted, values[query.CURSOR], values[query.LIMIT_OF_PAGE])
    items = [summary_body(credit) for credit in page.items]
    return answer({"items": items, "next": query.next_address(page.next)})


@api.get("/records/<record_id>")
@describes(
    Operation(
        tag="Records",
        summary="Read a record",
        answers={HTTPStatus.OK: Answer("The record with its whole history.", "Record")},
        problems={HTTPStatus.NOT_FOUND: "No record has this id."},
    )
)
def get_record(record_id: str) -> Response:
    query.read()
    return answer(record_body(queries.record(record_id)))


@api.post("/records/<record_id>/sell")
@describes(
    Operation(
        tag="Records",
        summary="Record a sale",
        description="Only an ACTIVE record can be sold, once. The body may be missing.",
        body=_body("Sale", SALE_FIELDS, required=False),
        answers={HTTPStatus.OK: Answer("Sold. The record with its whole history.", "Record")},
        problems={
            HTTPStatus.NOT_FOUND: "No record has this id.",
            HTTPStatus.CONFLICT: "The record was sold or retired before.",
        },
    )
)
def sell_record(record_id: str) -> Response:
    query.read()
    commands.sell_credit(record_id, bodies.read_object_if_any(), LOCAL)
    return answer(record_body(queries.record(record_id)))


@api.post("/records/<record_id>/retire")
@describes(
    Operation(
        tag="Records",
        summary="Retire a record, for ever",
        description="An ACTIVE or a SOLD record can be retired, once; nothing follows. "
        "The body may be missing.",
        body=_body("Retirement", RETIREMENT_FIELDS, required=False),
        answers={HTTPStatus.OK: Answer("Retired. The record with its whole history.", "Record")},
        problems={
            HTTPStatus.NOT_FOUND: "No record has this id.",
            HTTPStatus.CONFLICT: "The record was retired before.",
        },
    )
)
def retire_record(record_id: str) -> Response:
    query.read()
    commands.retire_credit(record_id, bodies.read_object_if_any(), LOCAL)
    return answer(record_body(queries.record(record_id)))
