"""Measures what the log's tree costs a create: `python -m scripts.bench.log_cost CREATES`.

Prints a JSON object for the SQLite ledger at DATABASE_URL. Credits are recorded in this process, in turns
with nodes and checkpoints and without both, so that both see the same machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, text

from tests.fixtures.credits import a_credit
from webapp import create_app
from webapp.accounts.actors import CLI
from webapp.ledger import event_log
from webapp.ledger.commands import create_credit
from webapp.ledger.group_commit import Transaction, transact
from webapp.ledger.projections.log_nodes import add_nodes
from webapp.ledger.storage.engine import db, reading
from webapp.ledger.transparency import signing
from webapp.ledger.transparency.tree import Tree

# Creates in one turn: two tiles, and less than a second.
TURN: Final = 512
# More than a ledger of this run holds.
_NEW: Final = 80_000_000
_TABLES: Final = ("log_nodes", "log_keys", "checkpoints", "cosignatures")


def measure(creates: int) -> dict[str, float]:
    """Return the seconds and the CPU with and without, the bytes of an event, the number of checkpoints."""
    spent, cpu = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
    hook, number = event_log._add_nodes, _NEW  # noqa: SLF001 - what is measured
    signing.sign()
    for turn in range(creates // TURN):
        is_with = turn % 2 == 0
        transact(_catch_up)  # what the turn before did without
        setattr(event_log, "_add_nodes", hook if is_with else _nothing)  # noqa: B010
        cpu_before = time.process_time()
        spent[is_with] += _recording(range(number, number + TURN), signing.sign if is_with else None)
        cpu[is_with] += time.process_time() - cpu_before
        number += TURN
    setattr(event_log, "_add_nodes", hook)  # noqa: B010
    cpu_ratio = cpu[True] / cpu[False]
    return {"with": spent[True], "without": spent[False], "cpu_ratio": cpu_ratio, **_sizes()}


def _recording(numbers: range, sign: Callable[[Tree], object] | None) -> float:
    """Record credits, signing every few seconds as the server does; return the seconds."""
    started = signed_at = time.perf_counter()
    for number in numbers:
        create_credit(a_credit(serial_number=f"BENCH-{number}"), CLI)
        if sign and time.perf_counter() - signed_at > signing.SIGN_EVERY_S:
            sign(Tree.EVENTS)
            signed_at = time.perf_counter()
    if sign:
        sign(Tree.EVENTS)
    return time.perf_counter() - started


def _catch_up(connection: Connection) -> None:
    add_nodes(connection, Tree.EVENTS, event_log.last_position(connection))


def _nothing(_transaction: Transaction, _first: int) -> None:
    """Store no nodes."""


def _sizes() -> dict[str, float]:
    names = ", ".join(f"'{name}'" for name in _TABLES)
    with reading() as connection:
        size = connection.scalar(text(f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({names})"))  # noqa: S608
        events = connection.scalar(text("SELECT max(position) FROM feed"))
        signed = connection.scalar(text("SELECT count(*) FROM checkpoints"))
    return {"bytes": float(size or 0) / float(events or 1), "checkpoints": float(signed or 0)}


def main() -> None:
    with create_app().app_context():
        print(json.dumps(measure(int(sys.argv[1]))))
        db.engine.dispose()


if __name__ == "__main__":
    main()
