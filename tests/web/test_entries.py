"""Entries about other subjects on the activity page, the dashboard and in the file of events."""

import csv
import io

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded
from tests.fixtures.entries import aliased, entered, imported, recorded_by_import
from tests.web.pages import HOSTILE, dangers, links, words
from webapp.domain.entry import EntryType


def test_the_activity_says_in_words_what_happened_to_imports_and_registries(client: FlaskClient) -> None:
    recorded()
    imported()
    aliased("verra", "VCS")
    entered("registry/verra", EntryType.UNALIASED, {"alias": "VCS"})
    page = words(client.get("/activity"))
    assert "Import 12 recorded: credits.csv" in page
    assert "VCS joined to the registry verra" in page
    assert "VCS separated from the registry verra" in page
    assert links(client.get("/activity"))["Import 12"] == "/imports/12"


@pytest.mark.parametrize(("entry_type", "phrase"), [("IMPORTED", "Import 12"), ("ALIASED", "VCS joined")])
def test_the_activity_is_filtered_by_the_type_of_an_entry(
    client: FlaskClient, entry_type: str, phrase: str
) -> None:
    recorded()
    imported()
    aliased("verra", "VCS")
    page = words(client.get(f"/activity?type={entry_type}"))
    assert phrase in page
    assert "Mangrove" not in page


def test_the_dashboard_shows_the_latest_entries_among_the_events(client: FlaskClient) -> None:
    recorded()
    imported()
    assert "Import 12 recorded: credits.csv" in words(client.get("/"))


def test_an_event_leads_to_the_import_that_recorded_it(client: FlaskClient) -> None:
    credit_id = recorded_by_import("7")
    assert links(client.get("/activity"))["Import 7"] == "/imports/7"
    assert links(client.get(f"/credits/{credit_id}"))["7"] == "/imports/7"


def test_the_file_of_events_has_entries_with_their_subject(client: FlaskClient) -> None:
    imported()
    credit_id = recorded_by_import("7")
    with client.get("/activity.csv") as answer:
        text = answer.get_data(as_text=True).removeprefix("\ufeff")
    rows = [
        (row["event_type"], row["credit_id"], row["import"], row["subject"])
        for row in csv.DictReader(io.StringIO(text))
    ]
    assert rows == [
        ("WITHDRAWN", credit_id, "7", ""),
        ("CREATED", credit_id, "7", ""),
        ("IMPORTED", "", "", "import/12"),
    ]


def test_a_ledger_with_entries_alone_shows_its_first_steps(client: FlaskClient) -> None:
    imported()
    assert client.get("/").status_code == 200
    assert "No credits yet" in words(client.get("/credits"))


def test_hostile_entries_are_inert(client: FlaskClient) -> None:
    recorded()
    for number, text in enumerate(HOSTILE, start=1):
        imported(str(number), filename=text)
        aliased(text.casefold(), text[:50])
    for address in ("/activity", "/"):
        assert list(dangers(client.get(address))) == []
