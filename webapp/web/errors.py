"""Errors as pages in the design of all others, and as fragments where htmx asked."""

from flask import Response, make_response, render_template, request

from webapp.answers import ErrorAnswer


def render(answer: ErrorAnswer) -> Response:
    """Return the page of an error, or for htmx the notice that stands for it."""
    fragment = request.headers.get("HX-Request") == "true"
    name = "errors/_fragment.html" if fragment else "errors/page.html"
    response = make_response(render_template(name, answer=answer), answer.status)
    response.vary.add("HX-Request")
    return response
