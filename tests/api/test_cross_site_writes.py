"""A write that a page of another site causes in a browser records nothing."""

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import a_credit, recorded
from webapp.ledger.listing import list_events

FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "https://localhost"},
    {"Origin": "http://localhost:81"},
    {"Origin": "http://localhost.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
]
OWN = [
    {},
    {"Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_write_from_another_site_is_403_and_records_nothing(
    api: FlaskClient, headers: dict[str, str]
) -> None:
    record_id = recorded()
    other = a_credit(serial_number="2")
    for address, body in (
        ("/records", other),
        ("/register/", other),
        (f"/records/{record_id}/sell", {}),
        (f"/records/{record_id}/retire", {}),
        ("/records/imports", [other]),
    ):
        assert api.post(address, json=body, headers=headers).status_code == 403
    assert len(list_events().items) == 1
    assert exact(api.get("/records/imports"))["items"] == []


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_a_write_from_a_program_or_from_our_own_page_is_done(
    api: FlaskClient, headers: dict[str, str]
) -> None:
    assert api.post("/records", json=a_credit(), headers=headers).status_code == 201


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_reading_is_not_a_write(empty_api: FlaskClient, headers: dict[str, str]) -> None:
    answer = empty_api.get("/records", headers=headers)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
