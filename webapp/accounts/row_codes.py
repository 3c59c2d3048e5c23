"""The codes of rows of tokens and sessions (``domain.row_mac``): made for new rows, checked at each use.

A row without a code is from before revision 0027. It is accepted if the account log says that it was found
then, and gets its code when it is used. Before a secret key is forgotten, `renew` makes the codes again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, select, update

from webapp.accounts.audit_log import change
from webapp.accounts.tables import sessions, tokens
from webapp.domain.account_log import USABLE, AuditAction, fingerprint, session_data, token_data
from webapp.domain.account_replay import LoggedToken
from webapp.domain.canonical_json import encode
from webapp.domain.row_mac import SessionRow, TokenRow, key_that_made, mac_of, row_key
from webapp.ledger.audit.account_check import replayed
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import db
from webapp.ledger.storage.row_keys import row_keys

_TOKEN_COLUMNS: Final = [tokens.c[name] for name in TokenRow.__dataclass_fields__]
_SESSION_COLUMNS: Final = [sessions.c[name] for name in SessionRow.__dataclass_fields__]


@dataclass(frozen=True)
class Renewed:
    """How many tokens have a code by the first key, and the ids of those that are refused from now on."""

    tokens: int
    refused: tuple[int, ...]


def new_code(row: TokenRow | SessionRow) -> str:
    """Return the code of a new row, by the key that signs."""
    return mac_of(row, row_keys(db.engine)[0])


def code_due(connection: Connection, row: TokenRow | SessionRow, code: str | None) -> str | None:
    """Return the code that the row should have, None if the row is not accepted.

    It is another one than the row has if that is by an earlier key, or if the row has none yet.
    """
    place = key_that_made(code, row, row_keys(db.engine))
    if place == 0:
        return code
    if place is None and not (code is None and _was_found(connection, row)):
        return None
    return new_code(row)


def renew(secret_keys: Sequence[str], *, ends_sessions: bool = False) -> Renewed:
    """Make the codes of all rows that have one of these keys' by the first of the keys.

    With `ends_sessions`, because a key may have leaked, sessions end, and only tokens that the account log
    accounts for get another code.
    """
    keys = [row_key(key) for key in secret_keys]

    def action(connection: Connection) -> Renewed:
        logged = replayed(connection)[0].tokens if ends_sessions else None
        good, refused = 0, []
        for row, code in _coded_tokens(connection):
            is_accounted_for = logged is None or _agrees(row, logged.get(row.id))
            if code is not None and is_accounted_for and key_that_made(code, row, keys) is not None:
                renewed = {"mac": mac_of(row, keys[0])}
                connection.execute(update(tokens).where(tokens.c.id == row.id).values(renewed))
                good += 1
            elif code is not None:
                refused.append(row.id)
        if ends_sessions:
            connection.execute(delete(sessions))
        else:
            _renew_sessions(connection, keys)
        return Renewed(good, tuple(refused))

    return change(action)


def _coded_tokens(connection: Connection) -> list[tuple[TokenRow, str | None]]:
    query = select(*_TOKEN_COLUMNS, tokens.c.mac).where(tokens.c.revoked_at.is_(None)).order_by(tokens.c.id)
    return [(TokenRow(*columns), code) for *columns, code in connection.execute(query)]


def _agrees(row: TokenRow, logged: LoggedToken | None) -> bool:
    found = (row.role, row.expires_at, fingerprint(row.secret_hash))
    return logged is not None and (logged.role, logged.expires_at, logged.secret) == found


def _renew_sessions(connection: Connection, keys: Sequence[bytes]) -> None:
    for *columns, code in connection.execute(select(*_SESSION_COLUMNS, sessions.c.mac)).all():
        row = SessionRow(*columns)
        if key_that_made(code, row, keys):  # by another than the first
            is_it = sessions.c.secret_hash == row.secret_hash
            connection.execute(update(sessions).where(is_it).values(mac=mac_of(row, keys[0])))


def _was_found(connection: Connection, row: TokenRow | SessionRow) -> bool:
    """Return whether the account log accounts for this row as one from before the codes."""
    if isinstance(row, TokenRow):
        data = token_data(row.role, row.expires_at, row.secret_hash, USABLE)
        entry = (AuditAction.TOKEN_FOUND, f"token:{row.id}", encode(data))
    else:
        entry = (AuditAction.SESSION_FOUND, f"user:{row.user_id}", encode(session_data(row.secret_hash)))
    return bool(statements.fetch(connection, statements.FOUND_ENTRY, *entry))
