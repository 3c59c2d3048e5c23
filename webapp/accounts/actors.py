"""Actors as events name them (`user:3`, `token:1`, `cli`): their numbers and names.

An actor is opaque, never a name or an address (docs/ledger.md, "Events"). A number is never reused, not
even after a restore from an export, which contains events but no users.
"""

import re
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Table, func, select

from webapp.accounts.tables import account_log, tokens, users
from webapp.domain.account_log import ADDING
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.log_tables import events

LOCAL: Final = "local"  # requests from this machine while there is no account
SETUP: Final = "setup"  # a remote request with the set-up code; only in the account log
CLI: Final = "cli"  # a command on the server's terminal

_NUMBERED: Final = re.compile("(user|token):([0-9]{1,18})")


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Return the names of the users and tokens among these actors; other actors are left out."""
    numbers: dict[str, set[int]] = {"user": set(), "token": set()}
    for actor in actors:
        if numbered := _NUMBERED.fullmatch(actor):
            numbers[numbered[1]].add(int(numbered[2]))
    names: dict[str, str] = {}
    with reading() as connection:
        for kind, table in (("user", users), ("token", tokens)):
            if numbers[kind]:
                query = select(table.c.id, table.c.name).where(table.c.id.in_(numbers[kind]))
                names |= {f"{kind}:{row.id}": row.name for row in connection.execute(query)}
    return names


def everyone(limit: int) -> list[tuple[str, str]]:
    """Return the actors and names of users and tokens, by name, so many of each."""
    found: list[tuple[str, str]] = []
    with reading() as connection:
        for kind, table in (("user", users), ("token", tokens)):
            query = select(table.c.id, table.c.name).order_by(table.c.name).limit(limit)
            found += [(f"{kind}:{row.id}", row.name) for row in connection.execute(query)]
    return found


# The start of an event's canonical text: its keys are sorted, so the actor comes first.
_ACTOR: Final = '{"actor":"'
_NUMBERED_IN_EVENT: Final = re.compile('[a-z]+:([0-9]{1,18})"')
# Longer than any actor with a number.
_ACTOR_LENGTH_MAX: Final = 30


def next_number(connection: Connection, table: Table, kind: str) -> int:
    """Return the id of the next row of the table. `kind` is the prefix of its actors, such as "user".

    It is higher than every id in the table and in the account log, so none is used again even if rows
    were removed.
    """
    added = select(account_log.c.subject).where(
        account_log.c.act.in_(ADDING), account_log.c.subject.startswith(f"{kind}:")
    )
    matched = (_NUMBERED.fullmatch(subject) for subject in connection.scalars(added))
    numbers = [int(found[2]) for found in matched if found]
    last = max([*numbers, connection.scalar(select(func.max(table.c.id))) or 0])
    if not last:
        actor = func.substr(events.c.body, len(_ACTOR) + 1, _ACTOR_LENGTH_MAX)
        named = select(actor).where(events.c.body.startswith(f"{_ACTOR}{kind}:")).distinct()
        matches = (_NUMBERED_IN_EVENT.match(text) for text in connection.scalars(named))
        last = max((int(match[1]) for match in matches if match), default=0)
    return int(last) + 1
