"""The names behind actors, for people to read: events and logs hold only `user:3` or `token:1`."""

import re
from collections.abc import Iterable
from typing import Final

from sqlalchemy import select

from webapp.accounts.tables import tokens, users
from webapp.ledger.database import reading

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
