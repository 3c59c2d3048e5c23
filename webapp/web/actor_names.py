"""Names of actors on pages: the current name of a user or token, cached for the request."""

from collections.abc import Iterable
from typing import Final

from flask import g
from markupsafe import Markup, escape

from webapp.accounts.actors import names_of
from webapp.accounts.audit_log import ANONYMOUS_ACTOR

# Markup because a row calls this many times, and a template macro costs several times as much. Only this
# constant is markup: `%` of Markup escapes the actor and the name.
_NAMED: Final = Markup('<bdi title="%s">%s</bdi>')
_UNKNOWN: Final = "unknown"  # in place of the actor of a refused sign-in


def prefetch(actors: Iterable[str]) -> None:
    """Read the names of all actors of a page in one query, so that `name_of` needs none."""
    shown = _shown()
    unknown = {actor for actor in actors if actor not in shown}
    names = names_of(unknown) if any(":" in actor for actor in unknown) else {}
    for actor in unknown:
        unnamed = _UNKNOWN if actor == ANONYMOUS_ACTOR else actor
        shown[actor] = _NAMED % (actor, names[actor]) if actor in names else escape(unnamed)


def name_of(actor: str) -> Markup:
    """Return the name of an actor, with the actor as its title."""
    shown = _shown()
    if actor not in shown:
        prefetch([actor])
    return shown[actor]


def _shown() -> dict[str, Markup]:
    found: dict[str, Markup] = g.setdefault("actors", {})
    return found
