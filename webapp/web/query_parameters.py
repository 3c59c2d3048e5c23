"""Checks of the query string of pages: only the parameters that the view names, most at most once.

Ignoring an unknown filter would show the whole ledger as if it were filtered. The API uses
``webapp.api.query_parameters``.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from flask import current_app, request

from webapp.domain.errors import InvalidFields, Problem

View = TypeVar("View", bound=Callable[..., Any])

_NAMES: Final = "query_parameters"
_REPEATED: Final = "repeated_query_parameters"
_IGNORES_UNKNOWN: Final = "ignores_unknown_parameters"
_NAME_SHOWN_MAX: Final = 40
# Earlier names of parameters, with the present ones.
_RENAMED: Final = {"day_from": "recorded_from", "day_to": "recorded_to"}


class UnknownFilter(InvalidFields):
    """The query string has parameters that the page does not know, or one of them twice."""


def reads(*names: str, repeated: Sequence[str] = ()) -> Callable[[View], View]:
    """Decorate a view with the names of its query parameters. An undecorated view has none.

    Those in `repeated` may be given more than once.
    """

    def note(view: View) -> View:
        setattr(view, _NAMES, frozenset((*names, *repeated)))
        setattr(view, _REPEATED, frozenset(repeated))
        return view

    return note


def ignores_unknown(view: View) -> View:
    """Decorate a view without filters whose address is sent to strangers: mail programs add parameters."""
    setattr(view, _IGNORES_UNKNOWN, True)
    return view


def names_of(view: Callable[..., Any]) -> frozenset[str]:
    """Return the names of the query parameters of the view."""
    names: frozenset[str] = getattr(view, _NAMES, frozenset())
    return names


def refuse_unknown() -> None:
    """Check the query string of a GET request. Raises UnknownFilter."""
    if request.method not in {"GET", "HEAD"}:
        return
    view = current_app.view_functions[request.endpoint or ""]
    if getattr(view, _IGNORES_UNKNOWN, False):
        return
    known = names_of(view)
    repeated: frozenset[str] = getattr(view, _REPEATED, frozenset())
    problems = [
        Problem(name[:_NAME_SHOWN_MAX], _no_such_filter(name, known))
        for name in request.args
        if name not in known
    ]
    problems += [
        Problem(name, "Must be given only once.")
        for name, texts in request.args.lists()
        if name in known - repeated and len(texts) > 1
    ]
    if problems:
        raise UnknownFilter(problems)


def _no_such_filter(name: str, known: frozenset[str]) -> str:
    now = _RENAMED.get(name)
    return f"This filter is called {now}." if now in known else "This page has no such filter."
