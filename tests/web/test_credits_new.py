"""Recording a credit on a page."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import Element, form_of, parse, submit
from webapp.accounts.actors import LOCAL
from webapp.ledger import queries
from webapp.ledger.commands import split_credit
from webapp.ledger.listing import list_events

NEW = "/credits/new"


def record(client: FlaskClient, **changes: object) -> TestResponse:
    """Submit the form of a new credit with the values of a_credit(**changes)."""
    return submit(client, client.get(NEW), NEW, fields=a_credit(**changes))


def error_beside(page: TestResponse, name: str) -> Element:
    """Return the error that describes the input."""
    document = parse(page.text)
    described = next(e for e in document.find_all("input") if e["name"] == name)["aria-describedby"]
    return next(e for e in document.find_all("p") if e["id"] in described.split() and "error" in e["id"])


def events_recorded() -> int:
    return len(list_events().items)


def test_a_credit_is_recorded_and_shown(client: FlaskClient) -> None:
    answer = record(client)
    assert answer.status_code == 303
    credit = queries.credit(answer.location.rpartition("/")[2])
    assert (credit.project_name, credit.quantity, credit.serial_number) == (
        "Mangrove Restoration Project",
        "100",
        "VCS-0001",
    )
    assert "The credit is recorded." in client.get(answer.location).text


def test_every_bad_field_has_its_error_beside_it(client: FlaskClient) -> None:
    page = record(client, project_name="", vintage="19", quantity="1e3")
    assert page.status_code == 422
    assert "This is required." in error_beside(page, "project_name").text
    assert "Must be a year" in error_beside(page, "vintage").text
    assert "“1e3” is not a quantity" in error_beside(page, "quantity").text


def test_what_was_entered_stays_when_a_field_is_bad(client: FlaskClient) -> None:
    page = record(client, project_name="  Two  spaces ", quantity="-1")
    shown = {name: values[0] for name, values in form_of(page, NEW).values.items()}
    entered = a_credit(project_name="  Two  spaces ", quantity="-1")
    assert {name: shown[name] for name in entered} == entered


def test_the_first_bad_field_has_the_focus(client: FlaskClient) -> None:
    focused = [e["name"] for e in parse(record(client, vintage="x").text).find_all() if e.has("autofocus")]
    assert focused == ["vintage"]


def test_nothing_is_recorded_while_a_field_is_bad(client: FlaskClient) -> None:
    record(client, quantity="0")
    assert events_recorded() == 0


def test_a_credit_that_is_recorded_already_is_where_one_is_led(client: FlaskClient) -> None:
    credit_id = recorded()
    answer = record(client, project_name="mangrove restoration PROJECT", quantity="100.00")
    assert (answer.status_code, answer.location) == (303, f"/credits/{credit_id}")
    assert "Already recorded" in client.get(answer.location).text
    assert events_recorded() == 1


def test_a_part_that_was_split_off_already_is_where_one_is_led(client: FlaskClient) -> None:
    block = recorded(quantity="5485", serial_number="GS1-1-KE-GS99701-16-2025-30256-1-5485")
    lots = split_credit(block, {"numbers": ["110 to 5463"]}, LOCAL).lot_ids
    part = a_credit(quantity="5354", serial_number="GS1-1-KE-GS99701-16-2025-30256-110-5463")
    answer = submit(client, client.get("/credits/new"), "/credits/new", fields=part)
    assert (answer.status_code, answer.location) == (303, f"/credits/{lots[1]}")
    assert "Already recorded. Nothing was added." in client.get(answer.location).text


def test_a_second_batch_without_a_serial_number_is_asked_for_one(client: FlaskClient) -> None:
    recorded(serial_number=None)
    answer = record(client, serial_number="")
    assert (
        "Already recorded. If this is another batch, give it a serial number."
        in client.get(answer.location).text
    )


def test_sending_the_form_twice_records_one_credit(client: FlaskClient) -> None:
    page = client.get(NEW)
    first, second = (submit(client, page, NEW, fields=a_credit()) for _ in range(2))
    assert first.location == second.location
    assert events_recorded() == 1


def test_a_serial_number_that_is_held_leads_to_its_holder(client: FlaskClient) -> None:
    holder = recorded(project_name="<i>Holder</i>")
    page = record(client, serial_number="vcs-0001")
    assert page.status_code == 409
    error = error_beside(page, "serial_number")
    assert [a["href"] for a in error.find_all("a")] == [f"/credits/{holder}"]
    assert "<i>Holder</i>" in error.text
    assert form_of(page, NEW).values["project_name"] == ["Mangrove Restoration Project"]
    assert events_recorded() == 1


def test_a_form_without_its_token_records_nothing(client: FlaskClient) -> None:
    answer = client.post(NEW, data=a_credit())
    assert answer.status_code in {400, 403}
    assert "<html" in answer.text
    assert events_recorded() == 0


def test_a_form_sent_from_another_site_records_nothing(client: FlaskClient) -> None:
    page = client.get(NEW)
    answer = submit(client, page, NEW, headers={"Sec-Fetch-Site": "cross-site"}, fields=a_credit())
    assert answer.status_code == 403
    assert events_recorded() == 0


def test_registries_are_suggested(client: FlaskClient) -> None:
    recorded(registry='G"S')
    document = parse(client.get(NEW).text)
    suggested = next(e for e in document.find_all("datalist") if e["id"] == "registries")
    assert [option["value"] for option in suggested.find_all("option")] == ['G"S']
    assert next(e for e in document.find_all("input") if e["name"] == "registry")["list"] == "registries"


def test_another_like_a_credit_begins_with_all_but_its_serial_number(client: FlaskClient) -> None:
    page = client.get(f"/credits/{recorded(quantity='2765.37')}")
    address = next(
        a["href"] for a in parse(page.text).find_all("a") if a.text.strip() == "New credit like this"
    )
    values = form_of(client.get(address), NEW).values
    hidden = {"csrf_token", "idempotency_key"}
    assert {name: value[0] for name, value in values.items() if name not in hidden} == a_credit(
        quantity="2765.37", serial_number=""
    )


def test_what_was_typed_is_never_markup(client: FlaskClient) -> None:
    hostile = '"><script>alert(1)</script>{{7*7}}\x00'
    page = record(client, project_name=hostile, vintage="<b>")
    document = parse(page.text)
    assert not [s for s in document.find_all("script") if not s["src"]]
    assert not list(document.find_all("b"))
    assert "{{7*7}}" in form_of(page, NEW).values["project_name"][0]
