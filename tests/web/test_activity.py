"""The activity page: all events, newest first, with the filter in the address."""

import csv
import io

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, recorded, retired, sold
from tests.fixtures.forms import form_of, parse, submit
from tests.web.conftest import both_databases
from tests.web.pages import HOSTILE, HTMX, dangers, links, part, receive, table, words, write
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger import activity
from webapp.ledger.act_selection import Portion
from webapp.ledger.acts_on_many import ActRequest, plan_act, record_act
from webapp.ledger.commands import cancel_credit, correct_credit, retire_credit, sell_credit, split_credit
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = both_databases

ACTIVITY = "Activity, newest first"


def done(page: TestResponse) -> list[str]:
    """Return what the rows of the page say was done."""
    return [row[1] for row in table(page, ACTIVITY)] if "<tbody>" in page.text else []


def test_what_was_done_is_listed_the_newest_first_with_its_credit(client: FlaskClient) -> None:
    credit_id = sold(quantity="2765.37")
    retire_credit(credit_id, {"beneficiary": "Zoë"}, LOCAL)
    rows = table(client.get("/activity"), ACTIVITY)
    credit = "Mangrove Restoration Project VCS · 2023 · VCS-0001"
    assert [row[:4] for row in rows] == [
        ["No. 3", "Retired for Zoë Statement", credit, "2,765.37 t"],
        ["No. 2", "Sold to Acme Airlines", credit, "2,765.37 t"],
        ["No. 1", "Created", credit, "2,765.37 t"],
    ]
    assert rows[0][4].endswith("UTC")
    assert rows[0][5] == "local"
    assert links(client.get("/activity"))["Mangrove Restoration Project"] == f"/credits/{credit_id}"


def test_an_act_is_one_row_with_its_lots(client: FlaskClient) -> None:
    whole = sold(quantity="100")
    retire_credit(whole, {"quantity": "10"}, LOCAL)
    correct_credit(recorded(serial_number="2"), a_credit(serial_number="3"), {"reason": "Typo"}, LOCAL)
    split_credit(recorded(serial_number="4", quantity="9"), {"quantities": ["4", "5"]}, LOCAL)
    credits = list_credits(CreditFilter(statuses=(Status.ACTIVE,))).items
    portions = [Portion(credit.id, 10_000 if credit.serial_number == "3" else None) for credit in credits]
    act = ActRequest(EventType.RETIRED, portions, {"beneficiary": "B"})
    record_act(plan_act(act), LOCAL)
    rows = [row[1:4] for row in table(client.get("/activity"), ACTIVITY)]
    assert [row[0] for row in rows] == [
        "Retired for B Statement",
        "Split into 2 lots",
        "Created",
        "Voided and recorded anew Typo",
        "Created",
        "Retired Statement",
        "Sold to Acme Airlines",
        "Created",
    ]
    assert [(row[1][:9], row[2]) for row in rows if row[1][0].isdigit()] == [
        ("3 credits", "10 t"),
        ("2 credits", "9 t"),
        ("2 credits", "100 t"),
    ]


def test_an_import_is_one_row(client: FlaskClient) -> None:
    write(client, receive(client, [a_credit(serial_number=f"S-{number}") for number in range(20)]))
    recorded()
    assert done(client.get("/activity")) == ["Created", "Import 1 recorded: credits.json Import 1"]
    assert done(client.get("/activity?type=CREATED")) == ["Created", *["Created Import 1"] * 20]


def test_what_an_import_retired_is_found_by_its_party_and_counted(client: FlaskClient) -> None:
    row = {**a_credit(), "status": "retired", "beneficiary": "Acme", "retirement_date": "2024-03-01"}
    write(client, receive(client, [row]))
    (entry,) = [each for each in table(client.get("/activity"), ACTIVITY) if "Import 1 recorded" in each[1]]
    assert "of these 100 t retired" in entry[1]
    assert "100 t" in entry[3]
    assert done(client.get("/activity?party=acme")) == ["Retired for Acme Statement Import 1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("party=ACME+airlines", ["Retired for Acme Airlines Statement", "Sold to Acme Airlines"]),
        ("q=wind+zo%C3%AB", ["Retired for Zoë Statement"]),
        ("q=VCS-0002&type=CREATED", ["Created"]),
        ("actor=user:7", []),
        ("actor=local&q=zo%C3%AB", ["Retired for Zoë Statement"]),
        ("recorded_to=2020-01-01", []),
        ("recorded_from=2200-01-01", []),
        ("recorded_from=2020-01-01&recorded_to=2199-12-31&q=zo%C3%AB", ["Retired for Zoë Statement"]),
    ],
)
def test_activity_is_filtered(client: FlaskClient, query: str, found: list[str]) -> None:
    retire_credit(recorded(project_name="Wind", serial_number="VCS-0002"), {"beneficiary": "Zoë"}, LOCAL)
    sold()
    retired(serial_number="VCS-0003")
    assert done(client.get(f"/activity?{query}")) == found


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("party=ACME+airlines", ["RETIRED", "SOLD"]),
        ("actor=local&type=SOLD", ["SOLD"]),
        ("recorded_to=2020-01-01", []),
        ("q=ACME+retired-3", ["RETIRED"]),
        ("q=retired-3", ["RETIRED", "CREATED"]),
        ("q=nothing", []),
    ],
)
def test_the_file_has_the_events_that_the_filter_wants(
    client: FlaskClient, query: str, types: list[str]
) -> None:
    sold()
    retired(serial_number="RETIRED-3")
    with client.get(f"/activity.csv?{query}") as answer:
        rows = csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")))
        assert [row["event_type"] for row in rows] == types


def test_the_file_that_is_offered_has_the_filter(client: FlaskClient) -> None:
    sold()
    assert links(client.get("/activity?actor=local"))["Download CSV"] == "/activity.csv?actor=local"
    assert links(client.get("/activity?q=acme"))["Download CSV"] == "/activity.csv?q=acme"


def test_an_earlier_name_of_a_filter_is_refused_with_the_present_one(client: FlaskClient) -> None:
    answer = client.get("/activity?day_from=2026-01-01")
    assert answer.status_code == 422
    assert "This filter is called recorded_from." in words(answer)
    assert "This page has no such filter." in words(client.get("/parties?day_from=2026-01-01"))


def test_the_reason_and_the_reference_of_an_event_are_shown(client: FlaskClient) -> None:
    retire_credit(recorded(), {"reason": "Flights of 2025", "reference": "C-17"}, LOCAL)
    assert table(client.get("/activity"), ACTIVITY)[0][1] == "Retired Flights of 2025 · C-17 Statement"


def test_a_type_is_filtered_by_the_form_of_the_page(client: FlaskClient) -> None:
    sold()
    retired(serial_number="VCS-0002")
    page = submit(client, client.get("/activity"), "/activity", type="SOLD")
    assert [row[1] for row in table(page, ACTIVITY)] == ["Sold to Acme Airlines"]


def test_the_form_shows_the_type_that_is_filtered(client: FlaskClient) -> None:
    page = client.get("/activity?type=RETIRED")
    assert form_of(page, "/activity").values["type"] == ["RETIRED"]


def test_a_type_is_understood_in_small_letters(client: FlaskClient) -> None:
    sold()
    assert len(table(client.get("/activity?type=sold"), ACTIVITY)) == 1


def test_an_unknown_type_is_refused_and_named(client: FlaskClient) -> None:
    answer = client.get("/activity?type=<b>bought")
    assert answer.status_code == 422
    assert "<b>bought" in words(answer)
    assert "This filter cannot be used" in words(answer)
    assert links(answer)["Without a filter"] == "/activity"
    assert list(dangers(answer)) == []


def test_pages_lead_through_everything_and_keep_the_filter(client: FlaskClient) -> None:
    for number in range(53):
        sell_credit(recorded(serial_number=f"S-{number}"), {"buyer": f"B{number}"}, LOCAL)
    first = client.get("/activity?type=SOLD")
    second = client.get(links(first)["Next"])
    assert done(second) == ["Sold to B2", "Sold to B1", "Sold to B0"]
    assert "Next" not in links(second)
    assert table(client.get(links(second)["Newest"]), ACTIVITY) == table(first, ACTIVITY)
    assert "Newest" not in links(first)


def test_a_search_that_reads_only_a_part_of_the_log_leads_on(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "SCANNED_MAX", 2)
    monkeypatch.setattr(activity, "_BATCH", 2)
    retired()
    for number in range(4):
        recorded(serial_number=f"S-{number}")
    page = client.get("/activity?q=acme")
    assert "Nothing found so far" in words(page)
    assert "Searched the newest 1 event, back to no. 6." in words(page)
    assert "Searched the next 1 event" in words(client.get("/activity?q=acme&recorded_to=2999-01-01"))
    while "Nothing found so far" in words(page):
        page = client.get(links(page)["Search older events"])
    assert done(page) == ["Retired for Acme Airlines Statement"]


@pytest.mark.parametrize("cursor", ["x", "%00", "0", "é", "-1"])
def test_a_cursor_that_is_not_ours_is_refused(client: FlaskClient, cursor: str) -> None:
    assert client.get(f"/activity?cursor={cursor}").status_code == 422


def test_an_empty_ledger_says_so(client: FlaskClient) -> None:
    assert "No events yet" in words(client.get("/activity"))


def test_a_type_that_never_happened_says_so_and_leads_to_all(client: FlaskClient) -> None:
    recorded()
    page = client.get("/activity?type=RETIRED")
    assert "Nothing matches" in words(page)
    assert links(page)["All activity"] == "/activity"


def test_htmx_gets_the_list_alone_with_the_same_events(client: FlaskClient) -> None:
    retired()
    fragment = client.get("/activity", headers=HTMX)
    roots = [child for child in parse(fragment.text).children if not isinstance(child, str)]
    assert [root["id"] for root in roots] == ["activity"]
    assert table(fragment, ACTIVITY) == table(client.get("/activity"), ACTIVITY)


def test_page_and_fragment_are_never_mixed_up_by_a_cache(client: FlaskClient) -> None:
    for headers in ({}, HTMX):
        assert "HX-Request" in client.get("/activity", headers=headers).vary


def test_hostile_text_is_inert_in_the_activity(client: FlaskClient) -> None:
    for text in HOSTILE:
        credit_id = recorded(project_name=text, serial_number=text)
        retire_credit(credit_id, {"beneficiary": text, "reason": text, "reference": text}, LOCAL)
    page = client.get("/activity")
    said = words(page)
    assert [text for text in HOSTILE if f"Retired for {text} {text} · {text}" not in said] == []
    assert list(dangers(page)) == []


def test_days_have_the_sums_of_what_was_recorded_in_them(client: FlaskClient, set_clock: SetClock) -> None:
    set_clock.go(days=-21)  # 30 October
    whole = recorded(quantity="100", serial_number="1")
    set_clock.go(days=7)  # 6 November
    retire_credit(whole, {"quantity": "10", "beneficiary": "Zoë", "occurred_on": "2026-01-01"}, LOCAL)
    sold(quantity="7.5", serial_number="2")
    set_clock.go(days=7)  # 13 November
    cancel_credit(recorded(quantity="3", serial_number="3"), {"reason": "Typo"}, LOCAL)
    set_clock.go(days=7)

    def said(query: str) -> str:
        page = client.get(f"/activity?{query}")
        return words(part(page, "activity-sums")) if "activity-sums" in page.text else ""

    week = "recorded_from=2026-11-01&recorded_to=2026-11-07"
    assert said(week) == "Recorded in these days: created 7.5 t · sold 7.5 t · retired 10 t"
    assert said(f"{week}&party=zo%C3%AB") == "Recorded in these days: retired 10 t"
    assert said(f"{week}&type=SOLD") == "Recorded in these days: sold 7.5 t"
    assert said("recorded_to=2026-10-31") == "Recorded in these days: created 100 t"
    assert said("recorded_from=2026-11-10") == said("recorded_from=2030-01-01") == said("") == ""
