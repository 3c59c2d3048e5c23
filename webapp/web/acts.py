"""The page of an act: what one request did, to one credit or to many."""

from typing import Final

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.action_fields import ACTION_FIELDS
from webapp.domain.facts import FACTS_OF
from webapp.domain.lifecycle import EventType
from webapp.ledger import acts
from webapp.ledger.acts import Act
from webapp.web import actor_names, labels

pages = Blueprint("acts", __name__)

# The most credits and other events that the page lists. A statement has all lots of a retirement.
SHOWN: Final = 500


@pages.get("/acts/<int:position>")
@allows(Role.VIEWER)
def show(position: int) -> str | AnyResponse:
    """Show the act that the event at this position belongs to, at the address of the act."""
    act = acts.act_at(position)
    if act.position != position:
        return redirect(url_for(".show", position=act.position))
    actor_names.prefetch([act.actor])
    return render_template(
        "acts/show.html",
        act=act,
        words=_words_of(act),
        labels=word_labels(act.event_type),
        shown=SHOWN,
        has_statement=act.event_type is EventType.RETIRED,
    )


def _words_of(act: Act) -> list[tuple[str, str, list[str]]]:
    """Return the name, label and different values of what the act says, as it is now."""
    known = word_labels(act.event_type)
    words = [(name, label, act.said(name)) for name, label in known.items()]
    return [(name, label, values) for name, label, values in words if values]


def word_labels(event_type: EventType) -> dict[str, str]:
    """Return the labels of the words and facts that an event of this type can have, by name."""
    fields = {
        field.name: labels.field_label(field, event_type) for field in ACTION_FIELDS.get(event_type, ())
    }
    return fields | {field.name: field.label for field in FACTS_OF.get(event_type, ())}
