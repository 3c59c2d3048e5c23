"""The checks of the whole ledger: the newest ones, and a new one."""

from http import HTTPStatus

from flask import Blueprint, Response, url_for

from webapp.accounts.roles import Role
from webapp.api import feed_operations, integrity_schemas, query_parameters
from webapp.api.integrity_schemas import check_body
from webapp.api.operation import describes
from webapp.api.serializers import json_response
from webapp.authorization import allows
from webapp.domain.errors import UnknownCheck
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key
from webapp.ledger import integrity

api = Blueprint("api_integrity", __name__)


@api.get("/integrity/checks")
@describes(feed_operations.LIST_CHECKS)
@allows(Role.VIEWER)
def list_checks() -> Response:
    values = query_parameters.read(*feed_operations.LIST_CHECKS.query)
    limit = values[query_parameters.LIMIT_OF_PAGE]
    found = integrity.list_checks(values[query_parameters.CURSOR_NUMBER], limit + 1)
    cursor = str(found[limit - 1].id) if len(found) > limit else None
    items = [check_body(check) for check in found[:limit]]
    following = query_parameters.next_url(cursor)
    return json_response(integrity_schemas.CheckPage(integrity.event_count(), items, following))


@api.get("/integrity/checks/<check_id>")
@describes(feed_operations.GET_CHECK)
@allows(Role.VIEWER)
def get_check(check_id: str) -> Response:
    query_parameters.read()
    number = query_parameters.number_of(check_id)
    if number is None:
        raise UnknownCheck
    return json_response(check_body(integrity.find_check(number)))


@api.post("/integrity/checks")
@describes(feed_operations.START_CHECK)
@allows(Role.OPERATOR)
def start_check() -> Response:
    query_parameters.read()
    started = integrity.start_check(actor(), request_key())
    note_replay(is_replay=started.is_replay)
    location = url_for(".get_check", check_id=started.check_id)
    body = check_body(integrity.find_check(started.check_id))
    return json_response(body, HTTPStatus.ACCEPTED, location=location)
