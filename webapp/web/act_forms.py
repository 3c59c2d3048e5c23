"""The forms of acts on many credits: those of one credit without a quantity, which the selection states."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from wtforms import BooleanField, HiddenField

from webapp.domain.action_fields import CANCELLATION_FIELDS, PART_QUANTITY, RETIREMENT_FIELDS, SALE_FIELDS
from webapp.domain.amendment import AMENDABLE, NOTHING, WHY
from webapp.domain.errors import Problem
from webapp.domain.evidence import EVIDENCE, files_in
from webapp.domain.facts import CREDIT_FACTS, FACTS
from webapp.domain.fields import Field, parse_fields
from webapp.domain.lifecycle import EventType
from webapp.web.forms import CancelForm, FieldForm, RetirementForm, SaleForm
from webapp.web.labels import word_text

CONFIRM: Final = "Record it all the same"
# The most characters of a present word that are shown.
SHORT_MAX: Final = 120
REMOVE: Final = "remove_"
BOTH: Final = "A new word is entered. Remove the tick or the word."


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
    is_serial_confirmed = None


class VoidManyForm(ActForm, CancelForm):
    """The reason why many credits are void."""

    table = CANCELLATION_FIELDS


class AmendManyForm(ActForm):
    """Words that many events restate. An empty field leaves the words of each event as they are.

    A tick removes a word of all of them. `present` has the different present words by name; an empty one
    stands for events without the word.
    """

    event_type: EventType
    present: Mapping[str, Sequence[str]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        """Add the inputs to the class, and a tick for each word that can be removed."""
        super().__init_subclass__()
        for field in cls.table:
            if field is not WHY:
                setattr(cls, f"{REMOVE}{field.name}", BooleanField("Remove"))

    def removal_of(self, field: Field) -> BooleanField | None:
        """Return the tick that removes a word, None where no event has the word."""
        return self[f"{REMOVE}{field.name}"] if any(self.present.get(field.name, ())) else None

    def present_text(self, field: Field) -> str:
        """Return what the events say at present, in short: "Now: Acme", "Now: 3 different"."""
        values = self.present.get(field.name, ())
        said = [value for value in values if value]
        if not said:
            return ""
        text = f"{len(said)} different" if len(said) > 1 else _short(field, said[0])
        return f"Now: {text}" + (", and some without" if "" in values else "")

    @property
    def words(self) -> dict[str, str]:
        """The words that are given, empty where they are removed."""
        given = {name: text for name, text in self.values.items() if text and text.strip()}
        removed = [field.name for field in self.table if (tick := self.removal_of(field)) and tick.data]
        return dict.fromkeys(removed, "") | given

    @property
    def stated(self) -> Mapping[str, object]:
        """The words that are given or removed."""
        return self.words

    def parse(self, values: Mapping[str, object]) -> object:
        """Parse the words that are given with the domain. Raises InvalidFields."""
        given = [field for field in self.table if str(values[field.name] or "").strip()]
        return parse_fields(given, {field.name: values[field.name] for field in given})

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Require at least one word besides the reason, and not both a word and its removal."""
        valid = super().validate(extra_validators)
        for field in self.table:
            if (tick := self.removal_of(field)) and tick.data and self.words[field.name]:
                self.show([Problem(field.name, BOTH)])
                valid = False
        if valid and not set(self.words) - {WHY.name}:
            self.show([Problem("", NOTHING)])
            return False
        return valid


def _short(field: Field, value: str) -> str:
    """Return one present word in a line: the names of files, a date as pages write it."""
    if field is EVIDENCE:
        return ", ".join(file.name for file in files_in({EVIDENCE.name: value}))
    text = " ".join(word_text(field.name, value).split())
    return text if len(text) <= SHORT_MAX else f"{text[: SHORT_MAX - 1]}…"


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
        """The facts that are given or removed, and the reason."""
        given = self.words
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
