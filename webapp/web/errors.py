"""Errors as pages in the design of all others, and as fragments where htmx asked."""

from flask import Response, make_response, render_template

from webapp.answers import ErrorAnswer


def render(answer: ErrorAnswer) -> Response:
    """Return the page of an error."""
    return make_response(render_template("errors/page.html", answer=answer), answer.status)
