"""The activity page: all events, newest first, with the filter in the address."""

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.forms import form_of, parse, submit
from tests.web.conftest import both_databases
from tests.web.pages import HOSTILE, HTMX, dangers, links, table, words
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import retire_credit, sell_credit, split_credit

pytestmark = both_databases

EVENTS = "Events, newest first"


def test_every_event_is_listed_the_newest_first_with_its_place_in_the_ledger(client: FlaskClient) -> None:
    credit_id = sold(quantity="2765.37")
    retire_credit(credit_id, {"beneficiary": "Zoë"}, LOCAL)
    rows = table(client.get("/activity"), EVENTS)
    assert [row[:4] for row in rows] == [
        ["No. 3", "Retired for Zoë Statement", "Mangrove Restoration Project", "2,765.37 t"],
        ["No. 2", "Sold to Acme Airlines", "Mangrove Restoration Project", "2,765.37 t"],
        ["No. 1", "Created", "Mangrove Restoration Project", "2,765.37 t"],
    ]


def test_a_sale_that_lots_carry_over_is_told_from_a_sale(client: FlaskClient) -> None:
    credit_id = sold(quantity="100")
    lots = split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    sell_credit(recorded(serial_number="VCS-0002"), {"quantity": "10"}, LOCAL)
    said = [row[1] for row in table(client.get("/activity?type=SOLD"), EVENTS)]
    carried = "Sold to Acme Airlines, carried over from the credit it was split from"
    assert said == ["Sold", carried, carried, "Sold to Acme Airlines"]
    assert carried in words(client.get(f"/credits/{lots[0]}"))


def test_an_event_says_when_and_by_whom_it_was_recorded(client: FlaskClient) -> None:
    recorded()
    [row] = table(client.get("/activity"), EVENTS)
    assert row[4].endswith("UTC")
    assert row[5] == "local"


def test_an_event_leads_to_its_credit(client: FlaskClient) -> None:
    credit_id = recorded()
    assert links(client.get("/activity"))["Mangrove Restoration Project"] == f"/credits/{credit_id}"


def test_the_reason_and_the_reference_of_an_event_are_shown(client: FlaskClient) -> None:
    retire_credit(recorded(), {"reason": "Flights of 2025", "reference": "C-17"}, LOCAL)
    assert table(client.get("/activity"), EVENTS)[0][1] == "Retired Flights of 2025 · C-17 Statement"


def test_a_type_is_filtered_by_the_form_of_the_page(client: FlaskClient) -> None:
    sold()
    retired(serial_number="VCS-0002")
    page = submit(client, client.get("/activity"), "/activity", type="SOLD")
    assert [row[1] for row in table(page, EVENTS)] == ["Sold to Acme Airlines"]


def test_the_form_shows_the_type_that_is_filtered(client: FlaskClient) -> None:
    page = client.get("/activity?type=RETIRED")
    assert form_of(page, "/activity").values == {"type": ["RETIRED"]}


def test_a_type_is_understood_in_small_letters(client: FlaskClient) -> None:
    sold()
    assert len(table(client.get("/activity?type=sold"), EVENTS)) == 1


def test_an_unknown_type_is_refused_and_named(client: FlaskClient) -> None:
    answer = client.get("/activity?type=<b>bought")
    assert answer.status_code == 422
    assert "<b>bought" in words(answer)
    assert list(dangers(answer)) == []


def test_pages_lead_through_all_events_and_back_and_keep_the_type(client: FlaskClient) -> None:
    for number in range(53):
        sell_credit(recorded(serial_number=f"S-{number}"), {"buyer": f"B{number}"}, LOCAL)
    first = client.get("/activity?type=SOLD")
    second = client.get(links(first)["Next"])
    assert [row[1] for row in table(second, EVENTS)] == ["Sold to B2", "Sold to B1", "Sold to B0"]
    assert "Next" not in links(second)
    back = client.get(links(second)["Previous"])
    assert table(back, EVENTS) == table(first, EVENTS)
    assert "Previous" not in links(back)


@pytest.mark.parametrize("cursor", ["x", "1", "%00", "W10", "é"])
def test_a_cursor_that_is_not_ours_is_refused_with_a_way_to_the_first_page(
    client: FlaskClient, cursor: str
) -> None:
    answer = client.get(f"/activity?cursor={cursor}")
    assert answer.status_code == 422
    assert links(answer)["First page of the list"] == "/activity"


def test_a_cursor_of_another_type_is_refused(client: FlaskClient) -> None:
    for number in range(51):
        recorded(serial_number=f"S-{number}")
    address = links(client.get("/activity?type=CREATED"))["Next"]
    assert client.get(address.replace("CREATED", "SOLD")).status_code == 422


def test_an_empty_ledger_says_so(client: FlaskClient) -> None:
    assert "No events yet" in words(client.get("/activity"))


def test_a_type_that_never_happened_says_so_and_leads_to_all(client: FlaskClient) -> None:
    recorded()
    page = client.get("/activity?type=RETIRED")
    assert "No events of this type" in words(page)
    assert links(page)["All events"] == "/activity"


def test_htmx_gets_the_list_alone_with_the_same_events(client: FlaskClient) -> None:
    retired()
    fragment = client.get("/activity", headers=HTMX)
    roots = [child for child in parse(fragment.text).children if not isinstance(child, str)]
    assert [root["id"] for root in roots] == ["activity"]
    assert table(fragment, EVENTS) == table(client.get("/activity"), EVENTS)


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
