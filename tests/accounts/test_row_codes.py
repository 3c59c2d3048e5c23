"""Rows of tokens and sessions have a code by a key outside the database, without which they are refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, replace

import pytest

from tests.fixtures.ledger import SECRET_KEY, RawClient
from tests.fixtures.users import a_token, an_administrator
from tests.ledger.audit.tampering import findings
from webapp.accounts import sessions, tokens
from webapp.accounts.roles import Role
from webapp.domain.account_log import USABLE, session_data, token_data
from webapp.domain.canonical_json import encode
from webapp.domain.row_mac import SessionRow, TokenRow, key_that_made, mac_of, row_key
from webapp.ledger import group_commit
from webapp.ledger.storage.engine import db
from webapp.ledger.storage.row_keys import use_secret_keys

pytestmark = pytest.mark.usefixtures("ledger_app", "quick_passwords")

OTHER_KEY = "another-key-" + "1" * 32
SECRET = "ccl_" + "a" * 43
EARLY, LATE = "2026-11-01T00:00:00.000000Z", "2099-11-01T00:00:00.000000Z"
TOKEN = TokenRow(1, "nightly", "operator", tokens.hash_of(SECRET), "cli", EARLY, LATE)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew codes, however busy the machine is."""
    monkeypatch.setattr(group_commit, "BRIEF_WAIT_S", 30)


@contextmanager
def keys(*secret_keys: str) -> Iterator[None]:
    """Run with these secret keys, as after a restart."""
    use_secret_keys(db.engine, secret_keys)
    yield
    use_secret_keys(db.engine, [SECRET_KEY])


def put_token(raw: RawClient, row: TokenRow, code: str | None) -> None:
    columns = "id, name, role, secret_hash, added_by, added_at, expires_at, mac"
    values = ", ".join("?" * 8)
    raw.execute(f"INSERT INTO tokens ({columns}) VALUES ({values})", *astuple(row), code)


def put_session(raw: RawClient, row: SessionRow, code: str | None) -> None:
    columns = "secret_hash, user_id, started_at, expires_at, seen_at, mac"
    raw.execute(
        f"INSERT INTO sessions ({columns}) VALUES (?, ?, ?, ?, ?, ?)", *astuple(row), row.expires_at, code
    )


def test_the_form_of_codes_is_frozen() -> None:
    key = row_key("k" * 32)
    assert mac_of(TOKEN, key) == "9b609b5a94dc968e8fed978d24ef94c473cb6a88ade8facf6319995307d68c5b"
    assert (
        mac_of(SessionRow("a" * 64, 7, EARLY, LATE), key)
        == "d453ad474be5e79cc86fd04117edbd9127a470c1a66ff437eb204599318a4754"
    )


def test_the_key_of_rows_is_not_the_secret_key_and_differs_by_it() -> None:
    assert len({row_key("k" * 32), row_key("l" * 32), b"k" * 32}) == 3


@pytest.mark.parametrize("place", range(len(astuple(TOKEN))))
def test_a_code_is_that_of_one_row_of_a_token(place: int) -> None:
    key, values = row_key("k" * 32), list(astuple(TOKEN))
    values[place] = 2 if place == 0 else f"{values[place]}x"
    assert key_that_made(mac_of(TOKEN, key), TOKEN, [key]) == 0
    assert key_that_made(mac_of(TOKEN, key), TokenRow(*values), [key]) is None


def test_fields_of_a_row_cannot_be_moved_into_each_other() -> None:
    key = row_key("k" * 32)
    moved = replace(TOKEN, name="nightlyo", role="perator")
    assert mac_of(moved, key) != mac_of(TOKEN, key)


@pytest.mark.parametrize("code", [None, "", "0" * 64, "\u00e9", mac_of(TOKEN, row_key(OTHER_KEY))])
def test_a_token_inserted_around_the_program_is_refused_and_named(raw: RawClient, code: str | None) -> None:
    put_token(raw, TOKEN, code)
    assert tokens.find(SECRET) is None
    found = findings()
    assert "token 1: no entry of the account log accounts for it" in found
    assert any(line.startswith("token 1: it") and "refused" in line for line in found)


@pytest.mark.parametrize(
    ("column", "value"),
    [("role", "administrator"), ("name", "x"), ("expires_at", LATE), ("added_by", "user:1"), ("id", 7)],
)
def test_a_token_whose_row_was_changed_is_refused_and_named(
    raw: RawClient, column: str, value: object
) -> None:
    secret = a_token(Role.VIEWER)
    raw.execute(f"UPDATE tokens SET {column} = ?", value)
    assert tokens.find(secret) is None
    number = value if column == "id" else 1
    code = f"token {number}: its code was not made with a key of this program, so it is refused"
    assert code in findings()


@pytest.mark.parametrize("code", [None, "0" * 64])
def test_a_session_inserted_around_the_program_is_refused_and_named(raw: RawClient, code: str | None) -> None:
    ada = an_administrator()
    put_session(raw, SessionRow(tokens.hash_of("mine"), ada.id, EARLY, LATE), code)
    assert sessions.find("mine") is None
    place = f"session of user {ada.id} from {EARLY}"
    assert f"{place}: no entry of the account log accounts for it" in findings()


def test_a_session_that_was_ended_and_put_back_is_named(raw: RawClient) -> None:
    ada = an_administrator()
    secret = sessions.start(ada.id)
    (row,) = raw.execute("SELECT secret_hash, user_id, started_at, expires_at, mac FROM sessions")
    sessions.end(secret)
    assert findings() == []
    put_session(raw, SessionRow(*row[:4]), row[4])
    named = f"session of user {ada.id} from {row[2]}: no entry of the account log accounts for it"
    assert findings() == [named]


def test_a_session_of_another_user_is_refused(raw: RawClient) -> None:
    ada, eve = an_administrator("Ada"), an_administrator("Eve")
    secret = sessions.start(eve.id)
    raw.execute("UPDATE sessions SET user_id = ?", ada.id)
    assert sessions.find(secret) is None


def a_session() -> str:
    return sessions.start(an_administrator().id)


@pytest.mark.parametrize(
    ("make", "find", "table"),
    [(a_token, tokens.find, "tokens"), (a_session, sessions.find, "sessions")],
)
def test_a_code_of_an_earlier_key_is_good_and_renewed_when_it_is_used(
    raw: RawClient, make: Callable[[], str], find: Callable[[str], object], table: str
) -> None:
    with keys(OTHER_KEY):
        secret = make()
    assert find(secret) is None
    with keys(SECRET_KEY, OTHER_KEY):
        assert find(secret)
    assert find(secret)
    ((code,),) = raw.execute(f"SELECT mac FROM {table}")
    assert code is not None
    assert findings() == []


def enter_found(raw: RawClient, *entries: tuple[str, str, dict[str, str]]) -> None:
    """Append entries as the migration does."""
    ((last,),) = raw.execute("SELECT coalesce(max(position), 0) FROM account_log")
    for position, (act, subject, data) in enumerate(entries, start=last + 1):
        values = (position, EARLY, "cli", act, subject, encode(dict(data)))
        raw.execute("INSERT INTO account_log VALUES (?, ?, ?, ?, ?, ?)", *values)


def test_a_token_from_before_codes_works_and_gets_its_code_when_it_is_used(raw: RawClient) -> None:
    put_token(raw, TOKEN, None)
    found = token_data(TOKEN.role, TOKEN.expires_at, TOKEN.secret_hash, USABLE)
    enter_found(raw, ("TOKEN_FOUND", "token:1", found), ("HISTORY_FOUND", "", {"events": "0"}))
    assert findings() == []
    assert tokens.find(SECRET)
    assert raw.execute("SELECT mac FROM tokens") == [(mac_of(TOKEN, row_key(SECRET_KEY)),)]
    assert findings() == []


def test_a_session_from_before_codes_goes_on(raw: RawClient) -> None:
    ada = an_administrator()
    row = SessionRow(tokens.hash_of("mine"), ada.id, EARLY, LATE)
    put_session(raw, row, None)
    found = session_data(row.secret_hash)
    enter_found(raw, ("SESSION_FOUND", ada.actor, found), ("HISTORY_FOUND", "", {"events": "0"}))
    assert sessions.find("mine")
    assert raw.execute("SELECT mac FROM sessions") == [(mac_of(row, row_key(SECRET_KEY)),)]


@pytest.mark.parametrize(
    "changed", [replace(TOKEN, role="administrator"), replace(TOKEN, expires_at="2100" + LATE[4:])]
)
def test_a_row_that_differs_from_what_was_found_is_refused(raw: RawClient, changed: TokenRow) -> None:
    put_token(raw, changed, None)
    found = token_data(TOKEN.role, TOKEN.expires_at, TOKEN.secret_hash, USABLE)
    enter_found(raw, ("TOKEN_FOUND", "token:1", found), ("HISTORY_FOUND", "", {"events": "0"}))
    assert tokens.find(SECRET) is None


def test_an_entry_after_the_upgrade_finds_nothing_any_more(raw: RawClient) -> None:
    put_token(raw, TOKEN, None)
    found = token_data(TOKEN.role, TOKEN.expires_at, TOKEN.secret_hash, USABLE)
    enter_found(raw, ("HISTORY_FOUND", "", {"events": "0"}), ("TOKEN_FOUND", "token:1", found))
    assert tokens.find(SECRET) is None
    wrong = "account log, entry 2: an upgrade finds rows only once, before entries account for them"
    assert wrong in findings()
