"""ETag and If-Match: an action can require that the record has not changed."""

from collections.abc import Callable, Mapping

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit, recorded, retired, sold
from webapp.ledger.listing import list_events

# Every action, with a body that succeeds.
ACTS: Mapping[str, dict[str, object]] = {
    "sell": {},
    "retire": {},
    "split": {"quantities": [40, 60]},
    "cancel": {"reason": "wrong"},
    "correct": {"reason": "wrong", "record": a_credit(vintage="2022")},
}

every_act = pytest.mark.parametrize("act", ACTS)
# How a header is written does not depend on the database.
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"])


def act_on(api: FlaskClient, record_id: str, act: str, if_match: str, **more: str) -> TestResponse:
    headers = {"If-Match": if_match, **more}
    return api.post(f"/records/{record_id}/{act}", json=ACTS[act], headers=headers)


@pytest.mark.parametrize(("record", "tag"), [(recorded, '"1"'), (sold, '"2"'), (retired, '"2"')])
def test_the_tag_of_a_record_is_the_number_of_its_last_event(
    api: FlaskClient, record: Callable[[], str], tag: str
) -> None:
    assert api.get(f"/records/{record()}").headers["ETag"] == tag


def test_a_write_returns_the_tag_of_its_record(api: FlaskClient) -> None:
    created = api.post("/records", json=a_credit())
    path = f"/records/{exact(created)['id']}"
    sale, retirement = api.post(f"{path}/sell"), api.post(f"{path}/retire")
    assert [answer.headers["ETag"] for answer in (created, sale, retirement)] == ['"1"', '"2"', '"3"']


def test_an_action_on_a_part_returns_the_tag_of_the_lot(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/retire", json={"quantity": 1})
    lot = exact(answer)
    assert answer.headers["ETag"] == api.get(f"/records/{lot['id']}").headers["ETag"] == '"3"'


@on_sqlite
@every_act
@pytest.mark.parametrize("if_match", ['"1"', "*", '"7", "1"', 'W/"9","1"'])
def test_an_action_with_a_current_tag_is_done(api: FlaskClient, act: str, if_match: str) -> None:
    assert act_on(api, recorded(), act, if_match).status_code in {200, 201}


@on_sqlite
@every_act
@pytest.mark.parametrize("if_match", ['"2"', '"0"', '"01"', 'W/"1"', '"another"', '""', '"2", "3"'])
def test_an_action_with_an_old_tag_is_refused_with_the_last_event(
    api: FlaskClient, act: str, if_match: str
) -> None:
    record_id = recorded()
    answer = act_on(api, record_id, act, if_match)
    assert answer.status_code == 412
    assert exact(answer)["seq"] == 1
    assert exact(answer)["record_url"] == f"/records/{record_id}"
    assert len(list_events().items) == 1


@on_sqlite
@pytest.mark.parametrize(
    "if_match", ["", "3", '"3', "3, 4", "**", '*, "1"', '"1" "2"', ',"1"', '"\x7f"', '"é"']
)
def test_an_invalid_if_match_is_refused(api: FlaskClient, if_match: str) -> None:
    assert fields_of(act_on(api, recorded(), "retire", if_match)) == {"If-Match"}
    assert fields_of(act_on(api, recorded(), "correct", if_match)) == {"If-Match"}
    assert len(list_events().items) == 1


@on_sqlite
@every_act
def test_the_error_of_an_invalid_if_match_names_the_header(api: FlaskClient, act: str) -> None:
    assert fields_of(act_on(api, recorded(), act, "3")) == {"If-Match"}


def test_an_old_tag_is_412_before_the_status_is_409(api: FlaskClient) -> None:
    answer = act_on(api, retired(), "retire", '"1"')
    assert (answer.status_code, exact(answer)["seq"]) == (412, 2)


def test_a_current_tag_does_not_allow_what_the_status_forbids(api: FlaskClient) -> None:
    assert act_on(api, retired(), "retire", '"2"').status_code == 409


def test_a_tag_for_an_unknown_record_is_404(api: FlaskClient) -> None:
    assert act_on(api, "0" * 64, "retire", "*").status_code == 404


def test_a_replay_with_an_old_tag_returns_the_first_answer(api: FlaskClient) -> None:
    record_id = recorded()
    first, again = (act_on(api, record_id, "sell", '"1"', **{"Idempotency-Key": "k"}) for _ in range(2))
    assert (again.status_code, exact(again)) == (200, exact(first))
    assert again.headers["ETag"] == '"2"'
