"""Bulk inserts store the same values and raise the same errors as single inserts."""

import json

import pytest
from sqlalchemy.exc import IntegrityError

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import RawClient
from tests.imports.sources import json_source, meaning
from tests.ledger.audit.tampering import findings
from webapp.accounts.actors import LOCAL
from webapp.domain.event import Event, created_event, time_text
from webapp.imports import jobs
from webapp.ledger import clock, event_log
from webapp.ledger.group_commit import Transaction, transact
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.engine import db
from webapp.ledger.storage.projection_tables import registries

pytestmark = pytest.mark.usefixtures("ledger_app")

INSERT = "INSERT INTO registries (registry_key, name) VALUES (?, ?)"
NAMES = ["\\N", "\\", "a\\tb", "\\.", '"quoted"', "100%s {x} :y", "風\u2028力", "'; --", "Ł\u0301"]


@pytest.mark.parametrize("number", [2, 60])
def test_texts_are_inserted_unchanged(number: int, raw: RawClient) -> None:
    rows = [(f"{n}", NAMES[n % len(NAMES)]) for n in range(number)]
    transact(lambda connection: insert_rows(connection, registries, INSERT, rows))
    assert sorted(raw.execute("SELECT registry_key, name FROM registries")) == sorted(rows)


@pytest.mark.parametrize("number", [2, 60])
def test_a_row_that_is_refused_refuses_all_of_them(number: int, raw: RawClient) -> None:
    rows = [(f"{n}", "VCS") for n in range(number)]
    with pytest.raises(IntegrityError), db.engine.begin() as connection:
        insert_rows(connection, registries, INSERT, [*rows, rows[0]])
    assert raw.execute("SELECT * FROM registries") == []


def test_a_large_import_without_serial_numbers_is_sound() -> None:
    rows = [a_credit(project_name=f"{NAMES[n % len(NAMES)]} {n}", serial_number=None) for n in range(120)]
    view = jobs.write(jobs.receive(json.dumps(rows).encode(), "rows.json", LOCAL).import_id, actor=LOCAL).view
    assert view.written == 120
    assert findings() == []


def events_of(*rows: dict[str, object]) -> list[Event]:
    """Return the CREATED events of rows."""
    now = time_text(clock.now())
    return [created_event(row.credit, LOCAL, now) for row in meaning(json_source(*rows)) if row.credit]


def test_a_large_append_that_lost_a_race_raises_integrity_error(raw: RawClient) -> None:
    recorded()
    late = events_of(*(a_credit(serial_number=f"VCS-{n:04}") for n in range(1, 101)))
    with pytest.raises(IntegrityError), db.engine.begin() as connection:
        event_log.append(Transaction(connection), late)
    assert raw.execute("SELECT count(*) FROM events") == [(1,)]
