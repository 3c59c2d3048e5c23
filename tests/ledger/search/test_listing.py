"""Lists of credits and events: every sort and filter, page by page, on both databases."""

import base64
import json
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import CursorMismatch
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.text import canonical
from webapp.ledger.commands import create_credit, retire_credit, sell_credit
from webapp.ledger.listing import FeedItem, list_credits, list_events, sum_credits
from webapp.ledger.search.credit_filter import SORTS, CreditFilter
from webapp.ledger.search.pagination import Page
from webapp.ledger.summaries import Sum
from webapp.ledger.views import CreditView

# The first letters and case on purpose: the order is that of the canonical form's code points.
NAMES = """Zebra zebra Äther äther Ölbaum Éclair eclair 日本 本日 ﬁne fine Straße \U0001d518nicode
\U0001f333 \ue9ff\uffee a_b a%b axb A-B Ωmega \u0130stanbul O'Brien ~tilde ¡hola! Ǆ ß""".replace(
    "\ue9ff", ""
).split()
REGISTRIES = ["VCS", "Gold Standard", "ÄRA", "登録"]


@pytest.fixture(scope="module", params=DIALECTS)
def _sixty_credits(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[None]:
    """Record sixty credits with many ties, some sold and some retired. Only read them."""
    random = Random(1)  # noqa: S311 - not a secret
    with opened(make_module_database(request.param)):
        for number in range(60):
            credit_id = create_credit(
                {
                    "project_name": random.choice(NAMES) + " " + random.choice(["Solar", "Wind"]),
                    "registry": random.choice(REGISTRIES),
                    "vintage": random.choice(["2019", "2020", "2021"]),
                    "quantity": random.choice(["1", "2.5", "100"]),
                    "serial_number": f"S-{number}",
                },
                LOCAL,
            ).credit_id
            if number % 3:
                sell_credit(credit_id, {}, LOCAL)
            if number % 3 == 2:
                retire_credit(credit_id, {}, LOCAL)
        yield


pytestmark = pytest.mark.usefixtures("_sixty_credits")

KEYS: dict[str, Callable[[CreditView], tuple[object, ...]]] = {
    "created": lambda credit: (credit.created_position,),
    "project": lambda credit: (canonical(credit.project_name), credit.created_position),
    "registry": lambda credit: (canonical(credit.registry), credit.created_position),
    "vintage": lambda credit: (credit.vintage, credit.created_position),
    "quantity": lambda credit: (credit.quantity_e4, credit.created_position),
    "status": lambda credit: (str(credit.status), credit.created_position),
}


def everything() -> list[CreditView]:
    page = list_credits(CreditFilter(), limit=500)
    assert len(page.items) == 60
    return list(page.items)


def read_forward(wanted: CreditFilter, limit: int) -> list[Page[CreditView]]:
    pages = [list_credits(wanted, limit=limit)]
    while pages[-1].next:
        pages.append(list_credits(wanted, pages[-1].next, limit))
        assert len(pages) <= 60, "the pages go round in a circle"
    return pages


def ids_of(page: Page[CreditView]) -> list[str]:
    return [credit.id for credit in page.items]


def test_the_list_can_be_sorted_by_what_the_tests_know() -> None:
    assert set(SORTS) == set(KEYS)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", KEYS)
def test_a_list_is_sorted_by_code_points_and_ties_by_age(sort: str, *, descending: bool) -> None:
    expected = sorted(everything(), key=KEYS[sort], reverse=descending)
    page = list_credits(CreditFilter(sort=sort, descending=descending), limit=500)
    assert ids_of(page) == [credit.id for credit in expected]


@pytest.mark.parametrize("limit", [1, 7, 20, 60, 61])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", KEYS)
def test_pages_forward_hold_every_credit_once(sort: str, limit: int, *, descending: bool) -> None:
    wanted = CreditFilter(sort=sort, descending=descending)
    pages = read_forward(wanted, limit)
    found = [credit_id for page in pages for credit_id in ids_of(page)]
    assert found == ids_of(list_credits(wanted, limit=500))
    assert all(len(page.items) == limit for page in pages[:-1])
    assert len(pages) == -(-60 // limit)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", KEYS)
def test_pages_backward_are_the_pages_forward(sort: str, *, descending: bool) -> None:
    wanted = CreditFilter(sort=sort, descending=descending)
    forward = read_forward(wanted, 7)
    page, backward = forward[-1], [forward[-1]]
    while page.previous:
        page = list_credits(wanted, page.previous, 7)
        backward.append(page)
    assert [ids_of(page) for page in reversed(backward)] == [ids_of(page) for page in forward]
    assert [page.next for page in reversed(backward)] == [page.next for page in forward]


def test_the_first_page_has_no_previous_and_the_last_no_next() -> None:
    pages = read_forward(CreditFilter(), 25)
    assert [bool(page.previous) for page in pages] == [False, True, True]
    assert [bool(page.next) for page in pages] == [True, True, False]


FILTERS: list[tuple[CreditFilter, Callable[[CreditView], bool]]] = [
    (CreditFilter(registries=("VCS",)), lambda credit: credit.registry == "VCS"),
    (CreditFilter(registries=(" \uff36cs ",)), lambda credit: credit.registry == "VCS"),
    (CreditFilter(registries=("A\u0308RA",)), lambda credit: credit.registry == "ÄRA"),
    (CreditFilter(registries=("no such",)), lambda _: False),
    (CreditFilter(vintage_from=2020, vintage_to=2020), lambda credit: credit.vintage == 2020),
    (CreditFilter(vintage_from=1990, vintage_to=1990), lambda _: False),
    (CreditFilter(statuses=(Status.ACTIVE,)), lambda credit: credit.status is Status.ACTIVE),
    (CreditFilter(statuses=(Status.SOLD,)), lambda credit: credit.status is Status.SOLD),
    (CreditFilter(statuses=(Status.RETIRED,)), lambda credit: credit.status is Status.RETIRED),
    (CreditFilter(q="solar"), lambda credit: "Solar" in credit.project_name),
    (
        CreditFilter(
            q="WIND", registries=("vcs",), vintage_from=2021, vintage_to=2021, statuses=(Status.SOLD,)
        ),
        lambda credit: (
            ("Wind" in credit.project_name and credit.registry == "VCS")
            and (credit.vintage == 2021 and credit.status is Status.SOLD)
        ),
    ),
]


@pytest.mark.parametrize(
    ("wanted", "is_wanted"), FILTERS, ids=[str(number) for number in range(len(FILTERS))]
)
def test_a_filtered_list_and_its_sums_have_exactly_the_matching_credits(
    wanted: CreditFilter, is_wanted: Callable[[CreditView], bool]
) -> None:
    expected = [credit for credit in everything() if is_wanted(credit)]
    pages = read_forward(wanted, 7)
    assert [c for page in pages for c in page.items] == expected
    sums = sum_credits(wanted)
    for status in Status:
        listed = [credit for credit in expected if credit.status is status]
        assert sums[status] == Sum(len(listed), sum(credit.quantity_e4 for credit in listed))
    assert sums.all.credits == len(expected)


@pytest.mark.parametrize("forged", ["", "x", "!", "eyJ", "\0", "é", "W10", "bnVsbA", "MQ", "e30", "=" * 9])
def test_a_malformed_cursor_is_refused(forged: str) -> None:
    if forged:
        with pytest.raises(CursorMismatch):
            list_credits(CreditFilter(), forged)
    else:
        assert list_credits(CreditFilter(), forged).previous is None


@pytest.mark.parametrize(
    "other",
    [
        CreditFilter(q="solar"),
        CreditFilter(registries=("VCS",)),
        CreditFilter(vintage_from=2020, vintage_to=2020),
        CreditFilter(statuses=(Status.SOLD,)),
        CreditFilter(sort="quantity"),
        CreditFilter(descending=False),
    ],
    ids=str,
)
def test_a_cursor_of_other_filters_is_refused(other: CreditFilter) -> None:
    ours, theirs = list_credits(CreditFilter(), limit=5), list_credits(other, limit=5)
    for wanted, cursor in ((other, ours.next), (CreditFilter(), theirs.next)):
        with pytest.raises(CursorMismatch):
            list_credits(wanted, cursor)


def test_a_cursor_of_the_same_filter_in_another_spelling_is_accepted() -> None:
    cursor = list_credits(CreditFilter(registries=("vcs",), q="SOLAR"), limit=1).next
    assert list_credits(CreditFilter(registries=("VCS ",), q=" solar"), cursor, 1).previous


@pytest.mark.parametrize("position", [2**63, -(2**63), 10**400, 1.5, "1", True, None, [1]], ids=str)
def test_a_cursor_with_an_impossible_position_is_refused(position: object) -> None:
    forged = json.dumps([CreditFilter().fingerprint, False, position]).encode()
    with pytest.raises(CursorMismatch):
        list_credits(CreditFilter(), base64.urlsafe_b64encode(forged).decode())


def test_a_cursor_of_credits_is_refused_for_events() -> None:
    with pytest.raises(CursorMismatch):
        list_events(cursor=list_credits(CreditFilter(), limit=5).next)
    with pytest.raises(CursorMismatch):
        list_events(EventType.SOLD, cursor=list_events(limit=5).next)
    with pytest.raises(CursorMismatch):
        list_events(newest_first=True, cursor=list_events(limit=5).next)


def read_events(event_type: EventType | None, *, newest_first: bool) -> list[FeedItem]:
    page = list_events(event_type, limit=7, newest_first=newest_first)
    found = list(page.items)
    while page.next:
        page = list_events(event_type, page.next, 7, newest_first=newest_first)
        found += page.items
    return found


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("event_type", [None, EventType.CREATED, EventType.SOLD, EventType.RETIRED])
def test_pages_of_events_hold_each_of_its_type_once(
    event_type: EventType | None, *, newest_first: bool
) -> None:
    events = read_events(event_type, newest_first=newest_first)
    positions = [event.position for event in events]
    assert positions == sorted(set(positions), reverse=newest_first)
    counts = {None: 120, EventType.CREATED: 60, EventType.SOLD: 40, EventType.RETIRED: 20}
    assert len(positions) == counts[event_type]
    assert event_type is None or {event.event_type for event in events} == {event_type}


def test_a_list_ends_where_it_ended_when_credits_arrive_meanwhile(make_database: MakeDatabase) -> None:
    with opened(make_database("sqlite")):
        for number in range(6):
            recorded(serial_number=str(number))
        first = list_credits(CreditFilter(), limit=3)
        recorded(serial_number="new")
        second = list_credits(CreditFilter(), first.next, 3)
        assert [c.serial_number for c in second.items] == ["2", "1", "0"]
        back = list_credits(CreditFilter(), second.previous, 3)
        assert [c.serial_number for c in back.items] == ["5", "4", "3"]
        assert back.previous
        assert a_credit()
