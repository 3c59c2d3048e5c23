"""Requests of htmx, which want a fragment of a page in place of the whole page.

A view that returns both from one address uses `render` or `add_vary`, so that caches keep them apart.
"""

from http import HTTPStatus
from typing import TypeVar

from flask import Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

R = TypeVar("R", bound=AnyResponse)


def wants_fragment() -> bool:
    """Return whether the request wants a fragment.

    htmx wants the whole page when it restores one from the history.
    """
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def current_page() -> str:
    """Return the path of the page from which htmx made the request."""
    address, _, _ = request.headers.get("HX-Current-URL", "").partition("#")
    return address.removeprefix(f"{request.scheme}://{request.host}") or "/"


def render(page: str, fragment: str, status: HTTPStatus = HTTPStatus.OK, /, **inputs: object) -> Response:
    """Render the template `fragment` for htmx, else `page`, with the same inputs."""
    template = fragment if wants_fragment() else page
    return add_vary(make_response(render_template(template, **inputs), status))


def add_vary(response: R) -> R:
    """Add the headers of htmx to Vary."""
    response.vary.add("HX-Request")
    response.vary.add("HX-History-Restore-Request")
    return response
