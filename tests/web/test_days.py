"""A sale and a retirement are shown by the day on which they happened, with the recorded time beside it."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, withdrawn
from tests.fixtures.forms import Element, parse, submit
from tests.web.pages import table, words
from webapp.accounts.actors import LOCAL
from webapp.ledger import queries
from webapp.ledger.commands import amend_credit, retire_credit, sell_credit
from webapp.web.formats import when

Make = Callable[[], str]

DAY = "2026-01-31"
SHOWN = "31 Jan 2026"


def a_sale() -> str:
    return sell_credit(recorded(), {"buyer": "Acme", "occurred_on": DAY}, LOCAL).credit_id


def a_retirement() -> str:
    return retire_credit(recorded(), {"beneficiary": "Acme", "occurred_on": DAY}, LOCAL).credit_id


def time_of(credit_id: str) -> str:
    """Return when the last event of the credit was recorded, as pages show it."""
    return when(queries.record(credit_id).events[-1].recorded_at).striptags()


ACTS = [(a_sale, "Sold", "to Acme"), (a_retirement, "Retired", "for Acme")]
acts = pytest.mark.parametrize(("make", "done", "party"), ACTS, ids=["sale", "retirement"])


@acts
def test_the_page_of_the_credit_begins_with_it(
    client: FlaskClient, make: Make, done: str, party: str
) -> None:
    credit_id = make()
    sentence = f"{done} {party} on {SHOWN} Recorded {time_of(credit_id)} by local."
    assert sentence in words(client.get(f"/credits/{credit_id}"))


@acts
def test_history_and_dashboard_show_both_times(
    client: FlaskClient, make: Make, done: str, party: str
) -> None:
    del done, party
    credit_id = make()
    both = f"{SHOWN}, recorded {time_of(credit_id)} · by local"
    assert both in words(client.get(f"/credits/{credit_id}"))
    assert both in words(client.get("/"))


@acts
def test_the_activity_shows_both_times(client: FlaskClient, make: Make, done: str, party: str) -> None:
    del done, party
    credit_id = make()
    latest, creation = table(client.get("/activity"), "Activity, newest first")
    assert latest[4] == f"{SHOWN} recorded {time_of(credit_id)}"
    assert "recorded" not in creation[4]


def test_the_row_says_when_it_happened(client: FlaskClient) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/sell"
    headers = {"HX-Request": "true"}
    panel = client.get(address, headers=headers)
    answer = submit(client, panel, address, headers=headers, occurred_on=DAY, buyer="Acme")
    assert f"Sold 100 t to Acme on {SHOWN}." in words(answer)


def test_who_comes_second_is_told_when_it_happened(client: FlaskClient) -> None:
    credit_id = a_retirement()
    said = words(client.get(f"/credits/{credit_id}/retire"))
    assert f"already retired on {SHOWN} for Acme. This was recorded {time_of(credit_id)}." in said


def test_the_page_of_the_credit_shows_the_amended_day(client: FlaskClient) -> None:
    credit_id = a_retirement()
    amend_credit(credit_id, {"amends": 2, "occurred_on": "2026-02-01"}, LOCAL)
    said = words(client.get(f"/credits/{credit_id}"))
    assert "Retired for Acme on 1 Feb 2026" in said


def test_a_day_that_is_not_known_is_said_to_be_so(client: FlaskClient) -> None:
    page = client.get(f"/credits/{withdrawn()}")
    assert "Cancelled at the registry, on a day that is not known" in words(page)


@pytest.mark.parametrize("act", ["sell", "retire"])
def test_only_a_form_that_was_not_sent_yet_follows_the_day_of_the_reader(
    client: FlaskClient, act: str
) -> None:
    address = f"/credits/{recorded()}/{act}"
    form = client.get(address)
    again = submit(client, form, address, note="\0")

    def date_input(text: str) -> Element:
        return next(e for e in parse(text).find_all("input") if e["type"] == "date")

    assert date_input(form.text)["data-today"] == date_input(form.text)["value"]
    assert not date_input(again.text).has("data-today")
