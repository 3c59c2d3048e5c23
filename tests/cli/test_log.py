"""`flask log`, and the sample of acts for an audit."""

import re
import shutil
from itertools import islice
from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.cli import one_line, run
from tests.fixtures.credits import recorded, retired
from tests.fixtures.entries import IMPORTED, entered
from tests.fixtures.ledger import RawClient, log_keys_of
from tests.fixtures.users import a_token
from tests.ledger.audit.tampering import tamper
from webapp.domain.audit_sample import drawn_positions
from webapp.domain.checkpoint_destinations import Destination, Kind
from webapp.domain.entry import EntryType
from webapp.ledger.storage.engine import db
from webapp.ledger.transparency import checkpoints, destinations, signing
from webapp.ledger.transparency.tree import Tree


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 0.0)


def test_the_status_says_what_was_signed_last(ledger_app: Flask) -> None:
    result = run(ledger_app, "log", "status")
    assert (result.exit_code, "last checkpoint: none" in result.stdout) == (0, True)
    recorded()
    signing.sign()
    latest = checkpoints.latest()
    assert latest is not None
    result = run(ledger_app, "log", "status")
    assert result.exit_code == 0
    assert f"origin: {latest.checkpoint.origin}" in result.stdout
    root = latest.checkpoint.root.hex()
    assert f"last checkpoint: 1 events, root {root}, signed {latest.signed_at}\n" in result.stdout
    assert "This host signs." in result.stdout


def test_the_status_of_a_host_without_the_key_fails(ledger_app: Flask, database_url: str) -> None:
    recorded()
    signing.sign()
    shutil.rmtree(log_keys_of(database_url))
    result = run(ledger_app, "log", "status")
    assert result.exit_code == 1
    assert "Not signing (no key)." in result.stderr


def test_the_status_of_an_older_backup_says_which_checkpoint_is_beside_the_key(
    ledger_app: Flask, raw: RawClient
) -> None:
    for number in (1, 2):
        recorded(serial_number=f"VCS-{number}")
        signing.sign()
    beside = checkpoints.latest()
    assert beside is not None
    tamper(raw, "DELETE FROM checkpoints WHERE size = 2")
    tamper(raw, "DELETE FROM feed WHERE position = 2")
    result = run(ledger_app, "log", "status")
    assert result.exit_code == 1
    root = beside.checkpoint.root.hex()
    lacks = f"last checkpoint beside the key, which this database lacks: 2 events, root {root}\n"
    assert "last checkpoint: 1 events" in result.stdout
    assert lacks in result.stdout


def test_a_failed_delivery_has_an_exit_status_of_its_own(ledger_app: Flask, tmp_path: Path) -> None:
    destinations.use(db.engine, [Destination(Kind.FOLDER, str(tmp_path / "missing"))])
    recorded()
    signing.sign()
    assert run(ledger_app, "log", "status").exit_code == 0
    destinations.deliver_all()
    result = run(ledger_app, "log", "status")
    assert result.exit_code == 3
    assert "This host signs." in result.stdout
    assert f"But these did not get the last checkpoint: folder {tmp_path}/missing." in result.stderr


def test_the_status_says_that_the_account_log_is_not_the_one_that_was_signed(
    ledger_app: Flask, raw: RawClient
) -> None:
    a_token()
    signing.sign(Tree.ACCOUNTS)
    assert "last checkpoint of the account log: 1 entries" in run(ledger_app, "log", "status").stdout
    tamper(raw, "UPDATE account_log SET actor = 'local'")
    result = run(ledger_app, "log", "status")
    assert result.exit_code == 1
    assert "Not signing the account log (forked). The first 1 entries of the account log" in result.stderr


def test_a_rotated_key_is_printed_beside_the_old_one(ledger_app: Flask) -> None:
    recorded()
    signing.sign()
    result = run(ledger_app, "log", "rotate-key")
    assert (result.exit_code, result.stdout[:5]) == (0, "Key 2")
    lines = run(ledger_app, "log", "key").stdout.splitlines()
    assert lines == [str(key) for key in checkpoints.keys_by_tree()]
    assert len(lines) == 4


def test_a_fork_is_confirmed_and_begins_an_origin(ledger_app: Flask) -> None:
    recorded()
    signing.sign()
    assert run(ledger_app, "log", "fork", input="n\n").exit_code == 1
    assert len(checkpoints.keys_by_tree()) == 2
    result = run(ledger_app, "log", "fork", "--yes")
    assert result.exit_code == 0
    assert "Key 2 begins the origin " in result.stdout


def test_a_host_without_the_key_rotates_nothing(ledger_app: Flask, database_url: str) -> None:
    recorded()
    signing.sign()
    shutil.rmtree(log_keys_of(database_url))
    assert "is not in" in one_line(run(ledger_app, "log", "rotate-key"))


def test_a_sample_is_drawn_from_the_root_each_act_once(ledger_app: Flask) -> None:
    for number in range(6):
        retired(serial_number=f"VCS-{number}")
    entered("import/1", EntryType.IMPORTED, IMPORTED)
    signing.sign()
    latest = checkpoints.latest()
    assert latest is not None
    result = run(ledger_app, "audit-sample", "5")
    assert result.exit_code == 0, result.output
    head, when, *lines = result.stdout.splitlines()
    assert latest.checkpoint.root.hex() in head
    assert when == f"# signed {latest.signed_at}; 0 later events are not drawn from"
    assert result.stderr == "Addresses are without a host, because PUBLIC_URL is not set.\n"
    acts = [re.search(r"position (\d+): /acts/(\d+) (CREATED|RETIRED) 100 t", line) for line in lines]
    drawn = list(islice(drawn_positions(latest.checkpoint.root, latest.checkpoint.size), 500))
    positions = [int(act[1]) for act in acts if act]
    assert positions == list(dict.fromkeys(each for each in drawn if each <= 12))[:5]
    assert run(ledger_app, "audit-sample", "5").stdout == result.stdout


def test_a_small_log_gives_all_its_acts(ledger_app: Flask) -> None:
    recorded()
    signing.sign()
    result = run(ledger_app, "audit-sample", "3")
    assert len(result.stdout.splitlines()) == 3
    assert "no more acts than these 1" in result.stderr


def test_a_sample_is_drawn_from_a_checkpoint_that_was_kept(
    ledger_app: Flask, tmp_path: Path, raw: RawClient
) -> None:
    recorded()
    signing.sign()
    latest = checkpoints.latest()
    assert latest is not None
    kept = tmp_path / "kept.note"
    kept.write_text(latest.note)
    recorded(serial_number="VCS-2")
    signing.sign()
    result = run(ledger_app, "audit-sample", "1", "--checkpoint", str(kept))
    assert latest.checkpoint.root.hex() in result.stdout
    assert f"# signed {latest.signed_at}; 1 later event is not drawn from\n" in result.stdout
    tamper(raw, "UPDATE events SET hash = ?", bytes(32))
    line = one_line(run(ledger_app, "audit-sample", "1", "--checkpoint", str(kept)))
    assert "does not follow from that checkpoint" in line


def test_without_a_checkpoint_nothing_is_drawn(ledger_app: Flask) -> None:
    assert "Nothing was signed yet" in one_line(run(ledger_app, "audit-sample", "1"))
