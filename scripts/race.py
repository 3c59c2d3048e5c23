"""Races the ledger over HTTP for several hundred rounds: `python -m scripts.race --rounds 300`.

Starts a real server on a database (a SQLite file that is thrown away, or `--database URL`, which is
migrated first and keeps what is recorded), runs the races of the tests, prints how often each
answer came, and ends with `flask verify`. Needs what requirements-dev.txt lists.
"""

from __future__ import annotations

import argparse
import re
import secrets
import tempfile
import time
from collections import Counter
from pathlib import Path

from scripts import terminal
from scripts.terminal import Refused
from tests.fixtures.server import Serve, flask, serving
from tests.system import races
from tests.system.key_races import KEY_RACES

RACES = {**races.RACES, **KEY_RACES}


def run(serve: Serve, database_url: str, rounds: int, names: list[str]) -> None:
    """Run every race, a line of the table for each."""
    migrated = flask(database_url, "db", "upgrade")
    if migrated.returncode:
        raise Refused(f"Cannot migrate the database:\n{migrated.stderr}")
    server = serve(database_url)
    print(f"{races.CLIENTS} clients, {len(server.workers())} workers, {rounds} rounds of each race")
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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300, help="of each race (default: 300)")
    parser.add_argument("--database", metavar="URL", help="instead of a SQLite file that is thrown away")
    parser.add_argument("--race", choices=RACES, action="append", help="only this one; may be repeated")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database_url = chosen.database or f"sqlite:///{folder}/ledger.sqlite3"
        with serving(Path(folder)) as serve:
            run(serve, database_url, chosen.rounds, chosen.race or list(RACES))
        verified = flask(database_url, "verify")
        print(verified.stdout + verified.stderr, end="")
        if verified.returncode:
            raise Refused("The ledger did not stay whole.")


if __name__ == "__main__":
    terminal.run(main)
