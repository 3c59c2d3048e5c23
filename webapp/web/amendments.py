"""The page that amends words of an event of a credit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, ClassVar, Final

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, HiddenField

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.action_fields import EARLIEST_DAY, DayBounds
from webapp.domain.action_warnings import date_warnings
from webapp.domain.amendment import AMENDABLE, AMENDS, WHY, parse_amendment
from webapp.domain.errors import CreditMoved, Problem
from webapp.domain.event import is_number
from webapp.domain.facts import FACTS, FACTS_OF, facts_in
from webapp.domain.fields import Field, FieldError
from webapp.domain.lifecycle import EventType
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import clock, commands, queries
from webapp.ledger.views import EventView, Record
from webapp.web.formats import day_text
from webapp.web.forms import DATE_IS_RIGHT, FieldForm
from webapp.web.labels import field_label

pages = Blueprint("amendments", __name__)

CHANGED_SINCE: Final = (
    "This credit has changed since you opened the form. Compare with the present words, and save again."
)
_NOTHING: Final = "Nothing is changed yet. Change at least one of the words."
_DAY: Final = "occurred_on"


class AmendForm(FieldForm):
    """The words of an event as they are now, to be changed. `seen` is the last event that the form shows.

    Only what was changed is amended, so that a form never takes back what others amended.
    """

    event_type: ClassVar[EventType]
    seen = HiddenField()
    is_date_confirmed = BooleanField(DATE_IS_RIGHT)

    @classmethod
    def label_of(cls, field: Field) -> str:
        """Return the label of a field of the event: "Retirement date"."""
        return field_label(field, cls.event_type)

    def __init__(self, record: Record, event: EventView) -> None:
        """Prefill the form with the words of the event as they are now."""
        super().__init__(data={**_words(record, event), "seen": str(record.position)})
        shown = int(self.seen.data) if is_number(self.seen.data) else 0
        self._event = event
        self._seen = record.until(shown) if shown >= event.position else record
        self.words = _words(self._seen, event)
        if _DAY in self:
            self.occurred_on.render_kw = {"min": str(EARLIEST_DAY), "max": str(clock.latest_day())}

    @property
    def last_seen(self) -> int:
        """The number of the last event of the credit that the form shows."""
        return self._seen.events[-1].seq

    @property
    def facts(self) -> tuple[Field, ...]:
        """The facts that the event can have."""
        return FACTS_OF.get(self.event_type, ())

    @property
    def amendment(self) -> dict[str, object]:
        """The words that were changed, as the command takes them."""
        changed = {field.name: self[field.name].data or "" for field in self.table if self._is_changed(field)}
        facts = {field.name: changed.pop(field.name) for field in self.facts if field.name in changed}
        return {
            AMENDS: str(self._event.seq),
            WHY.name: self.why.data,
            **changed,
            **({FACTS: facts} if facts else {}),
        }

    def parse(self, values: Mapping[str, object]) -> object:
        """Parse what was changed with the domain. Raises InvalidFields."""
        del values
        return parse_amendment(self.amendment, self._seen.head.types, DayBounds(clock.latest_day()))

    def show(self, problems: Sequence[Problem]) -> None:
        """Add each problem to the errors of its field, or of the form."""
        known = [
            Problem(p.field.removeprefix(f"{FACTS}."), p.message if p.field else _NOTHING) for p in problems
        ]
        super().show(known)

    @property
    def date_warnings(self) -> list[str]:
        """Why the changed date cannot be right, a sentence for each reason."""
        day = self.amendment.get(_DAY)
        if not self.is_submitted() or not day:
            return []
        sold_on = self._seen.sold_on if self.event_type is EventType.RETIRED else None
        return date_warnings(self.event_type, str(day), self._seen.credit.vintage, sold_on)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Require the tick for a date that cannot be right, in addition to the domain's rules."""
        valid = super().validate(extra_validators)
        warnings = self.date_warnings
        if not valid or not warnings or self.is_date_confirmed.data:
            return valid
        advice = f"Change the date, or tick “{DATE_IS_RIGHT}”."
        super().show([Problem("is_date_confirmed", " ".join([*warnings, advice]))])
        return False

    def show_changed_since(self, record: Record) -> None:
        """Show that others changed the credit, so that the form can be sent again with what is known now."""
        self.seen.data = str(record.position)
        self._seen, self.words = record, _words(record, self._event)
        self.form_errors.append(CHANGED_SINCE)

    def _is_changed(self, field: Field) -> bool:
        if field is WHY:
            return False
        typed = self[field.name].data or ""
        try:
            return str(field.parse(typed) or "") != self.words.get(field.name, "")
        except FieldError:
            return typed != self.words.get(field.name, "")


def _form_class(event_type: EventType) -> type[AmendForm]:
    table = (*AMENDABLE[event_type], *FACTS_OF.get(event_type, ()), WHY)
    return type(f"Amend{event_type}", (AmendForm,), {"table": table, "event_type": event_type})


_FORMS: Final = {event_type: _form_class(event_type) for event_type in AMENDABLE}


@pages.route("/credits/<credit_id>/amend/<seq>", methods=["GET", "POST"])
@allows(Role.OPERATOR)
def amend(credit_id: str, seq: str) -> AnyResponse:
    """Show the words of an event, or record those that were changed."""
    record = queries.record(credit_id)
    event = next((each for each in record.events if str(each.seq) == seq), None)
    if event is None or event.event_type not in AMENDABLE:
        abort(HTTPStatus.NOT_FOUND)
    form = _FORMS[event.event_type](record, event)
    if request.method != "POST":
        return _page(record, event, form, HTTPStatus.OK)
    if not form.validate():
        return _page(record, event, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    said = form.words
    try:
        result = commands.amend_credit(credit_id, form.amendment, actor(), [form.last_seen], request_key())
    except CreditMoved:
        record = queries.record(credit_id)
        form.show_changed_since(record)
        return _page(record, event, form, HTTPStatus.CONFLICT)
    note_replay(is_replay=result.is_replay)
    flash_success(_success_message(event, said, form.amendment))
    return redirect(url_for("credits.show", credit_id=credit_id), HTTPStatus.SEE_OTHER)


def _page(record: Record, event: EventView, form: AmendForm, status: HTTPStatus) -> AnyResponse:
    return make_response(
        render_template(
            "credits/amend.html",
            credit=record.credit,
            event=replace(event, data=record.present_data(event)),
            form=form,
        ),
        status,
    )


def _words(record: Record, event: EventView) -> dict[str, str]:
    """Return the words of an event as the record has them, by name, facts among them."""
    data = record.present_data(event)
    facts = record.facts if event.event_type is EventType.CREATED else facts_in(data)
    return {name: str(value) for name, value in data.items() if isinstance(value, str)} | facts


def _success_message(
    event: EventView, said: Mapping[str, str], amendment: Mapping[str, object]
) -> str | Markup:
    """Return what was done, and which statement said something else of a retirement."""
    told = []
    if "beneficiary" in amendment:
        told.append(f"named {said['beneficiary']}" if said.get("beneficiary") else "named no beneficiary")
    if str(amendment.get(_DAY, said.get(_DAY, "")))[:4] != said.get(_DAY, "")[:4]:
        told.append(f"was dated {day_text(said[_DAY])}" if said.get(_DAY) else "had no date")
    if event.event_type is not EventType.RETIRED or not told:
        return "Amended. The history keeps what was recorded."
    # Markup because of the link. Only this constant is markup: `format` of Markup escapes every argument.
    return Markup(
        'Amended. The <a href="{}">statement of this retirement</a> {}; it now shows “Amended”.'
    ).format(f"/acts/{event.position}/statement", " and ".join(told))
