"""Facts, amendments and withdrawals on pages and in downloads."""

import csv
import io

from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, recorded_with_facts, retired, withdrawn
from tests.web.pages import HOSTILE, dangers, links, table, words
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import amend_credit, split_credit


def amended() -> str:
    credit_id = retired()
    values = {"amends": "2", "beneficiary": "Zoë", "reason": "", "why": "Misspelt"}
    amend_credit(credit_id, values, LOCAL)
    return credit_id


def test_the_page_of_a_credit_shows_its_facts_in_a_table(client: FlaskClient) -> None:
    credit_id = recorded_with_facts()
    lot, _ = split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    amend_credit(credit_id, {"amends": "1", "facts": {"country": "Peru"}}, LOCAL)
    for each in (credit_id, lot):
        page = client.get(f"/credits/{each}")
        assert table(page, "Facts") == [["Project ID", "VCS 1340"], ["Country", "Peru"]]


def test_a_credit_without_facts_has_no_such_table(client: FlaskClient) -> None:
    assert 'id="facts"' not in client.get(f"/credits/{recorded()}").text


def test_the_history_shows_what_an_amendment_changed_and_why(client: FlaskClient) -> None:
    page = words(client.get(f"/credits/{amended()}"))
    assert "Amended: beneficiary Zoë, no reason" in page
    assert "AmendsRetired, number 2BeneficiaryZoëReasonremovedWhyMisspelt" in page
    assert "Retired for Zoë" in page
    assert ": beneficiary was Acme Airlines, reason was not stated. Misspelt" in page


def test_the_history_shows_amended_facts_by_their_labels(client: FlaskClient) -> None:
    credit_id = recorded_with_facts()
    amend_credit(credit_id, {"amends": "1", "facts": {"project_type": "ARR", "country": ""}}, LOCAL)
    page = words(client.get(f"/credits/{credit_id}"))
    assert "AmendsCreated, number 1CountryremovedProject typeARR" in page
    assert ": country was Kenya, project type was not stated." in page


def test_the_activity_says_in_words_what_was_amended_and_withdrawn(client: FlaskClient) -> None:
    amended()
    withdrawn(serial_number="VCS-0002")
    page = words(client.get("/activity"))
    assert "Amended: beneficiary Zoë, no reason Misspelt" in page
    assert "Cancelled at the registry Buffer" in page
    assert "Amended" in words(client.get("/activity?type=AMENDED"))


def test_a_withdrawn_credit_says_so_and_offers_amendments_alone(client: FlaskClient) -> None:
    credit_id = withdrawn()
    answer = client.get(f"/credits/{credit_id}")
    assert "CANCELLED AT THE REGISTRY" in words(answer)
    assert "Buffer. It is in no total, and keeps its serial number." in words(answer)
    offered = [href for href in links(answer).values() if href.startswith(f"/credits/{credit_id}/")]
    assert offered == [f"/credits/{credit_id}/amend/2"]


def test_the_list_shows_withdrawn_credits_by_their_status_and_counts_them_apart(client: FlaskClient) -> None:
    withdrawn(quantity="3")
    assert "No credits yet" in words(client.get("/credits"))
    page = words(client.get("/credits?status=WITHDRAWN"))
    assert "1 credit 3 t not counted" in page
    assert "CANCELLED AT THE REGISTRY" in page
    assert "Cancelled at the registry" in words(client.get("/credits"))


def test_a_retirement_of_a_withdrawn_credit_is_refused_with_the_reason(client: FlaskClient) -> None:
    answer = client.get(f"/credits/{withdrawn()}/retire")
    assert answer.status_code == 409
    assert "This credit was already cancelled at the registry. This was recorded" in words(answer)


def test_the_files_have_withdrawals_and_the_present_words(client: FlaskClient) -> None:
    amended()
    withdrawn(serial_number="VCS-0002")

    def rows(address: str) -> list[dict[str, str]]:
        with client.get(address) as answer:
            return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))

    assert [row["beneficiary"] for row in rows("/credits.csv")] == ["Zoë"]
    assert [row["status"] for row in rows("/credits.csv?status=WITHDRAWN")] == ["WITHDRAWN"]
    (event,) = rows("/activity.csv?type=AMENDED")
    assert [event[name] for name in ("beneficiary", "reason", "amends", "why")] == [
        "Zoë",
        "",
        "2",
        "Misspelt",
    ]


def test_hostile_facts_and_amendments_are_inert(client: FlaskClient) -> None:
    for number, text in enumerate(HOSTILE):
        credit_id = recorded_with_facts({"country": text}, serial_number=str(number))
        amend_credit(credit_id, {"amends": "1", "facts": {"developer": text}, "why": text}, LOCAL)
        assert list(dangers(client.get(f"/credits/{credit_id}"))) == []
    assert list(dangers(client.get("/activity"))) == []
