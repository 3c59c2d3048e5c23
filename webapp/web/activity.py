"""The page of all events of the ledger, newest first."""

from typing import Final

from flask import Blueprint, Response, abort, request, url_for

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.lifecycle import EventType
from webapp.http import htmx
from webapp.ledger.listing import list_events
from webapp.ledger.views import EventView
from webapp.web import actor_names, query_parameters
from webapp.web.formats import tonnes

LOTS_SHOWN: Final = 4

pages = Blueprint("activity", __name__)


@pages.get("/activity")
@allows(Role.VIEWER)
@query_parameters.reads("type", "cursor")
def show() -> Response:
    """Show a page of events; the address holds the event type and the cursor."""
    event_type = event_type_of(request.args.get("type", ""))
    page = list_events(event_type, request.args.get("cursor"), newest_first=True)
    actor_names.prefetch(event.actor for event in page.items)

    def address(cursor: str | None) -> str | None:
        return cursor and url_for(".show", type=event_type, cursor=cursor)

    return htmx.render(
        "activity/list.html",
        "activity/_events.html",
        events=[(event, _details(event)) for event in page.items],
        event_type=event_type,
        types=list(EventType),
        previous=address(page.previous),
        next=address(page.next),
        download=url_for("downloads.activity_file", type=event_type),
        is_first_page=not request.args.get("cursor"),
    )


def _details(event: EventView) -> str:
    """Return what is shown below the phrase of the event: its first lots, reason and reference."""
    parts = (_lots(event), event.data.get("reason"), event.data.get("reference"))
    return " · ".join(str(text) for text in parts if text)


def _lots(event: EventView) -> str:
    quantities = event.data.get("quantities")
    if not isinstance(quantities, list):
        return ""
    more = ["…"] if len(quantities) > LOTS_SHOWN else []
    return " + ".join([*map(tonnes, quantities[:LOTS_SHOWN]), *more])


def event_type_of(text: str) -> EventType | None:
    """Return the event type in the address, None if empty. Aborts with 422 on an unknown one."""
    if not text:
        return None
    try:
        return EventType(text.strip().upper())
    except ValueError:
        abort(422, f"There is no event type “{text[:40]}”.")
