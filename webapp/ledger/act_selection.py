"""Choose the credits of an act on many: those that are named, or those of a filter.

Of a filter, an act takes all credits, or as many as make up a quantity, the oldest first. The order is
the vintage, then the day on which the root was acquired or else issued (without one: last), then the
position of the root in the feed, then the place in the root. Parts of a block are so in order of their
numbers. The creation of a lot by a split does not make it younger.

Only ACTIVE credits are taken, unless the filter names another status. A quantity is taken of SOLD ones only
where one buyer is named, so that nobody retires what belongs to a buyer by mistake.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import Connection

from webapp.domain.amendment import present_facts
from webapp.domain.credit import is_credit_id
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import Data
from webapp.domain.fields import E4, tonnes
from webapp.domain.lifecycle import EventType, Status, is_allowed
from webapp.domain.serial_number import parse_block
from webapp.domain.split import WHOLE_TONNES
from webapp.domain.text import canonical
from webapp.ledger.listing import with_names
from webapp.ledger.search import selection
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage import selection_sql, statements
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import as_json, fetch
from webapp.ledger.views import CreditView, credit_of_row

T = TypeVar("T")

# The most credits of one act, and the most among which the oldest are looked for.
CREDITS_MAX: Final = 10_000
CANDIDATES_MAX: Final = 100_000
# The most credits that an act splits to take only a part of each.
PARTS_MAX: Final = 200
_BATCH: Final = 500
# After every day, for credits without a date.
_NO_DAY: Final = "~"
_TOO_MANY: Final = (
    f"More than {CREDITS_MAX:,} credits match. Narrow the filter, or act on them in several steps."
)
_TOO_MANY_CANDIDATES: Final = f"More than {CANDIDATES_MAX:,} credits match. Narrow the filter."
_ONE_BUYER: Final = "Sold credits are taken only of one buyer. Name the buyer."
_ONE_STATUS: Final = "Choose one status: an act on all that match takes credits of one status."
_NOTHING: Final = "No credit matches."


@dataclass(frozen=True)
class Portion:
    """A credit to act on, and how much of it in ten-thousandths of a tonne; None for all of it."""

    credit_id: str
    quantity_e4: int | None = None


@dataclass(frozen=True)
class Matching:
    """The credits of a filter: all, or as many as make up `quantity_e4`, the oldest first.

    `buyer` chooses among sold credits. The filter's own order is not used.
    """

    wanted: CreditFilter
    quantity_e4: int | None = None
    buyer: str = ""

    @property
    def status(self) -> Status:
        """The one status of the credits that are taken: ACTIVE, unless the filter has another one alone."""
        statuses = self.wanted.statuses
        return statuses[0] if len(statuses) == 1 else Status.ACTIVE

    @property
    def one_buyer(self) -> str:
        """The buyer of sold credits, as it is named or as the only party of the filter."""
        parties = self.wanted.parties
        return self.buyer or (parties[0] if len(parties) == 1 else "")


Selection = Sequence[Portion] | Matching


class Chosen(NamedTuple):
    """A credit as it was read, and how much of it to act on, in ten-thousandths of a tonne."""

    credit: CreditView
    quantity_e4: int

    @property
    def is_part(self) -> bool:
        """Whether less than the whole credit is acted on, so that it is split."""
        return self.quantity_e4 < self.credit.quantity_e4


def portions_at(quantities: Mapping[int, int | None]) -> list[Portion]:
    """Return the portions of the credits whose CREATED events have these feed positions.

    Quantities are in ten-thousandths of a tonne, None for all. A position without a credit is left out.
    """
    with reading() as connection:
        credits = credits_at(connection, list(quantities))
    found = {credit.created_position: credit.id for credit in credits}
    return [Portion(found[at], quantity) for at, quantity in quantities.items() if at in found]


def choose(connection: Connection, chosen: Selection, action: EventType) -> list[Chosen]:
    """Return the credits of a selection. Raises InvalidFields."""
    if isinstance(chosen, Matching):
        return _matching(connection, chosen, action)
    return _named(connection, chosen)


def _named(connection: Connection, portions: Sequence[Portion]) -> list[Chosen]:
    if not portions:
        raise InvalidFields([Problem("credits", "Choose at least one credit.")])
    if len(portions) > CREDITS_MAX:
        raise InvalidFields([Problem("credits", f"At most {CREDITS_MAX:,} credits at once.")])
    found = _credits_of(connection, [portion.credit_id for portion in portions])
    problems: list[Problem] = []
    chosen: list[Chosen] = []
    seen: set[str] = set()
    for number, portion in enumerate(portions):
        credit = found.get(portion.credit_id)
        problem = _problem_of(portion, credit, seen)
        if problem or credit is None:
            problems.append(Problem(f"credits.{number}", problem))
            continue
        seen.add(portion.credit_id)
        quantity_e4 = credit.quantity_e4 if portion.quantity_e4 is None else portion.quantity_e4
        chosen.append(Chosen(credit, quantity_e4))
    if sum(each.is_part for each in chosen) > PARTS_MAX:
        problems.append(Problem("credits", f"At most {PARTS_MAX} credits can be taken in part at once."))
    if problems:
        raise InvalidFields(problems)
    return chosen


def _problem_of(portion: Portion, credit: CreditView | None, seen: set[str]) -> str:
    if credit is None:
        return "No credit has this id."
    if portion.credit_id in seen:
        return "This credit is named twice."
    if portion.quantity_e4 is None:
        return ""
    if portion.quantity_e4 > credit.quantity_e4:
        return f"{tonnes(portion.quantity_e4)} is more than the {tonnes(credit.quantity_e4)} of this credit."
    return WHOLE_TONNES if _cuts_a_tonne(credit, portion.quantity_e4) else ""


def _cuts_a_tonne(credit: CreditView, quantity_e4: int) -> bool:
    """Return whether a part of this size would cut one of the numbers of a block."""
    if quantity_e4 == credit.quantity_e4 or not quantity_e4 % E4:
        return False
    block = parse_block(credit.serial_number)
    return block is not None and block.length * E4 == credit.quantity_e4


def _matching(connection: Connection, asked: Matching, action: EventType) -> list[Chosen]:
    if asked.status not in asked.wanted.statuses:
        raise InvalidFields([Problem("filter.status", _ONE_STATUS)])
    if not is_allowed(asked.status, action):
        message = f"Credits of the status {asked.status} cannot be taken for this."
        raise InvalidFields([Problem("filter.status", message)])
    if asked.status is Status.SOLD and asked.quantity_e4 is not None and not canonical(asked.one_buyer):
        raise InvalidFields([Problem("filter.buyer", _ONE_BUYER)])
    if asked.quantity_e4 is None:
        return _all_matching(connection, asked)
    return _oldest(connection, asked, asked.quantity_e4)


def _all_matching(connection: Connection, asked: Matching) -> list[Chosen]:
    chosen: list[Chosen] = []
    for group in _by_vintage(connection, asked):
        chosen += [Chosen(credit, credit.quantity_e4) for credit in _in_order(connection, group)]
        if len(chosen) > CREDITS_MAX:
            raise InvalidFields([Problem("filter", _TOO_MANY)])
    if not chosen:
        raise InvalidFields([Problem("filter", _NOTHING)])
    return chosen


def _oldest(connection: Connection, asked: Matching, wanted_e4: int) -> list[Chosen]:
    chosen: list[Chosen] = []
    remaining_e4 = wanted_e4
    for group in _by_vintage(connection, asked):
        for credit in _in_order(connection, group):
            taken_e4 = min(credit.quantity_e4, remaining_e4)
            if _cuts_a_tonne(credit, taken_e4):
                message = f"The last credit would be split inside a tonne. {WHOLE_TONNES}"
                raise InvalidFields([Problem("quantity", message)])
            chosen.append(Chosen(credit, taken_e4))
            remaining_e4 -= taken_e4
            if not remaining_e4:
                return chosen
            if len(chosen) == CREDITS_MAX:
                found = tonnes(wanted_e4 - remaining_e4)
                message = f"The oldest {CREDITS_MAX:,} credits have only {found}. Take it in several steps."
                raise InvalidFields([Problem("quantity", message)])
    found = tonnes(wanted_e4 - remaining_e4)
    raise InvalidFields([Problem("quantity", f"Only {found} match: {asked.status.lower()}, in the filter.")])


def _by_vintage(connection: Connection, asked: Matching) -> Iterator[list[CreditView]]:
    """Yield the credits of the filter, those of one vintage at a time, the oldest vintage first.

    Raises InvalidFields where there are too many to sort.
    """
    parties = asked.wanted.parties
    if asked.buyer and asked.status is Status.SOLD and not parties:
        parties = (asked.buyer,)
    named = with_names(connection, replace(asked.wanted, parties=parties))
    wanted = replace(named, statuses=(asked.status,), sort="vintage", descending=False)
    buyers = wanted.party_names.group(canonical(asked.buyer)) if canonical(asked.buyer) else ()
    keys = (key for batch in selection.every_key(connection, wanted) for key in batch)
    read = 0
    for _, group in groupby(keys, key=lambda key: key[0]):
        positions = [int(key[-1]) for key in group]
        read += len(positions)
        if read > CANDIDATES_MAX:
            raise InvalidFields([Problem("filter", _TOO_MANY_CANDIDATES)])
        found = credits_at(connection, positions)
        yield [credit for credit in found if not buyers or canonical(credit.buyer or "") in buyers]


def _in_order(connection: Connection, credits: Sequence[CreditView]) -> list[CreditView]:
    """Return credits of one vintage, the oldest first."""
    roots = {
        position: (root, root_position, start_e4)
        for batch in batches([credit.created_position for credit in credits])
        for position, root, root_position, start_e4 in fetch(connection, selection_sql.ROOTS, as_json(batch))
    }
    days = _days_of(connection, sorted({root for root, _, _ in roots.values()}))

    def age(credit: CreditView) -> tuple[str, int, int]:
        root, root_position, start_e4 = roots[credit.created_position]
        return days.get(root, _NO_DAY), root_position, start_e4

    return sorted(credits, key=age)


def _days_of(connection: Connection, roots: Sequence[int]) -> dict[int, str]:
    """Return the day on which each root was acquired, or else issued, by key, where it is known."""
    histories: dict[int, list[tuple[EventType, Data]]] = {}
    for batch in batches(roots):
        for key, event_type, body in fetch(connection, selection_sql.FACTS, as_json(batch)):
            histories.setdefault(key, []).append((EventType(event_type), json.loads(body)["data"]))
    days: dict[int, str] = {}
    for key, history in histories.items():
        facts = present_facts(history)
        if day := facts.get("acquired_on") or facts.get("issued_on"):
            days[key] = day
    return days


def _credits_of(connection: Connection, credit_ids: Sequence[str]) -> dict[str, CreditView]:
    found: dict[str, CreditView] = {}
    for batch in batches(sorted({each for each in credit_ids if is_credit_id(each)})):
        text = statements.CREDITS_OF.format(", ".join("?" * len(batch)))
        views = (credit_of_row(row)[0] for row in fetch(connection, text, *map(bytes.fromhex, batch)))
        found |= {view.id: view for view in views}
    return found


def credits_at(connection: Connection, positions: Sequence[int]) -> list[CreditView]:
    """Return the credits created at these positions."""
    return [
        credit_of_row(row)[0]
        for batch in batches(positions)
        for row in fetch(connection, statements.CREDITS_AT, as_json(batch))
    ]


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the values in slices that one statement takes."""
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
