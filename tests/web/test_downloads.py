"""Lists as files: what a row has, and that a file of credits comes back in as nothing new."""

import json

import pytest
from flask.testing import FlaskClient

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded, recorded_with_facts, sold
from webapp.accounts.actors import LOCAL
from webapp.domain.event import ACT_KEY
from webapp.imports import jobs, views
from webapp.ledger import commands, listing
from webapp.ledger.search.credit_filter import CreditFilter

HOSTILE = "Forest;=cmd|' /C calc'!A0;@x"


def file_of(client: FlaskClient, address: str) -> bytes:
    answer = client.get(address, buffered=True)
    assert answer.status_code == 200, answer.text
    content: bytes = answer.data
    return content


def objects(client: FlaskClient, address: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(file_of(client, address))
    return found


def a_ledger_of_every_kind() -> None:
    """Record sold, retired, split, amended and replaced credits, some with facts and hostile names."""
    recorded_with_facts(serial_number="F-1", project_name=HOSTILE)
    sold(serial_number="=1+1", quantity="10.5")
    whole = recorded(serial_number="GS1-1-KE-GS1-16-2021-3-1-100", vintage="2021")
    commands.retire_credit(whole, {"quantity": "40", "beneficiary": HOSTILE, "reason": "'=x"}, LOCAL)
    wrong = recorded(serial_number="W-1")
    values = {"project_name": "Right", "registry": "VCS", "vintage": "2023", "quantity": "3"}
    commands.correct_credit(wrong, values, {"reason": "wrong"}, LOCAL)


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_a_file_of_credits_comes_back_in_as_nothing_new(client: FlaskClient, file_format: str) -> None:
    a_ledger_of_every_kind()
    events = len(listing.list_events().items)
    content = file_of(client, f"/credits.{file_format}")
    found = views.find(jobs.receive(content, f"credits.{file_format}", LOCAL).import_id)
    assert (found.total, found.existing, found.not_recorded) == (5, 5, ())
    assert list(found.summary.kinds) == ["existing"]
    assert len(listing.list_events().items) == events


def test_a_row_has_all_that_it_means(client: FlaskClient) -> None:
    credit_id = recorded_with_facts(serial_number="F-1", quantity="7.25")
    details = {"beneficiary": "Acme", "occurred_on": "2026-03-01", "reason": "Flights", "reference": "R 1"}
    commands.retire_credit(credit_id, details, LOCAL)
    amended = {"amends": 2, "reason": "Flights of 2025"}
    commands.amend_credit(credit_id, amended, LOCAL)
    (row,) = objects(client, "/credits.json")
    assert row["id"] == credit_id
    assert row["quantity"] == 7.25
    assert {name: row[name] for name in details} == {**details, "reason": "Flights of 2025"}
    assert row["project_id"]
    _, retirement, creation = objects(client, "/activity.json")
    assert (retirement["reason"], retirement["occurred_on"]) == ("Flights", "2026-03-01")
    for event in (retirement, creation):
        assert [event[name] for name in ("registry", "vintage", "serial_number", "project_id", ACT_KEY)] == [
            *(row[name] for name in ("registry", "vintage", "serial_number", "project_id")),
            None,
        ]


def test_imports_and_registries_are_files_too(client: FlaskClient) -> None:
    recorded(quantity="5")
    content = b"project_name,registry,vintage,quantity\nP,VCS,2023,1\n"
    jobs.import_now(content, "rows.csv", LOCAL)
    (found,) = objects(client, "/imports.json")
    assert (found["filename"], found["written"]) == ("rows.csv", 1)
    (registry,) = objects(client, "/registries.json")
    assert (registry["name"], registry["active_credits"], registry["active_tonnes"]) == ("VCS", 2, 6)
    assert file_of(client, "/registries.csv").startswith(b"\xef\xbb\xbfname,display_name,")


def test_a_file_is_named_by_its_filter_and_day(client: FlaskClient, set_clock: SetClock) -> None:
    del set_clock
    for address, name in {
        "/credits.csv?vintage=2024&status=active": "credits-active-2024-2026-11-20.csv",
        "/credits.json?q=Ñandú/../": "credits-nandu-2026-11-20.json",
        "/activity.json?type=retired": "activity-retired-2026-11-20.json",
        "/imports.csv": "imports-2026-11-20.csv",
    }.items():
        headers = client.get(address, buffered=True).headers
        assert headers["Content-Disposition"] == f"attachment; filename={name}"


def test_an_empty_list_is_a_file(client: FlaskClient) -> None:
    assert objects(client, "/credits.json") == []
    assert listing.list_credits(CreditFilter()).items == []
