"""The HTTP status of each error, and the error response before it is rendered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from webapp.accounts import errors as account_errors
from webapp.domain import errors
from webapp.domain.errors import LedgerError
from webapp.http import authentication

API_PATHS: Final = frozenset(
    {
        "records",
        "register",
        "events",
        "balances",
        "movements",
        "standings",
        "openapi.json",
        "healthz",
        "log",
        "metrics",
        "readyz",
    }
)

# Where the API records acts on many credits.
ACTS: Final = "acts"
# Where the API has the checks of the ledger.
CHECKS: Final = "integrity/checks"
# Reports as data have the address of their page with an ending.
_REPORT_DATA: Final = re.compile(r"reports/[^/]+\.json")

STATUS: Final[dict[type[errors.LedgerError], HTTPStatus]] = {
    errors.InvalidFields: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CursorMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownCredit: HTTPStatus.NOT_FOUND,
    errors.UnknownImport: HTTPStatus.NOT_FOUND,
    errors.UnknownAct: HTTPStatus.NOT_FOUND,
    errors.UnknownParty: HTTPStatus.NOT_FOUND,
    errors.UnknownProject: HTTPStatus.NOT_FOUND,
    errors.UnknownStatement: HTTPStatus.NOT_FOUND,
    errors.UnknownProof: HTTPStatus.NOT_FOUND,
    errors.UnknownCheck: HTTPStatus.NOT_FOUND,
    errors.UnknownTile: HTTPStatus.NOT_FOUND,
    errors.SerialHeld: HTTPStatus.CONFLICT,
    errors.ActionNotAllowed: HTTPStatus.CONFLICT,
    errors.ActsNotAllowed: HTTPStatus.CONFLICT,
    errors.ActChanged: HTTPStatus.CONFLICT,
    errors.CreditMoved: HTTPStatus.PRECONDITION_FAILED,
    errors.CancelledBefore: HTTPStatus.CONFLICT,
    errors.ReplacedBefore: HTTPStatus.CONFLICT,
    errors.UnitesCredits: HTTPStatus.CONFLICT,
    errors.AliasInUse: HTTPStatus.CONFLICT,
    errors.ImportNotOpen: HTTPStatus.CONFLICT,
    errors.LedgerNotEmpty: HTTPStatus.CONFLICT,
    errors.TooManyRows: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedFile: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.FileTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnreadableFile: HTTPStatus.BAD_REQUEST,
    errors.BrokenArchive: HTTPStatus.BAD_REQUEST,
    errors.CheckedJustNow: HTTPStatus.TOO_MANY_REQUESTS,
    account_errors.UnknownUser: HTTPStatus.NOT_FOUND,
    account_errors.UnknownToken: HTTPStatus.NOT_FOUND,
    account_errors.UnknownLink: HTTPStatus.NOT_FOUND,
    account_errors.FirstUserMustAdminister: HTTPStatus.UNPROCESSABLE_ENTITY,
    account_errors.AlreadySetUp: HTTPStatus.CONFLICT,
    account_errors.LastAdministrator: HTTPStatus.CONFLICT,
    account_errors.AdministratorRequired: HTTPStatus.FORBIDDEN,
    account_errors.OwnPassword: HTTPStatus.FORBIDDEN,
    # Not 401: that requires a WWW-Authenticate scheme, for which browsers open their own dialog.
    account_errors.LoginFailed: HTTPStatus.UNPROCESSABLE_ENTITY,
    account_errors.LoginRateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    account_errors.LoginsBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LedgerBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LedgerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.BrokenLog: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LogNotSigned: HTTPStatus.SERVICE_UNAVAILABLE,
    authentication.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    authentication.RoleRequired: HTTPStatus.FORBIDDEN,
    authentication.PasswordChangeRequired: HTTPStatus.FORBIDDEN,
    authentication.SetUpRequired: HTTPStatus.FORBIDDEN,
}


@dataclass(frozen=True)
class ErrorResponse:
    """An error to render: its HTTP status, a sentence for people, and the ledger error, if any."""

    status: HTTPStatus
    detail: str
    refusal: LedgerError | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in words, such as "Not Found"."""
        return self.status.phrase


def status_of(refusal: errors.LedgerError) -> HTTPStatus:
    """Return the status of an error, by its nearest class in STATUS; 500 if none is in it."""
    for kind in type(refusal).__mro__:
        if issubclass(kind, errors.LedgerError) and kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def is_api_path(path: str) -> bool:
    """Return whether a path belongs to the API, whose errors are JSON. Below `/acts` are pages."""
    stripped = path.strip("/")
    if stripped == CHECKS or stripped.startswith(f"{CHECKS}/"):
        return True
    if stripped.partition("/")[0] in API_PATHS or stripped == ACTS:
        return True
    return _REPORT_DATA.fullmatch(stripped) is not None
