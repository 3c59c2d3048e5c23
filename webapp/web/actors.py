"""Actors as people read them: the present name of a person or a token, kept for the request."""

from collections.abc import Iterable
from typing import Final

from flask import g
from markupsafe import Markup, escape

from webapp.accounts.names import names_of

_NAMED: Final = Markup('<bdi title="%s">%s</bdi>')


def look_up(actors: Iterable[str]) -> None:
    """Read the names behind all actors of a page in one query, before `who` is asked for each of them."""
    names = _names()
    unknown = {actor for actor in actors if actor not in names}
    found = names_of(unknown) if any(":" in actor for actor in unknown) else {}
    names.update({actor: found.get(actor, actor) for actor in unknown})


def who(actor: str) -> Markup:
    """Return the name behind an actor of an event, with the actor itself as its title."""
    if actor not in _names():
        look_up([actor])
    name = _names()[actor]
    return escape(actor) if name == actor else _NAMED % (actor, name)


def _names() -> dict[str, str]:
    names: dict[str, str] = g.setdefault("actor_names", {})
    return names
