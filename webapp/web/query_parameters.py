"""What the address of a page may ask for: the parameters that its view names, each once, and no other.

A filter that a page does not know would show the whole ledger as if it were a part of it. The API reads
its parameters by ``webapp.api.query_parameters``.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import current_app, request

from webapp.domain.errors import InvalidFields, Problem

View = TypeVar("View", bound=Callable[..., Any])

_NAMES: Final = "query_parameters"
_NAME_SHOWN_MAX: Final = 40


class UnknownFilter(InvalidFields):
    """The address has parameters that its page does not have, or has one of them twice."""


def reads(*names: str) -> Callable[[View], View]:
    """Let the address of the view have these parameters. A view that says nothing has none."""

    def note(view: View) -> View:
        setattr(view, _NAMES, frozenset(names))
        return view

    return note


def names_of(view: Callable[..., Any]) -> frozenset[str]:
    """Return the parameters that the address of the view may have."""
    names: frozenset[str] = getattr(view, _NAMES, frozenset())
    return names


def refuse_unknown() -> None:
    """Refuse to read a page whose address has anything else. Raises UnknownFilter."""
    if request.method not in {"GET", "HEAD"}:
        return
    known = names_of(current_app.view_functions[request.endpoint or ""])
    problems = [
        Problem(name[:_NAME_SHOWN_MAX], "There is no such filter here.")
        for name in request.args
        if name not in known
    ]
    problems += [
        Problem(name, "Must be given only once.")
        for name, texts in request.args.lists()
        if name in known and len(texts) > 1
    ]
    if problems:
        raise UnknownFilter(problems)
