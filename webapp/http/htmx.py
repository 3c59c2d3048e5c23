"""Who asked: htmx for a part of a page, or a browser for the whole of it. No noun's own view here.

Whoever answers both from one address goes through `render` or `add_vary`, so that no cache ever hands
a fragment to someone who wanted the page.
"""

from http import HTTPStatus
from typing import TypeVar

from flask import Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

R = TypeVar("R", bound=AnyResponse)


def wants_fragment() -> bool:
    """Say whether htmx asked for a part of a page.

    When htmx restores a page of the history it wants the whole of it.
    """
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def current_page() -> str:
    """Return the address, on this site, of the page for which htmx asks."""
    around, _, _ = request.headers.get("HX-Current-URL", "").partition("#")
    return around.removeprefix(f"{request.scheme}://{request.host}") or "/"


def render(page: str, fragment: str, status: HTTPStatus = HTTPStatus.OK, /, **inputs: object) -> Response:
    """Render the template `fragment` where htmx asked, else `page`; both get the same inputs."""
    template = fragment if wants_fragment() else page
    return add_vary(make_response(render_template(template, **inputs), status))


def add_vary(response: R) -> R:
    """Say in the answer that it depends on who asked."""
    response.vary.add("HX-Request")
    response.vary.add("HX-History-Restore-Request")
    return response
