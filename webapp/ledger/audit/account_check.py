"""Check users, tokens and sessions against the account log, and the codes of tokens and sessions.

The log is replayed (``domain.account_replay``). Findings name each row that it does not account for, each
missing row, and each entry that contradicts the ones before it. Reads only.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from webapp.domain.account_log import AuditAction, Entry, fingerprint, name_hash
from webapp.domain.account_replay import AccountReplay, LoggedToken, LoggedUser
from webapp.domain.row_mac import SessionRow, TokenRow, key_that_made
from webapp.ledger.audit.findings import Finding, differences
from webapp.ledger.storage import statements
from webapp.ledger.storage.statements import Row

_PAGE: Final = 5_000
_ENTRIES: Final = (
    "SELECT position, recorded_at, actor, act, subject, data FROM account_log"
    " WHERE position > ? ORDER BY position LIMIT ?"
)
_FOUND_AT: Final = "SELECT coalesce(min(position), 0) FROM account_log WHERE act = ?"
_BEFORE_ALL: Final = -(2**63)
_USERS: Final = "SELECT id, name, name_salt, role, password_hash, disabled_at FROM users ORDER BY id"
_TOKENS: Final = (
    "SELECT id, name, role, secret_hash, added_by, added_at, expires_at, revoked_at, mac"
    " FROM tokens ORDER BY id"
)
_SESSIONS: Final = (
    "SELECT secret_hash, user_id, started_at, expires_at, mac FROM sessions ORDER BY user_id, started_at"
)
_SOURCE: Final = "the account log gives"
_NOT_LOGGED: Final = "no entry of the account log accounts for it"
_BAD_CODE: Final = "its code was not made with a key of this program, so it is refused"
_UNCODED: Final = "it has no code, so it is refused"


def check_accounts(connection: Connection, keys: Sequence[bytes]) -> list[Finding]:
    """Check the account log, and all rows of users, tokens and sessions.

    `keys` are those of the codes of rows (``storage.row_keys``); without any, codes are not checked.
    """
    replay, findings = replayed(connection)
    findings += _wrong_users(connection, replay)
    findings += _wrong_tokens(connection, replay, keys)
    findings += _wrong_sessions(connection, replay, keys)
    return findings


def replayed(connection: Connection) -> tuple[AccountReplay, list[Finding]]:
    """Replay the whole account log; return what it says, and the entries that contradict earlier ones."""
    ((found_at,),) = statements.fetch(connection, _FOUND_AT, AuditAction.HISTORY_FOUND)
    replay, findings = AccountReplay(found_at), []
    for row in _rows(connection):
        place = f"account log, entry {row[0]}"
        entry = _entry(row)
        if entry is None:
            findings.append(Finding(place, "its data is no object of texts"))
            position, recorded_at, actor, act, subject, _ = row
            entry = Entry(position, recorded_at, actor, act, subject, {})
        findings += [Finding(place, wrong) for wrong in replay.apply(entry)]
    return replay, findings


def _rows(connection: Connection) -> Iterator[Row]:
    after = _BEFORE_ALL
    while page := statements.fetch(connection, _ENTRIES, after, _PAGE):
        yield from page
        after = page[-1][0]


def _entry(row: Row) -> Entry | None:
    """Return the entry of a row, None if its data is not a JSON object of texts."""
    position, recorded_at, actor, act, subject, text = row
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        return None
    return Entry(position, recorded_at, actor, act, subject, data)


def _wrong_users(connection: Connection, replay: AccountReplay) -> Iterator[Finding]:
    missing = dict(replay.users)
    for user_id, name, salt, role, password_hash, disabled_at in statements.fetch(connection, _USERS):
        place = f"user {user_id}"
        logged = missing.pop(user_id, None)
        if logged is None:
            yield Finding(place, _NOT_LOGGED)
            continue
        if salt is None:
            yield Finding(place, "the salt of the name is missing, so the name cannot be compared")
        found = {
            "role": role,
            "disabled": disabled_at is not None,
            "the hash of the name": None if salt is None else name_hash(name, salt),
            "the hash of the password": fingerprint(password_hash),
        }
        yield from _wrongs(place, found, _expected_user(logged, is_salted=salt is not None))
    for user_id in missing:
        yield Finding(f"user {user_id}", "its row is missing, although the account log adds it")


def _expected_user(logged: LoggedUser, *, is_salted: bool) -> dict[str, object]:
    expected: dict[str, object] = {
        "role": logged.role,
        "disabled": not logged.is_enabled,
        "the hash of the password": logged.password,
    }
    return expected | ({"the hash of the name": logged.name_hash} if is_salted else {})


def _wrong_tokens(connection: Connection, replay: AccountReplay, keys: Sequence[bytes]) -> Iterator[Finding]:
    missing = dict(replay.tokens)
    for *columns, revoked_at, code in statements.fetch(connection, _TOKENS):
        row = TokenRow(*columns)
        place = f"token {row.id}"
        logged = missing.pop(row.id, None)
        if logged is None:
            yield Finding(place, _NOT_LOGGED)
        else:
            found = {
                "role": row.role,
                "the end": row.expires_at,
                "revoked": revoked_at is not None,
                "the hash of the secret": fingerprint(row.secret_hash),
            }
            yield from _wrongs(place, found, _expected_token(logged))
        if wrong := _wrong_code(code, row, keys, is_found=logged is not None and logged.is_found):
            yield Finding(place, wrong)
    for token_id in missing:
        yield Finding(f"token {token_id}", "its row is missing, although the account log adds it")


def _expected_token(logged: LoggedToken) -> dict[str, object]:
    return {
        "role": logged.role,
        "the end": logged.expires_at,
        "revoked": logged.is_revoked,
        "the hash of the secret": logged.secret,
    }


def _wrong_sessions(
    connection: Connection, replay: AccountReplay, keys: Sequence[bytes]
) -> Iterator[Finding]:
    for *columns, code in statements.fetch(connection, _SESSIONS):
        row = SessionRow(*columns)
        place = f"session of user {row.user_id} from {row.started_at}"
        session = fingerprint(row.secret_hash)
        if session not in replay.sessions.get(row.user_id, ()):
            yield Finding(place, _NOT_LOGGED)
        if wrong := _wrong_code(code, row, keys, is_found=session in replay.found_sessions):
            yield Finding(place, wrong)


def _wrong_code(
    code: str | None, row: TokenRow | SessionRow, keys: Sequence[bytes], *, is_found: bool
) -> str | None:
    """Return what is wrong with the code of a row. One that was found has none until it is used."""
    if not keys or (code is None and is_found):
        return None
    if code is None:
        return _UNCODED
    return _BAD_CODE if key_that_made(code, row, keys) is None else None


def _wrongs(place: str, found: Mapping[str, object], expected: Mapping[str, object]) -> Iterator[Finding]:
    for wrong in differences(found, expected, _SOURCE):
        yield Finding(place, wrong)
