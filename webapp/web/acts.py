"""The page of an act: what one request did, to one credit or to many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.action_fields import ACTION_FIELDS
from webapp.domain.amendment import AMENDS, WHY
from webapp.domain.facts import FACTS_OF
from webapp.domain.lifecycle import EventType
from webapp.ledger import acts, queries
from webapp.ledger.acts import Act, ActedCredit
from webapp.statements.content import CONTESTED
from webapp.web import actor_names, labels

pages = Blueprint("acts", __name__)

# The most credits and other events that the page lists. A statement has all lots of a retirement.
SHOWN: Final = 500
# The most acts whose events an act of amendments is compared with.
AMENDED_ACTS_MAX: Final = 25


@dataclass(frozen=True)
class Change:
    """What amendments of one time restated alike: a word of an event, on these credits of an act.

    A text is empty where there was no such word, or where it was removed.
    """

    act: Act
    label: str
    before: str
    after: str
    recorded_at: str
    actor: str
    why: str
    credits: Sequence[ActedCredit]


@pages.get("/acts/<int:position>")
@allows(Role.VIEWER)
def show(position: int) -> str | AnyResponse:
    """Show the act that the event at this position belongs to, at the address of the act."""
    act = acts.act_at(position)
    if act.position != position:
        return redirect(url_for(".show", position=act.position))
    is_amending = act.event_type is EventType.AMENDED
    changes = _changes_by(act) if is_amending else changes_of(act)
    actor_names.prefetch([act.actor, *(change.actor for change in changes)])
    return render_template(
        "acts/show.html",
        act=act,
        words=_words_of(act),
        changes=changes,
        is_amending=is_amending,
        contested=CONTESTED,
        shown=SHOWN,
        has_statement=act.event_type is EventType.RETIRED,
    )


def _words_of(act: Act) -> list[tuple[str, str, list[str]]]:
    """Return the name, label and different values of what the act says, as it is now."""
    if act.event_type is EventType.AMENDED:
        events = [acted.event for acted in act.credits]
        phrases = dict.fromkeys(labels.event_phrase(event) for event in events)
        reasons = dict.fromkeys(str(event.data.get(WHY.name, "")) for event in events)
        words = [("", "Amendment", list(phrases)), (WHY.name, WHY.label, list(filter(None, reasons)))]
    else:
        words = [(name, label, act.said(name)) for name, label in word_labels(act.event_type).items()]
    return [(name, label, values) for name, label, values in words if values]


def changes_of(act: Act, positions: Iterable[int] | None = None) -> list[Change]:
    """Return what amendments of its events restated, oldest first; of those at `positions`, if given."""
    wanted = None if positions is None else set(positions)
    known = word_labels(act.event_type)
    found: dict[tuple[str, str, str, str, str, str], list[ActedCredit]] = {}
    for acted in act.credits:
        for each in acted.amendments:
            if wanted is not None and each.position not in wanted:
                continue
            for name, (before, after) in each.changes.items():
                was, is_now = labels.word_text(name, before), labels.word_text(name, after)
                key = (each.recorded_at, known.get(name, name), was, is_now, each.actor, each.why)
                found.setdefault(key, []).append(acted)
    return [
        Change(act, label, before, after, at, by, why, credits)
        for (at, label, before, after, by, why), credits in sorted(found.items(), key=lambda item: item[0][0])
    ]


def _changes_by(amending: Act) -> list[Change]:
    """Return what an act of amendments restated, in the order of the acts whose events it amended."""
    rest = {acted.event.position: acted for acted in amending.credits}
    changes: list[Change] = []
    for _ in range(AMENDED_ACTS_MAX):
        if not rest:
            break
        position, acted = next(iter(rest.items()))
        history = queries.record(acted.credit.id).events
        about = next(event for event in history if event.seq == acted.event.data[AMENDS])
        amended = acts.act_at(about.position)
        changes += changes_of(amended, rest)
        for each in amended.credits:
            for amendment in each.amendments:
                rest.pop(amendment.position, None)
        rest.pop(position, None)
    return changes


def word_labels(event_type: EventType) -> dict[str, str]:
    """Return the labels of the words and facts that an event of this type can have, by name."""
    fields = {
        field.name: labels.field_label(field, event_type) for field in ACTION_FIELDS.get(event_type, ())
    }
    return fields | {field.name: field.label for field in FACTS_OF.get(event_type, ())}
