"""Responses when the ledger is unavailable: health check, 503 and bugs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import DescribedClient, exact
from tests.fixtures.blocks import INSIDE, a_block
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import RawClient, opened
from webapp.accounts.actors import LOCAL
from webapp.api import health
from webapp.domain.errors import LedgerBusy, LedgerUnavailable
from webapp.ledger import commands, queries


@pytest.fixture
def unmigrated(tmp_path: Path) -> Iterator[FlaskClient]:
    with opened(f"sqlite:///{tmp_path / 'empty.sqlite3'}") as app:
        app.test_client_class = DescribedClient
        yield app.test_client()


@pytest.fixture
def unreachable() -> Iterator[FlaskClient]:
    with opened("postgresql://nobody@127.0.0.1:1/nothing") as app:
        app.test_client_class = DescribedClient
        yield app.test_client()


def test_a_working_ledger_is_healthy(api: FlaskClient) -> None:
    answer = api.get("/healthz")
    assert (answer.status_code, exact(answer)) == (200, {"status": "ok"})


@pytest.mark.parametrize("address", ["/healthz", "/records", "/events", f"/records/{'0' * 64}"])
def test_an_unmigrated_database_is_503_and_the_command_is_named(
    unmigrated: FlaskClient, address: str
) -> None:
    answer = unmigrated.get(address)
    assert answer.status_code == 503
    assert "flask db upgrade" in exact(answer)["detail"]


@pytest.mark.parametrize(
    ("revision", "said"),
    [("0001", "Run: flask db upgrade"), ("9999", "to revision 9999")],
)
def test_a_ledger_on_the_schema_of_another_version_is_unhealthy(
    api: FlaskClient, raw: RawClient, revision: str, said: str
) -> None:
    raw.execute("UPDATE alembic_version SET version_num = ?", revision)
    answer = api.get("/healthz")
    assert answer.status_code == 503
    assert said in exact(answer)["detail"]


@pytest.mark.parametrize("address", ["/healthz", "/records", "/events"])
def test_a_database_that_does_not_answer_is_503(unreachable: FlaskClient, address: str) -> None:
    answer = unreachable.get(address)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_without_a_database_the_document_is_not_given_either(unreachable: FlaskClient) -> None:
    answer = unreachable.get("/openapi.json")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_busy_ledger_is_503_with_retry_after(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise LedgerBusy("The database is locked by another writer. Please try again.")

    monkeypatch.setattr(commands, "create_credit", busy)
    answer = api.post("/records", json=a_credit())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"


def test_a_database_that_goes_away_makes_the_ledger_unhealthy(
    api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise LedgerUnavailable("The database does not answer. Nothing was recorded.")

    monkeypatch.setattr(health, "ping", away)
    assert api.get("/healthz").status_code == 503


def test_a_bug_is_a_problem_document_without_internals(
    api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(commands, "create_credit", broken)
    api.application.testing = False
    answer = api.post("/records", json=a_credit())
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_a_refusal_is_still_answered_when_its_lots_cannot_be_read(
    api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise LedgerUnavailable("The database does not answer. Nothing was recorded.")

    whole = recorded()
    commands.split_credit(whole, {"quantities": ["25", "75"]}, LOCAL)
    monkeypatch.setattr(queries, "lots_of", away)
    answer = api.post(f"/records/{whole}/retire")
    assert (answer.status_code, exact(answer)["record_status"]) == (409, "SPLIT")
    assert "lots" not in exact(answer)


def test_a_refusal_is_still_answered_when_its_holder_cannot_be_read(
    api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise LedgerUnavailable("The database does not answer. Nothing was recorded.")

    holder = recorded(**a_block())
    monkeypatch.setattr(queries, "credit", away)
    answer = api.post("/records", json=a_credit(quantity=50, serial_number=INSIDE))
    assert (answer.status_code, exact(answer)["holder"]) == (409, holder)
    assert "split" not in exact(answer)
