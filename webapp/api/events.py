"""The feed: every event of the ledger in one order."""

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import feed_operations, feed_parameters, feed_schemas, query_parameters
from webapp.api.operation import describes
from webapp.api.serializers import feed_body, json_response
from webapp.authorization import allows
from webapp.ledger import feed
from webapp.ledger.feed import FeedFilter

api = Blueprint("api_events", __name__)


@api.get("/events")
@describes(feed_operations.LIST_EVENTS)
@allows(Role.VIEWER)
def list_events() -> Response:
    values = query_parameters.read(*feed_operations.LIST_EVENTS.query)
    page = feed.follow(
        _filter(values), values[query_parameters.CURSOR], values[query_parameters.LIMIT_OF_PAGE]
    )
    items = [feed_body(event) for event in page.items]
    following = query_parameters.next_url(page.next)
    return json_response(feed_schemas.EventPage(items, following, query_parameters.list_url(page.end)))


def _filter(values: query_parameters.Values) -> FeedFilter:
    return FeedFilter(
        values[query_parameters.TYPE],
        values[feed_parameters.PARTY],
        values[feed_parameters.SUBJECT],
        values[feed_parameters.IMPORT_OF_EVENT],
        values[feed_parameters.RECORDED_FROM],
        values[feed_parameters.RECORDED_TO],
        values[feed_parameters.HAPPENED_FROM],
        values[feed_parameters.HAPPENED_TO],
        values[feed_parameters.AFTER],
    )
