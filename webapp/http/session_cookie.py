"""The session cookie: Flask's signed session, bound to this host over TLS."""

import hashlib
from typing import Any, Final

from flask import Flask, Request, Response, has_request_context, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import Signer

# Browsers accept a cookie with the prefix __Host- only over TLS, from this host itself.
COOKIE: Final = "session"
COOKIE_OVER_TLS: Final = "__Host-session"

DIGEST: Final = hashlib.sha256
# Flask-WTF's tokens use itsdangerous's default, SHA-1, and have no setting for another digest.
Signer.default_digest_method = staticmethod(DIGEST)


class SessionCookie(SecureCookieSessionInterface):
    """Flask's session cookie, with a name and Secure attribute that depend on the scheme."""

    digest_method: Any = staticmethod(DIGEST)  # Flask's default is SHA-1

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of the request: without any cookie an empty one, without deriving a key."""
        return super().open_session(app, request) if "Cookie" in request.headers else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store the session in the response, unless it was and is empty."""
        if session or session.modified:
            super().save_session(app, session, response)
        elif session.accessed:
            response.vary.add("Cookie")

    def get_cookie_name(self, app: Flask) -> str:
        """Return the name of the cookie for the scheme of this request."""
        del app
        return COOKIE_OVER_TLS if _is_over_tls() else COOKIE

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return whether the cookie has the Secure attribute."""
        del app
        return _is_over_tls()


def _is_over_tls() -> bool:
    return has_request_context() and request.is_secure
