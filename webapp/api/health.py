"""Whether the ledger can work: for monitors and for whoever starts it."""

from http import HTTPStatus

from flask import Blueprint, Response

from webapp.api import schemas
from webapp.api.operations import Answer, Operation, describes
from webapp.api.serializers import json_response
from webapp.authorization import allows_everyone
from webapp.ledger.storage.schema_version import ping

api = Blueprint("api_health", __name__)


@api.get("/healthz")
@describes(
    Operation(
        tag="Service",
        summary="Ask whether the ledger can work",
        answers={
            HTTPStatus.OK: Answer(
                "The process and its database answer, and the schema is the one of this program.", "Health"
            )
        },
    )
)
@allows_everyone
def check_health() -> Response:
    ping()
    return json_response(schemas.Health("ok"))
