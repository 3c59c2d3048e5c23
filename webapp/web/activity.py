"""The page of what was done, newest first: one row for an act, an import or an entry."""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request

from webapp.accounts.actors import CLI, LOCAL, everyone
from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.amendment import WHY
from webapp.domain.entry import IMPORT
from webapp.domain.errors import InvalidFields, LedgerBusy, LedgerUnavailable, Problem
from webapp.domain.event import IMPORT_KEY
from webapp.domain.fields import Field, FieldError, PastDateField, TextField, quantity_from_text, tonnes
from webapp.domain.lifecycle import EventType
from webapp.http import htmx
from webapp.imports.plan import WRITING, Kind
from webapp.ledger import activity
from webapp.ledger.activity import ActivityFilter, ActivityPage
from webapp.ledger.listing import LOGGED_TYPES, LoggedType
from webapp.ledger.recorded_sums import recorded_sums
from webapp.ledger.views import EntryView, EventView
from webapp.web import actor_names, query_parameters
from webapp.web.act_address import POSITION

PATH: Final = "/activity"
# The most people, and the most tokens, among which one can be chosen.
PEOPLE_MAX: Final = 200
_FIELDS: Final[tuple[Field, ...]] = (
    TextField("actor", "Person"),
    TextField("party", "Buyer or beneficiary"),
    TextField("q", "Words"),
    PastDateField("recorded_from", "From"),
    PastDateField("recorded_to", "Until"),
)
NAMES: Final = ("type", *(field.name for field in _FIELDS))

# What the rows of an import say of tonnes that it recorded, or that were recorded before.
_ENDED: Final = {
    "retired": (Kind.NEW_RETIRED, Kind.RETIRED),
    "cancelled at the registry": (Kind.NEW_WITHDRAWN, Kind.WITHDRAWN),
}

pages = Blueprint("activity", __name__)


@pages.get(PATH)
@allows(Role.VIEWER)
@query_parameters.reads(*NAMES, "cursor")
def show() -> Response:
    """Show a page of activity; the address holds the filter and where the page begins."""
    wanted, problems = read_filter()
    below = request.args.get("cursor", "")
    if below and not POSITION.fullmatch(below):
        problems.append(Problem("cursor", "This page link is not complete."))
    if problems:
        raise InvalidFields(problems)
    page = activity.list_activity(wanted, int(below) if below else None)
    return _page(wanted, page, is_first=not below)


def _page(wanted: ActivityFilter, page: ActivityPage, *, is_first: bool) -> Response:
    actor_names.prefetch(item.lead.actor for item in page.items)
    typed = {name: getattr(wanted, name) or "" for name in NAMES}
    parameters = [(name, str(text)) for name, text in typed.items() if text]
    query = f"?{urlencode(parameters)}" if parameters else ""
    return htmx.render(
        "activity/list.html",
        "activity/_items.html",
        items=[
            (item, _details(item.lead), _import_of(item.lead), _recorded_e4(item.lead)) for item in page.items
        ],
        typed=typed,
        types=LOGGED_TYPES,
        people=[*everyone(PEOPLE_MAX), (LOCAL, "This computer"), (CLI, "Terminal")],
        is_filtered=wanted.is_set,
        searched=None if page.is_searched else page.searched,
        searched_to=page.below and page.below + 1,
        first=f"{PATH}{query}",
        next=page.below and f"{PATH}?{urlencode([*parameters, ('cursor', page.below)])}",
        download=f"{PATH}.csv{query}",
        is_first_page=is_first,
        is_newest=is_first and not wanted.recorded_to,
        sums=_sums(wanted) if is_first else {},
    )


def _sums(wanted: ActivityFilter) -> Mapping[str, int]:
    """Return the ten-thousandths of a tonne recorded in the days of the filter, by the label of the type.

    Nothing without days, or with a person or words: no sums are kept by those.
    """
    if not (wanted.recorded_from or wanted.recorded_to) or wanted.actor or wanted.q:
        return {}
    try:
        zone = current_app.config["REPORT_TIMEZONE"]
        sums = recorded_sums(wanted.recorded_from, wanted.recorded_to, wanted.party, zone)
    except (LedgerBusy, LedgerUnavailable):  # being prepared: the list does not need it
        return {}
    return {kind: sums[kind] for kind in EventType if kind in sums and wanted.type in {None, kind}}


def read_filter() -> tuple[ActivityFilter, list[Problem]]:
    """Return the filter in the address, and what is wrong in it."""
    problems: list[Problem] = []
    found: dict[str, str] = {}
    for field in _FIELDS:
        try:
            found[field.name] = str(field.parse(request.args.get(field.name)) or "")
        except FieldError as refusal:
            problems.append(Problem(field.label, str(refusal)))
    try:
        event_type = event_type_of(request.args.get("type", ""))
    except InvalidFields as refusal:
        event_type, problems = None, [*problems, *refusal.problems]
    return ActivityFilter(event_type, **found), problems


def _details(event: EventView | EntryView) -> str:
    """Return what is shown below the phrase of the event: its reason and reference.

    The phrase of an amendment has the values already, so its own reason is shown.
    """
    if isinstance(event, EntryView):
        ended = [
            f"{tonnes(quantity_e4)} {word}"
            for word, kinds in _ENDED.items()
            if (quantity_e4 := _tonnes_of(event, kinds))
        ]
        return f"of these {', '.join(ended)}" if ended else ""
    if event.event_type is EventType.AMENDED:
        return str(event.data.get(WHY.name, ""))
    parts = (event.data.get("reason"), event.data.get("reference"))
    return " · ".join(str(text) for text in parts if text)


def _recorded_e4(event: EventView | EntryView) -> int | None:
    """Return the ten-thousandths of a tonne that an import recorded, None for anything else."""
    is_import = isinstance(event, EntryView) and event.subject.startswith(IMPORT)
    return _tonnes_of(event, WRITING) if is_import else None


def _tonnes_of(event: EventView | EntryView, kinds: Iterable[Kind]) -> int:
    texts = (event.data.get(f"tonnes_{kind}") for kind in kinds)
    return sum(quantity_from_text(str(text)) for text in texts if text)


def _import_of(event: EventView | EntryView) -> str | None:
    """Return the number of the import that the entry is about, or that recorded the event."""
    if isinstance(event, EntryView):
        return event.subject.removeprefix(IMPORT) if event.subject.startswith(IMPORT) else None
    return str(event.data[IMPORT_KEY]) if IMPORT_KEY in event.data else None


def event_type_of(text: str) -> LoggedType | None:
    """Return the event type in the address, None if empty. Raises InvalidFields for an unknown one."""
    wanted = text.strip().upper()
    found = next((logged_type for logged_type in LOGGED_TYPES if logged_type == wanted), None)
    if text and found is None:
        raise InvalidFields([Problem("Type", f"There is no event type “{text[:40]}”.")])
    return found
