"""The numbers by which events name people and tokens: never given twice.

Not even in a ledger that was restored from an export, which holds events and no people.
"""

import re
from typing import Final

from sqlalchemy import Connection, Table, func, select

from webapp.ledger.tables import events

# How the text of an event begins: its keys are sorted, so the actor comes first.
_ACTOR: Final = '{"actor":"'
_NUMBERED: Final = re.compile('[a-z]+:([0-9]{1,18})"')
# More than the longest actor that has a number.
_ACTOR_LENGTH_MAX: Final = 30


def next_number(connection: Connection, table: Table, kind: str) -> int:
    """Return the number of the next row; `kind` is what stands before it in actors, such as "user"."""
    last = connection.scalar(select(func.max(table.c.id)))
    if last is None:
        actor = func.substr(events.c.body, len(_ACTOR) + 1, _ACTOR_LENGTH_MAX)
        named = select(actor).where(events.c.body.startswith(f"{_ACTOR}{kind}:")).distinct()
        matches = (_NUMBERED.match(text) for text in connection.scalars(named))
        last = max((int(match[1]) for match in matches if match), default=0)
    return int(last) + 1
