"""Runs the race tests over HTTP for several hundred rounds: `python -m scripts.race --rounds 300`.

Starts a real server on a temporary SQLite file, then on a temporary PostgreSQL database (or once on `--url
URL`, which is migrated first and keeps the recorded data). Runs the races of the tests, prints the count of
each status, and ends with `flask verify`. Requires the packages of requirements-dev.txt.
"""

from __future__ import annotations

import argparse
import re
import secrets
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy.engine import make_url

from scripts.throwaway import database
from server import terminal
from server.terminal import CommandError
from tests.fixtures.ledger import DIALECTS
from tests.fixtures.server import Serve, flask, serving
from tests.system import races
from tests.system.amendment_races import AMENDMENT_RACES
from tests.system.idempotency_races import KEY_RACES

RACES = {**races.RACES, **AMENDMENT_RACES, **KEY_RACES}


def run(serve: Serve, database_url: str, rounds: int, names: list[str]) -> None:
    """Run the named races and print one line of the table for each."""
    migrated = flask(database_url, "db", "upgrade")
    if migrated.returncode:
        raise CommandError(f"Cannot migrate the database:\n{migrated.stderr}")
    server = serve(database_url)
    kind = make_url(database_url).get_backend_name()
    print(f"{kind}: {races.CLIENTS} clients, {len(server.workers())} workers, {rounds} rounds of each race")
    print(f"{'race':<24} {'seconds':>8} {'slowest answer':>15}  answers by status")
    mark = secrets.token_hex(3)
    for name in names:
        statuses: Counter[int] = Counter()
        slowest, started = 0.0, time.monotonic()
        with races.crowd(server, f"{mark}-{re.sub('[: ]+', '-', name)}") as crowd:
            for number in range(rounds):
                answers = RACES[name](crowd, number)
                statuses.update(answer.status for answer in answers)
                slowest = max(slowest, *(answer.seconds for answer in answers))
        took = time.monotonic() - started
        counted = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
        print(f"{name:<24} {took:>8.1f} {slowest:>13.2f} s  {counted}", flush=True)


def race(database_url: str, folder: Path, rounds: int, names: list[str]) -> None:
    """Run the races on one database, then verify it. Raises CommandError if verify finds problems."""
    with serving(folder) as serve:
        run(serve, database_url, rounds, names)
    verified = flask(database_url, "verify")
    print(verified.stdout + verified.stderr, end="", flush=True)
    if verified.returncode:
        raise CommandError("flask verify found problems.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300, help="rounds of each race (default: 300)")
    parser.add_argument("--database", choices=DIALECTS, action="append", help="only on this database")
    parser.add_argument("--url", help="URL of an existing database, used in place of temporary ones")
    parser.add_argument("--race", choices=RACES, action="append", help="only this race; may be repeated")
    chosen = parser.parse_args()
    names = chosen.race or list(RACES)
    if chosen.url:
        with tempfile.TemporaryDirectory() as folder:
            race(chosen.url, Path(folder), chosen.rounds, names)
        return
    for dialect in chosen.database or DIALECTS:
        with tempfile.TemporaryDirectory() as folder, database(dialect, Path(folder)) as database_url:
            race(database_url, Path(folder), chosen.rounds, names)


if __name__ == "__main__":
    terminal.run(main)
