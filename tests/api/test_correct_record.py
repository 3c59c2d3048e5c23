import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of, record_in
from tests.fixtures.blocks import BLOCK, INSIDE, a_block
from tests.fixtures.credits import a_credit, recorded, sold
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import retire_credit
from webapp.ledger.listing import list_events


def a_correction(**changes: object) -> dict[str, object]:
    """Return a correction of `a_credit` with some of its fields changed."""
    return {"reason": "Typo", "record": a_credit(**changes)}


def test_a_correction_is_201_with_the_url_of_the_right_record(api: FlaskClient) -> None:
    wrong = recorded()
    answer = api.post(f"/records/{wrong}/correct", json=a_correction(vintage=2024))
    assert answer.status_code == 201
    right = exact(answer)
    assert (right["vintage"], right["status"], right["replaces"]) == (2024, "ACTIVE", wrong)
    assert exact(api.get(answer.headers["Location"])) == record_in(answer)


def test_the_wrong_record_is_cancelled_with_the_reason_and_links_the_right_one(api: FlaskClient) -> None:
    wrong = recorded()
    correction = a_correction(vintage=2024) | {"note": "The year."}
    right = exact(api.post(f"/records/{wrong}/correct", json=correction))
    record = exact(api.get(f"/records/{wrong}"))
    assert (record["status"], record["replaced_by"]) == ("CANCELLED", [right["id"]])
    assert record["events"][-1]["data"] == {"reason": "Typo", "note": "The year."}


def test_the_right_record_may_hold_the_numbers_of_the_wrong_one(api: FlaskClient) -> None:
    wrong = recorded(**a_block())
    answer = api.post(f"/records/{wrong}/correct", json=a_correction(quantity=50, serial_number=INSIDE))
    assert answer.status_code == 201


def test_the_numbers_of_another_record_are_409_and_nothing_is_cancelled(api: FlaskClient) -> None:
    holder, wrong = recorded(**a_block()), recorded()
    answer = api.post(f"/records/{wrong}/correct", json=a_correction(quantity=50, serial_number=INSIDE))
    assert (answer.status_code, exact(answer)["holder"]) == (409, holder)
    assert exact(api.get(f"/records/{wrong}"))["status"] == "ACTIVE"


def test_every_invalid_field_is_named_with_its_path(api: FlaskClient) -> None:
    record = {"project_name": "", "vintage": 2024, "quantity": 1, "registry": "VCS", "replaces": "0" * 64}
    answer = api.post(f"/records/{recorded()}/correct", json={"record": record, "buyer": "x"})
    assert fields_of(answer) == {"reason", "buyer", "record.project_name", "record.replaces"}
    assert len(list_events().items) == 1


def test_a_block_of_another_length_than_the_quantity_is_named_with_its_path(api: FlaskClient) -> None:
    answer = api.post(f"/records/{recorded()}/correct", json=a_correction(serial_number=BLOCK))
    assert fields_of(answer) == {"record.serial_number"}


@pytest.mark.parametrize("record", [{}, {"record": None}, {"record": []}, {"record": "x"}])
def test_the_right_record_is_required(api: FlaskClient, record: dict[str, object]) -> None:
    assert fields_of(api.post(f"/records/{recorded()}/correct", json={"reason": "Typo"} | record)) == {
        "record"
    }


def test_a_second_correction_is_409(api: FlaskClient) -> None:
    wrong = recorded()
    api.post(f"/records/{wrong}/correct", json=a_correction(vintage=2024))
    again = api.post(f"/records/{wrong}/correct", json=a_correction(vintage=2024))
    assert (again.status_code, exact(again)["record_status"]) == (409, "CANCELLED")


def test_a_sold_record_cannot_be_corrected(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/correct", json=a_correction(vintage=2024))
    assert (answer.status_code, exact(answer)["record_status"]) == (409, "SOLD")
    assert exact(answer)["detail"].endswith("and cannot be corrected.")


def test_the_correction_of_a_lot_is_not_a_lot(api: FlaskClient) -> None:
    rest = retire_credit(recorded(), {"quantity": "25"}, LOCAL).rest_id
    held = api.post(f"/records/{rest}/correct", json=a_correction(vintage=2024))
    assert held.status_code == 409  # the other lot is still a part of VCS-0001
    right = a_correction(vintage=2024, quantity=75, serial_number="VCS-0001, 26\u2013100 of 100")
    new = exact(api.post(f"/records/{rest}/correct", json=right))
    assert (new["replaces"], new["parent"], new["quantity"]) == (rest, None, 75)
    assert exact(api.get(f"/records/{rest}"))["replaced_by"] == [new["id"]]


@pytest.mark.parametrize("record_id", ["0" * 64, "x", "%00"])
def test_an_unknown_record_cannot_be_corrected(empty_api: FlaskClient, record_id: str) -> None:
    assert empty_api.post(f"/records/{record_id}/correct", json=a_correction()).status_code == 404


def test_a_correction_that_changes_nothing_is_422_and_cancels_nothing(api: FlaskClient) -> None:
    record_id = recorded()
    answer = api.post(f"/records/{record_id}/correct", json=a_correction())
    assert (answer.status_code, fields_of(answer)) == (422, {"record"})
    assert exact(api.get(f"/records/{record_id}"))["status"] == "ACTIVE"
