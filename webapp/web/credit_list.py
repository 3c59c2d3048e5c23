"""The address of the list of credits: its filter, order and page.

This module only reads and writes that address. Every state of the list can be bookmarked, because all
changes to it are links or GET forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from webapp.domain.credit import FIELDS
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import is_number
from webapp.domain.facts import CREDIT_FACTS
from webapp.domain.fields import Field, FieldError, TextField
from webapp.domain.lifecycle import EventType, Status, is_allowed
from webapp.ledger.search.credit_filter import FACT_NAMES, SORTS, CreditFilter

PATH: Final = "/credits"
PATH_OF_FILE: Final = "/credits.csv"
ASCENDING: Final = "asc"
DESCENDING: Final = "desc"
COUNT_ALL: Final = "all"

_BY_NAME: Final[dict[str, Field]] = {field.name: field for field in FIELDS}
_FILTERS: Final[tuple[Field, ...]] = (
    TextField("q", "Search"),
    replace(_BY_NAME["registry"], required=False),
    replace(_BY_NAME["vintage"], required=False),
)
# Facts of the credits, and the import that recorded them.
FACTS: Final[tuple[Field, ...]] = tuple(field for field in CREDIT_FACTS if field.name in FACT_NAMES)
IMPORT: Final = "import"
# What the list offers for many credits: the words of the address, each with the type of its events.
ACTIONS: Final[Mapping[str, EventType]] = {
    "sell": EventType.SOLD,
    "retire": EventType.RETIRED,
    "amend": EventType.AMENDED,
    "void": EventType.CANCELLED,
}
# The parameters of the filter and the order.
PARAMETERS: Final = (*(field.name for field in (*_FILTERS, *FACTS)), IMPORT, "status", "sort", "order")
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
    def read(cls, arguments: Mapping[str, str]) -> "CreditList":
        """Parse the query string. Raises InvalidFields with every problem in it."""
        problems: list[Problem] = []
        values: dict[str, str | int | None] = {}
        for field in (*_FILTERS, *FACTS):
            try:
                values[field.name] = field.parse(arguments.get(field.name))
            except FieldError as refusal:
                problems.append(Problem(field.label, str(refusal)))
        status = arguments.get("status", "").strip().upper()
        if status and status not in set(Status):
            problems.append(Problem("Status", f"Must be one of {', '.join(Status)}."))
        sort = arguments.get("sort") or CreditFilter.sort
        order = arguments.get("order") or _first_order(sort)
        if sort not in SORTS:
            problems.append(Problem("Sort", f"Must be one of {', '.join(SORTS)}."))
        if order not in {ASCENDING, DESCENDING}:
            problems.append(Problem("Order", f"Must be {ASCENDING} or {DESCENDING}."))
        count = arguments.get("count") or ""
        if count not in {"", COUNT_ALL}:
            problems.append(Problem("Count", f"Must be {COUNT_ALL}."))
        import_text = arguments.get(IMPORT) or ""
        if import_text and not is_number(import_text):
            problems.append(Problem("Import", "Must be the number of an import."))
        if problems:
            raise InvalidFields(problems)
        vintage = values["vintage"]
        wanted = CreditFilter(
            q=str(values["q"] or ""),
            registry=str(values["registry"] or ""),
            vintage=None if vintage is None else int(vintage),
            status=Status(status) if status else None,
            project_id=str(values["project_id"] or ""),
            country=str(values["country"] or ""),
            project_type=str(values["project_type"] or ""),
            import_number=int(import_text) if import_text else None,
            sort=sort,
            descending=order == DESCENDING,
        )
        return cls(wanted, arguments.get("cursor") or None, count == COUNT_ALL)

    @property
    def is_filtered(self) -> bool:
        """Whether the list has a filter."""
        wanted = self.filter
        return bool(wanted.q or wanted.registry or wanted.vintage or wanted.status or self.more_filters)

    @property
    def more_filters(self) -> dict[str, str]:
        """The filters by facts and by an import that are set, by their parameters."""
        wanted = self.filter
        facts = {name: value for name in FACT_NAMES if (value := getattr(wanted, name))}
        imports = {} if wanted.import_number is None else {IMPORT: str(wanted.import_number)}
        return {**facts, **imports}

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
        wanted = self.filter
        values = {
            "q": wanted.q,
            "registry": wanted.registry,
            "vintage": wanted.vintage,
            "status": wanted.status,
            **self.more_filters,
        }
        return [(name, str(value)) for name, value in values.items() if value]

    @property
    def actions(self) -> list[str]:
        """The acts on many credits that the status of the filter allows, as `ACTIONS` names them."""
        status = self.filter.status
        return [name for name, event_type in ACTIONS.items() if not status or is_allowed(status, event_type)]

    def oldest_first(self, action: str) -> str:
        """Return the address of the form that acts on tonnes of this list, the oldest first."""
        query = urlencode([("action", action), ("take", "oldest"), *self.filter_parameters])
        return f"{PATH}/act?{query}"

    def of_status(self, status: Status | None) -> str:
        """Return the address of the list filtered by this status, by none if None."""
        return self._address(replace(self.filter, status=status), None)

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

    @staticmethod
    def _address(wanted: CreditFilter, cursor: str | None, path: str = PATH) -> str:
        target = CreditList(wanted, cursor)
        parameters = {
            "q": wanted.q,
            "registry": wanted.registry,
            "vintage": wanted.vintage,
            "status": wanted.status,
            **target.more_filters,
            "sort": wanted.sort if target.keeps_order else None,
            "order": target.order if target.keeps_order else None,
            "cursor": cursor,
        }
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"{path}?{query}" if query else path


def _first_order(sort: str) -> str:
    return DESCENDING if sort in _DESCENDS_FIRST else ASCENDING
