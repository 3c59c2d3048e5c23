"""Actors as people read them: the present name of a person or a token, kept for the request."""

from flask import g
from markupsafe import Markup, escape

from webapp.accounts.names import names_of


def who(actor: str) -> Markup:
    """Return the name behind an actor of an event, with the actor itself as its title."""
    names: dict[str, str] = g.setdefault("actor_names", {})
    if actor not in names:
        found = names_of([actor]) if ":" in actor else {}
        names[actor] = found.get(actor, actor)
    if names[actor] == actor:
        return escape(actor)
    return Markup('<bdi title="{}">{}</bdi>').format(actor, names[actor])
