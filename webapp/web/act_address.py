"""The address of the form that acts on many credits: which act, and which credits.

`credit` names credits by the feed positions of their CREATED events, which are shorter than ids. With
`part`, once for each `credit`, they are taken in part; an empty one leaves its credit out. `take=all` takes
all that match the filter of the list, `take=oldest` as many of them as make up `quantity`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Final
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from webapp.domain.action_fields import PART_QUANTITY
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.fields import FieldError, TextField
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger.act_selection import Matching, Selection, portions_at
from webapp.web.credit_list import ACTIONS, CreditList
from webapp.web.credit_list import PARAMETERS as LIST_PARAMETERS
from webapp.web.credit_list import REPEATED as LIST_REPEATED
from webapp.web.typed_quantity import plain_quantity, quantity_error

PATH: Final = "/credits/act"
ALL: Final = "all"
OLDEST: Final = "oldest"
# What "Update" of the page states anew: the tonnes to take, or the quantities of the credits.
PARTS: Final = "parts"
# The parameters of the address; the second ones are repeated.
_FILTERS: Final = tuple(name for name in LIST_PARAMETERS if name not in {"sort", "order"})
PARAMETERS: Final = ("action", "take", *_FILTERS, "buyer", "quantity", "amends")
CHOSEN: Final = "credit"
REPEATED: Final = (CHOSEN, "part", *LIST_REPEATED)
POSITION: Final = re.compile("[1-9][0-9]{0,17}")
_BUYER: Final = TextField("buyer", "Buyer")
_AMENDED: Final = {str(each): each for each in (EventType.CREATED, EventType.SOLD, EventType.RETIRED)}
_NOTHING: Final = "Choose at least one credit in the list."


@dataclass(frozen=True)
class ActAddress:
    """What the address asks for. `parts` has the typed quantity of each named credit, empty for all of it."""

    action: str
    take: str = ""
    matching: CreditList = field(default_factory=lambda: CreditList.read(MultiDict()))
    buyer: str = ""
    quantity: str = ""
    parts: Mapping[int, str] = field(default_factory=dict)
    amends: EventType | None = None

    @classmethod
    def read(cls, arguments: MultiDict[str, str]) -> "ActAddress":
        """Parse the query string. Raises InvalidFields where it asks for no known act."""
        action = arguments.get("action", "")
        if action not in ACTIONS:
            raise InvalidFields([Problem("action", f"Must be one of {', '.join(ACTIONS)}.")])
        named, parts = arguments.getlist(CHOSEN), [text.strip() for text in arguments.getlist("part")]
        if parts and len(parts) != len(named):
            raise InvalidFields([Problem("part", "State one for each credit.")])
        if not all(map(POSITION.fullmatch, named)):
            raise InvalidFields([Problem(CHOSEN, "Must be the position of a credit.")])
        chosen = {int(text): part for text, part in zip_longest(named, parts, fillvalue="")}
        take = arguments.get("take", "")
        given = MultiDict((name, text) for name in _FILTERS for text in arguments.getlist(name))
        matching = CreditList.read(given)
        parties = matching.filter.parties
        return cls(
            action,
            take if take in {ALL, OLDEST} else "",
            matching,
            arguments.get("buyer", "").strip() or (parties[0] if len(parties) == 1 else ""),
            arguments.get("quantity", "").strip(),
            {position: part for position, part in chosen.items() if part or not parts},
            _AMENDED.get(arguments.get("amends", "")),
        )

    @property
    def event_type(self) -> EventType:
        """The type of the events of the act."""
        return ACTIONS[self.action]

    @property
    def is_unfinished(self) -> bool:
        """Whether the tonnes to take are still to be typed."""
        return self.take == OLDEST and not self.quantity

    def selection(self) -> Selection:
        """Return the credits that it asks for. Raises InvalidFields."""
        if not self.take:
            return self._named()
        quantity_e4 = _quantity_e4("quantity", self.quantity) if self.take == OLDEST else None
        try:
            buyer = _BUYER.parse(self.buyer) or ""
        except FieldError as refusal:
            raise InvalidFields([Problem("buyer", str(refusal))]) from None
        return Matching(self.matching.filter, quantity_e4, buyer)

    def _named(self) -> Selection:
        if not self.parts:
            raise InvalidFields([Problem("", _NOTHING)])
        problems: list[Problem] = []
        quantities: dict[int, int | None] = {}
        for position, text in self.parts.items():
            try:
                quantities[position] = _quantity_e4("part", text)
            except InvalidFields as refusal:
                problems += refusal.problems
        if problems:
            raise InvalidFields(problems)
        return portions_at(quantities)

    @property
    def asks_buyer(self) -> bool:
        """Whether one buyer has to be named: sold credits are taken by quantity."""
        return self.take == OLDEST and self.matching.one_status is Status.SOLD

    @property
    def here(self) -> str:
        """The address of the form."""
        parameters: list[tuple[str, str]] = [("action", self.action), *self.hidden]
        parameters += [
            (name, text) for name, text in (("buyer", self.buyer), ("quantity", self.quantity)) if text
        ]
        parameters += [(CHOSEN, str(position)) for position in self.parts]
        parameters += [("part", text) for text in self.parts.values() if text]
        return f"{PATH}?{urlencode(parameters)}"

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The parameters that a form about the quantity repeats."""
        own = [("take", self.take), ("amends", str(self.amends or ""))]
        return [(name, text) for name, text in own if text] + self.matching.filter_parameters

    def updated(self, typed: MultiDict[str, str], update: str) -> "ActAddress":
        """Return the address with the tonnes that were typed on the page, or the quantities (`PARTS`)."""
        if update != PARTS:
            quantity, buyer = typed.get("taken_quantity", self.quantity), typed.get("taken_buyer", self.buyer)
            return replace(self, quantity=quantity.strip(), buyer=buyer.strip())
        texts = zip(typed.getlist(CHOSEN), typed.getlist("part"), strict=False)
        parts = {int(at): text.strip() for at, text in texts if POSITION.fullmatch(at) and text.strip()}
        return replace(self, take="", quantity="", buyer="", parts=parts)

    def amending(self, amends: EventType) -> "ActAddress":
        """Return the address that amends events of this type."""
        return replace(self, amends=amends)


def _quantity_e4(name: str, text: str) -> int | None:
    """Return a typed quantity in ten-thousandths of a tonne, None if it is empty. Raises InvalidFields."""
    if problem := quantity_error(PART_QUANTITY, text):
        raise InvalidFields([Problem(name, problem)])
    parsed = PART_QUANTITY.parse(plain_quantity(text))
    return None if parsed is None else int(parsed)
