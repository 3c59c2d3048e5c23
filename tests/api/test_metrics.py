"""Metrics for Prometheus: who may read them, and what they say."""

import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import exact
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import SECRET_KEY, MakeDatabase, log_keys_of, opened
from tests.fixtures.principals import from_elsewhere
from webapp import create_app
from webapp.accounts.actors import LOCAL
from webapp.config import BadSetting, Settings
from webapp.ledger import clock, integrity
from webapp.ledger.storage.engine import db
from webapp.ledger.transparency.signing import sign

TOKEN = "of-prometheus-" + "0" * 32
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(client: FlaskClient) -> Samples:
    """Return every sample of /metrics by its name and labels."""
    text = client.get("/metrics").get_data(as_text=True)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests(found: Samples, **labels: str) -> float:
    return found.get(("ledger_request_seconds_count", tuple(sorted(labels.items()))), 0)


@pytest.fixture
def with_token(make_database: MakeDatabase) -> Iterator[FlaskClient]:
    """Return a client of an application that has a token for metrics."""
    app = create_app(Settings(make_database("sqlite"), SECRET_KEY, metrics_token=TOKEN))
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


def test_this_machine_reads_metrics(api: FlaskClient) -> None:
    answer = api.get("/metrics")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")


def test_another_machine_does_not(ledger_app: Flask) -> None:
    assert from_elsewhere(ledger_app).get("/metrics").status_code == 404


def test_another_machine_reads_them_with_the_token(with_token: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert with_token.get("/metrics", headers=headers, environ_base=ELSEWHERE).status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer \u00e9"]
)
def test_another_token_is_of_no_use(with_token: FlaskClient, header: str) -> None:
    answer = with_token.get("/metrics", headers={"Authorization": header}, environ_base=ELSEWHERE)
    assert answer.status_code == 404


def test_without_a_setting_no_token_is_accepted(ledger_app: Flask) -> None:
    for header in ("Bearer", "Bearer ", "Bearer x"):
        answer = from_elsewhere(ledger_app).get("/metrics", headers={"Authorization": header})
        assert answer.status_code == 404


@pytest.mark.parametrize("given", ["short", "x" * 31, "two words " * 4, "\u00e9" * 32])
def test_a_token_that_is_short_or_not_ascii_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("METRICS_TOKEN", given)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    with pytest.raises(BadSetting, match="METRICS_TOKEN: must have at least 32 characters"):
        Settings.from_environment()


def test_the_settings_do_not_show_the_token() -> None:
    assert TOKEN not in repr(Settings("sqlite:///x", SECRET_KEY, metrics_token=TOKEN))


def test_requests_are_counted_by_route_method_and_class_of_status(api: FlaskClient) -> None:
    before = samples(api)
    credit_id = exact(api.post("/records", json=a_credit()))["id"]
    api.get(f"/records/{credit_id}")
    api.get(f"/records/{'0' * 64}")
    api.get("/records/none/none")
    api.open("/healthz", method="DELETE")
    found = samples(api)
    for labels in (
        {"endpoint": "api_records.create_record", "method": "POST", "status": "2xx"},
        {"endpoint": "api_records.get_record", "method": "GET", "status": "2xx"},
        {"endpoint": "api_records.get_record", "method": "GET", "status": "4xx"},
        {"endpoint": "none", "method": "GET", "status": "4xx"},
        {"endpoint": "none", "method": "none", "status": "4xx"},
    ):
        assert requests(found, **labels) == requests(before, **labels) + 1, labels


def test_a_static_file_is_counted_as_one(client: FlaskClient) -> None:
    labels = {"endpoint": "static", "method": "GET", "status": "2xx"}
    before = requests(samples(client), **labels)
    client.get("/static/js/app.js").close()
    assert requests(samples(client), **labels) == before + 1


def test_metrics_contain_no_ids_and_no_names(api: FlaskClient) -> None:
    body = a_credit(project_name="Nobody's Wetland", serial_number="XY-1")
    credit_id = exact(api.post("/records", json=body))["id"]
    api.get(f"/records/{credit_id}")
    api.get("/records?q=wetland")
    text = api.get("/metrics").get_data(as_text=True)
    assert "ledger_request_seconds_count" in text
    assert not re.search(f"{credit_id}|wetland|XY-1|local", text, re.IGNORECASE)


def test_groups_of_the_writer_are_counted_by_their_size(api: FlaskClient) -> None:
    before = samples(api)
    recorded()
    found = samples(api)
    for name in ("ledger_write_group_size_count", "ledger_write_group_size_sum"):
        assert found[name, ()] == before.get((name, ()), 0) + 1
    assert found["ledger_write_queue_depth", ()] == 0


def test_the_size_of_the_log_is_given(api: FlaskClient) -> None:
    assert samples(api)["ledger_log_events", ()] == 0
    recorded()
    assert samples(api)["ledger_log_events", ()] == 1


def test_jobs_that_wait_are_counted(api: FlaskClient) -> None:
    waiting = ("ledger_check_jobs", (("state", "waiting"),))
    assert samples(api)[waiting] == 0
    integrity.start_check(LOCAL)
    found = samples(api)
    assert found[waiting] == 1
    assert found["ledger_check_jobs", (("state", "running"),)] == 0
    assert found["ledger_import_jobs", (("state", "waiting"),)] == 0


def test_the_age_of_the_last_checkpoint_is_given(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    name = ("ledger_checkpoint_age_seconds", (("tree", "events"),))
    recorded()
    assert name not in samples(api)
    signed = sign()
    assert signed
    later = datetime.fromisoformat(signed.signed_at) + timedelta(seconds=90)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert samples(api)[name] == 90


def test_whether_this_host_signs_is_given_for_each_tree(api: FlaskClient, database_url: str) -> None:
    both = [("ledger_signing", (("tree", tree),)) for tree in ("events", "accounts")]
    sign()
    assert [samples(api)[each] for each in both] == [1, 1]
    shutil.rmtree(log_keys_of(database_url))
    assert [samples(api)[each] for each in both] == [0, 0]


def test_a_database_that_does_not_answer_is_a_metric_too() -> None:
    with opened("postgresql://nobody@127.0.0.1:1/nothing") as app:
        found = samples(app.test_client())
    assert found["ledger_database_up", ()] == 0
    assert not any(name == "ledger_log_events" for name, _ in found)
