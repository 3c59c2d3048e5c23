"""Actors as people read them: the present name of a person or a token, kept for the request."""

from collections.abc import Iterable
from typing import Final

from flask import g
from markupsafe import Markup, escape

from webapp.accounts.actors import names_of

_NAMED: Final = Markup('<bdi title="%s">%s</bdi>')


def prefetch(actors: Iterable[str]) -> None:
    """Read the names behind all actors of a page in one query, before `name_of` is asked for each of them."""
    shown = _shown()
    unknown = {actor for actor in actors if actor not in shown}
    names = names_of(unknown) if any(":" in actor for actor in unknown) else {}
    for actor in unknown:
        shown[actor] = _NAMED % (actor, names[actor]) if actor in names else escape(actor)


def name_of(actor: str) -> Markup:
    """Return the name behind an actor of an event, with the actor itself as its title."""
    shown = _shown()
    if actor not in shown:
        prefetch([actor])
    return shown[actor]


def _shown() -> dict[str, Markup]:
    found: dict[str, Markup] = g.setdefault("actors", {})
    return found
