"""The forms of acts on many credits: those of one credit without a quantity, which the selection states."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wtforms import BooleanField, HiddenField

from webapp.domain.action_fields import CANCELLATION_FIELDS, PART_QUANTITY, RETIREMENT_FIELDS, SALE_FIELDS
from webapp.domain.amendment import AMENDABLE, NOTHING, WHY
from webapp.domain.errors import Problem
from webapp.domain.facts import CREDIT_FACTS, FACTS
from webapp.domain.lifecycle import EventType
from webapp.web.forms import CancelForm, FieldForm, RetirementForm, SaleForm, Values

CONFIRM: Final = "Record it all the same"


class ActForm(FieldForm):
    """Fields that a form on many credits has besides those of its act.

    `shown` is the fingerprint of the plan that the page showed. Warnings require a tick; `warned` are those
    that the page showed beside it.
    """

    shown = HiddenField()
    warned = HiddenField()
    is_confirmed = BooleanField(CONFIRM)

    @property
    def stated(self) -> Mapping[str, object]:
        """The values of the act, as the ledger takes them."""
        return self.values

    def accepts(self, warnings: Sequence[str]) -> bool:
        """Return whether there is nothing to confirm, or it is confirmed; if not, show what."""
        text = " ".join(warnings)
        if not warnings or (self.is_confirmed.data and self.warned.data == text):
            return True
        self.warned.data, self.is_confirmed.data = text, False
        self.show([Problem("is_confirmed", f"{text} Change it, or tick “{CONFIRM}”.")])
        return False


class SellManyForm(ActForm, SaleForm):
    """The sale of many credits to one buyer."""

    table = tuple(field for field in SALE_FIELDS if field is not PART_QUANTITY)
    quantity = None
    is_date_confirmed = None


class RetireManyForm(ActForm, RetirementForm):
    """The retirement of many credits for one beneficiary."""

    table = tuple(field for field in RETIREMENT_FIELDS if field is not PART_QUANTITY)
    quantity = None
    is_date_confirmed = None


class VoidManyForm(ActForm, CancelForm):
    """The reason why many credits are void."""

    table = CANCELLATION_FIELDS


class AmendManyForm(ActForm):
    """Words that many events restate. An empty field leaves the words of each event as they are."""

    event_type: EventType

    @property
    def stated(self) -> Mapping[str, object]:
        """The words that are given."""
        return {name: text for name, text in self.values.items() if text and text.strip()}

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Require at least one word besides the reason."""
        valid = super().validate(extra_validators)
        if valid and not set(self.stated) - {WHY.name}:
            self.show([Problem("", NOTHING)])
            return False
        return valid


class AmendSalesForm(AmendManyForm):
    """Words of many sales."""

    table = (*AMENDABLE[EventType.SOLD], WHY)
    event_type = EventType.SOLD


class AmendRetirementsForm(AmendManyForm):
    """Words of many retirements."""

    table = (*AMENDABLE[EventType.RETIRED], WHY)
    event_type = EventType.RETIRED


class AmendFactsForm(AmendManyForm):
    """Facts of many credits."""

    table = (*CREDIT_FACTS, WHY)
    event_type = EventType.CREATED

    @property
    def stated(self) -> Mapping[str, object]:
        """The facts that are given, and the reason."""
        given: Values = {name: text for name, text in self.values.items() if text and text.strip()}
        why = {WHY.name: given.pop(WHY.name)} if WHY.name in given else {}
        return {FACTS: given, **why} if given else why


AMEND_FORMS: Final[Mapping[EventType, type[AmendManyForm]]] = {
    form.event_type: form for form in (AmendRetirementsForm, AmendSalesForm, AmendFactsForm)
}
FORMS: Final[Mapping[EventType, type[ActForm]]] = {
    EventType.SOLD: SellManyForm,
    EventType.RETIRED: RetireManyForm,
    EventType.CANCELLED: VoidManyForm,
}
