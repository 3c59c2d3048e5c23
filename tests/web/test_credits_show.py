"""The page of a credit: its details, history and actions."""

from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.forms import Element, parse
from webapp.accounts.actors import LOCAL
from webapp.ledger import queries
from webapp.ledger.commands import retire_credit, sell_credit


def document(client: FlaskClient, credit_id: str) -> Element:
    return parse(client.get(f"/credits/{credit_id}").text)


def events(page: Element) -> list[Element]:
    return [e for e in page.find_all("li") if "event" in e["class"].split()]


def pairs(part: Element) -> dict[str, str]:
    """Return the names and values of the list."""
    names = [" ".join(e.text.split()) for e in part.find_all("dt")]
    values = [e.text.strip() for e in part.find_all("dd")]
    return dict(zip(names, values, strict=True))


def test_the_whole_id_stands_on_the_page_and_can_be_copied(client: FlaskClient) -> None:
    credit_id = recorded()
    page = document(client, credit_id)
    assert credit_id in [code.text for code in page.find_all("code")]
    assert credit_id in [button["data-copy"] for button in page.find_all("button")]


def test_the_facts_are_those_recorded(client: FlaskClient) -> None:
    facts = pairs(document(client, recorded(quantity="2765.37")))
    assert facts["Quantity"] == "2,765.37 t"
    assert facts["Registry"] == "VCS"
    assert facts["Vintage"] == "2023"
    assert facts["Serial number"] == "VCS-0001"


def test_a_credit_without_a_serial_number_says_so(client: FlaskClient) -> None:
    assert "no serial number" in client.get(f"/credits/{recorded(serial_number=None)}").text


def test_the_history_tells_every_event_the_latest_first(client: FlaskClient) -> None:
    credit_id = sold()
    retire_credit(credit_id, {"beneficiary": "Grace"}, "cli")
    latest, sale, creation = events(document(client, credit_id))
    assert "Retired for Grace" in latest.text
    assert "by cli" in latest.text
    assert "Sold to Acme Airlines" in sale.text
    assert "Created" in creation.text


def test_an_event_shows_all_of_its_data(client: FlaskClient) -> None:
    credit_id = recorded()
    facts = {
        "beneficiary": "Grace",
        "reason": "Flights of 2025",
        "occurred_on": "2026-01-31",
        "reference": "R-1",
        "note": "line 1\nline 2",
    }
    retire_credit(credit_id, facts, LOCAL)
    shown = pairs(events(document(client, credit_id))[0])
    assert shown["Beneficiary"] == "Grace"
    assert shown["Reason"] == "Flights of 2025"
    assert shown["Retirement date"] == "31 Jan 2026"
    assert shown["Reference"] == "R-1"
    assert shown["Note"] == "line 1\nline 2"


def test_an_event_shows_when_it_was_recorded_and_its_hashes(client: FlaskClient) -> None:
    credit_id = sold()
    sale = queries.record(credit_id).events[-1]
    details = next(events(document(client, credit_id))[0].find_all("details"))
    assert {sale.hash, sale.prev_hash} == {code.text for code in details.find_all("code")}
    assert pairs(details)["Recorded at"] == sale.recorded_at


def test_only_the_acts_that_are_still_open_are_offered(client: FlaskClient) -> None:
    def offered(credit_id: str) -> list[str]:
        links = [a["href"] for a in document(client, credit_id).find_all("a")]
        return [act for act in ("sell", "retire") if f"/credits/{credit_id}/{act}" in links]

    assert offered(recorded()) == ["sell", "retire"]
    assert offered(sold(serial_number="2")) == ["retire"]
    assert offered(retired(serial_number="3")) == []


def test_the_page_links_the_credit_as_json(client: FlaskClient) -> None:
    credit_id = recorded()
    assert f"/records/{credit_id}" in [a["href"] for a in document(client, credit_id).find_all("a")]


def test_an_id_that_no_credit_has_is_a_page_that_says_so(client: FlaskClient) -> None:
    for unknown in ("0" * 64, "nonsense", "%00", "%F0%9F%8C%B1"):
        answer = client.get(f"/credits/{unknown}")
        assert answer.status_code == 404
        assert "<html" in answer.text


def test_what_people_typed_is_never_markup(client: FlaskClient) -> None:
    hostile = '<script>alert(1)</script> " onmouseover=x {{7*7}}'
    credit_id = recorded(project_name=hostile)
    sell_credit(credit_id, {"buyer": hostile, "note": hostile}, LOCAL)
    page = document(client, credit_id)
    assert hostile in next(page.find_all("h1")).text
    assert pairs(events(page)[0])["Note"] == hostile
    assert not [s for s in page.find_all("script") if not s["src"]]
    assert not [e for e in page.find_all() if e.has("onmouseover")]


def test_a_name_in_another_direction_is_kept_apart(client: FlaskClient) -> None:
    page = document(client, recorded(project_name="יער 1"))
    assert "יער 1" in [bdi.text for bdi in next(page.find_all("h1")).find_all("bdi")]
