"""The page of credits as of a day, its file, and the same over the API."""

import csv
import io

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded_with_facts
from tests.fixtures.forms import submit
from tests.web.pages import links
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
