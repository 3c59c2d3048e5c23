"""The page that acts on many credits shows what will happen, and records it as one act."""

import re
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.forms import Form, forms_of, submit
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger import queries
from webapp.ledger.commands import retire_credit
from webapp.ledger.listing import list_events
from webapp.web import credits


def opened(client: FlaskClient, action: str, *credit_ids: str, **filters: str) -> TestResponse:
    """Open the form for these credits, as the boxes of the list do, or for a filter."""
    positions = [("credit", str(queries.credit(each).created_position)) for each in credit_ids]
    return client.get(f"/credits/act?{urlencode([('action', action), *filters.items(), *positions])}")


def sent(client: FlaskClient, page: TestResponse, **fields: object) -> TestResponse:
    """Submit the form of the act on a page."""
    target = next(form.action for form in forms_of(page) if form.method == "post")
    return submit(client, page, target, fields=fields)


def test_the_boxes_of_the_list_name_the_credits(client: FlaskClient) -> None:
    credit_id = recorded()
    page = client.get("/credits?registry=VCS")
    position = queries.credit(credit_id).created_position
    answer = submit(client, page, "/credits/act", press="sell", credit=True)
    assert f'name="credit" value="{position}"' in page.text
    assert "Sell 100 t" in answer.text


def test_credits_are_sold_to_one_buyer(client: FlaskClient) -> None:
    ids = [recorded(serial_number=f"S-{n}") for n in range(3)]
    page = opened(client, "sell", *ids)
    assert "300 t in 3 credits" in page.text
    answer = sent(client, page, buyer="Acme")
    assert answer.status_code == 303
    events = list_events(EventType.SOLD).items
    assert answer.headers["Location"] == f"/acts/{events[0].position}"
    assert {queries.credit(each).buyer for each in ids} == {"Acme"}


def test_tonnes_are_retired_oldest_first_and_the_last_lot_is_split(client: FlaskClient) -> None:
    young = recorded(serial_number="S-1", vintage="2024")
    old = recorded(serial_number="S-2", vintage="2020")
    page = opened(client, "retire", take="oldest", quantity="130 t")
    assert "1 split" in page.text
    assert sent(client, page, beneficiary="Acme").status_code == 303
    assert [queries.credit(each).status for each in (old, young)] == [Status.RETIRED, Status.SPLIT]


@pytest.mark.parametrize("quantity", ["x", "1000000", "-1"])
def test_a_quantity_that_is_not_there_is_said_beside_it(client: FlaskClient, quantity: str) -> None:
    recorded()
    page = opened(client, "retire", take="oldest", quantity=quantity)
    assert page.status_code == 422
    assert 'id="taken-quantity-error"' in page.text


def test_quantities_are_changed_and_an_empty_one_leaves_its_credit_out(client: FlaskClient) -> None:
    first, second = recorded(serial_number="S-1"), recorded(serial_number="S-2")
    at = [queries.credit(each).created_position for each in (first, second)]
    parts = [("credit", at[0]), ("part", "30"), ("credit", at[1]), ("part", "")]
    query = urlencode([("action", "retire"), *parts])
    page = client.get(f"/credits/act?{query}")
    assert "30 t in 1 credit" in page.text
    assert sent(client, page, beneficiary="Acme").status_code == 303
    assert queries.credit(second).status is Status.ACTIVE


def test_credits_that_do_not_allow_it_can_be_left_out(client: FlaskClient) -> None:
    first, second = recorded(serial_number="S-1"), retired(serial_number="S-2")
    page = opened(client, "sell", first, second)
    assert "1 of 2 do not allow this" in page.text
    assert f'/credits/act?action=sell&amp;credit={queries.credit(first).created_position}"' in page.text


def test_where_somebody_was_faster_the_new_choice_is_shown(client: FlaskClient) -> None:
    first, second = recorded(serial_number="S-1"), recorded(serial_number="S-2")
    page = opened(client, "retire", take="oldest", quantity="10")
    retire_credit(first, {}, LOCAL)
    answer = sent(client, page, beneficiary="Acme")
    assert answer.status_code == 409
    assert "has changed since this was shown" in answer.text
    assert queries.credit(second).status is Status.ACTIVE
    assert sent(client, answer, beneficiary="Acme").status_code == 303


def test_sold_tonnes_for_another_than_the_buyer_need_a_tick(client: FlaskClient) -> None:
    page = opened(client, "retire", sold())
    answer = sent(client, page, beneficiary="B")
    assert answer.status_code == 422
    assert "100 t were sold to Acme Airlines, and are retired for B." in answer.text
    assert sent(client, answer, is_confirmed=True).status_code == 303


def test_words_of_many_retirements_are_amended(client: FlaskClient) -> None:
    ids = [retired(serial_number=f"S-{n}") for n in range(2)]
    answer = sent(client, opened(client, "amend", *ids), beneficiary="Acme", why="Misspelt")
    assert answer.status_code == 303
    assert {queries.credit(each).beneficiary for each in ids} == {"Acme"}
    empty = sent(client, opened(client, "amend", *ids), why="Nothing")
    assert empty.status_code == 422


def test_facts_of_many_credits_are_amended(client: FlaskClient) -> None:
    credit_id = recorded()
    assert sent(client, opened(client, "amend", credit_id), country="Kenya").status_code == 303
    assert queries.record(credit_id).facts == {"country": "Kenya"}


def test_credits_are_voided_with_a_reason(client: FlaskClient) -> None:
    credit_id = recorded()
    page = opened(client, "void", credit_id)
    assert sent(client, page).status_code == 422
    assert sent(client, page, reason="Recorded twice").status_code == 303
    assert queries.credit(credit_id).status is Status.CANCELLED


def test_all_that_match_the_filter_are_taken(client: FlaskClient) -> None:
    ids = [recorded(serial_number=f"S-{n}") for n in range(60)]
    other = recorded(registry="GS")
    assert sent(client, opened(client, "sell", take="all", registry="VCS"), buyer="Acme").status_code == 303
    assert {queries.credit(each).status for each in ids} == {Status.SOLD}
    assert queries.credit(other).status is Status.ACTIVE


def test_nothing_chosen_is_said(client: FlaskClient) -> None:
    page = client.get("/credits/act?action=sell")
    assert page.status_code == 422
    assert "Choose at least one credit" in page.text


def test_all_that_match_says_that_only_active_ones_are_taken(client: FlaskClient) -> None:
    for n in range(2):
        recorded(serial_number=f"S-{n}")
    retired(serial_number="S-2")
    assert "All 2 active that match" in client.get("/credits?registry=VCS").text
    assert "1 of 3 is not active and is left out." in opened(client, "sell", take="all", registry="VCS").text
    assert "All 1 that match" in client.get("/credits?status=RETIRED").text
    assert "left out" not in opened(client, "amend", take="all", status="RETIRED").text


def test_more_than_one_act_takes_are_not_offered_together(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credits, "CREDITS_MAX", 1)
    recorded(serial_number="S-1")
    assert 'name="take" value="all">' in client.get("/credits").text
    recorded(serial_number="S-2")
    page = client.get("/credits").text
    assert 'name="take" value="all" disabled>' in page
    assert "at most 1 at once" in page


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("", ["sell", "retire", "amend", "void"]),
        ("?status=SOLD", ["retire", "amend"]),
        ("?status=RETIRED", ["amend"]),
    ],
)
def test_only_acts_that_the_status_allows_are_offered(
    client: FlaskClient, query: str, offered: list[str]
) -> None:
    recorded(serial_number="S-1")
    sold(serial_number="S-2")
    retired(serial_number="S-3")
    page = client.get(f"/credits{query}").text
    assert re.findall('name="action" value="([a-z]+)"', page) == offered
    oldest = set(re.findall("action=([a-z]+)&amp;take=oldest", page))
    assert oldest == set(offered) & {"sell", "retire"}


def test_the_buyer_of_sold_tonnes_is_suggested_and_asked_for_in_its_field(client: FlaskClient) -> None:
    sold()
    page = opened(client, "retire", take="oldest", status="SOLD", quantity="5")
    assert page.status_code == 422
    assert '<option value="Acme Airlines">' in page.text
    assert 'id="taken-buyer-error"' in page.text
    assert 'id="taken-quantity-error"' not in page.text


def test_a_quantity_that_is_refused_stays_in_the_table_of_the_named_credits(client: FlaskClient) -> None:
    first, second = recorded(serial_number="S-1"), recorded(serial_number="S-2")
    page = opened(client, "retire", first, second)
    positions = [str(queries.credit(each).created_position) for each in (first, second)]
    for wrong in ("much", "101"):
        query = [("action", "retire"), *(("credit", at) for at in positions), ("part", "7"), ("part", wrong)]
        page = client.get(f"/credits/act?{urlencode(query)}")
        assert page.status_code == 422
        (form,) = (form for form in forms_of(page) if "part" in form.values)
        assert form.values["credit"] == positions
        assert form.values["part"] == ["7", wrong]
        assert "Retire credits" in " ".join(button.text for button in form.buttons)


def act_form(page: TestResponse) -> Form:
    return next(form for form in forms_of(page) if form.method == "post")


def updated(client: FlaskClient, page: TestResponse, press: str, **fields: object) -> TestResponse:
    return submit(client, page, act_form(page).action, press=press, fields=fields)


def test_words_stay_when_quantities_of_credits_are_updated(client: FlaskClient) -> None:
    first, second = recorded(serial_number="S-1"), recorded(serial_number="S-2")
    page = opened(client, "retire", first, second)
    page = updated(client, page, "parts", part=["7", "9"], beneficiary="Hilltop", note="Client A")
    assert page.status_code == 200
    assert "Retire 16 t" in page.text
    assert [act_form(page).values[name] for name in ("beneficiary", "note")] == [["Hilltop"], ["Client A"]]
    assert sent(client, page).status_code == 303
    (lot, _) = queries.record(first).relations.lots
    assert (lot.quantity, lot.beneficiary) == ("7", "Hilltop")


def test_words_stay_when_a_quantity_is_refused(client: FlaskClient) -> None:
    page = opened(client, "retire", recorded(serial_number="S-1"), recorded(serial_number="S-2"))
    page = updated(client, page, "parts", part=["7", "much"], beneficiary="Hilltop")
    assert page.status_code == 422
    assert act_form(page).values["beneficiary"] == ["Hilltop"]
    assert act_form(page).values["part"] == ["7", "much"]
    page = sent(client, page, part=["7", "8"])
    assert "Retire 15 t" in page.text


def test_words_stay_when_the_tonnes_are_updated(client: FlaskClient) -> None:
    recorded(serial_number="S-1")
    page = opened(client, "retire", take="oldest", quantity="30")
    page = updated(client, page, "tonnes", taken_quantity="40", beneficiary="Hilltop")
    assert "Retire 40 t" in page.text
    assert act_form(page).values["beneficiary"] == ["Hilltop"]
    page = updated(client, page, "tonnes", taken_quantity="400")
    assert page.status_code == 422
    assert act_form(page).values["beneficiary"] == ["Hilltop"]


@pytest.mark.parametrize("is_oldest", [True, False])
def test_quantities_that_were_not_updated_are_shown_before_they_are_recorded(
    client: FlaskClient, *, is_oldest: bool
) -> None:
    credit_id = recorded()
    if is_oldest:
        page = opened(client, "sell", take="oldest", quantity="100")
        page = sent(client, page, buyer="Acme", taken_quantity="7")
    else:
        page = sent(client, opened(client, "sell", credit_id), buyer="Acme", part="7")
    assert page.status_code == 200
    assert "The quantities were changed." in page.text
    assert "Sell 7 t" in page.text
    assert queries.credit(credit_id).status is Status.ACTIVE
    assert sent(client, page).status_code == 303


def test_the_present_words_of_many_are_shown(client: FlaskClient) -> None:
    ids = [retired(serial_number=f"S-{n}") for n in range(2)]
    sent(client, opened(client, "amend", ids[0]), beneficiary="Acme")
    page = opened(client, "amend", *ids)
    assert "Now: 2 different" in page.text
    assert "Now: Acme" in opened(client, "amend", ids[0]).text
    assert "Now: Acme Airlines" in opened(client, "amend", sold(serial_number="S-9")).text
    sent(client, page, reference="REF-7")
    assert "Now: REF-7" in opened(client, "amend", *ids).text


def test_a_word_of_many_is_removed(client: FlaskClient) -> None:
    ids = [retired(serial_number=f"S-{n}") for n in range(2)]
    sent(client, opened(client, "amend", ids[0]), reference="REF-7")
    page = opened(client, "amend", *ids)
    assert "Now: REF-7, and some without" in page.text
    both = sent(client, page, reference="REF-8", remove_reference=True)
    assert both.status_code == 422
    assert "Remove the tick or the word." in both.text
    assert sent(client, page, remove_reference=True).status_code == 303
    assert [queries.record(each).amended[0].seq for each in ids] == [2, 2]
    page = opened(client, "amend", *ids)
    assert "REF-7" not in page.text
    assert 'name="remove_reference"' not in page.text


def test_facts_of_many_are_shown_and_removed_also_those_of_what_they_were_split_from(
    client: FlaskClient,
) -> None:
    whole = recorded()
    sent(client, opened(client, "amend", whole), country="Kenya", methodology="VM0007")
    sent(client, opened(client, "sell", take="oldest", quantity="30"), buyer="Acme")
    lots = [lot.id for lot in queries.record(whole).relations.lots]
    page = opened(client, "amend", *lots)
    assert "Now: Kenya" in page.text
    assert sent(client, page, remove_country=True).status_code == 303
    assert [queries.record(lot).facts for lot in lots] == [{"methodology": "VM0007"}] * 2
