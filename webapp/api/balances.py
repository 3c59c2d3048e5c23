"""Balances, movements and lists as of a day, as known at a time. See "As of" in docs/ledger.md."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import balance_operations as operations
from webapp.api import balance_schemas as schemas
from webapp.api import query_parameters as parameters
from webapp.api.cuts import cut_body, cut_url, stated_cut
from webapp.api.operation import describes
from webapp.api.query_parameters import Values
from webapp.api.serializers import json_response
from webapp.authorization import allows
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import STATUS_AFTER, EventType
from webapp.ledger import as_of, as_of_list
from webapp.ledger.as_of import Amount, Dimension, Where, types_of
from webapp.ledger.as_of_list import Standing

api = Blueprint("api_balances", __name__)

# What the parameter `by` may name, beside the dimensions themselves.
_EVENT_TYPE: Final = "event_type"
_STATUS: Final = "status"


@api.get("/balances")
@describes(operations.GET_BALANCES)
@allows(Role.VIEWER)
def get_balances() -> Response:
    values = parameters.read(*operations.GET_BALANCES.query)
    cut, by = stated_cut(values), values[operations.BY]
    amounts = as_of.balances(cut, _dimensions(by), _where(values))
    return json_response(schemas.Amounts(cut_body(cut), _items(by, amounts)))


@api.get("/movements")
@describes(operations.GET_MOVEMENTS)
@allows(Role.VIEWER)
def get_movements() -> Response:
    values = parameters.read(*operations.GET_MOVEMENTS.query)
    cut, by = stated_cut(values), values[operations.BY_TIME]
    pairs = zip(operations.DAYS, operations.EARLIER_DAYS, strict=True)
    stated = [day if values[day] else earlier for day, earlier in pairs]
    first, last = as_of.parse_days({each.name: values[each] for each in stated})
    amounts = as_of.movements(cut, _dimensions(by), _where(values), first, last)
    return json_response(schemas.Amounts(cut_body(cut), _items(by, amounts)))


@api.get("/standings")
@describes(operations.LIST_STANDINGS)
@allows(Role.VIEWER)
def list_standings() -> Response:
    values = parameters.read(*operations.LIST_STANDINGS.query)
    cut = stated_cut(values)
    before, limit = values[parameters.CURSOR_NUMBER], values[parameters.LIMIT_OF_PAGE]
    page = as_of_list.list_standings(cut, _where(values), before, limit)
    following = None if page.next is None else cut_url(cut, cursor=page.next)
    items = [_standing_body(each) for each in page.items]
    return json_response(schemas.StandingRecordPage(cut_body(cut), items, following))


def _where(values: Values) -> Where:
    status, kind = values[parameters.STATUS], values[operations.EVENT_TYPE]
    return Where.named(
        registry=values[parameters.REGISTRY],
        project=values[parameters.PROJECT],
        project_id=values[parameters.PROJECT_ID],
        party=values[parameters.PARTY],
        types=(kind,) if kind else types_of(status) if status else (),
        first_vintage=values[parameters.VINTAGE_FROM],
        last_vintage=values[parameters.VINTAGE_TO],
    )


def _dimensions(by: Sequence[str]) -> list[Dimension]:
    """Return the dimensions of the sums; a status is found from the type of its event."""
    found: dict[Dimension, None] = {}
    for name in by:
        found["type" if name in {_EVENT_TYPE, _STATUS} else name] = None  # type: ignore[index]
    return list(found)


def _items(by: Sequence[str], amounts: Iterable[Amount]) -> list[schemas.Amount]:
    """Return the sums by what was asked for; those of one status are added up."""
    dimensions = _dimensions(by)
    found: dict[tuple[object, ...], list[int]] = {}
    for amount in amounts:
        of = dict(zip(dimensions, amount.of, strict=True))
        added = found.setdefault(tuple(_value(name, of) for name in by), [0, 0])
        added[0] += amount.credits
        added[1] += amount.quantity_e4
    return [
        schemas.Amount(credits, msgspec.Raw(quantity_text(quantity_e4)), **dict(zip(by, key, strict=True)))  # type: ignore[arg-type]
        for key, (credits, quantity_e4) in found.items()
    ]


def _value(name: str, of: dict[Dimension, Any]) -> object:
    if name == _STATUS:
        return str(STATUS_AFTER[EventType(of["type"])])
    value = of["type" if name == _EVENT_TYPE else name]  # type: ignore[index]
    return bool(value) if name == "is_dated" else value


def _standing_body(standing: Standing) -> schemas.StandingRecord:
    return schemas.StandingRecord(
        id=standing.id,
        project_name=standing.project_name,
        registry=standing.registry,
        vintage=standing.vintage,
        quantity=msgspec.Raw(standing.quantity),
        serial_number=standing.serial_number,
        project_id=standing.project_id,
        parent=standing.parent,
        status=standing.status,
        event_type=standing.event_type,
        happened_on=standing.happened_on,
        is_dated=standing.is_dated,
        party=standing.party,
    )
