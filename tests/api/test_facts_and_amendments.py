"""Facts, amendments and withdrawals in the answers of the API, each checked against its schema."""

from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import FACTS, acted, recorded, recorded_with_facts, retired, withdrawn
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import EventType
from webapp.ledger.commands import amend_credit, split_credit


def test_a_record_has_its_facts_as_they_are_now(api: FlaskClient) -> None:
    credit_id = recorded_with_facts()
    amend_credit(credit_id, {"amends": "1", "facts": {"country": "", "developer": "B"}}, LOCAL)
    record = exact(api.get(f"/records/{credit_id}"))
    assert record["facts"] == {"project_id": "VCS 1340", "developer": "B"}
    assert record["events"][0]["data"]["facts"] == FACTS
    assert record["events"][1]["data"] == {"amends": 1, "facts": {"country": "", "developer": "B"}}


def test_a_record_without_facts_has_no_such_member(api: FlaskClient) -> None:
    assert "facts" not in exact(api.get(f"/records/{recorded()}"))


def test_a_lot_has_the_facts_of_its_root_and_so_has_the_answer_to_an_act_on_it(api: FlaskClient) -> None:
    lot, _ = split_credit(recorded_with_facts(), {"quantities": ["40", "60"]}, LOCAL).lot_ids
    assert exact(api.get(f"/records/{lot}"))["facts"] == FACTS
    acted_on = exact(api.post(f"/records/{lot}/retire", json={"quantity": 15}))
    assert (acted_on["facts"], acted_on["rest"]["quantity"]) == (FACTS, 25)


def test_a_withdrawn_record_is_listed_by_its_status_alone(api: FlaskClient) -> None:
    credit_id = withdrawn(data={"reason": "Buffer", "facts": {"converted_to": "ARB"}})
    assert exact(api.get("/records"))["items"] == []
    (item,) = exact(api.get("/records?status=WITHDRAWN"))["items"]
    assert (item["id"], item["status"]) == (credit_id, "WITHDRAWN")


def test_an_act_on_a_withdrawn_record_is_409(api: FlaskClient) -> None:
    answer = api.post(f"/records/{withdrawn()}/retire", json={})
    assert answer.status_code == 409
    assert exact(answer)["record_status"] == "WITHDRAWN"
    assert exact(answer)["detail"].startswith("This credit was cancelled at the registry at ")


def test_the_feed_has_withdrawals_and_amendments_by_their_type(api: FlaskClient) -> None:
    credit_id = acted(recorded(), EventType.RETIRED, {"facts": {"purpose": "CORSIA"}})
    amend_credit(credit_id, {"amends": "2", "beneficiary": "Acme", "why": "Missing"}, LOCAL)
    withdrawn(serial_number="VCS-0002")
    assert [e["event_type"] for e in exact(api.get("/events?type=AMENDED"))["items"]] == ["AMENDED"]
    (event,) = exact(api.get("/events?type=WITHDRAWN"))["items"]
    assert event["data"] == {"reason": "Buffer"}


def test_an_amendment_changes_the_tag_of_a_record(api: FlaskClient) -> None:
    credit_id = retired()
    amend_credit(credit_id, {"amends": "2", "beneficiary": "Acme"}, LOCAL)
    assert api.get(f"/records/{credit_id}").headers["ETag"] == '"3"'


def test_facts_are_not_taken_from_a_request(api: FlaskClient) -> None:
    body = {"project_name": "A", "registry": "B", "vintage": 2020, "quantity": 1, "facts": FACTS}
    for address in ("/records", f"/records/{recorded()}/retire"):
        answer = api.post(address, json=body if address == "/records" else {"facts": FACTS})
        assert answer.status_code == 422
        assert [error["field"] for error in exact(answer)["errors"]] == ["facts"]
