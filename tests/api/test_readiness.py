"""Whether a process is ready: each check, and what its failure says."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from tests.api.conftest import DescribedClient, exact
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient, log_keys_of, opened
from tests.fixtures.principals import from_elsewhere
from webapp.ledger import group_commit, readiness
from webapp.ledger.background.worker import Worker
from webapp.ledger.storage import writable
from webapp.ledger.storage.engine import db
from webapp.ledger.transparency import signing


def failed(answer: TestResponse) -> dict[str, str]:
    """Return the reasons of the checks that failed, by their names."""
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    return {check["name"]: check["reason"] for check in exact(answer)["failed"]}


@pytest.fixture
def watched(ledger_app: Flask) -> Iterator[Worker]:
    """Return a worker that runs and is watched."""
    worker = Worker("checks", ledger_app.app_context, lambda _owner, _is_stopping: False, threading.Event())
    worker.start()
    readiness.watch(worker)
    yield worker
    worker.stop()
    readiness._threads.remove(worker)


@pytest.fixture
def file(database_url: str) -> Path:
    return Path(str(make_url(database_url).database))


@pytest.mark.usefixtures("watched")
def test_a_ledger_that_works_is_ready(api: FlaskClient) -> None:
    recorded()
    answer = api.get("/readyz")
    assert (answer.status_code, exact(answer)) == (200, {"status": "ready", "log": "signing"})


def test_everybody_may_ask(ledger_app: Flask) -> None:
    assert from_elsewhere(ledger_app).get("/readyz").status_code == 200


def test_a_thread_that_ended_is_named(api: FlaskClient, watched: Worker) -> None:
    watched.stop()
    assert failed(api.get("/readyz")) == {
        "threads": "Threads of the server have ended: worker of checks. Start it again."
    }


def test_a_writer_that_ended_is_named(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    monkeypatch.setattr(group_commit._queue_of(db.engine), "_thread", ended)
    assert failed(api.get("/readyz")) == {
        "writer": "The writer of this process has ended. Start the server again."
    }


def test_a_database_that_does_not_answer_fails_the_checks_that_need_it() -> None:
    with opened("postgresql://nobody@127.0.0.1:1/nothing") as app:
        app.test_client_class = DescribedClient
        found = failed(app.test_client().get("/readyz"))
    assert found == dict.fromkeys(("database", "writing"), "The database does not answer.")


def test_a_ledger_that_is_not_migrated_is_not_ready(api: FlaskClient, raw: RawClient) -> None:
    raw.execute("UPDATE alembic_version SET version_num = ?", "0001")
    assert "flask db upgrade" in failed(api.get("/readyz"))["database"]


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_read_only_database_is_not_ready(api: FlaskClient, raw: RawClient) -> None:
    name = db.engine.url.database
    raw.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    db.engine.dispose()
    found = failed(api.get("/readyz"))
    raw.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    db.engine.dispose()
    assert found == {"writing": "The database is read-only, so nothing can be recorded."}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_read_only_file_is_named(api: FlaskClient, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests may run as root, who may write everything but a read-only disk.
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != file and access(path, mode))
    assert failed(api.get("/readyz")) == {"writing": f"Nothing can be recorded: {file.name} is read-only."}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_full_disk_is_not_ready(api: FlaskClient, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(file)
    assert usage.free > writable.FREE_MIN_BYTES
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=writable.FREE_MIN_BYTES - 1))
    assert failed(api.get("/readyz")) == {
        "writing": "The disk of the database is full, so nothing can be recorded."
    }


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_asking_changes_nothing(api: FlaskClient, file: Path) -> None:
    before = file.read_bytes()
    api.get("/readyz")
    assert file.read_bytes() == before


def test_a_host_without_the_key_of_the_log_serves_and_says_so(api: FlaskClient, database_url: str) -> None:
    recorded()
    signing.sign()
    shutil.rmtree(log_keys_of(database_url))
    assert exact(api.get("/readyz")) == {"status": "ready", "log": "no key"}
