"""The forms of the pages, built from the domain's fields.

The domain validates the values; a form shows its messages next to the fields. Only rules of a page are
checked here, such as the tick before a retirement without a beneficiary.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.widgets import DateInput

from webapp.domain.action_fields import (
    CANCELLATION_FIELDS,
    EARLIEST_DAY,
    PART_QUANTITY,
    RETIREMENT_FIELDS,
    REVERSAL_FIELDS,
    SALE_FIELDS,
    DayBounds,
    bounded,
    parse_action,
    parse_part_quantity,
)
from webapp.domain.action_warnings import buyer_warnings, date_warnings, same_serial_warnings
from webapp.domain.credit import FIELDS, REPLACES, parse_credit, require_block_matches_quantity
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.evidence import EvidenceField
from webapp.domain.fields import (
    Field,
    FieldError,
    PastDateField,
    QuantityField,
    TextField,
    VintageField,
    parse_fields,
    quantity_text,
    tonnes,
)
from webapp.domain.lifecycle import EventType
from webapp.domain.serial_number import SerialBlock
from webapp.domain.split import require_part
from webapp.ledger import clock
from webapp.web.labels import field_label
from webapp.web.typed_quantity import plain_quantity, quantity_error

Values = dict[str, str | None]


class EvidenceInput(TextAreaField):  # type: ignore[misc] # WTForms ships no types
    """The files that an act names. With JavaScript they can be chosen, and the browser hashes them."""


def _input(field: Field, label: str) -> object:
    """Return the unbound WTForms field that fits the kind of field."""
    match field:
        case EvidenceField():
            return EvidenceInput(label, render_kw={"rows": 3, "spellcheck": "false"})
        case TextField(newlines=True):
            return TextAreaField(label)
        case PastDateField():
            return StringField(label, widget=DateInput())
        case VintageField():
            return StringField(label, render_kw={"inputmode": "numeric"})
        case QuantityField():
            return StringField(label, render_kw={"inputmode": "decimal"})
        case _:
            return StringField(label)


def show_problems(form: FlaskForm, problems: Sequence[Problem]) -> None:
    """Add each problem to the errors of its field, or of the form if it has no such field."""
    for problem in problems:
        if problem.field in form:
            form[problem.field].errors = [*form[problem.field].errors, problem.message]
        else:
            form.form_errors.append(problem.message)


class FieldForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form with one input for each field of `table`, under the same names.

    `scope` prefixes the ids of hidden inputs, for several forms on one page.
    """

    table: ClassVar[tuple[Field, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Add the inputs to the class."""
        super().__init_subclass__()
        for field in cls.table:
            setattr(cls, field.name, _input(field, cls.label_of(field)))

    @classmethod
    def label_of(cls, field: Field) -> str:
        """Return the label of a field on this form."""
        return field.label

    def __init__(self, *, scope: str = "", data: Mapping[str, object] | None = None) -> None:
        """Read the submitted values of the current request, else `data`."""
        super().__init__(data=data)
        self.scope = scope
        self.csrf_token.id = f"{scope}csrf_token"

    @property
    def inputs(self) -> list[tuple[Field, Any]]:
        """The domain's fields with their inputs."""
        return [(field, self[field.name]) for field in self.table]

    @property
    def values(self) -> Values:
        """The entered texts by name, as commands take them: quantities in plain digits."""
        typed: Values = {field.name: self[field.name].data for field in self.table}
        quantities = [field.name for field in self.table if isinstance(field, QuantityField)]
        return typed | {name: plain_quantity(typed[name]) for name in quantities}

    def parse(self, values: Mapping[str, object]) -> object:
        """Parse the texts with the domain. Raises InvalidFields."""
        return parse_fields(self.table, values)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Return whether the domain accepts every value; if not, add its messages to the fields."""
        valid = bool(super().validate(extra_validators))
        try:
            self.parse(self.values)
        except InvalidFields as refusal:
            self.show([self._with_value(problem) for problem in refusal.problems])
            return False
        return valid

    def _with_value(self, problem: Problem) -> Problem:
        """Return the problem with the value that was typed, if it is one of a quantity by itself."""
        field = next((field for field in self.table if field.name == problem.field), None)
        if isinstance(field, QuantityField) and (reason := quantity_error(field, self[field.name].data)):
            return Problem(problem.field, reason)
        return problem

    def show(self, problems: Sequence[Problem]) -> None:
        """Add each problem to the errors of its field, or of the form."""
        show_problems(self, problems)


class CreditForm(FieldForm):
    """A new credit, or the replacement of a cancelled one."""

    table = FIELDS
    replaces = HiddenField(REPLACES.label)

    @property
    def values(self) -> Values:
        """The entered texts, and the id of the credit that it replaces, if any."""
        return {**super().values, REPLACES.name: self.replaces.data or None}

    def parse(self, values: Mapping[str, object]) -> object:
        """Parse the texts with the domain. Raises InvalidFields."""
        credit = parse_credit(values)
        require_block_matches_quantity(credit)
        return credit


class CancelForm(FieldForm):
    """The reason why a credit is void."""

    table = CANCELLATION_FIELDS

    def parse(self, values: Mapping[str, object]) -> object:
        """Parse the texts with the domain. Raises InvalidFields."""
        return parse_action(EventType.CANCELLED, values, today=clock.now().date())


class CorrectionForm(FieldForm):
    """A corrected credit, and the reason why the old one is void."""

    table = (*FIELDS, *CANCELLATION_FIELDS)

    @property
    def credit(self) -> Values:
        """The entered values of `FIELDS`."""
        return {field.name: self.values[field.name] for field in FIELDS}

    @property
    def cancellation(self) -> Values:
        """The entered values of `CANCELLATION_FIELDS`."""
        return {field.name: self.values[field.name] for field in CANCELLATION_FIELDS}

    def parse(self, values: Mapping[str, object]) -> object:
        """Parse both parts with the domain. Raises InvalidFields with the problems of both."""
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


DATE_IS_RIGHT: Final = "Record it with this date"


class Whole(NamedTuple):
    """What an action can take a part of: ten-thousandths of a tonne, and the block of its serial numbers."""

    quantity_e4: int
    block: SerialBlock | None


class ActionForm(FieldForm):
    """A sale or a retirement. A date that cannot be right requires a tick."""

    is_date_confirmed = BooleanField(DATE_IS_RIGHT)

    @classmethod
    def label_of(cls, field: Field) -> str:
        """Return the label of a field of the event: "Retirement date"."""
        return field_label(field, cls.event_type)

    def __init__(
        self,
        *,
        scope: str = "",
        quantity: str = "",
        vintage: int | None = None,
        sold_on: str | None = None,
        whole: Whole | None = None,
    ) -> None:
        """Prefill the date with today, and the quantity with `quantity`, by default the whole.

        `vintage` and `sold_on`, the day of its sale, are those of the credit, to check the date. With its
        `whole`, the form requires a quantity that the credit has.
        """
        today = clock.now().date().isoformat()
        quantity = quantity or (quantity_text(whole.quantity_e4) if whole else "")
        super().__init__(scope=scope, data={"occurred_on": today, PART_QUANTITY.name: quantity})
        self._whole = whole
        self.occurred_on.render_kw = {"min": str(EARLIEST_DAY), "max": str(clock.latest_day())}
        if not self.is_submitted():
            self.occurred_on.render_kw["data-today"] = today  # static/js/app.js makes it the reader's own day
        self._vintage, self._sold_on = vintage, sold_on

    @property
    def date_warnings(self) -> list[str]:
        """Why the submitted date cannot be right, a sentence for each reason."""
        if not self.is_submitted() or self._vintage is None or self.event_type is None:
            return []
        try:
            bounds = DayBounds(clock.latest_day())
            (occurred_on,) = bounded(bounds, [f for f in self.table if f.name == "occurred_on"])
            day = occurred_on.parse(self.occurred_on.data) or clock.now().date().isoformat()
        except FieldError:
            return []
        return date_warnings(self.event_type, str(day), self._vintage, self._sold_on)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Require a quantity that the credit has, and the tick for a date that cannot be right."""
        valid = super().validate(extra_validators)
        if self._whole and not self.quantity.errors and (problems := self._part_problems(self._whole)):
            self.show(problems)
            valid = False
        warnings = self.date_warnings
        if not warnings or self.is_date_confirmed.data:
            return valid
        advice = f"Change the date, or tick “{DATE_IS_RIGHT}”."
        self.show([Problem("is_date_confirmed", " ".join([*warnings, advice]))])
        return False

    def parse(self, values: Mapping[str, object]) -> object:
        """Parse the texts with the domain. Raises InvalidFields."""
        if self.event_type is None:
            raise TypeError("an action form states the type of its event")
        return parse_action(self.event_type, values, clock.now().date(), DayBounds(clock.latest_day()))

    @property
    def part_e4(self) -> int | None:
        """The entered quantity in ten-thousandths of a tonne, None if it is empty or not valid."""
        try:
            return parse_part_quantity(self.values)
        except InvalidFields:
            return None

    def _part_problems(self, whole: Whole) -> Sequence[Problem]:
        part_e4 = self.part_e4
        if part_e4 is None:
            text = f"Enter the tonnes, at most {tonnes(whole.quantity_e4)}."
            return [Problem(PART_QUANTITY.name, text)]
        try:
            require_part(part_e4, whole.quantity_e4, whole.block)
        except InvalidFields as refusal:
            return refusal.problems
        return []

    def show_part_problems(self, problems: Sequence[Problem]) -> None:
        """Add problems with the lots of the split to the quantity, which causes them."""
        lots = "quantities"
        self.show([Problem(PART_QUANTITY.name, p.message) if p.field == lots else p for p in problems])


class SaleForm(ActionForm):
    """A sale."""

    table = SALE_FIELDS
    event_type = EventType.SOLD


class ReversalForm(ActionForm):
    """The reversal of a sale."""

    table = REVERSAL_FIELDS
    event_type = EventType.SALE_REVERSED


NO_BENEFICIARY: Final = "Retire without a beneficiary"
FOR_ANOTHER: Final = "Retire it for someone other than the buyer"
SAME_SERIAL: Final = "Retire this one"


class RetirementForm(ActionForm):
    """A retirement. It requires a beneficiary, or a tick that there is none.

    `buyer` is that of a sold credit. To retire it for somebody else requires a tick, and so does a credit
    whose serial number another one has (`is_contested`).
    """

    table = RETIREMENT_FIELDS
    event_type = EventType.RETIRED
    without_beneficiary = BooleanField(NO_BENEFICIARY)
    is_for_another = BooleanField(FOR_ANOTHER)
    is_serial_confirmed = BooleanField(SAME_SERIAL)
    buyer: str | None = None
    is_contested = False

    @property
    def same_serial(self) -> str:
        """The sentence about another credit with the same serial number."""
        return " ".join(same_serial_warnings(1))

    @property
    def buyer_warnings(self) -> list[str]:
        """The sentence about sold tonnes that are retired for someone other than the buyer, if they are."""
        if not self.is_submitted() or self._whole is None:
            return []
        part_e4 = self.part_e4 or self._whole.quantity_e4
        return buyer_warnings(part_e4, self.buyer, (self.beneficiary.data or "").strip() or None)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Require a beneficiary or the tick, in addition to the domain's rules."""
        valid = super().validate(extra_validators)
        if (warnings := self.buyer_warnings) and not self.is_for_another.data:
            self.show([Problem("is_for_another", f"{warnings[0]} Change it, or tick “{FOR_ANOTHER}”.")])
            valid = False
        if self.is_contested and not self.is_serial_confirmed.data:
            text = f"{self.same_serial} Tick “{SAME_SERIAL}” if this is the right one."
            self.show([Problem("is_serial_confirmed", text)])
            valid = False
        ticked = bool(self.without_beneficiary.data)
        if self.beneficiary.errors or self._names_beneficiary() is not ticked:
            return valid
        if ticked:
            message = "A beneficiary is entered above. Remove the tick or the beneficiary."
            self.show([Problem("without_beneficiary", message)])
        else:
            message = f"Enter the beneficiary, or tick “{NO_BENEFICIARY}”."
            self.show([Problem("beneficiary", message)])
        return False

    def _names_beneficiary(self) -> bool:
        field = next(field for field in self.table if field.name == "beneficiary")
        try:
            return field.parse(self.beneficiary.data) is not None
        except FieldError:
            return True
