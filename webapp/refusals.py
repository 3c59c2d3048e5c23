"""Everything that goes wrong is turned into an answer here, once, for pages and API alike.

The table says which HTTP status each refusal of the ledger is. How the answer looks is the
business of ``webapp.web.errors`` (a page, or a fragment for htmx) and ``webapp.api.problems``.
"""

from http import HTTPStatus
from typing import Final

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from webapp.answers import ErrorAnswer
from webapp.api import problems
from webapp.domain import errors
from webapp.web import errors as error_pages

STATUS: Final[dict[type[errors.Refusal], HTTPStatus]] = {
    errors.InvalidFields: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CursorMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownCredit: HTTPStatus.NOT_FOUND,
    errors.UnknownImport: HTTPStatus.NOT_FOUND,
    errors.SerialHeld: HTTPStatus.CONFLICT,
    errors.ActNotAllowed: HTTPStatus.CONFLICT,
    errors.ImportNotOpen: HTTPStatus.CONFLICT,
    errors.LedgerNotEmpty: HTTPStatus.CONFLICT,
    errors.TooManyRows: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedFile: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnreadableFile: HTTPStatus.BAD_REQUEST,
    errors.BrokenArchive: HTTPStatus.BAD_REQUEST,
    errors.LedgerBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LedgerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
}


def install(app: Flask) -> None:
    """Answer every refusal, HTTP error and bug of the application."""
    app.register_error_handler(errors.Refusal, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_bug)


def status_of(refusal: errors.Refusal) -> HTTPStatus:
    """Return the status of a refusal, by the nearest of its classes that the table has."""
    for kind in type(refusal).__mro__:
        if issubclass(kind, errors.Refusal) and kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _answer_refusal(refusal: errors.Refusal) -> Response:
    seconds = getattr(refusal, "retry_after_s", None)
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return _render(ErrorAnswer(status_of(refusal), str(refusal), refusal, headers))


def _answer_http_error(error: HTTPException) -> Response:
    if error.code is None or error.response is not None or error.code < HTTPStatus.BAD_REQUEST:
        return Response(error.get_response().get_data(), error.code, error.get_headers())
    kept = {"Allow", "Retry-After", "WWW-Authenticate"}
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return _render(ErrorAnswer(HTTPStatus(error.code), error.description or "", headers=headers))


def _answer_bug(error: Exception) -> Response:
    current_app.logger.error("Bug in %s %s", request.method, request.path, exc_info=error)
    detail = "Something went wrong here. It has been logged; nothing was recorded."
    return _render(ErrorAnswer(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def _render(answer: ErrorAnswer) -> Response:
    render = problems.render if problems.is_api_path(request.path) else error_pages.render
    response = render(answer)
    response.headers.update(answer.headers)
    return response
