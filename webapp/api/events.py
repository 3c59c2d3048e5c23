"""The feed: every event of the ledger in its one order."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import query_parameters, schemas
from webapp.api.operations import Answer, Operation, describes
from webapp.api.serializers import feed_body, json_response
from webapp.authorization import allows
from webapp.ledger import listing

api = Blueprint("api_events", __name__)

_FILTERS: Final = (query_parameters.TYPE, query_parameters.LIMIT_OF_PAGE, query_parameters.CURSOR)


@api.get("/events")
@describes(
    Operation(
        tag="Events",
        summary="Follow the feed",
        description="Oldest first, positions 1, 2, 3 … without gaps. `resume` is the address of what "
        "comes after these items, also where nothing does yet: a reader that keeps it and "
        "comes back misses nothing and reads nothing twice.",
        query=_FILTERS,
        answers={HTTPStatus.OK: Answer("A page of events.", "EventPage")},
    )
)
@allows(Role.VIEWER)
def list_events() -> Response:
    values = query_parameters.read(*_FILTERS)
    page = listing.list_events(
        values[query_parameters.TYPE], values[query_parameters.CURSOR], values[query_parameters.LIMIT_OF_PAGE]
    )
    items = [feed_body(event) for event in page.items]
    following = query_parameters.next_address(page.next)
    return json_response(schemas.EventPage(items, following, query_parameters.address_from(page.end)))
