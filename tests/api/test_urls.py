"""Methods, trailing slashes and query parameters of every operation."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.conftest import PROBLEM, exact, fields_of
from tests.fixtures.credits import a_credit, recorded
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs

READ = ["/records", "/records/{id}", "/records/imports", "/records/imports/1", "/records/imports/1/rows"]
READ += ["/events", "/healthz", "/openapi.json", "/docs"]


@pytest.fixture(params=["sqlite"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Return one database: what a URL means is decided before it is asked."""
    return str(request.param)


@pytest.fixture
def record_id(ledger_app: Flask) -> str:
    """Record a credit and receive an import. Returns the credit's id; that of the import is 1."""
    assert ledger_app.testing
    jobs.receive(b"[1]", "rows.json", LOCAL)
    return recorded()


@pytest.mark.parametrize("address", READ)
def test_a_trailing_slash_changes_nothing(api: FlaskClient, record_id: str, address: str) -> None:
    plain = address.format(id=record_id)
    assert api.get(plain).status_code == api.get(f"{plain}/").status_code == 200
    if address != "/docs":
        assert api.get(plain).data == api.get(f"{plain}/").data.replace(b"/?", b"?")


@pytest.mark.parametrize("address", READ)
def test_head_is_get_without_a_body(api: FlaskClient, record_id: str, address: str) -> None:
    plain = address.format(id=record_id)
    head, get = api.head(plain), api.get(plain)
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_writes_take_a_trailing_slash(api: FlaskClient) -> None:
    answer = api.post("/records/", json=a_credit())
    assert answer.status_code == 201
    address = answer.headers["Location"]
    assert api.post(f"{address}/sell/").status_code == 200
    assert api.post(f"{address}/retire/").status_code == 200
    assert api.post("/records/imports/", json=[a_credit()]).status_code == 202


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("DELETE", "/records", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PUT", "/records/{id}", {"GET", "HEAD", "OPTIONS"}),
        ("PATCH", "/records/{id}", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/records/{id}", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/records/{id}/retire", {"OPTIONS", "POST"}),
        ("GET", "/register/", {"OPTIONS", "POST"}),
        ("POST", "/events", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/records/imports", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_another_method_is_405_with_the_allowed_methods(
    api: FlaskClient, record_id: str, method: str, address: str, allowed: set[str]
) -> None:
    answer = api.open(address.format(id=record_id), method=method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert exact(answer)["status"] == 405


@pytest.mark.parametrize(
    "address", ["/records/a/b", "/records/a/sell/c", "/events/1", "/records/imports/1/2"]
)
def test_an_unknown_url_is_404_as_a_problem_document(empty_api: FlaskClient, address: str) -> None:
    answer = empty_api.get(address)
    assert answer.status_code == 404
    assert answer.mimetype == PROBLEM


@pytest.mark.parametrize("address", ["/records/{id}", "/records/imports/1", "/records/imports"])
def test_an_unknown_parameter_of_a_read_is_named(api: FlaskClient, record_id: str, address: str) -> None:
    assert fields_of(api.get(f"{address.format(id=record_id)}?expand=1")) == {"expand"}


@pytest.mark.parametrize("address", ["/records", "/register/", "/records/{id}/sell", "/records/{id}/retire"])
def test_an_unknown_parameter_of_a_write_is_named(api: FlaskClient, record_id: str, address: str) -> None:
    answer = api.post(f"{address.format(id=record_id)}?dry_run=1", json={})
    assert fields_of(answer) == {"dry_run"}
