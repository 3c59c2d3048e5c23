"""The feed: every event of the ledger in its one order."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response

from webapp.access import allows
from webapp.accounts.roles import Role
from webapp.api import query
from webapp.api.encoding import answer, feed_body
from webapp.api.operations import Answer, Operation, describes
from webapp.ledger import lists

api = Blueprint("api_feed", __name__)

_FILTERS: Final = (query.TYPE, query.LIMIT_OF_PAGE, query.CURSOR)


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
    values = query.read(*_FILTERS)
    page = lists.list_events(values[query.TYPE], values[query.CURSOR], values[query.LIMIT_OF_PAGE])
    items = [feed_body(event) for event in page.items]
    body = {
        "items": items,
        "next": query.next_address(page.next),
        "resume": query.address_from(page.end),
    }
    return answer(body)
