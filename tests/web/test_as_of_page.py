"""The page of credits as of a day, its file, and the same over the API."""

import csv
import io

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, recorded_with_facts
from tests.fixtures.forms import form_of, submit
from tests.web.pages import links, words
from webapp.accounts.actors import LOCAL
from webapp.ledger import commands


@pytest.fixture
def backdated(ledger_app: object) -> tuple[str, str]:
    """Return a credit of 2023 that was retired in 2024, and one of 2025."""
    del ledger_app
    old = recorded_with_facts({"acquired_on": "2023-05-01"}, serial_number="S-1", quantity="10")
    new = recorded_with_facts({"issued_on": "2025-05-01"}, serial_number="S-2", quantity="5")
    commands.retire_credit(old, {"beneficiary": "Zoë", "occurred_on": "2024-03-01"}, LOCAL)
    return old, new


def test_the_form_leads_to_what_was_then(client: FlaskClient, backdated: tuple[str, str]) -> None:
    old, new = backdated
    page = client.get("/credits/as-of").text
    answer = submit(client, page, "/credits/as-of", fields={"as_of": "2023-12-31"})
    assert f"/credits/{old}" in answer.text
    assert f"/credits/{new}" not in answer.text
    assert "As of the end of <time" in answer.text
    assert "Zoë" not in answer.text
    later = client.get("/credits/as-of?as_of=2024-12-31&status=RETIRED").text
    assert f"/credits/{old}" in later
    assert "Zoë" in later


def test_the_permanent_address_shows_the_same_after_later_acts(
    client: FlaskClient, backdated: tuple[str, str]
) -> None:
    _, new = backdated
    first = client.get("/credits/as-of?as_of=2025-12-31")
    address = links(first)["Permanent address"]
    commands.retire_credit(new, {"beneficiary": "Acme", "occurred_on": "2025-06-01"}, LOCAL)
    assert "Acme" not in client.get(address).text
    assert "Acme" in client.get("/credits/as-of?as_of=2025-12-31").text


def test_the_file_has_every_credit_with_its_status_then(
    client: FlaskClient, backdated: tuple[str, str]
) -> None:
    with client.get("/credits/as-of.csv?as_of=2024-12-31") as answer:
        rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [(row["id"], row["status"], row["happened_on"], row["party"]) for row in rows] == [
        (backdated[0], "RETIRED", "2024-03-01", "Zoë")
    ]


def test_what_cannot_be_used_in_the_address_is_named(client: FlaskClient) -> None:
    answer = client.get("/credits/as-of?as_of=soon&known_at=2999-01-01&vintage_from=x&status=SPLIT")
    assert answer.status_code == 422
    for label in ("Happened by", "Recorded by", "Vintage from", "Status"):
        assert f"<strong>{label}:</strong>" in answer.text


def test_several_values_of_a_filter_are_applied_and_kept(client: FlaskClient) -> None:
    for number, registry in enumerate(("VCS", "GS", "ACR")):
        recorded(registry=registry, serial_number=f"S-{number}")
    page = client.get("/credits/as-of?registry=vcs&registry=gs&status=ACTIVE&status=SOLD")
    assert [("S-0" in page.text, "S-1" in page.text, "S-2" in page.text)] == [(True, True, False)]
    again = client.get(links(page)["Permanent address"])
    assert "S-2" not in again.text
    form = form_of(submit(client, page.text, "/credits/as-of", registry="GS", party="Acme"), "/credits/as-of")
    assert (form.values["registry"], form.values["party"]) == (["GS"], ["Acme"])


def test_the_list_leads_to_itself_as_of_a_day_and_says_what_is_not_applied(client: FlaskClient) -> None:
    recorded(serial_number="S-1")
    listed = client.get(
        "/credits?registry=VCS&status=SOLD&status=SPLIT&vintage=2023&q=mangrove&recorded_from=2020-01-01"
    )
    page = client.get(links(listed)["As of a day"])
    assert page.status_code == 200
    text = words(page)
    assert "Some filters of the list are not applied here" in text
    assert "Search: mangrove, Recorded on: from 1 Jan 2020." in text
    assert form_of(page, "/credits/as-of").values["status"] == ["SOLD"]
    assert "not applied" not in words(client.get("/credits/as-of?registry=VCS"))
