"""The page of all events of the ledger, newest first."""

from typing import Final

from flask import Blueprint, Response, abort, request, url_for

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.amendment import WHY
from webapp.domain.entry import IMPORT
from webapp.domain.event import IMPORT_KEY
from webapp.domain.lifecycle import EventType
from webapp.http import htmx
from webapp.ledger.listing import LOGGED_TYPES, LoggedType, list_events
from webapp.ledger.views import EntryView, EventView
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
        events=[(event, _details(event), _import_of(event)) for event in page.items],
        event_type=event_type,
        types=LOGGED_TYPES,
        previous=address(page.previous),
        next=address(page.next),
        download=url_for("downloads.activity_file", file_format="csv", type=event_type),
        is_first_page=not request.args.get("cursor"),
    )


def _details(event: EventView | EntryView) -> str:
    """Return what is shown below the phrase of the event: its first lots, reason and reference.

    The phrase of an amendment has the values already, so its own reason is shown.
    """
    if isinstance(event, EntryView):
        return ""
    if event.event_type is EventType.AMENDED:
        return str(event.data.get(WHY.name, ""))
    parts = (_lots(event), event.data.get("reason"), event.data.get("reference"))
    return " · ".join(str(text) for text in parts if text)


def _import_of(event: EventView | EntryView) -> str | None:
    """Return the number of the import that the event is about, or that recorded it."""
    if isinstance(event, EntryView):
        return event.subject.removeprefix(IMPORT) if event.subject.startswith(IMPORT) else None
    return str(event.data[IMPORT_KEY]) if IMPORT_KEY in event.data else None


def _lots(event: EventView) -> str:
    quantities = event.data.get("quantities")
    if not isinstance(quantities, list):
        return ""
    more = ["…"] if len(quantities) > LOTS_SHOWN else []
    return " + ".join([*map(tonnes, quantities[:LOTS_SHOWN]), *more])


def event_type_of(text: str) -> LoggedType | None:
    """Return the event type in the address, None if empty. Aborts with 422 on an unknown one."""
    wanted = text.strip().upper()
    found = next((logged_type for logged_type in LOGGED_TYPES if logged_type == wanted), None)
    if text and found is None:
        abort(422, f"There is no event type “{text[:40]}”.")
    return found
