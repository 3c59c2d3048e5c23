"""The database is locked, gone or full: writes get 503, reads go on, recovery needs no restart."""

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import submit
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from webapp.ledger import group_commit
from webapp.ledger.listing import list_events
from webapp.ledger.storage import engine
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.write_lock import FEED_LOCK

# Locks of another program on PostgreSQL with which neither credits nor sales can be recorded.
LOCKS = {
    "the feed": f"SELECT pg_advisory_xact_lock({FEED_LOCK})",
    "the log": "LOCK TABLE events IN SHARE MODE",
    "the positions": "LOCK TABLE feed IN SHARE MODE",
    "all that is derived": "LOCK TABLE credit_states IN EXCLUSIVE MODE",
}
CREDITS = "LOCK TABLE credits IN EXCLUSIVE MODE"
NEW = a_credit(serial_number="while locked")


class Disk:
    """Make the database fail as on a full disk."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw

    def fill(self) -> None:
        if self._raw.dialect == "sqlite":
            # A limit below the present number of pages means the present number.
            self._allow_pages(1)
            return
        self._raw.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; "
            "END $$"
        )
        self._raw.execute(
            "CREATE TRIGGER disk_full BEFORE INSERT ON feed FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

    def clear(self) -> None:
        if self._raw.dialect == "sqlite":
            self._allow_pages(2**30)
        else:
            self._raw.execute("DROP FUNCTION IF EXISTS refuse() CASCADE")

    @staticmethod
    def _allow_pages(number: int) -> None:
        # The limit applies to one connection. A test with one request at a time uses only one.
        with reading() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {number}")


def assert_come_back_later(answer: TestResponse) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("postgresql_server")
@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_a_writer_on_postgresql_does_not_wait_for_ever(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(group_commit, "WAIT_S", 0.5)
    monkeypatch.setattr(group_commit, "ATTEMPTS", 2)
    url = make_database("postgresql")
    with opened(url) as app, connected(url) as other:
        client, credit_id = app.test_client(), recorded()
        page = client.get(f"/credits/{credit_id}/sell")
        other.execute("BEGIN")
        other.execute(lock)
        assert_come_back_later(client.post("/records", json=NEW))
        assert_come_back_later(submit(client, page, f"/credits/{credit_id}/sell", buyer="Acme"))
        for address in ("/", "/credits", "/activity", f"/records/{credit_id}", "/events", "/credits.csv"):
            assert client.get(address, buffered=True).status_code == 200, address
        other.execute("ROLLBACK")
        assert client.post("/records", json=NEW).status_code == 201
        assert submit(client, page, f"/credits/{credit_id}/sell", buyer="Acme").status_code == 303
        assert len(list_events().items) == 3


@pytest.mark.usefixtures("postgresql_server")
def test_what_holds_up_new_credits_holds_up_no_sale(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "ATTEMPTS", 2)
    url = make_database("postgresql")
    with opened(url) as app, connected(url) as other:
        client, credit_id = app.test_client(), recorded()
        other.execute("BEGIN")
        other.execute(CREDITS)
        assert_come_back_later(client.post("/records", json=NEW))
        assert client.post(f"/records/{credit_id}/sell").status_code == 200
        other.execute("ROLLBACK")
        assert client.post("/records", json=NEW).status_code == 201


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_server_that_goes_away_and_comes_back_is_found_again(
    ledger_app: Flask, client: FlaskClient, database_url: str
) -> None:
    del ledger_app
    credit_id = recorded()
    page = client.get(f"/credits/{credit_id}/sell")
    url = make_url(database_url)
    with psycopg.connect(url.set(database="postgres").render_as_string(hide_password=False)) as server:
        server.autocommit = True
        server.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database]
        )
        for address in ("/", "/credits", f"/credits/{credit_id}", "/records", "/healthz", "/credits.csv"):
            assert_come_back_later(client.get(address))
        assert_come_back_later(client.post("/records", json=NEW))
        assert_come_back_later(submit(client, page, f"/credits/{credit_id}/sell", buyer="Acme"))
        server.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')
    assert submit(client, page, f"/credits/{credit_id}/sell", buyer="Acme").status_code == 303
    assert len(list_events().items) == 2


@pytest.fixture
def disk(raw: RawClient) -> Iterator[Disk]:
    """Return the disk of the test's database, and clear it at the end."""
    disk = Disk(raw)
    yield disk
    disk.clear()


def test_a_full_disk_refuses_writes_whole_and_is_well_again_without_a_restart(
    ledger_app: Flask, client: FlaskClient, disk: Disk
) -> None:
    credit_id = recorded()
    many = [a_credit(serial_number=f"S-{number}", project_name="x" * 300) for number in range(300)]
    disk.fill()
    answer = client.post("/records/imports", json=many)
    assert_come_back_later(answer)
    assert answer.get_json()["detail"] == "The disk of the database is full, so nothing was recorded."
    assert client.get(f"/credits/{credit_id}").status_code == 200
    assert client.get("/records").get_json()["items"][0]["id"] == credit_id
    assert len(list_events().items) == 1
    disk.clear()
    assert client.post("/records/imports", json=many).get_json()["written"] == 300
    done = ledger_app.test_cli_runner().invoke(args=["verify"])
    assert done.exit_code == 0, done.output
