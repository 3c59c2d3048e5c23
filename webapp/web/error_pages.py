"""Errors as pages in the design of all others, and as notices where htmx asked.

Nothing here may ask the database for anything: it may be the reason for the page.
"""

from http import HTTPStatus
from typing import Final, NamedTuple

from flask import Response, make_response, render_template, request, url_for
from werkzeug.exceptions import default_exceptions

from webapp.domain import errors
from webapp.http import authentication, htmx
from webapp.http.error_status import ErrorResponse
from webapp.web.query_parameters import UnknownFilter
from webapp.web.safe_redirect import is_same_site


class Link(NamedTuple):
    """Where to go from here."""

    text: str
    href: str


ALL_CREDITS: Final = Link("All credits", "/credits")
ALL_IMPORTS: Final = Link("All imports", "/imports")
DASHBOARD: Final = Link("Dashboard", "/")

# Where the same thing may well succeed a moment later, or after loading the form anew.
TRY_AGAIN: Final = frozenset(
    {HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE}
)

TITLES: Final[dict[int, str]] = {
    HTTPStatus.BAD_REQUEST: "This cannot be read",
    HTTPStatus.UNAUTHORIZED: "Not signed in",
    HTTPStatus.FORBIDDEN: "Not accepted",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Not possible at this address",
    HTTPStatus.CONFLICT: "Not possible any more",
    HTTPStatus.LENGTH_REQUIRED: "The length is missing",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "This kind of file is not read",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This does not fit",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not available at the moment",
}

REFUSAL_TITLES: Final[dict[type[errors.LedgerError], str]] = {
    errors.UnknownCredit: "No such credit",
    errors.UnknownImport: "No such import",
    errors.SerialHeld: "This serial number is taken",
    errors.AlreadyRetired: "Already retired",
    errors.AlreadySold: "Already sold",
    errors.AlreadySplit: "Already split",
    errors.AlreadyCancelled: "Already cancelled",
    errors.CursorMismatch: "No such page of the list",
    UnknownFilter: "This address cannot be used",
    errors.TooManyRows: "Too many rows",
    errors.UnreadableFile: "This file cannot be read",
    errors.LedgerBusy: "The ledger is busy",
    errors.LedgerUnavailable: "The database does not answer",
    errors.SchemaOutdated: "The database is not migrated",
    authentication.SetUpRequired: "Nobody can sign in yet",
    authentication.NotSignedIn: "Not signed in",
    authentication.RoleRequired: "Your role does not allow this",
}

# In place of what Werkzeug says by default, which speaks of URLs and servers.
SENTENCES: Final[dict[int, str]] = {
    HTTPStatus.BAD_REQUEST: "Something in the address or in the form is missing or garbled.",
    HTTPStatus.FORBIDDEN: "This is not accepted from here.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address. It may have been typed or copied wrongly.",
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "This address only takes what a form on another page sends. Nothing was recorded."
    ),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "This kind of content is not read here.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Something in the address or in the form does not fit.",
}


def render(answer: ErrorResponse) -> Response:
    """Return the page of an error, or for htmx the notice that stands for it."""
    template = "errors/_fragment.html" if htmx.wants_fragment() else "errors/page.html"
    outdated = isinstance(answer.refusal, errors.SchemaOutdated)
    page = render_template(
        template,
        status=int(answer.status),
        title=_title(answer),
        detail="The database does not have the tables of this version yet. Run this once where the "
        "ledger runs, then load the page again:"
        if outdated
        else _sentence(answer),
        command="flask db upgrade" if outdated else None,
        links=_links(answer),
    )
    return htmx.add_vary(make_response(page, answer.status))


def _title(answer: ErrorResponse) -> str:
    of_refusal = answer.refusal and REFUSAL_TITLES.get(type(answer.refusal))
    return of_refusal or TITLES.get(answer.status, answer.title)


def _sentence(answer: ErrorResponse) -> str:
    default = default_exceptions.get(answer.status)
    if not answer.detail or (default and answer.detail == default.description):
        return SENTENCES.get(answer.status, answer.detail or answer.title)
    return answer.detail


def _links(answer: ErrorResponse) -> list[Link]:
    """Return what can sensibly be done next, the best first."""
    best = _link_of(answer.refusal) or _login_link_for(answer.refusal)
    if best is None and answer.status in TRY_AGAIN:
        best = _retry_link()
    elsewhere = ALL_IMPORTS if request.path.startswith(ALL_IMPORTS.href) else ALL_CREDITS
    return list(dict.fromkeys([best or elsewhere, DASHBOARD]))


def _link_of(refusal: errors.LedgerError | None) -> Link | None:
    match refusal:
        case errors.SerialHeld(holder=holder):
            return Link("See the credit that holds it", f"/credits/{holder}")
        case errors.ActNotAllowed(credit_id=credit_id):
            return Link("See the credit and its history", f"/credits/{credit_id}")
        case errors.CursorMismatch():
            return Link("First page of the list", request.path if is_same_site(request.path) else "/")
        case UnknownFilter():
            return Link("Without any filter", request.path if is_same_site(request.path) else "/")
        case errors.TooManyRows() | errors.UnreadableFile() | errors.UnsupportedFile():
            return Link("Choose another file", "/imports/new")
        case _:
            return None


def _login_link_for(refusal: errors.LedgerError | None) -> Link | None:
    """Return where whoever was turned away can become somebody who is let in."""
    match refusal:
        case authentication.SetUpRequired():
            return Link("Set up", url_for("auth.set_up"))
        case authentication.NotSignedIn():
            came_from = _retry_link()
            return Link("Sign in", url_for("auth.sign_in", next=came_from.href if came_from else None))
        case authentication.RoleRequired():
            return DASHBOARD
        case _:
            return None


def _retry_link() -> Link | None:
    """Return the way to try once more: this page, or the page whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        return Link("Try again", request.full_path.rstrip("?")) if is_same_site(request.full_path) else None
    address, _, _ = (request.referrer or "").partition("#")
    site = f"{request.scheme}://{request.host}"
    if address.startswith(f"{site}/") and is_same_site(address.removeprefix(site)):
        return Link("Load the page again", address.removeprefix(site))
    return None
