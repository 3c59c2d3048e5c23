"""A foreign host name that resolves to this machine is refused."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.fixtures.ledger import SECRET_KEY, migrate
from webapp import create_app
from webapp.config import Settings


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    url = f"sqlite:///{tmp_path_factory.mktemp('names') / 'ledger.sqlite3'}"
    migrate(url)
    return create_app(Settings(url, SECRET_KEY, frozenset({"ledger.example.org"}))).test_client()


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "10.1.2.3", "ledger.example.org:443"],
)
def test_localhost_addresses_and_trusted_names_are_ours(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "ledger.example.org.evil", "1"],
)
def test_a_request_for_another_name_is_refused(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 400


def test_a_site_that_leads_its_name_here_records_nothing(client: FlaskClient) -> None:
    forged = {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
    body = {"project_name": "a", "registry": "b", "vintage": 2020, "quantity": 1}
    assert client.post("/records", json=body, headers=forged).status_code == 400
    assert client.get("/records").get_json()["items"] == []


def test_the_refusal_of_a_page_is_a_page_that_names_the_setting(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "TRUSTED_HOSTS" in answer.text


def test_the_trusted_names_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'a.sqlite3'}")
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("TRUSTED_HOSTS", "One.example, two.example")
    monkeypatch.setenv("HOST", "three.example")
    names = Settings.from_environment().trusted_hosts
    assert names == {"one.example", "two.example", "three.example"}


@pytest.mark.parametrize("url", ["postgresql://u:p@h:abc/x", "postgresql://u@[::1/x"])
def test_a_malformed_database_address_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SystemExit, match="DATABASE_URL: "):
        Settings.from_environment()
