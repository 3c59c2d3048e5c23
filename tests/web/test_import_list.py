"""The list of imports: file, time, actor and outcome of each."""

import json

import pytest
from flask.testing import FlaskClient

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import submit
from tests.web.pages import links, receive, table, words, write
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs

IMPORTS = "Imports, newest first"
INVALID = a_credit(vintage="1812", serial_number="VCS-0003")


def test_an_import_is_listed_with_its_file_its_counts_and_who_brought_it(client: FlaskClient) -> None:
    recorded()
    address = receive(client, [a_credit(), a_credit(quantity="7"), INVALID, INVALID], "mine.json")
    page = client.get("/imports")
    [row] = table(page, IMPORTS)
    assert row[:7] == ["mine.json", "OPEN PREVIEW", "4", "0", "1", "1", "2"]
    assert row[7].endswith("UTC")
    assert row[8] == "local"
    assert links(page)["mine.json"] == address


@pytest.mark.parametrize(
    ("rows", "act", "outcome"),
    [
        ([a_credit(serial_number="B")], "write", "1 RECORDED"),
        ([a_credit()], "write", "NOTHING NEW"),
        ([a_credit(serial_number="B")], "cancel", "CANCELLED"),
    ],
)
def test_the_outcome_of_an_import_is_kept(
    client: FlaskClient, rows: list[object], act: str, outcome: str
) -> None:
    recorded()
    address = receive(client, rows)
    submit(client, client.get(address), f"{address}/{act}")
    assert table(client.get("/imports"), IMPORTS)[0][1] == outcome


def test_a_preview_that_nobody_decides_on_is_given_up_when_another_file_comes_after_a_week(
    client: FlaskClient, set_clock: SetClock
) -> None:
    old = receive(client, [a_credit()], "old.json")
    set_clock.go(days=3)
    newer = receive(client, [a_credit()], "newer.json")
    set_clock.go(days=4, seconds=1)
    receive(client, [a_credit()], "newest.json")
    outcomes = [row[1] for row in table(client.get("/imports"), IMPORTS)]
    assert outcomes == ["OPEN PREVIEW", "OPEN PREVIEW", "EXPIRED"]
    assert "Nobody decided about it within 7 days. Nothing of this file was recorded." in words(
        client.get(old)
    )
    assert write(client, newer).status_code == 303
    assert "After 7 days it expires when another file is imported." in words(client.get("/imports"))


def test_a_failed_import_is_listed_as_failed(client: FlaskClient) -> None:
    jobs.import_now(json.dumps([a_credit(vintage=1)]).encode(), "rows.json", LOCAL)
    assert table(client.get("/imports"), IMPORTS)[0][1] == "FAILED"


def test_the_newest_import_stands_first(client: FlaskClient) -> None:
    write(client, receive(client, [a_credit()], "first.json"))
    receive(client, [a_credit()], "second.json")
    assert [row[0] for row in table(client.get("/imports"), IMPORTS)] == ["second.json", "first.json"]


def test_older_imports_are_on_the_pages_after(client: FlaskClient) -> None:
    for number in range(52):
        jobs.receive(b"[1]", f"{number}.json", LOCAL)
    first = client.get("/imports")
    assert len(table(first, IMPORTS)) == 50
    second = client.get(links(first)["Older"])
    assert [row[0] for row in table(second, IMPORTS)] == ["1.json", "0.json"]
    assert links(second)["Newest"] == "/imports"
    assert "Older" not in links(second)


@pytest.mark.parametrize("place", ["x", "-1", "²", "9" * 30])
def test_a_place_in_the_list_that_is_no_number_is_refused(client: FlaskClient, place: str) -> None:
    answer = client.get("/imports", query_string={"before": place})
    assert answer.status_code == 422
    assert links(answer)["First page of the list"] == "/imports"


def test_a_place_before_the_first_import_says_that_there_is_nothing(client: FlaskClient) -> None:
    assert "No older imports" in words(client.get("/imports?before=1"))


def test_without_imports_the_list_says_so_and_offers_one(client: FlaskClient) -> None:
    page = client.get("/imports")
    assert "No imports yet" in words(page)
    assert links(page)["Import a file"] == "/imports/new"
