"""Queries whose time should not grow with the ledger, timed on a small and a large one in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count, islice, product
from statistics import median
from typing import Final
from urllib.parse import quote_plus, urlencode

from scripts.bench.made_credits import PARTIES, CreditRow, made_credit
from scripts.bench.server import Server
from server.terminal import CommandError
from tests.fixtures.server import Answer, Client

SORTS: Final = ("created", "project", "registry", "vintage", "quantity", "status")
FILTERS: Final = ("registry=verra", "vintage=2020", "status=ACTIVE", "status=RETIRED")
ALL_FILTERS: Final = "registry=verra&vintage=2020&status=ACTIVE"
# After one warm-up, each query runs on both ledgers in turn: at least ROUNDS times, at most ROUNDS_MAX times
# within SECONDS. A query that takes more than SLOW_S runs once.
ROUNDS: Final = 11
ROUNDS_MAX: Final = 101
SECONDS: Final = 1.5
SLOW_S: Final = 2.0
# More than a page shows, also of active credits alone, so that two full pages are compared.
FOUND_BY_EACH: Final = 100
PAGE_FAR_IN: Final = 200
_A_DAY: Final = "2024-06-30"


@dataclass(frozen=True)
class Timed:
    """A query: its median time and the size of its response on each ledger."""

    name: str
    small_s: float
    large_s: float
    small_bytes: int
    large_bytes: int

    @property
    def ratio(self) -> float:
        return self.large_s / self.small_s

    @property
    def details(self) -> str:
        return (
            f"{1000 * self.large_s:,.1f} ms and {self.large_bytes / 1000:,.0f} kB, "
            f"small {1000 * self.small_s:,.1f} ms and {self.small_bytes / 1000:,.0f} kB"
        )


def small_numbers(size: int) -> list[int]:
    """Return numbers of generated credits with which rare queries still find a full page."""

    def is_found_by_words(credit: CreditRow) -> bool:
        return "Mangrove" in credit["project_name"] and "Kenya" in credit["project_name"]

    def is_found_by_filters(credit: CreditRow) -> bool:
        return credit["registry"] == "verra" and credit["vintage"] == 2020  # noqa: PLR2004 - as in FILTERS

    numbers: dict[int, None] = {}
    for is_found in (is_found_by_words, is_found_by_filters):
        found = (number for number in count() if is_found(made_credit(number)))
        numbers |= dict.fromkeys(islice(found, FOUND_BY_EACH))
    for number in range(size):
        if len(numbers) == size:
            break
        numbers[number] = None
    return list(numbers)


def queries(client: Client) -> Iterator[tuple[str, str]]:
    """Yield the name and the path of each query on a ledger."""
    first = {registry: _first_credit(registry)["serial_number"] for registry in ("verra", "cercarbono")}
    number = int(first["verra"].split("-")[1]) + 1
    record_id = get(client, "/records?limit=1").json["items"][0]["id"]
    yield from ((path, path) for path in ("/", "/credits"))
    for query in (
        "registry=verra",
        "vintage=2020",
        ALL_FILTERS,
        "sort=quantity",
        "sort=project&registry=verra",
    ):
        yield query, f"/credits?{query}"
    searches = {
        "two words": "Mangrove Kenya",
        "two letters": "Ke",
        "a number of a block": str(number),
        "one rare word": first["cercarbono"],
        "one common word of three letters": "for",
    }
    for name, words in searches.items():
        yield f"search: {name}", f"/credits?q={quote_plus(words)}"
    yield "search: /records?serial=5", "/records?serial=5"
    for path in ("/activity", "/events?limit=500", "/records?limit=500"):
        yield path, path
    yield f"/records?limit=500, page {PAGE_FAR_IN} or the last", _address_far_in(client)
    yield "a record", f"/records/{record_id}"
    yield "a credit's page", f"/credits/{record_id}"
    for condition, sort in product(FILTERS, SORTS):
        yield f"{condition}, sort={sort}", f"/credits?{condition}&sort={sort}"


def answers_now() -> Mapping[str, str]:
    """Return the paths of answers about the whole ledger as it is now, by what they are."""
    credit = made_credit(0)
    project = urlencode({"registry": credit["registry"], "name": credit["project_name"]})
    largest, usual = (urlencode({"name": f"Party {number:03} AG"}) for number in (0, PARTIES // 2))
    return {
        "dashboard": "/",
        "page of a project": f"/projects/named?{project}",
        "list of projects": "/projects",
        "page of a party": f"/parties/named?{usual}",
        "page of the largest party": f"/parties/named?{largest}",
        "list of parties": "/parties",
        "matrix of registry and vintage": "/balances?by=registry,vintage&status=ACTIVE",
        "facets beside three filters": "/credits?registry=verra&vintage_from=2015&status=RETIRED",
        "facets of a search": "/credits?registry=verra&q=Kenya",
        "activity of one type": "/activity?type=RETIRED",
        "integrity page": "/integrity",
        "/metrics": "/metrics",
    }


def answers_as_of() -> Mapping[str, str]:
    """Return the paths of answers about the whole ledger as of a day or for a year, by what they are."""
    return {
        "dashboard as of a day": f"/?as_of={_A_DAY}",
        "balances as of a day": f"/balances?as_of={_A_DAY}&by=registry,vintage,status",
        "credits as of a day": f"/credits/as-of?as_of={_A_DAY}",
        "report of a year": f"/reports/yearly?year={_A_DAY[:4]}",
    }


def time_all(small: Server, large: Server) -> Iterator[Timed]:
    """Time all queries on both ledgers in turn."""
    with small.client() as at_small, large.client() as at_large:
        addresses: Mapping[str, str] = dict(queries(at_small))
        for name, address in queries(at_large):
            yield _time(name, (at_small, addresses[name]), (at_large, address))


def get(client: Client, path: str) -> Answer:
    """Send a GET request.

    Raises:
        CommandError: the answer is not 200.
    """
    answer = client.get(path)
    if answer.status != HTTPStatus.OK:
        raise CommandError(f"{path} was answered with {answer.status}: {answer.body[:500]!r}")
    return answer


def _time(name: str, small: tuple[Client, str], large: tuple[Client, str]) -> Timed:
    last = get(*small), get(*large)
    seconds: list[tuple[float, float]] = []
    while len(seconds) < ROUNDS or (len(seconds) < ROUNDS_MAX and sum(map(sum, seconds)) < SECONDS):
        last = get(*small), get(*large)
        seconds.append((last[0].seconds, last[1].seconds))
        if max(seconds[-1]) > SLOW_S:
            break
    small_s, large_s = (median(column) for column in zip(*seconds, strict=True))
    return Timed(name, small_s, large_s, len(last[0].body), len(last[1].body))


def _first_credit(registry: str) -> CreditRow:
    return next(credit for number in count() if (credit := made_credit(number))["registry"] == registry)


def _address_far_in(client: Client) -> str:
    """Return the path of a page far from the first, by following the links."""
    path = "/records?limit=500"
    for _ in range(PAGE_FAR_IN):
        following = get(client, path).json["next"]
        if following is None:
            break
        path = following
    return path
