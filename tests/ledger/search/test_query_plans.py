"""Every query strategy gives the same list as a full scan of the credits.

The ways are chosen by how many credits there are, so the limits between them are made small here.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from tests.fixtures.random_cases import cases
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import COUNTED, HOLDING, NOT_HOLDING, Status
from webapp.domain.serial_number import parse_numbers
from webapp.domain.text import canonical
from webapp.ledger import facets, listing
from webapp.ledger.commands import amend_credit, cancel_credit, create_credit, retire_credit, sell_credit
from webapp.ledger.facets import Choice, facets_of
from webapp.ledger.queries import record
from webapp.ledger.registries import join_names
from webapp.ledger.search import conditions_sql, index_merge, narrowing, selection
from webapp.ledger.search.credit_filter import SORTS, CreditFilter
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import fetch
from webapp.ledger.summaries import Sum
from webapp.ledger.views import CreditView

UNCOUNTED = (Status.WITHDRAWN, *NOT_HOLDING)
PROJECTS = ["Mangrove Kenya", "Mangrove Peru", "Lake Kemp Solar", "\u00c4ther Wind-Farm", "Biochar (KE)"]
REGISTRIES = ["VCS", "Gold Standard", "Iso.metric"]
# Another name of the registry VCS, which no credit names.
ALIAS = "Verra of Kenya"
PARTIES = ["Acme", "Hilltop Tools AG"]
DAYS = ["2024-12-31", "2025-06-30"]
WORDS = [
    *("mangrove", "kenya", "ke", "KE", "solar", "wind farm", "farm", "vcs", "gold", "metric", "o.m", "peru"),
    *("gs1", "5", "50", "150", "12345", "941,467,105", "941467105", "2020", "x", "nowhere", "-", "gs11-16"),
]
SERIALS = [
    "5",
    "ke",
    "gs1",
    "941467105",
    "gs1 5",
    "GS1-1-KE-GS11-16-2020-7-1-60",
    "GS1-1-KE-GS11-16-2020-7-5",
]

LIMITS = {
    "as they are": {},
    "walks give up": {"WALKED_MAX": 2, "PASSED_MAX": 2, "FEW": 3},
    "walks pass by": {"WALKED_MAX": 2, "PASSED_MAX": 10_000, "FEW": 0},
    "few holders": {"WALKED_MAX": 2, "FEW_HOLDERS": 0},
    "many statements": {"RUNS_MAX": 2, "READ_MAX": 1},
}


def a_ledger_of(random: Random) -> None:
    """Record credits of every kind and status. Blocks of Gold Standard begin at 1, as they do."""
    first = 941_467_000
    for number in range(70):
        registry = random.choice(REGISTRIES)
        tonnes = random.choice([1, 40, 60, 200, 20_000])
        vintage = random.choice(["2019", "2020", "2021"])
        serial: str | None = f"X-{number}"
        if registry == "VCS":
            serial = f"19385-{first}-{first + tonnes - 1}-VCS-VCU-1507-VER-KE-14-{number}-0101{vintage}-1"
            first += tonnes
        elif registry == "Gold Standard":
            serial = f"GS1-1-KE-GS11-16-{vintage}-{number}-1-{tonnes}"
        values = {
            "project_name": random.choice(PROJECTS),
            "registry": registry,
            "vintage": vintage,
            "quantity": str(tonnes),
            "serial_number": serial,
        }
        credit_id = create_credit(values, LOCAL).credit_id
        if country := country_of(values["project_name"]):
            amend_credit(credit_id, {"amends": 1, "facts": {"country": country}}, LOCAL)
        match random.randrange(6):
            case 0:
                sell_credit(
                    credit_id, {"buyer": random.choice(PARTIES), "occurred_on": random.choice(DAYS)}, LOCAL
                )
            case 1:
                retire_credit(credit_id, {"beneficiary": random.choice(PARTIES)}, LOCAL)
                seq = record(credit_id).last_counting.seq
                amend_credit(credit_id, {"amends": seq, "occurred_on": random.choice(DAYS)}, LOCAL)
            case 2 if tonnes > 1:
                retire_credit(credit_id, {"quantity": "1"}, LOCAL)
            case 3:
                cancel_credit(credit_id, {"reason": "Typo"}, LOCAL)
            case _:
                pass
    join_names({"registry": "VCS", "alias": ALIAS}, LOCAL)


def country_of(project_name: str | None) -> str:
    return next((country for country in ("Kenya", "Peru") if country in (project_name or "")), "")


@pytest.fixture(scope="module", params=DIALECTS)
def every(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[list[CreditView]]:
    """Give all credits of a ledger, of any status, in the order of recording."""
    with opened(make_module_database(request.param)):
        a_ledger_of(Random(8))  # noqa: S311 - not a secret
        found = [
            credit
            for wanted in (CreditFilter(), *(CreditFilter(statuses=(status,)) for status in UNCOUNTED))
            for credit in listing.list_credits(wanted, limit=500).items
        ]
        yield sorted(found, key=lambda credit: credit.created_position)


def plain(text: str) -> str:
    """Return a text in the form of the search text: canonical words with a space at either end."""
    return " " + re.sub(r"[-.,/()_:'\u2013]", " ", canonical(text)) + " "


def holds_word(text: str, word: str) -> bool:
    asked = re.sub(r"[-.,/()_:'\u2013]", " ", word)
    return (f" {asked.strip()} " if len(asked.strip()) < 3 else asked) in text


def number_of(word: str) -> int | None:
    digits = word.replace(",", "")
    return int(digits) if re.fullmatch("0|[1-9][0-9]*", digits) else None


def has_number(credit: CreditView, number: int, wanted: CreditFilter) -> bool:
    """Say whether a credit of the list has the number: a leaf holds its own, and what is none held it."""
    block = parse_numbers(credit.serial_number)
    holds = credit.status in HOLDING or not set(NOT_HOLDING).isdisjoint(wanted.statuses)
    return bool(block) and holds and block.first <= number <= block.last  # type: ignore[union-attr]


def is_found(credit: CreditView, wanted: CreditFilter) -> bool:
    """Return whether the search must find the credit, by "Search" in docs/ledger.md."""
    serial = plain(credit.serial_number or "")
    text = plain(f"{credit.project_name} {credit.registry} {credit.serial_number or ''}")
    words = [word for word in canonical(wanted.q).split(" ") if word.strip("-")]
    names = [word for word in words if number_of(word) is None]
    for word in words:
        number = number_of(word)
        ways = [
            holds_word(text, word),
            bool(re.fullmatch("[0-9a-f]{6,}", word)) and credit.id.startswith(word),
        ]
        ways.append(credit.registry == "VCS" and holds_word(plain(ALIAS), word))
        if number is not None and (len(str(number)) >= 5 or names):
            ways.append(holds_word(text, str(number)))
            in_serial = len(str(number)) >= 5 or all(holds_word(serial, name) for name in names)
            ways.append(in_serial and has_number(credit, number, wanted))
        if not any(ways):
            return False
    return not wanted.serial or is_found_by_serial(credit, serial, wanted)


def is_found_by_serial(credit: CreditView, serial: str, wanted: CreditFilter) -> bool:
    def has(word: str) -> bool:
        number = number_of(word)
        return holds_word(serial, word) or (number is not None and has_number(credit, number, wanted))

    asked, own = parse_numbers(wanted.serial), parse_numbers(credit.serial_number)
    holds = credit.status in HOLDING or not set(NOT_HOLDING).isdisjoint(wanted.statuses)
    if asked and own and holds and asked.overlaps(own):
        return True
    of_series = re.fullmatch("(.*)-([0-9]+)", canonical(wanted.serial))
    if of_series and own and holds and own.series == f"{of_series[1]}-#":
        return own.first <= int(of_series[2]) <= own.last
    return all(has(word) for word in canonical(wanted.serial).split(" "))


def party_of(credit: CreditView) -> str:
    return {Status.SOLD: credit.buyer, Status.RETIRED: credit.beneficiary}.get(credit.status) or ""


def is_dated(credit: CreditView, wanted: CreditFilter) -> bool:
    """Return whether the days of the credit lie in the filter's."""
    recorded = credit.created_at[:10]
    if not (wanted.recorded_from or recorded) <= recorded <= (wanted.recorded_to or recorded):
        return False
    happened = credit.happened_on
    if happened is None:
        return not (wanted.happened_from or wanted.happened_to)
    return (wanted.happened_from or happened) <= happened <= (wanted.happened_to or happened)


def expected(every: Sequence[CreditView], wanted: CreditFilter) -> list[CreditView]:
    """Return the list by a full scan of the credits."""
    keys: dict[str, Callable[[CreditView], str | int]] = {
        "created": lambda credit: credit.created_position,
        "project": lambda credit: canonical(credit.project_name),
        "registry": lambda credit: canonical(credit.registry),
        "vintage": lambda credit: credit.vintage,
        "quantity": lambda credit: credit.quantity_e4,
        "status": lambda credit: str(credit.status),
    }
    found = [
        credit
        for credit in every
        if credit.status in wanted.statuses
        and (
            not wanted.registries
            or canonical(credit.registry)
            in [canonical({ALIAS: "VCS"}.get(name, name)) for name in wanted.registries]
        )
        and canonical(wanted.country) in {"", canonical(country_of(credit.project_name))}
        and (wanted.vintage_from or 0) <= credit.vintage <= (wanted.vintage_to or 3000)
        and (wanted.quantity_from_e4 or 0) <= credit.quantity_e4 <= (wanted.quantity_to_e4 or 2**62)
        and is_dated(credit, wanted)
        and (not wanted.parties or canonical(party_of(credit)) in map(canonical, wanted.parties))
        and is_found(credit, wanted)
    ]
    key = keys[wanted.sort]
    return sorted(found, key=lambda credit: (key(credit), credit.created_position), reverse=wanted.descending)


def pages_of(wanted: CreditFilter, limit: int) -> list[CreditView]:
    """Return all pages in forward order, and check that the backward pages are the same."""
    page = listing.list_credits(wanted, limit=limit)
    forward = [page]
    while page.next:
        page = listing.list_credits(wanted, page.next, limit)
        forward.append(page)
        assert len(forward) <= 200, "the pages go round in a circle"
    backward = [page]
    while page.previous:
        page = listing.list_credits(wanted, page.previous, limit)
        backward.append(page)
    assert [p.items for p in reversed(backward)] == [p.items for p in forward]
    return [credit for page in forward for credit in page.items]


wanted_lists = st.builds(
    CreditFilter,
    q=st.one_of(st.just(""), st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)),
    registries=st.sampled_from([(), (), ("vcs",), (ALIAS,), ("GOLD standard", "iso.metric"), ("nobody's",)]),
    country=st.sampled_from(["", "", "KENYA", "Peru", "Chile"]),
    vintage_from=st.sampled_from([None, None, 2020, 1990]),
    vintage_to=st.sampled_from([None, None, 2020, 1990]),
    statuses=st.sampled_from(
        [COUNTED, COUNTED, tuple(Status), (Status.SOLD, Status.SPLIT), *((s,) for s in Status)]
    ),
    parties=st.sampled_from([(), (), ("ACME",), ("acme", "Hilltop  tools ag"), ("Nobody",)]),
    quantity_from_e4=st.sampled_from([None, None, 400_000, 2_000_000]),
    quantity_to_e4=st.sampled_from([None, None, 400_000, 2_000_000]),
    happened_from=st.sampled_from(["", "", "2025-01-01", "2025-06-30"]),
    happened_to=st.sampled_from(["", "", "2025-01-01", "2025-06-30"]),
    recorded_from=st.sampled_from(["", "", "2020-01-01", "2200-01-01"]),
    recorded_to=st.sampled_from(["", "", "2020-01-01", "2200-01-01"]),
    serial=st.sampled_from(["", "", "", *SERIALS]),
    sort=st.sampled_from(list(SORTS)),
    descending=st.booleans(),
)


@pytest.mark.slow
@pytest.mark.random
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS.keys())
@settings(
    max_examples=cases(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(wanted=wanted_lists, limit=st.sampled_from([1, 3, 50]))
def test_all_pages_of_a_list_equal_a_full_scan(
    every: list[CreditView], limits: dict[str, int], wanted: CreditFilter, limit: int
) -> None:
    with pytest.MonkeyPatch.context() as small:
        for name, value in limits.items():
            for module in (index_merge, conditions_sql, selection):
                if hasattr(module, name):
                    small.setattr(module, name, value)
        wished = expected(every, wanted)
        assert [credit.id for credit in pages_of(wanted, limit)] == [credit.id for credit in wished]
        narrow = listing.narrowed(wanted)
        assert [credit.id for credit in pages_of(narrow, limit)] == [credit.id for credit in wished]
        assert listing.sum_credits(narrow) == listing.sum_credits(wanted)
        assert facets_of(narrow) == facets_of(wanted)
        assert [credit.id for credit, _ in listing.every_record(wanted)] == [credit.id for credit in wished]
        sums = listing.sum_credits(wanted)
        assert sums.is_all
        assert sum(sums.by_status.values(), Sum()) == Sum(
            len(wished), sum(credit.quantity_e4 for credit in wished)
        )


@pytest.mark.parametrize(("limit", "value"), [("FOUND_MAX", 1), ("READ_MAX", 1)])
def test_what_many_credits_match_is_not_found_beforehand(
    every: list[CreditView], monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    wanted = CreditFilter(q="mangrove 941467105")
    many = replace(wanted, q="mangrove")
    assert listing.narrowed(many).listed == tuple(
        sorted(credit.created_position for credit in expected(every, replace(many, statuses=tuple(Status))))
    )
    assert len(listing.narrowed(wanted).listed or ()) == len(expected(every, wanted)) > 0
    monkeypatch.setattr(narrowing, limit, value)
    assert listing.narrowed(many).listed is None


def test_the_sums_of_a_search_say_if_they_are_partial(
    every: list[CreditView], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = CreditFilter(q="mangrove")
    number = len(expected(every, wanted))
    monkeypatch.setattr(selection, "WALKED_MAX", 0)
    assert listing.sum_credits(wanted, is_quick=True).is_all
    for limit in ("SUMMED_MAX", "CANDIDATES_MAX"):
        with monkeypatch.context() as small:
            small.setattr(selection, limit, number - 1)
            assert not listing.sum_credits(wanted, is_quick=True).is_all
            assert listing.sum_credits(wanted).all.credits == number
            assert listing.sum_credits(replace(wanted, q=""), is_quick=True).is_all, "totals have it"


def test_credits_have_their_keys_in_the_order_of_their_positions(every: list[CreditView]) -> None:
    """A walk along the blocks of credits is one along the list of the newest."""
    with reading() as connection:
        rows = fetch(connection, "SELECT credit FROM credit_states ORDER BY created_position")
    keys = [key for (key,) in rows]
    assert len(keys) == len(every)
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    "wanted",
    [
        CreditFilter(),
        CreditFilter(registries=("vcs",), statuses=(Status.RETIRED, Status.SPLIT), vintage_from=2020),
        CreditFilter(parties=("acme",), vintage_to=2020),
        CreditFilter(q="mangrove", quantity_to_e4=600_000, parties=("Acme", "Hilltop Tools AG")),
    ],
    ids=["all", "groups", "party", "search"],
)
def test_the_number_beside_a_value_is_that_of_the_list_with_it_alone(
    every: list[CreditView], wanted: CreditFilter
) -> None:
    offered = facets_of(wanted)

    def numbers(choices: Sequence[Choice], change: Callable[[str], dict[str, Any]]) -> list[int]:
        lists = [replace(wanted, **change(choice.value)) for choice in choices]
        return [len(expected(every, each)) for each in lists]

    facet: list[tuple[Sequence[Choice], Callable[[str], dict[str, Any]]]] = [
        (offered.registries, lambda name: {"registries": (name,)}),
        (offered.vintages, lambda year: {"vintage_from": int(year), "vintage_to": int(year)}),
        (offered.statuses, lambda status: {"statuses": (Status(status),)}),
        (offered.parties, lambda name: {"parties": (name,)}),
    ]
    for choices, change in facet:
        assert [choice.credits for choice in choices] == numbers(choices, change)
    assert {canonical(choice.value) for choice in offered.parties} >= {*map(canonical, wanted.parties)}


def test_what_is_counted_only_in_part_says_so(
    every: list[CreditView], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(every) > 70
    monkeypatch.setattr(selection, "WALKED_MAX", 0)
    monkeypatch.setattr(facets, "CANDIDATES_MAX", 2)
    monkeypatch.setattr(facets, "PARTY_COUNT_MAX", 1)
    searched = facets_of(CreditFilter(q="mangrove"))
    assert not any(choice.is_all for choice in (*searched.registries, *searched.parties))
    assert {choice.credits for choice in facets_of(CreditFilter()).parties} == {1}
