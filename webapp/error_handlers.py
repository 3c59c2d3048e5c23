"""Error handlers of the application, for pages and the API.

``webapp.http.error_status`` has the HTTP status of each error. ``webapp.web.error_pages`` renders errors as
pages or fragments, ``webapp.api.problems`` as problem documents (RFC 9457).
"""

from http import HTTPStatus
from typing import Final

from flask import Flask, Response, current_app, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from webapp.api import problems
from webapp.domain import errors
from webapp.http import error_status, request_security
from webapp.http.error_status import ErrorResponse, status_of
from webapp.web import error_pages

_DATA: Final = ".json"
HTML: Final = "text/html"
# The first is for programs that state no preference.
_KINDS: Final = ("application/json", HTML)


def install(app: Flask) -> None:
    """Register the handlers of ledger errors, HTTP errors and unexpected exceptions."""
    app.register_error_handler(errors.LedgerError, _handle_ledger_error)
    app.register_error_handler(HTTPException, _handle_http_error)
    app.register_error_handler(CSRFError, _handle_csrf_error)
    app.register_error_handler(Exception, _handle_unexpected_error)


def _handle_ledger_error(refusal: errors.LedgerError) -> Response:
    headers = dict(getattr(refusal, "headers", {}))
    seconds = getattr(refusal, "retry_after_s", None)
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    return _render(ErrorResponse(status_of(refusal), str(refusal), refusal, headers))


def _handle_http_error(error: HTTPException) -> Response:
    if error.code is None or error.response is not None or error.code < HTTPStatus.BAD_REQUEST:
        return Response(error.get_response().get_data(), error.code, error.get_headers())
    allowed = {"Allow", "Retry-After", "WWW-Authenticate"}
    headers = {name: value for name, value in error.get_headers() if name in allowed}
    detail = error.description or ""
    if isinstance(error, RequestEntityTooLarge) and request.max_content_length:
        detail = f"At most {_size(request.max_content_length)} are accepted. Nothing was recorded."
    return _render(ErrorResponse(HTTPStatus(error.code), detail, headers=headers))


def _handle_csrf_error(_error: CSRFError) -> Response:
    """Handle a form without the CSRF token of this session, such as one opened long ago."""
    detail = "This form is no longer valid, so nothing was recorded. Reload its page and send it again."
    return _render(ErrorResponse(HTTPStatus.FORBIDDEN, detail))


def _size(size_bytes: int) -> str:
    megabytes, rest = divmod(size_bytes, 1024**2)
    return f"{size_bytes // 1024} kB" if rest else f"{megabytes} MB"


def _handle_unexpected_error(error: Exception) -> Response:
    path = request_security.without_secrets(request.path)
    current_app.logger.error("Unexpected error in %s %s", request.method, path, exc_info=error)
    detail = "An unexpected error occurred and was logged."
    if request.method not in request_security.SAFE_METHODS:
        # The error may have occurred after the commit, so it is unknown whether anything was recorded.
        detail += " Check whether it was recorded before you send it again."
    return _render(ErrorResponse(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def _render(answer: ErrorResponse) -> Response:
    if error_status.is_api_path(request.path):
        response = problems.render(answer)
    elif request.path.endswith(_DATA):  # a file of a page, which browsers and programs fetch
        is_page = request.accept_mimetypes.best_match(_KINDS) == HTML
        response = (error_pages if is_page else problems).render(answer)
        response.vary.add("Accept")
    else:
        response = error_pages.render(answer)
    response.headers.update(answer.headers)
    return response
