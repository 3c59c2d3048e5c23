"""Fuzzes the API from its own OpenAPI document, on both databases: `make fuzz`.

Starts a real server on a temporary SQLite file, then on a temporary PostgreSQL database. Schemathesis sends
requests until each has answered enough of them; every pass has another seed. Prints the count of each
status. Fails on the first pass with a response that is not in the document or has a status of 500 or more,
and if `flask verify` finds problems afterwards. Requires the packages of requirements-dev.txt.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from scripts.throwaway import database
from server import terminal
from server.terminal import CommandError
from tests.fixtures.ledger import DIALECTS
from tests.fixtures.server import flask, serving
from tests.system.fuzzing import a_program, fuzz

REQUESTS: Final = 10_000
EXAMPLES: Final = 200


def run(dialect: str, folder: Path, requests: int, seed: int) -> None:
    """Fuzz one database until the server has answered `requests` requests. Raises CommandError."""
    statuses: Counter[int] = Counter()
    started = time.monotonic()
    with database(dialect, folder) as database_url:
        migrated = flask(database_url, "db", "upgrade")
        if migrated.returncode:
            raise CommandError(f"Cannot migrate the database:\n{migrated.stderr}")
        with serving(folder) as serve:
            server, token = serve(database_url), a_program(database_url)
            while statuses.total() < requests:
                fuzzed = fuzz(server, token, seed=seed, examples=EXAMPLES)
                if fuzzed.found:
                    raise CommandError(f"{fuzzed.found}\nThis was seed {seed} on {dialect}.")
                statuses += fuzzed.statuses
                seed += 1
        verified = flask(database_url, "verify")
        counted = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
        took = time.monotonic() - started
        print(f"{dialect:<11} {statuses.total():>7,} requests in {took:.0f} s  {counted}")
        print(verified.stdout + verified.stderr, end="", flush=True)
        if verified.returncode:
            raise CommandError("flask verify found problems.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--requests", type=int, default=REQUESTS, help="requests to each database (default: 10,000)"
    )
    parser.add_argument("--database", choices=DIALECTS, action="append", help="only on this database")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first pass (default: 1)")
    chosen = parser.parse_args()
    for dialect in chosen.database or DIALECTS:
        with tempfile.TemporaryDirectory() as folder:
            run(dialect, Path(folder), chosen.requests, chosen.seed)


if __name__ == "__main__":
    terminal.run(main)
