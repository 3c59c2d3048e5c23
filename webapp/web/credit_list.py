"""The address of the list of credits: its filter, order and page.

This module only reads and writes that address. Every state of the list can be bookmarked, because all
changes to it are links or GET forms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.datastructures import MultiDict

from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.lifecycle import COUNTED, HOLDING, EventType, Status, is_allowed
from webapp.ledger.search.credit_filter import SORTS, CreditFilter
from webapp.web import list_filters

PATH: Final = "/credits"
PATH_OF_FILE: Final = "/credits.csv"
ASCENDING: Final = "asc"
DESCENDING: Final = "desc"
COUNT_ALL: Final = "all"
# The parameter of a credit's page that has the query of the list it was opened from, and its limits.
ORIGIN: Final = "from"
ORIGIN_MAX: Final = 2000
ORIGIN_FIELDS_MAX: Final = 100

# What the list offers for many credits: the words of the address, each with the type of its events.
ACTIONS: Final[Mapping[str, EventType]] = {
    "sell": EventType.SOLD,
    "retire": EventType.RETIRED,
    "amend": EventType.AMENDED,
    "void": EventType.CANCELLED,
}
# The parameters of the filter and the order, and those that may be given several times.
PARAMETERS: Final = (*list_filters.NAMES, "sort", "order")
REPEATED: Final = list_filters.REPEATED
# Columns that sort in descending order first: numbers and times; names sort from A.
_DESCENDS_FIRST: Final = frozenset({"created", "vintage", "quantity"})

# The orders of the sort menu, by sort and order.
_ORDERS: Final[Mapping[tuple[str, str], str]] = {
    ("created", DESCENDING): "Newest first",
    ("created", ASCENDING): "Oldest first",
    ("project", ASCENDING): "By project",
    ("registry", ASCENDING): "By registry",
    ("vintage", DESCENDING): "Latest vintage first",
    ("vintage", ASCENDING): "Earliest vintage first",
    ("quantity", DESCENDING): "Most tonnes first",
    ("quantity", ASCENDING): "Fewest tonnes first",
    ("status", ASCENDING): "By status",
}


@dataclass(frozen=True)
class CreditList:
    """A list of credits: its filter and order, and the cursor of its page (None for the first).

    `counts_all` asks for exact totals of all matches, however long that takes.
    """

    filter: CreditFilter
    cursor: str | None = None
    counts_all: bool = False

    @classmethod
    def read(cls, arguments: MultiDict[str, str]) -> "CreditList":
        """Parse the query string. Raises InvalidFields with every problem in it."""
        wanted, problems = list_filters.parse(arguments)
        sort = arguments.get("sort") or CreditFilter.sort
        order = arguments.get("order") or _first_order(sort)
        if sort not in SORTS:
            problems.append(Problem("Sort", f"Must be one of {', '.join(SORTS)}."))
        if order not in {ASCENDING, DESCENDING}:
            problems.append(Problem("Order", f"Must be {ASCENDING} or {DESCENDING}."))
        count = arguments.get("count") or ""
        if count not in {"", COUNT_ALL}:
            problems.append(Problem("Count", f"Must be {COUNT_ALL}."))
        if problems:
            raise InvalidFields(problems)
        ordered = replace(wanted, sort=sort, descending=order == DESCENDING)
        return cls(ordered, arguments.get("cursor") or None, count == COUNT_ALL)

    @classmethod
    def read_origin(cls, query: str) -> "CreditList | None":
        """Return the list that a credit's page was opened from; None if the text is no list of ours."""
        try:
            return cls.read(MultiDict(parse_qsl(query[:ORIGIN_MAX], max_num_fields=ORIGIN_FIELDS_MAX)))
        except (InvalidFields, ValueError):
            return None

    @property
    def is_filtered(self) -> bool:
        """Whether the list has a filter."""
        return bool(self.filter_parameters)

    @property
    def order(self) -> str:
        """The order as it is in the address, "asc" or "desc"."""
        return DESCENDING if self.filter.descending else ASCENDING

    @property
    def keeps_order(self) -> bool:
        """Whether the order differs from the default one."""
        return self.filter.sort != CreditFilter.sort or not self.filter.descending

    def address(self, cursor: str | None = None) -> str:
        """Return the address of a page of the list, the first page by default."""
        return self._address(self.filter, cursor)

    @property
    def here(self) -> str:
        """The address of the current page."""
        return self.counted_address if self.counts_all else self.address(self.cursor)

    @property
    def counted_address(self) -> str:
        """The address of the current page with exact totals."""
        address = self.address(self.cursor)
        return f"{address}{'&' if '?' in address else '?'}count={COUNT_ALL}"

    @property
    def download(self) -> str:
        """The address of the whole list as a CSV file."""
        return self._address(self.filter, None, PATH_OF_FILE)

    @property
    def filter_parameters(self) -> list[tuple[str, str]]:
        """The names and values of the filter in an address, without those that are not set."""
        return list_filters.parameters_of(self.filter)

    @property
    def as_of(self) -> str:
        """The address of the list as of a day, with this filter. No credit had one of the other statuses."""
        kept = [
            (name, value)
            for name, value in self.filter_parameters
            if name != list_filters.STATUS or value in set(HOLDING)
        ]
        return f"{PATH}/as-of?{urlencode(kept)}" if kept else f"{PATH}/as-of"

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """The filters that are set: the name, the value, and the address of the list without it."""
        return [
            (chip.label, chip.value, self._with_order(chip.others))
            for chip in list_filters.chips_of(self.filter)
        ]

    @property
    def origin(self) -> str:
        """What links to credits add to their address, so that their pages lead back to this page."""
        query = urlsplit(self.here).query
        return f"?{urlencode({ORIGIN: query})}" if query else ""

    @property
    def one_status(self) -> Status | None:
        """The status of the filter, if it has one alone."""
        statuses = self.filter.statuses
        return statuses[0] if len(statuses) == 1 else None

    @property
    def has_counted(self) -> bool:
        """Whether credits of the list can be in totals."""
        return not set(COUNTED).isdisjoint(self.filter.statuses)

    @property
    def actions(self) -> list[str]:
        """The acts on many credits that the status of the filter allows, as `ACTIONS` names them."""
        statuses = self.filter.statuses
        return [
            name
            for name, event_type in ACTIONS.items()
            if any(is_allowed(status, event_type) for status in statuses)
        ]

    def oldest_first(self, action: str) -> str:
        """Return the address of the form that acts on tonnes of this list, the oldest first."""
        query = urlencode([("action", action), ("take", "oldest"), *self.filter_parameters])
        return f"{PATH}/act?{query}"

    def of_status(self, status: Status) -> str:
        """Return the address of the list filtered by this status alone."""
        return self._address(replace(self.filter, statuses=(Status(status),)), None)

    def sorted_by(self, sort: str) -> str:
        """Return the address of the list sorted by this column, reversed if it is already sorted by it."""
        reversed_order = not self.filter.descending
        descending = reversed_order if sort == self.filter.sort else sort in _DESCENDS_FIRST
        return self._address(replace(self.filter, sort=sort, descending=descending), None)

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """The orders on offer: the label, the address, and whether the list has this order."""
        wanted = self.filter
        return [
            (
                label,
                self._address(replace(wanted, sort=sort, descending=order == DESCENDING), None),
                (sort, order) == (wanted.sort, self.order),
            )
            for (sort, order), label in _ORDERS.items()
        ]

    def direction(self, sort: str) -> str | None:
        """Return "ascending" or "descending" if the list is sorted by this column, else None."""
        if sort != self.filter.sort:
            return None
        return "descending" if self.filter.descending else "ascending"

    def _with_order(self, parameters: Sequence[tuple[str, str]], path: str = PATH) -> str:
        """Return the address with these parameters and the order of this list."""
        kept = [("sort", self.filter.sort), ("order", self.order)] if self.keeps_order else []
        query = urlencode([*parameters, *kept])
        return f"{path}?{query}" if query else path

    @staticmethod
    def _address(wanted: CreditFilter, cursor: str | None, path: str = PATH) -> str:
        target = CreditList(wanted)
        address = target._with_order(target.filter_parameters, path)
        if not cursor:
            return address
        return f"{address}{'&' if '?' in address else '?'}{urlencode({'cursor': cursor})}"


def _first_order(sort: str) -> str:
    return DESCENDING if sort in _DESCENDS_FIRST else ASCENDING
