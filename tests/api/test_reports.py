"""Yearly reports as data. The client compares every answer with the OpenAPI document."""

import json

from flask.testing import FlaskClient

from tests.reports.ledger import a_year, change_later

YEAR = "year=2025&party=Acme+Airlines"


def read(client: FlaskClient, address: str) -> bytes:
    with client.get(address) as answer:
        assert answer.status_code == 200
        return bytes(answer.data)


def test_a_report_is_read_and_compared_by_its_address(client: FlaskClient) -> None:
    ids = a_year()
    first = read(client, f"/reports/esrs-e1-7.json?{YEAR}")
    change_later(ids)
    data = json.loads(first)
    assert (data["tonnes"], data["retirements"], data["changes"]) == ("1000", 5, None)
    address = data["address"].replace("?", ".json?", 1)
    assert read(client, address) == first
    anew = json.loads(read(client, f"/reports/esrs-e1-7.json?{YEAR}&compared_with={data['known_at']}"))
    for kind in ("hsc-44475-1", "yearly"):
        read(client, f"/reports/{kind}.json?{YEAR}&compared_with={data['known_at']}")
    assert [section["name"] for section in anew["changes"]] == [
        "changes",
        "left",
        "entered",
        "late",
        "restated",
    ]


def test_what_is_missing_or_unknown_is_named(client: FlaskClient) -> None:
    answer = client.get("/reports/yearly.json?year=25")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == ["year", "party"]
    assert client.get(f"/reports/other.json?{YEAR}").status_code == 404
