"""The one cookie: Flask's signed session, bound to this host alone where it is served over TLS."""

import hashlib
from typing import Any, Final

from flask import Flask, has_request_context, request
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import Signer

# How the cookie is called. With the prefix, browsers take it only over TLS, from this very host.
COOKIE: Final = "session"
COOKIE_OVER_TLS: Final = "__Host-session"

DIGEST: Final = hashlib.sha256
# The forms' tokens take itsdangerous's own choice, which would be SHA-1, and let nobody name another.
Signer.default_digest_method = staticmethod(DIGEST)


class SessionCookie(SecureCookieSessionInterface):
    """Flask's own, with a name and a Secure attribute that fit how the request came."""

    digest_method: Any = staticmethod(DIGEST)  # Flask's choice is SHA-1

    def get_cookie_name(self, app: Flask) -> str:
        """Return the name for the scheme of this request."""
        del app
        return COOKIE_OVER_TLS if _is_over_tls() else COOKIE

    def get_cookie_secure(self, app: Flask) -> bool:
        """Say whether the cookie may only travel over TLS."""
        del app
        return _is_over_tls()


def _is_over_tls() -> bool:
    return has_request_context() and request.is_secure
