"""Request ids, the lines of the log that carry them, and how long requests took.

Every request has an id. It is in the response's `X-Request-ID`, in each log line that is written for the
request, and in each error that it is answered with. Log lines never contain the secrets in addresses.
"""

import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request
from prometheus_client import Histogram

from webapp.http.request_security import without_secrets
from webapp.ledger.metrics import REGISTRY

REQUEST_ID_HEADER: Final = "X-Request-ID"
_ENVIRON_NAME: Final = "HTTP_X_REQUEST_ID"
# No character of it has a meaning in a log, a page or a shell.
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ID_BYTES: Final = 8
_METHOD: Final = "REQUEST_METHOD"
_ENDPOINT: Final = "ledger.endpoint"
# Labels of requests for static files, which do not reach Flask, and of what has no name of ours.
_STATIC: Final = "static"
_UNKNOWN: Final = "none"
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST"})

_REQUEST_SECONDS: Final = Histogram(
    "ledger_request_seconds",
    "Time until the response begins, by route, method and class of status.",
    ["endpoint", "method", "status"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

_request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")


def request_id() -> str:
    """Return the id of the request that this context answers, empty outside of requests."""
    return _request_id.get()


def new_request_id() -> str:
    """Return a new id: 16 characters of 0-9 and a-f."""
    return os.urandom(_ID_BYTES).hex()


def begin_request(given: str = "") -> str:
    """Give the request of this context an id: the given one if it is well-formed, otherwise a new one."""
    number = given if _WELL_FORMED.fullmatch(given) else new_request_id()
    _request_id.set(number)
    return number


def install(app: Flask) -> None:
    """Let the middleware know the endpoint of each request."""

    @app.before_request
    def name_endpoint() -> None:
        request.environ[_ENDPOINT] = request.endpoint or _UNKNOWN


class ObservingMiddleware:
    """WSGI middleware that gives each request its id and times it, those for static files included.

    An id in the request's own `X-Request-ID` is only accepted from a trusted proxy. The time is that until
    the response begins; of a file that is sent while it is made, its first part.
    """

    def __init__(self, wsgi_app: WSGIApplication, *, is_behind_proxy: bool) -> None:
        self._wsgi_app = wsgi_app
        self._is_behind_proxy = is_behind_proxy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        number = begin_request(environ.get(_ENVIRON_NAME, "") if self._is_behind_proxy else "")

        status_class = "5xx"

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - the type of WSGI
            nonlocal status_class
            status_class = f"{status[0]}xx"
            return start_response(status, [*headers, (REQUEST_ID_HEADER, number)], *error)

        try:
            return self._wsgi_app(environ, start)
        finally:
            method = environ[_METHOD] if environ[_METHOD] in _METHODS else _UNKNOWN
            labels = environ.get(_ENDPOINT, _STATIC), method, status_class
            _REQUEST_SECONDS.labels(*labels).observe(time.perf_counter() - began)


class TextFormatter(logging.Formatter):
    """Log lines for people: time, process, level, the request's id if there is one, and the message."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s [%(process)d] [%(levelname)s] %(request)s%(message)s", "[%Y-%m-%d %H:%M:%S %z]"
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback of an error."""
        record.request = f"[{number}] " if (number := request_id()) else ""
        return without_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """Log lines for programs: one JSON object each.

    Members: `time` (UTC), `level`, `logger`, `process`, `message`; within a request `request_id`; of an
    error `exception`, its traceback; and what the record has as `fields`, a dictionary.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the object in one line of ASCII."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": without_secrets(record.getMessage()),
        }
        if number := request_id():
            line["request_id"] = number
        for name, value in getattr(record, "fields", {}).items():
            line[name] = without_secrets(value) if isinstance(value, str) else value
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line)
