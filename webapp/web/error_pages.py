"""Errors as pages, or as notices for htmx requests.

No database query may be made here, because the database can be the cause of the error.
"""

from http import HTTPStatus
from typing import Final, NamedTuple

from flask import Response, make_response, render_template, request, url_for
from werkzeug.exceptions import default_exceptions

from webapp.accounts.errors import UnknownLink
from webapp.domain import errors
from webapp.http import authentication, htmx
from webapp.http.error_status import ErrorResponse
from webapp.http.observability import request_id
from webapp.web.query_parameters import UnknownFilter
from webapp.web.safe_redirect import is_same_site


class Link(NamedTuple):
    """A link on an error page."""

    text: str
    href: str


ALL_CREDITS: Final = Link("All credits", "/credits")
ALL_IMPORTS: Final = Link("All imports", "/imports")
DASHBOARD: Final = Link("Dashboard", "/")

# The views for strangers: their errors are pages without navigation.
SHARED: Final = "statements.shared"

# Statuses after which the same request may succeed later, or after the form is reloaded.
TRY_AGAIN: Final = frozenset(
    {HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE}
)

TITLES: Final[dict[int, str]] = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read",
    HTTPStatus.UNAUTHORIZED: "Not signed in",
    HTTPStatus.FORBIDDEN: "Request refused",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Not possible at this address",
    HTTPStatus.CONFLICT: "No longer possible",
    HTTPStatus.LENGTH_REQUIRED: "The length is missing",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "File type not supported",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Not valid",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.SERVICE_UNAVAILABLE: "Temporarily unavailable",
}

REFUSAL_TITLES: Final[dict[type[errors.LedgerError], str]] = {
    errors.UnknownCredit: "No such credit",
    errors.UnknownImport: "No such import",
    errors.UnknownAct: "No such act",
    errors.UnknownParty: "No such party",
    errors.UnknownProject: "No such project",
    UnknownLink: "No such statement",
    errors.UnknownStatement: "No such statement",
    errors.SerialHeld: "Serial number already taken",
    errors.AlreadyRetired: "Already retired",
    errors.AlreadyWithdrawn: "Cancelled at the registry",
    errors.AlreadySold: "Already sold",
    errors.AlreadySplit: "Already split",
    errors.AlreadyCancelled: "Already void",
    errors.CursorMismatch: "No such page of the list",
    UnknownFilter: "This filter cannot be used",
    errors.TooManyRows: "Too many rows",
    errors.FileTooLarge: "This file is too large",
    errors.UnreadableFile: "This file cannot be read",
    errors.LedgerBusy: "The ledger is busy",
    errors.LedgerUnavailable: "The database does not answer",
    errors.SchemaOutdated: "The database needs an upgrade",
    authentication.SetUpRequired: "Nobody can sign in yet",
    authentication.NotSignedIn: "Not signed in",
    authentication.RoleRequired: "Your role does not allow this",
}

# In place of Werkzeug's default descriptions, which are about URLs and servers.
SENTENCES: Final[dict[int, str]] = {
    HTTPStatus.BAD_REQUEST: "Part of the address or the form is missing or malformed.",
    HTTPStatus.FORBIDDEN: "This request is not accepted.",
    HTTPStatus.NOT_FOUND: "There is no page at this address. Check that it was typed or copied correctly.",
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "This address only accepts the form of another page. Nothing was recorded."
    ),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "This type of content is not supported.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Part of the address or the form is not valid.",
}


def render(answer: ErrorResponse) -> Response:
    """Return the error as a page, or as a notice for an htmx request."""
    if (request.endpoint or "").startswith(SHARED):
        page = render_template(
            "statements/shared_error.html",
            title=_title(answer),
            detail=_sentence(answer),
            request_id=request_id(),
        )
        return make_response(page, answer.status)
    template = "errors/_fragment.html" if htmx.wants_fragment() else "errors/page.html"
    outdated = isinstance(answer.refusal, errors.SchemaOutdated)
    page = render_template(
        template,
        status=int(answer.status),
        title=_title(answer),
        detail="The tables of the database are older than this version. Run this command on the server, "
        "then reload the page:"
        if outdated
        else _sentence(answer),
        command="flask db upgrade" if outdated else None,
        links=_links(answer),
        request_id=request_id(),
    )
    return htmx.add_vary(make_response(page, answer.status))


def _title(answer: ErrorResponse) -> str:
    if _is_filter(answer.refusal):
        return REFUSAL_TITLES[UnknownFilter]
    refusal_title = answer.refusal and REFUSAL_TITLES.get(type(answer.refusal))
    return refusal_title or TITLES.get(answer.status, answer.title)


def _sentence(answer: ErrorResponse) -> str:
    default = default_exceptions.get(answer.status)
    if not answer.detail or (default and answer.detail == default.description):
        return SENTENCES.get(answer.status, answer.detail or answer.title)
    return answer.detail


def _links(answer: ErrorResponse) -> list[Link]:
    """Return the links to useful next steps, the best first."""
    best = _link_for(answer.refusal) or _login_link_for(answer.refusal)
    if best is None and answer.status in TRY_AGAIN:
        best = _retry_link()
    fallback = ALL_IMPORTS if request.path.startswith(ALL_IMPORTS.href) else ALL_CREDITS
    return list(dict.fromkeys([best or fallback, DASHBOARD]))


def _is_filter(refusal: errors.LedgerError | None) -> bool:
    """Return whether the query of the address is refused, which is a filter of the page in most cases."""
    is_read = request.method in {"GET", "HEAD"}
    return isinstance(refusal, errors.InvalidFields) and is_read and bool(request.query_string)


def _link_for(refusal: errors.LedgerError | None) -> Link | None:
    match refusal:
        case errors.SerialHeld(holder=holder):
            return Link("See the credit that holds it", f"/credits/{holder}")
        case errors.ActionNotAllowed(credit_id=credit_id):
            return Link("See the credit and its history", f"/credits/{credit_id}")
        case errors.CursorMismatch():
            return Link("First page of the list", request.path if is_same_site(request.path) else "/")
        case errors.InvalidFields() if _is_filter(refusal):
            return Link("Without a filter", request.path if is_same_site(request.path) else "/")
        case errors.TooManyRows() | errors.UnreadableFile() | errors.UnsupportedFile():
            return Link("Choose another file", "/imports/new")
        case _:
            return None


def _login_link_for(refusal: errors.LedgerError | None) -> Link | None:
    """Return the link to the page where a refused principal can get access, None for other errors."""
    match refusal:
        case authentication.SetUpRequired():
            return Link("Set up", url_for("auth.set_up"))
        case authentication.NotSignedIn():
            retry = _retry_link()
            return Link("Sign in", url_for("auth.sign_in", next=retry.href if retry else None))
        case authentication.RoleRequired():
            return DASHBOARD
        case _:
            return None


def _retry_link() -> Link | None:
    """Return the link to this page, or to the page of the submitted form."""
    if request.method in {"GET", "HEAD"}:
        return Link("Try again", request.full_path.rstrip("?")) if is_same_site(request.full_path) else None
    address, _, _ = (request.referrer or "").partition("#")
    site = f"{request.scheme}://{request.host}"
    if address.startswith(f"{site}/") and is_same_site(address.removeprefix(site)):
        return Link("Reload the page", address.removeprefix(site))
    return None
