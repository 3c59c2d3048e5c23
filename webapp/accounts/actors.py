"""Actors: who acts, as events name it (`user:3`, `token:1`, `cli`), with their numbers and names.

Opaque, never a name or an address (docs/ledger.md, "Events"). A number is never given twice, not even
in a ledger that was restored from an export, which holds events and no people.
"""

import re
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Table, func, select

from webapp.accounts.tables import tokens, users
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.tables import events

LOCAL: Final = "local"  # whoever uses the pages or the API of this installation
SETUP: Final = "setup"  # whoever showed the set-up code from elsewhere; only in the log of accounts
CLI: Final = "cli"  # whoever works at the server's terminal

_NUMBERED: Final = re.compile("(user|token):([0-9]{1,18})")


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Return the name of each user and token among these actors; others are left out."""
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


# How the text of an event begins: its keys are sorted, so the actor comes first.
_ACTOR: Final = '{"actor":"'
_NUMBERED_IN_EVENT: Final = re.compile('[a-z]+:([0-9]{1,18})"')
# More than the longest actor that has a number.
_ACTOR_LENGTH_MAX: Final = 30


def next_number(connection: Connection, table: Table, kind: str) -> int:
    """Return the number of the next row; `kind` is what stands before it in actors, such as "user"."""
    last = connection.scalar(select(func.max(table.c.id)))
    if last is None:
        actor = func.substr(events.c.body, len(_ACTOR) + 1, _ACTOR_LENGTH_MAX)
        named = select(actor).where(events.c.body.startswith(f"{_ACTOR}{kind}:")).distinct()
        matches = (_NUMBERED_IN_EVENT.match(text) for text in connection.scalars(named))
        last = max((int(match[1]) for match in matches if match), default=0)
    return int(last) + 1
