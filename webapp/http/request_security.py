"""What every request passes on its way in and every answer on its way out.

Requests for a name that is not ours are refused here, since a page of another site can make its own
name lead to this machine; so are writes from another site, before a form or a route is looked at;
and writes without a Content-Length, whose body could be cut short without anyone noticing.
"""

from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request

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

# Sent where the request came over TLS: for a year, never ask this host without it.
TLS_HEADERS: Final = {"Strict-Transport-Security": "max-age=31536000"}


def install(app: Flask) -> None:
    """Put the gate in front of every route of the application."""
    app.before_request(require_known_host)
    app.before_request(refuse_cross_site_writes)
    app.before_request(require_content_length)
    app.after_request(add_security_headers)


def security_headers(*, over_tls: bool) -> dict[str, str]:
    """Return the headers that every answer carries, of the program and of the static files."""
    return SECURITY_HEADERS | TLS_HEADERS if over_tls else SECURITY_HEADERS


def require_known_host() -> None:
    """Answer 400 to a request for a name that is neither localhost, nor an IP address, nor trusted."""
    # Where there is no Host at all, Werkzeug would take the address that is listened on for it.
    name = urlsplit(f"//{request.host}").hostname or "" if "Host" in request.headers else ""
    trusted: frozenset[str] = current_app.config["TRUSTED_NAMES"]
    if name != "localhost" and name not in trusted and not _is_ip_address(name):
        abort(
            HTTPStatus.BAD_REQUEST,
            "This name is not one of this ledger's. If it should be, name it in TRUSTED_HOSTS.",
        )


def _is_ip_address(name: str) -> bool:
    """Say whether the name is an IP address. Nobody can make that lead elsewhere."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def refuse_cross_site_writes() -> None:
    """Answer 403 to a write that a page of another site caused."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in SAME_SITE:
        abort(HTTPStatus.FORBIDDEN, "This write came from another site.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        abort(HTTPStatus.FORBIDDEN, "This write came from another site.")


def require_content_length() -> None:
    """Answer 411 to a chunked body: Werkzeug would cut it at the limit without a word."""
    if request.method not in SAFE_METHODS and "Transfer-Encoding" in request.headers:
        abort(HTTPStatus.LENGTH_REQUIRED, "State the length of the body in Content-Length.")


def add_security_headers(response: Response) -> Response:
    """Add the headers that keep a page from loading or doing what it should not."""
    for name, value in security_headers(over_tls=request.is_secure).items():
        response.headers.setdefault(name, value)
    return response
