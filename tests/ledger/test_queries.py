"""Queries: totals, choices of filters, suggested parties, records."""

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.credits import a_credit, recorded, retired, sold, withdrawn
from tests.fixtures.statement_counts import counted
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import UnknownCredit
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger import queries, summaries
from webapp.ledger.commands import create_credit, retire_credit, sell_credit
from webapp.ledger.listing import list_credits, list_events, sum_credits
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage.statements import Row
from webapp.ledger.summaries import Sum

pytestmark = pytest.mark.usefixtures("ledger_app")


def test_the_totals_are_those_of_each_status_registry_and_vintage() -> None:
    recorded(serial_number="1", quantity="1.5", vintage="2020")
    recorded(serial_number="2", quantity="2", vintage="2021", registry="Gold Standard")
    sold(serial_number="3", quantity="10", vintage="2021")
    retired(serial_number="4", quantity="0.0001", vintage="2021")
    withdrawn(serial_number="5", quantity="3", vintage="2021")
    totals = summaries.ledger_totals()
    assert totals.ledger.all == Sum(4, 135_001)
    assert {status: totals.ledger[status] for status in Status} == {
        Status.ACTIVE: Sum(2, 35_000),
        Status.SOLD: Sum(1, 100_000),
        Status.RETIRED: Sum(1, 1),
        Status.WITHDRAWN: Sum(1, 30_000),
        Status.SPLIT: Sum(),
        Status.CANCELLED: Sum(),
    }
    assert [(sums.name, sums.all.quantity) for sums in totals.registries] == [
        ("Gold Standard", "2"),
        ("VCS", "11.5001"),
    ]
    assert [(sums.name, sums.all.credits) for sums in totals.vintages] == [("2021", 3), ("2020", 1)]


def test_an_empty_ledger_has_totals_of_nothing() -> None:
    totals = summaries.ledger_totals()
    assert (totals.ledger.all, totals.registries, totals.vintages) == (Sum(), [], [])
    assert sum_credits(CreditFilter()).all == Sum()


def test_the_sums_of_very_many_tonnes_stay_exact() -> None:
    for number in range(12):
        recorded(serial_number=str(number), quantity="99999999.9999")
    assert summaries.ledger_totals().ledger.all.quantity == "1199999999.9988"
    assert sum_credits(CreditFilter(q="vcs")).all.quantity == "1199999999.9988"


def test_a_registry_is_shown_in_its_first_spelling() -> None:
    recorded(registry="Gold  Standard", serial_number="1")
    recorded(registry="GOLD STANDARD", serial_number="2")
    assert [sums.name for sums in summaries.ledger_totals().registries] == ["Gold Standard"]
    assert summaries.filter_choices()[0] == ["Gold Standard"]


def test_the_choices_are_the_registries_by_name_and_the_vintages_newest_first() -> None:
    for number, (registry, vintage) in enumerate([("VCS", "2019"), ("ACR", "2021"), ("Äcr", "2020")]):
        recorded(registry=registry, vintage=vintage, serial_number=str(number))
    assert summaries.filter_choices() == (["ACR", "VCS", "Äcr"], [2021, 2020, 2019])


def test_parties_are_suggested_in_their_first_spelling_the_latest_first() -> None:
    ids = [recorded(serial_number=str(number)) for number in range(4)]
    for credit_id, buyer in zip(ids, ["Acme", "Zoë", "ACME", None], strict=True):
        sell_credit(credit_id, {"buyer": buyer}, LOCAL)
    retire_credit(ids[0], {"beneficiary": "Somebody"}, LOCAL)
    assert summaries.suggest_parties(EventType.SOLD) == ["Acme", "Zoë"]
    assert summaries.suggest_parties(EventType.SOLD, limit=1) == ["Acme"]
    assert summaries.suggest_parties(EventType.RETIRED) == ["Somebody"]


def test_a_record_is_the_credit_with_its_history_oldest_first() -> None:
    credit_id = sold()
    retire_credit(credit_id, {"beneficiary": "Zoë"}, LOCAL)
    record = queries.record(credit_id)
    assert (record.credit.status, record.credit.buyer) == (Status.RETIRED, "Acme Airlines")
    assert record.credit.created_at == record.events[0].recorded_at
    assert record.credit.changed_at == record.events[2].recorded_at
    assert [e.event_type for e in record.events] == [EventType.CREATED, EventType.SOLD, EventType.RETIRED]
    assert [e.project_name for e in record.events] == ["Mangrove Restoration Project"] * 3


def test_a_record_is_read_from_one_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retire the credit after its row was read and before its events are."""
    credit_id, look = recorded(), queries._row_of

    def overtaken(*arguments: Any) -> Row | None:  # noqa: ANN401 - as they come
        found = look(*arguments)
        monkeypatch.setattr(queries, "_row_of", look)
        retire_credit(credit_id, {}, LOCAL)
        return found

    monkeypatch.setattr(queries, "_row_of", overtaken)
    record = queries.record(credit_id)
    assert (record.credit.status, len(record.events)) == (Status.ACTIVE, 1)


def test_a_credit_has_its_allowed_actions() -> None:
    assert queries.credit(recorded()).allowed_actions == (
        EventType.SOLD,
        EventType.RETIRED,
        EventType.WITHDRAWN,
        EventType.SPLIT,
        EventType.CANCELLED,
    )
    assert queries.credit(sold(serial_number="2")).allowed_actions == (
        EventType.SALE_REVERSED,
        EventType.RETIRED,
        EventType.WITHDRAWN,
        EventType.SPLIT,
    )
    assert queries.credit(retired(serial_number="3")).allowed_actions == ()


def test_credits_are_found_by_their_ids_and_unknown_ones_left_out() -> None:
    first, second = recorded(serial_number="1"), recorded(serial_number="2")
    assert set(queries.find_credits([first, "0" * 64, second])) == {first, second}
    assert queries.find_credits([]) == {}


def test_an_unknown_credit_has_no_record() -> None:
    for query in (queries.credit, queries.record):
        with pytest.raises(UnknownCredit):
            query("0" * 64)


@pytest.mark.parametrize(
    "text",
    [
        "Zo\u00eb",
        "\u65e5\u672c\u8a9e",
        "\U0001f333\u200d\U0001f333",
        "a\u0323\u0302",
        "\u0130\ufb01\u00df",
        "\ufeffx",
        "'\"\\;--%_",
        "{}[]$1 :name ?",
        "\u0e33\u0f0b",
    ],
    ids=ascii,
)
def test_a_text_comes_back_as_it_was_recorded(text: str) -> None:
    credit_id = recorded(project_name=text, serial_number=text)
    sell_credit(credit_id, {"buyer": text, "note": f"{text}\n{text}"}, LOCAL)
    found = queries.record(credit_id)
    data = found.events[1].data
    assert found.credit.project_name == found.credit.serial_number == found.credit.buyer
    assert found.events[0].data["project_name"] == found.credit.project_name
    assert data["note"] == f"{data['buyer']}\n{data['buyer']}"
    assert found.credit.project_name == unicodedata.normalize("NFC", text)


READS: dict[str, Callable[[], object]] = {
    "a list": lambda: list_credits(CreditFilter()),
    "a search": lambda: list_credits(CreditFilter(q="mangrove vcs", registries=("vcs",), sort="project")),
    "sums": lambda: sum_credits(CreditFilter()),
    "sums of a search": lambda: sum_credits(CreditFilter(q="mangrove")),
    "the feed": list_events,
    "totals": summaries.ledger_totals,
    "choices": summaries.filter_choices,
    "suggestions": lambda: summaries.suggest_parties(EventType.SOLD),
    "a record": lambda: queries.record(list_credits(CreditFilter()).items[0].id),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_the_number_of_queries_stays_flat_as_rows_grow(read: Callable[[], object]) -> None:
    sold(serial_number="first")
    read()
    with counted() as few:
        read()
    for number in range(12):
        make = (recorded, sold, retired)[number % 3]
        make(serial_number=str(number), registry=f"R{number}", vintage=str(2000 + number))
    with counted() as many:
        read()
    assert 0 < len(few) == len(many) <= 6


def test_the_number_of_statements_of_an_act_stays_flat_as_rows_grow() -> None:
    def act() -> list[str]:
        with counted() as statements:
            credit_id = create_credit(a_credit(serial_number=str(next(numbers))), LOCAL).credit_id
            sell_credit(credit_id, {"buyer": "A"}, LOCAL)
            retire_credit(credit_id, {"beneficiary": "B"}, LOCAL)
        return statements

    numbers = iter(range(100))
    act()
    few = len(act())
    for _ in range(10):
        act()
    assert len(act()) == few
