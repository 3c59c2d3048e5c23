"""The body of `POST /acts`: what to do with which records."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from webapp.api.credit_filters import FILTERS, filter_of
from webapp.api.field_schemas import accepted, act_request
from webapp.api.query_parameters import Parameter
from webapp.domain.action_fields import PART_QUANTITY
from webapp.domain.amendment import AMENDABLE
from webapp.domain.canonical_json import Number
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.fields import FieldError, QuantityField, TextField
from webapp.domain.lifecycle import EventType
from webapp.ledger.act_selection import CREDITS_MAX, Matching, Portion, Selection
from webapp.ledger.acts_on_many import ActRequest

# A request of 10,000 records has about 1 MB.
BODY_BYTES_MAX: Final = 2 * 1024**2
ACTIONS: Final[dict[str, EventType]] = {
    "sell": EventType.SOLD,
    "retire": EventType.RETIRED,
    "reverse_sale": EventType.SALE_REVERSED,
    "cancel": EventType.CANCELLED,
    "amend": EventType.AMENDED,
}
AMENDED_TYPES: Final = tuple(each for each in AMENDABLE if each is not EventType.CANCELLED)
OLDEST_FIRST: Final = "oldest_first"
BUYER: Final = TextField("buyer", "Buyer", hint="Only records sold to this buyer, for `status` SOLD.")
QUANTITY: Final = QuantityField(
    "quantity", "Quantity", hint="Tonnes to take out of the filter, the oldest first; all without it."
)


def _schema_of(parameter: Parameter[Any]) -> dict[str, Any]:
    """Return the schema of a member of `filter`: of a list, one value alone is accepted too."""
    schema = dict(parameter.schema)
    return {"anyOf": [schema["items"], schema]} if parameter.is_list else schema


ACT_REQUEST: Final = act_request(
    list(ACTIONS),
    {each.name: _schema_of(each) for each in FILTERS} | {BUYER.name: accepted(BUYER)},
    AMENDED_TYPES,
    CREDITS_MAX,
)
_MEMBERS: Final = ("action", "records", "filter", "order", "quantity", "data", "amends", "dry_run")
_NO_SUCH: Final = "There is no such field."
_ONE_OF: Final = "State either `records` or `filter`."


class ActBody(NamedTuple):
    """The request, and whether it is only to be planned."""

    request: ActRequest
    is_dry_run: bool


class _Problems(list[Problem]):
    """The problems of a body."""

    def note(self, field: str, message: str) -> None:
        self.append(Problem(field, message))

    def parsed(self, parse: Callable[[Any], Any], value: object, field: str) -> Any:  # noqa: ANN401
        """Return the parsed value; None after a problem."""
        try:
            return parse(value)
        except FieldError as refusal:
            self.note(field, str(refusal))
            return None


def parse_act(values: Mapping[str, object]) -> ActBody:
    """Return the act that a body asks for. Raises InvalidFields with every problem of its members."""
    problems = _Problems(Problem(name, _NO_SUCH) for name in values if name not in _MEMBERS)
    action = ACTIONS.get(str(values.get("action")))
    if action is None:
        problems.note("action", f"Must be one of {', '.join(ACTIONS)}.")
    data = values.get("data", {})
    if not isinstance(data, Mapping):
        problems.note("data", "Must be an object with the fields of the action.")
        data = {}
    if PART_QUANTITY.name in data:
        problems.note(f"data.{PART_QUANTITY.name}", "State quantities beside the records.")
    is_dry_run = values.get("dry_run", False)
    if not isinstance(is_dry_run, bool):
        problems.note("dry_run", "Must be true or false.")
    selection = _selection(values, problems)
    amends = _amended_type(values, action, problems)
    if problems or action is None:
        raise InvalidFields(list(problems))
    return ActBody(ActRequest(action, selection, data, amends), bool(is_dry_run))


def _selection(values: Mapping[str, object], problems: _Problems) -> Selection:
    records, filters = values.get("records"), values.get("filter")
    if (records is None) is (filters is None):
        problems.note("", _ONE_OF)
        return []
    if values.get("order", OLDEST_FIRST) != OLDEST_FIRST:
        problems.note("order", f"Must be {OLDEST_FIRST}.")
    if records is not None:
        if values.get("quantity") is not None:
            problems.note("quantity", "Only with `filter`. State the quantity of each record in `records`.")
        return _portions(records, problems)
    quantity_e4 = problems.parsed(QUANTITY.parse, values.get("quantity"), "quantity")
    if not isinstance(filters, Mapping):
        problems.note("filter", "Must be an object.")
        return []
    return _matching(filters, quantity_e4, problems)


def _portions(records: object, problems: _Problems) -> list[Portion]:
    if not isinstance(records, list):
        problems.note("records", "Must be a list.")
        return []
    portions: list[Portion] = []
    for number, record in enumerate(records):
        place = f"records.{number}"
        stated = {"id": record} if isinstance(record, str) and not isinstance(record, Number) else record
        if not isinstance(stated, Mapping) or not isinstance(stated.get("id"), str):
            problems.note(place, "Must be an id, or an object with `id` and `quantity`.")
            continue
        for name in stated:
            if name not in {"id", "quantity"}:
                problems.note(f"{place}.{name}", _NO_SUCH)
        quantity_e4 = problems.parsed(PART_QUANTITY.parse, stated.get("quantity"), f"{place}.quantity")
        portions.append(Portion(str(stated["id"]), quantity_e4))
    return portions


def _matching(filters: Mapping[str, object], quantity_e4: int | None, problems: _Problems) -> Matching:
    known = {parameter.name: parameter for parameter in FILTERS}
    found: dict[Parameter[Any], Any] = {}
    buyer = ""
    for name, value in filters.items():
        place = f"filter.{name}"
        if name == BUYER.name:
            buyer = problems.parsed(BUYER.parse, value, place) or ""
        elif name not in known:
            problems.note(place, _NO_SUCH)
        elif value is not None:
            texts = _texts(value, is_list=known[name].is_list)
            if texts is None:
                problems.note(place, "Must be text or a number.")
            else:
                found[known[name]] = problems.parsed(known[name].parse_all, texts, place)
    given = {parameter: value for parameter, value in found.items() if value is not None}
    return Matching(filter_of(given, "filter."), quantity_e4, buyer)


def _texts(value: object, *, is_list: bool) -> list[str] | None:
    """Return the texts of a member of `filter`; None if it cannot be one."""
    values = value if is_list and isinstance(value, list) else [value]
    if all(isinstance(each, str | int) and not isinstance(each, bool) for each in values):
        return [str(each) for each in values]
    return None


def _amended_type(
    values: Mapping[str, object], action: EventType | None, problems: _Problems
) -> EventType | None:
    amends = values.get("amends")
    if action is not EventType.AMENDED:
        if amends is not None:
            problems.note("amends", "Only with the action amend.")
        return None
    if amends not in {str(each) for each in AMENDED_TYPES}:
        problems.note("amends", f"Must be one of {', '.join(AMENDED_TYPES)}.")
        return None
    return EventType(str(amends))
