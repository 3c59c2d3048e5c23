"""The session cookie: Flask's signed session, bound to this host over TLS."""

import hashlib
from typing import Any, Final

from flask import Flask, has_request_context, request
from flask.sessions import SecureCookieSessionInterface
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
