"""An import is decided once; later decisions show the outcome."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import parse, submit
from tests.imports.cases import page_plan
from tests.web.pages import HTMX, dangers, links, part, receive, table, words, write
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs
from webapp.ledger import summaries

NEW = a_credit(serial_number="VCS-0002")
INVALID = a_credit(vintage="1812", serial_number="VCS-0003")


def held() -> int:
    """Return the number of credits."""
    return summaries.ledger_totals().ledger.all.credits


def test_a_confirmed_import_is_recorded_and_its_page_says_so(client: FlaskClient) -> None:
    address = receive(client, [a_credit(), NEW])
    answer = write(client, address)
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    assert "Recorded 2 rows" in words(client.get(address))
    assert held() == 2


def test_the_outcome_leads_to_the_new_credits(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    write(client, address)
    target = links(client.get(address))["Credits of this import"]
    assert "Mangrove Restoration Project" in words(part(client.get(target), "credits"))


def test_the_outcome_counts_what_was_recorded_before_and_what_was_left_out(client: FlaskClient) -> None:
    recorded()
    address = receive(client, [a_credit(), NEW, INVALID])
    write(client, address, skip_invalid=True)
    said = words(client.get(address))
    assert "1 row was already recorded. 1 row with problems was left out." in said


def test_refused_rows_can_still_be_read_after_the_import_is_recorded(client: FlaskClient) -> None:
    address = receive(client, [NEW, INVALID])
    write(client, address, skip_invalid=True)
    ((row, *_, reason),) = table(client.get(address), "Not valid")
    assert (row, reason.startswith("vintage: “1812”")) == ("2", True)


def test_the_rows_that_a_recorded_import_retired_lead_to_their_credits(client: FlaskClient) -> None:
    address = receive(client, [a_credit(status="Retired", retired_on="2026-04-10")])
    write(client, address)
    page = client.get(links(client.get(address))["Mangrove Restoration Project"])
    assert "RETIRED" in words(page)


def test_without_the_tick_rows_with_problems_keep_everything_from_being_recorded(client: FlaskClient) -> None:
    address = receive(client, [NEW, INVALID])
    answer = write(client, address)
    assert answer.status_code == 409
    assert "Nothing was written: some rows are invalid or in conflict." in words(answer)
    assert words(part(answer, "skip_invalid-error")).startswith("Tick this to continue")
    assert held() == 0


def test_without_the_tick_unknown_fields_keep_everything_from_being_recorded(client: FlaskClient) -> None:
    address = receive(client, [a_credit(colour="green")])
    answer = write(client, address)
    assert answer.status_code == 409
    assert words(part(answer, "ignore_unknown-error")).startswith("Tick this to continue")
    assert held() == 0


def test_a_tick_that_was_made_is_still_made_when_the_other_was_forgotten(client: FlaskClient) -> None:
    address = receive(client, [a_credit(colour="green"), INVALID])
    answer = write(client, address, ignore_unknown=True)
    second = submit(client, answer, f"{address}/write", skip_invalid=True)
    assert second.status_code == 303
    assert held() == 1


def test_a_conflict_that_arose_since_the_preview_is_shown_before_anything_is_recorded(
    client: FlaskClient,
) -> None:
    address = receive(client, [a_credit(), NEW])
    page = client.get(address)
    recorded(quantity="7")
    answer = submit(client, page, f"{address}/write")
    assert answer.status_code == 409
    assert "the ledger has changed, and so has the plan. Check it again." in words(answer)
    assert page_plan(answer) == {"conflicting": (1, 100), "new": (1, 100)}
    assert held() == 1


def test_the_same_file_again_records_nothing_new_and_says_so(client: FlaskClient) -> None:
    write(client, receive(client, [a_credit(), NEW]))
    again = receive(client, [a_credit(), NEW])
    write(client, again)
    assert "Nothing new was recorded" in words(client.get(again))
    assert held() == 2


def test_the_same_file_again_needs_no_tick_for_its_unknown_fields(client: FlaskClient) -> None:
    recorded()
    address = receive(client, [a_credit(colour="green")])
    assert write(client, address).status_code == 303


def test_a_cancelled_import_records_nothing_and_says_so(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    answer = submit(client, client.get(address), f"{address}/cancel")
    assert answer.status_code == 303
    assert "Nothing of this file was recorded." in words(client.get(address))
    assert held() == 0


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("write", "write", "Recorded 1 row"),
        ("write", "cancel", "Recorded 1 row"),
        ("cancel", "write", "Nothing of this file was recorded."),
        ("cancel", "cancel", "Nothing of this file was recorded."),
    ],
)
def test_the_second_to_decide_sees_what_the_first_decided(
    client: FlaskClient, first: str, second: str, outcome: str
) -> None:
    address = receive(client, [a_credit()])
    page, other = client.get(address), client.get(address)
    submit(client, page, f"{address}/{first}")
    answer = submit(client, other, f"{address}/{second}")
    assert answer.status_code == 409
    assert "This import is already finished" in words(answer)
    assert outcome in words(answer)
    assert held() == (first == "write")


def test_two_people_who_confirm_at_once_record_it_once(ledger_app: Flask, client: FlaskClient) -> None:
    address = receive(client, [a_credit(serial_number=f"S-{n}") for n in range(50)])
    people = [ledger_app.test_client() for _ in range(4)]
    pages = [person.get(address) for person in people]
    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(
            pool.map(lambda one: submit(one[0], one[1], f"{address}/write"), zip(people, pages, strict=True))
        )
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    assert held() == 50


def test_a_form_without_its_token_is_refused_and_nothing_is_recorded(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    answer = client.post(f"{address}/write", headers={"Referer": f"http://localhost{address}"})
    assert answer.status_code == 403
    assert "This form is no longer valid" in words(answer)
    assert links(answer)["Reload the page"] == address
    assert held() == 0


def test_htmx_gets_the_import_alone_with_its_outcome(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    answer = submit(client, client.get(address), f"{address}/write", headers=HTMX)
    assert answer.status_code == 200
    roots = [child for child in parse(answer.text).children if not isinstance(child, str)]
    assert [root["id"] for root in roots] == ["import"]
    assert "Recorded 1 row" in words(answer)


def test_htmx_gets_the_outcome_of_a_cancellation(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    answer = submit(client, client.get(address), f"{address}/cancel", headers=HTMX)
    assert answer.status_code == 200
    assert "Cancelled" in words(answer)


@pytest.mark.parametrize("act", ["write", "cancel", "options"])
def test_the_address_of_a_form_leads_to_its_import(client: FlaskClient, act: str) -> None:
    address = receive(client, [a_credit()])
    answer = client.get(f"{address}/{act}")
    assert (answer.status_code, answer.headers["Location"]) == (303, address)


@pytest.mark.parametrize("act", ["write", "cancel", "options"])
def test_an_import_that_does_not_exist_cannot_be_decided(client: FlaskClient, act: str) -> None:
    address = receive(client, [a_credit()])
    token = parse(client.get(address).text)
    values = {e["name"]: e["value"] for e in token.find_all("input") if e["name"] == "csrf_token"}
    answer = client.post(f"/imports/77/{act}", data=values)
    assert answer.status_code == 404
    assert links(answer)["All imports"] == "/imports"


def test_an_import_that_failed_says_why(client: FlaskClient) -> None:
    rows = json.dumps([a_credit(vintage=1)]).encode()
    failed = jobs.import_now(rows, "rows.json", LOCAL, how_to_skip="The <b>row</b> is wrong.").view
    page = client.get(f"/imports/{failed.id}")
    assert "The <b>row</b> is wrong. Nothing of this file was recorded." in words(page)
    assert list(dangers(page)) == []
