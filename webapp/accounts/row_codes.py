"""The codes of rows of tokens and sessions (``domain.row_mac``): made for new rows, checked at each use.

A row without a code is from before revision 0027. It is accepted if the account log says that it was found
then, and gets its code when it is used.
"""

from sqlalchemy import Connection

from webapp.domain.account_log import USABLE, AuditAction, session_data, token_data
from webapp.domain.canonical_json import encode
from webapp.domain.row_mac import SessionRow, TokenRow, key_that_made, mac_of
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import db
from webapp.ledger.storage.row_keys import row_keys


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


def _was_found(connection: Connection, row: TokenRow | SessionRow) -> bool:
    """Return whether the account log accounts for this row as one from before the codes."""
    if isinstance(row, TokenRow):
        data = token_data(row.role, row.expires_at, row.secret_hash, USABLE)
        entry = (AuditAction.TOKEN_FOUND, f"token:{row.id}", encode(data))
    else:
        entry = (AuditAction.SESSION_FOUND, f"user:{row.user_id}", encode(session_data(row.secret_hash)))
    return bool(statements.fetch(connection, statements.FOUND_ENTRY, *entry))
