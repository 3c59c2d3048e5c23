"""The version and its day, on pages and in the API's document."""

from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.principals import from_elsewhere
from tests.web.pages import words
from webapp.version import RELEASED, VERSION

SHOWN = f"Version {VERSION}, {RELEASED}"


def test_the_foot_of_a_page_has_the_version_and_its_day(client: FlaskClient) -> None:
    for address in ("/", "/credits", "/nowhere"):
        assert SHOWN in words(client.get(address)), address


def test_strangers_are_not_told_the_version(ledger_app: Flask) -> None:
    client = from_elsewhere(ledger_app)
    for address in ("/setup", "/nowhere", "/sign-in"):
        assert VERSION not in client.get(address).get_data(as_text=True), address


def test_the_document_of_the_api_has_the_version_and_its_day(client: FlaskClient) -> None:
    info = client.get("/openapi.json").get_json()["info"]
    assert (info["version"], info["x-release-date"]) == (VERSION, RELEASED)
