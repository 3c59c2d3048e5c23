"""Migration 0009 keeps every byte of the log of a filled ledger, and all that it displays."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask_migrate import upgrade

from migrations.table_moves import Database, Row
from tests.fixtures.clock import SetClock
from tests.fixtures.empty_databases import EmptyDatabases, OldLedger
from tests.fixtures.ledger import RawClient, connected, opened
from tests.ledger.audit.tampering import findings, unguarded
from tests.ledger.invariants import derived
from tests.ledger.storage.revision_0008 import DIGEST, EVENTS, PART, PLAIN, REST, WHOLE, fill, rows
from tests.ledger.storage.rows_before_0009 import old_event_row, old_next_event
from tests.ledger.storage.test_migrations import schema_of
from tests.ledger.triggers.rows import insert, log_of
from webapp.config import ROOT
from webapp.ledger import archive, clock

pytestmark = pytest.mark.slow


OLD_TABLES = {
    "credits": "id",
    "events": "credit_id, seq",
    "splits": "credit_id",
    "feed": "position",
    "idempotency_keys": "actor, key",
}


@dataclass(frozen=True)
class Old:
    """A ledger of revision 0008, and a bare client of it."""

    url: str
    raw: RawClient

    def upgrade(self) -> None:
        with opened(self.url):
            upgrade()

    def rows(self) -> dict[str, object]:
        """Return the contents that must be unchanged if the migration fails."""
        return {
            "revision": self.raw.execute("SELECT version_num FROM alembic_version"),
            "schema": schema_of(self.raw),
            **{
                name: self.raw.execute(f"SELECT * FROM {name} ORDER BY {key}")
                for name, key in OLD_TABLES.items()
            },
        }


def tamper(raw: RawClient, statement: str) -> None:
    """Execute a statement that the triggers and constraints would refuse."""
    if raw.dialect == "postgresql":
        raw.execute("ALTER TABLE events DROP CONSTRAINT ck_events_body_agrees")
        raw.execute("ALTER TABLE events DROP CONSTRAINT fk_events_credit_id")
    with unguarded(raw):
        raw.execute(statement)


@pytest.fixture
def old(old_ledger: OldLedger) -> Iterator[Old]:
    url = old_ledger("0008", fill)
    with connected(url) as raw:
        yield Old(url, raw)


# What is moved


def test_every_byte_of_the_log_is_moved(old: Old) -> None:
    old.upgrade()
    events = old.raw.execute(
        "SELECT id, seq, type, hash, body FROM events JOIN credits ON key = subject ORDER BY id, seq"
    )
    before = sorted(
        (row["credit_id"], row["seq"], row["type"], row["hash"], row["body"]) for row in rows()["events"]
    )
    assert [(row[0].hex(), *row[1:3], row[3].hex(), row[4]) for row in events] == before
    feed = old.raw.execute(
        "SELECT position, id, seq, type FROM feed JOIN credits ON key = subject ORDER BY position"
    )
    assert [(position, credit_id.hex(), *rest) for position, credit_id, *rest in feed] == [
        (row["position"], row["credit_id"], row["seq"], row["type"]) for row in rows()["feed"]
    ]
    splits = old.raw.execute("SELECT id, envelope FROM splits JOIN credits ON key = subject")
    assert sorted((credit_id.hex(), envelope) for credit_id, envelope in splits) == sorted(
        (row["credit_id"], row["envelope"]) for row in rows()["splits"]
    )


def test_the_migrated_schema_equals_that_of_a_new_ledger(old: Old, raw: RawClient) -> None:
    old.upgrade()
    assert schema_of(old.raw) == schema_of(raw)


def test_the_migration_prints_counts_and_digest(old: Old, capsys: pytest.CaptureFixture[str]) -> None:
    old.upgrade()
    said = capsys.readouterr().out
    assert "Moved 22 credits and 38 events" in said
    assert f"events: {EVENTS}\ndigest: {DIGEST}\n" in said
    assert "needs" in said.splitlines()[0]


def test_an_empty_ledger_is_migrated_silently(
    empty: EmptyDatabases, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(empty.make("fresh")):
        upgrade()
    assert capsys.readouterr().out == ""


def test_credits_have_their_keys_in_the_order_of_the_feed(old: Old) -> None:
    old.upgrade()
    created = [row["credit_id"] for row in rows()["feed"] if row["type"] == "CREATED"]
    keyed = old.raw.execute("SELECT key, id FROM credits ORDER BY key")
    assert [(key, credit_id.hex()) for key, credit_id in keyed] == list(enumerate(created, start=1))


def test_from_the_next_position_on_the_feed_is_in_order_of_time(old: Old) -> None:
    old.upgrade()
    assert old.raw.execute("SELECT * FROM log_marks") == [("in_order_of_time", EVENTS + 1)]


def test_the_migrated_projections_equal_rebuilt_ones(old: Old) -> None:
    old.upgrade()
    with opened(old.url):
        moved = derived()
        archive.rebuild()
        assert derived() == moved


def test_the_credits_are_found_by_their_words(old: Old) -> None:
    old.upgrade()
    with opened(old.url) as app:
        found = app.test_client().get("/records?q=carbon").get_json()["items"]
    assert [record["id"] for record in found] == [PLAIN]


def test_the_holder_of_a_serial_number_in_an_import_is_still_named(old: Old) -> None:
    old.upgrade()
    found = old.raw.execute("SELECT holder FROM import_problems ORDER BY number")
    assert [holder.hex() for (holder,) in found] == [row["holder"] for row in rows()["import_problems"]]


# What was kept of requests with a key

OUTCOMES = {
    "call api create": ("create", 201, 1, 1),
    "call api create again": ("create", 200, 1, 1),
    "call api retire part": ("retire", 200, 2, 5),
    "call api sell": ("sell", 200, 1, 7),
    "call api split": ("split", 201, 1, 12),
    "call api cancel": ("cancel", 200, 1, 20),
    "call api correct": ("correct", 201, 1, 23),
    "call api import": ("import receive", 200, 1, 38),
}
# Of forms, in the order in which they were sent: the last but two was htmx's.
FORM_OUTCOMES = [
    ("create", 201, 1, 25),
    ("create", 201, 1, 26),
    ("retire", 200, 2, 30),
    ("sell", 200, 2, 34),
    ("split", 201, 1, 37),
    ("import receive", 200, 1, 38),
    ("import receive", 200, 1, 38),
]


def test_idempotency_results_are_read_from_the_old_responses(old: Old) -> None:
    old.upgrade()
    kept = {
        key: (kind, status, len(json.loads(ids)), position)
        for key, kind, status, ids, position in old.raw.execute(
            "SELECT key, kind, status, ids, position FROM idempotency_keys ORDER BY made_at"
        )
    }
    assert {key: kept[key] for key in OUTCOMES} == OUTCOMES
    assert [kept[key] for key in kept if key not in OUTCOMES] == FORM_OUTCOMES


def test_a_retirement_of_a_part_that_is_sent_again_over_an_upgrade_is_not_done_twice(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept,) = (row for row in rows()["idempotency_keys"] if row["key"] == "call api retire part")
    soon = SetClock()
    soon.moment = soon.moment.fromisoformat(kept["made_at"])
    soon.go(minutes=5)
    monkeypatch.setattr(clock, "now", soon)
    old.upgrade()
    before = log_of(old.raw)
    with opened(old.url) as app:
        answer = app.test_client().post(
            f"/records/{WHOLE}/retire",
            data='{"beneficiary": "Acme", "quantity": 40}',  # byte for byte as it was sent
            content_type="application/json",
            headers={"Idempotency-Key": "api retire part"},
        )
    said = answer.get_json()
    assert (answer.status_code, answer.headers["Idempotency-Hit"]) == (200, "true")
    assert (said["id"], said["status"], said["rest"]["id"]) == (PART, "RETIRED", REST)
    assert log_of(old.raw) == before


# Tampered rows, and the findings of `flask verify` about them

ANOTHER_ID = "7e07f115ed85a1b5b29caefb6d9be8a75cad86b04a3c2ed2c4676847966da77f"
SPLIT_LOT = "7c47b4924426864d353723208b371a9b2f596e94e0fdfe88a61cf188a33906a9"
SOLD_LOT = "6d0be12442c5a2ea84fc4e9516d44df9b64d2fe34af9a51f3d7c0e68fbe303be"
PLACE = f"credit {PLAIN}, event 1"
TAMPERED = {
    f"UPDATE events SET body = replace(body, '\"2765.37\"', '\"9999\"') WHERE credit_id = '{PLAIN}'": [
        f"{PLACE}: its hash is not the hash of its text",
        f"{PLACE}: its fields give another id, {ANOTHER_ID}",
        f"credit {PLAIN}: table credits: quantity_e4 is 27653700, but its events give 99990000",
        f"credit {PLAIN}: table credit_states: quantity_e4 is 27653700, but its events give 99990000",
        "table totals, gold standard / 2023 / ACTIVE: quantity_e4 is 27653700, but the log gives 99990000",
    ],
    f"UPDATE events SET hash = '{'a' * 64}' WHERE credit_id = '{PLAIN}'": [
        f"{PLACE}: its hash is not the hash of its text"
    ],
    f"UPDATE events SET body = replace(body, 'Zoë', 'Zoe') WHERE credit_id = '{SOLD_LOT}' AND seq = 2": [
        f"credit {SOLD_LOT}, event 2: its hash is not the hash of its text",
        f"credit {SOLD_LOT}: table credit_states: buyer is Zoë & Co, but its events give Zoe & Co",
        f"credit {SPLIT_LOT}: event 2 of its lot {SOLD_LOT} does not match the split",
        "table parties, SOLD / zoe & co: this row is missing",
    ],
    f"UPDATE credit_states SET status = 'RETIRED' WHERE credit_id = '{PLAIN}'": [
        f"credit {PLAIN}: table credit_states: status is RETIRED, but its events give ACTIVE"
    ],
    "UPDATE totals SET credits = 9 WHERE registry_key = 'acr' AND status = 'SOLD'": [
        "table totals, acr / 2023 / SOLD: credits is 9, but the log gives 3"
    ],
}


def test_a_migrated_ledger_has_no_findings(old: Old) -> None:
    old.upgrade()
    with opened(old.url):
        assert findings() == []
        archive.rebuild()
        assert findings() == []


def test_an_event_without_a_position_is_moved_and_still_found(old: Old) -> None:
    event = old_next_event(old.raw, PLAIN, "SOLD")
    insert(old.raw, "events", old_event_row(event))
    old.upgrade()
    with opened(old.url):
        unplaced, uncompared = findings()
    assert unplaced == f"credit {PLAIN}, event 2: it has no position in the feed"
    assert uncompared.endswith("were not compared, because some histories are incomplete")


@pytest.mark.parametrize("statement", TAMPERED)
def test_tampered_rows_are_migrated_unchanged_and_still_found(old: Old, statement: str) -> None:
    tamper(old.raw, statement)
    old.upgrade()
    with opened(old.url):
        assert sorted(findings()) == sorted(TAMPERED[statement])


# What cannot be moved

UNMOVABLE = {
    "UPDATE events SET hash = 'x' || substr(hash, 2)": "its hash is not 64 hexadecimal digits",
    "UPDATE events SET hash = upper(hash)": "its hash is not 64 hexadecimal digits",
    "UPDATE events SET actor = 'somebody'": "its text does not say that its actor is somebody",
    "UPDATE events SET recorded_at = '2030'": "its text does not say that its recorded_at is 2030",
    f"UPDATE events SET prev_hash = '{'1' * 64}'": f"its text does not say that its prev_hash is {'1' * 64}",
    "UPDATE events SET body = 'nothing'": "its text does not say that its actor is local",
    "DELETE FROM credits": "there is no such credit",
    "UPDATE credits SET replaces = 'nobody'": "there is no credit nobody",
    "UPDATE idempotency_keys SET headers = '[]', body = NULL": "its answer does not say what was done",
}


@pytest.mark.parametrize(("statement", "wrong"), UNMOVABLE.items(), ids=UNMOVABLE)
def test_rows_that_cannot_be_migrated_are_named_and_nothing_is_changed(
    old: Old, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, statement: str, wrong: str
) -> None:
    one_row = {
        "events": f"credit_id = '{PLAIN}'",
        "credits": f"id = '{PLAIN}'",
        "idempotency_keys": "key = 'call api sell'",
    }
    (where,) = (one for table, one in one_row.items() if table in statement)
    tamper(old.raw, f"{statement} WHERE {where}")
    before = old.rows()
    with pytest.raises(SystemExit):
        old.upgrade()
    said = capfd.readouterr().err + caplog.text
    assert wrong in said
    assert "so nothing was changed" in said
    assert old.rows() == before


def test_many_rows_that_cannot_be_migrated_are_counted(old: Old, caplog: pytest.LogCaptureFixture) -> None:
    tamper(old.raw, "UPDATE events SET actor = 'somebody'")
    with pytest.raises(SystemExit):
        old.upgrade()
    assert f"and {EVENTS - 20} more" in caplog.text


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_disk_without_room_is_detected_before_the_migration(
    old: Old, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old.rows()
    little = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: little)
    with pytest.raises(SystemExit):
        old.upgrade()
    assert "The disk has too little room" in caplog.text
    assert old.rows() == before


# Interruptions of the migration

KILLED = """
import os, signal
from migrations.table_moves import Database

run_file = Database.run_file

def run_and_end(database, name):
    part = name.removeprefix("0009_{}_").removesuffix(".sql")
    if point == f"before {part}":
        os.kill(os.getpid(), signal.SIGKILL)
    run_file(database, name)
    if point == f"after {part}":
        os.kill(os.getpid(), signal.SIGKILL)

Database.run_file = run_and_end
"""


@pytest.mark.parametrize("point", ["after tables", "before triggers", "after triggers"])
def test_a_kill_during_the_migration_leaves_the_ledger_unchanged(old: Old, point: str) -> None:
    before = old.rows()
    program = f"point = {point!r}\n{KILLED}\nfrom flask.cli import main\nimport sys\n"
    program += "sys.argv = ['flask', '--app', 'wsgi', 'db', 'upgrade']\nmain()\n"
    environment = {"DATABASE_URL": old.url, "SECRET_KEY": "x" * 32, "PATH": ""}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert old.rows() == before
    old.upgrade()
    assert old.raw.execute("SELECT version_num FROM alembic_version") != before["revision"]


def test_a_copy_that_differs_aborts_the_migration(
    old: Old, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_all = Database.insert

    def insert_but_one(database: Database, table: str, columns: str, rows: list[Row]) -> None:
        insert_all(database, table, columns, rows[:-1] if table == "splits" else rows)

    monkeypatch.setattr(Database, "insert", insert_but_one)
    before = old.rows()
    with pytest.raises(SystemExit):
        old.upgrade()
    assert "The copy differs, so nothing was changed" in caplog.text
    assert old.rows() == before
