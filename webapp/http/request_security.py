"""Checks on every request before a view runs, and the security headers of every response.

Refused are: a Host that is not trusted (DNS rebinding: another site can point its own name at this
machine); a write that another site caused, before its form is parsed; and a write without a
Content-Length, because its body could be cut off unnoticed.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, abort, current_app, request

# What follows in these paths is a secret, which no log may contain.
_SECRET_IN_PATH: Final = re.compile(r"(/shared/+)[^/\s\"?#]+")
View = TypeVar("View", bound=Callable[..., Any])

# What a form adds to the file in it.
FORM_AROUND_BYTES: Final = 1024**2
_TAKES_LARGE_FILE: Final = "takes_large_file"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SAME_SITE: Final = frozenset({"same-origin", "none"})

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

# Sent over TLS only: browsers then use TLS for this host for a year.
TLS_HEADERS: Final = {"Strict-Transport-Security": "max-age=31536000"}


def without_secrets(text: str) -> str:
    """Return a text for a log, with the secrets in addresses masked."""
    return _SECRET_IN_PATH.sub(r"\1***", text)


def install(app: Flask) -> None:
    """Check every request of the application before its view runs."""
    app.before_request(require_known_host)
    app.before_request(refuse_cross_site_writes)
    app.before_request(require_content_length)
    app.before_request(set_body_limit)


def security_headers(*, over_tls: bool) -> dict[str, str]:
    """Return the headers of every response."""
    return SECURITY_HEADERS | TLS_HEADERS if over_tls else SECURITY_HEADERS


class SecurityHeadersMiddleware:
    """WSGI middleware that adds the security headers to every response.

    Flask's `after_request` would not do: static files never reach Flask, and WhiteNoise sends a 304
    without the headers that it was told to add.
    """

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - the type of WSGI
            given = {name.lower() for name, _ in headers}
            every = security_headers(over_tls=environ["wsgi.url_scheme"] == "https").items()
            added = [(name, value) for name, value in every if name.lower() not in given]
            return start_response(status, [*headers, *added], *error)

        return self._wsgi_app(environ, start)


def require_known_host() -> None:
    """Abort with 400 unless the Host is localhost, an IP address or a name in TRUSTED_HOSTS."""
    # Without a Host header, Werkzeug would use the address that the server listens on.
    name = urlsplit(f"//{request.host}").hostname or "" if "Host" in request.headers else ""
    trusted: frozenset[str] = current_app.config["TRUSTED_NAMES"]
    if name != "localhost" and name not in trusted and not _is_ip_address(name):
        abort(
            HTTPStatus.BAD_REQUEST,
            "This host name is not trusted. If it belongs to this ledger, add it to TRUSTED_HOSTS.",
        )


@lru_cache(maxsize=256)
def _is_ip_address(name: str) -> bool:
    """Return whether the name is an IP address, which no DNS record can point elsewhere."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def refuse_cross_site_writes() -> None:
    """Abort with 403 where Sec-Fetch-Site or Origin says that another site caused the write."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in SAME_SITE:
        abort(HTTPStatus.FORBIDDEN, "This write came from another site.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        abort(HTTPStatus.FORBIDDEN, "This write came from another site.")


def takes_large_file(view: View) -> View:
    """Decorate a view: its body may be as large as a file that is imported, not only MAX_CONTENT_LENGTH."""
    setattr(view, _TAKES_LARGE_FILE, True)
    return view


def set_body_limit() -> None:
    """Allow a larger body for an import than for other requests."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, _TAKES_LARGE_FILE, False):
        request.max_content_length = current_app.config["IMPORT_LIMITS"].size_bytes + FORM_AROUND_BYTES


def require_content_length() -> None:
    """Abort with 411 for a chunked body, which Werkzeug would cut at the limit without an error."""
    if request.method not in SAFE_METHODS and "Transfer-Encoding" in request.headers:
        abort(HTTPStatus.LENGTH_REQUIRED, "State the length of the body in Content-Length.")
