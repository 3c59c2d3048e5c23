"""Acts on many credits: one transaction, all or none, one number that all events of the act carry.

An act is planned outside the write lock: its credits are chosen, and what would happen is shown. Under the
lock only the ends of the histories are read again. If another writer changed one of the credits, the act is
planned anew; who was shown the first plan and agreed to it is asked again.

The number of an act is the feed position of its first event. Its events follow each other in the feed;
the splits of credits of which it takes only a part come before them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection

from webapp.domain.action_fields import DayBounds, parse_action
from webapp.domain.action_warnings import buyer_warnings, date_warnings, same_serial_warnings
from webapp.domain.amendment import AMENDS, NO_SUCH_EVENT, parse_amendment, sale_of
from webapp.domain.errors import (
    ActChanged,
    ActionNotAllowed,
    ActsNotAllowed,
    InvalidFields,
    Problem,
    UnknownCredit,
)
from webapp.domain.event import Data, Event, with_act
from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status, last_counting, require_allowed
from webapp.domain.part_actions import PartAction, Stamp, act_on_parts
from webapp.ledger import clock, event_log, idempotency_store, queries
from webapp.ledger.act_selection import Chosen, Matching, Selection, batches, choose, credits_at
from webapp.ledger.acts import ProjectSum, project_sums
from webapp.ledger.event_log import parse_stored
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult
from webapp.ledger.projections.lineage import place_in_root
from webapp.ledger.storage import selection_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import as_json, fetch
from webapp.ledger.views import CreditView

# An act on more credits has a transaction of its own, between two groups.
ALONE_FROM: Final = 100
# How often an act on a filter is planned. The last time is under the write lock.
PLANS_MAX: Final = 4


@dataclass(frozen=True)
class ActRequest:
    """What to do with which credits.

    `values` are the fields of the action, without a quantity; None while they are not known yet. An
    amendment restates the last event of the type `amends` of each credit.
    """

    action: EventType
    selection: Selection
    values: Mapping[str, object] | None
    amends: EventType | None = None


@dataclass(frozen=True)
class History:
    """The history of a credit as far as an act depends on it.

    `types` has the types of all its events, `hash` is that of the last one, `since` the time of its
    status, and `sale` its SOLD event, if any, with its present data.
    """

    key: int
    types: tuple[EventType, ...]
    hash: str
    since: str
    sale: Event | None

    @property
    def status(self) -> Status:
        """The status of the credit."""
        return STATUS_AFTER[last_counting(self.types)]


@dataclass(frozen=True)
class ActPlan:
    """What an act would do: its credits in the order in which they are taken, and the data of its events.

    `histories` are those of the credits, by id. `contested` is how many of them have a serial number that
    another credit has too. `warnings` are sentences about what may be a mistake. `refused` are the credits
    that do not allow it.
    """

    request: ActRequest
    chosen: Sequence[Chosen]
    data: Data
    histories: Mapping[str, History]
    contested: int = 0
    warnings: Sequence[str] = ()
    refused: Sequence[ActionNotAllowed] = ()

    @cached_property
    def quantity_e4(self) -> int:
        """The ten-thousandths of a tonne that the act is about."""
        return sum(each.quantity_e4 for each in self.chosen)

    @property
    def parts(self) -> list[Chosen]:
        """The credits that are split, because only a part of them is acted on."""
        return [each for each in self.chosen if each.is_part]

    @property
    def fingerprint(self) -> str:
        """A hash that changes with the credits, and with what is taken of each."""
        facts = [
            (each.credit.id, each.quantity_e4, each.credit.status, each.credit.buyer) for each in self.chosen
        ]
        return sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def sums(self) -> list[ProjectSum]:
        """What it takes, by project, registry and vintage."""
        return project_sums((each.credit, each.quantity_e4) for each in self.chosen)


@dataclass(frozen=True)
class TakenCredit:
    """A credit of an act. `split_from` is the id of the credit that it was split from by this act."""

    credit_id: str
    quantity_e4: int
    serial_number: str | None
    split_from: str | None = None


@dataclass(frozen=True)
class ActResult:
    """An act that was recorded: its number, and its credits in the order of its events."""

    number: int
    action: EventType
    credits: Sequence[TakenCredit]
    warnings: Sequence[str] = ()
    is_replay: bool = False

    @property
    def quantity_e4(self) -> int:
        """The ten-thousandths of a tonne of the act."""
        return sum(each.quantity_e4 for each in self.credits)


def plan_act(request: ActRequest) -> ActPlan:
    """Return what the act would do, without writing. Raises InvalidFields."""
    with reading() as connection:
        return _plan(connection, request)


def stating(plan: ActPlan, values: Mapping[str, object], amends: EventType | None = None) -> ActPlan:
    """Return the same plan with the fields of the action. Raises InvalidFields."""
    request = replace(plan.request, values=values, amends=amends)
    return _checked(replace(plan, request=request, data=_data_of(request)))


def repeated_act(action: EventType, key: IdempotencyKey | None) -> ActResult | None:
    """Return the act that an earlier request with this key recorded, None if there was none."""
    with reading() as connection:
        stored = key and idempotency_store.find(connection, key)
        return _replay(connection, action, stored) if stored else None


def record_act(
    plan: ActPlan, actor: str, key: IdempotencyKey | None = None, shown: str | None = None
) -> ActResult:
    """Record a planned act on all its credits, or on none.

    `shown` is the fingerprint of the plan that a person agreed to. Raises InvalidFields, ActsNotAllowed,
    and ActChanged if the plan is another one now.
    """
    repeated = repeated_act(plan.request.action, key)
    if repeated:
        return repeated
    for attempt in range(PLANS_MAX):
        done = _commit(plan, actor, key, shown, is_last=attempt == PLANS_MAX - 1)
        if done:
            return done
        plan = plan_act(plan.request)
    raise AssertionError("the last attempt plans under the lock")


def _commit(
    plan: ActPlan, actor: str, key: IdempotencyKey | None, shown: str | None, *, is_last: bool
) -> ActResult | None:
    """Record the plan if its credits are as they were, and return None if not.

    The last attempt plans anew under the write lock, which others may have to wait for.
    """

    def action(transaction: Transaction) -> ActResult | None:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return _replay(connection, plan.request.action, stored)
        current = plan
        if _histories(connection, plan.chosen) != plan.histories:
            if isinstance(plan.request.selection, Matching) and not is_last:
                return None
            current = _plan(connection, plan.request)
        if shown is not None and current.fingerprint != shown:
            raise ActChanged
        if current.refused:
            raise ActsNotAllowed(list(current.refused), len(current.chosen))
        result, first = _append(transaction, current, actor)
        if key:
            position = event_log.log_head(transaction).position
            ids = [str(result.number), str(len(result.credits)), str(first)]
            kept = StoredResult("act", HTTPStatus.CREATED, ids, position)
            idempotency_store.store(connection, key, kept)
        return result

    return commit(action, is_exclusive=len(plan.chosen) >= ALONE_FROM)


def _plan(connection: Connection, request: ActRequest) -> ActPlan:
    data = _data_of(request)
    chosen = choose(connection, request.selection, request.action)
    contested = _count_contested(connection, chosen) if request.action is EventType.RETIRED else 0
    return _checked(ActPlan(request, chosen, data, _histories(connection, chosen), contested))


def _count_contested(connection: Connection, chosen: Sequence[Chosen]) -> int:
    """Return how many of the credits have a serial number that another credit has too."""
    if not fetch(connection, selection_sql.ANY_CONTESTED):
        return 0
    found = batches([each.credit.created_position for each in chosen])
    return sum(len(fetch(connection, selection_sql.CONTESTED, as_json(batch))) for batch in found)


def _data_of(request: ActRequest) -> Data:
    """Return the data of the events; of an amendment it differs by credit, see `_data_for`."""
    if request.action is EventType.AMENDED or request.values is None:
        return {}
    today = clock.now().date()
    return parse_action(request.action, request.values, today, DayBounds(clock.latest_day()))


def _data_for(plan: ActPlan, history: History) -> Data:
    """Return the data of the event of one credit. Raises InvalidFields."""
    if plan.request.action is not EventType.AMENDED:
        return plan.data
    types = history.types
    seq = max((n for n, each in enumerate(types, start=1) if each is plan.request.amends), default=0)
    values = {**(plan.request.values or {}), AMENDS: str(seq)}
    return parse_amendment(values, types, DayBounds(clock.latest_day()))


def _checked(plan: ActPlan) -> ActPlan:
    """Return the plan with its warnings and with the credits that do not allow it. Raises InvalidFields."""
    refused: list[ActionNotAllowed] = []
    warnings = dict.fromkeys(same_serial_warnings(plan.contested))
    of_buyers: dict[str, int] = {}
    action, day = plan.request.action, plan.data.get("occurred_on")
    for credit, quantity_e4 in plan.chosen:
        history = plan.histories[credit.id]
        try:
            require_allowed(credit.id, history.status, action, history.since)
        except ActionNotAllowed as refusal:
            refused.append(refusal)
            continue
        if plan.request.amends and plan.request.amends not in history.types:
            raise InvalidFields([Problem("amends", f"{NO_SUCH_EVENT} Credit {credit.id} has none.")])
        sold_on = history.sale and history.sale.data.get("occurred_on")
        days = (None if day is None else str(day), credit.vintage, None if sold_on is None else str(sold_on))
        warnings |= dict.fromkeys(date_warnings(action, *days))
        if action is EventType.RETIRED and credit.status is Status.SOLD and credit.buyer:
            of_buyers[credit.buyer] = of_buyers.get(credit.buyer, 0) + quantity_e4
    beneficiary = plan.data.get("beneficiary")
    for buyer, quantity_e4 in of_buyers.items():
        named = None if beneficiary is None else str(beneficiary)
        warnings |= dict.fromkeys(buyer_warnings(quantity_e4, buyer, named))
    if action is EventType.AMENDED and plan.chosen and plan.request.values is not None:
        _data_for(plan, plan.histories[plan.chosen[0].credit.id])
    return replace(plan, refused=refused, warnings=list(warnings))


def _histories(connection: Connection, chosen: Sequence[Chosen]) -> dict[str, History]:
    """Return the histories of the credits, by id."""
    ids = {each.credit.created_position: each.credit.id for each in chosen}
    found: dict[str, History] = {}
    for batch in batches(sorted(ids)):
        rows = fetch(connection, selection_sql.HISTORIES, as_json(batch))
        for position, own in groupby(rows, key=itemgetter(0)):
            events = list(own)
            *_, (_, since, key, _, event_hash, _) = events
            types = tuple(EventType(event_type) for _, _, _, event_type, _, _ in events)
            sale = sale_of([parse_stored(body) for *_, body in events if body])
            found[ids[position]] = History(key, types, bytes(event_hash).hex(), since, sale)
    return found


def _append(transaction: Transaction, plan: ActPlan, actor: str) -> tuple[ActResult, int]:
    """Append the events; return the result and the position of the first event, which may be a split's."""
    stamp = Stamp(actor, event_log.recording_time(transaction))
    histories = plan.histories
    action, first = plan.request.action, event_log.log_head(transaction).position + 1
    whole = [each for each in plan.chosen if not each.is_part]
    number = first + sum(_events_of_split(histories[each.credit.id]) for each in plan.parts)
    splits: list[Event] = []
    acts: list[Event] = []
    lots = []
    acted: list[TakenCredit] = []
    for credit, quantity_e4 in plan.parts:
        history = histories[credit.id]
        data = with_act(_data_for(plan, history), number)
        record = queries.read_history(transaction.connection, credit.id)
        if record is None:
            raise UnknownCredit(credit.id)
        place = place_in_root(transaction.connection, record.stated)
        part = PartAction(0, quantity_e4, action, data)
        found = act_on_parts(record.stated, place, record.head, history.sale, [part], stamp)
        splits += found[0]
        acts += found[1]
        lots += found[2]
        acted.append(TakenCredit(found[2][0].id, quantity_e4, found[2][0].serial_number, credit.id))
    for credit, quantity_e4 in whole:
        history = histories[credit.id]
        data = with_act(_data_for(plan, history), number)
        acts.append(Event(credit.id, len(history.types) + 1, action, data, *stamp, history.hash))
        acted.append(TakenCredit(credit.id, quantity_e4, credit.serial_number))
    placed = event_log.append(
        transaction, [*splits, *acts], lots, {each: history.key for each, history in histories.items()}
    )
    if placed[len(splits)].position != number:
        raise RuntimeError("the events of an act do not begin at its number")
    return ActResult(number, action, acted, plan.warnings), first


def _events_of_split(history: History) -> int:
    """Return the number of events of a split into two lots, each with its own copy of a sale."""
    return 5 if history.sale else 3


def _replay(connection: Connection, action: EventType, stored: StoredResult) -> ActResult:
    """Return the result of the first request with this key."""
    number, count, first = (int(text) for text in stored.ids)
    rows = fetch(connection, selection_sql.ACTED, number, number + count)
    credits = {view.created_position: view for view in credits_at(connection, [row[0] for row in rows])}
    parents = {row[0]: row[1] for row in rows}
    return ActResult(
        number,
        action,
        [_acted(credits[position], parents[position], first) for position, _ in rows],
        is_replay=True,
    )


def _acted(credit: CreditView, parent: bytes | None, first: int) -> TakenCredit:
    is_new = credit.created_position >= first and parent is not None
    split_from = bytes(parent).hex() if is_new and parent is not None else None
    return TakenCredit(credit.id, credit.quantity_e4, credit.serial_number, split_from)
