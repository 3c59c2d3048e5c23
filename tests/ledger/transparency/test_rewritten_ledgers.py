"""A history that was rewritten with everything that an owner of the database can compute is still caught."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient
from tests.fixtures.users import a_token, a_user, an_administrator
from tests.ledger.audit.tampering import findings, tamper, unguarded
from tests.ledger.transparency.rewriting import Facts, rewrite_history
from webapp.accounts import users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.roles import Role
from webapp.domain.account_log import name_hash
from webapp.domain.errors import LogNotSigned
from webapp.ledger import archive
from webapp.ledger.audit.log_check import known_outside
from webapp.ledger.audit.verify import verify
from webapp.ledger.commands import retire_credit, sell_credit
from webapp.ledger.transparency import signing
from webapp.ledger.transparency.tree import Tree

pytestmark = pytest.mark.usefixtures("ledger_app", "quick_passwords")


def found_outside() -> list[str]:
    """Return what verify finds with the checkpoints that lie beside the key."""
    found: list[str] = []
    verify(lambda finding: found.append(str(finding)), known=known_outside())
    return found


@pytest.fixture(autouse=True)
def _each_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 0.0)


@pytest.fixture
def history(ledger_app: Flask, set_clock: SetClock) -> None:
    """Record and sign six events, one after another: credits at 1, 2, 4, a sale at 3, retirements at 5, 6."""
    del ledger_app
    credits = [recorded(serial_number="A"), recorded(serial_number="B")]
    acts: list[Callable[[], object]] = [
        lambda: sell_credit(credits[0], {"buyer": "Hilltop"}, LOCAL),
        lambda: recorded(serial_number="C"),
        lambda: retire_credit(credits[0], {"beneficiary": "Hilltop", "reason": "2025"}, LOCAL),
        lambda: retire_credit(credits[1], {"beneficiary": "Valley"}, LOCAL),
    ]
    signing.sign()
    for act in acts:
        set_clock.go(seconds=10)
        act()
        signing.sign()


def edit_text(history: list[Facts]) -> None:
    history[4]["data"]["beneficiary"] = "Lowland"


def edit_date(history: list[Facts]) -> None:
    history[4]["data"]["occurred_on"] = "2026-11-19"


def edit_recorded_at(history: list[Facts]) -> None:
    history[4]["recorded_at"] = history[3]["recorded_at"]


def delete_retirement(history: list[Facts]) -> None:
    del history[4]


def cut_tail(history: list[Facts]) -> None:
    del history[4:]


def insert_back_dated(history: list[Facts]) -> None:
    added = history.pop()
    history.insert(4, added | {"recorded_at": history[3]["recorded_at"]})


def swap_events(history: list[Facts]) -> None:
    times = [facts["recorded_at"] for facts in history]
    history[4], history[5] = history[5], history[4]
    for facts, at in zip(history, times, strict=True):
        facts["recorded_at"] = at


MISSING = "that were signed are missing"
OF_ALL = "accounts checkpoint 3 (beside the key)"
CHANGED = "have another root, so the log was changed. The first difference is at position 5"


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (edit_text, f"checkpoint 5 (beside the key): the first 5 events {CHANGED}"),
        (edit_date, f"checkpoint 5 (beside the key): the first 5 events {CHANGED}"),
        (edit_recorded_at, f"checkpoint 5 (beside the key): the first 5 events {CHANGED}"),
        (delete_retirement, f"checkpoint 5 (beside the key): the first 5 events {CHANGED}"),
        (insert_back_dated, f"checkpoint 5 (beside the key): the first 5 events {CHANGED}"),
        (swap_events, f"checkpoint 5 (beside the key): the first 5 events {CHANGED}"),
        (cut_tail, f"checkpoint 6 (beside the key): the log has only 4 events: the last 2 {MISSING}"),
    ],
)
def test_a_rewritten_history_is_sound_in_itself_and_caught_by_what_was_signed(
    raw: RawClient, tmp_path: Path, change: Callable[[list[Facts]], object], wrong: str
) -> None:
    keys = raw.execute("SELECT * FROM log_keys")
    rewrite_history(raw, change, tmp_path)
    assert findings() == []
    with unguarded(raw):
        raw.execute("INSERT INTO log_keys VALUES (?, ?, ?, ?, ?)", *keys[0])
    assert wrong in found_outside()
    with pytest.raises(LogNotSigned):
        signing.sign()


@pytest.mark.usefixtures("history")
def test_without_a_rewrite_nothing_is_found(raw: RawClient, tmp_path: Path) -> None:
    assert found_outside() == []
    keys = raw.execute("SELECT * FROM log_keys")
    rewrite_history(raw, lambda _history: None, tmp_path)
    with unguarded(raw):
        raw.execute("INSERT INTO log_keys VALUES (?, ?, ?, ?, ?)", *keys[0])
    assert found_outside() == []


@pytest.fixture
def accounts(ledger_app: Flask, quick_passwords: None) -> None:
    """Add an administrator, an operator and a token, and sign the account log after each entry."""
    del ledger_app, quick_passwords
    an_administrator()
    signing.sign(Tree.ACCOUNTS)
    a_user()
    signing.sign(Tree.ACCOUNTS)
    a_token()
    signing.sign(Tree.ACCOUNTS)


def change_role(raw: RawClient) -> None:
    raw.execute("UPDATE users SET role = 'administrator' WHERE id = 2")
    raw.execute("UPDATE account_log SET data = replace(data, 'operator', 'administrator') WHERE position = 2")


def change_name(raw: RawClient) -> None:
    ((salt, name),) = raw.execute("SELECT name_salt, name FROM users WHERE id = 2")
    raw.execute("UPDATE users SET name = 'Eve', name_key = 'eve' WHERE id = 2")
    hashes = (name_hash(name, salt), name_hash("Eve", salt))
    raw.execute("UPDATE account_log SET data = replace(data, ?, ?) WHERE position = 2", *hashes)


def insert_token(raw: RawClient) -> None:
    raw.execute("UPDATE account_log SET data = replace(data, 'operator', 'viewer') WHERE position = 3")
    raw.execute("UPDATE tokens SET role = 'viewer'")


def delete_user(raw: RawClient) -> None:
    raw.execute("DELETE FROM users WHERE id = 2")
    raw.execute("DELETE FROM account_log WHERE position = 2")
    raw.execute("UPDATE account_log SET position = 2 WHERE position = 3")


def empty(raw: RawClient) -> None:
    for table in ("users", "tokens", "account_log"):
        raw.execute(f"DELETE FROM {table}")


def at(position: int) -> str:
    changed = f"the first {position} entries of the account log have another root, so the log was changed."
    where = f"{changed} The first difference is at position {position}"
    return f"accounts checkpoint {position} (beside the key): {where}"


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (change_role, at(2)),
        (change_name, at(2)),
        (insert_token, at(3)),
        (delete_user, at(2)),
        (empty, f"{OF_ALL}: the log has only 0 entries of the account log: the last 3 {MISSING}"),
    ],
)
def test_an_account_log_that_was_written_anew_to_fit_is_caught_by_what_was_signed(
    raw: RawClient, change: Callable[[RawClient], object], wrong: str
) -> None:
    with unguarded(raw):
        change(raw)
        raw.execute("DELETE FROM checkpoints")
    archive.rebuild()
    assert [line for line in findings() if not line.startswith("token 1: its code")] == []
    assert wrong in found_outside()


@pytest.mark.usefixtures("accounts")
def test_a_checkpoint_of_the_accounts_is_none_of_the_events(raw: RawClient) -> None:
    recorded()
    signing.sign()
    users.add("Eve", Role.VIEWER, "correct horse battery", CLI)
    tamper(raw, "UPDATE account_log SET actor = 'local' WHERE position = 1")
    assert not [line for line in found_outside() if line.startswith("checkpoint")]
