"""The `message` beside the record, in the answer to an act."""

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.write_requests import CALLS

MESSAGES = {
    "create_record": "Record created",
    "create_record_by_older_name": "Record created",
    "sell_record": "Record sold",
    "reverse_sale": "Sale reversed",
    "amend_record": "Record amended",
    "retire_record": "Record retired",
    "split_record": "Record split",
    "cancel_record": "Record cancelled",
    "correct_record": "Record corrected",
}


@pytest.mark.parametrize(
    "endpoint", [endpoint for endpoint in CALLS if endpoint.partition(".")[2] in MESSAGES]
)
def test_an_act_and_its_replay_say_what_was_done(api: FlaskClient, endpoint: str) -> None:
    call = CALLS[endpoint]
    place = call.prepare()
    answers = [call.send(api, place, "k") for _ in range(2)]
    message = MESSAGES[endpoint.partition(".")[2]]
    assert [exact(answer)["message"] for answer in answers] == [message, message]


def test_a_record_that_exists_is_said_to_exist(api: FlaskClient) -> None:
    recorded()
    assert exact(api.post("/records", json=a_credit()))["message"] == "Record already exists"


def test_a_record_that_is_read_has_no_message(api: FlaskClient) -> None:
    assert "message" not in exact(api.get(f"/records/{recorded()}"))
