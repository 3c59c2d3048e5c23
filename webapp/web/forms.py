"""The forms of the pages, built from the domain's field tables.

No rule stands here: a form hands all of its texts to the domain, which parses them, and shows what
it says beside each field. What only a page asks for, such as a tick before a retirement without a
beneficiary, is checked here as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.widgets import DateInput

from webapp.domain.credit import FIELDS, REPLACES, parse_credit, require_block_matches_quantity
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import (
    CANCELLATION_FIELDS,
    PART_QUANTITY,
    RETIREMENT_FIELDS,
    SALE_FIELDS,
    parse_action,
    parse_part_quantity,
)
from webapp.domain.fields import (
    Field,
    FieldError,
    PastDateField,
    QuantityField,
    TextField,
    VintageField,
    parse_fields,
)
from webapp.domain.lifecycle import EventType
from webapp.ledger import clock

Values = dict[str, str | None]


def _input(field: Field) -> object:
    """Return the unbound input that fits the kind of field."""
    match field:
        case TextField(newlines=True):
            return TextAreaField(field.label)
        case PastDateField():
            return StringField(field.label, widget=DateInput())
        case VintageField():
            return StringField(field.label, render_kw={"inputmode": "numeric"})
        case QuantityField():
            return StringField(field.label, render_kw={"inputmode": "decimal"})
        case _:
            return StringField(field.label)


def show_problems(form: FlaskForm, problems: Sequence[Problem]) -> None:
    """Put every problem beside the form's field, or above the form where it has none."""
    for problem in problems:
        if problem.field in form:
            form[problem.field].errors = [*form[problem.field].errors, problem.message]
        else:
            form.form_errors.append(problem.message)


class FieldForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form with one input for every field of `table`, under the same names.

    `scope` keeps the ids of its hidden inputs apart where several forms stand on one page.
    """

    table: ClassVar[tuple[Field, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Give the form its inputs."""
        super().__init_subclass__()
        for field in cls.table:
            setattr(cls, field.name, _input(field))

    def __init__(self, *, scope: str = "", data: Mapping[str, object] | None = None) -> None:
        """Take what was submitted with the current request; before that, `data`."""
        super().__init__(data=data)
        self.scope = scope
        self.csrf_token.id = f"{scope}csrf_token"

    @property
    def inputs(self) -> list[tuple[Field, Any]]:
        """Every field of the domain with the input that stands for it."""
        return [(field, self[field.name]) for field in self.table]

    @property
    def values(self) -> Values:
        """The texts as they were typed, by name: what commands take."""
        return {field.name: self[field.name].data for field in self.table}

    def parse(self, values: Mapping[str, object]) -> object:
        """Hand the texts to the domain. Raises InvalidFields."""
        return parse_fields(self.table, values)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Say whether the domain accepts every text; if not, its words stand beside the fields."""
        valid = bool(super().validate(extra_validators))
        try:
            self.parse(self.values)
        except InvalidFields as refusal:
            self.show(refusal.problems)
            return False
        return valid

    def show(self, problems: Sequence[Problem]) -> None:
        """Put every problem beside its field, or above the form where it has none."""
        show_problems(self, problems)


class CreditForm(FieldForm):
    """A new credit, maybe in place of a cancelled one."""

    table = FIELDS
    replaces = HiddenField(REPLACES.label)

    @property
    def values(self) -> Values:
        """The texts as they were typed, and what the credit replaces, if anything."""
        return {**super().values, REPLACES.name: self.replaces.data or None}

    def parse(self, values: Mapping[str, object]) -> object:
        """Hand the texts to the domain. Raises InvalidFields."""
        credit = parse_credit(values)
        require_block_matches_quantity(credit)
        return credit


class CancelForm(FieldForm):
    """Why a credit should never have been recorded."""

    table = CANCELLATION_FIELDS

    def parse(self, values: Mapping[str, object]) -> object:
        """Hand the texts to the domain. Raises InvalidFields."""
        return parse_action(EventType.CANCELLED, values, today=clock.now().date())


class CorrectionForm(FieldForm):
    """A credit as it should have been recorded, and why the other is cancelled."""

    table = (*FIELDS, *CANCELLATION_FIELDS)

    @property
    def credit(self) -> Values:
        """The texts that are about the credit."""
        return {field.name: self.values[field.name] for field in FIELDS}

    @property
    def cancellation(self) -> Values:
        """The texts that are about the cancellation."""
        return {field.name: self.values[field.name] for field in CANCELLATION_FIELDS}

    def parse(self, values: Mapping[str, object]) -> object:
        """Hand the texts to the domain. Raises InvalidFields with all that is wrong with either."""
        del values
        problems: list[Problem] = []
        try:
            require_block_matches_quantity(parse_credit(self.credit))
        except InvalidFields as refusal:
            problems += refusal.problems
        try:
            parse_action(EventType.CANCELLED, self.cancellation, today=clock.now().date())
        except InvalidFields as refusal:
            problems += refusal.problems
        if problems:
            raise InvalidFields(problems)
        return None


class ActionForm(FieldForm):
    """What is said about a sale or a retirement."""

    action: ClassVar[EventType]

    def __init__(self, *, scope: str = "", quantity: str = "") -> None:
        """Offer today as the day on which it happened, and the quantity where one is asked for."""
        today = clock.now().date().isoformat()
        super().__init__(scope=scope, data={"occurred_on": today, PART_QUANTITY.name: quantity})
        self.occurred_on.render_kw = {"max": today}

    def parse(self, values: Mapping[str, object]) -> object:
        """Hand the texts to the domain. Raises InvalidFields."""
        return parse_action(self.action, values, today=clock.now().date())

    @property
    def part_e4(self) -> int | None:
        """The ten-thousandths that were asked for, None where it is the whole or cannot be read."""
        try:
            return parse_part_quantity(self.values)
        except InvalidFields:
            return None

    def show_refused_part(self, problems: Sequence[Problem]) -> None:
        """Put what is wrong with the lots that would be made beside the quantity, their cause."""
        lots = "quantities"
        self.show([Problem(PART_QUANTITY.name, p.message) if p.field == lots else p for p in problems])


class SaleForm(ActionForm):
    """A sale."""

    table = SALE_FIELDS
    action = EventType.SOLD


NO_BENEFICIARY: Final = "Retire without naming a beneficiary"


class RetirementForm(ActionForm):
    """A retirement. It needs a beneficiary, or a tick that there is none."""

    table = RETIREMENT_FIELDS
    action = EventType.RETIRED
    without_beneficiary = BooleanField(NO_BENEFICIARY)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Ask for a beneficiary besides what the domain says."""
        valid = super().validate(extra_validators)
        ticked = bool(self.without_beneficiary.data)
        if self.beneficiary.errors or self._names_beneficiary() is not ticked:
            return valid
        if ticked:
            message = "A beneficiary is named above. Take the tick away, or the name."
            self.show([Problem("without_beneficiary", message)])
        else:
            message = f"Name the beneficiary, or tick “{NO_BENEFICIARY}”."
            self.show([Problem("beneficiary", message)])
        return False

    def _names_beneficiary(self) -> bool:
        field = next(field for field in self.table if field.name == "beneficiary")
        try:
            return field.parse(self.beneficiary.data) is not None
        except FieldError:
            return True
